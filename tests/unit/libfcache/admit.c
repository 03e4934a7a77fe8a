/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "check.h"
#include "messages.h"

static fcache_reason_t admit(const fcache_policy_t *policy, const char *method,
                             unsigned flags, const char *fields)
{
    message_t m;
    fcache_request_t request = {.method = fcache_str(method),
                                .fields = fields_of(&m, fields),
                                .flags = flags};
    return fcache_admit(policy, &request);
}

#define OK      FCACHE_REASON_NONE
#define R(name) FCACHE_REASON_##name
#define BODY    FCACHE_REQUEST_HAS_BODY

static const struct {
    const char *method;
    unsigned flags;
    const char *fields;
    fcache_reason_t reason;
} requests_rows[] = {
    {"GET", 0, "", OK},
    {"HEAD", 0, "", OK},
    {"GET", 0, "Host: a\nAccept: b\nCookie: c=d\nAuthorization: x", OK},
    /* methods, case matters (RFC 9110 §9.1) */
    {"POST", 0, "", R(METHOD)},
    {"get", 0, "", R(METHOD)},
    {"head", 0, "", R(METHOD)},
    {"GETX", 0, "", R(METHOD)},
    {"PURGE", 0, "", R(METHOD)}, /* T20 */
    {"", 0, "", R(METHOD)},
    /* T2 */
    {"GET", 0, "X-HTTP-Method-Override: POST", R(METHOD_OVERRIDE)},
    {"HEAD", 0, "x-http-method-override: POST", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-HTTP-Method:", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-Method-Override: PUT", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-Original-Method: PUT", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-Forwarded-Method: PUT", R(METHOD_OVERRIDE)},
    {"GET", 0, "A: b\nX-Original-URL: /admin", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-Rewrite-URL: /admin", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-Override-URL: /admin", R(METHOD_OVERRIDE)},
    {"GET", 0, "X-Original-URLs: /", OK},
    {"GET", 0, "X-Forwarded-Host: a", OK}, /* T1: in the key instead */
    {"GET", 0, "X: y\nX-", OK},
    /* T3 */
    {"GET", BODY, "", R(REQUEST_BODY)},
    {"HEAD", BODY, "", R(REQUEST_BODY)},
    {"GET", 0, "Content-Length: 1", R(REQUEST_BODY)},
    {"GET", 0, "Content-Length: 0", OK},
    {"GET", 0, "Content-Length:  000 ", OK},
    {"GET", 0, "Content-Length:", R(REQUEST_BODY)},
    {"GET", 0, "Content-Length: -1", R(REQUEST_BODY)},
    {"GET", 0, "Content-Length: x", R(REQUEST_BODY)},
    {"GET", 0, "Content-Length: 99999999999999999999", R(REQUEST_BODY)},
    {"GET", 0, "Transfer-Encoding: chunked", R(REQUEST_BODY)},
    {"HEAD", 0, "transfer-encoding:", R(REQUEST_BODY)},
    {"GET", 0, "Content-Type: text/plain\nTE: trailers", OK},
    /* T4, T6, T13 */
    {"GET", FCACHE_REQUEST_ODD_TARGET, "", R(ODD_TARGET)},
    {"GET", FCACHE_REQUEST_ODD_HOST, "", R(ODD_HOST)},
    {"GET", FCACHE_REQUEST_ODD_FRAMING, "", R(ODD_FRAMING)},
    /* T18 */
    {"GET", 0, "Connection: close", OK},
    {"GET", 0, "Connection: Keep-Alive, TE", OK},
    {"GET", 0, "Connection: Upgrade, HTTP2-Settings", OK},
    {"GET", 0, "Connection:", OK},
    {"GET", 0, "Connection: ,", OK},
    {"GET", 0, "Connection: Cookie", R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: close, Authorization", R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: close\nConnection: X-Tenant",
     R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: \"close\"", R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: close x", R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: Accept-Encoding", R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: Host", R(CONNECTION_NAMES_FIELD)},
    {"GET", 0, "Connection: Transfer-Encoding", R(CONNECTION_NAMES_FIELD)},
    /* RFC 9110 §7.8 */
    {"GET", 0, "Connection: upgrade\nUpgrade: websocket", R(UPGRADE)},
    {"GET", 0, "Upgrade: h2c, websocket", R(UPGRADE)},
    {"GET", 0, "Upgrade: h2c", OK},
    {"GET", 0, "Upgrade:", OK},
    /* RFC 9111 §5.2.1.5 */
    {"GET", 0, "Cache-Control: no-store", R(REQUEST_NO_STORE)},
    {"GET", 0, "Cache-Control: max-age=0\ncache-control: No-Store",
     R(REQUEST_NO_STORE)},
    {"GET", 0, "Cache-Control: no-cache", OK},
    {"GET", 0, "Cache-Control: x=\"no-store\"", OK},
};

static void requests(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(requests_rows); i++) {
        ROW(i, requests_rows[i].fields);
        fcache_reason_t reason =
            admit(&policy, requests_rows[i].method, requests_rows[i].flags,
                  requests_rows[i].fields);
        CHECK_TEXT(fcache_str(fcache_reason_text(reason)),
                   fcache_reason_text(requests_rows[i].reason));
    }
}

