/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include "check.h"
#include "pool.h"

#include "tuple.h"

/* label, value, label, value, ... NULL */
static const char *format(const char *const *words, apr_pool_t *pool)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    for (size_t i = 0; words[i]; i += 2) {
        assert_int_equal(
            fcache_tuple_add(tuple, words[i], fcache_str(words[i + 1])),
            FCACHE_OK);
    }
    return fcache_canonical_format(fcache_bytes(tuple->ptr, tuple->len), pool);
}

static void rows_of_text(void **state)
{
    static const struct {
        const char *words[13];
        const char *text;
    } rows[] = {
        {{NULL}, ""},
        {{"user", "42", NULL}, "user=42"},
        {{"module", "m", "function", "f", NULL}, "module=m function=f"},
        {{"method", "GET", "path", "/", NULL}, "GET /"},
        {{"method", "GET", NULL}, "method=GET"},
        {{"method", "GET", "path", "/", "query", "", NULL}, "GET /?"},
        {{"method", "GET", "path", "/", "path", "/2", NULL}, "GET / path=/2"},
        {{"a", "b c", NULL}, "a=b\\x20c"},
        {{"a", "\r\n\x7f\xff\\", NULL},
         "a=\\x0d\\x0a\\x7f\\xff\\x5c"}, /* T36 */
        {{"a\n", "", NULL}, "a\\x0a="},  /* T36 */
        {{"cookie:sid", "s3cret", "cookies", "1", NULL},
         "cookie:sid=*** cookies=1"},
        {{"header:authorization", "s", "vary:proxy-authorization", "s", NULL},
         "header:authorization=*** vary:proxy-authorization=***"},
        {{"header:cookie", "s", "vary:cookie", "", "header:x", "s", NULL},
         "header:cookie=*** vary:cookie=*** header:x=s"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].text);
        CHECK_TEXT(fcache_str(format(rows[i].words, *state)), rows[i].text);
    }
}

static void malformed_bytes_are_shown_escaped(void **state)
{
    assert_string_equal(
        fcache_canonical_format(fcache_bytes("\x01\xff", 2), *state),
        "malformed:\\x01\\xff");
    assert_string_equal(fcache_canonical_format(fcache_bytes("", 0), *state),
                        "malformed:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(rows_of_text),
        pool_test(malformed_bytes_are_shown_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
