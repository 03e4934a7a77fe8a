/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/call.h>

#include "check.h"
#include "fake_store.h"
#include "pool.h"

static fcache_status_t nothing(void *baton, const fcache_arg_t *args,
                               size_t count, void *out_value, apr_pool_t *pool,
                               fcache_error_t *error)
{
    (void)baton, (void)args, (void)count, (void)out_value, (void)pool;
    (void)error;
    return FCACHE_MISS;
}

static fcache_call_t call_of(const char *module, const char *function)
{
    const fcache_call_t call = {
        .module = module, .function = function, .fn = nothing};
    return call;
}

static const char *name_of(fcache_t *cache, const fcache_call_t *call,
                           const fcache_arg_t *args, size_t count,
                           apr_pool_t *pool)
{
    fcache_key_t key;
    assert_int_equal(
        fcache_call_key(cache, call, args, count, &key, pool, NULL), FCACHE_OK);
    return key.name.ptr;
}

#define MANY 40

/* Each row is another call than every other row. */
static void types_and_values_are_apart(void **state)
{
    static char long_a[1000];
    static char long_b[1000];
    memset(long_a, 'a', sizeof(long_a));
    memset(long_b, 'a', sizeof(long_b));
    long_b[999] = 'b';
    const fcache_arg_t rows[] = {
        fcache_arg_null(),
        fcache_arg_int(1),
        fcache_arg_int(-1),
        fcache_arg_int(INT64_MIN),
        fcache_arg_int(INT64_MAX),
        fcache_arg_uint(1),
        fcache_arg_uint(INT64_MAX),
        fcache_arg_uint(UINT64_MAX),
        fcache_arg_double(1.0),
        fcache_arg_double(0.0),
        fcache_arg_double(-0.0),
        fcache_arg_bool(0),
        fcache_arg_bool(1),
        fcache_arg_str(""),
        fcache_arg_str("1"),
        fcache_arg_str("true"),
        fcache_arg_str("null"),
        fcache_arg_bytes(fcache_str("")),
        fcache_arg_bytes(fcache_str("1")),
        fcache_arg_bytes(fcache_bytes("1\0", 2)),
        fcache_arg_bytes(fcache_bytes(long_a, sizeof(long_a))),
        fcache_arg_bytes(fcache_bytes(long_b, sizeof(long_b))),
        fcache_arg_bytes(fcache_bytes(long_a, sizeof(long_a) - 1)),
    };
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    const fcache_call_t call = call_of("m", "f");
    const char *names[COUNT(rows)];
    for (size_t i = 0; i < COUNT(rows); i++) {
        names[i] = name_of(cache, &call, &rows[i], 1, *state);
        for (size_t j = 0; j < i; j++) {
            ROW(i, "another argument");
            CHECK_INT(strcmp(names[i], names[j]) != 0, 1);
        }
    }
    assert_string_equal(names[1], name_of(cache, &call, &rows[1], 1, *state));
    fcache_arg_t yes = fcache_arg_bool(77);
    assert_string_equal(names[12], name_of(cache, &call, &yes, 1, *state));
    fcache_arg_t none = fcache_arg_str(NULL);
    assert_string_equal(names[0], name_of(cache, &call, &none, 1, *state));
}

/* Nothing is joined: neither arguments nor names run into one another. */
static void places_are_apart(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    const fcache_arg_t args[][2] = {
        {fcache_arg_str("a"), fcache_arg_str("b")},
        {fcache_arg_str("b"), fcache_arg_str("a")},
        {fcache_arg_str("ab"), fcache_arg_str("")},
        {fcache_arg_str(""), fcache_arg_str("ab")},
    };
    const fcache_call_t calls[] = {
        call_of("m", "f"),
        call_of("mf", ""),
        call_of("", "mf"),
        call_of("f", "m"),
        {.module = "m", .function = "f", .ns = "n"},
    };
    const char *names[MANY];
    size_t count = 0;
    for (size_t i = 0; i < COUNT(calls); i++) {
        for (size_t j = 0; j < COUNT(args); j++) {
            for (size_t k = 0; k <= 2; k++) {
                if (k < 2 && j > 0) {
                    continue; /* fewer arguments, once */
                }
                names[count] = name_of(cache, &calls[i], args[j], k, *state);
                for (size_t l = 0; l < count; l++) {
                    ROW(count, "another call");
                    CHECK_INT(strcmp(names[l], names[count]) != 0, 1);
                }
                count++;
            }
        }
    }
    assert_int_equal(count, COUNT(calls) * 6);
}

static void keys_are_readable(void **state)
{
    const fcache_arg_t args[] = {fcache_arg_int(-42), fcache_arg_str("x y"),
                                 fcache_arg_double(1.0), fcache_arg_bool(1),
                                 fcache_arg_null()};
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    const fcache_call_t call = call_of("app.users", "by_id");
    fcache_key_t key;
    fcache_call_key(cache, &call, args, COUNT(args), &key, *state, NULL);
    assert_string_equal(
        fcache_canonical_format(key.canonical, *state),
        "module=app.users function=by_id int=-42 string=x\\x20y "
        "double=3ff0000000000000 bool=true null=");
}

static void too_much_is_refused(void **state)
{
    static char text[FCACHE_ARG_MAX_PLAIN];
    fcache_arg_t args[MANY];
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    const fcache_call_t call = call_of("m", "f");
    fcache_key_t key;
    fcache_error_t error;
    for (size_t i = 0; i < COUNT(args); i++) {
        args[i] = fcache_arg_bytes(fcache_bytes(text, sizeof(text)));
    }
    assert_int_equal(
        fcache_call_key(cache, &call, args, COUNT(args), &key, *state, &error),
        FCACHE_TOO_LARGE);
    assert_string_equal(error.text, "argument 15 of a key: too large");
    args[0].kind = (fcache_arg_kind_t)99;
    assert_int_equal(
        fcache_call_key(cache, &call, args, 1, &key, *state, &error),
        FCACHE_BAD_INPUT);
}

static fcache_status_t only_the_second(void *baton, const char *module,
                                       const char *function,
                                       const fcache_arg_t *args, size_t count,
                                       fcache_tuple_t *tuple,
                                       fcache_error_t *error)
{
    (void)module, (void)count;
    (void)fcache_tuple_add(tuple, baton, fcache_str(function));
    return fcache_args_add(tuple, args + 1, 1, error);
}

static void builders_say_what_counts(void **state)
{
    static char label[] = "own";
    const fcache_arg_t args[] = {fcache_arg_str("session 1"),
                                 fcache_arg_int(5)};
    const fcache_arg_t again[] = {fcache_arg_str("session 2"),
                                  fcache_arg_int(5)};
    const fcache_arg_t other[] = {fcache_arg_str("session 2"),
                                  fcache_arg_int(6)};
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_call_t call = call_of("m", "f");
    call.key = only_the_second;
    call.key_baton = label;
    assert_string_equal(name_of(cache, &call, args, 2, *state),
                        name_of(cache, &call, again, 2, *state));
    assert_string_not_equal(name_of(cache, &call, args, 2, *state),
                            name_of(cache, &call, other, 2, *state));
    fcache_key_t key;
    fcache_call_key(cache, &call, args, 2, &key, *state, NULL);
    assert_string_equal(fcache_canonical_format(key.canonical, *state),
                        "own=f int=5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(types_and_values_are_apart), pool_test(places_are_apart),
        pool_test(keys_are_readable),          pool_test(too_much_is_refused),
        pool_test(builders_say_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
