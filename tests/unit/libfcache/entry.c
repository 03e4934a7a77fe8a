/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/entry.h>

#include "check.h"

#include <fcache/http.h>
#include <fcache/key.h>

#include <stdlib.h>

/* An entry that uses every part. */
static fcache_entry_t full_entry(void)
{
    fcache_entry_t entry = {
        .kind = FCACHE_ENTRY_RESPONSE,
        .flags = FCACHE_ENTRY_NO_CACHE | FCACHE_ENTRY_CLIENT_CC,
        .status = 404,
        .generation = UINT64_C(0x0102030405060708),
        .created_us = 1000,
        .initial_age_s = 3,
        .fresh_until_us = 2000,
        .stale_until_us = 3000,
        .stale_while_revalidate_s = 4,
        .stale_if_error_s = FCACHE_DELTA_MAX,
        .date_s = -5,
        .coder = fcache_str("http"),
        .canonical = fcache_bytes("\x01key\0", 5),
        .tags = fcache_bytes("\x02\0t1\x02\0t2", 8),
        .reason = fcache_str("Nope"),
        .etag = fcache_str("W/\"x\""),
        .last_modified = fcache_str("yesterday"),
        .fields = fcache_str("A: b\r\nC: d\r\n"),
        .body_len = UINT64_C(1) << 40,
        .body_digest = {1, 2, 3},
    };
    return entry;
}

static void check_same(const fcache_entry_t *a, const fcache_entry_t *b)
{
    CHECK_INT(a->kind, b->kind);
    CHECK_INT(a->flags, b->flags);
    CHECK_INT(a->status, b->status);
    CHECK_INT(a->generation, b->generation);
    CHECK_INT(a->created_us, b->created_us);
    CHECK_INT(a->initial_age_s, b->initial_age_s);
    CHECK_INT(a->fresh_until_us, b->fresh_until_us);
    CHECK_INT(a->stale_until_us, b->stale_until_us);
    CHECK_INT(a->stale_while_revalidate_s, b->stale_while_revalidate_s);
    CHECK_INT(a->stale_if_error_s, b->stale_if_error_s);
    CHECK_INT(a->date_s, b->date_s);
    CHECK_INT(a->body_len, b->body_len);
    assert_memory_equal(a->body_digest, b->body_digest, 16);
    const fcache_bytes_t left[] = {a->coder,         a->canonical, a->vary,
                                   a->tags,          a->reason,    a->etag,
                                   a->last_modified, a->fields};
    const fcache_bytes_t right[] = {b->coder,         b->canonical, b->vary,
                                    b->tags,          b->reason,    b->etag,
                                    b->last_modified, b->fields};
    for (size_t i = 0; i < COUNT(left); i++) {
        ROW(i, "section");
        assert_true(fcache_bytes_equal(left[i], right[i]));
    }
}

static void encode(const fcache_entry_t *entry, fcache_buf_t *out)
{
    fcache_error_t error;
    fcache_buf_init(out, FCACHE_ENTRY_MAX_HEAD);
    if (fcache_entry_encode(entry, out, &error) != FCACHE_OK) {
        fail_msg("%s", error.text);
    }
}

