/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

/* Freshness left in seconds, with default policy, for answers at T0. */
static const struct {
    int status;
    const char *answered;
    int64_t left_s;
    unsigned flags;
} lifetimes_rows[] = {
    /* RFC 9111 §4.2.1: s-maxage, max-age, Expires, guess */
    {200, CC "max-age=60", 60, F(CLIENT_CC)},
    {200, CC "max-age=60, s-maxage=30", 30,
     F(CLIENT_CC) | F(MUST_REVALIDATE) | F(AUTHORIZED)},
    {200, CC "max-age=60\nExpires: " HOUR, 60, F(CLIENT_CC)},
    {200, "Expires: " HOUR, 3600, 0},
    {200, "Date: " EARLIER "\nExpires: " HOUR, 3600, 0},
    {200, "Expires: " HOUR "\nExpires: " NOW, 3600, 0},
    {200, CC "public\nExpires: " HOUR, 3600, F(CLIENT_CC) | F(AUTHORIZED)},
    {200, "Last-Modified: " OLD, 360, F(NO_LIFETIME)},
    {203, "Last-Modified: " OLD, 360, F(NO_LIFETIME)},
    {204, "Last-Modified: " OLD, 360, F(NO_LIFETIME)},
    {300, "Last-Modified: " OLD, 360, F(NO_LIFETIME)},
    {301, "Last-Modified: " OLD, 360, F(NO_LIFETIME)},
    {308, "Last-Modified: " OLD, 360, F(NO_LIFETIME)},
    {302, CC "public\nLast-Modified: " OLD, 360,
     F(NO_LIFETIME) | F(CLIENT_CC) | F(AUTHORIZED)},
    {299, CC "public\nLast-Modified: " OLD, 360,
     F(NO_LIFETIME) | F(CLIENT_CC) | F(AUTHORIZED)},
    {200, CC "max-age=60, must-revalidate", 60,
     F(CLIENT_CC) | F(MUST_REVALIDATE) | F(AUTHORIZED)},
    {200, CC "max-age=60, proxy-revalidate", 60,
     F(CLIENT_CC) | F(MUST_REVALIDATE)},
    {200, CC "no-cache, max-age=60\nETag: \"a\"", 60,
     F(CLIENT_CC) | F(NO_CACHE)},
    {200, CC "no-cache\nETag: \"a\"", 0,
     F(CLIENT_CC) | F(NO_CACHE) | F(NO_LIFETIME)},
    /* RFC 9213: the targeted field alone counts, Age still does */
    {200, "CDN-Cache-Control: max-age=90\n" CC "max-age=60", 90, F(CLIENT_CC)},
    {200, "CDN-Cache-Control: max-age=90\n" CC "no-store", 90, F(CLIENT_CC)},
    {200, "CDN-Cache-Control: max-age=90\nExpires: 0", 90, 0},
    {200, "CDN-Cache-Control: max-age=90\nAge: 10", 80, 0},
    {200, "CDN-Cache-Control: max-age=90, s-maxage=7", 7,
     F(MUST_REVALIDATE) | F(AUTHORIZED)},
    {200, "CDN-Cache-Control: max-age='9'\n" CC "max-age=60", 60, F(CLIENT_CC)},
    /* §4.2.3: the age on arrival (T16) */
    {200, CC "max-age=60\nAge: 10", 50, F(CLIENT_CC)},
    {200, CC "max-age=60\nAge: 010", 50, F(CLIENT_CC)},
    {200, CC "max-age=60\nAge: 10, 59", 50, F(CLIENT_CC)},
    {200, CC "max-age=60\nAge: 10\nAge: 59", 1, F(CLIENT_CC)},
    {200, CC "max-age=60\nAge: 59\nAge: 10", 1, F(CLIENT_CC)},
    {200, CC "max-age=60\nAge: , 10", 50, F(CLIENT_CC)},
    {200, CC "max-age=60\nDate: " EARLIER, 50, F(CLIENT_CC)},
    {200, CC "max-age=60\nDate: " EARLIER "\nAge: 5", 50, F(CLIENT_CC)},
    {200, CC "max-age=60\nDate: " EARLIER "\nAge: 20", 40, F(CLIENT_CC)},
    {200, CC "max-age=60\nDate: " HOUR, 60, F(CLIENT_CC)},
    {200, CC "max-age=60\nDate: junk", 60, F(CLIENT_CC)},
    {200, "Date: " HOUR "\nExpires: " HOUR "\nETag: \"a\"", 0, 0},
    /* caps: a day, a minute for errors (T16, T34) */
    {200, CC "max-age=999999", 86400, F(CLIENT_CC)},
    {200, CC "max-age=99999999999999", 86400, F(CLIENT_CC)},
    {200, CC "max-age=99999999999999\nAge: 90000", 86400, F(CLIENT_CC)},
    {404, CC "max-age=30", 30, F(CLIENT_CC)},
    {404, CC "max-age=3600", 60, F(CLIENT_CC)},
    {410, "Expires: " HOUR, 60, 0},
};

