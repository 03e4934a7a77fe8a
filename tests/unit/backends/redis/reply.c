/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/reply.h"

#include "check.h"
#include "pool.h"

#include <apr_strings.h>

static const fcrd_limits_t limits = {1000, 100000, 100};

/* A reply as text: types and contents. */
static const char *show(const fcrd_reply_t *reply, apr_pool_t *pool)
{
    const char *text = "[";
    switch (reply->type) {
    case FCRD_NIL:
        return "nil";
    case FCRD_INTEGER:
        return apr_psprintf(pool, "%" APR_INT64_T_FMT, reply->integer);
    case FCRD_STRING:
    case FCRD_STATUS:
    case FCRD_ERROR:
        return apr_psprintf(pool, "%c%.*s",
                            reply->type == FCRD_STRING   ? '$'
                            : reply->type == FCRD_STATUS ? '+'
                                                         : '-',
                            (int)reply->text.len, reply->text.ptr);
    case FCRD_ARRAY:
        break;
    }
    for (size_t i = 0; i < reply->count; i++) {
        text = apr_pstrcat(pool, text, i > 0 ? " " : "",
                           show(&reply->items[i], pool), (char *)NULL);
    }
    return apr_pstrcat(pool, text, "]", (char *)NULL);
}

/* Reads `wire`, cut in pieces at `first` and then of `step` bytes; all replies as
 * text, or the status of what went wrong. */
static const char *read_in_pieces(fcache_bytes_t wire, size_t first,
                                  size_t step, const fcrd_limits_t *with,
                                  apr_pool_t *pool)
{
    fcrd_reader_t reader;
    const char *text = "";
    fcache_status_t status = fcrd_reader_init(&reader, with, pool);
    for (size_t at = 0; at < wire.len && status == FCACHE_OK;) {
        const fcrd_reply_t *reply = NULL;
        size_t len = at == 0 ? first : step;
        len = len < wire.len - at ? len : wire.len - at;
        status =
            fcrd_reader_feed(&reader, fcache_bytes(wire.ptr + at, len), NULL);
        at += len;
        do {
            status = status == FCACHE_OK
                         ? fcrd_reader_next(&reader, &reply, NULL)
                         : status;
            if (status == FCACHE_OK && reply) {
                text = apr_pstrcat(pool, text, *text ? " " : "",
                                   show(reply, pool), (char *)NULL);
            }
        } while (status == FCACHE_OK && reply);
    }
    if (status == FCACHE_OK && !fcrd_reader_is_drained(&reader)) {
        text = apr_pstrcat(pool, text, "...", (char *)NULL);
    }
    fcrd_reader_fini(&reader);
    return status == FCACHE_OK ? text : fcache_status_name(status);
}

static const char *read_whole(const char *wire, apr_pool_t *pool)
{
    fcache_bytes_t bytes = fcache_str(wire);
    return read_in_pieces(bytes, bytes.len, 1, &limits, pool);
}

static const struct {
    const char *wire, *text;
} good[] = {
    {"+OK\r\n", "+OK"},
    {"-ERR no\r\n", "-ERR no"},
    {":0\r\n", "0"},
    {":-12\r\n", "-12"},
    {":9223372036854775807\r\n", "9223372036854775807"},
    {"$-1\r\n", "nil"},
    {"$0\r\n\r\n", "$"},
    {"$5\r\nab\r\nc\r\n", "$ab\r\nc"},
    {"$4\r\n$1\r\n\r\n", "$$1\r\n"},
    {"*-1\r\n", "nil"},
    {"*0\r\n", "[]"},
    {"*2\r\n$1\r\na\r\n$-1\r\n", "[$a nil]"},
    {"*3\r\n*2\r\n:1\r\n:2\r\n*0\r\n+x\r\n", "[[1 2] [] +x]"},
    {"*2\r\n:0\r\n*3\r\n$1\r\na\r\n:6379\r\n*0\r\n", "[0 [$a 6379 []]]"},
    {"+OK\r\n+OK\r\n*1\r\n$1\r\nv\r\n", "+OK +OK [$v]"},
};

static void replies_are_read_at_every_cut(void **state)
{
    for (size_t i = 0; i < COUNT(good); i++) {
        fcache_bytes_t wire = fcache_str(good[i].wire);
        ROW(i, good[i].wire);
        for (size_t first = 1; first <= wire.len; first++) {
            for (size_t step = 1; step <= wire.len; step++) {
                CHECK_TEXT(fcache_str(read_in_pieces(wire, first, step, &limits,
                                                     *state)),
                           good[i].text);
            }
        }
    }
}

static void what_is_cut_off_is_no_reply(void **state)
{
    for (size_t i = 0; i < 14; i++) { /* of one reply each */
        fcache_bytes_t wire = fcache_str(good[i].wire);
        ROW(i, good[i].wire);
        for (wire.len--; wire.len > 0; wire.len--) {
            const char *text =
                read_in_pieces(wire, wire.len, 1, &limits, *state);
            assert_true(*text == '\0' || strcmp(text, "...") == 0);
        }
    }
}

