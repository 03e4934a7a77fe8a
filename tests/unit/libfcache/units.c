/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/backend.h>

#include "check.h"

static void sizes(void **state)
{
    static const struct {
        const char *text;
        long long bytes; /* -1: bad */
    } rows[] = {
        {"0", 0},
        {"512", 512},
        {"512k", 524288},
        {"64M", 67108864},
        {"1g", 1073741824},
        {"8589934591g", 9223372035781033984},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"8589934592g", -1},
        {"18446744073709551616", -1},
        {"99999999999999999999999", -1},
        {"", -1},
        {"M", -1},
        {"-1", -1},
        {"+1", -1},
        {" 1", -1},
        {"1 ", -1},
        {"1.5M", -1},
        {"1MB", -1},
        {"0x10", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t bytes = 0;
        ROW(i, rows[i].text);
        CHECK_INT(fcache_size_parse(rows[i].text, &bytes),
                  rows[i].bytes < 0 ? FCACHE_BAD_INPUT : FCACHE_OK);
        if (rows[i].bytes >= 0) {
            CHECK_INT(bytes, rows[i].bytes);
        }
    }
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        long long us; /* -1: bad */
    } rows[] = {
        {"0", 0},
        {"500ms", 500000},
        {"15", 15000000},
        {"15s", 15000000},
        {"5m", 300000000},
        {"1H", 3600000000},
        {"7d", 604800000000},
        {"106751991d", 9223372022400000000},
        {"106751992d", -1},
        {"1us", -1},
        {"1w", -1},
        {"ms", -1},
        {"", -1},
        {"-5m", -1},
        {"5 m", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t us = 0;
        ROW(i, rows[i].text);
        CHECK_INT(fcache_duration_parse(rows[i].text, &us),
                  rows[i].us < 0 ? FCACHE_BAD_INPUT : FCACHE_OK);
        if (rows[i].us >= 0) {
            CHECK_INT(us, rows[i].us);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
