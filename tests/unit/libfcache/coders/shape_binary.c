/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "pool.h"
#include "shapes.h"

enum { HEAD = 11 };

static const fcache_coder_t *coder_of(const fcache_shape_t *shape,
                                      apr_pool_t *pool)
{
    const fcache_coder_t *coder = NULL;
    assert_int_equal(fcache_shape_coder_create("test", shape,
                                               FCACHE_SHAPE_BINARY, NULL,
                                               &coder, pool, NULL),
                     FCACHE_OK);
    return coder;
}

/* The bytes behind the head of one value of each kind. */
static void bytes_are_compact(void **state)
{
    static const int64_t times[] = {0, -1, 1, 63, 64, INT64_MIN, INT64_MAX};
    static const fcache_bytes_t wanted[] = {
        {"\0", 1},
        {"\x01", 1},
        {"\x02", 1},
        {"\x7e", 1},
        {"\x80\x01", 2},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
        {"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}};
    const fcache_coder_t *coder =
        coder_of(fcache_shape_of(FCACHE_KIND_TIME), *state);
    for (size_t i = 0; i < COUNT(times); i++) {
        fcache_buf_t out;
        fcache_buf_init(&out, 100);
        ROW(i, "time");
        CHECK_INT(coder->encode(coder, &times[i], &out, NULL), FCACHE_OK);
        CHECK_INT(memcmp(out.ptr, "FS\x01", 3), 0);
        CHECK_INT(fcache_bytes_equal(
                      fcache_bytes(out.ptr + HEAD, out.len - HEAD), wanted[i]),
                  1);
        fcache_buf_fini(&out);
    }
}

static fcache_status_t decode(fcache_kind_t kind, const char *rest, size_t len,
                              char *out_text, apr_pool_t *pool)
{
    const fcache_coder_t *coder = coder_of(fcache_shape_of(kind), pool);
    static const fcache_bytes_t text = {"0", 1};
    static const int64_t zero = 0;
    uint64_t space[4] = {7};
    fcache_error_t error = {""};
    fcache_buf_t buf;
    fcache_buf_init(&buf, 1000);
    fcache_status_t status =
        coder->encode(coder,
                      kind >= FCACHE_KIND_STRING && kind <= FCACHE_KIND_DECIMAL
                          ? (const void *)&text
                          : (const void *)&zero,
                      &buf, NULL);
    buf.len = HEAD;
    if (status == FCACHE_OK) {
        status = fcache_buf_append(&buf, fcache_bytes(rest, len));
    }
    if (status == FCACHE_OK) {
        status =
            coder->decode(coder, fcache_buf_bytes(&buf), space, pool, &error);
    }
    memcpy(out_text, error.text, sizeof(error.text));
    fcache_buf_fini(&buf);
    return status;
}

/* T24: hostile bytes. */
static void broken_bytes_are_corrupt(void **state)
{
    static const struct {
        fcache_kind_t kind;
        const char *rest;
        size_t len;
        const char *text;
    } rows[] = {
        {FCACHE_KIND_INT64, "", 0, "$: cut off"},
        {FCACHE_KIND_INT64, "\x80", 1, "$: cut off"},
        {FCACHE_KIND_INT64, "\x80\x00", 2, "$: not a number"},
        {FCACHE_KIND_INT64, "\x01\x01", 2, "$: bytes behind its end"},
        {FCACHE_KIND_INT64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10,
         "$: not a number"},
        {FCACHE_KIND_INT64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
         "$: not a number"},
        {FCACHE_KIND_INT8, "\x80\x02", 2, "$: number, not an int8"},
        {FCACHE_KIND_UINT8, "\x80\x02", 2, "$: number, not a uint8"},
        {FCACHE_KIND_DATE, "\xff\xff\xff\xff\x1f", 5, "$: number, not a date"},
        {FCACHE_KIND_BOOL, "\x02", 1, "$: neither true nor false"},
        {FCACHE_KIND_DOUBLE, "1234567", 7, "$: cut off"},
        {FCACHE_KIND_STRING,
         "\x05"
         "abcd",
         5, "$: cut off"},
        {FCACHE_KIND_STRING, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10,
         "$: cut off"},
        {FCACHE_KIND_STRING, "\x01\xff", 2, "$: not UTF-8"},
        {FCACHE_KIND_STRING, "\x02\xc0\x80", 3, "$: not UTF-8"},
        {FCACHE_KIND_STRING, "\x03\xed\xa0\x80", 4, "$: not UTF-8"},
        {FCACHE_KIND_STRING, "\x04\xf4\x90\x80\x80", 5, "$: not UTF-8"},
        {FCACHE_KIND_DECIMAL,
         "\x02"
         "1.",
         3, "$: not a decimal"},
    };
    char text[sizeof(fcache_error_t)];
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].text);
        CHECK_INT(decode(rows[i].kind, rows[i].rest, rows[i].len, text, *state),
                  FCACHE_CORRUPT);
        CHECK_TEXT(fcache_str(text), rows[i].text);
    }
}

