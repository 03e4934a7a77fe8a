/* SPDX-License-Identifier: Apache-2.0 */
/* Gets and adds that belong together have the time of one look-up. */
#include "remote_store.h"

#include "net/deadline.h"

static fcache_status_t get(void *store, int64_t *until_us,
                           fcache_error_t *error, apr_pool_t *pool)
{
    fcache_key_t key = remote_key("a", pool);
    fcache_item_t item;
    return fcr_get(store, &key, NOW, until_us, &item, pool, error);
}

static void the_first_get_sets_the_limit_of_all(void **state)
{
    apr_pool_t *pool = *state;
    void *store = remote_host(table_create(pool), "lookup=20s", pool);
    int64_t until_us = 0;
    remote_put(store, "a", "", pool);
    int64_t before_us = fcn_clock_us();
    assert_int_equal(get(store, &until_us, NULL, pool), FCACHE_OK);
    assert_in_range(until_us - before_us, 20000000, 30000000);
    int64_t first_us = until_us;
    uint64_t clock;
    assert_int_equal(get(store, &until_us, NULL, pool), FCACHE_OK);
    assert_int_equal(fcr_sync(store, &until_us, &clock, NULL), FCACHE_OK);
    assert_int_equal(remote_add(store, "b", &until_us, pool), FCACHE_OK);
    assert_int_equal(until_us, first_us);
}

/* Not even asked: it would be told of as the server's failure. */
static void after_the_limit_nobody_is_asked(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcache_error_t error = {""};
    fcache_stats_t stats;
    int64_t until_us = 1;
    uint64_t clock;
    remote_put(store, "a", "", pool);
    table->fetches = 0;
    assert_int_equal(get(store, &until_us, &error, pool), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(error.text, "its option lookup"));
    assert_int_equal(fcr_sync(store, &until_us, &clock, NULL),
                     FCACHE_UNAVAILABLE);
    assert_int_equal(remote_add(store, "b", &until_us, pool),
                     FCACHE_UNAVAILABLE);
    assert_int_equal(table->fetches, 0);
    assert_int_equal(until_us, 1);
    assert_int_equal(fcr_stats(store, &stats, NULL), FCACHE_OK);
    assert_int_equal(stats.faults, 3);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_MISS);
    assert_int_equal(get(store, NULL, NULL, pool), FCACHE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(the_first_get_sets_the_limit_of_all),
        pool_test(after_the_limit_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
