/* SPDX-License-Identifier: Apache-2.0 */
/* The clock and its counters: what was purged stays so, whatever a store forgets
 * (F30, F31). */
#include "remote_store.h"

#include "remote/counters.h"
#include "remote/purge.h"
#include "remote/store.h"

#include <apr_time.h>
#include <stdlib.h>

#define CLOCK "{fcache}clock"

static void look_ups_take_one_round_trip(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    remote_put(store, "a", "xy", pool);
    table->fetches = 0;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_MISS);
    assert_int_equal(table->fetches, 2);
    assert_int_equal(remote_clear_tag(store, "z", 0), FCACHE_OK);
    table->fetches = table->names = 0;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(table->fetches, 2);
    assert_int_equal(table->names, 2 + 2 * 5);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(table->fetches, 3);
    assert_int_equal(remote_clear_tag(store, "x", 1), FCACHE_OK);
    for (unsigned i = 5; i < 8; i++) {
        assert_int_equal(remote_get(store, "a", pool), FCACHE_EXISTS);
        assert_int_equal(table->fetches, i);
    }
}

static void a_purge_is_seen_by_all_at_once(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *one = remote_host(table, "", pool);
    void *two = remote_host(table, "", pool);
    remote_put(one, "a", "x", pool);
    remote_put(two, "b", "y", pool);
    assert_int_equal(remote_get(two, "a", pool), FCACHE_OK);
    uint64_t before = fcr_epoch(two);
    assert_int_equal(remote_clear_tag(one, "x", 0), FCACHE_OK);
    /* what was computed before, and stored by who knows nothing of the purge */
    assert_int_equal(remote_put_at(two, "c", "x", before, pool), FCACHE_OK);
    assert_int_equal(remote_get(two, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(two, "c", pool), FCACHE_MISS);
    assert_int_equal(remote_get(two, "b", pool), FCACHE_OK);
    assert_int_equal(fcr_epoch(one), fcr_epoch(two));
    remote_put(two, "a", "x", pool);
    assert_int_equal(remote_get(one, "a", pool), FCACHE_OK);
}

/* T25: put back behind the store's back. */
static void what_was_purged_cannot_be_replayed(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    remote_put(store, "a", "x", pool);
    table_row_t *row = table_find(table, "p:n:a", 0);
    fcache_bytes_t old =
        fcache_bytes(apr_pmemdup(pool, row->value, row->len), row->len);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    remote_put(store, "a", "x", pool);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    table_set(table, "p:n:a", 0, old);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
}

static unsigned drop_counters(table_t *table, const char *start)
{
    unsigned count = 0;
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        table_row_t *row = &table->rows[i];
        if (row->used && strncmp(row->name, start, strlen(start)) == 0) {
            free(row->value);
            *row = (table_row_t){0};
            count++;
        }
    }
    return count;
}

