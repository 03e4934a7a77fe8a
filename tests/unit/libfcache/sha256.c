/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include "check.h"

/* FIPS 180-4, with NIST's examples. */
static void examples(void **state)
{
    static const struct {
        const char *text;
        unsigned char first[4];
        unsigned char last[4];
    } rows[] = {
        {"", {0xe3, 0xb0, 0xc4, 0x42}, {0x78, 0x52, 0xb8, 0x55}},
        {"abc", {0xba, 0x78, 0x16, 0xbf}, {0xf2, 0x00, 0x15, 0xad}},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         {0x24, 0x8d, 0x6a, 0x61},
         {0x19, 0xdb, 0x06, 0xc1}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned char out[FCI_SHA256_BYTES];
        ROW(i, rows[i].text);
        CHECK_INT(fci_sha256(fcache_str(rows[i].text), out), 1);
        assert_memory_equal(out, rows[i].first, 4);
        assert_memory_equal(out + FCI_SHA256_BYTES - 4, rows[i].last, 4);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
