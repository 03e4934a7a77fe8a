/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "check.h"
#include "messages.h"

#include <apr_general.h>

static void comparing(void **state)
{
    static const struct {
        const char *a, *b;
        int strong, weak;
    } rows[] = {
        /* RFC 9110 §8.8.3.2, its table */
        {"W/\"1\"", "W/\"1\"", 0, 1},
        {"W/\"1\"", "W/\"2\"", 0, 0},
        {"W/\"1\"", "\"1\"", 0, 1},
        {"\"1\"", "\"1\"", 1, 1},
        /* §8.8.3: what a tag is */
        {"\"\"", "\"\"", 1, 1},
        {"\"a,b\"", "\"a,b\"", 1, 1},
        {"\"a\\\"", "\"a\\\"", 1, 1},
        {"\"\xc3\xa4\"", "\"\xc3\xa4\"", 1, 1},
        {"\"a\"", "\"A\"", 0, 0},
        /* bad ones never match, not even themselves */
        {"", "", 0, 0},
        {"1", "1", 0, 0},
        {"\"1", "\"1", 0, 0},
        {"1\"", "1\"", 0, 0},
        {"\"", "\"", 0, 0},
        {"w/\"1\"", "w/\"1\"", 0, 0},
        {"W\"1\"", "W\"1\"", 0, 0},
        {"W/", "W/", 0, 0},
        {"W/1", "W/1", 0, 0},
        {"W/ \"1\"", "W/ \"1\"", 0, 0},
        {"\"a b\"", "\"a b\"", 0, 0},
        {"\"a\x7f\"", "\"a\x7f\"", 0, 0},
        {"\"a\"b\"", "\"a\"b\"", 0, 0},
        {"\"a\" ", "\"a\"", 0, 0},
        {" \"a\"", "\"a\"", 0, 0},
        {"\"a\", \"b\"", "\"a\"", 0, 0},
        {"*", "*", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_bytes_t a = fcache_str(rows[i].a);
        fcache_bytes_t b = fcache_str(rows[i].b);
        ROW(i, rows[i].a);
        CHECK_INT(fcache_etag_matches(a, b, 0), rows[i].strong);
        CHECK_INT(fcache_etag_matches(b, a, 0), rows[i].strong);
        CHECK_INT(fcache_etag_matches(a, b, 1), rows[i].weak);
        CHECK_INT(fcache_etag_matches(b, a, 1), rows[i].weak);
    }
}

#define EARLY  "Sun, 06 Nov 1994 08:49:36 GMT"
#define AT     "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATE   "Sun, 06 Nov 1994 08:49:38 GMT"
#define DATE_S INT64_C(784111777) /* AT */

static const struct {
    const char *etag, *modified, *fields;
    int status;
} conditions_rows[] = {
    {"\"a\"", AT, "", 200},
    {"\"a\"", AT, "Accept: x", 200},
    /* RFC 9110 §13.1.2: weak comparison, lists, "*" */
    {"\"a\"", "", "If-None-Match: \"a\"", 304},
    {"\"a\"", "", "If-None-Match: W/\"a\"", 304},
    {"W/\"a\"", "", "If-None-Match: \"a\"", 304},
    {"W/\"a\"", "", "If-None-Match: W/\"a\"", 304},
    {"\"a\"", "", "If-None-Match: \"b\"", 200},
    {"\"a\"", "", "If-None-Match: \"A\"", 200},
    {"\"a\"", "", "If-None-Match: \"a\", \"b\"", 304},
    {"\"a\"", "", "If-None-Match: \"b\", \"a\"", 304},
    {"\"a\"", "", "If-None-Match: \"b\",W/\"a\",\"c\"", 304},
    {"\"a\"", "", "If-None-Match: \"b\" ,\t\"a\" , \"c\"", 304},
    {"\"a\"", "", "If-None-Match: , ,\"a\",", 304},
    {"\"a\"", "", "If-None-Match: \"b\"\nIf-None-Match: \"a\"", 304},
    {"\"a\"", "", "if-none-match: \"a\"", 304},
    {"\"a,b\"", "", "If-None-Match: \"x\", \"a,b\"", 304},
    {"\"b\"", "", "If-None-Match: \"a,\"b\"", 200},
    {"\"a\\\"", "", "If-None-Match: \"x\", \"a\\\", \"b\"", 304},
    {"\"b\"", "", "If-None-Match: \"a\\\", \"b\"", 304},
    {"\"\"", "", "If-None-Match: \"\"", 304},
    {"\"a\"", "", "If-None-Match: *", 304},
    {"", "", "If-None-Match: *", 304},
    {"\"a\"", "", "If-None-Match: \"b\"\nIf-None-Match:  * ", 304},
    {"\"*\"", "", "If-None-Match: \"*\"", 304},
    {"\"a\"", "", "If-None-Match: \"*\"", 200},
    {"\"a\"", "", "If-None-Match: *, \"b\"", 200},
    /* what is no tag is skipped */
    {"\"a\"", "", "If-None-Match:", 200},
    {"", "", "If-None-Match:", 200},
    {"\"a\"", "", "If-None-Match: a", 200},
    {"a", "", "If-None-Match: a", 200},
    {"a", "", "If-None-Match: \"a\"", 200},
    {"\"a\"", "", "If-None-Match: w/\"a\"", 200},
    {"\"a\"", "", "If-None-Match: W\"a\"", 200},
    {"\"a\"", "", "If-None-Match: \"a", 200},
    {"\"a\"", "", "If-None-Match: \"a\"b", 200},
    {"\"a\"", "", "If-None-Match: \"a\" \"b\"", 200},
    {"\"a\"", "", "If-None-Match: b, \"a\"", 304},
    {"\"a\"", "", "If-None-Match: b \"a\", \"c\"", 200},
    {"\"a\"", "", "If-None-Match: \"b\"x, \"a\"", 304},
    {"", "", "If-None-Match: \"a\"", 200},
    /* §13.2.2: with it, If-Modified-Since does not count */
    {"\"a\"", AT, "If-None-Match: \"b\"\nIf-Modified-Since: " LATE, 200},
    {"\"a\"", AT, "If-Modified-Since: " EARLY "\nIf-None-Match: \"a\"", 304},
    {"", AT, "If-None-Match: \"b\"\nIf-Modified-Since: " LATE, 200},
    {"\"a\"", AT, "If-None-Match:\nIf-Modified-Since: " LATE, 200},
    /* §13.1.3 */
    {"", AT, "If-Modified-Since: " AT, 304},
    {"", AT, "If-Modified-Since: " LATE, 304},
    {"", AT, "If-Modified-Since: " EARLY, 200},
    {"\"a\"", AT, "If-Modified-Since: " AT, 304},
    {"", AT, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304},
    {"", AT, "If-Modified-Since: Sun Nov  6 08:49:37 1994", 304},
    {"", AT, "If-Modified-Since:", 200},
    {"", AT, "If-Modified-Since: 0", 200},
    {"", AT, "If-Modified-Since: " AT ", " AT, 200},
    {"", AT, "If-Modified-Since: " AT "\nIf-Modified-Since: " AT, 200},
    {"", "junk", "If-Modified-Since: " LATE, 200},
    /* RFC 9111 §4.3.2: Date in place of Last-Modified */
    {"", "", "If-Modified-Since: " AT, 304},
    {"", "", "If-Modified-Since: " EARLY, 200},
    /* not for a cache to evaluate (RFC 9111 §4.3.2) */
    {"\"a\"", AT, "If-Match: \"a\"\nIf-Unmodified-Since: " LATE, 200},
};

static void conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(conditions_rows); i++) {
        message_t m;
        ROW(i, conditions_rows[i].fields);
        CHECK_INT(
            fcache_condition(fcache_str(conditions_rows[i].etag),
                             fcache_str(conditions_rows[i].modified), DATE_S,
                             fields_of(&m, conditions_rows[i].fields), NULL),
            conditions_rows[i].status);
    }
}

