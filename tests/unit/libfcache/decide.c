/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "check.h"
#include "messages.h"

/* Entries here came at T0 aged 5 s, are fresh until T0 + 60 s and kept until
 * T0 + 1000 s, unless a row says otherwise. */
#define S  FCACHE_US_PER_S
#define T0 (INT64_C(1800000000) * S)

static fcache_entry_t entry_of(unsigned flags)
{
    return (fcache_entry_t){.kind = FCACHE_ENTRY_RESPONSE,
                            .flags = flags,
                            .status = 200,
                            .created_us = T0,
                            .initial_age_s = 5,
                            .fresh_until_us = T0 + 60 * S,
                            .stale_until_us = T0 + 1000 * S,
                            .etag = fcache_str("\"a\"")};
}

static fcache_decision_t decide(const fcache_policy_t *policy,
                                const fcache_entry_t *entry, int soft_purged,
                                const char *fields, int64_t now_us)
{
    message_t m;
    fcache_request_t request = {.method = fcache_str("GET"),
                                .fields = fields_of(&m, fields)};
    return fcache_decide(policy, entry, soft_purged, &request, now_us);
}

static const char *const plans[] = {"HIT", "HIT_STALE", "REVALIDATE", "MISS",
                                    "ONLY_CACHED"};

static void check_plan(fcache_decision_t got, fcache_plan_t plan,
                       fcache_reason_t reason)
{
    CHECK_TEXT(fcache_str(plans[got.plan]), plans[plan]);
    CHECK_TEXT(fcache_str(fcache_reason_text(got.reason)),
               fcache_reason_text(reason));
}

#define P(name) FCACHE_PLAN_##name
#define R(name) FCACHE_REASON_##name
#define CC      "Cache-Control: "

