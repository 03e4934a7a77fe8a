/* SPDX-License-Identifier: Apache-2.0 */

/* Options of remote stores, and the clock that they are measured by. */

#include "check.h"
#include "pool.h"

#include <net/deadline.h>
#include <net/limits.h>

#include <limits.h>

typedef struct row_t {
    const char *option;
    const char *value;
    const char *said; /* NULL: fine */
} row_t;

static const row_t rows[] = {
    {"connect", "1ms", NULL},
    {"connect", "10s", NULL},
    {"connect", "0", "connect=0 is not a time from 1ms to 10s"},
    {"connect", "11s", "connect=11s is not a time from 1ms to 10s"},
    {"connect", "-1", "connect=-1 is not a time from 1ms to 10s"},
    {"connect", "soon", "connect=soon is not a time from 1ms to 10s"},
    {"connect", "", "connect= is not a time from 1ms to 10s"},
    {"wait", "0", NULL},
    {"pool", "1", NULL},
    {"pool", "1024", NULL},
    {"pool", "0", "pool=0 is not a number from 1 to 1024"},
    {"pool", "1k", "pool=1k is not a number from 1 to 1024"},
    {"pool", "", "pool= is not a number from 1 to 1024"},
    {"pool", "99999999999999999999",
     "pool=99999999999999999999 is not a number from 1 to 1024"},
    {"idle", "1d", NULL},
    {"idle", "2d", "idle=2d is not a time from 1s to 1d"},
    {"open", "1m", "open-max=30s is less than open=1m"},
    {"window", "100ms", NULL},
    {"window", "1h", NULL},
    {"window", "99ms", "window=99ms is not a time from 100ms to 1h"},
    {"window-requests", "1", NULL},
    {"window-requests", "0",
     "window-requests=0 is not a number from 1 to 1000000"},
    {"window-requests", "1s",
     "window-requests=1s is not a number from 1 to 1000000"},
    {"window-failures", "100", NULL},
    {"window-failures", "101",
     "window-failures=101 is not a number from 1 to 100"},
    {"window-failures", "50%",
     "window-failures=50% is not a number from 1 to 100"},
    {"successes", "1000", NULL},
    {"successes", "0", "successes=0 is not a number from 1 to 1000"},
    {"failures", "0", "failures=0 is not a number from 1 to 1000"},
    {"retries", "0", NULL},
    {"retries", "100", NULL},
    {"retries", "101", "retries=101 is not a number from 0 to 100"},
    {"retries", "-1", "retries=-1 is not a number from 0 to 100"},
    {"open", "9ms", "open=9ms is not a time from 10ms to 1h"},
    {"something", "else", NULL}, /* others' */
};

static void options_are_checked(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].option);
        fcn_limits_t limits;
        fcache_error_t error = {""};
        apr_table_t *options = apr_table_make(*state, 1);
        apr_table_set(options, rows[i].option, rows[i].value);
        CHECK_INT(fcn_limits_parse(options, NULL, &limits, &error),
                  rows[i].said ? FCACHE_BAD_CONFIG : FCACHE_OK);
        CHECK_TEXT(fcache_str(error.text), rows[i].said ? rows[i].said : "");
    }
}

static void what_is_not_said_is_default(void **state)
{
    fcn_limits_t limits;
    apr_table_t *options = apr_table_make(*state, 1);
    apr_table_set(options, "read", "70ms");
    assert_int_equal(fcn_limits_parse(options, NULL, &limits, NULL), FCACHE_OK);
    assert_int_equal(limits.read_us, 70000);
    assert_int_equal(limits.connect_us, 50000);
    assert_int_equal(limits.pool, 64);

    const fcn_limits_t own = limits;
    assert_int_equal(fcn_limits_parse(NULL, &own, &limits, NULL), FCACHE_OK);
    assert_int_equal(limits.read_us, 70000);
}

static void options_are_known(void **state)
{
    (void)state;
    assert_true(fcn_limits_has("connect"));
    assert_true(fcn_limits_has("open-max"));
    assert_false(fcn_limits_has("connect_us"));
    assert_false(fcn_limits_has(""));
}

static void deadlines_pass(void **state)
{
    (void)state;
    fcn_deadline_t past = {fcn_clock_us() - 1};
    fcn_deadline_t far = {INT64_MAX};
    assert_int_equal(fcn_deadline_left_ms(past), 0);
    assert_int_equal(fcn_deadline_left_ms(far), INT_MAX);
    assert_int_equal(fcn_deadline_sooner(past, far).at_us, past.at_us);
    assert_int_equal(fcn_deadline_sooner(far, past).at_us, past.at_us);
    /* a part of a millisecond is waited for whole, not spun for */
    assert_in_range(fcn_deadline_left_ms(fcn_deadline_in(3600000001)), 3000000,
                    3600001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(options_are_checked),
        pool_test(what_is_not_said_is_default),
        cmocka_unit_test(options_are_known),
        cmocka_unit_test(deadlines_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