/* Clock 0 is the first of the table's clocks. */
static void a_lost_clock_loses_all(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *one = remote_host(table, "", pool);
    remote_put(one, "a", "x", pool);
    remote_put(one, "b", "", pool);
    assert_int_equal(remote_clear_tag(one, "x", 0), FCACHE_OK);
    uint64_t before = table_clock(table, 0);
    drop_counters(table, "{");
    table->ticks = 0;
    /* who has never been there cannot know */
    void *two = remote_host(table, "", pool);
    assert_int_equal(remote_get(two, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(two, "b", pool), FCACHE_MISS);
    assert_int_equal(remote_get(one, "b", pool), FCACHE_MISS);
    assert_int_equal(table->ticks, 1);
    assert_true(table_clock(table, 0) > before);
    remote_put(two, "b", "", pool);
    assert_int_equal(remote_get(one, "b", pool), FCACHE_OK);
}

/* A replica without the last purges takes over, with the entries of before. */
static void a_clock_that_was_put_back_loses_all(void **state)
{
    apr_pool_t *pool = *state;
    for (int is_new = 0; is_new < 2; is_new++) {
        char text[32];
        table_t *table = table_create(pool);
        void *one = remote_host(table, "", pool);
        remote_put(one, "a", "x", pool);
        apr_snprintf(text, sizeof(text), "%" APR_UINT64_T_FMT,
                     table_clock(table, 0));
        assert_int_equal(remote_clear_tag(one, "x", 0), FCACHE_OK);
        uint64_t after = table_clock(table, 0);
        remote_put(one, "b", "", pool);
        assert_int_equal(remote_get(one, "b", pool), FCACHE_OK);
        table_set(table, CLOCK, 0, fcache_str(text));
        void *two = is_new ? remote_host(table, "", pool) : one;
        ROW((size_t)is_new, "another host");
        table->ticks = 0;
        CHECK_INT(remote_get(two, "b", pool), FCACHE_MISS);
        CHECK_INT(remote_get(two, "b", pool), FCACHE_MISS);
        CHECK_INT(remote_get(two, "a", pool), FCACHE_MISS);
        CHECK_INT(table->ticks, 1);
        CHECK_INT(table_clock(table, 0) > after, 1);
        remote_put(two, "b", "", pool);
        CHECK_INT(remote_get(one, "b", pool), FCACHE_OK);
    }
}

/* The store was told or it was not; when it was not, it is found behind. */
static void a_clear_that_failed_is_not_forgotten(void **state)
{
    apr_pool_t *pool = *state;
    for (int soft = 0; soft < 2; soft++) {
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        remote_put(store, "a", "x", pool);
        table->fail_tick = FCACHE_TIMEOUT;
        ROW((size_t)soft, "soft");
        CHECK_INT(remote_clear_tag(store, "x", soft), FCACHE_TIMEOUT);
        CHECK_INT(remote_get(store, "a", pool),
                  soft ? FCACHE_OK : FCACHE_TIMEOUT);
        table->fail_tick = FCACHE_OK;
        CHECK_INT(remote_get(store, "a", pool), soft ? FCACHE_OK : FCACHE_MISS);
        remote_put(store, "a", "x", pool);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_OK);
    }
}

static void numbers_must_be_numbers(void **state)
{
    static const char *const values[] = {
        "", "-1", "1x", " 1", "1\n", "99999999999999999999", "0x10"};
    static const fcache_scope_t all = {.kind = FCACHE_SCOPE_ALL};
    apr_pool_t *pool = *state;
    char space[FCR_COUNTER_MAX];
    fcache_bytes_t name = fcr_counter_name(&all, space);
    const char *counter = apr_pstrmemdup(pool, name.ptr, name.len);
    for (size_t i = 0; i < COUNT(values); i++) {
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        remote_put(store, "a", "x", pool);
        assert_int_equal(remote_clear_tag(store, "y", 0), FCACHE_OK);
        ROW(i, values[i]);
        table_set(table, counter, 0, fcache_str(values[i]));
        CHECK_INT(remote_get(store, "a", pool), FCACHE_PROTOCOL);
        table_drop(table, counter, 0);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_MISS);
        table_set(table, CLOCK, 0, fcache_str(values[i]));
        CHECK_INT(remote_get(store, "a", pool), FCACHE_PROTOCOL);
    }
}

/* An epoch from nowhere is worth no more than the present one. */
static void the_future_is_not_believed(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcr_epoch(store);
    table->ticks = 0;
    assert_int_equal(remote_put_at(store, "a", "x", UINT64_MAX, pool),
                     FCACHE_OK);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(table->ticks, 1);
}

