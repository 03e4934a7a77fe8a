/* SPDX-License-Identifier: Apache-2.0 */
/* The client on a real server: what its store relies on. */
#include "dynamodb_rig.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <pthread.h>
#include <stdlib.h>

static void what_is_put_is_got(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_check(rig, "a", 's', NULL);
    assert_int_equal(rig_put(rig, "a", 's', "text", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "a", 's', "text");
    assert_int_equal(rig_put(rig, "a", 't', "", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "a", 't', "");
}

static void names_are_data(void **state)
{
    const char *const names[] = {"\"},{", "\\", "@$'", "{}[]:,#"};
    rig_t *rig = rig_open(*state, NULL);
    for (size_t i = 0; i < COUNT(names); i++) {
        ROW(i, names[i]);
        CHECK_INT(rig_put(rig, names[i], 'a', names[i], FCR_SET, NULL, NULL),
                  FCACHE_OK);
        rig_check(rig, names[i], 'a', names[i]);
    }
}

static void add_is_for_the_first(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    assert_int_equal(rig_put(rig, "l", 'a', "1", FCR_ADD, NULL, NULL),
                     FCACHE_OK);
    assert_int_equal(rig_put(rig, "l", 'b', "2", FCR_ADD, NULL, NULL),
                     FCACHE_EXISTS);
    rig_check(rig, "l", 'a', "1");
}

/* The service deletes what has expired within days: until then it is there. */
static void add_replaces_what_has_expired(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    char stamp[FCR_STAMP_BYTES] = "old";
    fcache_bytes_t piece = fcache_bytes(stamp, sizeof(stamp));
    fcr_store_t item = {
        .name = rig_name(rig, "l"),
        .pieces = &piece,
        .piece_count = 1,
        .ttl_us = INT64_C(1000000),
        .now_us = apr_time_now() - INT64_C(10000000),
    };
    assert_int_equal(fcd_client.store(rig->self, &item, rig_soon(), NULL),
                     FCACHE_OK);
    assert_int_equal(rig_put(rig, "l", 'b', "2", FCR_ADD, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "l", 'b', "2");
}

static void replace_is_for_what_was_fetched(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found;
    rig_put(rig, "r", 'a', "1", FCR_SET, NULL, NULL);
    assert_int_equal(rig_fetch(rig, "r", &found, NULL), FCACHE_OK);
    assert_int_equal(rig_put(rig, "r", 'b', "2", FCR_REPLACE, &found, NULL),
                     FCACHE_OK);
    assert_int_equal(rig_put(rig, "r", 'c', "3", FCR_REPLACE, &found, NULL),
                     FCACHE_EXISTS);
    rig_check(rig, "r", 'b', "2");
    fcd_client.remove(rig->self, rig_name(rig, "r"), rig_soon(), NULL);
    assert_int_equal(rig_put(rig, "r", 'c', "3", FCR_REPLACE, &found, NULL),
                     FCACHE_EXISTS);
    rig_check(rig, "r", 'c', NULL);
}

static void removed_is_gone(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcache_bytes_t name = rig_name(rig, "d");
    rig_put(rig, "d", 'a', "1", FCR_SET, NULL, NULL);
    assert_int_equal(fcd_client.remove(rig->self, name, rig_soon(), NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_client.remove(rig->self, name, rig_soon(), NULL),
                     FCACHE_MISS);
    rig_check(rig, "d", 'a', NULL);
}

/* The largest that fits does, what is larger is not sent. */
static void too_large_is_said(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    size_t largest = fcd_client.max_value(rig->self) - FCR_STAMP_BYTES;
    char *text = apr_palloc(rig->pool, largest + 2);
    fcache_error_t error = {""};
    memset(text, 'x', largest + 1);
    text[largest] = '\0';
    assert_int_equal(rig_put(rig, "big", 'a', text, FCR_SET, NULL, &error),
                     FCACHE_OK);
    rig_check(rig, "big", 'a', text);
    rig_control(rig, "{}");
    text[largest] = 'x';
    text[largest + 1] = '\0';
    assert_int_equal(rig_put(rig, "big", 'b', text, FCR_SET, NULL, &error),
                     FCACHE_TOO_LARGE);
    assert_non_null(strstr(error.text, "DynamoDB item"));
    assert_null(strstr(rig_control(rig, "{}"), "PutItem"));
}

/* More than a batch, in any order, some missing. */
static void many_are_fetched(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcache_bytes_t names[FCR_FETCH_MAX];
    fcr_found_t found[FCR_FETCH_MAX];
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = apr_psprintf(rig->pool, "m%d", (int)i);
        names[i] = rig_name(rig, name);
        if (i % 7 == 0) {
            rig_put(rig, name, 'm', name, FCR_SET, NULL, NULL);
        }
    }
    assert_int_equal(fcd_client.fetch(rig->self, names[0], names, COUNT(names),
                                      found, rig_soon(), rig->pool, NULL),
                     FCACHE_OK);
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = apr_psprintf(rig->pool, "m%d", (int)i);
        ROW(i, name);
        CHECK_INT(found[i].exists, i % 7 == 0);
        if (found[i].exists) {
            CHECK_TEXT(fcache_bytes(found[i].value.ptr + FCR_STAMP_BYTES,
                                    found[i].value.len - FCR_STAMP_BYTES),
                       name);
        }
    }
}

/* Tags may repeat, keys of a batch may not. */
static void repeated_names_are_fetched(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcache_bytes_t names[] = {rig_name(rig, "x"), rig_name(rig, "y"),
                              rig_name(rig, "x"), rig_name(rig, "y"),
                              rig_name(rig, "x")};
    fcr_found_t found[COUNT(names)];
    rig_put(rig, "x", 'x', "1", FCR_SET, NULL, NULL);
    assert_int_equal(fcd_client.fetch(rig->self, names[0], names, COUNT(names),
                                      found, rig_soon(), rig->pool, NULL),
                     FCACHE_OK);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(found[i].exists, i % 2 == 0);
    }
}

/* ---- the clock ----------------------------------------------------------- */

static uint64_t number_of(const rig_t *rig, const char *name)
{
    fcr_found_t found;
    assert_int_equal(rig_fetch(rig, name, &found, NULL), FCACHE_OK);
    return found.exists ? strtoull(apr_pstrmemdup(rig->pool, found.value.ptr,
                                                  found.value.len),
                                   NULL, 10)
                        : 0;
}

static uint64_t tick(const rig_t *rig, const char *counter, uint64_t floor)
{
    uint64_t clock = 0;
    fcache_error_t error = {""};
    fcache_bytes_t name = rig_name(rig, counter);
    fcache_status_t status =
        fcd_client.tick(rig->self, NULL, rig_name(rig, "clock"), &name, 1,
                        floor, &clock, rig_soon(), &error);
    if (status != FCACHE_OK) {
        print_error("%s\n", error.text);
    }
    assert_int_equal(status, FCACHE_OK);
    return clock;
}

static void ticks_go_up(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    assert_int_equal(tick(rig, "c1", 1000), 1000);
    assert_int_equal(tick(rig, "c1", 1000), 1001);
    assert_int_equal(tick(rig, "c2", 7), 1002);
    assert_int_equal(tick(rig, "c1", 5000000000), 5000000000);
    assert_int_equal(number_of(rig, "clock"), 5000000000);
    assert_int_equal(number_of(rig, "c1"), 5000000000);
    assert_int_equal(number_of(rig, "c2"), 1002);
}

/* ---- lists --------------------------------------------------------------- */

#define LIST 20

static uint64_t tick_list(const rig_t *rig, uint64_t floor)
{
    uint64_t clock = 0;
    fcache_error_t error = {""};
    fcache_bytes_t names[LIST];
    for (size_t i = 0; i < LIST; i++) {
        names[i] = rig_name(rig, apr_psprintf(rig->pool, "l%d", (int)i));
    }
    if (fcd_client.tick(rig->self, NULL, rig_name(rig, "clock"), names, LIST,
                        floor, &clock, rig_soon(), &error) != FCACHE_OK) {
        fail_msg("%s", error.text);
    }
    for (size_t i = 0; i < LIST; i++) {
        assert_true(number_of(rig, apr_psprintf(rig->pool, "l%d", (int)i)) >=
                    clock);
    }
    return clock;
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)) != NULL; text++) {
        count++;
    }
    return count;
}

