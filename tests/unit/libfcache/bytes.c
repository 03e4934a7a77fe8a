/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/bytes.h>

#include "check.h"

static void equality(void **state)
{
    static const struct {
        const char *a, *b;
        int equal, nocase;
    } rows[] = {
        {"", "", 1, 1},           {"a", "a", 1, 1},
        {"a", "A", 0, 1},         {"a", "ab", 0, 0},
        {"@", "`", 0, 0},         {"[", "{", 0, 0},
        {"ETag", "etag", 0, 1},   {"\xc4", "\xe4", 0, 0},
        {"K\xc3", "k\xc3", 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].a);
        fcache_bytes_t a = fcache_str(rows[i].a);
        fcache_bytes_t b = fcache_str(rows[i].b);
        CHECK_INT(fcache_bytes_equal(a, b), rows[i].equal);
        CHECK_INT(fcache_bytes_equal_nocase(a, b), rows[i].nocase);
    }
    assert_true(fcache_bytes_equal(fcache_str(NULL), fcache_str("")));
    assert_false(
        fcache_bytes_equal(fcache_bytes("a\0b", 3), fcache_bytes("a\0c", 3)));
}

static void trimming(void **state)
{
    static const struct {
        const char *text, *trimmed;
    } rows[] = {
        {"", ""},         {" ", ""},      {" \t ", ""},   {"a", "a"},
        {" a b ", "a b"}, {"\ta\t", "a"}, {"\na", "\na"}, {"a\r", "a\r"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].text);
        CHECK_TEXT(fcache_bytes_trim(fcache_str(rows[i].text)),
                   rows[i].trimmed);
    }
    assert_int_equal(fcache_bytes_trim(fcache_str(NULL)).len, 0);
}

static void buffer_keeps_its_ceiling(void **state)
{
    fcache_buf_t buf;
    (void)state;
    fcache_buf_init(&buf, 10);
    assert_int_equal(fcache_buf_append(&buf, fcache_str("12345")), FCACHE_OK);
    assert_int_equal(fcache_buf_append(&buf, fcache_str("678901")),
                     FCACHE_TOO_LARGE);
    CHECK_TEXT(fcache_buf_bytes(&buf), "12345");
    assert_int_equal(fcache_buf_append(&buf, fcache_str("67890")), FCACHE_OK);
    assert_int_equal(fcache_buf_append(&buf, fcache_str("")), FCACHE_OK);
    assert_int_equal(fcache_buf_append(&buf, fcache_str("1")),
                     FCACHE_TOO_LARGE);
    CHECK_TEXT(fcache_buf_bytes(&buf), "1234567890");
    assert_true(buf.capacity <= 10);
    fcache_buf_fini(&buf);
    assert_int_equal(fcache_buf_bytes(&buf).len, 0);
    assert_int_equal(fcache_buf_append(&buf, fcache_str("again")), FCACHE_OK);
    CHECK_TEXT(fcache_buf_bytes(&buf), "again");
    fcache_buf_fini(&buf);
}

static void buffer_grows(void **state)
{
    fcache_buf_t buf;
    (void)state;
    fcache_buf_init(&buf, 100000);
    for (unsigned i = 0; i < 100000; i++) {
        char c = (char)('a' + i % 26);
        assert_int_equal(fcache_buf_append(&buf, fcache_bytes(&c, 1)),
                         FCACHE_OK);
    }
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    }
    fcache_buf_fini(&buf);
}

static void reserved_room_does_not_move(void **state)
{
    (void)state;
    fcache_buf_t buf;
    char part[300] = {0};
    fcache_buf_init(&buf, 1000);
    assert_int_equal(fcache_buf_reserve(&buf, 1001), FCACHE_TOO_LARGE);
    assert_int_equal(fcache_buf_reserve(&buf, 900), FCACHE_OK);
    const char *ptr = buf.ptr;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            fcache_buf_append(&buf, fcache_bytes(part, sizeof part)),
            FCACHE_OK);
        assert_ptr_equal(buf.ptr, ptr);
    }
    assert_int_equal(fcache_buf_reserve(&buf, 101), FCACHE_TOO_LARGE);
    assert_int_equal(fcache_buf_reserve(&buf, 100), FCACHE_OK);
    assert_int_equal(buf.len, 900);
    fcache_buf_fini(&buf);
}

static void base64url(void **state)
{
    static const struct {
        const char *raw, *text;
    } rows[] = {
        /* RFC 4648 §10, without padding */
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        /* §5: 62 is '-', 63 is '_' */
        {"\xfb\xff\xbf", "-_-_"},
        {"\xff\xff\xff\xff", "_____w"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[17];
        ROW(i, rows[i].text);
        memset(out, '#', sizeof out);
        fcache_base64url(fcache_str(rows[i].raw), out);
        size_t len = FCACHE_BASE64URL_LEN(strlen(rows[i].raw));
        CHECK_TEXT(fcache_bytes(out, len), rows[i].text);
        assert_int_equal(out[len], '#');
    }
    assert_int_equal(FCACHE_BASE64URL_LEN(32), 43);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality),
        cmocka_unit_test(trimming),
        cmocka_unit_test(buffer_keeps_its_ceiling),
        cmocka_unit_test(buffer_grows),
        cmocka_unit_test(reserved_room_does_not_move),
        cmocka_unit_test(base64url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
