/* SPDX-License-Identifier: Apache-2.0 */
/* Both forms of the coders of shapes: there and back, and what is refused. */
#include "check.h"
#include "pool.h"
#include "shapes.h"

#include <math.h>

static const fcache_shape_format_t formats[] = {FCACHE_SHAPE_JSON,
                                                FCACHE_SHAPE_BINARY};

static const fcache_coder_t *coder_of(const fcache_shape_t *shape,
                                      fcache_shape_format_t format,
                                      const fcache_shape_limits_t *limits,
                                      apr_pool_t *pool)
{
    const fcache_coder_t *coder = NULL;
    fcache_error_t error = {""};
    if (fcache_shape_coder_create("test", shape, format, limits, &coder, pool,
                                  &error) != FCACHE_OK) {
        fail_msg("%s", error.text);
    }
    return coder;
}

/* Encodes and decodes it into *out. */
static void there_and_back(const fcache_coder_t *coder, const void *value,
                           void *out, apr_pool_t *pool)
{
    fcache_buf_t buf;
    fcache_error_t error = {""};
    fcache_buf_init(&buf, 1 << 20);
    if (coder->encode(coder, value, &buf, &error) != FCACHE_OK ||
        coder->decode(coder, fcache_buf_bytes(&buf), out, pool, &error) !=
            FCACHE_OK) {
        print_error("%.*s\n", (int)buf.len, buf.ptr);
        fail_msg("%s", error.text);
    }
    fcache_buf_fini(&buf);
}

#define SAME(field)       CHECK_INT(memcmp(&a->field, &b->field, sizeof(a->field)), 0)
#define SAME_BYTES(field) CHECK_INT(fcache_bytes_equal(a->field, b->field), 1)

static void check_part(const part_t *a, const part_t *b)
{
    SAME_BYTES(name);
    SAME_BYTES(price);
    CHECK_INT(a->weight == NULL, b->weight == NULL);
    if (a->weight) {
        CHECK_INT(*a->weight, *b->weight);
    }
}

static void check_whole(const whole_t *a, const whole_t *b)
{
    SAME(i8), SAME(i16), SAME(i32), SAME(i64);
    SAME(u8), SAME(u16), SAME(u32), SAME(u64);
    SAME(real), SAME(truth), SAME(at_us), SAME(day);
    SAME_BYTES(text), SAME_BYTES(blob), SAME_BYTES(price);
    check_part(&a->part, &b->part);
    CHECK_INT(a->spare == NULL, b->spare == NULL);
    if (a->spare) {
        check_part(a->spare, b->spare);
    }
    SAME(has_limit), SAME(limit), SAME(part_count), SAME(number_count);
    for (size_t i = 0; i < a->part_count; i++) {
        check_part(&a->parts[i], &b->parts[i]);
    }
    for (size_t i = 0; i < a->number_count; i++) {
        SAME(numbers[i]);
    }
    CHECK_INT(a->inner == NULL, b->inner == NULL);
    if (a->inner) {
        check_whole(a->inner, b->inner);
    }
}

static const int32_t weight = -40;
static const part_t parts[] = {
    {{"caf\xc3\xa9", 5}, {"12.50", 5}, NULL},
    {{"a\0b", 3}, {"-0.00", 5}, &weight},
    {{"", 0}, {"123456789012345678901234567890.1234567890", 41}, NULL},
};
static const uint64_t numbers[] = {
    0, 1, 127, 128, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};

static const whole_t smallest = {INT8_MIN,  INT16_MIN,
                                 INT32_MIN, INT64_MIN,
                                 0,         0,
                                 0,         0,
                                 -0.0,      false,
                                 {"", 0},   {"", 0},
                                 {"0", 1},  INT64_C(-62167219200000000),
                                 -719528,   {{"", 0}, {"-1", 2}, NULL},
                                 NULL,      false,
                                 0,         NULL,
                                 0,         NULL,
                                 0,         NULL};