static void operators_methods(void **state)
{
    static const fcache_bytes_t methods[] = {{"POST", 4}, {"QUERY", 5}};
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.methods = methods;
    policy.method_count = 2;
    assert_int_equal(admit(&policy, "POST", BODY, "Content-Length: 5"), OK);
    assert_int_equal(
        admit(&policy, "QUERY", BODY, "Transfer-Encoding: chunked"), OK);
    assert_int_equal(admit(&policy, "GET", 0, ""), R(METHOD));
    assert_int_equal(admit(&policy, "HEAD", 0, ""), R(METHOD));
    assert_int_equal(admit(&policy, "POST", 0, "X-Method-Override: GET"),
                     R(METHOD_OVERRIDE));
    policy.method_count = 0;
    assert_int_equal(admit(&policy, "POST", 0, ""), R(METHOD));
}

/* Clients whom the operator does not let steer cannot opt out either. */
static void request_control(void **state)
{
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.request_control = FCACHE_REQUEST_CONTROL_IGNORE;
    assert_int_equal(admit(&policy, "GET", 0, "Cache-Control: no-store"), OK);
    policy.request_control = FCACHE_REQUEST_CONTROL_REFRESH_ONLY;
    assert_int_equal(admit(&policy, "GET", 0, "Cache-Control: no-store"), OK);
}

/* RFC 9110 §9.2.1; any other one invalidates, known or not (T21). */
static void safe_methods(void **state)
{
    static const struct {
        const char *method;
        int is_safe;
    } rows[] = {
        {"GET", 1},  {"HEAD", 1}, {"OPTIONS", 1}, {"TRACE", 1},
        {"POST", 0}, {"PUT", 0},  {"DELETE", 0},  {"PATCH", 0},
        {"get", 0},  {"FOO", 0},  {"", 0},        {"GETX", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].method);
        CHECK_INT(fcache_method_is_safe(fcache_str(rows[i].method)),
                  rows[i].is_safe);
    }
}

/* RFC 9111 §5.2.1.7; §4: unsafe methods are written through. */
static void who_forbids_to_ask_the_origin(void **state)
{
#define ONLY "Cache-Control: only-if-cached"
    static const struct {
        const char *method, *fields;
        fcache_request_control_t control;
        int wanted;
    } rows[] = {
        {"GET", ONLY, FCACHE_REQUEST_CONTROL_HONOR, 1},
        {"HEAD", ONLY ", no-store", FCACHE_REQUEST_CONTROL_HONOR, 1},
        {"OPTIONS", ONLY, FCACHE_REQUEST_CONTROL_HONOR, 1},
        {"POST", ONLY, FCACHE_REQUEST_CONTROL_HONOR, 0},
        {"BREW", ONLY, FCACHE_REQUEST_CONTROL_HONOR, 0},
        {"GET", "Cache-Control: no-store", FCACHE_REQUEST_CONTROL_HONOR, 0},
        {"GET", "", FCACHE_REQUEST_CONTROL_HONOR, 0},
        {"GET", ONLY, FCACHE_REQUEST_CONTROL_IGNORE, 0},
        {"GET", ONLY, FCACHE_REQUEST_CONTROL_REFRESH_ONLY, 0},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_request_t request = {.method = fcache_str(rows[i].method),
                                    .fields = fields_of(&m, rows[i].fields)};
        ROW(i, rows[i].fields);
        policy.request_control = rows[i].control;
        CHECK_INT(fcache_forbids_origin(&policy, &request), rows[i].wanted);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(operators_methods),
        cmocka_unit_test(request_control),
        cmocka_unit_test(safe_methods),
        cmocka_unit_test(who_forbids_to_ask_the_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
