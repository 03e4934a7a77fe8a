/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "check.h"
#include "messages.h"

static void stored(void **state)
{
    static const struct {
        const char *name, *fields;
        int is_stored;
    } rows[] = {
        /* RFC 9111 §3.1 */
        {"Content-Type", "", 1},
        {"ETag", "", 1},
        {"Date", "", 1},
        {"Content-Length", "", 1},
        {"CDN-Cache-Control", "", 1},
        {"X-Unknown", "", 1},
        {"Connection", "", 0},
        {"keep-alive", "", 0},
        {"Proxy-Authenticate", "", 0},
        {"Proxy-Authentication-Info", "", 0},
        {"Proxy-Authorization", "", 0},
        {"Proxy-Connection", "", 0},
        {"TE", "", 0},
        {"Trailer", "", 0},
        {"Transfer-Encoding", "", 0},
        {"UPGRADE", "", 0},
        /* ours to write */
        {"Age", "", 0},
        {"X-FCache", "", 0},
        {"x-fcache-debug", "", 0},
        {"Cache-Status", "", 1},
        /* T18 */
        {"X-A", "Connection: close, x-a", 0},
        {"X-A", "Connection: close\nConnection: X-A", 0},
        {"X-A", "Connection: X-AB", 1},
        {"Content-Type", "Connection: Content-Type", 0},
        /* §5.2.2.4, §5.2.2.7 */
        {"X-A", "Cache-Control: no-cache=\"x-b, x-a\"", 0},
        {"X-A", "Cache-Control: private=\"X-A\"", 0},
        {"X-A", "Cache-Control: private=\"X-B\"", 1},
        {"X-A", "CDN-Cache-Control: private=\"X-A\"", 0},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_cc_t cc;
        fcache_fields_t fields = fields_of(&m, rows[i].fields);
        ROW(i, rows[i].name);
        fcache_cc_of_response(fields, &cc);
        CHECK_INT(fcache_field_is_stored(&policy, fields, &cc,
                                         fcache_str(rows[i].name)),
                  rows[i].is_stored);
    }
}

/* T9 */
static void cookies(void **state)
{
    static const struct {
        fcache_set_cookie_t set_cookie;
        int is_stored;
    } rows[] = {
        {FCACHE_SET_COOKIE_REFUSE, 0},
        {FCACHE_SET_COOKIE_STRIP, 0},
        {FCACHE_SET_COOKIE_STORE, 1},
    };
    static const fcache_fields_t none = {NULL, 0};
    fcache_policy_t policy;
    fcache_cc_t cc;
    (void)state;
    fcache_policy_init(&policy);
    fcache_cc_parse(none, &cc);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, "cookie");
        policy.set_cookie = rows[i].set_cookie;
        CHECK_INT(fcache_field_is_stored(&policy, none, &cc,
                                         fcache_str("set-cookie")),
                  rows[i].is_stored);
        CHECK_INT(fcache_field_is_stored(&policy, none, &cc,
                                         fcache_str("Set-Cookie2")),
                  rows[i].is_stored);
        CHECK_INT(
            fcache_field_is_stored(&policy, none, &cc, fcache_str("Cookie")),
            1);
    }
}