static const whole_t largest = {
    INT8_MAX,
    INT16_MAX,
    INT32_MAX,
    INT64_MAX,
    UINT8_MAX,
    UINT16_MAX,
    UINT32_MAX,
    UINT64_MAX,
    1.7976931348623157e308,
    true,
    {"\xf0\x9f\x90\x9f \xe2\x82\xac \"\\/\n\t\x01", 15},
    {"\0\xff\0\n", 4},
    {"99999999999999999999.99", 23},
    INT64_C(253402300799999999),
    2932896,
    {{"p", 1}, {"0.1", 3}, &weight},
    &parts[1],
    true,
    UINT16_MAX,
    parts,
    COUNT(parts),
    numbers,
    COUNT(numbers),
    &smallest};

static void everything_comes_back(void **state)
{
    static const whole_t *const rows[] = {&smallest, &largest};
    for (size_t f = 0; f < COUNT(formats); f++) {
        const fcache_coder_t *coder =
            coder_of(&whole_shape, formats[f], NULL, *state);
        for (size_t i = 0; i < COUNT(rows); i++) {
            whole_t back;
            ROW(f * 10 + i, "whole");
            there_and_back(coder, rows[i], &back, *state);
            check_whole(rows[i], &back);
            CHECK_INT(back.text.ptr[back.text.len], 0);
        }
    }
}

static void doubles_keep_their_bits(void **state)
{
    static const double rows[] = {
        0.0,
        -0.0,
        1.0,
        0.1,
        1e300,
        -1e-300,
        4.9406564584124654e-324,
        1 / 3.,
        2.5e17,
        1e16,
        123456789012345680.0,
        5e-324,
    };
    static const double odd[] = {INFINITY, -INFINITY, NAN};
    for (size_t f = 0; f < COUNT(formats); f++) {
        const fcache_coder_t *coder = coder_of(
            fcache_shape_of(FCACHE_KIND_DOUBLE), formats[f], NULL, *state);
        for (size_t i = 0; i < COUNT(rows); i++) {
            double back = 7;
            ROW(i, "double");
            there_and_back(coder, &rows[i], &back, *state);
            CHECK_INT(memcmp(&back, &rows[i], sizeof(back)), 0);
        }
    }
    const fcache_coder_t *json = coder_of(fcache_shape_of(FCACHE_KIND_DOUBLE),
                                          FCACHE_SHAPE_JSON, NULL, *state);
    const fcache_coder_t *binary = coder_of(fcache_shape_of(FCACHE_KIND_DOUBLE),
                                            FCACHE_SHAPE_BINARY, NULL, *state);
    for (size_t i = 0; i < COUNT(odd); i++) {
        fcache_buf_t buf;
        double back = 7;
        fcache_buf_init(&buf, 100);
        ROW(i, "not finite");
        CHECK_INT(json->encode(json, &odd[i], &buf, NULL), FCACHE_BAD_INPUT);
        CHECK_INT(buf.len, 0);
        there_and_back(binary, &odd[i], &back, *state);
        CHECK_INT(memcmp(&back, &odd[i], sizeof(back)), 0);
        fcache_buf_fini(&buf);
    }
}

static const whole_t no_decimal = {.price = {"e", 1}};

static void what_cannot_be_written_is_refused(void **state)
{
    static const struct {
        whole_t value;
        const char *text;
        int json_only;
    } rows[] = {
        {{.price = {"1.", 2}}, "$.price: not a decimal", 0},
        {{.price = {"", 0}}, "$.price: not a decimal", 0},
        {{.price = {"1", 1}, .text = {"\xff", 1}}, "$.text: not UTF-8", 0},
        {{.price = {"1", 1}, .at_us = INT64_MAX, .part = {.price = {"1", 1}}},
         "$.at_us: outside of the years 0 to 9999",
         1},
        {{.price = {"1", 1}, .day = INT32_MIN, .part = {.price = {"1", 1}}},
         "$.day: outside of the years 0 to 9999",
         1},
        {{.price = {"1", 1}, .part = {.price = {"x", 1}}},
         "$.part.price: not a decimal",
         0},
        {{.price = {"1", 1}, .part = {.price = {"1", 1}}, .inner = &no_decimal},
         "$.inner.price: not a decimal",
         0},
    };
    for (size_t f = 0; f < COUNT(formats); f++) {
        const fcache_coder_t *coder =
            coder_of(&whole_shape, formats[f], NULL, *state);
        for (size_t i = 0; i < COUNT(rows); i++) {
            fcache_buf_t buf;
            fcache_error_t error = {""};
            if (rows[i].json_only && f > 0) {
                continue;
            }
            fcache_buf_init(&buf, 1 << 20);
            ROW(f * 10 + i, rows[i].text);
            CHECK_INT(coder->encode(coder, &rows[i].value, &buf, &error),
                      FCACHE_BAD_INPUT);
            CHECK_TEXT(fcache_str(error.text), rows[i].text);
            CHECK_INT(buf.len, 0);
            fcache_buf_fini(&buf);
        }
    }
}

