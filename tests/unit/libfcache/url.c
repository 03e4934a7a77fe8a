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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
    };
    apr_initialize();
    apr_pool_create(&pool, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
