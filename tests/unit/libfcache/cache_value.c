/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache.h>

#include "check.h"
#include "fake_store.h"
#include "pool.h"

static const int64_t now = 1000 * FCACHE_US_PER_S;

static fcache_key_t key_of(const char *text, apr_pool_t *pool)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_key_t key;
    fcache_tuple_add(tuple, "k", fcache_str(text));
    assert_int_equal(fcache_key_from_tuple(tuple, fcache_str("p"),
                                           fcache_str("n"), &key, pool, NULL),
                     FCACHE_OK);
    return key;
}

static fcache_status_t put(fcache_t *cache, const fcache_key_t *key,
                           const char *value, int64_t ttl_s)
{
    return fcache_put(cache, key, fcache_str(value), ttl_s,
                      fcache_bytes(NULL, 0), 0, now, NULL);
}

static void values_live_their_time(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = key_of("a", *state);
    fcache_bytes_t value;
    int64_t ttl_us = 0;
    assert_int_equal(
        fcache_get(cache, &key, now, &value, &ttl_us, *state, NULL),
        FCACHE_MISS);
    assert_int_equal(put(cache, &key, "one", 10), FCACHE_OK);
    assert_int_equal(fcache_get(cache, &key, now + 3 * FCACHE_US_PER_S, &value,
                                &ttl_us, *state, NULL),
                     FCACHE_OK);
    CHECK_TEXT(value, "one");
    assert_int_equal(ttl_us, 7 * FCACHE_US_PER_S);
    assert_int_equal(fcache_get(cache, &key, now + 10 * FCACHE_US_PER_S, &value,
                                NULL, *state, NULL),
                     FCACHE_MISS);
    assert_int_equal(
        fcache_touch(cache, &key, now + 20 * FCACHE_US_PER_S, now, NULL),
        FCACHE_OK);
    assert_int_equal(fcache_get(cache, &key, now + 10 * FCACHE_US_PER_S, &value,
                                NULL, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(store->pins, 0);
}

static void add_is_for_one(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = key_of("lock", *state);
    fcache_bytes_t none = fcache_bytes(NULL, 0);
    fcache_bytes_t value;
    assert_int_equal(
        fcache_add(cache, &key, fcache_str("1"), 5, none, 0, now, NULL),
        FCACHE_OK);
    assert_int_equal(
        fcache_add(cache, &key, fcache_str("2"), 5, none, 0, now, NULL),
        FCACHE_EXISTS);
    fcache_get(cache, &key, now, &value, NULL, *state, NULL);
    CHECK_TEXT(value, "1");
}

static void bad_values_are_refused(void **state)
{
    static char large[(1 << 20) + 1];
    static const int64_t ttls[] = {0, -1, FCACHE_DELTA_MAX + 1, INT64_MAX};
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = key_of("a", *state);
    for (size_t i = 0; i < COUNT(ttls); i++) {
        assert_int_equal(put(cache, &key, "v", ttls[i]), FCACHE_BAD_INPUT);
    }
    assert_int_equal(fcache_put(cache, &key, fcache_bytes(large, sizeof(large)),
                                5, fcache_bytes(NULL, 0), 0, now, NULL),
                     FCACHE_TOO_LARGE);
    assert_int_equal(fcache_put(cache, &key, fcache_str("v"), 5,
                                fcache_str("no list"), 0, now, NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(store->puts, 0);
}

static void softly_purged_values_are_missed(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = key_of("a", *state);
    fcache_bytes_t value;
    put(cache, &key, "v", 5);
    store->soft_purged = 1;
    assert_int_equal(fcache_get(cache, &key, now, &value, NULL, *state, NULL),
                     FCACHE_MISS);
    assert_int_equal(store->pins, 0);
}

static void empty_values_are_values(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = key_of("a", *state);
    fcache_bytes_t value;
    assert_int_equal(put(cache, &key, "", 5), FCACHE_OK);
    assert_int_equal(fcache_get(cache, &key, now, &value, NULL, *state, NULL),
                     FCACHE_OK);
    assert_non_null(value.ptr);
    assert_int_equal(value.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(values_live_their_time),
        pool_test(add_is_for_one),
        pool_test(bad_values_are_refused),
        pool_test(softly_purged_values_are_missed),
        pool_test(empty_values_are_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