static const struct {
    const char *fields;
    unsigned flags;
    int soft_purged;
    int64_t after_s;
    int64_t swr_s;
    fcache_plan_t plan;
    fcache_reason_t reason;
} requests_rows[] = {
    /* RFC 9111 §4.2: fresh while the age is below the lifetime */
    {"", 0, 0, 0, 0, P(HIT), R(FRESH)},
    {"", 0, 0, 59, 0, P(HIT), R(FRESH)},
    {"", 0, 0, 60, 0, P(REVALIDATE), R(EXPIRED)},
    {"", 0, 0, 999, 0, P(REVALIDATE), R(EXPIRED)},
    {"", 0, 0, 1000, 0, P(MISS), R(EXPIRED)},
    {"", 0, 1, 10, 0, P(REVALIDATE), R(SOFT_PURGED)},
    {"", FCACHE_ENTRY_NO_CACHE, 0, 10, 0, P(REVALIDATE), R(ENTRY_NO_CACHE)},
    {"", FCACHE_ENTRY_NO_CACHE, 0, 70, 99, P(REVALIDATE), R(ENTRY_NO_CACHE)},
    /* the clock was set back: by little, by much (T16) */
    {"", 0, 0, -4, 0, P(HIT), R(FRESH)},
    {"", 0, 0, -5, 0, P(HIT), R(FRESH)},
    {"", 0, 0, -6, 0, P(REVALIDATE), R(EXPIRED)},
    /* RFC 5861 §3 */
    {"", 0, 0, 61, 30, P(HIT_STALE), R(STALE_WHILE_REVALIDATE)},
    {"", 0, 0, 90, 30, P(HIT_STALE), R(STALE_WHILE_REVALIDATE)},
    {"", 0, 0, 91, 30, P(REVALIDATE), R(EXPIRED)},
    {"", 0, 1, 10, 30, P(HIT_STALE), R(STALE_WHILE_REVALIDATE)},
    {"", FCACHE_ENTRY_MUST_REVALIDATE, 0, 61, 30, P(REVALIDATE), R(EXPIRED)},
    /* RFC 9111 §5.2.1.4, §5.4 */
    {CC "no-cache", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_NO_CACHE)},
    {CC "no-cache=\"a\"", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_NO_CACHE)},
    {CC "no-cache", 0, 0, 70, 30, P(REVALIDATE), R(REQUEST_NO_CACHE)},
    {"Pragma: no-cache", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_NO_CACHE)},
    {"Pragma: x, No-Cache", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_NO_CACHE)},
    {"Pragma: no-cache\n" CC "max-age=100", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {"Pragma: no-cache\n" CC, 0, 0, 10, 0, P(HIT), R(FRESH)},
    {"Pragma: foo", 0, 0, 10, 0, P(HIT), R(FRESH)},
    /* §5.2.1.1; the age at T0 + 10 is 15 */
    {CC "max-age=16", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {CC "max-age=15", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {CC "max-age=14", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_MAX_AGE)},
    {CC "max-age=0", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_MAX_AGE)},
    {CC "max-age=x", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_MAX_AGE)},
    {CC "max-age=99999999999", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {CC "max-age=100", 0, 0, 70, 30, P(REVALIDATE), R(EXPIRED)},
    {CC "max-age=14, max-stale", 0, 0, 10, 0, P(REVALIDATE),
     R(REQUEST_MAX_AGE)},
    /* §5.2.1.3 */
    {CC "min-fresh=50", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {CC "min-fresh=51", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_MIN_FRESH)},
    {CC "min-fresh=0", 0, 0, 59, 0, P(HIT), R(FRESH)},
    {CC "min-fresh", 0, 0, 10, 0, P(REVALIDATE), R(REQUEST_MIN_FRESH)},
    {CC "min-fresh=0", 0, 0, 70, 30, P(REVALIDATE), R(EXPIRED)},
    /* §5.2.1.2, T19 */
    {CC "max-stale=30", 0, 0, 90, 0, P(HIT_STALE), R(REQUEST_MAX_STALE)},
    {CC "max-stale=30", 0, 0, 91, 0, P(REVALIDATE), R(EXPIRED)},
    {CC "max-stale", 0, 0, 500, 0, P(HIT_STALE), R(REQUEST_MAX_STALE)},
    {CC "max-stale=x", 0, 0, 61, 0, P(REVALIDATE), R(EXPIRED)},
    {CC "max-stale", 0, 1, 10, 0, P(REVALIDATE), R(SOFT_PURGED)},
    {CC "max-stale", FCACHE_ENTRY_MUST_REVALIDATE, 0, 61, 0, P(REVALIDATE),
     R(EXPIRED)},
    {CC "max-stale", FCACHE_ENTRY_NO_CACHE, 0, 61, 0, P(REVALIDATE),
     R(ENTRY_NO_CACHE)},
    {CC "max-age=100, max-stale", 0, 0, 70, 0, P(HIT_STALE),
     R(REQUEST_MAX_STALE)},
    /* §5.2.1.7 */
    {CC "only-if-cached", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {CC "only-if-cached", 0, 0, 70, 0, P(ONLY_CACHED), R(ONLY_IF_CACHED)},
    {CC "only-if-cached, no-cache", 0, 0, 10, 0, P(ONLY_CACHED),
     R(ONLY_IF_CACHED)},
    {CC "only-if-cached", 0, 0, 70, 30, P(HIT_STALE),
     R(STALE_WHILE_REVALIDATE)},
    {CC "only-if-cached, max-stale", 0, 0, 70, 0, P(HIT_STALE),
     R(REQUEST_MAX_STALE)},
    {CC "only-if-cached", 0, 0, 1000, 0, P(ONLY_CACHED), R(ONLY_IF_CACHED)},
    {CC "only-if-cached\nAuthorization: x", 0, 0, 10, 0, P(ONLY_CACHED),
     R(ONLY_IF_CACHED)},
    /* §3.5, T8 */
    {"Authorization: x", 0, 0, 10, 0, P(MISS), R(ENTRY_AUTHORIZATION)},
    {"Authorization:", 0, 0, 10, 0, P(MISS), R(ENTRY_AUTHORIZATION)},
    {"Authorization: x", FCACHE_ENTRY_AUTHORIZED, 0, 10, 0, P(HIT), R(FRESH)},
    {"", FCACHE_ENTRY_AUTHORIZED, 0, 10, 0, P(HIT), R(FRESH)},
    /* a part of a whole body is cut out behind us (T10) */
    {"Range: bytes=0-1", 0, 0, 10, 0, P(HIT), R(FRESH)},
    {"Range: bytes=0-1", 0, 0, 70, 0, P(REVALIDATE), R(EXPIRED)},
    {"Cookie: a=b", 0, 0, 10, 0, P(HIT), R(FRESH)},
};

static void requests(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(requests_rows); i++) {
        fcache_entry_t entry = entry_of(requests_rows[i].flags);
        ROW(i, requests_rows[i].fields);
        entry.stale_while_revalidate_s = requests_rows[i].swr_s;
        check_plan(decide(&policy, &entry, requests_rows[i].soft_purged,
                          requests_rows[i].fields,
                          T0 + requests_rows[i].after_s * S),
                   requests_rows[i].plan, requests_rows[i].reason);
    }
}