static void what_is_encoded_is_decoded(void **state)
{
    fcache_entry_t entries[] = {
        full_entry(),
        {.kind = FCACHE_ENTRY_UNCACHEABLE},
        {.kind = FCACHE_ENTRY_VALUE, .fresh_until_us = -9, .flags = 0x3f},
        {.kind = FCACHE_ENTRY_VARY,
         .vary = fcache_bytes("\x10\0"
                              "0123456789abcdef"
                              "\x01\0a",
                              21)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(entries); i++) {
        fcache_buf_t head;
        fcache_entry_t decoded;
        encode(&entries[i], &head);
        assert_int_equal(
            fcache_entry_decode(fcache_buf_bytes(&head), &decoded, NULL),
            FCACHE_OK);
        check_same(&decoded, &entries[i]);
        fcache_buf_fini(&head);
    }
}

/* T24, F20: cut at every length, in memory that ends there. */
static void cut_heads_are_corrupt(void **state)
{
    fcache_entry_t entry = full_entry();
    fcache_entry_t decoded;
    fcache_buf_t head;
    (void)state;
    encode(&entry, &head);
    for (size_t len = 0; len < head.len; len++) {
        char *copy = malloc(len ? len : 1);
        ROW(len, "length");
        memcpy(copy, head.ptr, len);
        CHECK_INT(fcache_entry_decode(fcache_bytes(copy, len), &decoded, NULL),
                  FCACHE_CORRUPT);
        free(copy);
    }
    char *longer = malloc(head.len + 1);
    memcpy(longer, head.ptr, head.len);
    longer[head.len] = 0;
    assert_int_equal(
        fcache_entry_decode(fcache_bytes(longer, head.len + 1), &decoded, NULL),
        FCACHE_CORRUPT);
    free(longer);
    fcache_buf_fini(&head);
}

/* T24, F19: with any bit flipped a head decodes to something or not at all, and
 * what decodes can be encoded again to the same bytes. */
static void flipped_bits_are_harmless(void **state)
{
    fcache_entry_t entry = full_entry();
    fcache_buf_t head;
    (void)state;
    encode(&entry, &head);
    for (size_t bit = 0; bit < head.len * 8; bit++) {
        fcache_entry_t decoded;
        fcache_buf_t again;
        head.ptr[bit / 8] = (char)(head.ptr[bit / 8] ^ (1 << bit % 8));
        ROW(bit, "bit");
        if (fcache_entry_decode(fcache_buf_bytes(&head), &decoded, NULL) ==
            FCACHE_OK) {
            encode(&decoded, &again);
            CHECK_INT(fcache_bytes_equal(fcache_buf_bytes(&again),
                                         fcache_buf_bytes(&head)),
                      1);
            fcache_buf_fini(&again);
        }
        head.ptr[bit / 8] = (char)(head.ptr[bit / 8] ^ (1 << bit % 8));
    }
    fcache_buf_fini(&head);
}

/* What one changed byte of the fixed part makes of it; offsets as in
 * docs/entry-format.md. */
static void fixed_part_is_checked(void **state)
{
    static const struct {
        size_t at;
        unsigned char byte;
        fcache_status_t status;
        const char *what;
    } rows[] = {
        {0, 'f', FCACHE_CORRUPT, "magic"},
        {4, 0, FCACHE_CORRUPT, "version 0"},
        {4, 2, FCACHE_UNSUPPORTED, "newer version"}, /* F21 */
        {4, 255, FCACHE_UNSUPPORTED, "newer version"},
        {5, 0, FCACHE_CORRUPT, "kind"},
        {5, 6, FCACHE_CORRUPT, "kind"},
        {5, 2, FCACHE_CORRUPT, "a VARY without list"},
        {5, 3, FCACHE_OK, "a VALUE may be all of this"},
        {6, 0x40, FCACHE_CORRUPT, "reserved flag"},
        {7, 0x80, FCACHE_CORRUPT, "reserved flag"},
        {8, 0, FCACHE_CORRUPT, "length of the head"},
        {12, 99, FCACHE_OK, "status 355"},
        {13, 0, FCACHE_OK, "status 148"},
        {13, 4, FCACHE_CORRUPT, "status above 999"},
        {14, 1, FCACHE_CORRUPT, "reserved"},
        {15, 1, FCACHE_CORRUPT, "reserved"},
        {31, 0x7f, FCACHE_CORRUPT, "created beyond reason"},
        {39, 0x7f, FCACHE_CORRUPT, "fresh beyond reason"},
        {47, 0x80, FCACHE_CORRUPT, "stale before fresh"},
        {55, 0x7f, FCACHE_CORRUPT, "date beyond reason"},
        {83, 0x81, FCACHE_CORRUPT, "age beyond 2^31"},
        {87, 0x80, FCACHE_CORRUPT, "window beyond 2^31"},
        {91, 0xff, FCACHE_CORRUPT, "window beyond 2^31"},
        {92, 6, FCACHE_CORRUPT, "section too long"},
        {92, 4, FCACHE_CORRUPT, "section too short"},
        {95, 0xff, FCACHE_CORRUPT, "huge section"},
        {120, 6, FCACHE_CORRUPT, "bytes behind the last section"},
        {123, 0xff, FCACHE_CORRUPT, "huge section"},
    };
    fcache_entry_t entry = full_entry();
    fcache_buf_t head;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t decoded;
        encode(&entry, &head);
        head.ptr[rows[i].at] = (char)rows[i].byte;
        ROW(i, rows[i].what);
        CHECK_INT(fcache_entry_decode(fcache_buf_bytes(&head), &decoded, NULL),
                  rows[i].status);
        fcache_buf_fini(&head);
    }
}

