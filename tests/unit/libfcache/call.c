/* SPDX-License-Identifier: Apache-2.0 */
#include "calling.h"

static void a_result_is_computed_once(void **state)
{
    calling_t *t = calling_of(state);
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1010));
    t->now_us = SECONDS(1010) - 1;
    CALL_IS(t, "value 1", CACHE);
    CHECK_INT(t->report.cache, FCACHE_OK);
    t->now_us = SECONDS(1010);
    CALL_IS(t, "value 2", COMPUTED);
    CHECK_INT(t->runs, 2);
    CHECK_INT(t->store->pins, 0);
}

static void lifetimes_begin_at_the_end(void **state)
{
    calling_t *t = calling_of(state);
    t->takes_us = SECONDS(30);
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1040));
    CALL_IS(t, "value 1", CACHE);
}

static void defaults_are_the_cache_s(void **state)
{
    calling_t *t = calling_of(state);
    t->call.expire_us = 0;
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1060));
}

static void none_may_be_remembered(void **state)
{
    calling_t *t = calling_of(state);
    t->answers = FCACHE_MISS;
    CHECK_INT(calling_do(t), FCACHE_MISS);
    CHECK_INT(calling_do(t), FCACHE_MISS);
    CHECK_INT(t->runs, 2);
    t->call.negative_us = SECONDS(3);
    CHECK_INT(calling_do(t), FCACHE_MISS);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1003));
    CHECK_INT(calling_do(t), FCACHE_MISS);
    CHECK_INT(t->report.source, FCACHE_CALL_CACHE);
    CHECK_INT(t->runs, 3);
    t->answers = FCACHE_OK;
    t->now_us += SECONDS(3);
    CALL_IS(t, "value 4", COMPUTED);
}

static void errors_are_not_kept(void **state)
{
    static const fcache_status_t rows[] = {FCACHE_BAD_INPUT, FCACHE_TIMEOUT,
                                           FCACHE_CORRUPT, FCACHE_EXISTS};
    calling_t *t = calling_of(state);
    t->call.negative_us = SECONDS(3);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, fcache_status_name(rows[i]));
        t->answers = rows[i];
        CHECK_INT(calling_do(t), rows[i]);
        CHECK_INT(t->runs, i + 1);
        CHECK_INT(t->report.source, FCACHE_CALL_COMPUTED);
    }
    assert_string_equal(t->error.text, "no: run 4");
    CHECK_INT(t->store->puts, 0);
}

static void stale_is_served_by_all_but_one(void **state)
{
    calling_t *t = calling_of(state);
    t->call.stale_us = SECONDS(5);
    CALL_IS(t, "value 1", COMPUTED);
    t->now_us = SECONDS(1014);
    fcache_flight_t other = calling_led(t);
    CALL_IS(t, "value 1", STALE);
    fcache_flight_end(t->cache, &other, t->now_us);
    CALL_IS(t, "value 2", COMPUTED);
    CALL_IS(t, "value 2", CACHE);
    t->now_us = SECONDS(1014 + 10 + 5);
    CALL_IS(t, "value 3", COMPUTED);
}

static void softly_purged_is_stale(void **state)
{
    calling_t *t = calling_of(state);
    t->call.stale_us = SECONDS(5);
    CALL_IS(t, "value 1", COMPUTED);
    t->store->soft_purged = 1;
    calling_led(t);
    CALL_IS(t, "value 1", STALE);
    t->call.stale_us = 0;
    CALL_IS(t, "value 2", COMPUTED);
}

static void a_failure_is_covered_by_what_was(void **state)
{
    calling_t *t = calling_of(state);
    t->call.stale_if_error_us = SECONDS(20);
    CALL_IS(t, "value 1", COMPUTED);
    t->now_us = SECONDS(1011);
    t->answers = FCACHE_UNAVAILABLE;
    CALL_IS(t, "value 1", STALE);
    CHECK_INT(t->report.cache, FCACHE_UNAVAILABLE);
    assert_string_equal(t->report.error.text, "no: run 2");
    t->now_us = SECONDS(1030);
    CHECK_INT(calling_do(t), FCACHE_UNAVAILABLE);
    t->now_us = SECONDS(1029);
    t->answers = FCACHE_MISS; /* which is no failure */
    CHECK_INT(calling_do(t), FCACHE_MISS);
}