static void nothing_stored(void **state)
{
    fcache_entry_t entry = entry_of(0);
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    check_plan(decide(&policy, NULL, 0, "", T0), P(MISS), R(ABSENT));
    check_plan(decide(&policy, NULL, 0, CC "no-cache", T0), P(MISS), R(ABSENT));
    check_plan(decide(&policy, NULL, 0, "Range: bytes=0-", T0), P(MISS),
               R(ABSENT));
    check_plan(decide(&policy, NULL, 0, CC "only-if-cached", T0),
               P(ONLY_CACHED), R(ONLY_IF_CACHED));
    entry.kind = FCACHE_ENTRY_UNCACHEABLE;
    check_plan(decide(&policy, &entry, 0, "", T0), P(MISS), R(UNCACHEABLE));
    entry.kind = FCACHE_ENTRY_VALUE;
    check_plan(decide(&policy, &entry, 0, "", T0), P(MISS), R(ABSENT));
}

/* RFC 9111 §4.3.1: revalidation needs a validator that the origin knows. */
static void validators(void **state)
{
    static const struct {
        const char *etag, *modified;
        unsigned flags;
        fcache_plan_t plan;
    } rows[] = {
        {"\"a\"", "", 0, P(REVALIDATE)},
        {"", "x", 0, P(REVALIDATE)},
        {"\"a\"", "x", 0, P(REVALIDATE)},
        {"", "", 0, P(MISS)},
        {"\"a\"", "", FCACHE_ENTRY_OWN_ETAG, P(MISS)},
        {"\"a\"", "x", FCACHE_ENTRY_OWN_ETAG, P(REVALIDATE)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry = entry_of(rows[i].flags);
        ROW(i, rows[i].etag);
        entry.etag = fcache_str(rows[i].etag);
        entry.last_modified = fcache_str(rows[i].modified);
        check_plan(decide(&policy, &entry, 0, "", T0 + 61 * S), rows[i].plan,
                   R(EXPIRED));
        check_plan(decide(&policy, &entry, 0, CC "no-cache", T0), rows[i].plan,
                   R(REQUEST_NO_CACHE));
    }
}

static void request_control(void **state)
{
    static const struct {
        const char *fields;
        fcache_plan_t ignore, refresh_only;
    } rows[] = {
        {CC "no-cache", P(HIT), P(REVALIDATE)},
        {"Pragma: no-cache", P(HIT), P(REVALIDATE)},
        {CC "max-age=0", P(HIT), P(HIT)},
        {CC "min-fresh=99", P(HIT), P(HIT)},
    };
    fcache_entry_t entry = entry_of(0);
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].fields);
        policy.request_control = FCACHE_REQUEST_CONTROL_IGNORE;
        CHECK_INT(decide(&policy, &entry, 0, rows[i].fields, T0).plan,
                  rows[i].ignore);
        policy.request_control = FCACHE_REQUEST_CONTROL_REFRESH_ONLY;
        CHECK_INT(decide(&policy, &entry, 0, rows[i].fields, T0).plan,
                  rows[i].refresh_only);
    }
    CHECK_INT(decide(&policy, NULL, 0, CC "only-if-cached", T0).plan, P(MISS));
    CHECK_INT(decide(&policy, &entry, 0, CC "max-stale", T0 + 61 * S).plan,
              P(REVALIDATE));
}

