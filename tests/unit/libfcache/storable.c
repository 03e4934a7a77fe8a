/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

/* Is it stored, or why not? With the safe defaults. */
static const struct {
    const char *asked;
    int status;
    const char *answered;
    fcache_reason_t reason;
} responses_rows[] = {
    {"", 200, CC "max-age=60", R(STORED)},
    {"", 200, "", R(NO_LIFETIME)},
    {"", 200, "ETag: \"a\"", R(NO_LIFETIME)},
    /* RFC 9111 §3: final, understood; T10, T34 */
    {"", 100, CC "max-age=60", R(STATUS)},
    {"", 103, CC "max-age=60", R(STATUS)},
    {"", 0, CC "max-age=60", R(STATUS)},
    {"", -1, CC "max-age=60", R(STATUS)},
    {"", 600, CC "max-age=60", R(STATUS)},
    {"", 999, CC "max-age=60", R(STATUS)},
    {"", 206, CC "max-age=60", R(PARTIAL)},
    {"", 203, CC "max-age=60", R(STORED)},
    {"", 204, CC "max-age=60", R(STORED)},
    {"", 299, CC "max-age=60", R(STORED)},
    {"", 302, CC "max-age=60", R(STORED)},
    {"", 307, "Expires: " HOUR, R(STORED)},
    {"", 400, CC "max-age=60", R(ERROR_STATUS)},
    {"", 401, CC "max-age=60", R(ERROR_STATUS)},
    {"", 403, CC "max-age=60, public", R(ERROR_STATUS)},
    {"", 404, CC "max-age=60", R(STORED)},
    {"", 404, "", R(NO_LIFETIME)},
    {"", 404, "Last-Modified: " OLD, R(NO_LIFETIME)},
    {"", 405, CC "max-age=60", R(ERROR_STATUS)},
    {"", 410, CC "s-maxage=60", R(STORED)},
    {"", 413, CC "max-age=60", R(ERROR_STATUS)},
    {"", 414, CC "max-age=60", R(ERROR_STATUS)},
    {"", 431, CC "max-age=60", R(ERROR_STATUS)},
    {"", 499, CC "max-age=60", R(ERROR_STATUS)},
    {"", 500, CC "max-age=60", R(ERROR_STATUS)},
    {"", 501, CC "max-age=60", R(ERROR_STATUS)},
    {"", 503, CC "max-age=60", R(ERROR_STATUS)},
    {"", 304, CC "max-age=60", R(UNEXPECTED_304)},
    /* §5.2.2.5, §5.2.2.3 */
    {"", 200, CC "no-store, max-age=60", R(RESPONSE_NO_STORE)},
    {"", 200, CC "No-Store", R(RESPONSE_NO_STORE)},
    {"", 200, CC "max-age=60\n" CC "no-store", R(RESPONSE_NO_STORE)},
    {"", 200, CC "no-store, must-understand, max-age=60", R(STORED)},
    {"", 404, CC "no-store, must-understand, max-age=60", R(STORED)},
    {"", 299, CC "no-store, must-understand, max-age=60", R(STATUS)},
    {"", 299, CC "must-understand, max-age=60", R(STATUS)},
    {"", 200, CC "x=\"no-store\", max-age=60", R(STORED)},
    {"", 200, "Pragma: no-cache\n" CC "max-age=60", R(STORED)},
    /* §5.2.2.7 */
    {"", 200, CC "private, max-age=60", R(RESPONSE_PRIVATE)},
    {"", 200, CC "private=\"\", max-age=60", R(RESPONSE_PRIVATE)},
    {"", 200, CC "private, s-maxage=60", R(RESPONSE_PRIVATE)},
    {"", 200, CC "private, public, max-age=60", R(RESPONSE_PRIVATE)},
    {"", 200, CC "private=\"x\", max-age=60", R(STORED)},
    /* §5.2.2.4 */
    {"", 200, CC "no-cache", R(ENTRY_NO_CACHE)},
    {"", 200, CC "no-cache, max-age=60", R(ENTRY_NO_CACHE)},
    {"", 200, CC "no-cache\nETag: \"a\"", R(STORED)},
    {"", 200, CC "no-cache\nLast-Modified: " OLD, R(STORED)},
    {"", 302, CC "no-cache\nETag: \"a\"", R(NO_LIFETIME)},
    {"", 302, CC "no-cache, max-age=9\nETag: \"a\"", R(STORED)},
    {"", 200, CC "no-cache=\"x\", max-age=60", R(STORED)},
    /* §3.5, T8 */
    {"Authorization: a", 200, CC "max-age=60", R(AUTHORIZATION)},
    {"Authorization:", 200, CC "max-age=60", R(AUTHORIZATION)},
    {"Authorization: a", 200, "Expires: " HOUR, R(AUTHORIZATION)},
    {"Authorization: a", 200, CC "max-age=60, public", R(STORED)},
    {"Authorization: a", 200, CC "s-maxage=60", R(STORED)},
    {"Authorization: a", 200, CC "max-age=60, must-revalidate", R(STORED)},
    {"Authorization: a", 200, CC "max-age=60, proxy-revalidate",
     R(AUTHORIZATION)},
    {"Authorization: a", 200, CC "max-age=60, immutable", R(AUTHORIZATION)},
    {"Authorization: a", 200, CC "max-age=60, no-cache=\"x\"",
     R(AUTHORIZATION)},
    {"Authorization: a", 200, CC "max-age=60\nVary: Authorization",
     R(AUTHORIZATION)},
    {"Authorization: a", 200, CC "max-age=60, public=\"x\"", R(AUTHORIZATION)},
    {"Proxy-Authorization: a", 200, CC "max-age=60", R(STORED)},
    /* T9 */
    {"", 200, CC "max-age=60\nSet-Cookie: a=b", R(SET_COOKIE)},
    {"", 200, CC "max-age=60, public\nset-cookie:", R(SET_COOKIE)},
    {"", 200, CC "max-age=60, no-cache=\"set-cookie\"\nSet-Cookie: a=b",
     R(SET_COOKIE)},
    {"Cookie: a=b", 200, CC "max-age=60", R(COOKIE)},
    {"Cookie:", 200, CC "max-age=60", R(COOKIE)},
    {"Cookie: a=b", 200, "Expires: " HOUR, R(COOKIE)},
    {"Cookie: a=b", 200, "Last-Modified: " OLD, R(COOKIE)},
    {"Cookie: a=b", 200, CC "max-age=60, public", R(STORED)},
    {"Cookie: a=b", 200, CC "s-maxage=60", R(STORED)},
    {"Cookie: a=b", 200, CC "max-age=60\nVary: x, cookie", R(STORED)},
    {"Cookie: a=b", 200, CC "max-age=60\nVary: x\nVary: Cookie", R(STORED)},
    {"Cookie: a=b", 200, CC "max-age=60\nVary: Cookies", R(COOKIE)},
    {"Cookie: a=b", 200, CC "max-age=60, must-revalidate", R(COOKIE)},
    /* T12 */
    {"", 200, CC "max-age=60\nVary: *", R(VARY_ANY)},
    {"", 200, CC "max-age=60\nVary: *, foo", R(VARY_ANY)},
    {"", 200, CC "max-age=60\nVary: foo, *", R(VARY_ANY)},
    {"", 200, CC "max-age=60\nVary:\nVary: *", R(VARY_ANY)},
    {"", 200, CC "max-age=60\nVary: foo bar, *", R(VARY_ANY)},
    {"", 200, CC "max-age=60\nVary: foo bar", R(VARY_BAD)},
    {"", 200, CC "max-age=60\nVary: \"foo\"", R(VARY_BAD)},
    {"", 200, CC "max-age=60\nVary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p",
     R(STORED)},
    {"", 200, CC "max-age=60\nVary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
     R(VARY_BAD)},
    {"", 200,
     CC "max-age=60\nContent-Encoding: gzip\n"
        "Vary: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p",
     R(VARY_BAD)},
    {"", 200, CC "max-age=60\nVary:", R(STORED)},
    /* T14 */
    {"", 200, CC "max-age=60\nA: b\rc", R(BAD_FIELDS)},
    {"", 200, CC "max-age=60\nA: b\x01", R(BAD_FIELDS)},
    {"", 200, CC "max-age=60\nA b: c", R(BAD_FIELDS)},
    {"", 200, CC "max-age=60\n: c", R(BAD_FIELDS)},
    {"", 200, CC "max-age=60\nA: b\tc \xc3\xa4", R(STORED)},
    /* §4.2: used up on arrival, and of no further use */
    {"", 200, CC "max-age=0", R(ALREADY_STALE)},
    {"", 200, CC "max-age=60\nAge: 60", R(ALREADY_STALE)},
    {"", 200, CC "max-age=60\nAge: 59", R(STORED)},
    {"", 200, "Expires: 0", R(ALREADY_STALE)},
    {"", 200, "Expires: " OLD, R(ALREADY_STALE)},
    {"", 200, CC "max-age=60, s-maxage=0", R(ALREADY_STALE)},
    {"", 200, CC "max-age=0, stale-while-revalidate=9", R(STORED)},
    {"", 200, CC "max-age=0, stale-if-error=9", R(STORED)},
    {"", 200, CC "max-age=0, stale-if-error=9, must-revalidate",
     R(ALREADY_STALE)},
    /* ... or to be revalidated */
    {"", 200, CC "max-age=0\nETag: \"a\"", R(STORED)},
    {"", 200, CC "max-age=0, must-revalidate\nETag: \"a\"", R(STORED)},
    {"", 200, "Expires: 0\nLast-Modified: " OLD, R(STORED)},
    {"", 200, CC "max-age=60\nAge: 9999999\nETag: \"a\"", R(STORED)},
    /* a range of a whole body asked for, the whole of it sent */
    {"Range: bytes=0-1", 200, CC "max-age=60", R(STORED)},
};

