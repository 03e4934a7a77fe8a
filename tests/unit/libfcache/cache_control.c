/* SPDX-License-Identifier: Apache-2.0 */
#include "cc.h"

#include "check.h"
#include "directives.h"
#include "messages.h"

static const struct {
    const char *value, *shown;
} parsing_rows[] = {
    /* RFC 9111 §5.2: names in any case, lists in any shape */
    {"", ""},
    {" , ,", ""},
    {"max-age=60", " max-age=60"},
    {"MAX-AGE=60", " max-age=60"},
    {"no-store", " no-store"},
    {"No-Store,NO-CACHE", " no-store no-cache"},
    {"private", " private"},
    {"public, max-age=5, s-maxage=7", " public max-age=5 s-maxage=7"},
    {"must-revalidate,proxy-revalidate", " must-revalidate proxy-revalidate"},
    {"no-transform, immutable, must-understand",
     " must-understand no-transform immutable"},
    {"only-if-cached, min-fresh=3, max-stale=4",
     " only-if-cached min-fresh=3 max-stale=4"},
    {"stale-while-revalidate=30,stale-if-error=40", " swr=30 sie=40"},
    /* all lines together */
    {"no-store\nCache-Control: max-age=1", " no-store max-age=1"},
    {"max-age=1\nX: no-store\ncache-control: public", " public max-age=1"},
    /* §1.2.2, §4.2.1: numbers, and what is none (T16) */
    {"max-age=0", " max-age=0"},
    {"max-age=003600", " max-age=3600"},
    {"max-age=\"3600\"", " max-age=3600"},
    {"max-age=2147483648", " max-age=2147483648"},
    {"max-age=99999999999999999999", " max-age=2147483648"},
    {"max-age", " max-age=0"}, /* CVE-2007-1863 */
    {"max-age=", " max-age=0"},
    {"max-age=\"\"", " max-age=0"},
    {"max-age=-1", " max-age=0"},
    {"max-age=+1", " max-age=0"},
    {"max-age=1.5", " max-age=0"},
    {"max-age=1s", " max-age=0"},
    {"max-age=a1", " max-age=0"},
    {"max-age='3600'", " max-age=0"},
    {"max-age=\"3600", " max-age=0"},
    {"max-age=\"36\"00", " max-age=0"},
    {"max-age=\" 3600\"", " max-age=0"},
    {"max-age =3600", " max-age=0"},
    {"max-age= 3600", " max-age=0"},
    {"max-age:3600", " max-age=0"},
    {"max-age=3600;x", " max-age=0"},
    {"max-age=3600 public", " max-age=0"},
    {"s-maxage", " s-maxage=0"},
    {"s-maxage=x", " s-maxage=0"},
    {"stale-while-revalidate", " swr=0"},
    {"stale-if-error=-5", " sie=0"},
    /* requests: bare max-stale is any age (§5.2.1.2), a bad one none */
    {"max-stale", " max-stale=2147483648"},
    {"max-stale=x", " max-stale=0"},
    {"min-fresh", " min-fresh=2147483648"},
    {"min-fresh=x", " min-fresh=2147483648"},
    /* §4.2.1: of a repeated one the first counts */
    {"max-age=1, max-age=9", " max-age=1"},
    {"max-age=9, max-age=1", " max-age=9"},
    {"max-age=x, max-age=9", " max-age=0"},
    {"max-age=9\nCache-Control: max-age=1", " max-age=9"},
    /* a flag that restricts counts with any argument, one that permits
     * only bare */
    {"no-store=0", " no-store"},
    {"no-store=\"a, b\"", " no-store"},
    {"no-store x", " no-store"},
    {"must-revalidate=?0", " must-revalidate"},
    {"public=1", ""},
    {"public x", ""},
    {"must-understand=0", ""},
    {"immutable=\"\"", ""},
    /* §5.2.2.4, §5.2.2.7: qualified forms (CVE-class: empty list) */
    {"no-cache=\"a\"", " no-cache(a)"},
    {"no-cache=\"a, b\", max-age=3", " max-age=3 no-cache(a, b)"},
    {"no-cache=a", " no-cache(a)"},
    {"private=\"x-y\"", " private(x-y)"},
    {"private=\"x\", no-cache=\"y\"", " no-cache(y) private(x)"},
    {"no-cache=", " no-cache"},
    {"no-cache=\"\"", " no-cache"},
    {"no-cache=\", ,\"", " no-cache"},
    {"no-cache=\"a b\"", " no-cache"},
    {"no-cache=\"a\\\"b\"", " no-cache"},
    {"no-cache=\"a", " no-cache"},
    {"no-cache a", " no-cache"},
    {"private=\"a\" b", " private"},
    {"no-cache=\"a\", no-cache=\"b\"", " no-cache no-cache(a)"},
    {"no-cache=\"a\", no-cache", " no-cache no-cache(a)"},
    {"private, private=\"a\"", " private private(a)"},
    /* §5.2.3: unknown ones are ignored, quotes hide what is inside */
    {"foo, max-age=1", " max-age=1"},
    {"foo=bar, max-age=1", " max-age=1"},
    {"foo=\"max-age=9\"", ""},
    {"foo=\"a, max-age=9, b\", max-age=1", " max-age=1"},
    {"foo=\"a\\\", no-store\", max-age=1", " max-age=1"},
    {"foo=\"no-store", ""},
    {"foo=\"a, max-age=9", ""},
    /* but of a quote that is never closed nobody knows what it was to hide */
    {"foo=\"a, no-store", " no-store"},
    {"foo=\"a\\\", no-store", " no-store"},
    {"foo=\"a,PRIVATE=x, max-age=9, must-revalidate",
     " private must-revalidate"},
    {"max-age=9, foo=\"a\"b\", no-cache", " no-cache max-age=9"},
    {"foo=\"a, public, xno-store, ,", ""},
    {"foo=\"a\"b, no-store=\"", " no-store"},
    {"foo=\"a, b\nCache-Control: max-age=9", " max-age=9"},
    {"xmax-age=9", ""},
    {"max-age2=9", ""},
    {"max-ag=9", ""},
    {"\"max-age=9\"", ""},
    {"=, ==, =max-age=9", ""},
    {"no-store\x01", " no-store"},
    {"post-check=0, pre-check=0", ""},
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
        snprintf(text, sizeof text, "Cache-Control: %s", parsing_rows[i].value);
        fcache_cc_parse(fields_of(&m, text), &cc);
        show_directives(&cc, shown, sizeof shown);
        CHECK_TEXT(fcache_str(shown), parsing_rows[i].shown);
    }
}