static void authorization_never(void **state)
{
    fcache_entry_t entry = entry_of(FCACHE_ENTRY_AUTHORIZED);
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.authorization_never = 1;
    check_plan(decide(&policy, &entry, 0, "Authorization: x", T0), P(MISS),
               R(ENTRY_AUTHORIZATION));
    check_plan(decide(&policy, &entry, 0, "", T0), P(HIT), R(FRESH));
}

/* RFC 9111 §4.2.3: whole seconds, never rounded up. */
static void ages(void **state)
{
    static const struct {
        int64_t after_us;
        int64_t age_s, ttl_s;
    } rows[] = {
        {0, 5, 60},          {S - 1, 5, 59},   {S, 6, 59},
        {60 * S - 1, 64, 0}, {60 * S, 65, -1}, {61 * S - 1, 65, -1},
        {61 * S, 66, -2},    {-3 * S, 5, 63},  {500 * S, 505, -441},
    };
    fcache_entry_t entry = entry_of(0);
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_decision_t decision =
            decide(&policy, &entry, 0, "", T0 + rows[i].after_us);
        ROW(i, "age");
        CHECK_INT(decision.age_s, rows[i].age_s);
        CHECK_INT(decision.ttl_s, rows[i].ttl_s);
    }
}

/* max-age=0 means now, even within the second in which the entry came. */
static void max_age_counts_parts_of_seconds(void **state)
{
    fcache_entry_t entry = entry_of(0);
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    entry.initial_age_s = 0;
    check_plan(decide(&policy, &entry, 0, CC "max-age=0", T0 + 1),
               P(REVALIDATE), R(REQUEST_MAX_AGE));
}

/* A store's bytes are hostile: no arithmetic on them overflows (T16, T24). */
static void absurd_times(void **state)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, T0, INT64_MAX};
    static const char *const fields[] = {"", CC "max-age=1", CC "min-fresh=1",
                                         CC "max-stale=1", CC "max-stale"};
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < 5 * 5 * 5 * 5 * 5; i++) {
        fcache_entry_t entry = entry_of(0);
        entry.created_us = times[i % 5];
        entry.fresh_until_us = times[i / 5 % 5];
        entry.stale_until_us = times[i / 25 % 5];
        entry.initial_age_s = times[i / 125 % 5];
        entry.stale_while_revalidate_s = times[i / 625 % 5];
        entry.stale_if_error_s = times[i / 625 % 5];
        for (size_t j = 0; j < COUNT(fields); j++) {
            (void)decide(&policy, &entry, 0, fields[j], T0);
        }
        for (int cause = 0; cause < 3; cause++) {
            (void)fcache_may_serve_stale(&policy, &entry, (fcache_stale_t)cause,
                                         T0);
        }
    }
}

/* ---- T19: all directive sets against a model ----------------------------- */

enum {
    MUST_REVALIDATE = 1,
    PROXY_REVALIDATE = 2,
    S_MAXAGE = 4,
    NO_CACHE = 8,
    SWR = 16,
    SIE = 32,
    MAX_STALE = 64 /* of the request */
};

