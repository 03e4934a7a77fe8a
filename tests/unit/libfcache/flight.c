/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/flight.h>

#include "check.h"
#include "fake_store.h"
#include "pool.h"

static const int64_t now = 1000 * FCACHE_US_PER_S;

enum { LEASE = 10 * 1000000, WAIT = 3 * 1000000 };

typedef struct rig_t {
    fake_store_t *store;
    fcache_t *cache;
    fcache_key_t key;
    apr_pool_t *pool;
} rig_t;

static rig_t rig_of(void **state)
{
    rig_t rig = {.pool = *state};
    fcache_tuple_t *tuple = fcache_tuple_create(*state);
    rig.cache = fake_cache(*state, &rig.store);
    fcache_tuple_add(tuple, "k", fcache_str("a"));
    assert_int_equal(fcache_key_from_tuple(tuple, fcache_str("p"),
                                           fcache_str("n"), &rig.key, *state,
                                           NULL),
                     FCACHE_OK);
    return rig;
}

static fcache_flight_role_t begin(rig_t *rig, int64_t wait_us, int64_t at_us,
                                  fcache_flight_t *flight)
{
    const fcache_flight_options_t options = {.wait_us = wait_us,
                                             .lease_us = LEASE};
    return fcache_flight_begin(rig->cache, &rig->key, &options, at_us, flight,
                               rig->pool, NULL);
}

static void the_first_leads_until_it_ends(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t first;
    fcache_flight_t second;
    assert_int_equal(begin(&rig, WAIT, now, &first), FCACHE_FLIGHT_LEAD);
    assert_int_equal(begin(&rig, WAIT, now, &second), FCACHE_FLIGHT_FOLLOW);
    assert_int_equal(fcache_flight_retry(rig.cache, &second, now + 1, NULL),
                     FCACHE_FLIGHT_FOLLOW);
    fcache_flight_end(rig.cache, &first, now + 2);
    assert_int_equal(fcache_flight_retry(rig.cache, &second, now + 3, NULL),
                     FCACHE_FLIGHT_LEAD);
    fcache_flight_end(rig.cache, &first, now + 4); /* the second's stays */
    assert_int_equal(begin(&rig, WAIT, now + 5, &first), FCACHE_FLIGHT_FOLLOW);
}

static void a_dead_leader_frees_by_its_lease(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t dead;
    fcache_flight_t next;
    begin(&rig, WAIT, now, &dead);
    assert_int_equal(begin(&rig, WAIT, now + LEASE - 1, &next),
                     FCACHE_FLIGHT_FOLLOW);
    assert_int_equal(fcache_flight_retry(rig.cache, &next, now + LEASE, NULL),
                     FCACHE_FLIGHT_LEAD);
    /* It was not dead but slow: the lock is the other's by now. */
    fcache_flight_end(rig.cache, &dead, now + LEASE + 1);
    assert_int_equal(begin(&rig, WAIT, now + LEASE + 2, &dead),
                     FCACHE_FLIGHT_FOLLOW);
}

static void followers_wait_bounded(void **state)
{
    static const uint64_t randoms[] = {0, 1, UINT64_MAX, 0x123456789abcdef};
    rig_t rig = rig_of(state);
    fcache_flight_t leader;
    begin(&rig, 0, now, &leader);
    for (size_t i = 0; i < COUNT(randoms); i++) {
        fcache_flight_t flight;
        int64_t waited = 0;
        int64_t last = 0;
        ROW(i, "random");
        CHECK_INT(begin(&rig, WAIT, now, &flight), FCACHE_FLIGHT_FOLLOW);
        while (flight.role == FCACHE_FLIGHT_FOLLOW) {
            int64_t pause =
                fcache_flight_pause(&flight, randoms[i], now + waited);
            CHECK_INT(pause > 0 && pause <= 125000, 1);
            CHECK_INT(pause * 4 > last * 3 || waited + pause == WAIT, 1);
            last = pause;
            waited += pause;
            fcache_flight_retry(rig.cache, &flight, now + waited, NULL);
        }
        CHECK_INT(flight.role, FCACHE_FLIGHT_ALONE);
        CHECK_INT(waited, WAIT);
    }
}