static void lists_are_three_requests(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_control(rig, "{}");
    for (int i = 0; i < 2; i++) {
        tick_list(rig, 1000);
        const char *seen = rig_control(rig, "{}");
        assert_int_equal(count_of(seen, "BatchGetItem"), 1 + LIST);
        assert_int_equal(count_of(seen, "TransactWriteItems"), 1);
        /* a clock that is there already is raised by a second one */
        assert_in_range(count_of(seen, "UpdateItem"), 1, 2);
    }
}

/* One that is further, as the clock was lost: the others are set all the same, and
 * it stays. */
static void lists_that_are_not_one_act(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    tick(rig, "l7", 5000);
    assert_int_equal(
        fcd_client.remove(rig->self, rig_name(rig, "clock"), rig_soon(), NULL),
        FCACHE_OK);
    assert_int_equal(tick_list(rig, 1000), 1000);
    assert_int_equal(number_of(rig, "l7"), 5000);
    assert_int_equal(number_of(rig, "l6"), 1000);
}

static void transactions_may_be_unknown(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_control(rig, "{\"faults\":[{\"operation\":\"TransactWriteItems\","
                     "\"kind\":\"UnknownOperationException\",\"times\":-1}]}");
    tick_list(rig, 1000);
    tick_list(rig, 1000);
    const char *seen = rig_control(rig, "{\"faults\":[]}");
    assert_int_equal(count_of(seen, "TransactWriteItems"), 1);
    assert_in_range(count_of(seen, "UpdateItem"), 2 * LIST + 2, 2 * LIST + 4);
}