/* A filter behind us, like mod_deflate, marks the tags it lets through. */
static void suffixes(void **state)
{
    static const struct {
        const char *etag, *asked, *suffix;
        int status;
    } rows[] = {
        {"\"a\"", "\"a-gzip\"", "-gzip", 304},
        {"\"a\"", "\"b\", W/\"a-gzip\"", "-gzip", 304},
        {"\"a\"", "\"a\"", "-gzip", 304},
        {"\"a\"", "\"a-br\"", "-gzip", 200},
        {"\"a\"", "\"a-gzip\"", NULL, 200},
        {"\"a\"", "\"a-gzip\"", "", 200},
        {"\"a-gzip\"", "\"a-gzip\"", "-gzip", 304},
        {"\"a-gzip\"", "\"a\"", "-gzip", 200},
        {"\"\"", "\"-gzip\"", "-gzip", 304},
        {"\"a\"", "\"-gzip\"", "-gzip", 200},
        {"\"a\"", "\"a-gzip-gzip\"", "-gzip", 200},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        char text[64];
        ROW(i, rows[i].asked);
        snprintf(text, sizeof text, "If-None-Match: %s", rows[i].asked);
        CHECK_INT(fcache_condition(fcache_str(rows[i].etag), fcache_str(""),
                                   DATE_S, fields_of(&m, text), rows[i].suffix),
                  rows[i].status);
    }
}

