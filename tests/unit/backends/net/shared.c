/* SPDX-License-Identifier: Apache-2.0 */

/* The page that processes share: found again, cells, latency. */

#include "check.h"
#include "pool.h"

#include <net/deadline.h>
#include <net/shared.h>

#include <stdlib.h>

static fcn_shared_t *page_of(const char *name, apr_pool_t *pool)
{
    fcn_shared_t *shared = NULL;
    assert_int_equal(fcn_shared_open(name, pool, &shared, NULL), FCACHE_OK);
    return shared;
}

static void pages_are_found_by_name(void **state)
{
    fcn_shared_t *one = page_of("one", *state);
    one->hits = 7;
    fcn_shared_t *two = page_of("two", *state);
    assert_ptr_not_equal(one, two);
    assert_int_equal(two->hits, 0);
    assert_ptr_equal(page_of("one", *state), one); /* a graceful restart */
}

static void servers_have_cells(void **state)
{
    fcn_shared_t *shared = page_of("cells", *state);
    fcn_cell_t *cells[FCN_CELLS + 10];
    char name[32];
    for (int i = 0; i < FCN_CELLS + 10; i++) {
        snprintf(name, sizeof(name), "host%d:6379", i);
        cells[i] = fcn_shared_cell(shared, name);
        for (int j = 0; j < i && j < FCN_CELLS - 1; j++) {
            assert_ptr_not_equal(cells[i], cells[j]);
        }
    }
    for (int i = 0; i < FCN_CELLS + 10; i++) {
        snprintf(name, sizeof(name), "host%d:6379", i);
        assert_ptr_equal(fcn_shared_cell(shared, name), cells[i]);
    }
    assert_ptr_equal(cells[FCN_CELLS + 9], &shared->cells[FCN_CELLS - 1]);
}

typedef struct row_t {
    const char *name;
    int64_t us[4];
    uint64_t p50, p99, most;
} row_t;

/* Each is counted so often: percentiles are the ends of buckets. */
static const uint64_t times[4] = {50, 40, 9, 1};

static const row_t rows[] = {
    {"spread", {90, 190, 950, 20000}, 96, 1024, 20000},
    {"nothing", {0, 0, 0, 0}, 5, 5, 0},
    {"a clock that went back", {-5, -5, -5, -5}, 5, 5, 0},
    {"for ever",
     {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
     268435456,
     268435456,
     INT64_MAX},
    {"all alike", {1000, 1000, 1000, 1000}, 1024, 1024, 1000},
};

static void latency_is_counted(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        fcn_shared_t *shared = page_of(rows[i].name, *state);
        for (size_t j = 0; j < COUNT(times); j++) {
            for (uint64_t k = 0; k < times[j]; k++) {
                fcn_shared_latency(shared, rows[i].us[j]);
            }
        }
        fcache_stats_t stats = {0};
        fcn_shared_stats(shared, &stats);
        CHECK_INT(stats.round_trips, 100);
        CHECK_INT(stats.latency_p50_us, rows[i].p50);
        CHECK_INT(stats.latency_p99_us, rows[i].p99);
        CHECK_INT(stats.latency_max_us, rows[i].most);
    }
}

/* A percentile is never more than a quarter above the truth. */
static void percentiles_are_near(void **state)
{
    for (int64_t us = 4; us < 10000000; us += us / 7 + 1) {
        fcn_shared_t *shared = page_of("near", *state);
        memset((void *)shared, 0, sizeof(*shared));
        fcn_shared_latency(shared, us);
        fcache_stats_t stats = {0};
        fcn_shared_stats(shared, &stats);
        assert_in_range(stats.latency_p50_us, us + 1, us + us / 4 + 1);
    }
}

static void stats_are_added_up(void **state)
{
    fcn_shared_t *shared = page_of("stats", *state);
    fcache_stats_t stats = {.hits = 100};
    int64_t now_us = fcn_clock_us();
    fcn_shared_stats(shared, &stats);
    assert_int_equal(stats.breaker, 0);
    assert_int_equal(stats.latency_p99_us, 0);
    shared->hits = 5;
    shared->skipped = 3;
    shared->opened = 2;
    shared->cells[3].open_until_us = now_us - 1;
    fcn_shared_stats(shared, &stats);
    assert_int_equal(stats.hits, 105);
    assert_int_equal(stats.skipped, 3);
    assert_int_equal(stats.breaker_opened, 2);
    assert_int_equal(stats.breaker, 1);
    shared->cells[2].open_until_us = now_us + 3600000000;
    fcn_shared_stats(shared, &stats);
    assert_int_equal(stats.breaker, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(pages_are_found_by_name), pool_test(servers_have_cells),
        pool_test(latency_is_counted),      pool_test(percentiles_are_near),
        pool_test(stats_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
