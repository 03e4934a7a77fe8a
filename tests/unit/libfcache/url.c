/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/url.h>

#include "check.h"

#include <apr_general.h>

static apr_pool_t *pool;

static void good(void **state)
{
    static const struct {
        const char *url, *scheme, *authority, *path, *query;
    } rows[] = {
        {"http://h", "http", "h", "/", NULL},
        {"http://h/", "http", "h", "/", NULL},
        {"HTTPS://Host.Example/a/B", "https", "host.example", "/a/B", NULL},
        {"http://h?q", "http", "h", "/", "q"},
        {"http://h/p?", "http", "h", "/p", ""},
        {"http://h/p?a=1&b=?/#f", "http", "h", "/p", "a=1&b=?/"},
        {"http://h/p#f?x", "http", "h", "/p", NULL},
        {"http://h:80/", "http", "h", "/", NULL},
        {"http://h:443/", "http", "h:443", "/", NULL},
        {"https://h:443/", "https", "h", "/", NULL},
        {"https://h:8443/", "https", "h:8443", "/", NULL},
        {"http://h:/", "http", "h", "/", NULL},
        {"http://h:180/", "http", "h:180", "/", NULL},
        {"http://h./", "http", "h", "/", NULL},
        {"http://h.:81/", "http", "h:81", "/", NULL},
        {"http://h80/", "http", "h80", "/", NULL},
        {"http://[::1]/x", "http", "[::1]", "/x", NULL},
        {"http://[::1]:81/x", "http", "[::1]:81", "/x", NULL},
        {"http://h/%20/../x", "http", "h", "/%20/../x", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_url_t url;
        ROW(i, rows[i].url);
        CHECK_INT(fcache_url_parse(fcache_str(rows[i].url), &url, pool, NULL),
                  FCACHE_OK);
        CHECK_TEXT(url.scheme, rows[i].scheme);
        CHECK_TEXT(url.authority, rows[i].authority);
        CHECK_TEXT(url.path, rows[i].path);
        CHECK_TEXT(url.query, rows[i].query);
        CHECK_INT(url.query.ptr == NULL, rows[i].query == NULL);
    }
}

static void bad(void **state)
{
    static const char *const rows[] = {
        "",
        "h",
        "/p",
        "ftp://h/",
        "http:",
        "http://",
        "http:///p",
        "http://u@h/",
        "http://h/ ",
        "http://h/\n",
        "http://h/\xc3",
        "http://:80/",
        "http://?q",
        "http://./",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_url_t url;
        fcache_error_t error = {""};
        ROW(i, rows[i]);
        CHECK_INT(fcache_url_parse(fcache_str(rows[i]), &url, pool, &error),
                  FCACHE_BAD_INPUT);
        CHECK_INT(error.text[0] != '\0', 1);
    }
}

static void references(void **state)
{
    static const struct {
        const char *reference, *url; /* NULL: none of ours */
    } rows[] = {
        /* RFC 3986 §5.4.1, with the base http://a/b/c/d?q */
        {"g:h", NULL},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        /* §5.4.2 */
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http:g", NULL},
        /* whole URLs, and what is none */
        {"http://A:80/x/../y?", "http://a/y?"},
        {"https://a.:443/x", "https://a/x"},
        {"//a:81?z", "http://a:81/?z"},
        {"//u@a/x", NULL},
        {"/x//y", "http://a/x//y"},
        {"?", "http://a/b/c/d?"},
        {"a b", NULL},
        {"g:", NULL},
        {"1:g", "http://a/b/c/1:g"},
    };
    fcache_url_t base;
    (void)state;
    CHECK_INT(
        fcache_url_parse(fcache_str("http://a/b/c/d?q"), &base, pool, NULL),
        FCACHE_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_url_t url;
        char text[128];
        ROW(i, rows[i].reference);
        fcache_status_t status = fcache_url_resolve(
            &base, fcache_str(rows[i].reference), &url, pool, NULL);
        CHECK_INT(status, rows[i].url ? FCACHE_OK : FCACHE_BAD_INPUT);
        if (rows[i].url) {
            snprintf(text, sizeof text, "%.*s://%.*s%.*s%s%.*s",
                     (int)url.scheme.len, url.scheme.ptr,
                     (int)url.authority.len, url.authority.ptr,
                     (int)url.path.len, url.path.ptr, url.query.ptr ? "?" : "",
                     (int)url.query.len, url.query.ptr ? url.query.ptr : "");
            CHECK_TEXT(fcache_str(text), rows[i].url);
        }
    }
    base.path = fcache_str("*");
    CHECK_INT(fcache_url_resolve(&base, fcache_str("g"), &base, pool, NULL),
              FCACHE_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
        cmocka_unit_test(references),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