/* RFC 9111 §3.2, T15 */
static void updated(void **state)
{
    static const struct {
        const char *name;
        int is_updated;
    } rows[] = {
        {"Cache-Control", 1},
        {"Expires", 1},
        {"Date", 1},
        {"Last-Modified", 1},
        {"Vary", 1},
        {"X-A", 1},
        {"Content-Length", 0},
        {"content-encoding", 0},
        {"Content-Range", 0},
        {"Content-Type", 1},
        {"ETag", 0},
        {"Set-Cookie", 1},
        {"Content-MD5", 0},
        {"Connection", 0},
        {"Content-Digest", 0},
        {"Age", 0},
        {"TE", 0},
        {"Transfer-Encoding", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        CHECK_INT(fcache_field_is_updated(fcache_str(rows[i].name)),
                  rows[i].is_updated);
    }
}

static void merging(void **state)
{
    static const struct {
        const char *block, *update, *merged, *cookie;
    } rows[] = {
        {"", "", "", NULL},
        {"A: 1\r\n", "", "A:1;", NULL},
        {"A: 1\r\nB: 2\r\n", "b: 3", "b:3;A:1;", NULL},
        {"A: 1\r\nA: 2\r\n", "A: 3\nA: 4", "A:3;A:4;", NULL},
        {"A: 1\r\nContent-Length: 5\r\n", "Content-Length: 9\nC: 1",
         "C:1;A:1;Content-Length:5;", NULL},
        {"A: 1\r\n", "Set-Cookie: a=b", "A:1;", NULL}, /* T15 */
        {"ETag: \"a\"\r\n", "ETag: \"b\"", "ETag:\"a\";", NULL},
        /* RFC 9111 §4.3.4 */
        {"ETag: \"a\"\r\nA: 1\r\n", "ETag: \"b\"\nA: 2\nB: 2\nAge: 3\nDate: y",
         "Age:3;Date:y;ETag:\"a\";A:1;", NULL},
        {"ETag: \"a\"\r\nA: 1\r\n", "ETag: W/\"b\"\nA: 2", "ETag:\"a\";A:1;",
         NULL},
        {"ETag: W/\"a\"\r\nA: 1\r\n", "ETag: \"b\"\nA: 2", "ETag:W/\"a\";A:1;",
         NULL},
        {"ETag: W/\"a\"\r\nA: 1\r\n", "ETag: \"a\"\nA: 2", "A:2;ETag:W/\"a\";",
         NULL},
        {"ETag: a\r\nA: 1\r\n", "ETag: a\nA: 2", "A:2;ETag:a;", NULL},
        {"ETag: a\r\nA: 1\r\n", "ETag: b\nA: 2", "ETag:a;A:1;", NULL},
        {"A: 1\r\n", "ETag: \"b\"\nA: 2", "A:2;", NULL},
        {"Date: x\r\nA: 1\r\n", "", "A:1;", NULL},
        {"Date: x\r\n", "Date: y\nAge: 3", "Date:y;Age:3;", NULL},
        {"A: 1\r\n", "Connection: A, close\nA: 2", "A:1;", NULL},
        {"A: 1\r\n", "Cache-Control: no-cache=\"a\"\nA: 2",
         "Cache-Control:no-cache=\"a\";A:1;", NULL},
        {"", "A: 1\nB: 2\nC: 3\nD: 4\nE: 5\nF: 6\nG: 7\nH: 8\nI: 9",
         "A:1;B:2;C:3;D:4;E:5;F:6;G:7;H:8;", NULL},
        /* of what was said to someone's cookies only what a cache must know */
        {"A: 1\r\n",
         "A: 2\nX-User: b\nAge: 1\nDate: x\nExpires: y\n"
         "Last-Modified: z\nVary: q\nCache-Control: max-age=1\n"
         "Content-Type: t",
         "Age:1;Date:x;Expires:y;Last-Modified:z;Vary:q;"
         "Cache-Control:max-age=1;A:1;",
         "c=1"},
        {"", "X: b\nCDN-Cache-Control: max-age=1",
         "CDN-Cache-Control:max-age=1;", "c=1"},
        {"", "X: b\nCache-Control: public", "X:b;Cache-Control:public;", "c=1"},
        {"", "X: b\nCache-Control: s-maxage=1", "X:b;Cache-Control:s-maxage=1;",
         "c=1"},
        {"", "X: b\nVary: cookie", "X:b;Vary:cookie;", "c=1"},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_field_t space[8];
        char shown[256] = "";
        fcache_field_t cookie = {fcache_str("Cookie"),
                                 fcache_str(rows[i].cookie)};
        fcache_request_t request = {
            .fields = {&cookie, rows[i].cookie ? 1 : 0}};
        ROW(i, rows[i].update);
        fcache_fields_t merged = fcache_fields_merge(
            &policy, &request, fcache_str(rows[i].block),
            fields_of(&m, rows[i].update), space, COUNT(space));
        for (size_t j = 0; j < merged.count; j++) {
            size_t len = strlen(shown);
            fcache_bytes_t value = fcache_bytes_trim(merged.items[j].value);
            snprintf(shown + len, sizeof shown - len, "%.*s:%.*s;",
                     (int)merged.items[j].name.len, merged.items[j].name.ptr,
                     (int)value.len, value.ptr);
        }
        CHECK_TEXT(fcache_str(shown), rows[i].merged);
    }
}

/* T9 */
static void refused_cookies(void **state)
{
    static const struct {
        const char *cookie, *block;
        fcache_set_cookie_t set_cookie;
        int is_refused;
    } rows[] = {
        {"c=1", "", FCACHE_SET_COOKIE_REFUSE, 1},
        {"c=1", "Cache-Control: max-age=1\r\n", FCACHE_SET_COOKIE_STRIP, 1},
        {"c=1", "", FCACHE_SET_COOKIE_STORE, 0},
        {NULL, "", FCACHE_SET_COOKIE_REFUSE, 0},
        {"c=1", "Cache-Control: public\r\n", FCACHE_SET_COOKIE_REFUSE, 0},
        {"c=1", "Cache-Control: s-maxage=1\r\n", FCACHE_SET_COOKIE_REFUSE, 0},
        {"c=1", "Vary: A, Cookie\r\n", FCACHE_SET_COOKIE_REFUSE, 0},
        {"c=1", "Vary: A\r\nCDN-Cache-Control: public\r\n",
         FCACHE_SET_COOKIE_REFUSE, 0},
        {"c=1", "Cache-Control: public\r\nCDN-Cache-Control: max-age=1\r\n",
         FCACHE_SET_COOKIE_REFUSE, 1},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_field_t cookie = {fcache_str("Cookie"),
                                 fcache_str(rows[i].cookie)};
        fcache_request_t request = {
            .fields = {&cookie, rows[i].cookie ? 1 : 0}};
        ROW(i, rows[i].block);
        policy.set_cookie = rows[i].set_cookie;
        CHECK_INT(fcache_cookie_is_refused(&policy, &request,
                                           fcache_str(rows[i].block)),
                  rows[i].is_refused);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored),          cmocka_unit_test(cookies),
        cmocka_unit_test(updated),         cmocka_unit_test(merging),
        cmocka_unit_test(refused_cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
