/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "pool.h"
#include "shapes.h"

static const fcache_coder_t *coder_of(const fcache_shape_t *shape,
                                      apr_pool_t *pool)
{
    const fcache_coder_t *coder = NULL;
    assert_int_equal(fcache_shape_coder_create("test", shape, FCACHE_SHAPE_JSON,
                                               NULL, &coder, pool, NULL),
                     FCACHE_OK);
    return coder;
}

static void documents_are_readable(void **state)
{
    static const int32_t weight = 7;
    static const part_t rows[] = {
        {{"a\0\xc3\xa4", 4}, {"1.50", 4}, &weight},
        {{"", 0}, {"0", 1}, NULL},
    };
    static const char *const documents[] = {
        "{\"name\":\"a\\u0000\xc3\xa4\",\"price\":\"1.50\",\"weight\":7}",
        "{\"name\":\"\",\"price\":\"0\"}",
    };
    const fcache_coder_t *coder = coder_of(&part_shape, *state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_buf_t out;
        fcache_buf_init(&out, 4096);
        ROW(i, documents[i]);
        CHECK_INT(coder->encode(coder, &rows[i], &out, NULL), FCACHE_OK);
        CHECK_TEXT(fcache_buf_bytes(&out), documents[i]);
        fcache_buf_fini(&out);
    }
}