/* A struct that changed does not get the bytes of what it was. */
static void other_shapes_are_refused(void **state)
{
    static const fcache_member_t renamed[] = {
        FCACHE_MEMBER(part_t, name, FCACHE_KIND_STRING),
        {"cost", FCACHE_KIND_DECIMAL, FCACHE_HOW_PLAIN, sizeof(fcache_bytes_t),
         offsetof(part_t, price), 0, NULL},
        FCACHE_OPTIONAL(part_t, weight, FCACHE_KIND_INT32, NULL),
    };
    static const fcache_member_t retyped[] = {
        FCACHE_MEMBER(part_t, name, FCACHE_KIND_BYTES),
        FCACHE_MEMBER(part_t, price, FCACHE_KIND_DECIMAL),
        FCACHE_OPTIONAL(part_t, weight, FCACHE_KIND_INT32, NULL),
    };
    static const fcache_shape_t others[] = {
        FCACHE_SHAPE(part_t, renamed),
        FCACHE_SHAPE(part_t, retyped),
        {"part_t", sizeof(part_t), part_members, 2}};
    static const part_t part = {{"a", 1}, {"1", 1}, NULL};
    const fcache_coder_t *own = coder_of(&part_shape, *state);
    fcache_buf_t buf;
    fcache_buf_init(&buf, 100);
    CHECK_INT(own->encode(own, &part, &buf, NULL), FCACHE_OK);
    for (size_t i = 0; i < COUNT(others); i++) {
        const fcache_coder_t *other = coder_of(&others[i], *state);
        part_t back;
        fcache_error_t error = {""};
        ROW(i, "other shape");
        CHECK_INT(
            other->decode(other, fcache_buf_bytes(&buf), &back, *state, &error),
            FCACHE_CORRUPT);
        CHECK_TEXT(fcache_str(error.text), "$: of another shape or version");
    }
    fcache_buf_fini(&buf);
}

/* Each start of a good one, and each with one byte changed. */
static void damage_is_survived(void **state)
{
    static const uint64_t numbers[] = {1, UINT64_MAX};
    static const part_t part = {{"a", 1}, {"1", 1}, NULL};
    static const whole_t whole = {.text = {"text", 4},
                                  .price = {"1.5", 3},
                                  .part = {{"a", 1}, {"1", 1}, NULL},
                                  .spare = &part,
                                  .parts = &part,
                                  .part_count = 1,
                                  .numbers = numbers,
                                  .number_count = 2};
    const fcache_coder_t *coder = coder_of(&whole_shape, *state);
    fcache_buf_t buf;
    whole_t back;
    fcache_buf_init(&buf, 1000);
    CHECK_INT(coder->encode(coder, &whole, &buf, NULL), FCACHE_OK);
    for (size_t len = 0; len < buf.len; len++) {
        ROW(len, "cut");
        CHECK_INT(coder->decode(coder, fcache_bytes(buf.ptr, len), &back,
                                *state, NULL),
                  FCACHE_CORRUPT);
    }
    for (size_t at = 0; at < buf.len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            buf.ptr[at] = (char)(buf.ptr[at] ^ 1 << bit);
            fcache_status_t status = coder->decode(
                coder, fcache_buf_bytes(&buf), &back, *state, NULL);
            ROW(at, "flipped");
            CHECK_INT(status == FCACHE_CORRUPT || at >= HEAD, 1);
            buf.ptr[at] = (char)(buf.ptr[at] ^ 1 << bit);
        }
    }
    fcache_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(bytes_are_compact),
        pool_test(broken_bytes_are_corrupt),
        pool_test(other_shapes_are_refused),
        pool_test(damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
