/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/range.h>

#include "check.h"
#include "messages.h"

/* RFC 9110 §14.4 */
static void content_ranges(void **state)
{
    static const struct {
        const char *text, *again; /* NULL: none */
    } rows[] = {
        {"bytes 0-4/10", "bytes 0-4/10"},
        {" bytes 4-9/10\t", "bytes 4-9/10"},
        {"BYTES 4-4/*", "bytes 4-4/*"},
        {"bytes 007-08/0010", "bytes 7-8/10"},
        {"bytes 0-99999999999999998/99999999999999999",
         "bytes 0-99999999999999998/99999999999999999"},
        {"bytes 0-4/100000000000000000", NULL},
        {"bytes 5-4/10", NULL},
        {"bytes 5-10/10", NULL},
        {"bytes */10", NULL},
        {"bytes 0-4", NULL},
        {"bytes 0-4/", NULL},
        {"bytes 0-4/10 ", "bytes 0-4/10"},
        {"bytes 0-4/10, bytes 5-9/10", NULL},
        {"bytes 0 -4/10", NULL},
        {"bytes  0-4/10", NULL},
        {"bytes=0-4/10", NULL},
        {"bytes -4/10", NULL},
        {"bytes 0-/10", NULL},
        {"items 0-4/10", NULL},
        {"bytes", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_part_t part;
        char text[FCACHE_PART_LEN];
        ROW(i, rows[i].text);
        CHECK_INT(fcache_part_parse(fcache_str(rows[i].text), &part),
                  rows[i].again != NULL);
        if (rows[i].again) {
            fcache_part_format(&part, text);
            CHECK_TEXT(fcache_str(text), rows[i].again);
        }
    }
}

static void check_answer(const char *stored, size_t body_len, const char *asked,
                         const char *wanted, unsigned offset)
{
    char block[256];
    char text[FCACHE_PART_LEN] = "";
    uint64_t begins = 0;
    message_t m;
    fcache_part_t part;
    snprintf(block, sizeof block, "A: b\r\n%s\r\n", stored);
    fcache_entry_t entry = {.status = 206,
                            .etag = fcache_str("\"v\""),
                            .fields = fcache_str(block),
                            .body_len = body_len};
    if (fcache_part_answers(&entry, fields_of(&m, asked), &part, &begins)) {
        fcache_part_format(&part, text);
    }
    CHECK_TEXT(fcache_str(text), wanted);
    if (*wanted) {
        CHECK_INT(begins, offset);
    }
}

/* RFC 9111 §3.3, RFC 9110 §14.1.2, §14.2, §15.3.7 (T10). */
static void answers(void **state)
{
    static const struct {
        const char *asked, *part; /* "": the origin is asked */
        unsigned offset;
    } rows[] = {
        {"Range: bytes=10-19", "bytes 10-19/100", 0},
        {"Range: bytes=12-15", "bytes 12-15/100", 2},
        {"Range: Bytes=19-19", "bytes 19-19/100", 9},
        {"Range: bytes= 12-15", "bytes 12-15/100", 2},
        {"Range: bytes=9-15", "", 0},
        {"Range: bytes=12-20", "", 0},
        {"Range: bytes=0-", "", 0},
        {"Range: bytes=12-", "", 0},
        {"Range: bytes=-5", "", 0},
        {"Range: bytes=50-60", "", 0},
        {"Range: bytes=15-12", "", 0},
        {"Range: bytes=12-15,17-18", "", 0},
        {"Range: bytes=12-15,", "", 0},
        {"Range: bytes=12-15\nRange: bytes=12-15", "", 0},
        {"Range: bytes=", "", 0},
        {"Range: bytes=-", "", 0},
        {"Range: bytes=a-b", "", 0},
        {"Range: bytes=12-99999999999999999999", "", 0},
        {"Range: bytes=99999999999999999-", "", 0},
        {"Range: items=12-15", "", 0},
        {"Range: bytes 12-15", "", 0},
        {"", "", 0},
        {"Range: bytes=12-15\nIf-Range: \"v\"", "bytes 12-15/100", 2},
        {"Range: bytes=12-15\nIf-Range: \"w\"", "", 0},
        {"Range: bytes=12-15\nIf-Range: W/\"v\"", "", 0},
        {"Range: bytes=12-15\nIf-Range: Fri, 15 Jan 2027 08:00:00 GMT", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].asked);
        check_answer("Content-Range: bytes 10-19/100", 10, rows[i].asked,
                     rows[i].part, rows[i].offset);
    }
}

static void answers_at_the_end(void **state)
{
    static const struct {
        const char *stored;
        size_t body_len;
        const char *asked, *part;
        unsigned offset;
    } rows[] = {
        {"bytes 4-9/10", 6, "bytes=6-", "bytes 6-9/10", 2},
        {"bytes 4-9/10", 6, "bytes=6-99", "bytes 6-9/10", 2},
        {"bytes 4-9/10", 6, "bytes=-6", "bytes 4-9/10", 0},
        {"bytes 4-9/10", 6, "bytes=-1", "bytes 9-9/10", 5},
        {"bytes 4-9/10", 6, "bytes=-7", "", 0},
        {"bytes 4-9/10", 6, "bytes=-0", "", 0},
        {"bytes 4-9/10", 6, "bytes=10-", "", 0},
        {"bytes 0-9/10", 10, "bytes=-99", "bytes 0-9/10", 0},
        {"bytes 4-9/*", 6, "bytes=6-8", "bytes 6-8/*", 2},
        {"bytes 4-9/*", 6, "bytes=6-", "", 0},
        {"bytes 4-9/*", 6, "bytes=-1", "", 0},
        {"bytes 4-9/*", 6, "bytes=6-10", "", 0},
        /* shorter than it says */
        {"bytes 4-9/10", 5, "bytes=6-8", "bytes 6-8/10", 2},
        {"bytes 4-9/10", 5, "bytes=6-", "bytes 6-8/10", 2},
        {"bytes 4-9/10", 5, "bytes=9-", "", 0},
        {"bytes 4-9/10", 5, "bytes=6-9", "", 0},
        {"bytes 4-9/10", 5, "bytes=-1", "", 0},
        {"bytes 4-9/20", 5, "bytes=6-", "", 0},
        {"bytes 4-9/10", 0, "bytes=4-4", "", 0},
        /* longer */
        {"bytes 4-9/10", 7, "bytes=6-8", "", 0},
        {"bytes 4-9", 6, "bytes=6-8", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char stored[64];
        char asked[64];
        snprintf(stored, sizeof stored, "content-range: %s", rows[i].stored);
        snprintf(asked, sizeof asked, "Range: %s", rows[i].asked);
        ROW(i, asked);
        check_answer(stored, rows[i].body_len, asked, rows[i].part,
                     rows[i].offset);
    }
    check_answer("Content-Length: 6", 6, "Range: bytes=0-1", "", 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_ranges),
        cmocka_unit_test(answers),
        cmocka_unit_test(answers_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