/* One value of each kind: what it is in JSON, and what is not it. */
static void kinds_take_only_their_own(void **state)
{
    static const struct {
        fcache_kind_t kind;
        const char *good; /* documents, a blank after each */
        const char *bad;
    } rows[] = {
        {FCACHE_KIND_INT8, "0 127 -128 ",
         "128 -129 1.0 \"1\" true null [] {} 1e1 99999999999999999999 "},
        {FCACHE_KIND_INT16, "32767 -32768 ", "32768 -32769 "},
        {FCACHE_KIND_INT32, "2147483647 -2147483648 ", "2147483648 "},
        {FCACHE_KIND_INT64, "9223372036854775807 -9223372036854775808 ",
         "9223372036854775808 -9223372036854775809 \"5\" "},
        {FCACHE_KIND_UINT8, "0 255 ", "256 -1 "},
        {FCACHE_KIND_UINT16, "65535 ", "65536 \"9223372036854775808\" "},
        {FCACHE_KIND_UINT32, "4294967295 ", "4294967296 "},
        {FCACHE_KIND_UINT64,
         "0 9223372036854775807 \"9223372036854775808\" "
         "\"18446744073709551615\" ",
         "18446744073709551615 \"18446744073709551616\" \"1\" \"\" \"-1\" "
         "\"09223372036854775808\" \"9223372036854775808x\" -1 "},
        {FCACHE_KIND_DOUBLE, "0.0 -0.0 1 -9007199254740992 1e-7 ",
         "9007199254740993 \"1.0\" NaN Infinity 1e999 "},
        {FCACHE_KIND_BOOL, "true false ", "0 1 \"true\" null "},
        {FCACHE_KIND_STRING,
         "\"\" \"\\u0000\" \"\xc3\xa4\" \"\\ud83d\\udc1f\" ",
         "1 \"\xff\" \"\\ud83d\" null "},
        {FCACHE_KIND_BYTES, "\"\" \"AA==\" \"AP8=\" ",
         "\"A\" \"A===\" \"AA=\" \"*AA=\" 7 "},
        {FCACHE_KIND_DECIMAL,
         "\"0\" \"-0\" \"1.0\" \"007\" \"-12.340\" \"0.10\" ",
         "1.0 1 \"\" \"-\" \".5\" \"5.\" \"1e3\" \"+1\" \"1,5\" \"1.0.0\" "},
        {FCACHE_KIND_TIME,
         "\"1970-01-01T00:00:00Z\" \"2024-02-29T23:59:59.999999Z\" "
         "\"0000-01-01T00:00:00Z\" \"9999-12-31T23:59:59Z\" "
         "\"2000-02-29T12:00:00+02:00\" \"2000-01-01t00:00:00.5z\" ",
         "\"2023-02-29T00:00:00Z\" \"1900-02-29T00:00:00Z\" "
         "\"2024-13-01T00:00:00Z\" \"2024-00-01T00:00:00Z\" "
         "\"2024-01-00T00:00:00Z\" \"2024-01-01T24:00:00Z\" "
         "\"2024-01-01T00:00:60Z\" \"2024-01-01T00:00:00\" "
         "\"2024-01-01T00:00:00.Z\" \"2024-01-01T00:00:00.0000001Z\" "
         "\"2024-01-01T00:00:00+24:00\" \"2024-01-01T00:00:00Zx\" "
         "\"0000-01-01T00:59:59+01:00\" \"9999-12-31T23:59:59-00:01\" "
         "\"2024-01-01\" 0 "},
        {FCACHE_KIND_DATE, "\"2024-02-29\" \"0000-01-01\" \"9999-12-31\" ",
         "\"2023-02-29\" \"2024-1-1\" \"2024-02-29Z\" 0 "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const fcache_coder_t *coder =
            coder_of(fcache_shape_of(rows[i].kind), *state);
        for (int is_good = 0; is_good < 2; is_good++) {
            const char *at = is_good ? rows[i].good : rows[i].bad;
            for (const char *end = strchr(at, ' '); end;
                 at = end + 1, end = strchr(at, ' ')) {
                uint64_t space[4];
                ROW(i, at);
                CHECK_INT(coder->decode(coder,
                                        fcache_bytes(at, (size_t)(end - at)),
                                        space, *state, NULL),
                          is_good ? FCACHE_OK : FCACHE_CORRUPT);
            }
        }
    }
}

static void times_are_exact(void **state)
{
    static const struct {
        const char *text; /* as it is written */
        int64_t us;
    } rows[] = {
        {"\"1970-01-01T00:00:00Z\"", 0},
        {"\"1969-12-31T23:59:59.999999Z\"", -1},
        {"\"2024-02-29T00:00:00.000001Z\"", INT64_C(1709164800000001)},
        {"\"2000-03-01T00:00:00Z\"", INT64_C(951868800000000)},
        {"\"0000-01-01T00:00:00Z\"", INT64_C(-62167219200000000)},
        {"\"9999-12-31T23:59:59.999999Z\"", INT64_C(253402300799999999)},
    };
    const fcache_coder_t *coder =
        coder_of(fcache_shape_of(FCACHE_KIND_TIME), *state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t back = 7;
        fcache_buf_t out;
        fcache_buf_init(&out, 100);
        ROW(i, rows[i].text);
        CHECK_INT(coder->encode(coder, &rows[i].us, &out, NULL), FCACHE_OK);
        CHECK_TEXT(fcache_buf_bytes(&out), rows[i].text);
        CHECK_INT(
            coder->decode(coder, fcache_buf_bytes(&out), &back, *state, NULL),
            FCACHE_OK);
        CHECK_INT(back, rows[i].us);
        fcache_buf_fini(&out);
    }
    int64_t back = 0;
    CHECK_INT(coder->decode(coder,
                            fcache_str("\"2000-01-01T01:30:00.25+01:30\""),
                            &back, *state, NULL),
              FCACHE_OK);
    CHECK_INT(back, INT64_C(946684800250000));
}

typedef struct list_t {
    const part_t *items;
    size_t count;
} list_t;

static const fcache_member_t list_members[] = {
    FCACHE_ARRAY(list_t, items, count, FCACHE_KIND_SHAPE, &part_shape),
};
static const fcache_shape_t list_shape = FCACHE_SHAPE(list_t, list_members);

/* T24: hostile documents, and what is said about them. */
static void mismatches_say_where(void **state)
{
    static const struct {
        const char *document;
        const char *text;
    } rows[] = {
        {"{\"items\":[{\"name\":\"a\",\"price\":\"1\"},"
         "{\"name\":\"b\",\"price\":\"cheap\"}]}",
         "$.items[1].price: string, not a decimal"},
        {"{\"items\":[{\"name\":\"a\",\"price\":1}]}",
         "$.items[0].price: number, not a decimal"},
        {"{\"items\":[{\"name\":\"a\"}]}", "$.items[0].price: missing"},
        {"{\"items\":[{\"name\":null,\"price\":\"1\"}]}",
         "$.items[0].name: null, not a string"},
        {"{\"items\":[{\"name\":\"a\",\"price\":\"1\",\"weight\":\"7\"}]}",
         "$.items[0].weight: string, not an int32"},
        {"{\"items\":[{\"name\":\"a\",\"price\":\"1\",\"x\":1}]}",
         "$.items[0]: has a member that part_t has not"},
        {"{\"items\":[[]]}", "$.items[0]: array, not an object"},
        {"{\"items\":{}}", "$.items: object, not an array"},
        {"{\"items\":null}", "$.items: null, not an array"},
        {"{}", "$.items: missing"},
        {"[]", "$: array, not an object"},
        {"true", "$: boolean, not an object"},
        {"", "$: not JSON, too deep or too large"},
        {"{\"items\":[]} x", "$: not JSON, too deep or too large"},
        {"{\"items\":[],\"items\":[]}", "$: not JSON, too deep or too large"},
        {"{\"it\\u0000ems\":[]}", "$: not JSON, too deep or too large"},
        {"{\"items\":[", "$: not JSON, too deep or too large"},
    };
    const fcache_coder_t *coder = coder_of(&list_shape, *state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        list_t list = {NULL, 7};
        fcache_error_t error = {""};
        ROW(i, rows[i].document);
        CHECK_INT(coder->decode(coder, fcache_str(rows[i].document), &list,
                                *state, &error),
                  FCACHE_CORRUPT);
        CHECK_TEXT(fcache_str(error.text), rows[i].text);
        CHECK_INT(list.count, 0);
    }
}

static void nesting_is_bounded(void **state)
{
    char deep[4000];
    list_t list;
    const fcache_coder_t *coder = coder_of(&list_shape, *state);
    memset(deep, '[', sizeof(deep));
    CHECK_INT(coder->decode(coder, fcache_bytes(deep, sizeof(deep)), &list,
                            *state, NULL),
              FCACHE_CORRUPT);
}

static void absent_and_null_are_alike(void **state)
{
    static const char *const rows[] = {
        "{\"name\":\"a\",\"price\":\"1\"}",
        "{\"price\":\"1\",\"weight\":null,\"name\":\"a\"}",
    };
    const fcache_coder_t *coder = coder_of(&part_shape, *state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        part_t part;
        ROW(i, rows[i]);
        CHECK_INT(
            coder->decode(coder, fcache_str(rows[i]), &part, *state, NULL),
            FCACHE_OK);
        CHECK_TEXT(part.name, "a");
        CHECK_INT(part.weight == NULL, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(documents_are_readable), pool_test(kinds_take_only_their_own),
        pool_test(times_are_exact),        pool_test(mismatches_say_where),
        pool_test(nesting_is_bounded),     pool_test(absent_and_null_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