/* Neither a clock that stands still nor one that jumps makes it longer. */
static void clocks_do_not_prolong_it(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t leader;
    fcache_flight_t flight;
    int64_t waited = 0;
    begin(&rig, 0, now, &leader);
    begin(&rig, WAIT, now, &flight);
    while (flight.role == FCACHE_FLIGHT_FOLLOW) {
        waited += fcache_flight_pause(&flight, 0, now - waited);
        fcache_flight_retry(rig.cache, &flight, now, NULL);
    }
    assert_int_equal(waited, WAIT);
    begin(&rig, WAIT, now, &flight);
    assert_int_equal(fcache_flight_retry(rig.cache, &flight, now + WAIT, NULL),
                     FCACHE_FLIGHT_ALONE);
}

static void without_a_wait_nobody_follows(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t flight;
    begin(&rig, 0, now, &flight);
    assert_int_equal(begin(&rig, 0, now, &flight), FCACHE_FLIGHT_ALONE);
    assert_int_equal(flight.status, FCACHE_EXISTS);
    assert_int_equal(begin(&rig, -5, now, &flight), FCACHE_FLIGHT_ALONE);
    assert_int_equal(begin(&rig, INT64_MIN, now, &flight), FCACHE_FLIGHT_ALONE);
}

static void a_fault_sends_everybody_alone(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t flight;
    fcache_error_t error = {""};
    const fcache_flight_options_t options = {.wait_us = WAIT,
                                             .lease_us = LEASE};
    rig.store->fail_put = FCACHE_TIMEOUT;
    assert_int_equal(fcache_flight_begin(rig.cache, &rig.key, &options, now,
                                         &flight, *state, &error),
                     FCACHE_FLIGHT_ALONE);
    assert_int_equal(flight.status, FCACHE_TIMEOUT);
    assert_string_equal(error.text, "told to fail");
    fcache_flight_end(rig.cache, &flight, now);
    assert_int_equal(rig.store->deletes, 0);
}

static void locks_are_apart(void **state)
{
    rig_t rig = rig_of(state);
    rig_t other = rig;
    fcache_flight_t flight;
    fcache_tuple_t *tuple = fcache_tuple_create(*state);
    fcache_tuple_add(tuple, "k", fcache_str("b"));
    fcache_key_from_tuple(tuple, fcache_str("p"), fcache_str("n"), &other.key,
                          *state, NULL);
    assert_int_equal(begin(&rig, WAIT, now, &flight), FCACHE_FLIGHT_LEAD);
    assert_int_equal(begin(&other, WAIT, now, &flight), FCACHE_FLIGHT_LEAD);
    fcache_key_from_tuple(tuple, fcache_str("p"), fcache_str("m"), &other.key,
                          *state, NULL);
    assert_int_equal(begin(&other, WAIT, now, &flight), FCACHE_FLIGHT_LEAD);
}