/* Entries that decode would refuse are not made. */
static void bad_entries_are_not_encoded(void **state)
{
    enum { ROWS = 22 };
    static char many_tags[3 * (FCACHE_ENTRY_MAX_TAGS + 1)];
    static char many_names[18 + 3 * (FCACHE_VARY_MAX_NAMES + 1)];
    fcache_entry_t rows[ROWS];
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = full_entry();
    }
    for (size_t i = 0; i < sizeof(many_tags); i += 3) {
        memcpy(many_tags + i, "\x01\0t", 3);
    }
    memcpy(many_names, "\x10\0", 2);
    for (size_t i = 18; i < sizeof(many_names); i += 3) {
        memcpy(many_names + i, "\x01\0n", 3);
    }
    rows[0].kind = (fcache_entry_kind_t)9;
    rows[1].flags = 0x40;
    rows[2].status = 99;
    rows[3].status = -1;
    rows[4].status = 1000;
    rows[5].created_us = INT64_MAX;
    rows[6].fresh_until_us = INT64_MIN;
    rows[7].stale_until_us = rows[7].fresh_until_us - 1;
    rows[8].initial_age_s = -1;
    rows[9].stale_while_revalidate_s = FCACHE_DELTA_MAX + 1;
    rows[10].stale_if_error_s = -1;
    rows[11].date_s = INT64_MAX;
    rows[12].coder = fcache_str("sixteen-letters.");
    rows[13].coder = fcache_str("a b");
    rows[14].tags = fcache_str("no list");
    rows[15].tags = fcache_bytes(many_tags, sizeof(many_tags));
    rows[16].reason = fcache_str("a\r\nb"); /* T14 */
    rows[17].etag = fcache_str("\"a\nb\"");
    rows[18].last_modified = fcache_bytes("a\0b", 3);
    rows[19].fields = fcache_str("A: b\r\n\r\n"); /* T14 */
    rows[20].vary = fcache_bytes("\x01\0a", 3);   /* not a VARY entry */
    rows[21].kind = FCACHE_ENTRY_VARY;            /* T12 */
    rows[21].vary = fcache_bytes(many_names, sizeof(many_names));
    for (size_t i = 0; i < ROWS; i++) {
        fcache_buf_t head;
        fcache_buf_init(&head, FCACHE_ENTRY_MAX_HEAD);
        ROW(i, "bad entry");
        CHECK_INT(fcache_entry_encode(&rows[i], &head, NULL), FCACHE_BAD_INPUT);
        CHECK_INT(head.len, 0);
        fcache_buf_fini(&head);
    }
}