/* An item that another's transaction has is asked for again. */
static void conflicts_pass(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_control(rig,
                "{\"faults\":[{\"operation\":\"UpdateItem\","
                "\"kind\":\"TransactionConflictException\",\"times\":3}]}");
    assert_int_equal(tick(rig, "c", 1000), 1000);
    assert_int_equal(number_of(rig, "c"), 1000);
    const char *seen = rig_control(rig, "{}");
    assert_int_equal(count_of(seen, "UpdateItem"), 3 + 2);
}

static void *tick_often(void *baton)
{
    const rig_t *rig = baton;
    fcache_bytes_t clock = fcache_str("race:clock");
    fcache_bytes_t counter = fcache_str("race:counter");
    uint64_t last = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t now = 0;
        if (fcd_client.tick(rig->self, NULL, clock, &counter, 1, 1, &now,
                            rig_soon(), NULL) != FCACHE_OK ||
            now <= last) {
            return baton;
        }
        last = now;
    }
    return NULL;
}

/* Of all that tick at once each sees its own tick, and the counter is not set
 * back: it is at most as many ticks behind as were under way. */
static void ticks_at_once_all_count(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    pthread_t threads[4];
    fcr_found_t found[2];
    fcache_bytes_t names[] = {fcache_str("race:clock"),
                              fcache_str("race:counter")};
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, tick_often, rig), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(fcd_client.fetch(rig->self, names[0], names, 2, found,
                                      rig_soon(), rig->pool, NULL),
                     FCACHE_OK);
    assert_true(found[0].exists && found[1].exists);
}

typedef struct repairer_t {
    const rig_t *rig;
    fcr_repair_t repair;
    uint64_t floor, clock;
} repairer_t;

static void *repair_it(void *baton)
{
    repairer_t *one = baton;
    fcache_error_t error = {""};
    const fcache_bytes_t counter = fcache_str("repair:counter");
    if (fcd_client.tick(one->rig->self, &one->repair,
                        fcache_str("repair:clock"), &counter, 1, one->floor,
                        &one->clock, rig_soon(), &error) != FCACHE_OK) {
        print_error("%s\n", error.text);
        one->clock = 0;
    }
    return NULL;
}

