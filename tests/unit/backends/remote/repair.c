/* SPDX-License-Identifier: Apache-2.0 */
/* Many find at the same time that the clock is lost. */
#include "remote_store.h"

#define CLOCK "{fcache}clock"

static void get_elsewhere(void *baton)
{
    apr_pool_t *pool = NULL;
    apr_pool_create(&pool, NULL);
    remote_get(baton, "other", pool);
    apr_pool_destroy(pool);
}

/* Of all who find it lost at once, one writes it down. */
static void a_lost_clock_is_mended_once(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *one = table_store(table, &table_client, "", pool);
    void *two = table_store(table, &table_client, "", pool); /* same page */
    remote_put(one, "a", "", pool);
    table_drop(table, CLOCK, 0);
    table->ticks = 0;
    table->after =
        get_elsewhere; /* we saw that there is none, and so do they */
    table->hook_baton = two;
    assert_int_equal(remote_get(one, "a", pool), FCACHE_MISS);
    assert_int_equal(table->ticks, 1);
}

static void put_elsewhere(void *baton)
{
    apr_pool_t *pool = NULL;
    apr_pool_create(&pool, NULL);
    assert_int_equal(remote_get(baton, "b", pool), FCACHE_MISS);
    remote_put(baton, "b", "", pool);
    apr_pool_destroy(pool);
}

static void lose_clock(table_t *table, const char *text)
{
    if (text) {
        table_set(table, CLOCK, 0, fcache_str(text));
    } else {
        table_drop(table, CLOCK, 0);
    }
}

/* So it is with hosts, which know nothing of each other: what one put there after
 * it wrote it down is not lost for the other that had seen the same. */
static void a_lost_clock_is_mended_by_one_host(void **state)
{
    static const char *const clocks[] = {NULL, "5"};
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(clocks); i++) {
        table_t *table = table_create(pool);
        void *one = remote_host(table, "", pool);
        void *two = remote_host(table, "", pool);
        ROW(i, clocks[i] ? clocks[i] : "missing");
        remote_put(one, "a", "", pool);
        CHECK_INT(remote_get(one, "a", pool), FCACHE_OK);
        CHECK_INT(remote_get(two, "a", pool), FCACHE_OK);
        lose_clock(table, clocks[i]);
        table->ticks = 0;
        table->after = put_elsewhere;
        table->hook_baton = two;
        CHECK_INT(remote_get(one, "a", pool), FCACHE_MISS);
        CHECK_INT(table->ticks, 1);
        CHECK_INT(remote_get(one, "a", pool), FCACHE_MISS);
        CHECK_INT(remote_get(two, "a", pool), FCACHE_MISS);
        CHECK_INT(remote_get(one, "b", pool), FCACHE_OK);
        CHECK_INT(remote_get(two, "b", pool), FCACHE_OK);
        CHECK_INT(table->ticks, 1);
    }
}

static void clear_elsewhere(void *baton)
{
    assert_int_equal(remote_clear_tag(baton, "x", 0), FCACHE_OK);
}

/* It raises the clock, but what was lost before stays lost. */
static void a_clear_mends_no_lost_clock(void **state)
{
    static const char *const clocks[] = {NULL, "5"};
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(clocks); i++) {
        table_t *table = table_create(pool);
        void *one = remote_host(table, "", pool);
        void *two = remote_host(table, "", pool);
        ROW(i, clocks[i] ? clocks[i] : "missing");
        remote_put(one, "a", "y", pool);
        CHECK_INT(remote_get(one, "a", pool), FCACHE_OK);
        lose_clock(table, clocks[i]);
        table->ticks = 0;
        table->after = clear_elsewhere;
        table->hook_baton = two;
        CHECK_INT(remote_get(one, "a", pool), FCACHE_MISS);
        CHECK_INT(table->ticks, 2);
        CHECK_INT(remote_get(two, "a", pool), FCACHE_MISS);
    }
}

/* A store that reads the entry after the clock: what was put between is alive. */
static void repair_and_show(void *baton)
{
    table_t *table = baton;
    apr_pool_t *pool = NULL;
    apr_pool_create(&pool, NULL);
    void *two = remote_host(table, "", pool);
    put_elsewhere(two);
    table->clock_is_hidden = 1;
    apr_pool_destroy(pool);
}

static void what_was_put_meanwhile_is_alive(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *one = remote_host(table, "", pool);
    table->hook = repair_and_show;
    table->hook_baton = table;
    assert_int_equal(remote_get(one, "b", pool), FCACHE_OK);
    assert_int_equal(table->ticks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_lost_clock_is_mended_once),
        pool_test(a_lost_clock_is_mended_by_one_host),
        pool_test(a_clear_mends_no_lost_clock),
        pool_test(what_was_put_meanwhile_is_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
