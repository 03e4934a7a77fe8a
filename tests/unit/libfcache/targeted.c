/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/http.h>

#include "check.h"
#include "directives.h"
#include "messages.h"

#define INVALID NULL

static const struct {
    const char *value, *shown;
} parsing_rows[] = {
    /* RFC 9213 §2.1: a dictionary of directives */
    {"max-age=60", " max-age=60"},
    {"  max-age=60  ", " max-age=60"},
    {"max-age=60,s-maxage=5", " max-age=60 s-maxage=5"},
    {"max-age=60\t , \tpublic", " public max-age=60"},
    {"no-store", " no-store"},
    {"no-store=?1", " no-store"},
    {"no-store=?0", ""},
    {"no-store, no-store=?0", ""},
    {"private, must-revalidate", " private must-revalidate"},
    {"no-cache=\"a, b\"", " no-cache(a, b)"},
    {"no-cache=a", " no-cache(a)"},
    {"no-cache=(a b)", " no-cache"},
    {"stale-while-revalidate=7, stale-if-error=8", " swr=7 sie=8"},
    {"foo, max-age=1", " max-age=1"},
    {"foo=1.5, bar=:YQ==:, baz=\"x, \\\"y\\\\\", q=*/a:b, max-age=1",
     " max-age=1"},
    {"*x=(), max-age=1", " max-age=1"},
    {"a_b.c-d*9=:+/Aa0==:, x=123456789012.123, y=\"~ \", max-age=1",
     " max-age=1"},
    {"x=999999999999999, y=-9.9, z=A!#$%&'*+-.^_`|~:/9, max-age=1",
     " max-age=1"},
    {"x=(1 \"a\" b;c=1   d );p, max-age=1", " max-age=1"},
    {"max-age=1\nCDN-Cache-Control: public", " public max-age=1"},
    /* RFC 9651 §3.3.7, §3.3.8: dates and display strings */
    {"x=@1659578233, y=@-1, z=(@0);p=@1, max-age=1", " max-age=1"},
    {"x=%\"f%c3%bc%c3%bc %e2%82%ac %f0%9f%98%80 %22%25\", max-age=1",
     " max-age=1"},
    {"x=%\"\", max-age=1", " max-age=1"},
    {"max-age=@60", " max-age=0"},
    {"max-age=%\"60\"", " max-age=0"},
    /* parameters are ignored */
    {"max-age=60;x", " max-age=60"},
    {"max-age=60; x=1;  y=\"a\"", " max-age=60"},
    {"no-store;x=?0", " no-store"},
    /* RFC 9651 §4.2.2: the last one counts */
    {"max-age=1, max-age=9", " max-age=9"},
    {"no-cache, no-cache=\"a\"", " no-cache(a)"},
    {"no-cache=\"a\", no-cache", " no-cache"},
    /* values of another type are not coerced, and mean stale */
    {"max-age=\"60\"", " max-age=0"},
    {"max-age=60.0", " max-age=0"},
    {"max-age=-60", " max-age=0"},
    {"max-age=a60", " max-age=0"},
    {"max-age=:YQ==:", " max-age=0"},
    {"max-age=(60)", " max-age=0"},
    {"max-age", " max-age=0"},
    {"max-age=?1", " max-age=0"},
    {"max-age=?0", ""},
    {"max-age=999999999999999", " max-age=2147483648"},
    {"public=1", ""},
    {"no-store=1", " no-store"},
    /* one error and the field is not there (RFC 9651 §4.2) */
    {"", INVALID},
    {" ", INVALID},
    {",", INVALID},
    {"max-age=60,", INVALID},
    {",max-age=60", INVALID},
    {"max-age=60,,public", INVALID},
    {"max-age=60 public", INVALID},
    {"max-age=60; public, ;", INVALID},
    {"Max-Age=60", INVALID},
    {"max-Age=60", INVALID},
    {"max-age =60", INVALID},
    {"max-age= 60", INVALID},
    {"max-age=", INVALID},
    {"max-age=60s", INVALID},
    {"max-age=+60", INVALID},
    {"max-age=-", INVALID},
    {"max-age=60.", INVALID},
    {"max-age=.5", INVALID},
    {"max-age=1.2345", INVALID},
    {"max-age=1234567890123.1", INVALID},
    {"max-age=1000000000000000", INVALID},
    {"max-age=60;", INVALID},
    {"max-age=1, x=@", INVALID},
    {"max-age=1, x=@-", INVALID},
    {"max-age=1, x=@1.5", INVALID},
    {"max-age=1, x=@1000000000000000", INVALID},
    {"max-age=1, x=@a", INVALID},
    {"max-age=1, x=%", INVALID},
    {"max-age=1, x=%a", INVALID},
    {"max-age=1, x=%\"a", INVALID},
    {"max-age=1, x=%\"%C3%BC\"", INVALID},
    {"max-age=1, x=%\"%c3\"", INVALID},
    {"max-age=1, x=%\"%c3a\"", INVALID},
    {"max-age=1, x=%\"%bc\"", INVALID},
    {"max-age=1, x=%\"%c0%80\"", INVALID},
    {"max-age=1, x=%\"%ed%a0%80\"", INVALID},
    {"max-age=1, x=%\"%f4%90%80%80\"", INVALID},
    {"max-age=1, x=%\"%f8%80%80%80\"", INVALID},
    {"max-age=1, x=%\"%c\"", INVALID},
    {"max-age=1, x=%\"%\"", INVALID},
    {"max-age=1, x=%\"\xc3\xbc\"", INVALID},
    {"max-age=60;X", INVALID},
    {"max-age=60;x=", INVALID},
    {"max-age=60 ;x", INVALID},
    {"max-age=&60", INVALID},
    {"max-age=60, &", INVALID},
    {"max-age='60'", INVALID},
    {"foo=\"bar, max-age=60", INVALID},
    {"foo=\"b\\ar\", max-age=60", INVALID},
    {"foo=\"b\tr\", max-age=60", INVALID},
    {"foo=\"b\xc3\xa4r\", max-age=60", INVALID},
    {"foo=\"\\", INVALID},
    {"foo=:YQ==, max-age=60", INVALID},
    {"foo=:Y Q:, max-age=60", INVALID},
    {"foo=?2, max-age=60", INVALID},
    {"foo=?, max-age=60", INVALID},
    {"foo=(a b, max-age=60", INVALID},
    {"foo=(a,b), max-age=60", INVALID},
    {"foo=(a\tb), max-age=60", INVALID},
    {"foo=((a)), max-age=60", INVALID},
    {"foo=(", INVALID},
    {"1foo, max-age=60", INVALID},
    {"-foo, max-age=60", INVALID},
    {"\"max-age\"=60", INVALID},
    {"max-age=60\nCDN-Cache-Control:", INVALID},
    {"max-age=60\nCDN-Cache-Control: ,", INVALID},
    {"foo=\"a\nCDN-Cache-Control: b\", max-age=60", INVALID},
};

static void parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(parsing_rows); i++) {
        message_t m;
        char text[256];
        char shown[256];
        fcache_cc_t cc;
        ROW(i, parsing_rows[i].value);
        snprintf(text, sizeof text, "CDN-Cache-Control:%s",
                 parsing_rows[i].value);
        int is_valid = fcache_cc_parse_targeted(fields_of(&m, text), &cc);
        CHECK_INT(is_valid, parsing_rows[i].shown != INVALID);
        if (is_valid) {
            show_directives(&cc, shown, sizeof shown);
            CHECK_TEXT(fcache_str(shown), parsing_rows[i].shown);
        }
    }
}

static void absent(void **state)
{
    message_t m;
    fcache_cc_t cc;
    (void)state;
    assert_false(fcache_cc_parse_targeted(fields_of(&m, ""), &cc));
    assert_false(fcache_cc_parse_targeted(
        fields_of(&m, "Cache-Control: max-age=1"), &cc));
    assert_false(
        fcache_cc_parse_targeted(fields_of(&m, "CDN-Cache-Control"), &cc));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