/* Those who wait for a leader that fails do not fail one after the other. */
static void a_failure_holds_for_a_moment(void **state)
{
    calling_t *t = calling_of(state);
    t->call.stale_if_error_us = SECONDS(3);
    t->call.wait_us = SECONDS(5);
    CALL_IS(t, "value 1", COMPUTED);
    t->now_us = SECONDS(1010);
    t->answers = FCACHE_UNAVAILABLE;
    CALL_IS(t, "value 1", STALE);
    CALL_IS(t, "value 1", STALE);
    CHECK_INT(t->runs, 2);
    t->now_us = SECONDS(1011);
    CALL_IS(t, "value 1", STALE);
    CHECK_INT(t->runs, 3);
    t->now_us = SECONDS(1013); /* that does not prolong its life */
    CHECK_INT(calling_do(t), FCACHE_UNAVAILABLE);
}

static int64_t by_value(void *baton, const void *value)
{
    const fcache_bytes_t *bytes = value;
    (void)baton;
    return bytes->ptr[6] == '1' ? 0 : SECONDS(2);
}

static void results_say_how_long_they_live(void **state)
{
    calling_t *t = calling_of(state);
    t->call.lifetime = by_value;
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, 0);
    CALL_IS(t, "value 2", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1002));
    CALL_IS(t, "value 2", CACHE);
}

static void what_is_off_computes(void **state)
{
    calling_t *t = calling_of(state);
    fcache_t *cache = t->cache;
    CALL_IS(t, "value 1", COMPUTED);
    t->call.disabled = 1;
    CALL_IS(t, "value 2", COMPUTED);
    t->call.disabled = 0;
    fcache_enable(t->cache, 0);
    CALL_IS(t, "value 3", COMPUTED);
    fcache_enable(t->cache, 1);
    CALL_IS(t, "value 1", CACHE);
    t->cache = NULL;
    CALL_IS(t, "value 4", COMPUTED);
    t->cache = cache;
    CHECK_INT(t->store->puts, 1);
}

static void a_failing_store_costs_only_time(void **state)
{
    static const struct {
        fcache_status_t status;
        unsigned puts; /* who does not answer is not asked for a lock, too */
    } rows[] = {
        {FCACHE_UNAVAILABLE, 1}, {FCACHE_TIMEOUT, 1},   {FCACHE_CORRUPT, 2},
        {FCACHE_PROTOCOL, 1},    {FCACHE_NO_MEMORY, 1}, {FCACHE_UNSUPPORTED, 2},
    };
    calling_t *t = calling_of(state);
    t->call.wait_us = SECONDS(5);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, fcache_status_name(rows[i].status));
        t->store->fail_get = rows[i].status;
        t->store->fail_put = rows[i].status;
        t->store->puts = 0;
        CHECK_INT(calling_do(t), FCACHE_OK);
        CHECK_INT(t->runs, i + 1);
        CHECK_INT(t->store->puts, rows[i].puts);
        CHECK_INT(t->report.cache, rows[i].status);
        CHECK_INT(t->report.fresh_until_us, 0);
        assert_string_equal(t->report.error.text, "told to fail");
    }
    CHECK_INT(t->waited_us, 0);
}

static void a_call_that_lacks_is_refused(void **state)
{
    static const char *const names[] = {"module", "function", "fn", "now",
                                        "coder"};
    for (size_t i = 0; i < COUNT(names); i++) {
        calling_t *t = calling_of(state);
        ROW(i, names[i]);
        t->call.module = i == 0 ? NULL : "m";
        t->call.function = i == 1 ? NULL : "f";
        t->call.fn = i == 2 ? NULL : calling_fn;
        t->env.now = i == 3 ? NULL : calling_now;
        t->call.coder = i == 4 ? fcache_coder_find(fcache_coders_create(*state),
                                                   fcache_str("http"))
                               : NULL;
        CHECK_INT(calling_do(t), FCACHE_BAD_INPUT);
        CHECK_INT(t->runs, 0);
        CHECK_INT(strncmp(t->error.text, "a cached call needs", 19), 0);
    }
}

static fcache_status_t no_key(void *baton, const char *module,
                              const char *function, const fcache_arg_t *args,
                              size_t count, fcache_tuple_t *tuple,
                              fcache_error_t *error)
{
    (void)baton, (void)module, (void)function, (void)args, (void)count;
    (void)tuple;
    return fcache_error_set(error, FCACHE_BAD_INPUT, "no key for that");
}

static void without_a_key_it_is_computed(void **state)
{
    calling_t *t = calling_of(state);
    t->call.key = no_key;
    CALL_IS(t, "value 1", COMPUTED);
    CALL_IS(t, "value 2", COMPUTED);
    CHECK_INT(t->report.cache, FCACHE_BAD_INPUT);
    assert_string_equal(t->report.error.text, "no key for that");
    CHECK_INT(t->store->gets, 0);
}