/* What somebody wrote there once would be all that is left of the clocks. */
static void an_absurd_clock_is_not_noted(void **state)
{
    static const uint64_t clocks[] = {FCR_CLOCK_MAX, FCR_CLOCK_MAX - 1,
                                      FCR_CLOCK_MAX / 2};
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(clocks); i++) {
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        remote_put(store, "a", "x", pool);
        uint64_t before = fcr_epoch(store);
        ROW(i, apr_psprintf(pool, "%" APR_UINT64_T_FMT, clocks[i]));
        table_set(table, CLOCK, 0, fcache_str(check_row.name));
        CHECK_INT(remote_get(store, "a", pool), FCACHE_PROTOCOL);
        CHECK_INT(remote_clear_tag(store, "y", 1), FCACHE_PROTOCOL);
        CHECK_INT(fcr_epoch(store), before);
        drop_counters(table, "{");
        CHECK_INT(remote_get(store, "a", pool), FCACHE_MISS);
        remote_put(store, "a", "x", pool);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_OK);
        CHECK_INT(remote_clear_tag(store, "x", 0), FCACHE_OK);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_MISS);
    }
}

/* Nor is that of a record, which is not signed where there is no secret. */
static void an_absurd_epoch_is_not_noted(void **state)
{
    apr_pool_t *pool = *state;
    int soft = 0;
    fcr_t *store = remote_host(table_create(pool), "", pool);
    uint64_t before = fcr_epoch(store);
    const fcr_subject_t subject = {.name = fcache_str("p:n:a"),
                                   .epoch = FCR_CLOCK_MAX};
    assert_int_equal(
        fcr_purge_holds(&store->purge, &subject,
                        fcr_purge_moment(&store->purge, subject.name), before,
                        fcn_deadline_in(1000000), &soft, pool, NULL),
        FCACHE_MISS);
    assert_int_equal(fcr_epoch(store), before);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
}

/* "a" goes by clock 1, "b" by clock 0: by their last characters. */
static void each_clock_stands_for_its_own(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = table_store(table, &table_client_of_two, "", pool);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_MISS);
    remote_put(store, "a", "x", pool);
    remote_put(store, "b", "x", pool);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_OK);
    table_drop(table, CLOCK, 1);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_OK);
    remote_put(store, "a", "x", pool);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    assert_int_equal(table_clock(table, 0), table_clock(table, 1));
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_MISS);
}

/* A clock that is ahead of the time moves on by one. */
static void every_tick_counts(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    const uint64_t ahead = (uint64_t)apr_time_now() + FCR_AHEAD_US / 2;
    table_set(table, CLOCK, 0,
              fcache_str(apr_psprintf(pool, "%" APR_UINT64_T_FMT, ahead)));
    void *store = remote_host(table, "", pool);
    for (int i = 1; i < 5; i++) {
        remote_put(store, "a", "x", pool);
        remote_put(store, "b", "y", pool);
        assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
        assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
        assert_int_equal(table_clock(table, 0), ahead + (unsigned)i);
        assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
        assert_int_equal(remote_get(store, "b", pool), FCACHE_OK);
    }
}

/* As by a store that evicts what it likes: what a lost counter may have cleared
 * is gone, or stale for a soft one, and what is stored then stays. */
static void lost_counters_clear_what_they_judge(void **state)
{
    apr_pool_t *pool = *state;
    for (int soft = 0; soft < 2; soft++) {
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        int lost = soft ? FCACHE_EXISTS : FCACHE_MISS;
        ROW((size_t)soft, "soft");
        remote_put(store, "a", "x", pool);
        remote_put(store, "b", "y", pool);
        CHECK_INT(remote_clear_tag(store, "x", soft), FCACHE_OK);
        CHECK_INT(drop_counters(table, soft ? "{fcache}s" : "{fcache}h"), 5);
        CHECK_INT(remote_get(store, "a", pool), lost);
        CHECK_INT(remote_get(store, "b", pool), lost);
        remote_put(store, "b", "y", pool);
        CHECK_INT(remote_clear_tag(store, "z", soft), FCACHE_OK);
        CHECK_INT(remote_get(store, "b", pool), FCACHE_OK);
        CHECK_INT(remote_get(store, "a", pool), lost);
    }
}