/* All find it missing or behind, and each has another idea of the time. */
static void of_many_repairs_one_counts(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    uint64_t before = 0;
    for (int i = 0; i < 6; i++) {
        pthread_t threads[8];
        repairer_t all[COUNT(threads)];
        fcr_found_t found[2];
        const fcache_bytes_t names[] = {fcache_str("repair:clock"),
                                        fcache_str("repair:counter")};
        int is_behind = i % 2;
        ROW((size_t)i, is_behind ? "behind" : "missing");
        if (!is_behind) {
            fcd_client.remove(rig->self, names[0], rig_soon(), NULL);
        }
        for (size_t j = 0; j < COUNT(threads); j++) {
            all[j] = (repairer_t){rig,
                                  {names[0], is_behind ? before + 1 : 0},
                                  before + 100 + j,
                                  0};
            assert_int_equal(
                pthread_create(&threads[j], NULL, repair_it, &all[j]), 0);
        }
        for (size_t j = 0; j < COUNT(threads); j++) {
            pthread_join(threads[j], NULL);
        }
        CHECK_INT(all[0].clock >= before + 100, 1);
        before = all[0].clock;
        for (size_t j = 0; j < COUNT(threads); j++) {
            CHECK_INT(all[j].clock, before);
        }
        CHECK_INT(fcd_client.fetch(rig->self, names[0], names, 2, found,
                                   rig_soon(), rig->pool, NULL),
                  FCACHE_OK);
        CHECK_INT(fcache_bytes_equal(found[0].value, found[1].value), 1);
    }
}

/* ---- the table ----------------------------------------------------------- */

typedef struct seen_t {
    const rig_t *rig;
    int ours, counters, stop_after;
} seen_t;

static int see(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    seen_t *seen = baton;
    size_t len = strlen(seen->rig->prefix);
    if (name.len > len && memcmp(name.ptr, seen->rig->prefix, len) == 0) {
        seen->ours += value.len > FCR_STAMP_BYTES;
        seen->counters += memcmp(name.ptr + len, ":c", 2) == 0;
    }
    return seen->stop_after > 0 && seen->ours == seen->stop_after;
}

/* dynalite's pages are of 1 MB too. */
static void walks_see_all_pages(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    seen_t seen = {.rig = rig};
    size_t len = 300000;
    char *text = apr_palloc(rig->pool, len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    for (int i = 0; i < 8; i++) {
        rig_put(rig, apr_psprintf(rig->pool, "w%d", i), 'w', text, FCR_SET,
                NULL, NULL);
    }
    tick(rig, "c", 1);
    rig_control(rig, "{}");
    assert_int_equal(fcd_client.walk(rig->self, see, &seen, NULL), FCACHE_OK);
    assert_int_equal(seen.ours, 8);
    assert_int_equal(seen.counters, 0);
    assert_non_null(strstr(rig_control(rig, "{}"), "\"Scan\", \"Scan\""));
    seen = (seen_t){.rig = rig, .stop_after = 3};
    assert_int_equal(fcd_client.walk(rig->self, see, &seen, NULL), FCACHE_OK);
    assert_int_equal(seen.ours, 3);
}

static rig_t *rig_of_table(apr_pool_t *pool, const char *name)
{
    rig_t *rig = rig_open(pool, NULL);
    rig->store->table_name = name;
    rig->store->table = fcache_str(name);
    return rig;
}

static void a_missing_table_is_named_and_made(void **state)
{
    rig_t *rig =
        rig_of_table(*state, apr_psprintf(*state, "fcache-%d", (int)getpid()));
    fcr_census_t census;
    fcr_found_t found;
    fcache_error_t error = {""};
    assert_int_equal(rig_fetch(rig, "a", &found, &error), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(error.text, "fcachectl init"));
    assert_int_equal(fcd_client.setup(rig->self, &error), FCACHE_OK);
    assert_non_null(strstr(rig_control(rig, "{}"), "\"UpdateTimeToLive\""));
    assert_int_equal(rig_put(rig, "a", 'a', "1", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_client.setup(rig->self, &error), FCACHE_OK);
    rig_check(rig, "a", 'a', "1");
    assert_int_equal(fcd_client.census(rig->self, &census, NULL), FCACHE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(what_is_put_is_got),
        pool_test(names_are_data),
        pool_test(add_is_for_the_first),
        pool_test(add_replaces_what_has_expired),
        pool_test(replace_is_for_what_was_fetched),
        pool_test(removed_is_gone),
        pool_test(too_large_is_said),
        pool_test(many_are_fetched),
        pool_test(repeated_names_are_fetched),
        pool_test(ticks_go_up),
        pool_test(lists_are_three_requests),
        pool_test(lists_that_are_not_one_act),
        pool_test(transactions_may_be_unknown),
        pool_test(conflicts_pass),
        pool_test(ticks_at_once_all_count),
        pool_test(of_many_repairs_one_counts),
        pool_test(walks_see_all_pages),
        pool_test(a_missing_table_is_named_and_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