static void lifetimes(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(lifetimes_rows); i++) {
        ROW(i, lifetimes_rows[i].answered);
        fcache_judgement_t judgement =
            judge(&policy, "GET", "", lifetimes_rows[i].status,
                  lifetimes_rows[i].answered, NULL);
        check_ruling(judgement, FCACHE_RULING_STORE, R(STORED));
        CHECK_INT((judgement.fresh_until_us - T0) / S,
                  lifetimes_rows[i].left_s);
        CHECK_INT(judgement.entry_flags, lifetimes_rows[i].flags);
    }
}

/* T16: an age beyond all measure, or none at all, is stale, whatever the
 * lifetime. */
static void huge_age_is_stale(void **state)
{
    static const char *const ages[] = {
        "2147483647", "2147483648", "99999999999", "99999999999999999999999999",
        "x",          "x, 10",      "-10",         "1.5",
        "10;x=1",     "",           "10\nAge: x",  "x\nAge: 10",
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(ages); i++) {
        char text[128];
        ROW(i, ages[i]);
        snprintf(text, sizeof text, CC "max-age=3600\nAge: %s", ages[i]);
        check_ruling(judge(&policy, "GET", "", 200, text, NULL),
                     FCACHE_RULING_NO_STORE, R(ALREADY_STALE));
    }
}

/* How long an entry is kept behind its freshness of 60 s. */
static void keeping(void **state)
{
    static const struct {
        const char *answered;
        int64_t swr_s, sie_s, kept_s;
    } rows[] = {
        {CC "max-age=60\nETag: \"a\"", 0, 0, 3600},
        {CC "max-age=60\nLast-Modified: " OLD, 0, 0, 3600},
        /* nothing to revalidate with, but of use when the origin is gone */
        {CC "max-age=60", 0, 0, 3600},
        {CC "max-age=60, must-revalidate", 0, 0, 0},
        {CC "max-age=60, must-revalidate\nETag: \"a\"", 0, 0, 3600},
        {CC "s-maxage=60", 0, 0, 0},
        {CC "max-age=60, stale-while-revalidate=9", 9, 0, 3600},
        {CC "max-age=60, stale-if-error=7200", 0, 7200, 7200},
        {CC "max-age=60, stale-while-revalidate=99999999999", 86400, 0, 86400},
        {CC "max-age=60, stale-if-error=7200, proxy-revalidate", 0, 0, 0},
        {CC "s-maxage=60, stale-while-revalidate=30", 0, 0, 0},
        {CC "max-age=60, stale-while-revalidate=x, stale-if-error", 0, 0, 3600},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        fcache_judgement_t judgement =
            judge(&policy, "GET", "", 200, rows[i].answered, NULL);
        CHECK_INT((judgement.stale_until_us - judgement.fresh_until_us) / S,
                  rows[i].kept_s);
        CHECK_INT(judgement.stale_while_revalidate_s, rows[i].swr_s);
        CHECK_INT(judgement.stale_if_error_s, rows[i].sie_s);
    }
}