/* Others made the counter anew meanwhile, who know nothing of the purge. */
static void lost_counters_come_back_no_lower(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *one = remote_host(table, "", pool);
    void *two = remote_host(table, "", pool);
    uint64_t before = fcr_epoch(two);
    remote_put(one, "a", "x", pool);
    assert_int_equal(remote_clear_tag(one, "x", 0), FCACHE_OK);
    assert_true(drop_counters(table, "{fcache}h") > 0);
    assert_int_equal(remote_put_at(two, "b", "x", before, pool), FCACHE_OK);
    assert_int_equal(table->seeds, 2);
    assert_int_equal(remote_get(two, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(two, "b", pool), FCACHE_MISS);
    assert_int_equal(remote_get(one, "b", pool), FCACHE_MISS);
}

static unsigned seeds_of(table_t *table, void *store, const char *name,
                         const char *tags, int64_t now_us, apr_pool_t *pool)
{
    fcache_key_t key = remote_key(name, pool);
    fcache_bytes_t body = fcache_str(name);
    fcache_value_t value = remote_value(tags, fcr_epoch(store), &body, pool);
    table->seeds = 0;
    assert_int_equal(fcr_put(store, &key, &value, now_us, NULL), FCACHE_OK);
    return table->seeds;
}

static void counters_are_looked_after_once_an_hour(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *one = table_store(table, &table_client, "", pool);
    void *two = table_store(table, &table_client, "", pool); /* same page */
    assert_int_equal(seeds_of(table, one, "a", "x", NOW, pool), 1);
    assert_int_equal(seeds_of(table, two, "b", "x", NOW, pool), 0);
    assert_int_equal(seeds_of(table, one, "c", "xy", NOW, pool), 1);
    assert_int_equal(seeds_of(table, one, "d", "yx", NOW, pool), 0);
    int64_t later_us = NOW + FCR_MARKS_US;
    assert_int_equal(seeds_of(table, two, "a", "x", later_us - 1, pool), 0);
    assert_int_equal(seeds_of(table, two, "a", "x", later_us, pool), 1);
    assert_int_equal(seeds_of(table, one, "a", "x", later_us, pool), 0);
    /* a clock set back */
    assert_int_equal(seeds_of(table, one, "a", "x", NOW, pool), 1);
}

static void what_was_found_lost_is_made_by_the_next_put(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = table_store(table, &table_client, "", pool);
    void *host = remote_host(table, "", pool);
    assert_int_equal(seeds_of(table, store, "a", "x", NOW, pool), 1);
    assert_int_equal(seeds_of(table, host, "d", "", NOW, pool), 1);
    assert_int_equal(remote_clear_tag(store, "z", 0), FCACHE_OK);
    drop_counters(table, "{fcache}h");
    assert_int_equal(seeds_of(table, store, "b", "x", NOW, pool), 0);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(seeds_of(table, store, "a", "x", NOW, pool), 1);
    /* all of them are found by who reads them */
    assert_int_equal(remote_clear_tag(store, "z", 0), FCACHE_OK);
    assert_int_equal(remote_get(host, "a", pool), FCACHE_OK);
    assert_int_equal(seeds_of(table, host, "c", "x", NOW, pool), 0);
    /* and lost with the clock */
    drop_counters(table, "{");
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(seeds_of(table, store, "a", "x", NOW, pool), 1);
}

static void a_put_does_not_fail_by_its_counters(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcr_epoch(store);
    table->fail_seed = FCACHE_TIMEOUT;
    remote_put(store, "a", "x", pool);
    assert_int_equal(remote_add(store, "b", NULL, pool), FCACHE_OK);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    table->fail_seed = FCACHE_OK;
    assert_int_equal(seeds_of(table, store, "c", "x", NOW, pool), 1);
}

/* Where nothing is evicted, what is missing was never set. */
static void a_store_that_keeps_needs_no_seeds(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = table_store(table, &table_client_that_keeps, "", pool);
    remote_put(store, "a", "x", pool);
    remote_put(store, "b", "y", pool);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_get(store, "b", pool), FCACHE_OK);
    assert_int_equal(table->seeds, 0);
}