static void ceilings_hold(void **state)
{
    static const struct {
        fcache_shape_limits_t limits;
        size_t buf_bytes;
        const char *text; /* in what is said */
    } rows[] = {
        {{.max_bytes = 40}, 1 << 20, "too"},
        {{.max_items = 9}, 1 << 20, "too many items"},
        {{.max_depth = 2}, 1 << 20, "too deep"},
        {{0}, 100, "too large"},
    };
    for (size_t f = 0; f < COUNT(formats); f++) {
        const fcache_coder_t *free_one =
            coder_of(&whole_shape, formats[f], NULL, *state);
        fcache_buf_t all;
        fcache_buf_init(&all, 1 << 20);
        CHECK_INT(free_one->encode(free_one, &largest, &all, NULL), FCACHE_OK);
        for (size_t i = 0; i < COUNT(rows); i++) {
            const fcache_coder_t *coder =
                coder_of(&whole_shape, formats[f], &rows[i].limits, *state);
            fcache_error_t error = {""};
            whole_t back;
            fcache_buf_t buf;
            fcache_buf_init(&buf, rows[i].buf_bytes);
            ROW(f * 10 + i, rows[i].text);
            CHECK_INT(coder->encode(coder, &largest, &buf, &error),
                      FCACHE_TOO_LARGE);
            CHECK_INT(strstr(error.text, rows[i].text) != NULL, 1);
            CHECK_INT(buf.len, 0);
            if (i < 3) {
                CHECK_INT(coder->decode(coder, fcache_buf_bytes(&all), &back,
                                        *state, &error),
                          FCACHE_CORRUPT);
                CHECK_INT(back.i8, 0);
            }
            fcache_buf_fini(&buf);
        }
        fcache_buf_fini(&all);
    }
}

typedef struct odd_t {
    int32_t number;
    bool flag;
} odd_t;