static const struct {
    int bit;
    const char *text;
} directives[] = {
    {MUST_REVALIDATE, ", must-revalidate"},
    {PROXY_REVALIDATE, ", proxy-revalidate"},
    {S_MAXAGE, ", s-maxage=60"},
    {NO_CACHE, ", no-cache"},
    {SWR, ", stale-while-revalidate=20"},
    {SIE, ", stale-if-error=20"},
};

static fcache_entry_t entry_of_response(const fcache_policy_t *policy, int set)
{
    message_t m;
    char text[256] = "ETag: \"a\"\nCache-Control: max-age=60";
    for (size_t i = 0; i < COUNT(directives); i++) {
        if (set & directives[i].bit) {
            size_t len = strlen(text);
            snprintf(text + len, sizeof text - len, "%s", directives[i].text);
        }
    }
    fcache_request_t request = {.method = fcache_str("GET")};
    fcache_response_t response = {200, fields_of(&m, text), T0, T0};
    fcache_judgement_t judgement =
        fcache_judge(policy, &request, &response, NULL, T0);
    assert_int_equal(judgement.ruling, FCACHE_RULING_STORE);
    fcache_entry_t entry = entry_of(judgement.entry_flags);
    entry.initial_age_s = judgement.initial_age_s;
    entry.fresh_until_us = judgement.fresh_until_us;
    entry.stale_until_us = judgement.stale_until_us;
    entry.stale_while_revalidate_s = judgement.stale_while_revalidate_s;
    entry.stale_if_error_s = judgement.stale_if_error_s;
    return entry;
}

/* What RFC 9111 §4.2.4 and RFC 5861 say, `late_s` after freshness ended. */
static int model_may_serve(int set, fcache_stale_t cause, int64_t late_s)
{
    if (set & (MUST_REVALIDATE | PROXY_REVALIDATE | S_MAXAGE | NO_CACHE)) {
        return 0;
    }
    if (cause == FCACHE_STALE_REFRESHING) {
        return (set & SWR) && late_s <= 20;
    }
    if (cause == FCACHE_STALE_ERROR) {
        return (set & SIE) && late_s <= 20;
    }
    return late_s < 3600; /* as long as it is kept */
}

static fcache_plan_t model_plan(int set, int64_t late_s)
{
    int prohibited =
        set & (MUST_REVALIDATE | PROXY_REVALIDATE | S_MAXAGE | NO_CACHE);
    if (late_s >= 3600) {
        return P(MISS);
    }
    if (late_s < 0 && !(set & NO_CACHE)) {
        return P(HIT);
    }
    if (!prohibited && late_s <= 20 && (set & (MAX_STALE | SWR))) {
        return P(HIT_STALE);
    }
    return P(REVALIDATE);
}

static void stale_directives(void **state)
{
    static const int64_t late[] = {-30, -1, 0, 1, 20, 21, 3599, 3600, 90000};
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (int set = 0; set < 128; set++) {
        fcache_entry_t entry = entry_of_response(&policy, set);
        ROW((size_t)set, "set of directives");
        for (size_t i = 0; i < COUNT(late); i++) {
            int64_t now_us = T0 + (60 + late[i]) * S;
            const char *asked = set & MAX_STALE ? CC "max-stale=20" : "";
            CHECK_INT(decide(&policy, &entry, 0, asked, now_us).plan,
                      model_plan(set, late[i]));
            for (int cause = 0; cause < 3 && late[i] >= 0; cause++) {
                CHECK_INT(fcache_may_serve_stale(&policy, &entry,
                                                 (fcache_stale_t)cause, now_us),
                          model_may_serve(set, (fcache_stale_t)cause, late[i]));
            }
        }
    }
}

/* RFC 5861: an entry's windows, up to the operator's cap (T19). Nothing is
 * served while it is refreshed where nobody refreshes. */
