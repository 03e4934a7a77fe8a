/* SPDX-License-Identifier: Apache-2.0 */
/* Clears: the clock and its counters. */
#include "dynamodb_rig.h"

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>

#define TICKS 10

static uint64_t number_of(const rig_t *rig, const char *name)
{
    fcr_found_t found;
    assert_int_equal(rig_fetch(rig, name, &found, NULL), FCACHE_OK);
    return found.exists ? strtoull(apr_pstrmemdup(rig->pool, found.value.ptr,
                                                  found.value.len),
                                   NULL, 10)
                        : 0;
}

static void ticks_go_up(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    assert_int_equal(rig_tick(rig, "c1", 1000), 1000);
    assert_int_equal(rig_tick(rig, "c1", 1000), 1001);
    assert_int_equal(rig_tick(rig, "c2", 7), 1002);
    assert_int_equal(rig_tick(rig, "c1", 5000000000), 5000000000);
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

static void a_clear_is_one_request(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    for (uint64_t floor = 1000; floor < 3000; floor += 1000) {
        rig_control(rig, "{}");
        assert_int_equal(tick_list(rig, floor), floor);
        const char *seen = rig_control(rig, "{}");
        assert_int_equal(count_of(seen, "BatchGetItem"), LIST); /* our looks */
        assert_int_equal(count_of(seen, "TransactWriteItems"), 1);
        assert_int_equal(count_of(seen, "UpdateItem"), 0);
    }
}

/* Another host's clock is ahead of ours: told so, we go above it. */
static void a_clock_that_is_ahead_costs_one_more(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_tick(rig, "c", 5000);
    rig_control(rig, "{}");
    assert_int_equal(tick_list(rig, 1000), 5001);
    assert_int_equal(number_of(rig, "clock"), 5001);
    const char *seen = rig_control(rig, "{}");
    assert_int_equal(count_of(seen, "TransactWriteItems"), 2);
    assert_int_equal(count_of(seen, "UpdateItem"), 0);
}

/* One counter is further, as the clock was lost: all go above it. */
static void no_counter_is_set_back(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_tick(rig, "l7", 5000);
    assert_int_equal(
        fcd_client.remove(rig->self, rig_name(rig, "clock"), rig_soon(), NULL),
        FCACHE_OK);
    assert_int_equal(tick_list(rig, 1000), 5001);
    assert_int_equal(number_of(rig, "clock"), 5001);
    assert_int_equal(number_of(rig, "l7"), 5001);
    assert_int_equal(number_of(rig, "l6"), 5001);
}

/* ---- what comes in between ----------------------------------------------- */

#define CONFLICT "[{\"Code\":\"None\"},{\"Code\":\"TransactionConflict\"}]"

static void cancel(const rig_t *rig, const char *operation, const char *reasons,
                   int times)
{
    rig_control(rig,
                apr_psprintf(rig->pool,
                             "{\"faults\":[{\"operation\":\"%s\",\"kind\":"
                             "\"cancelled\",\"reasons\":%s,\"times\":%d}]}",
                             operation, reasons, times));
}

static fcache_status_t tick_in(const rig_t *rig, int64_t us, uint64_t *clock)
{
    const fcache_bytes_t name = rig_name(rig, "c");
    return fcd_client.tick(rig->self, NULL, rig_name(rig, "clock"), &name, 1,
                           1000, clock, fcn_deadline_in(us), NULL);
}

static void conflicts_pass(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    cancel(rig, "TransactWriteItems", CONFLICT, 3);
    assert_int_equal(rig_tick(rig, "c", 1000), 1000);
    assert_int_equal(number_of(rig, "c"), 1000);
    const char *seen = rig_control(rig, "{}");
    assert_int_equal(count_of(seen, "TransactWriteItems"), 3 + 1);
    assert_int_equal(count_of(seen, "UpdateItem"), 0);
}

/* Where others' transactions do not end, the items are set one after the other:
 * the counter, then the clock. */
static void conflicts_that_stay_are_passed_by(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    uint64_t clock = 0;
    cancel(rig, "TransactWriteItems", CONFLICT, -1);
    assert_int_equal(tick_in(rig, 4000000, &clock), FCACHE_OK);
    assert_int_equal(clock, 1000);
    const char *seen = rig_control(rig, "{\"faults\":[]}");
    assert_int_equal(count_of(seen, "UpdateItem"), 2);
    assert_int_equal(number_of(rig, "c"), 1000);
    assert_int_equal(number_of(rig, "clock"), 1000);
}

/* A service may not tell what it found, or tell what is no time. */
static void refusals_are_not_believed(void **state)
{
    static const struct {
        const char *reasons;
        fcache_status_t status;
    } rows[] = {
        {"[{\"Code\":\"ConditionalCheckFailed\"}]", FCACHE_OK},
        {"[]", FCACHE_OK},
        {"7", FCACHE_OK},
        {"[{\"Code\":\"ConditionalCheckFailed\",\"Item\":{\"c\":{\"N\":"
         "\"18446744073709551615\"}}}]",
         FCACHE_PROTOCOL},
        {"[{\"Code\":\"ThrottlingError\"}]", FCACHE_UNAVAILABLE},
        {"[{\"Code\":\"ValidationError\"}]", FCACHE_PROTOCOL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig_t *rig = rig_open(*state, NULL);
        uint64_t clock = 0;
        ROW(i, rows[i].reasons);
        cancel(rig, "TransactWriteItems", rows[i].reasons, -1);
        CHECK_INT(tick_in(rig, 10000000, &clock), rows[i].status);
        rig_control(rig, "{\"faults\":[]}");
        CHECK_INT(number_of(rig, "c") == 1000, rows[i].status == FCACHE_OK);
    }
}

/* ---- reading counters ---------------------------------------------------- */

#define COUNTERS (2 * 67)

static fcache_status_t read_all(const rig_t *rig, fcr_found_t *found,
                                int64_t us)
{
    fcache_bytes_t names[COUNTERS];
    for (size_t i = 0; i < COUNTERS; i++) {
        names[i] = rig_name(rig, apr_psprintf(rig->pool, "l%d", (int)i));
    }
    memset(found, 0x55, COUNTERS * sizeof(*found));
    return fcd_client.fetch_counters(rig->self, rig_name(rig, "home"), names,
                                     COUNTERS, found, fcn_deadline_in(us),
                                     rig->pool, NULL);
}

static void check_all(const fcr_found_t *found)
{
    for (size_t i = 0; i < COUNTERS; i++) {
        CHECK_INT(found[i].exists, i < LIST || i == COUNTERS - 1);
        if (found[i].exists) {
            CHECK_TEXT(found[i].value, i < LIST ? "1001" : "1000");
        }
    }
}

static void counters_are_read_by_the_hundred(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found[COUNTERS];
    rig_tick(rig, apr_psprintf(rig->pool, "l%d", COUNTERS - 1), 1000);
    tick_list(rig, 1001);
    rig_control(rig, "{}");
    assert_int_equal(read_all(rig, found, 10000000), FCACHE_OK);
    check_all(found);
    const char *seen = rig_control(rig, "{}");
    assert_int_equal(count_of(seen, "TransactGetItems"), 2);
    assert_int_equal(count_of(seen, "BatchGetItem"), 0);
}

static void counters_wait_for_a_transaction(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found[COUNTERS];
    rig_tick(rig, apr_psprintf(rig->pool, "l%d", COUNTERS - 1), 1000);
    tick_list(rig, 1001);
    cancel(rig, "TransactGetItems", CONFLICT, 3);
    assert_int_equal(read_all(rig, found, 10000000), FCACHE_OK);
    check_all(found);
    assert_int_equal(count_of(rig_control(rig, "{}"), "TransactGetItems"), 5);
    cancel(rig, "TransactGetItems", "[]", 1);
    assert_int_equal(read_all(rig, found, 10000000), FCACHE_PROTOCOL);
    rig_control(rig, "{\"faults\":[]}");
}

/* Not that a condition failed: it is not there, or something else is. What was sent
 * last may arrive late, so this is the last test. */
static void conflicts_to_the_end_are_a_timeout(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found[COUNTERS];
    uint64_t clock;
    rig_control(rig, "{\"faults\":[{\"operation\":\"DeleteItem\",\"times\":-1,"
                     "\"kind\":\"TransactionConflictException\"},"
                     "{\"operation\":\"UpdateItem\",\"times\":-1,"
                     "\"kind\":\"TransactionConflictException\"},"
                     "{\"kind\":\"cancelled\",\"reasons\":" CONFLICT
                     ",\"times\":-1,\"operation\":\"TransactWriteItems\"},"
                     "{\"kind\":\"cancelled\",\"reasons\":" CONFLICT
                     ",\"times\":-1,\"operation\":\"TransactGetItems\"}]}");
    assert_int_equal(fcd_client.remove(rig->self, rig_name(rig, "d"),
                                       fcn_deadline_in(400000), NULL),
                     FCACHE_TIMEOUT);
    assert_int_equal(tick_in(rig, 400000, &clock), FCACHE_TIMEOUT);
    assert_int_equal(read_all(rig, found, 400000), FCACHE_TIMEOUT);
    rig_control(rig, "{\"faults\":[]}");
}

static void transactions_may_be_unknown(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found[COUNTERS];
    rig_control(rig, "{\"faults\":[{\"kind\":\"UnknownOperationException\","
                     "\"operation\":\"TransactWriteItems\",\"times\":-1}]}");
    rig_tick(rig, apr_psprintf(rig->pool, "l%d", COUNTERS - 1), 1000);
    tick_list(rig, 1001);
    assert_int_equal(read_all(rig, found, 10000000), FCACHE_OK);
    check_all(found);
    const char *seen = rig_control(rig, "{\"faults\":[]}");
    assert_int_equal(count_of(seen, "TransactWriteItems"), 1);
    assert_int_equal(count_of(seen, "TransactGetItems"), 0);
    assert_int_equal(count_of(seen, "UpdateItem"), 2 + LIST + 1);
}

static void *tick_often(void *baton)
{
    const rig_t *rig = baton;
    fcache_bytes_t clock = fcache_str("race:clock");
    fcache_bytes_t counter = fcache_str("race:counter");
    uint64_t last = 0;
    for (int i = 0; i < TICKS; i++) {
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

/* Of all that tick at once each sees its own tick, and the counter the last. */
static void ticks_at_once_all_count(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, tick_often, rig), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    rig_t race = *rig;
    race.prefix = "race";
    uint64_t clock = number_of(&race, "clock");
    assert_in_range(clock, TICKS * COUNT(threads), UINT64_MAX);
    assert_int_equal(number_of(&race, "counter"), clock);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(ticks_go_up),
        pool_test(a_clear_is_one_request),
        pool_test(a_clock_that_is_ahead_costs_one_more),
        pool_test(no_counter_is_set_back),
        pool_test(conflicts_pass),
        pool_test(conflicts_that_stay_are_passed_by),
        pool_test(refusals_are_not_believed),
        pool_test(counters_are_read_by_the_hundred),
        pool_test(counters_wait_for_a_transaction),
        pool_test(transactions_may_be_unknown),
        pool_test(ticks_at_once_all_count),
        pool_test(of_many_repairs_one_counts),
        pool_test(conflicts_to_the_end_are_a_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
