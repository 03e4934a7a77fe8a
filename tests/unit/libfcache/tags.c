/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/tags.h>

#include "check.h"
#include "messages.h"

/* The tags with bars between them. */
static fcache_bytes_t shown(const fcache_buf_t *tags, char *out, size_t size)
{
    fcache_bytes_t tag;
    size_t offset = 0;
    size_t len = 0;
    while (fcache_entry_list_next(fcache_buf_bytes(tags), &offset, &tag) > 0) {
        assert_true(len + tag.len + 1 < size);
        if (len > 0) {
            out[len++] = '|';
        }
        memcpy(out + len, tag.ptr, tag.len);
        len += tag.len;
    }
    return fcache_bytes(out, len);
}

static void plain(void **state)
{
    static const struct {
        const char *fields, *tags;
    } rows[] = {
        {"", ""},
        {"X: a", ""},
        {"T: a", "a"},
        {"T: a,b", "a|b"},
        {"T: a, b ,c", "a|b|c"},
        {"T: a b  c\td", "a|b|c|d"},
        {"T: ,, ,a,, ", "a"},
        {"T:", ""},
        {"T: a a b a", "a|b"},
        {"T: a A", "a|A"},
        {"t: a\nX: b\nT: c", "a|c"},
        {"T: \"a\";x=1", "\"a\";x=1"},
        {"T: \xc3\xa4", "\xc3\xa4"},
        {"T: url:/x%20y", "url:/x%20y"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        message_t m;
        fcache_buf_t tags;
        ROW(i, rows[i].fields);
        fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
        CHECK_INT(
            fcache_tags_add_field(&tags, fields_of(&m, rows[i].fields), "T"),
            FCACHE_OK);
        CHECK_TEXT(shown(&tags, text, sizeof text), rows[i].tags);
        fcache_buf_fini(&tags);
    }
}

/* RFC 9875 §2; RFC 8941 §4.2.1. */
static void groups(void **state)
{
    static const struct {
        const char *fields, *tags;
    } rows[] = {
        {"G: \"a\"", "group https h a"},
        {"G: \"a\", \"b c\"", "group https h a|group https h b c"},
        {"G: \"a\"\nG: \"b\"", "group https h a|group https h b"},
        {"G: \"a\\\"b\\\\\"", "group https h a\"b\\"},
        {"G: \"a\";x;y=1;z=\"q\"", "group https h a"},
        {"G: \"a\",\t\"a\"", "group https h a"},
        {"G: \"\"", "group https h "},
        {"G: a", ""},
        {"G: \"a\", b", ""},
        {"G: \"a\" \"b\"", ""},
        {"G: \"a\",", ""},
        {"G: \"a", ""},
        {"G: \"a\\", ""},
        {"G: \"a\\x\"", ""},
        {"G: (\"a\")", ""},
        {"G: 1", ""},
        {"G: \"a\";", ""},
        {"G: \"\xc3\xa4\"", ""},
        {"G:", ""},
        {"G: \"a\"\nG:", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        message_t m;
        fcache_buf_t tags;
        ROW(i, rows[i].fields);
        fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
        CHECK_INT(fcache_tags_add_groups(&tags, fields_of(&m, rows[i].fields),
                                         "G", fcache_str("https"),
                                         fcache_str("h")),
                  FCACHE_OK);
        CHECK_TEXT(shown(&tags, text, sizeof text), rows[i].tags);
        fcache_buf_fini(&tags);
    }
}

static void ceilings(void **state)
{
    char longest[FCACHE_TAG_MAX_BYTES + 2];
    fcache_buf_t tags;
    (void)state;
    memset(longest, 'a', sizeof longest);
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    assert_int_equal(
        fcache_tags_add_words(&tags, fcache_bytes(longest, sizeof longest - 1)),
        FCACHE_TOO_LARGE);
    assert_int_equal(
        fcache_tags_add_words(&tags, fcache_bytes(longest, sizeof longest - 2)),
        FCACHE_OK);
    for (char i = 1; i < FCACHE_ENTRY_MAX_TAGS; i++) {
        char name[] = {'x', (char)('0' + i)};
        assert_int_equal(fcache_tags_add_words(&tags, fcache_bytes(name, 2)),
                         FCACHE_OK);
    }
    assert_int_equal(fcache_tags_add_words(&tags, fcache_str("more")),
                     FCACHE_TOO_LARGE);
    assert_int_equal(fcache_tags_add_words(&tags, fcache_str("x1")), FCACHE_OK);
    fcache_buf_fini(&tags);
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    fcache_status_t status = FCACHE_OK;
    int count = 0;
    while (status == FCACHE_OK) {
        longest[0] = (char)('a' + count++);
        status = fcache_tags_add_words(
            &tags, fcache_bytes(longest, FCACHE_TAG_MAX_BYTES));
    }
    assert_int_equal(status, FCACHE_TOO_LARGE);
    assert_in_range(count, 20, FCACHE_ENTRY_MAX_TAGS);
    fcache_buf_fini(&tags);
}

/* What a peer sends is no tag of a URL and no group, and has no controls. */
static void not_plain(void **state)
{
    static const char *const rows[] = {"",     "a b",   "a,b",
                                       "a\tb", "a\x01", "a\x7f"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i]);
        CHECK_INT(fcache_tag_is_plain(fcache_str(rows[i])), 0);
    }
    assert_false(fcache_tag_is_plain(fcache_bytes("a\0b", 3)));
    assert_true(fcache_tag_is_plain(fcache_str("a\xc3\xa4!")));
    fcache_buf_t tags;
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    assert_int_equal(fcache_tags_add_words(&tags, fcache_bytes("a\0b", 3)),
                     FCACHE_BAD_INPUT);
    assert_int_equal(fcache_tags_add(&tags, fcache_str("")), FCACHE_BAD_INPUT);
    assert_int_equal(tags.len, 0);
    fcache_buf_fini(&tags);
}

static void urls_and_lists(void **state)
{
    char text[200];
    fcache_buf_t tags, both;
    (void)state;
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    fcache_buf_init(&both, FCACHE_TAGS_MAX_BYTES);
    fcache_tags_add_url(&tags, fcache_str("h:81"), fcache_str("/p"),
                        fcache_bytes(NULL, 0));
    fcache_tags_add_url(&tags, fcache_str("h"), fcache_str("/p"),
                        fcache_str(""));
    fcache_tags_add_url(&tags, fcache_str("h"), fcache_str("/p"),
                        fcache_str("q=1"));
    CHECK_TEXT(shown(&tags, text, sizeof text),
               "url h:81 /p|url h /p?|url h /p?q=1");
    fcache_tags_add(&both, fcache_str("url h /p?"));
    assert_int_equal(fcache_tags_add_list(&both, fcache_buf_bytes(&tags)),
                     FCACHE_OK);
    CHECK_TEXT(shown(&both, text, sizeof text),
               "url h /p?|url h:81 /p|url h /p?q=1");
    assert_int_equal(fcache_tags_add_list(&both, fcache_str("x")),
                     FCACHE_CORRUPT);
    fcache_buf_fini(&tags);
    fcache_buf_fini(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),          cmocka_unit_test(groups),
        cmocka_unit_test(ceilings),       cmocka_unit_test(not_plain),
        cmocka_unit_test(urls_and_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