static void make(const char *type, const char *encoding, const char *body,
                 size_t piece, char out[FCACHE_ETAG_LEN + 1])
{
    apr_pool_t *pool;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    fcache_etag_t *etag =
        fcache_etag_create(fcache_str(type), fcache_str(encoding), pool);
    assert_non_null(etag);
    for (size_t at = 0; at < strlen(body); at += piece) {
        size_t left = strlen(body) - at;
        fcache_etag_update(
            etag, fcache_bytes(body + at, left < piece ? left : piece));
    }
    fcache_etag_update(etag, fcache_bytes(NULL, 0));
    fcache_etag_final(etag, out);
    apr_pool_destroy(pool);
}

static void making(void **state)
{
    char one[FCACHE_ETAG_LEN + 1];
    char other[FCACHE_ETAG_LEN + 1];
    (void)state;
    make("text/plain", "", "hello", 5, one);
    assert_int_equal(strlen(one), FCACHE_ETAG_LEN);
    assert_true(fcache_etag_matches(fcache_str(one), fcache_str(one), 0));
    /* the same everywhere and for ever: SHA-256 of the two lengths as 8 bytes,
     * the types, the body */
    assert_string_equal(one, "\"MH_CBYy_q7p8AS8qJ_t9_A\"");
    make("text/plain", "", "hello", 1, other);
    assert_string_equal(one, other);
    make("text/plain", "", "hellp", 5, other);
    assert_string_not_equal(one, other);
    make("text/html", "", "hello", 5, other);
    assert_string_not_equal(one, other);
    make("text/plain", "gzip", "hello", 5, other);
    assert_string_not_equal(one, other);
    make("text/plainh", "", "ello", 5, other);
    assert_string_not_equal(one, other);
    make("", "text/plain", "hello", 5, other);
    assert_string_not_equal(one, other);
}

static void final_is_once(void **state)
{
    char out[FCACHE_ETAG_LEN + 1];
    apr_pool_t *pool;
    (void)state;
    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    fcache_etag_t *etag =
        fcache_etag_create(fcache_str(""), fcache_str(""), pool);
    fcache_etag_final(etag, out);
    assert_int_equal(strlen(out), FCACHE_ETAG_LEN);
    fcache_etag_update(etag, fcache_str("late"));
    fcache_etag_final(etag, out);
    assert_string_equal(out, "");
    apr_pool_destroy(pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),     cmocka_unit_test(conditions),
        cmocka_unit_test(suffixes),      cmocka_unit_test(making),
        cmocka_unit_test(final_is_once),
    };
    if (apr_initialize() != APR_SUCCESS) {
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
