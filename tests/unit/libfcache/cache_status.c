/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache_status.h>

#include "check.h"

#define R(name)   FCACHE_REASON_##name
#define FWD(name) FCACHE_FORWARD_##name

/* RFC 9211 §2.2: one token for each reason that a request goes forward. */
static void why_forward(void **state)
{
    static const struct {
        fcache_reason_t bypass;
        fcache_decision_t decision;
        const char *text;
    } rows[] = {
        {R(METHOD), {0}, "method"},
        {R(ENV), {0}, "bypass"},
        {R(REQUEST_NO_STORE), {0}, "bypass"},
        {R(KEY), {0}, "bypass"},
        {R(NONE), {.reason = R(ABSENT)}, "uri-miss"},
        {R(NONE), {.reason = R(VARY_MISS)}, "vary-miss"},
        {R(NONE), {.reason = R(EXPIRED), .ttl_s = -1}, "stale"},
        {R(NONE), {.reason = R(SOFT_PURGED), .ttl_s = 9}, "stale"},
        {R(NONE), {.reason = R(ENTRY_NO_CACHE), .ttl_s = 9}, "stale"},
        {R(NONE), {.reason = R(REQUEST_NO_CACHE), .ttl_s = 9}, "request"},
        {R(NONE), {.reason = R(REQUEST_NO_CACHE), .ttl_s = 0}, "request"},
        {R(NONE), {.reason = R(REQUEST_NO_CACHE), .ttl_s = -1}, "stale"},
        {R(NONE), {.reason = R(REQUEST_MAX_AGE), .ttl_s = 9}, "request"},
        {R(NONE), {.reason = R(REQUEST_MIN_FRESH), .ttl_s = 9}, "request"},
        {R(NONE), {.reason = R(RANGE)}, "partial"},
        {R(NONE), {.reason = R(ENTRY_AUTHORIZATION)}, "miss"},
        {R(NONE), {.reason = R(UNCACHEABLE)}, "miss"},
        {R(NONE), {.reason = R(STORE_FAULT)}, "miss"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, fcache_reason_text(rows[i].decision.reason));
        fcache_forward_t forward =
            fcache_forward_of(rows[i].bypass, &rows[i].decision);
        CHECK_TEXT(fcache_str(fcache_forward_text(forward)), rows[i].text);
    }
    assert_string_equal(fcache_forward_text(FWD(NONE)), "");
    assert_string_equal(fcache_forward_text((fcache_forward_t)99), "?");
}

/* RFC 9651 §3.3.3, §3.3.4. */
static void names(void **state)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"mod_fcache", "mod_fcache"},
        {"*a", "*a"},
        {"A:b/c.d~e", "A:b/c.d~e"},
        {"edge cache", "\"edge cache\""},
        {"9lives", "\"9lives\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"a,b", "\"a,b\""},
        {"a;b=c", "\"a;b=c\""},
        {"", ""},
        {"a\tb", ""},
        {"a\r\nb", ""},
        {"a\x7f", ""},
        {"\xc3\xa4", ""},
    };
    char out[FCACHE_CACHE_STATUS_NAME_LEN];
    char quotes[FCACHE_CACHE_STATUS_MAX_NAME + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        size_t len = fcache_cache_status_name(fcache_str(rows[i].name), out);
        CHECK_TEXT(fcache_bytes(out, len), rows[i].text);
    }
    memset(quotes, '"', sizeof quotes);
    assert_int_equal(
        fcache_cache_status_name(fcache_bytes(quotes, sizeof quotes - 1), out),
        FCACHE_CACHE_STATUS_NAME_LEN);
    assert_int_equal(
        fcache_cache_status_name(fcache_bytes(quotes, sizeof quotes), out), 0);
}