static fcache_status_t number_encode(const fcache_coder_t *coder,
                                     const void *value, fcache_buf_t *out,
                                     fcache_error_t *error)
{
    (void)coder, (void)error;
    return fcache_buf_append(out, *(const fcache_bytes_t *)value);
}

static fcache_status_t number_decode(const fcache_coder_t *coder,
                                     fcache_bytes_t bytes, void *out_value,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    (void)coder, (void)bytes, (void)out_value, (void)pool;
    return fcache_error_set(error, FCACHE_CORRUPT, "$: not a number");
}

/* It never crashes, it says what is wrong, and computes what heals it. */
static void another_type_is_computed_anew(void **state)
{
    static const fcache_coder_t number = {
        "number", FCACHE_CODER_VALUE, 0, number_encode, number_decode, NULL};
    calling_t *t = calling_of(state);
    CALL_IS(t, "value 1", COMPUTED);
    t->call.coder = &number;
    CALL_IS(t, "value 2", COMPUTED);
    CHECK_INT(t->report.cache, FCACHE_CORRUPT);
    assert_non_null(strstr(t->report.error.text,
                           "written by the coder 'raw', not 'number'"));
    t->call.wait_us = SECONDS(1);
    CALL_IS(t, "value 3", COMPUTED);
    CHECK_INT(t->report.cache, FCACHE_CORRUPT);
    assert_string_equal(t->report.error.text, "$: not a number");
    t->call.coder = NULL;
    CALL_IS(t, "value 4", COMPUTED);
    CALL_IS(t, "value 4", CACHE);
    CHECK_INT(t->store->pins, 0);
}

/* The epoch is that of before the function ran. */
static fcache_status_t clears_meanwhile(void *baton, const fcache_arg_t *args,
                                        size_t count, void *out_value,
                                        apr_pool_t *pool, fcache_error_t *error)
{
    calling_t *t = baton;
    fcache_status_t status =
        calling_fn(baton, args, count, out_value, pool, error);
    t->store->epoch++;
    return status;
}

static void results_carry_the_epoch_of_before(void **state)
{
    calling_t *t = calling_of(state);
    fcache_hit_t hit;
    t->store->epoch = 7;
    t->call.fn = clears_meanwhile;
    CALL_IS(t, "value 1", COMPUTED);
    fcache_key_t key = calling_key(t);
    CHECK_INT(fcache_lookup(t->cache, &key, NULL, t->now_us, NULL, &hit, *state,
                            NULL),
              FCACHE_OK);
    CHECK_INT(hit.entry.generation, 7);
    fcache_pin_release(t->cache, hit.pin);
}

static void early_and_jitter_take_chances(void **state)
{
    calling_t *t = calling_of(state);
    t->takes_us = SECONDS(1);
    t->call.jitter_percent = 50;
    t->random = (uint64_t)SECONDS(4);
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1001 + 10 - 4));
    t->call.early_percent = 100;
    t->random = UINT64_MAX; /* the likeliest not to */
    t->now_us = SECONDS(1006);
    CALL_IS(t, "value 1", CACHE);
    t->random = UINT64_MAX / 10; /* 2.3 seconds ahead */
    CALL_IS(t, "value 2", COMPUTED);
    t->answers = FCACHE_UNAVAILABLE; /* it is fresh still */
    t->now_us = t->report.fresh_until_us - SECONDS(2);
    CALL_IS(t, "value 2", CACHE);
    CHECK_INT(t->runs, 3);
    CHECK_INT(t->report.cache, FCACHE_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_result_is_computed_once),
        pool_test(lifetimes_begin_at_the_end),
        pool_test(defaults_are_the_cache_s),
        pool_test(none_may_be_remembered),
        pool_test(errors_are_not_kept),
        pool_test(stale_is_served_by_all_but_one),
        pool_test(softly_purged_is_stale),
        pool_test(a_failure_is_covered_by_what_was),
        pool_test(a_failure_holds_for_a_moment),
        pool_test(results_say_how_long_they_live),
        pool_test(what_is_off_computes),
        pool_test(a_failing_store_costs_only_time),
        pool_test(a_call_that_lacks_is_refused),
        pool_test(without_a_key_it_is_computed),
        pool_test(another_type_is_computed_anew),
        pool_test(results_carry_the_epoch_of_before),
        pool_test(early_and_jitter_take_chances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
