/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "check.h"

static void texts(void **state)
{
    (void)state;
    assert_string_equal(fcache_verdict_text(FCACHE_VERDICT_BYPASS), "BYPASS");
    assert_string_equal(fcache_verdict_text(FCACHE_VERDICT_ERROR), "ERROR");
    assert_string_equal(fcache_verdict_text((fcache_verdict_t)99), "?");
    assert_string_equal(fcache_verdict_text((fcache_verdict_t)-1), "?");
    assert_string_equal(fcache_plan_text(FCACHE_PLAN_HIT), "serve the entry");
    assert_string_equal(fcache_plan_text(FCACHE_PLAN_ONLY_CACHED),
                        "answer 504");
    assert_string_equal(fcache_plan_text((fcache_plan_t)99), "?");
    assert_string_equal(fcache_reason_text(FCACHE_REASON_NONE), "none");
    assert_string_equal(fcache_reason_text(FCACHE_REASON_HEAD_ANSWER),
                        "head-answer");
    assert_string_equal(fcache_reason_text(FCACHE_REASON_COUNT), "?");
    assert_string_equal(fcache_reason_text((fcache_reason_t)-1), "?");
}

/* They are tokens, fit for a header's value, and differ. */
static void reasons_are_distinct_tokens(void **state)
{
    (void)state;
    for (int i = 0; i < FCACHE_REASON_COUNT; i++) {
        const char *text = fcache_reason_text((fcache_reason_t)i);
        assert_true(strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
                    strlen(text));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(text,
                                    fcache_reason_text((fcache_reason_t)j));
        }
    }
}

static void defaults_are_safe(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    assert_int_equal(policy.default_ttl_s, -1);
    assert_int_equal(policy.force_ttl_s, -1);
    assert_int_equal(policy.max_ttl_s, 86400);
    assert_int_equal(policy.status_ttl_count, 0);
    assert_int_equal(policy.method_count, 1);
    assert_true(fcache_bytes_equal(policy.methods[0], fcache_str("GET")));
    assert_null(policy.error_statuses);
    assert_int_equal(policy.set_cookie, FCACHE_SET_COOKIE_REFUSE);
    assert_int_equal(policy.authorization_never, 0);
    assert_int_equal(policy.request_control, FCACHE_REQUEST_CONTROL_HONOR);
    assert_int_equal(policy.heuristic, 1);
    assert_int_equal(policy.ignore_bad_age, 0);
    assert_int_equal(policy.partial, 0);
    assert_int_equal(policy.stale_while_revalidate_s, 0);
    assert_int_equal(policy.stale_if_error_s, 0);
    assert_int_equal(policy.max_stale_s, 86400);
    assert_int_equal(policy.refreshes, 1);
    assert_int_equal(policy.keep_s, 3600);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(reasons_are_distinct_tokens),
        cmocka_unit_test(defaults_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
