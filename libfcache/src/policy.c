/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

static const char *const verdicts[] = {
#define X(name, text) text,
    FCACHE_VERDICT_LIST(X)
#undef X
};

static const char *const reasons[] = {
#define X(name, text) text,
    FCACHE_REASON_LIST(X)
#undef X
};

static const char *const plans[] = {
#define X(name, text) text,
    FCACHE_PLAN_LIST(X)
#undef X
};

const char *fcache_plan_text(fcache_plan_t plan)
{
    return (size_t)plan < sizeof plans / sizeof plans[0] ? plans[plan] : "?";
}

const char *fcache_verdict_text(fcache_verdict_t verdict)
{
    size_t count = sizeof verdicts / sizeof verdicts[0];
    return (size_t)verdict < count ? verdicts[verdict] : "?";
}

const char *fcache_reason_text(fcache_reason_t reason)
{
    return (size_t)reason < FCACHE_REASON_COUNT ? reasons[reason] : "?";
}

void fcache_policy_init(fcache_policy_t *out_policy)
{
    static const fcache_bytes_t methods[] = {{"GET", 3}};
    *out_policy = (fcache_policy_t){
        .default_ttl_s = -1,
        .force_ttl_s = -1,
        .max_ttl_s = 86400,
        .methods = methods,
        .method_count = 1,
        .set_cookie = FCACHE_SET_COOKIE_REFUSE,
        .request_control = FCACHE_REQUEST_CONTROL_HONOR,
        .heuristic = 1,
        .max_stale_s = 86400,
        .refreshes = 1,
        .keep_s = 3600,
    };
}
