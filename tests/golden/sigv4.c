/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that others published: AWS's own test suite, and botocore's. */
#include "golden.h"
#include "pool.h"

#include "dynamodb/sigv4.h"

#define HEADERS_MAX 8

static size_t headers_of(const json_t *one, fcd_header_t *out_headers,
                         apr_pool_t *pool)
{
    fcache_fields_t fields = golden_fields(one, "headers", pool);
    assert_true(fields.count <= HEADERS_MAX);
    for (size_t i = 0; i < fields.count; i++) {
        out_headers[i].name = fields.items[i].name;
        out_headers[i].value = fields.items[i].value;
    }
    return fields.count;
}

static void check(const json_t *one, apr_pool_t *pool)
{
    fcd_header_t headers[HEADERS_MAX];
    char stamp[FCD_STAMP_LEN + 1];
    char authorization[FCD_AUTH_MAX];
    fcd_signing_key_t key;
    fcd_signable_t request = {
        .method = golden_text(one, "method"),
        .path = golden_text(one, "path"),
        .query = golden_text(one, "query"),
        .headers = headers,
        .header_count = headers_of(one, headers, pool),
        .body = golden_text(one, "body"),
    };
    fcd_signer_t signer = {
        .key_id = golden_text(one, "key_id"),
        .region = golden_text(one, "region"),
        .service = golden_text(one, "service"),
        .key = &key,
        .stamp = stamp,
    };
    ROW(0, golden_why(one));
    fcd_stamp(golden_number(one, "time_s"), stamp);
    CHECK_INT(fcd_signing_key(golden_text(one, "secret"), stamp, signer.region,
                              signer.service, &key),
              1);
    CHECK_INT(fcd_sign(&signer, &request, authorization), FCACHE_OK);
    CHECK_INT(fcache_bytes_equal(fcache_str(authorization),
                                 golden_text(one, "authorization")),
              1);
}

static void signatures_are_as_published(void **state)
{
    golden_each("sigv4", check, *state);
}

static void headers_must_be_in_order(void **state)
{
    const char *const names[][2] = {{"b", "a"}, {"a", "a"}, {"ab", "a"}};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        fcd_header_t headers[2] = {{fcache_str(names[i][0]), {"", 0}},
                                   {fcache_str(names[i][1]), {"", 0}}};
        fcd_signable_t request = {.headers = headers, .header_count = 2};
        fcache_buf_t out;
        ROW(i, names[i][0]);
        fcache_buf_init(&out, 1024);
        CHECK_INT(fcd_canonical(&request, &out), FCACHE_BAD_INPUT);
        fcache_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(signatures_are_as_published),
        cmocka_unit_test(headers_must_be_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