static void vary_lists_have_an_id_and_names(void **state)
{
    static const struct {
        fcache_bytes_t list;
        fcache_status_t status;
    } rows[] = {
        {{"\x10\0"
          "0123456789abcdef"
          "\x01\0a",
          21},
         FCACHE_OK},
        {{"\x10\0"
          "0123456789abcdef",
          18},
         FCACHE_BAD_INPUT},
        {{"\x0f\0"
          "0123456789abcde"
          "\x01\0a",
          20},
         FCACHE_BAD_INPUT},
        {{"\x10\0"
          "0123456789abcdef"
          "\0\0",
          20},
         FCACHE_BAD_INPUT},
        {{"\x10\0"
          "0123456789abcdef"
          "\x02\0a",
          21},
         FCACHE_BAD_INPUT},
        {{"", 0}, FCACHE_BAD_INPUT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry = {.kind = FCACHE_ENTRY_VARY,
                                .vary = rows[i].list};
        fcache_buf_t head;
        fcache_buf_init(&head, FCACHE_ENTRY_MAX_HEAD);
        ROW(i, "vary list");
        CHECK_INT(fcache_entry_encode(&entry, &head, NULL), rows[i].status);
        fcache_buf_fini(&head);
    }
}

static void heads_have_a_ceiling(void **state)
{
    static char large[FCACHE_ENTRY_MAX_HEAD];
    fcache_entry_t entry = {.kind = FCACHE_ENTRY_VALUE};
    fcache_buf_t head;
    (void)state;
    fcache_buf_init(&head, 2 * FCACHE_ENTRY_MAX_HEAD);
    entry.canonical = fcache_bytes(large, FCACHE_ENTRY_MAX_HEAD - 124);
    assert_int_equal(fcache_entry_encode(&entry, &head, NULL), FCACHE_OK);
    assert_int_equal(head.len, FCACHE_ENTRY_MAX_HEAD);
    fcache_buf_fini(&head);
    entry.canonical.len++;
    assert_int_equal(fcache_entry_encode(&entry, &head, NULL),
                     FCACHE_TOO_LARGE);
    fcache_buf_init(&head, 130);
    entry.canonical.len = 7;
    assert_int_equal(fcache_entry_encode(&entry, &head, NULL),
                     FCACHE_TOO_LARGE);
    assert_int_equal(head.len, 0);
    fcache_buf_fini(&head);
}

static void lists(void **state)
{
    fcache_buf_t list;
    fcache_bytes_t item;
    size_t offset = 0;
    static char large[65536];
    (void)state;
    fcache_buf_init(&list, 8);
    assert_int_equal(fcache_entry_list_add(&list, fcache_str("abc")),
                     FCACHE_OK);
    assert_int_equal(fcache_entry_list_add(&list, fcache_str("de")),
                     FCACHE_TOO_LARGE);
    assert_int_equal(fcache_entry_list_add(&list, fcache_str("d")), FCACHE_OK);
    fcache_bytes_t bytes = fcache_buf_bytes(&list);
    assert_int_equal(fcache_entry_list_next(bytes, &offset, &item), 1);
    CHECK_TEXT(item, "abc");
    assert_int_equal(fcache_entry_list_next(bytes, &offset, &item), 1);
    CHECK_TEXT(item, "d");
    assert_int_equal(fcache_entry_list_next(bytes, &offset, &item), 0);
    offset = 9;
    assert_int_equal(fcache_entry_list_next(bytes, &offset, &item), -1);
    offset = 0;
    assert_int_equal(
        fcache_entry_list_next(fcache_bytes("\x02\0a", 3), &offset, &item), -1);
    assert_int_equal(
        fcache_entry_list_next(fcache_bytes("\x02", 1), &offset, &item), -1);
    fcache_buf_fini(&list);
    fcache_buf_init(&list, sizeof(large) + 2);
    assert_int_equal(
        fcache_entry_list_add(&list, fcache_bytes(large, sizeof(large))),
        FCACHE_TOO_LARGE);
    fcache_buf_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(cut_heads_are_corrupt),
        cmocka_unit_test(flipped_bits_are_harmless),
        cmocka_unit_test(fixed_part_is_checked),
        cmocka_unit_test(bad_entries_are_not_encoded),
        cmocka_unit_test(vary_lists_have_an_id_and_names),
        cmocka_unit_test(heads_have_a_ceiling),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
