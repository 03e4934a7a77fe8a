/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/coder.h>

#include "check.h"
#include "pool.h"

static fcache_status_t encode(const fcache_coder_t *coder, const void *value,
                              fcache_buf_t *out, fcache_error_t *error)
{
    (void)coder;
    (void)value;
    (void)out;
    (void)error;
    return FCACHE_OK;
}

static fcache_status_t decode(const fcache_coder_t *coder, fcache_bytes_t bytes,
                              void *out_value, apr_pool_t *pool,
                              fcache_error_t *error)
{
    (void)coder;
    (void)bytes;
    (void)out_value;
    (void)pool;
    (void)error;
    return FCACHE_OK;
}

static fcache_status_t add(fcache_coders_t *coders, fcache_coder_t *coder,
                           const char *name)
{
    coder->name = name;
    coder->encode = encode;
    coder->decode = decode;
    return fcache_coder_register(coders, coder, NULL);
}

static void builtin_coders_are_there(void **state)
{
    static const struct {
        const char *name;
        int in_place;
        fcache_coder_kind_t kind;
    } rows[] = {
        {"http", 1, FCACHE_CODER_RESPONSE},
        {"json", 0, FCACHE_CODER_RESPONSE},
        {"raw", 1, FCACHE_CODER_VALUE},
    };
    fcache_coders_t *coders = fcache_coders_create(*state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const fcache_coder_t *coder =
            fcache_coder_find(coders, fcache_str(rows[i].name));
        ROW(i, rows[i].name);
        assert_non_null(coder);
        CHECK_INT(coder->in_place, rows[i].in_place);
        CHECK_INT(coder->kind, rows[i].kind);
    }
    assert_string_equal(fcache_coders_names(coders, *state), "http, json, raw");
    assert_null(fcache_coder_find(coders, fcache_str("htt")));
    assert_null(fcache_coder_find(coders, fcache_str("")));
}

static void coders_are_registered_once(void **state)
{
    static fcache_coder_t mine;
    static fcache_coder_t twin;
    fcache_coders_t *coders = fcache_coders_create(*state);
    assert_int_equal(add(coders, &mine, "mine-1.0_x"), FCACHE_OK);
    assert_ptr_equal(fcache_coder_find(coders, fcache_str("mine-1.0_x")),
                     &mine);
    assert_int_equal(add(coders, &twin, "mine-1.0_x"), FCACHE_EXISTS);
    assert_int_equal(add(coders, &twin, "json"), FCACHE_EXISTS);
    assert_string_equal(fcache_coders_names(coders, *state),
                        "http, json, raw, mine-1.0_x");
}

static void bad_coders_are_refused(void **state)
{
    static const char *const names[] = {
        NULL, "", "Upper", "a b", "a/b", "sixteen-letters.",
    };
    fcache_coders_t *coders = fcache_coders_create(*state);
    for (size_t i = 0; i < COUNT(names); i++) {
        fcache_coder_t coder = {.kind = FCACHE_CODER_VALUE};
        ROW(i, names[i]);
        CHECK_INT(add(coders, &coder, names[i]), FCACHE_BAD_INPUT);
    }
    fcache_coder_t coder = {.name = "x", .encode = encode};
    assert_int_equal(fcache_coder_register(coders, &coder, NULL),
                     FCACHE_BAD_INPUT);
    coder.decode = decode;
    coder.kind = (fcache_coder_kind_t)7;
    assert_int_equal(fcache_coder_register(coders, &coder, NULL),
                     FCACHE_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(builtin_coders_are_there),
        pool_test(coders_are_registered_once),
        pool_test(bad_coders_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