/* T19: the operator's windows are for responses that say nothing, never against
 * what they forbid, and the entry is kept to the end of the longest. */
static void operators_windows(void **state)
{
    static const struct {
        const char *answered;
        int64_t cap_s, swr_s, sie_s, kept_s;
    } rows[] = {
        {CC "max-age=60", 86400, 7200, 9000, 9000},
        {CC "max-age=60, stale-while-revalidate=9", 86400, 9, 9000, 9000},
        {CC "max-age=60, stale-if-error=9", 86400, 7200, 9, 7200},
        {CC "max-age=60, stale-while-revalidate=0, stale-if-error=0", 86400, 0,
         0, 3600},
        {CC "max-age=60, stale-while-revalidate=x", 86400, 0, 9000, 9000},
        {CC "max-age=60", 8000, 7200, 8000, 8000},
        {CC "max-age=60, stale-while-revalidate=9", 0, 0, 0, 3600},
        {CC "max-age=60, must-revalidate", 86400, 0, 0, 0},
        {CC "max-age=60, proxy-revalidate", 86400, 0, 0, 0},
        {CC "s-maxage=60", 86400, 0, 0, 0},
        {CC "max-age=60, no-cache\nETag: \"a\"", 86400, 0, 0, 3600},
        {CC "max-age=60, must-revalidate\nCDN-Cache-Control: max-age=60", 86400,
         7200, 9000, 9000},
        {CC "max-age=60\nCDN-Cache-Control: max-age=60, must-revalidate", 86400,
         0, 0, 0},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.stale_while_revalidate_s = 7200;
    policy.stale_if_error_s = 9000;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        policy.max_stale_s = rows[i].cap_s;
        fcache_judgement_t judgement =
            judge(&policy, "GET", "", 200, rows[i].answered, NULL);
        CHECK_INT((judgement.stale_until_us - judgement.fresh_until_us) / S,
                  rows[i].kept_s);
        CHECK_INT(judgement.stale_while_revalidate_s, rows[i].swr_s);
        CHECK_INT(judgement.stale_if_error_s, rows[i].sie_s);
    }
}

/* One stale on arrival is kept from now on, not from when it ended. */
static void kept_though_stale(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    fcache_judgement_t judgement =
        judge(&policy, "GET", "", 200,
              CC "max-age=60\nAge: 100000\nETag: \"a\"", NULL);
    assert_true(judgement.fresh_until_us < T0);
    assert_true(judgement.stale_until_us == T0 + 3600 * S);
}

/* ---- the operator's say -------------------------------------------------- */