static void absent(void **state)
{
    fcache_cc_t cc;
    char shown[64];
    message_t m;
    (void)state;
    fcache_cc_parse(fields_of(&m, "CDN-Cache-Control: no-store"), &cc);
    show_directives(&cc, shown, sizeof shown);
    assert_string_equal(shown, "");
}

static void named_fields(void **state)
{
    static const struct {
        const char *value, *name;
        int is_named;
    } rows[] = {
        {"no-cache=\"a, B\"", "A", 1},
        {"no-cache=\"a, B\"", "b", 1},
        {"private=\"x\"", "X", 1},
        {"private=\"x\"", "y", 0},
        {"no-cache=\"ab\"", "a", 0},
        {"no-cache", "a", 0},
        {"max-age=1", "a", 0},
        {"no-cache=\"a\", private=\"b\"", "b", 1},
        {"no-cache=\" , a ,\"", "a", 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        char text[128];
        fcache_cc_t cc;
        ROW(i, rows[i].value);
        snprintf(text, sizeof text, "Cache-Control: %s", rows[i].value);
        fcache_cc_parse(fields_of(&m, text), &cc);
        CHECK_INT(fci_cc_names_field(&cc, fcache_str(rows[i].name)),
                  rows[i].is_named);
    }
}

/* RFC 9213 §2.2 */
static void which_field_holds(void **state)
{
    static const struct {
        const char *text, *shown;
        int is_targeted;
    } rows[] = {
        {"Cache-Control: max-age=1", " max-age=1", 0},
        {"CDN-Cache-Control: max-age=2", " max-age=2", 1},
        {"Cache-Control: no-store\nCDN-Cache-Control: max-age=2", " max-age=2",
         1},
        {"CDN-Cache-Control: max-age=2,\nCache-Control: no-store", " no-store",
         0},
        {"CDN-Cache-Control:\nCache-Control: max-age=1", " max-age=1", 0},
        {"", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        char shown[128];
        fcache_cc_t cc;
        ROW(i, rows[i].text);
        CHECK_INT(fcache_cc_of_response(fields_of(&m, rows[i].text), &cc),
                  rows[i].is_targeted);
        show_directives(&cc, shown, sizeof shown);
        CHECK_TEXT(fcache_str(shown), rows[i].shown);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(absent),
        cmocka_unit_test(named_fields),
        cmocka_unit_test(which_field_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
