/* SPDX-License-Identifier: Apache-2.0 */
#include "freshness.h"

#include "check.h"
#include "messages.h"

#define S  FCACHE_US_PER_S
#define T0 (INT64_C(1800000000) * S) /* Fri, 15 Jan 2027 08:00:00 GMT */

static void arithmetic_stops_at_the_ends(void **state)
{
    (void)state;
    assert_true(fci_us_add(5, 2) == 2 * S + 5);
    assert_true(fci_us_add(5, -2) == 5 - 2 * S);
    assert_true(fci_us_add(0, INT64_MAX) == INT64_MAX);
    assert_true(fci_us_add(INT64_MAX, 1) == INT64_MAX);
    assert_true(fci_us_add(0, INT64_MIN) == INT64_MIN);
    assert_true(fci_us_add(INT64_MIN, -1) == INT64_MIN);
    assert_int_equal(fci_seconds_between(0, S - 1), 0);
    assert_int_equal(fci_seconds_between(0, S), 1);
    assert_int_equal(fci_seconds_between(S, 0), 0);
    assert_true(fci_seconds_between(INT64_MIN, INT64_MAX) == INT64_MAX / S);
}

/* RFC 9111 §4.2.3 */
static void initial_ages(void **state)
{
    static const struct {
        const char *fields;
        int64_t delay_us, past_us, age_s;
    } rows[] = {
        {"", 0, 0, 0},
        {"", S - 1, 0, 0}, /* never rounded up */
        {"", S, 0, 1},
        {"", 2 * S + 5, 0, 2},
        {"", -5 * S, 0, 0}, /* the clock was set back meanwhile */
        {"Age: 3", S, 0, 4},
        {"Date: Fri, 15 Jan 2027 08:00:00 GMT", 0, 0, 0},
        {"Date: Fri, 15 Jan 2027 08:00:00 GMT", 0, S - 1, 0},
        {"Date: Fri, 15 Jan 2027 07:59:58 GMT", 0, S - 1, 2},
        {"Date: Fri, 15 Jan 2027 07:59:58 GMT\nAge: 1", S, 0, 2},
        {"Date: Fri, 15 Jan 2027 07:59:58 GMT\nAge: 2", S, 0, 3},
        {"Date: Fri, 15 Jan 2027 09:00:00 GMT\nAge: 2", 0, 0, 2},
        {"Date: Thu, 01 Jan 1970 00:00:00 GMT", 0, 0, 1800000000},
        {"Date: Sat, 01 Jan 0000 00:00:00 GMT", 0, 0, FCACHE_DELTA_MAX},
        {"Age: 99999999999\nDate: Fri, 31 Dec 9999 23:59:59 GMT", S, 0,
         FCACHE_DELTA_MAX},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        int64_t response_us = T0 + rows[i].past_us;
        ROW(i, rows[i].fields);
        CHECK_INT(fci_initial_age(&policy, fields_of(&m, rows[i].fields),
                                  response_us - rows[i].delay_us, response_us),
                  rows[i].age_s);
    }
}

/* RFC 9111 §5.1, and the careful reading (T16). */
static void bad_ages(void **state)
{
    static const struct {
        const char *fields;
        int64_t careful_s, ignored_s;
    } rows[] = {
        {"Age: 7", 7, 7},
        {"Age: 7, 9", 7, 7},
        {"Age: 9, 7", 9, 9},
        {"Age: 0, 0", 0, 0},
        {"Age: , 7", 7, 7},
        {"Age: 7\nAge: 9", 9, 7},
        {"Age: 9\nAge: 7", 9, 9},
        {"Age:\nAge: 9", FCACHE_DELTA_MAX, 9},
        {"Age: 99999999999999999999", FCACHE_DELTA_MAX, FCACHE_DELTA_MAX},
        {"Age: abc", FCACHE_DELTA_MAX, 0},
        {"Age: -7200", FCACHE_DELTA_MAX, 0},
        {"Age: 7200.0", FCACHE_DELTA_MAX, 0},
        {"Age: 7200;foo=bar", FCACHE_DELTA_MAX, 0},
        {"Age: +7", FCACHE_DELTA_MAX, 0},
        {"Age: \"7\"", FCACHE_DELTA_MAX, 0},
        {"Age: x, 7", FCACHE_DELTA_MAX, 0},
        {"Age: 7, x", 7, 7},
        {"Age: 7\nAge: x", FCACHE_DELTA_MAX, 7},
        {"Age:", FCACHE_DELTA_MAX, 0},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_fields_t fields = fields_of(&m, rows[i].fields);
        ROW(i, rows[i].fields);
        policy.ignore_bad_age = 0;
        CHECK_INT(fci_initial_age(&policy, fields, T0, T0), rows[i].careful_s);
        policy.ignore_bad_age = 1;
        CHECK_INT(fci_initial_age(&policy, fields, T0, T0), rows[i].ignored_s);
    }
}

static void guesses(void **state)
{
    static const struct {
        const char *fields;
        int64_t lifetime_s;
    } rows[] = {
        {"", FCACHE_NO_DELTA},
        {"Last-Modified:", FCACHE_NO_DELTA},
        {"Last-Modified: yesterday", FCACHE_NO_DELTA},
        {"Last-Modified: Fri, 15 Jan 2027 07:58:21 GMT", 9},
        {"Last-Modified: Fri, 15 Jan 2027 08:00:00 GMT", 0},
        {"Last-Modified: Fri, 15 Jan 2027 09:00:00 GMT", 0},
        {"Last-Modified: Fri, 15 Jan 2027 07:58:20 GMT\n"
         "Date: Fri, 15 Jan 2027 08:00:20 GMT",
         12},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        ROW(i, rows[i].fields);
        CHECK_INT(fci_heuristic_lifetime(fields_of(&m, rows[i].fields), T0),
                  rows[i].lifetime_s);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_stops_at_the_ends),
        cmocka_unit_test(initial_ages),
        cmocka_unit_test(bad_ages),
        cmocka_unit_test(guesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
