/* SPDX-License-Identifier: Apache-2.0 */
/* fcache_call() beside others that miss the same key. */
#include "calling.h"

static fcache_flight_t leader;

static calling_t *calling_with_leader(void **state)
{
    calling_t *t = calling_of(state);
    t->call.wait_us = SECONDS(5);
    leader = calling_led(t);
    return t;
}

static void leader_stores(calling_t *t)
{
    if (t->waited_us > SECONDS(1) && t->runs == 0) {
        const fcache_call_t as_it_is = t->call;
        fcache_bytes_t value;
        const fcache_arg_t args[] = {fcache_arg_int(1)};
        t->call.wait_us = 0;
        assert_int_equal(fcache_call(t->cache, &t->call, args, 1, &t->env,
                                     &value, NULL, t->pool, NULL),
                         FCACHE_OK);
        t->call = as_it_is;
        fcache_flight_end(t->cache, &leader, t->now_us);
    }
}

static void followers_take_what_the_leader_stored(void **state)
{
    calling_t *t = calling_with_leader(state);
    t->while_waiting = leader_stores;
    CALL_IS(t, "value 1", WAITED);
    CHECK_INT(t->runs, 1);
    CHECK_INT(t->waited_us < SECONDS(1) + 250000, 1);
}

static void followers_whose_wait_is_over_compute(void **state)
{
    calling_t *t = calling_with_leader(state);
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->waited_us, SECONDS(5));
    CALL_IS(t, "value 1", CACHE);
}

static void without_a_wait_nobody_waits(void **state)
{
    calling_t *t = calling_with_leader(state);
    t->env.wait = NULL;
    CALL_IS(t, "value 1", COMPUTED);
    t->now_us += SECONDS(10);
    t->env.wait = calling_wait;
    t->call.wait_us = 0;
    CALL_IS(t, "value 2", COMPUTED);
    CHECK_INT(t->waited_us, 0);
}

static void a_leader_that_failed_is_followed_by_another(void **state)
{
    calling_t *t = calling_with_leader(state);
    fcache_flight_end(t->cache, &leader, t->now_us);
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->waited_us, 0);
    leader = calling_led(t); /* the lock is free */
}

static void leader_marks(calling_t *t)
{
    if (t->waited_us > SECONDS(1)) {
        fcache_key_t key = calling_key(t);
        assert_int_equal(
            fcache_flight_mark(t->cache, &key, SECONDS(10), 0, t->now_us, NULL),
            FCACHE_OK);
    }
}

static int64_t do_not_store(void *baton, const void *value)
{
    (void)baton, (void)value;
    return 0;
}

static void what_is_not_stored_is_not_waited_for(void **state)
{
    calling_t *t = calling_with_leader(state);
    t->while_waiting = leader_marks;
    t->call.lifetime = do_not_store;
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->waited_us < SECONDS(1) + 250000, 1);
    t->waited_us = 0;
    CALL_IS(t, "value 2", COMPUTED); /* at once, from now on */
    CHECK_INT(t->waited_us, 0);
}

static void leaders_mark_what_is_not_stored(void **state)
{
    calling_t *t = calling_of(state);
    fcache_hit_t hit;
    t->call.wait_us = SECONDS(5);
    t->call.lifetime = do_not_store;
    CALL_IS(t, "value 1", COMPUTED);
    fcache_key_t key = calling_key(t);
    CHECK_INT(fcache_lookup(t->cache, &key, NULL, t->now_us, NULL, &hit, *state,
                            NULL),
              FCACHE_OK);
    CHECK_INT(hit.entry.kind, FCACHE_ENTRY_UNCACHEABLE);
    fcache_pin_release(t->cache, hit.pin);
    t->call.lifetime = NULL; /* it may change */
    CALL_IS(t, "value 2", COMPUTED);
    CALL_IS(t, "value 2", CACHE);
}

/* Who did not wait to the end for the leader, and failed, has no business with
 * what that one stored meanwhile. */
static void only_leaders_put_back(void **state)
{
    calling_t *t = calling_of(state);
    t->call.stale_if_error_us = SECONDS(100);
    CALL_IS(t, "value 1", COMPUTED);
    t->now_us += SECONDS(11);
    t->call.wait_us = SECONDS(5);
    leader = calling_led(t);
    unsigned puts = t->store->puts;
    t->answers = FCACHE_UNAVAILABLE;
    CALL_IS(t, "value 1", STALE);
    CHECK_INT(t->waited_us, SECONDS(5));
    CHECK_INT(t->runs, 2);
    CHECK_INT(t->store->puts, puts);
}

/* It is good as it is. */
static void what_is_fresh_is_not_put_back(void **state)
{
    calling_t *t = calling_of(state);
    t->takes_us = SECONDS(5);
    t->call.early_percent = 100;
    t->random = UINT64_MAX;
    CALL_IS(t, "value 1", COMPUTED);
    t->random = 1; /* which is early */
    t->answers = FCACHE_UNAVAILABLE;
    unsigned puts = t->store->puts;
    CALL_IS(t, "value 1", CACHE);
    CHECK_INT(t->runs, 2);
    CHECK_INT(t->store->puts, puts + 1); /* the lock */
}

/* That there is none is no value, also when computing fails later. */
static void none_is_not_put_back(void **state)
{
    calling_t *t = calling_of(state);
    t->call.negative_us = SECONDS(10);
    t->call.stale_if_error_us = SECONDS(100);
    t->call.wait_us = SECONDS(5);
    t->answers = FCACHE_MISS;
    CHECK_INT(calling_do(t), FCACHE_MISS);
    t->now_us += SECONDS(11);
    t->answers = FCACHE_UNAVAILABLE;
    for (unsigned i = 2; i < 5; i++) {
        CHECK_INT(calling_do(t), FCACHE_MISS);
        CHECK_INT(t->report.source, FCACHE_CALL_STALE);
        CHECK_INT(t->runs, i);
    }
}

/* The clock is read for the look-up, then for the lock. */
static int64_t stored_between_them(void *baton)
{
    calling_t *t = baton;
    static int readings;
    if (++readings == 2) {
        calling_t other = *t;
        other.env.now = calling_now;
        other.env.baton = &other;
        other.call.baton = &other;
        CALL_IS(&other, "value 1", COMPUTED);
        t->runs = other.runs;
    }
    return t->now_us;
}

static void a_leader_looks_once_more(void **state)
{
    calling_t *t = calling_of(state);
    t->call.wait_us = SECONDS(5);
    t->env.now = stored_between_them;
    CALL_IS(t, "value 1", WAITED);
    CHECK_INT(t->runs, 1);
    CHECK_INT(t->waited_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(followers_take_what_the_leader_stored),
        pool_test(followers_whose_wait_is_over_compute),
        pool_test(without_a_wait_nobody_waits),
        pool_test(a_leader_that_failed_is_followed_by_another),
        pool_test(what_is_not_stored_is_not_waited_for),
        pool_test(leaders_mark_what_is_not_stored),
        pool_test(only_leaders_put_back),
        pool_test(what_is_fresh_is_not_put_back),
        pool_test(none_is_not_put_back),
        pool_test(a_leader_looks_once_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