static void what_is_no_reply_is_refused(void **state)
{
    static const char *const rows[] = {
        "HTTP/1.1 400 Bad Request\r\n",
        "\r\n",
        "SSH-2.0-OpenSSH\r\n",
        "%1\r\n+a\r\n+b\r\n", /* RESP3 */
        "_\r\n",
        ">1\r\n+a\r\n",
        "$-2\r\n",
        "$2147483648\r\n",
        "$4294967295\r\n",
        "$9223372036854775807\r\n",
        "$9223372036854775808\r\n",
        "$18446744073709551615\r\n",
        "$1001\r\n",
        "$+5\r\nabcde\r\n",
        "$ 5\r\nabcde\r\n",
        "$5a\r\nabcde\r\n",
        "$0x5\r\n",
        "$\r\n",
        "$00000000000000000000000000000001\r\na\r\n",
        "$3\r\nabcde\r\n", /* a length that is too small, or too large */
        "$5\r\nabc\r\n+OK\r\n",
        "$1\r\nabc+OK\r\n",
        "$1\r\na\r\r+OK\r\n",
        "*-2\r\n",
        "*101\r\n",
        "*2147483647\r\n",
        "*4294967297\r\n",
        "*9223372036854775807\r\n",
        "*2\r\n*99\r\n",
        ":\r\n",
        ":1a\r\n",
        ":9223372036854775808\r\n",
        "*1\r\n?\r\n",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i]);
        CHECK_TEXT(fcache_str(read_whole(rows[i], *state)), "PROTOCOL");
    }
}

static void refused_before_it_comes(void **state)
{
    fcrd_reader_t reader;
    assert_int_equal(fcrd_reader_init(&reader, &limits, *state), FCACHE_OK);
    assert_int_equal(fcrd_reader_feed(&reader, fcache_str("$1001\r"), NULL),
                     FCACHE_OK);
    assert_int_equal(fcrd_reader_feed(&reader, fcache_str("\n"), NULL),
                     FCACHE_PROTOCOL);
    fcrd_reader_fini(&reader);
}

static void lines_end(void **state)
{
    size_t len = FCRD_LINE_MAX + 10;
    char *wire = apr_palloc(*state, len);
    memset(wire, 'x', len);
    for (size_t i = 0; i < 4; i++) {
        wire[0] = "+-:$"[i];
        ROW(i, "a line without end");
        CHECK_TEXT(fcache_str(read_in_pieces(fcache_bytes(wire, len), 1, 100,
                                             &limits, *state)),
                   "PROTOCOL");
    }
}

static void exchanges_have_a_limit(void **state)
{
    static const fcrd_limits_t small = {1000, 20, 3};
    static const struct {
        const char *wire, *text;
    } rows[] = {
        {"$14\r\n01234567890123\r\n", "PROTOCOL"}, /* 21 bytes */
        {"$13\r\n0123456789012\r\n", "$0123456789012"},
        {"*1\r\n*1\r\n*1\r\n:1\r\n", "[[[1]]]"},
        {"*2\r\n*1\r\n:1\r\n*1\r\n", "PROTOCOL"}, /* four items */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_bytes_t wire = fcache_str(rows[i].wire);
        ROW(i, rows[i].wire);
        CHECK_TEXT(
            fcache_str(read_in_pieces(wire, wire.len, 1, &small, *state)),
            rows[i].text);
    }
}

/* Also with items to spare: hiredis 1.x would follow. */
static void nesting_is_bounded(void **state)
{
    static const fcrd_limits_t wide = {1000, 1000000, 1000000};
    static const size_t depths[] = {FCRD_DEPTH_MAX, FCRD_DEPTH_MAX + 1, 10000};
    for (size_t i = 0; i < COUNT(depths); i++) {
        char *wire = apr_palloc(*state, 4 * depths[i] + 4);
        for (size_t j = 0; j < depths[i]; j++) {
            memcpy(wire + 4 * j, "*1\r\n", 4);
        }
        memcpy(wire + 4 * depths[i], ":1\r\n", 4);
        fcache_bytes_t bytes = fcache_bytes(wire, 4 * depths[i] + 4);
        ROW(i, "deep");
        for (size_t step = 1; step < 9; step++) {
            const char *text = read_in_pieces(bytes, step, step, &wide, *state);
            CHECK_TEXT(fcache_str(text), i == 0 ? "[[[[[[1]]]]]]" : "PROTOCOL");
        }
    }
}

static void statuses_are_compared_whole(void **state)
{
    fcrd_reply_t reply = {.type = FCRD_STATUS, .text = fcache_str("OK")};
    (void)state;
    assert_true(fcrd_reply_is(&reply, "OK"));
    assert_false(fcrd_reply_is(&reply, "O"));
    assert_false(fcrd_reply_is(&reply, "OK "));
    reply.type = FCRD_STRING;
    assert_false(fcrd_reply_is(&reply, "OK"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(replies_are_read_at_every_cut),
        pool_test(what_is_cut_off_is_no_reply),
        pool_test(what_is_no_reply_is_refused),
        pool_test(refused_before_it_comes),
        pool_test(lines_end),
        pool_test(exchanges_have_a_limit),
        pool_test(nesting_is_bounded),
        pool_test(statuses_are_compared_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