/* Two tags in one counter: a purge of one takes the other along. */
static void tags_share_counters(void **state)
{
    fcr_counters_t counters;
    const fcr_scopes_t scopes = {fcache_str("shop"), fcache_str("n"),
                                 fcache_bytes("\1\0a\1\0b\1\0a", 9)};
    (void)state;
    assert_int_equal(fcr_counters_of(&scopes, &counters, NULL), FCACHE_OK);
    assert_int_equal(counters.count, 5); /* each once */
    for (size_t i = 0; i < counters.count; i++) {
        ROW(i, "mark");
        CHECK_INT(counters.marks[i] < FCN_MARKS, 1);
        CHECK_INT(counters.marks[i] < FCR_TAG_COUNTERS, i >= 3);
        CHECK_INT(counters.names[2 * i].len < 20, i >= 3);
    }
}

/* Other machines look for the same names. */
static void counters_keep_their_names(void **state)
{
    static const struct {
        fcache_scope_kind_t kind;
        const char *prefix, *rest;
        int soft;
        const char *name;
    } rows[] = {
        {FCACHE_SCOPE_ALL, "", "", 0, "{fcache}h:lqKW0iTyhcZ77pPDD4owkVfw"},
        {FCACHE_SCOPE_ALL, "p", "n", 1, "{fcache}s:lqKW0iTyhcZ77pPDD4owkVfw"},
        {FCACHE_SCOPE_PREFIX, "shop", "", 0,
         "{fcache}h:hj_lcTBzvKIsxbd3t6wKssd_"},
        {FCACHE_SCOPE_NAMESPACE, "shop", "", 0,
         "{fcache}h:FhNuyYs8lKJMaf6MwejU0Ubq"},
        {FCACHE_SCOPE_NAMESPACE, "shop", "api", 0,
         "{fcache}h:HPThic9AQvdNDiNkiPFT6JK8"},
        {FCACHE_SCOPE_NAMESPACE, "sho", "papi", 0,
         "{fcache}h:Eu4aul1-Yr1QMBNj0Qb3WqFT"},
        {FCACHE_SCOPE_TAG, "shop", "api", 0, "{fcache}h:oVk"},
        {FCACHE_SCOPE_TAG, "shop", "api", 1, "{fcache}s:oVk"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char space[FCR_COUNTER_MAX];
        fcache_scope_t scope = {rows[i].kind, fcache_str(rows[i].prefix),
                                fcache_str(rows[i].rest),
                                fcache_str(rows[i].rest), rows[i].soft};
        ROW(i, rows[i].rest);
        CHECK_TEXT(fcr_counter_name(&scope, space), rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(look_ups_take_one_round_trip),
        pool_test(a_purge_is_seen_by_all_at_once),
        pool_test(what_was_purged_cannot_be_replayed),
        pool_test(a_lost_clock_loses_all),
        pool_test(a_clock_that_was_put_back_loses_all),
        pool_test(a_clear_that_failed_is_not_forgotten),
        pool_test(numbers_must_be_numbers),
        pool_test(the_future_is_not_believed),
        pool_test(an_absurd_clock_is_not_noted),
        pool_test(an_absurd_epoch_is_not_noted),
        pool_test(each_clock_stands_for_its_own),
        pool_test(every_tick_counts),
        pool_test(counters_keep_their_names),
        pool_test(lost_counters_clear_what_they_judge),
        pool_test(lost_counters_come_back_no_lower),
        pool_test(counters_are_looked_after_once_an_hour),
        pool_test(what_was_found_lost_is_made_by_the_next_put),
        pool_test(a_put_does_not_fail_by_its_counters),
        pool_test(a_store_that_keeps_needs_no_seeds),
        pool_test(tags_share_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
