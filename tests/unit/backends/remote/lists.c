/* SPDX-License-Identifier: Apache-2.0 */
/* Several scopes cleared at once. */
#include "remote_store.h"

#define LONG_LIST (2 * FCR_TICK_MAX + 1)

/* Which have a counter of their own each, unlike tags. */
static void name_spaces(fcache_scope_t *scopes, size_t count, size_t different,
                        apr_pool_t *pool)
{
    for (size_t i = 0; i < count; i++) {
        scopes[i] =
            (fcache_scope_t){.kind = FCACHE_SCOPE_NAMESPACE,
                             .prefix = fcache_str("p"),
                             .ns = fcache_str(apr_psprintf(
                                 pool, "%" APR_SIZE_T_FMT, i % different))};
    }
}

/* However many tags a write clears, up to what a client takes at once. */
static void a_list_is_one_tick(void **state)
{
    static const struct {
        size_t count, different;
        unsigned ticks;
    } rows[] = {{0, 1, 0},
                {1, 1, 1},
                {67, 67, 1},
                {67, 3, 1},
                {FCR_TICK_MAX, FCR_TICK_MAX, 1},
                {FCR_TICK_MAX + 1, FCR_TICK_MAX + 1, 2},
                {LONG_LIST, LONG_LIST, 3}};
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = table_store(table, &table_client, "", pool);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_scope_t scopes[LONG_LIST];
        ROW(i, "scopes");
        name_spaces(scopes, rows[i].count, rows[i].different, pool);
        uint64_t before = fcr_epoch(store);
        table->ticks = table->ticked = 0;
        CHECK_INT(fcr_clear(store, scopes, rows[i].count, NULL), FCACHE_OK);
        CHECK_INT(table->ticks, rows[i].ticks);
        CHECK_INT(table->ticked, rows[i].ticks ? rows[i].different : 0);
        CHECK_INT(fcr_epoch(store) > before, rows[i].count > 0);
    }
}

/* One that may have reached the store, or not: what is hard in it counts. */
static void a_list_that_failed_is_lost_if_any_is_hard(void **state)
{
    apr_pool_t *pool = *state;
    for (int hard = 0; hard < 2; hard++) {
        table_t *table = table_create(pool);
        void *store = table_store(table, &table_client, "", pool);
        fcache_scope_t scopes[LONG_LIST];
        ROW((size_t)hard, "hard");
        remote_put(store, "a", "x", pool);
        name_spaces(scopes, LONG_LIST, LONG_LIST, pool);
        for (size_t i = 0; i < LONG_LIST; i++) {
            scopes[i].soft = !hard || i + 1 < LONG_LIST;
        }
        table->fail_tick = FCACHE_TIMEOUT;
        CHECK_INT(fcr_clear(store, scopes, LONG_LIST, NULL), FCACHE_TIMEOUT);
        table->fail_tick = FCACHE_OK;
        CHECK_INT(remote_get(store, "a", pool), hard ? FCACHE_MISS : FCACHE_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_list_is_one_tick),
        pool_test(a_list_that_failed_is_lost_if_any_is_hard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