static void descriptions_are_checked(void **state)
{
    static const struct {
        fcache_member_t members[2];
        size_t count;
        const char *text;
    } rows[] = {
        {{{0}}, 0, "odd_t: a shape has 1 to 256 members"},
        {{FCACHE_MEMBER(odd_t, number, FCACHE_KIND_INT64)},
         1,
         "odd_t, member 0 number: its size is not that of its kind"},
        {{FCACHE_MEMBER(odd_t, number, FCACHE_KIND_INT32),
          FCACHE_MEMBER(odd_t, number, FCACHE_KIND_INT32)},
         2,
         "odd_t, member 1 number: there twice"},
        {{FCACHE_MEMBER(odd_t, number, FCACHE_KIND_INT32),
          {NULL, FCACHE_KIND_INT32, FCACHE_HOW_PLAIN, 4, 0, 0, NULL}},
         2,
         "odd_t, member 1: no name, and is not the only one"},
        {{{"x", FCACHE_KIND_INT32, FCACHE_HOW_PLAIN, 4, 8, 0, NULL}},
         1,
         "odd_t, member 0 x: outside of its struct"},
        {{{"x", FCACHE_KIND_INT32, FCACHE_HOW_FLAGGED, 4, 0, 8, NULL}},
         1,
         "odd_t, member 0 x: outside of its struct"},
        {{{"x", FCACHE_KIND_INT32, FCACHE_HOW_OPTIONAL, 4, 4, 0, NULL}},
         1,
         "odd_t, member 0 x: outside of its struct"},
        {{{"x", FCACHE_KIND_SHAPE, FCACHE_HOW_PLAIN, 4, 0, 0, NULL}},
         1,
         "odd_t, member 0 x: a struct without its shape"},
        {{{"x", (fcache_kind_t)99, FCACHE_HOW_PLAIN, 4, 0, 0, NULL}},
         1,
         "odd_t, member 0 x: no such kind"},
        {{{"", FCACHE_KIND_INT32, FCACHE_HOW_PLAIN, 4, 0, 0, NULL}},
         1,
         "odd_t, member 0: a name is 1 to 64 bytes of UTF-8"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const fcache_shape_t shape = {"odd_t", sizeof(odd_t), rows[i].members,
                                      rows[i].count};
        const fcache_coder_t *coder = NULL;
        fcache_error_t error = {""};
        ROW(i, rows[i].text);
        CHECK_INT(fcache_shape_coder_create("odd", &shape, FCACHE_SHAPE_JSON,
                                            NULL, &coder, *state, &error),
                  FCACHE_BAD_INPUT);
        CHECK_TEXT(fcache_str(error.text), rows[i].text);
    }
    fcache_member_t self = {"x", FCACHE_KIND_SHAPE, FCACHE_HOW_PLAIN, 8, 0, 0,
                            NULL};
    const fcache_shape_t inside = {"odd_t", sizeof(odd_t), &self, 1};
    const fcache_coder_t *coder = NULL;
    self.shape = &inside;
    CHECK_INT(fcache_shape_coder_create("odd", &inside, FCACHE_SHAPE_JSON, NULL,
                                        &coder, *state, NULL),
              FCACHE_BAD_INPUT);
    CHECK_INT(fcache_shape_coder_create("", &part_shape, FCACHE_SHAPE_JSON,
                                        NULL, &coder, *state, NULL),
              FCACHE_BAD_INPUT);
    CHECK_INT(fcache_shape_coder_create("sixteen-letters.", &part_shape,
                                        FCACHE_SHAPE_JSON, NULL, &coder, *state,
                                        NULL),
              FCACHE_BAD_INPUT);
    const fcache_shape_limits_t deep = {.max_depth = 65};
    CHECK_INT(fcache_shape_coder_create("odd", &part_shape, FCACHE_SHAPE_JSON,
                                        &deep, &coder, *state, NULL),
              FCACHE_BAD_INPUT);
}

static void bare_shapes_nest(void **state)
{
    typedef struct row_t {
        const int16_t *cells;
        size_t count;
    } row_t;
    typedef struct grid_t {
        const row_t *rows;
        size_t count;
    } grid_t;
    static const fcache_member_t row_members[] = {
        {NULL, FCACHE_KIND_INT16, FCACHE_HOW_ARRAY, sizeof(int16_t),
         offsetof(row_t, cells), offsetof(row_t, count), NULL}};
    static const fcache_shape_t row = FCACHE_SHAPE(row_t, row_members);
    static const fcache_member_t grid_members[] = {
        {NULL, FCACHE_KIND_SHAPE, FCACHE_HOW_ARRAY, sizeof(row_t),
         offsetof(grid_t, rows), offsetof(grid_t, count), &row}};
    static const fcache_shape_t grid = FCACHE_SHAPE(grid_t, grid_members);
    static const int16_t cells[] = {1, -2, 3};
    static const row_t rows[] = {{cells, 3}, {NULL, 0}, {cells, 1}};
    static const grid_t value = {rows, 3};
    fcache_buf_t buf;
    fcache_buf_init(&buf, 1000);
    const fcache_coder_t *json =
        coder_of(&grid, FCACHE_SHAPE_JSON, NULL, *state);
    CHECK_INT(json->encode(json, &value, &buf, NULL), FCACHE_OK);
    CHECK_TEXT(fcache_buf_bytes(&buf), "[[1,-2,3],[],[1]]");
    fcache_buf_fini(&buf);
    for (size_t f = 0; f < COUNT(formats); f++) {
        grid_t back;
        there_and_back(coder_of(&grid, formats[f], NULL, *state), &value, &back,
                       *state);
        CHECK_INT(back.count, 3);
        CHECK_INT(back.rows[0].cells[1], -2);
        CHECK_INT(back.rows[1].count, 0);
        CHECK_INT(back.rows[2].cells[0], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(everything_comes_back),
        pool_test(doubles_keep_their_bits),
        pool_test(what_cannot_be_written_is_refused),
        pool_test(ceilings_hold),
        pool_test(descriptions_are_checked),
        pool_test(bare_shapes_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
