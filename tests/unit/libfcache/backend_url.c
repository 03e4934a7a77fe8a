/* SPDX-License-Identifier: Apache-2.0 */
#include "backend_url.h"

#include "check.h"
#include "pool.h"

/* `size` and `password` of the URL, as they are seen by a store. */
static void urls_are_parsed(void **state)
{
    static const struct {
        const char *url;
        const char *scheme, *location, *size, *password;
        const char *shown;
    } rows[] = {
        {"memory:", "memory", "", NULL, NULL, "memory:"},
        {"memory:?size=64M", "memory", "", "64M", NULL, "memory:?size=64M"},
        {"memory:?SIZE=64M&", "memory", "", "64M", NULL, "memory:?size=64M"},
        {"memory:x?size=a%26b%3d%25", "memory", "x", "a&b=%", NULL,
         "memory:x?size=a%26b%3D%25"},
        {"redis://h:6379/0?size=1", "redis", "//h:6379/0", "1", NULL,
         "redis://h:6379/0?size=1"},
        {"redis://u:pw@h:6379?password=geheim&size=1", "redis", "//u:pw@h:6379",
         "1", "geheim", "redis://u@h:6379?size=1"}, /* T36 */
        {"redis://:pw@h", "redis", "//:pw@h", NULL, NULL, "redis://@h"},
        {"redis://u:p@w@h", "redis", "//u:p@w@h", NULL, NULL, "redis://u@h"},
        {"x:?size=a=b", "x", "", "a=b", NULL, "x:?size=a%3Db"},
        {"x:?size=", "x", "", "", NULL, "x:?size="},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fci_backend_url_t url;
        ROW(i, rows[i].url);
        CHECK_INT(fci_backend_url_parse(rows[i].url, NULL, &url, *state, NULL),
                  FCACHE_OK);
        CHECK_TEXT(fcache_str(url.scheme), rows[i].scheme);
        CHECK_TEXT(fcache_str(url.location), rows[i].location);
        CHECK_TEXT(fcache_str(apr_table_get(url.options, "size")),
                   rows[i].size ? rows[i].size : "");
        CHECK_TEXT(fcache_str(apr_table_get(url.options, "password")),
                   rows[i].password ? rows[i].password : "");
        CHECK_TEXT(fcache_str(fci_backend_url_format(&url, *state)),
                   rows[i].shown);
    }
}

static void bad_urls_are_refused(void **state)
{
    static const struct {
        const char *url, *text;
    } rows[] = {
        {"", "scheme:location"},
        {"memory", "scheme:location"},
        {":x", "scheme:location"},
        {"memory:?size", "'size' has no value"},
        {"memory:?=1", "not an option's name"},
        {"memory:?a.b=1", "not an option's name"},
        {"memory:?size=1&size=2", "'size' is given twice"},
        {"memory:?size=1&SIZE=2", "'size' is given twice"},
        {"memory:?size=%", "bad %-escape"},
        {"memory:?size=%4", "bad %-escape"},
        {"memory:?size=%zz", "bad %-escape"},
        {"memory:?size=%00", "bad %-escape"},
        {"memory:?a=1&&b=2", "'' has no value"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fci_backend_url_t url;
        fcache_error_t error;
        ROW(i, rows[i].url);
        CHECK_INT(
            fci_backend_url_parse(rows[i].url, NULL, &url, *state, &error),
            FCACHE_BAD_CONFIG);
        if (!strstr(error.text, rows[i].text)) {
            fail_msg("row %zu: %s", i, error.text);
        }
    }
}

static void options_of_both_places_merge(void **state)
{
    fci_backend_url_t url;
    apr_table_t *more = apr_table_make(*state, 2);
    apr_table_set(more, "Name", "100%");
    assert_int_equal(
        fci_backend_url_parse("memory:?size=1", more, &url, *state, NULL),
        FCACHE_OK);
    assert_string_equal(apr_table_get(url.options, "size"), "1");
    assert_string_equal(apr_table_get(url.options, "name"), "100%");
    assert_string_equal(fci_backend_url_format(&url, *state),
                        "memory:?size=1&name=100%25");
    assert_int_equal(
        fci_backend_url_parse("memory:?name=1", more, &url, *state, NULL),
        FCACHE_BAD_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(urls_are_parsed),
        pool_test(bad_urls_are_refused),
        pool_test(options_of_both_places_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