static void responses(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(responses_rows); i++) {
        ROW(i, responses_rows[i].answered);
        check_ruling(
            judge(&policy, "GET", responses_rows[i].asked,
                  responses_rows[i].status, responses_rows[i].answered, NULL),
            responses_rows[i].reason == R(STORED) ? FCACHE_RULING_STORE
                                                  : FCACHE_RULING_NO_STORE,
            responses_rows[i].reason);
    }
}

/* The order of the tests in the header: the earlier reason is the one told. */
static void order(void **state)
{
    static const struct {
        int status;
        const char *answered;
        fcache_reason_t reason;
    } rows[] = {
        {500, CC "no-store, private\nSet-Cookie: a\nVary: *\nA: \x01",
         R(ERROR_STATUS)},
        {200, CC "no-store, private\nSet-Cookie: a\nVary: *\nA: \x01",
         R(RESPONSE_NO_STORE)},
        {200, CC "private\nSet-Cookie: a\nVary: *\nA: \x01",
         R(RESPONSE_PRIVATE)},
        {200, "Set-Cookie: a\nVary: *\nA: \x01", R(AUTHORIZATION)},
        {200, CC "public\nSet-Cookie: a\nVary: *\nA: \x01", R(SET_COOKIE)},
        {200, CC "must-revalidate\nVary: *\nA: \x01", R(COOKIE)},
        {200, CC "public\nVary: *\nA: \x01", R(VARY_ANY)},
        {200, CC "public\nA: \x01", R(BAD_FIELDS)},
        {200, CC "public", R(NO_LIFETIME)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        check_ruling(judge(&policy, "GET", "Authorization: a\nCookie: b",
                           rows[i].status, rows[i].answered, NULL),
                     FCACHE_RULING_NO_STORE, rows[i].reason);
    }
}

static void error_statuses(void **state)
{
    static const int listed[] = {400, 404, 501};
    static const struct {
        int status;
        const char *answered;
        fcache_reason_t reason;
    } rows[] = {
        {400, CC "max-age=60", R(STORED)},
        {400, "Last-Modified: " OLD, R(NO_LIFETIME)},
        {400, CC "public\nLast-Modified: " OLD, R(STORED)},
        {404, "Last-Modified: " OLD, R(STORED)},
        {501, "Last-Modified: " OLD, R(STORED)},
        {410, CC "max-age=60", R(ERROR_STATUS)},
        {500, CC "max-age=60", R(ERROR_STATUS)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.error_statuses = listed;
    policy.error_status_count = COUNT(listed);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        CHECK_INT(
            judge(&policy, "GET", "", rows[i].status, rows[i].answered, NULL)
                .reason,
            rows[i].reason);
    }
    policy.error_status_count = 0;
    CHECK_INT(judge(&policy, "GET", "", 404, CC "max-age=60", NULL).reason,
              R(ERROR_STATUS));
}

static void other_knobs(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.heuristic = 0;
    CHECK_INT(
        judge(&policy, "GET", "", 200, "Last-Modified: " OLD, NULL).reason,
        R(NO_LIFETIME));
    policy.max_ttl_s = 10;
    CHECK_INT(
        judge(&policy, "GET", "", 200, CC "max-age=60", NULL).fresh_until_us,
        T0 + 10 * S);
    policy.authorization_never = 1;
    fcache_judgement_t judgement =
        judge(&policy, "GET", "", 200, CC "s-maxage=60, public", NULL);
    CHECK_INT(judgement.entry_flags & F(AUTHORIZED), 0);
    CHECK_INT(
        judge(&policy, "GET", "Authorization: a", 200, CC "s-maxage=60", NULL)
            .reason,
        R(AUTHORIZATION));
    policy.set_cookie = FCACHE_SET_COOKIE_STRIP;
    CHECK_INT(
        judge(&policy, "GET", "", 200, CC "max-age=60\nSet-Cookie: a", NULL)
            .reason,
        R(STORED));
    CHECK_INT(
        judge(&policy, "GET", "Cookie: a", 200, CC "max-age=60", NULL).reason,
        R(COOKIE));
    policy.set_cookie = FCACHE_SET_COOKIE_STORE;
    CHECK_INT(judge(&policy, "GET", "Cookie: a", 200,
                    CC "max-age=60\nSet-Cookie: a", NULL)
                  .reason,
              R(STORED));
}

static void methods(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    /* T11 */
    check_ruling(judge(&policy, "HEAD", "", 200, CC "max-age=60", NULL),
                 FCACHE_RULING_NO_STORE, R(HEAD_ANSWER));
    /* RFC 9110 §9.3.3: only what the origin says explicitly */
    check_ruling(judge(&policy, "POST", "", 200, CC "max-age=60", NULL),
                 FCACHE_RULING_STORE, R(STORED));
    check_ruling(judge(&policy, "POST", "", 200, "Last-Modified: " OLD, NULL),
                 FCACHE_RULING_NO_STORE, R(NO_LIFETIME));
}

/* RFC 9111 §5.2.2.3: no-store is void for the statuses of RFC 9110 §15. */
static void understood_statuses(void **state)
{
    static const int understood[] = {
        200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400,
        401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413,
        414, 415, 416, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505};
    int all[200];
    size_t next = 0;
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (int i = 0; i < 200; i++) {
        all[i] = 400 + i;
    }
    policy.error_statuses = all;
    policy.error_status_count = COUNT(all);
    for (int status = 200; status <= 600; status++) {
        int is_understood =
            next < COUNT(understood) && understood[next] == status;
        ROW((size_t)status, "status");
        next += (size_t)is_understood;
        CHECK_INT(judge(&policy, "GET", "", status,
                        CC "no-store, must-understand, max-age=60", NULL)
                          .ruling == FCACHE_RULING_STORE,
                  is_understood);
        CHECK_INT(
            judge(&policy, "GET", "", status, CC "max-age=60", NULL).ruling ==
                FCACHE_RULING_STORE,
            status != 206 && status != 304 && status <= 599);
    }
}

/* T14 */
static void field_limits(void **state)
{
    static char big[9000];
    static const struct {
        size_t count, bytes;
        fcache_reason_t reason;
    } rows[] = {
        {100, 10, R(STORED)},     {101, 10, R(BAD_FIELDS)},
        {2, 8191, R(STORED)},     {5, 8185, R(STORED)},
        {5, 8186, R(BAD_FIELDS)}, {2, 8192, R(BAD_FIELDS)},
        {5, 8180, R(STORED)},     {6, 8180, R(BAD_FIELDS)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    memset(big, 'x', sizeof big);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_field_t items[128] = {
            {fcache_str("Cache-Control"), fcache_str("max-age=60")}};
        for (size_t j = 1; j < rows[i].count; j++) {
            items[j] = (fcache_field_t){fcache_str("X"),
                                        fcache_bytes(big, rows[i].bytes)};
        }
        fcache_request_t request = {.method = fcache_str("GET")};
        fcache_response_t response = {200, {items, rows[i].count}, T0, T0};
        ROW(i, "limits");
        CHECK_INT(fcache_judge(&policy, &request, &response, NULL, T0).reason,
                  rows[i].reason);
    }
}

static void vary_count(void **state)
{
    static const struct {
        const char *fields;
        size_t count;
    } rows[] = {
        {"", 0},
        {"\nVary: a", 1},
        {"\nVary: a, A\nVary: b", 2},
        {"\nContent-Encoding: gzip", 1}, /* T17 */
        {"\nVary: Accept-Encoding\nContent-Encoding: gzip", 1},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[128];
        ROW(i, rows[i].fields);
        snprintf(text, sizeof text, CC "max-age=60%s", rows[i].fields);
        CHECK_INT(judge(&policy, "GET", "", 200, text, NULL).vary_count,
                  rows[i].count);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses),      cmocka_unit_test(order),
        cmocka_unit_test(error_statuses), cmocka_unit_test(other_knobs),
        cmocka_unit_test(methods),        cmocka_unit_test(understood_statuses),
        cmocka_unit_test(field_limits),   cmocka_unit_test(vary_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