static void windows(void **state)
{
    static const struct {
        int64_t window_s, cap_s, late_s;
        int refreshes;
        int may_meanwhile, may_on_error;
    } rows[] = {
        {20, 86400, 20, 1, 1, 1}, {20, 86400, 21, 1, 0, 0},
        {0, 86400, 0, 1, 0, 0},   {20, 10, 10, 1, 1, 1},
        {20, 10, 11, 1, 0, 0},    {20, 0, 0, 1, 0, 0},
        {20, 86400, 20, 0, 0, 1}, {20, 86400, -30, 1, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry = entry_of(0);
        fcache_policy_t policy;
        int64_t now_us = T0 + (60 + rows[i].late_s) * S;
        fcache_policy_init(&policy);
        policy.max_stale_s = rows[i].cap_s;
        policy.refreshes = rows[i].refreshes;
        entry.stale_while_revalidate_s = rows[i].window_s;
        entry.stale_if_error_s = rows[i].window_s;
        ROW(i, "window");
        CHECK_INT(fcache_may_serve_stale(&policy, &entry,
                                         FCACHE_STALE_REFRESHING, now_us),
                  rows[i].may_meanwhile);
        CHECK_INT(
            fcache_may_serve_stale(&policy, &entry, FCACHE_STALE_ERROR, now_us),
            rows[i].may_on_error);
    }
}

/* RFC 5861 §3: what was purged softly is served while it is refreshed; who asks
 * for the refresh itself (no wishes, nobody behind) gets it from the origin. */
static void meanwhile(void **state)
{
    static const struct {
        const char *fields;
        unsigned flags;
        int soft_purged, refreshes;
        int64_t after_s;
        fcache_plan_t plan;
        fcache_reason_t reason;
    } rows[] = {
        {"", 0, 0, 1, 61, P(HIT_STALE), R(STALE_WHILE_REVALIDATE)},
        {"", 0, 1, 1, 10, P(HIT_STALE), R(STALE_WHILE_REVALIDATE)},
        {"", 0, 1, 0, 10, P(REVALIDATE), R(SOFT_PURGED)},
        {"", 0, 0, 0, 61, P(REVALIDATE), R(EXPIRED)},
        {"", 0, 0, 0, 10, P(HIT), R(FRESH)},
        {"", 0, 0, 1, 91, P(REVALIDATE), R(EXPIRED)},
        {CC "no-cache", 0, 0, 1, 61, P(REVALIDATE), R(REQUEST_NO_CACHE)},
        {CC "max-stale=9", 0, 0, 1, 61, P(HIT_STALE),
         R(STALE_WHILE_REVALIDATE)},
        {CC "max-stale=9", 0, 0, 0, 61, P(HIT_STALE), R(REQUEST_MAX_STALE)},
        {"", FCACHE_ENTRY_MUST_REVALIDATE, 1, 1, 10, P(REVALIDATE),
         R(SOFT_PURGED)},
        {"", FCACHE_ENTRY_NO_CACHE, 1, 1, 10, P(REVALIDATE), R(ENTRY_NO_CACHE)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry = entry_of(rows[i].flags);
        fcache_policy_t policy;
        fcache_policy_init(&policy);
        policy.refreshes = rows[i].refreshes;
        entry.stale_while_revalidate_s = 30;
        ROW(i, rows[i].fields);
        check_plan(decide(&policy, &entry, rows[i].soft_purged, rows[i].fields,
                          T0 + rows[i].after_s * S),
                   rows[i].plan, rows[i].reason);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(nothing_stored),
        cmocka_unit_test(validators),
        cmocka_unit_test(request_control),
        cmocka_unit_test(authorization_never),
        cmocka_unit_test(ages),
        cmocka_unit_test(max_age_counts_parts_of_seconds),
        cmocka_unit_test(absurd_times),
        cmocka_unit_test(stale_directives),
        cmocka_unit_test(windows),
        cmocka_unit_test(meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
