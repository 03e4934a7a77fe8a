/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/http.h>

#include "check.h"
#include "messages.h"

static void finding(void **state)
{
    message_t m;
    fcache_fields_t fields =
        fields_of(&m, "ETag: \"a\"\nVary:x\nvary: y \nEmpty:\nNull");
    (void)state;
    assert_int_equal(fcache_fields_find(fields, "VARY", 0), 1);
    assert_int_equal(fcache_fields_find(fields, "VARY", 2), 2);
    assert_int_equal(fcache_fields_find(fields, "VARY", 3), fields.count);
    assert_int_equal(fcache_fields_find(fields, "Var", 0), fields.count);
    assert_int_equal(fcache_fields_count(fields, "Vary"), 2);
    assert_int_equal(fcache_fields_count(fields, "Age"), 0);
    CHECK_TEXT(fcache_fields_get(fields, "etag"), "\"a\"");
    CHECK_TEXT(fcache_fields_get(fields, "Vary"), "x");
    assert_null(fcache_fields_get(fields, "Age").ptr);
    /* there but empty is not absent (CVE-2014-3581's class) */
    assert_non_null(fcache_fields_get(fields, "Empty").ptr);
    assert_non_null(fcache_fields_get(fields, "Null").ptr);
    assert_int_equal(fcache_fields_get(fields, "Null").len, 0);
}

static void lists(void **state)
{
    /* RFC 9110 §5.6.1; the elements are shown with '|' between them */
    static const struct {
        const char *text, *elements;
    } rows[] = {
        {"", ""},
        {"A: 1", ""},
        {"L:", ""},
        {"L: ,, ,", ""},
        {"L: a", "a"},
        {"L: a,b", "a|b"},
        {"L:  a ,\tb\t, c ", "a|b|c"},
        {"L: ,a,,b,", "a|b"},
        {"L: a\nX: z\nl: b, c", "a|b|c"},
        {"L:\nL: a\nL:,", "a"},
        {"L: \"\", a", "\"\"|a"},
        {"L: \"a,b\", c", "\"a,b\"|c"},
        {"L: x=\"a,b\"y, c", "x=\"a,b\"y|c"},
        {"L: \"a\\\",b\", c", "\"a\\\",b\"|c"},
        {"L: \"a\\\\\", c", "\"a\\\\\"|c"},
        /* an open quote ends with its line, never in the next one */
        {"L: \"a, b\nL: c, d", "\"a, b|c|d"},
        {"L: \"a\\\nL: c", "\"a\\|c"},
        {"L: a\\,b", "a\\|b"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_list_t list;
        fcache_bytes_t item;
        char joined[64];
        size_t len = 0;
        ROW(i, rows[i].text);
        fcache_list_init(&list, fields_of(&m, rows[i].text), "L");
        while (fcache_list_next(&list, &item)) {
            len += (size_t)snprintf(joined + len, sizeof joined - len, "%s%.*s",
                                    len ? "|" : "", (int)item.len, item.ptr);
        }
        CHECK_TEXT(fcache_bytes(joined, len), rows[i].elements);
        CHECK_INT(fcache_list_next(&list, &item), 0);
    }
}

static void list_membership(void **state)
{
    static const struct {
        const char *text;
        int has;
    } rows[] = {
        {"C: close", 1},       {"C: keep-alive, Close", 1},
        {"C: a\nC: CLOSE", 1}, {"C: closed", 0},
        {"C: \"close\"", 0},   {"C:", 0},
        {"C: x=close", 0},     {"", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        ROW(i, rows[i].text);
        CHECK_INT(fcache_list_has(fields_of(&m, rows[i].text), "c", "close"),
                  rows[i].has);
    }
}

/* RFC 9110 §5.6.2, every byte */
static void token_bytes(void **state)
{
    static const char tchars[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        ROW((size_t)i, "byte");
        CHECK_INT(fcache_is_token(fcache_bytes(&c, 1)),
                  i != 0 && strchr(tchars, i) != NULL);
    }
    assert_false(fcache_is_token(fcache_str("")));
    assert_false(fcache_is_token(fcache_str("a b")));
    assert_true(fcache_is_token(fcache_str("a-b")));
}

/* RFC 9110 §5.5, every byte at every place, alone and behind a HTAB (T14) */
static void value_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 19 * 256; i++) {
        char text[20] = "\ta ~!b\x80\xff cdefghijklm";
        int byte = (int)(i % 256);
        int is_good = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        text[1 + i / 256] = (char)byte;
        ROW(i, "place * 256 + byte");
        CHECK_INT(fcache_is_field_value(fcache_bytes(text, 20)), is_good);
        CHECK_INT(fcache_is_field_value(fcache_bytes(text + 1, 19)), is_good);
    }
    assert_true(fcache_is_field_value(fcache_str("")));
}

static void delta_seconds(void **state)
{
    /* RFC 9111 §1.2.2 */
    static const struct {
        const char *text;
        int64_t seconds; /* -1: no number */
    } rows[] = {
        {"0", 0},
        {"1", 1},
        {"003600", 3600},
        {"2147483647", 2147483647},
        {"2147483648", FCACHE_DELTA_MAX},
        {"2147483649", FCACHE_DELTA_MAX},
        {"99999999999", FCACHE_DELTA_MAX},
        {"18446744073709551616", FCACHE_DELTA_MAX},
        {"99999999999999999999999999999999999999999", FCACHE_DELTA_MAX},
        {"", -1},
        {" 1", -1},
        {"1 ", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.0", -1},
        {"1e3", -1},
        {"0x10", -1},
        {"1,2", -1},
        {"9999999999999999999999x", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = -1;
        ROW(i, rows[i].text);
        int is_number = fcache_delta_parse(fcache_str(rows[i].text), &seconds);
        CHECK_INT(is_number, rows[i].seconds >= 0);
        if (is_number) {
            CHECK_INT(seconds, rows[i].seconds);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding),         cmocka_unit_test(lists),
        cmocka_unit_test(list_membership), cmocka_unit_test(token_bytes),
        cmocka_unit_test(value_bytes),     cmocka_unit_test(delta_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