static void default_and_forced_lifetimes(void **state)
{
    static const fcache_status_ttl_t ttls[] = {
        {404, 20}, {5, 10}, {302, 40}, {503, 5}};
    static const struct {
        int64_t default_s, force_s;
        int status;
        const char *asked, *answered;
        fcache_reason_t reason;
        int64_t left_s;
    } rows[] = {
        /* the default fills in, for plain statuses only */
        {30, -1, 200, "", "", R(STORED), 30},
        {30, -1, 204, "", "", R(STORED), 30},
        {30, -1, 301, "", "", R(STORED), 30},
        {30, -1, 302, "", "", R(STORED), 40},
        {30, -1, 303, "", "", R(NO_LIFETIME), 0},
        {30, -1, 307, "", "", R(NO_LIFETIME), 0},
        {30, -1, 410, "", "", R(NO_LIFETIME), 0},
        {30, -1, 200, "", CC "max-age=5", R(STORED), 5},
        {30, -1, 200, "", CC "max-age=0", R(ALREADY_STALE), 0},
        {30, -1, 200, "", "Expires: 0", R(ALREADY_STALE), 0},
        {30, -1, 200, "", CC "no-store", R(RESPONSE_NO_STORE), 0},
        {30, -1, 200, "", CC "private", R(RESPONSE_PRIVATE), 0},
        {30, -1, 200, "", "Last-Modified: " OLD, R(STORED), 30},
        {30, -1, 200, "", "Age: 10", R(STORED), 20},
        {30, -1, 200, "Cookie: a", "", R(COOKIE), 0},
        {30, -1, 200, "Authorization: a", "", R(AUTHORIZATION), 0},
        /* a status' own, which also admits an error (T34) */
        {-1, -1, 404, "", "", R(STORED), 20},
        {-1, -1, 404, "", CC "max-age=900", R(STORED), 900},
        {-1, -1, 500, "", "", R(STORED), 10},
        {-1, -1, 503, "", "", R(STORED), 5},
        {-1, -1, 502, "", CC "max-age=2", R(STORED), 2},
        {-1, -1, 400, "", CC "max-age=2", R(ERROR_STATUS), 0},
        {-1, -1, 302, "", "", R(STORED), 40},
        {-1, -1, 200, "", "", R(NO_LIFETIME), 0},
        /* force overrides lifetime, no-store and no-cache ... */
        {-1, 50, 200, "", "", R(STORED), 50},
        {-1, 50, 200, "", CC "max-age=5", R(STORED), 50},
        {-1, 50, 200, "", CC "max-age=500, s-maxage=900", R(STORED), 50},
        {-1, 50, 200, "", CC "no-store", R(STORED), 50},
        {-1, 50, 200, "", CC "no-cache", R(STORED), 50},
        {-1, 50, 200, "", "Expires: 0", R(STORED), 50},
        {-1, 50, 200, "", "Age: 99999", R(STORED), 50},
        {-1, 50, 303, "", "", R(STORED), 50},
        {-1, 50, 404, "", "", R(STORED), 20},
        {-1, 50, 410, "", "", R(STORED), 50},
        {-1, 900, 410, "", "", R(STORED), 60},
        {-1, 50, 200, "Cookie: a", "", R(STORED), 50},
        {-1, 999999, 200, "", "", R(STORED), 86400},
        {-1, 0, 200, "", CC "max-age=60", R(ALREADY_STALE), 0},
        /* ... but no one's privacy */
        {-1, 50, 200, "", CC "private", R(RESPONSE_PRIVATE), 0},
        {-1, 50, 200, "", "Set-Cookie: a=b", R(SET_COOKIE), 0},
        {-1, 50, 200, "Authorization: a", "", R(AUTHORIZATION), 0},
        {-1, 50, 200, "", "Vary: *", R(VARY_ANY), 0},
        {-1, 50, 206, "", "", R(PARTIAL), 0},
        {-1, 50, 400, "", "", R(ERROR_STATUS), 0},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.status_ttls = ttls;
    policy.status_ttl_count = COUNT(ttls);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        policy.default_ttl_s = rows[i].default_s;
        policy.force_ttl_s = rows[i].force_s;
        fcache_judgement_t judgement =
            judge(&policy, "GET", rows[i].asked, rows[i].status,
                  rows[i].answered, NULL);
        CHECK_TEXT(fcache_str(fcache_reason_text(judgement.reason)),
                   fcache_reason_text(rows[i].reason));
        if (judgement.ruling == FCACHE_RULING_STORE) {
            CHECK_INT((judgement.fresh_until_us - T0) / S, rows[i].left_s);
        }
    }
}

static void forced_entries_are_not_no_cache(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.force_ttl_s = 50;
    fcache_judgement_t judgement =
        judge(&policy, "GET", "", 200, CC "no-cache, must-revalidate", NULL);
    assert_int_equal(judgement.entry_flags & F(NO_CACHE), 0);
    assert_int_equal(judgement.entry_flags & F(MUST_REVALIDATE),
                     F(MUST_REVALIDATE));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(huge_age_is_stale),
        cmocka_unit_test(keeping),
        cmocka_unit_test(operators_windows),
        cmocka_unit_test(kept_though_stale),
        cmocka_unit_test(default_and_forced_lifetimes),
        cmocka_unit_test(forced_entries_are_not_no_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