static void marks_are_seen_for_their_time(void **state)
{
    rig_t rig = rig_of(state);
    fcache_hit_t hit;
    assert_int_equal(
        fcache_flight_mark(rig.cache, &rig.key, LEASE, 0, now, NULL),
        FCACHE_OK);
    assert_int_equal(
        fcache_lookup(rig.cache, &rig.key, NULL, now, NULL, &hit, *state, NULL),
        FCACHE_OK);
    assert_int_equal(hit.entry.kind, FCACHE_ENTRY_UNCACHEABLE);
    fcache_pin_release(rig.cache, hit.pin);
    assert_int_equal(fcache_lookup(rig.cache, &rig.key, NULL, now + LEASE, NULL,
                                   &hit, *state, NULL),
                     FCACHE_MISS);
    assert_int_equal(fcache_flight_mark(rig.cache, &rig.key, 0, 0, now, NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(
        fcache_flight_mark(rig.cache, &rig.key, INT64_MAX, 0, now, NULL),
        FCACHE_BAD_INPUT);
}

static fcache_flight_role_t begin_as(rig_t *rig, const char *owner,
                                     int64_t at_us, fcache_flight_t *flight)
{
    const fcache_flight_options_t options = {
        .wait_us = WAIT, .lease_us = LEASE, .owner = fcache_str(owner)};
    return fcache_flight_begin(rig->cache, &rig->key, &options, at_us, flight,
                               rig->pool, NULL);
}

static fcache_status_t look(rig_t *rig, const fcache_flight_t *flight,
                            int64_t at_us, fcache_holder_t *holder)
{
    return fcache_flight_look(rig->cache, flight, at_us, holder, rig->pool,
                              NULL);
}

static void who_follows_sees_who_leads(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t first;
    fcache_flight_t second;
    fcache_holder_t holder;
    begin_as(&rig, "host 1", now, &first);
    begin_as(&rig, "host 2", now + 1, &second);
    assert_int_equal(look(&rig, &second, now + 2, &holder), FCACHE_OK);
    assert_false(holder.is_mark);
    assert_int_equal(holder.since_us, now);
    assert_true(fcache_bytes_equal(holder.owner, fcache_str("host 1")));
    assert_int_equal(look(&rig, &second, now + LEASE, &holder), FCACHE_MISS);
    fcache_flight_end(rig.cache, &first, now + 3);
    assert_int_equal(look(&rig, &second, now + 4, &holder), FCACHE_MISS);
    begin(&rig, WAIT, now + 5, &first); /* without a name */
    assert_int_equal(look(&rig, &second, now + 6, &holder), FCACHE_OK);
    assert_int_equal(holder.owner.len, 0);
}

static void what_belongs_together_is_one_look_up(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t first;
    fcache_flight_t second;
    fcache_holder_t holder;
    fcache_hit_t hit;
    int64_t until_us = 0;
    const fcache_flight_options_t options = {
        .wait_us = WAIT, .lease_us = LEASE, .until_us = &until_us};
    begin_as(&rig, "dead", now, &first);
    rig.store->look_ups = 0;
    fcache_lookup(rig.cache, &rig.key, NULL, now, &until_us, &hit, *state,
                  NULL);
    assert_int_equal(fcache_flight_begin(rig.cache, &rig.key, &options, now,
                                         &second, *state, NULL),
                     FCACHE_FLIGHT_FOLLOW);
    assert_int_equal(look(&rig, &second, now, &holder), FCACHE_OK);
    fcache_flight_void(rig.cache, &second, holder.owner, now, rig.pool);
    assert_int_equal(fcache_flight_retry(rig.cache, &second, now, NULL),
                     FCACHE_FLIGHT_LEAD);
    assert_int_equal(rig.store->look_ups, 1);
    until_us = 0;
    assert_int_equal(look(&rig, &second, now, &holder), FCACHE_OK);
    assert_int_equal(rig.store->look_ups, 2);
}

static void a_dead_owners_lock_is_taken_once(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t dead;
    fcache_flight_t next;
    fcache_flight_t late;
    fcache_bytes_t name = fcache_str("dead");
    begin_as(&rig, "dead", now, &dead);
    begin_as(&rig, "b", now, &next);
    begin_as(&rig, "c", now, &late);
    fcache_flight_void(rig.cache, &next, fcache_str("b"), now, rig.pool);
    assert_int_equal(fcache_flight_retry(rig.cache, &next, now, NULL),
                     FCACHE_FLIGHT_FOLLOW);
    fcache_flight_void(rig.cache, &next, name, now, rig.pool);
    assert_int_equal(fcache_flight_retry(rig.cache, &next, now, NULL),
                     FCACHE_FLIGHT_LEAD);
    fcache_flight_void(rig.cache, &late, name, now, rig.pool);
    assert_int_equal(fcache_flight_retry(rig.cache, &late, now, NULL),
                     FCACHE_FLIGHT_FOLLOW);
}

/* What is stored under the key itself stays as it is. */
static void an_end_may_leave_a_mark(void **state)
{
    rig_t rig = rig_of(state);
    fcache_flight_t first;
    fcache_flight_t second;
    fcache_holder_t holder;
    fcache_hit_t hit;
    begin(&rig, WAIT, now, &first);
    begin(&rig, WAIT, now, &second);
    fcache_flight_end_marked(rig.cache, &second, LEASE, now); /* not its own */
    assert_int_equal(look(&rig, &second, now, &holder), FCACHE_OK);
    assert_false(holder.is_mark);
    fcache_flight_end_marked(rig.cache, &first, LEASE, now);
    fcache_flight_end(rig.cache, &first, now);
    assert_int_equal(look(&rig, &second, now, &holder), FCACHE_OK);
    assert_true(holder.is_mark);
    assert_int_equal(
        fcache_lookup(rig.cache, &rig.key, NULL, now, NULL, &hit, *state, NULL),
        FCACHE_MISS);
    assert_int_equal(look(&rig, &second, now + LEASE, &holder), FCACHE_MISS);
    fcache_flight_unmark(rig.cache, &rig.key, now, rig.pool);
    assert_int_equal(look(&rig, &second, now, &holder), FCACHE_MISS);
    assert_int_equal(begin(&rig, WAIT, now, &second), FCACHE_FLIGHT_LEAD);
}

static void jitter_only_shortens(void **state)
{
    static const struct {
        int64_t ttl_us;
        unsigned percent;
        uint64_t random;
        int64_t wanted;
    } rows[] = {
        {1000, 0, 77, 1000},
        {1000, 10, 0, 1000},
        {1000, 10, 99, 901},
        {1000, 10, 100, 1000},
        {1000, 500, 999, 1},
        {99, 10, UINT64_MAX, 99},
        {INT64_MAX, 100, UINT64_MAX,
         INT64_MAX - UINT64_MAX % (INT64_MAX / 100 * 100)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, "jitter");
        CHECK_INT(
            fcache_jitter(rows[i].ttl_us, rows[i].percent, rows[i].random),
            rows[i].wanted);
    }
}

/* The share of callers that a value's end, `ahead` costs away, makes compute:
 * e^-ahead, by the definition of the method. */
static void early_is_as_likely_as_it_should(void **state)
{
    static const struct {
        int64_t ahead_percent;
        int low, high; /* of 10000 */
    } rows[] = {
        {0, 10000, 10000}, {50, 5850, 6280}, {100, 3500, 3860},
        {200, 1230, 1480}, {500, 30, 110},   {2000, 0, 2},
    };
    const int64_t cost = 1000000;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t random = 42;
        int due = 0;
        ROW(i, "early");
        for (int j = 0; j < 10000; j++) {
            random = random * UINT64_C(6364136223846793005) +
                     UINT64_C(1442695040888963407);
            due += fcache_early_is_due(now + cost * rows[i].ahead_percent / 100,
                                       cost, 100, random ^ random >> 29, now);
        }
        CHECK_INT(due >= rows[i].low && due <= rows[i].high, 1);
    }
    assert_false(fcache_early_is_due(now + 1, cost, 0, 0, now));
    assert_false(fcache_early_is_due(now + 1, -cost, 100, 0, now));
    assert_true(fcache_early_is_due(now + 40 * cost, cost, 100, 0, now));
    assert_false(fcache_early_is_due(now + 1000, cost, 100, UINT64_MAX, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(the_first_leads_until_it_ends),
        pool_test(a_dead_leader_frees_by_its_lease),
        pool_test(followers_wait_bounded),
        pool_test(clocks_do_not_prolong_it),
        pool_test(without_a_wait_nobody_follows),
        pool_test(a_fault_sends_everybody_alone),
        pool_test(locks_are_apart),
        pool_test(marks_are_seen_for_their_time),
        pool_test(who_follows_sees_who_leads),
        pool_test(what_belongs_together_is_one_look_up),
        pool_test(a_dead_owners_lock_is_taken_once),
        pool_test(an_end_may_leave_a_mark),
        cmocka_unit_test(jitter_only_shortens),
        cmocka_unit_test(early_is_as_likely_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