static void members(void **state)
{
    static const struct {
        fcache_cache_status_t status;
        const char *text;
    } rows[] = {
        {{.is_hit = 1, .has_ttl = 1, .ttl_s = 376, .detail = R(FRESH)},
         "c; hit; ttl=376; detail=fresh"},
        {{.is_hit = 1,
          .has_ttl = 1,
          .ttl_s = -412,
          .detail = R(STALE_WHILE_REVALIDATE)},
         "c; hit; ttl=-412; detail=stale-while-revalidate"},
        {{.forward = FWD(URI_MISS), .detail = R(ABSENT)},
         "c; fwd=uri-miss; detail=absent"},
        {{.forward = FWD(URI_MISS),
          .forward_status = 200,
          .has_ttl = 1,
          .ttl_s = 0,
          .is_stored = 1,
          .detail = R(STORED)},
         "c; fwd=uri-miss; fwd-status=200; ttl=0; stored; detail=stored"},
        {{.forward = FWD(STALE),
          .forward_status = 304,
          .is_stored = 1,
          .is_collapsed = 1,
          .detail = R(REFRESHED)},
         "c; fwd=stale; fwd-status=304; stored; collapsed; detail=refreshed"},
        {{.forward = FWD(BYPASS), .forward_status = 599},
         "c; fwd=bypass; fwd-status=599"},
        /* made here: neither a hit nor forwarded */
        {{.detail = R(ONLY_IF_CACHED), .is_stored = 1, .is_collapsed = 1},
         "c; detail=only-if-cached"},
        {{.is_hit = 1, .has_ttl = 1, .ttl_s = INT64_MAX},
         "c; hit; ttl=999999999999999"},
        {{.is_hit = 1, .has_ttl = 1, .ttl_s = INT64_MIN},
         "c; hit; ttl=-999999999999999"},
    };
    char out[FCACHE_CACHE_STATUS_LEN];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_cache_status_t status = rows[i].status;
        ROW(i, rows[i].text);
        status.name = fcache_str("c");
        size_t len = fcache_cache_status_format(&status, out);
        CHECK_TEXT(fcache_bytes(out, len), rows[i].text);
    }
}

/* The longest of everything has room. */
static void the_longest_member_is_whole(void **state)
{
    char name[FCACHE_CACHE_STATUS_NAME_LEN];
    char out[FCACHE_CACHE_STATUS_LEN];
    (void)state;
    memset(name, 'n', sizeof name);
    for (int reason = 1; reason < FCACHE_REASON_COUNT; reason++) {
        fcache_cache_status_t status = {.name = {name, sizeof name},
                                        .forward = FWD(VARY_MISS),
                                        .forward_status = 599,
                                        .has_ttl = 1,
                                        .ttl_s = INT64_MIN,
                                        .is_stored = 1,
                                        .is_collapsed = 1,
                                        .detail = (fcache_reason_t)reason};
        const char *detail = fcache_reason_text(status.detail);
        size_t len = fcache_cache_status_format(&status, out);
        assert_true(len > strlen(detail));
        CHECK_TEXT(fcache_bytes(out + len - strlen(detail), strlen(detail)),
                   detail);
    }
}

/* RFC 9211 §2, RFC 9651 §4.2.1 */
static void lists(void **state)
{
    static const struct {
        const char *line;
        int is_list;
    } rows[] = {
        {"a", 1},
        {"a; hit", 1},
        {" a;hit ,\t\"b c\"; fwd=uri-miss; ttl=-3 ", 1},
        {"a; hit=?1; key=\"\\\"x\"; y=:YQ==:; z=1.5; detail=*/:", 1},
        {"*a", 1},
        {"", 0},
        {" ", 0},
        {"; hit", 0},
        {"a,", 0},
        {"a,,b", 0},
        {",a", 0},
        {"a b", 0},
        {"a;;hit", 0},
        {"a; HIT", 0},
        {"a; hit=", 0},
        {"a; x=\"open", 0},
        {"\"open", 0},
        {"a; x=\"\xe9\"", 0},
        {"\xe9", 0},
        {"1; hit", 0},
        {"?1; hit", 0},
        {"(a b); hit", 0},
        {"a; hit=(1)", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].line);
        CHECK_INT(fcache_cache_status_is_list(fcache_str(rows[i].line)),
                  rows[i].is_list);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_forward),
        cmocka_unit_test(names),
        cmocka_unit_test(members),
        cmocka_unit_test(lists),
        cmocka_unit_test(the_longest_member_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
