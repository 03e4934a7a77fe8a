/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of servers that are broken or hostile (F5-F15, F23): what comes of
 * them, in both protocols, however they are cut. */
#include "../net/peer.h"
#include "pool.h"

#include <memcached/conn.h>
#include <memcached/tick.h>

#define BYTES(text)                                                            \
    {                                                                          \
        "" text, sizeof(text) - 1                                              \
    }
#define NUL4 "\0\0\0\0"
#define NUL8 NUL4 NUL4

/* A head of the binary protocol: opcode, status, lengths, opaque of one byte */
#define HEAD(op, key, extras, says, body, opaque)                              \
    "\x81" op "\0" key extras "\0\0" says "\0\0\0" body "\0\0\0" opaque        \
    "\0\0\0\0\0\0\0\x09"

typedef struct script_t {
    fcache_bytes_t reply;
    int keeps_open;
    int drips;      /* a byte at a time */
    int never_ends; /* the same again and again */
} script_t;

static void serve(peer_t *peer, int fd)
{
    const script_t *script = peer->baton;
    char request[4096];
    (void)peer_wait(peer, fd, -1);
    (void)!recv(fd, request, sizeof(request), 0);
    for (size_t i = 0; i < script->reply.len && script->drips; i++) {
        peer_send(fd, script->reply.ptr + i, 1);
        if (!peer_wait(peer, -1, 2 * MS)) {
            return;
        }
    }
    if (!script->drips) {
        peer_send(fd, script->reply.ptr, script->reply.len);
    }
    while (script->never_ends &&
           send(fd, script->reply.ptr, script->reply.len, MSG_NOSIGNAL) > 0) {
    }
    if (script->keeps_open) {
        (void)peer_wait(peer, -1, -1);
    }
}

typedef enum op_t { GET, GET_LARGE, PUT, REMOVE, STATS, LOGIN } op_t;

static void ignore_stat(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    *(size_t *)baton += name.len + value.len;
}

#define LARGE 100000

static fcache_status_t run(op_t op, fcmc_conn_t *conn, fcr_found_t found[2],
                           apr_pool_t *pool)
{
    const fcache_bytes_t names[] = {BYTES("aa"), BYTES("bb")};
    const fcache_bytes_t value = BYTES("value");
    size_t seen = 0;
    fcmc_put_t put = {.mode = FCR_ADD,
                      .name = names[0],
                      .pieces = &value,
                      .piece_count = 1,
                      .len = value.len,
                      .exptime = 60};
    switch (op) {
    case GET:
        return conn->wire->get(conn, names, 2, 1000, found, pool);
    case GET_LARGE:
        return conn->wire->get(conn, names, 2, LARGE, found, pool);
    case PUT:
        return conn->wire->put(conn, &put, 1);
    case REMOVE:
        return conn->wire->remove(conn, names[0]);
    case STATS:
        return conn->wire->stats(conn, "settings", ignore_stat, &seen);
    case LOGIN:
    default:
        return conn->wire->login(conn, fcache_bytes("\0u\0p", 4));
    }
}

static fcache_status_t answer_to(op_t op, const fcmc_wire_t *wire,
                                 script_t *script, int64_t us,
                                 fcr_found_t found[2], apr_pool_t *pool)
{
    peer_t peer = {.serve = serve, .baton = script};
    fcache_error_t error = {""};
    fcn_stream_t *stream = NULL;
    char path[64]; /* ports are not for hundreds of short connections */
    snprintf(path, sizeof(path), "/tmp/fcache-replies-%d", (int)getpid());
    unlink(path);
    peer_start(&peer, path);
    assert_int_equal(fcn_stream_open(&peer.address, NULL, "127.0.0.1",
                                     fcn_deadline_in(60 * S), &stream, NULL),
                     FCACHE_OK);
    fcmc_conn_t *conn = fcmc_conn_create(stream, wire, "server", 60 * S);
    fcmc_conn_begin(conn, fcn_deadline_in(us), &error);
    fcache_status_t status = run(op, conn, found, pool);
    if (status != FCACHE_OK && status != FCACHE_EXISTS &&
        status != FCACHE_MISS && !error.text[0]) {
        print_error("%s without a sentence\n", fcache_status_name(status));
        fail();
    }
    fcmc_conn_destroy(conn);
    peer_stop(&peer);
    unlink(path);
    return status;
}

static const struct {
    const char *what;
    op_t op;
    fcache_status_t status;
    fcache_bytes_t reply;
} text_rows[] = {
    {"nothing there", GET, FCACHE_OK, BYTES("END\r\n")},
    {"not asked for", GET, FCACHE_PROTOCOL,
     BYTES("VALUE cc 0 1 1\r\nx\r\nEND\r\n")},
    {"twice", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 1 1\r\nx\r\nVALUE aa 0 1 1\r\nx\r\nEND\r\n")},
    {"out of order", GET, FCACHE_PROTOCOL,
     BYTES("VALUE bb 0 1 1\r\nx\r\nVALUE aa 0 1 1\r\nx\r\nEND\r\n")},
    {"length below zero", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 -2 1\r\nx\r\nEND\r\n")},
    {"length 2^31", GET, FCACHE_PROTOCOL, BYTES("VALUE aa 0 2147483648 1\r\n")},
    {"length 2^63", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 9223372036854775808 1\r\n")},
    {"length 2^64 - 2", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 18446744073709551614 1\r\n")},
    {"length 2^64", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 18446744073709551616 1\r\n")},
    {"over the largest value", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 1001 1\r\n")},
    {"longer than it says", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 1 1\r\nxyz\r\nEND\r\n")},
    {"shorter than it says", GET, FCACHE_UNAVAILABLE,
     BYTES("VALUE aa 0 100 1\r\nx\r\nEND\r\n")},
    {"no cas", GET, FCACHE_PROTOCOL, BYTES("VALUE aa 0 1\r\nx\r\nEND\r\n")},
    {"a word more", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 1 1 1\r\nx\r\nEND\r\n")},
    {"another command's", GET, FCACHE_PROTOCOL, BYTES("STORED\r\n")},
    {"a version", GET, FCACHE_PROTOCOL, BYTES("VERSION\r\n")},
    {"HTTP", GET, FCACHE_PROTOCOL,
     BYTES("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")},
    {"NULs", GET, FCACHE_PROTOCOL, BYTES("VALUE\0aa 0 1 1\r\nx\r\nEND\r\n")},
    {"error", GET, FCACHE_PROTOCOL, BYTES("ERROR\r\n")},
    {"client error", GET, FCACHE_PROTOCOL, BYTES("CLIENT_ERROR no\r\n")},
    {"server error", GET, FCACHE_UNAVAILABLE, BYTES("SERVER_ERROR no\r\n")},
    {"no memory to answer", GET, FCACHE_UNAVAILABLE,
     BYTES("SERVER_ERROR out of memory writing get response\r\n")},
    {"wants a user", GET, FCACHE_UNAVAILABLE,
     BYTES("CLIENT_ERROR unauthenticated\r\n")},
    {"empty line", GET, FCACHE_PROTOCOL, BYTES("\r\n")},
    {"nothing", GET, FCACHE_UNAVAILABLE, BYTES("")},
    {"stored", PUT, FCACHE_OK, BYTES("STORED\r\n")},
    {"not stored", PUT, FCACHE_EXISTS, BYTES("NOT_STORED\r\n")},
    {"exists", PUT, FCACHE_EXISTS, BYTES("EXISTS\r\n")},
    {"too large", PUT, FCACHE_TOO_LARGE,
     BYTES("SERVER_ERROR object too large for cache\r\n")},
    {"full", PUT, FCACHE_TOO_LARGE,
     BYTES("SERVER_ERROR out of memory storing object\r\n")},
    {"stored, nearly", PUT, FCACHE_PROTOCOL, BYTES("STORED!\r\n")},
    {"deleted", REMOVE, FCACHE_OK, BYTES("DELETED\r\n")},
    {"not found", REMOVE, FCACHE_MISS, BYTES("NOT_FOUND\r\n")},
    {"a get's", REMOVE, FCACHE_PROTOCOL, BYTES("END\r\n")},
    {"stats", STATS, FCACHE_OK, BYTES("STAT a b\r\nSTAT c\r\nEND\r\n")},
    {"no stats", STATS, FCACHE_PROTOCOL, BYTES("STAT a b\r\nERROR\r\n")},
};

#define FOUND(op, opaque) HEAD(op, "\x02", "\x04", "\0", "\x07", opaque)
#define NOOP              HEAD("\x0a", "\0", "\0", "\0", "\0", "\x03")

static const struct {
    const char *what;
    op_t op;
    fcache_status_t status;
    fcache_bytes_t reply;
} binary_rows[] = {
    {"nothing there", GET, FCACHE_OK, BYTES(NOOP)},
    {"both", GET, FCACHE_OK,
     BYTES(FOUND("\x0d", "\x01") NUL4 "aax" FOUND("\x0d", "\x02") NUL4
           "bby" NOOP)},
    {"another name", GET, FCACHE_PROTOCOL,
     BYTES(FOUND("\x0d", "\x01") NUL4 "ccx" NOOP)},
    {"out of order", GET, FCACHE_PROTOCOL,
     BYTES(FOUND("\x0d", "\x02") NUL4 "bby" FOUND("\x0d", "\x01") NUL4
           "aax" NOOP)},
    {"of an earlier request", GET, FCACHE_PROTOCOL,
     BYTES(FOUND("\x0d", "\0") NUL4 "aax" NOOP)},
    {"another kind", GET, FCACHE_PROTOCOL,
     BYTES(FOUND("\x0b", "\x01") NUL4 "aax" NOOP)},
    {"text", GET, FCACHE_PROTOCOL,
     BYTES("VALUE aa 0 1 1\r\nx\r\nEND\r\nand so on")},
    {"body of 4 GiB", GET, FCACHE_PROTOCOL,
     BYTES("\x81\x0d\0\x02\x04\0\0\0\xff\xff\xff\xff\0\0\0\x01" NUL8)},
    {"key of 64 KiB", GET, FCACHE_PROTOCOL,
     BYTES("\x81\x0d\xff\xff\x04\0\0\0\0\1\0\7\0\0\0\x01" NUL8)},
    {"key longer than the body", GET, FCACHE_PROTOCOL,
     BYTES("\x81\x0d\0\x02\x04\0\0\0\0\0\0\x05\0\0\0\x01" NUL8)},
    {"error of 4 GiB", GET, FCACHE_PROTOCOL,
     BYTES("\x81\x0d\0\0\0\0\0\x84\xff\xff\xff\xff\0\0\0\x01" NUL8)},
    {"wants a user", GET, FCACHE_UNAVAILABLE,
     BYTES(HEAD("\x0d", "\0", "\0", "\x20", "\x04", "\x01") "Auth")},
    {"unknown", GET, FCACHE_PROTOCOL,
     BYTES(HEAD("\x0d", "\0", "\0", "\x81", "\0", "\x01"))},
    {"stored", PUT, FCACHE_OK,
     BYTES(HEAD("\x02", "\0", "\0", "\0", "\0", "\x01"))},
    {"exists", PUT, FCACHE_EXISTS,
     BYTES(HEAD("\x02", "\0", "\0", "\x02", "\x04", "\x01") "text")},
    {"not stored", PUT, FCACHE_EXISTS,
     BYTES(HEAD("\x02", "\0", "\0", "\x05", "\0", "\x01"))},
    {"too large", PUT, FCACHE_TOO_LARGE,
     BYTES(HEAD("\x02", "\0", "\0", "\x03", "\0", "\x01"))},
    {"full", PUT, FCACHE_TOO_LARGE,
     BYTES(HEAD("\x02", "\0", "\0", "\x82", "\0", "\x01"))},
    {"of another request", PUT, FCACHE_PROTOCOL,
     BYTES(HEAD("\x02", "\0", "\0", "\0", "\0", "\x02"))},
    {"deleted", REMOVE, FCACHE_OK,
     BYTES(HEAD("\x04", "\0", "\0", "\0", "\0", "\x01"))},
    {"not found", REMOVE, FCACHE_MISS,
     BYTES(HEAD("\x04", "\0", "\0", "\x01", "\0", "\x01"))},
    {"stats", STATS, FCACHE_OK,
     BYTES(HEAD("\x10", "\x01", "\0", "\0", "\x02",
                "\x01") "ab" HEAD("\x10", "\0", "\0", "\0", "\0", "\x01"))},
    {"a stat of 64 KiB", STATS, FCACHE_PROTOCOL,
     BYTES("\x81\x10\0\1\0\0\0\0\0\1\0\0\0\0\0\x01" NUL8)},
    {"logged in", LOGIN, FCACHE_OK,
     BYTES(HEAD("\x21", "\0", "\0", "\0", "\x02", "\x01") "ok")},
    {"not logged in", LOGIN, FCACHE_UNAVAILABLE,
     BYTES(HEAD("\x21", "\0", "\0", "\x20", "\x02", "\x01") "no")},
};

static void text_replies(void **state)
{
    for (size_t i = 0; i < COUNT(text_rows); i++) {
        fcr_found_t found[2];
        script_t script = {.reply = text_rows[i].reply};
        ROW(i, text_rows[i].what);
        CHECK_INT(answer_to(text_rows[i].op, &fcmc_text, &script, 60 * S, found,
                            *state),
                  text_rows[i].status);
    }
}

static void binary_replies(void **state)
{
    for (size_t i = 0; i < COUNT(binary_rows); i++) {
        fcr_found_t found[2];
        script_t script = {.reply = binary_rows[i].reply};
        ROW(i, binary_rows[i].what);
        CHECK_INT(answer_to(binary_rows[i].op, &fcmc_binary, &script, 60 * S,
                            found, *state),
                  binary_rows[i].status);
    }
}

/* A good reply, cut at every byte or sent one byte at a time. */
static void cut_and_dripped(apr_pool_t *pool, const fcmc_wire_t *wire,
                            fcache_bytes_t reply, uint64_t cas)
{
    fcr_found_t found[2];
    script_t script = {.reply = reply, .drips = 1};
    CHECK_INT(answer_to(GET, wire, &script, 60 * S, found, pool), FCACHE_OK);
    CHECK_INT(found[0].exists && found[1].exists, 1);
    CHECK_TEXT(found[0].value, "x\r\nEND\r\n");
    CHECK_TEXT(found[1].value, "");
    CHECK_INT(found[0].cas, cas);
    script.drips = 0;
    for (size_t len = 0; len < reply.len; len++) {
        script.reply.len = len;
        ROW(len, wire->name);
        CHECK_INT(answer_to(GET, wire, &script, 60 * S, found, pool),
                  FCACHE_UNAVAILABLE);
    }
}

static void replies_in_pieces(void **state)
{
    fcache_bytes_t text = BYTES("VALUE aa 0 8 7\r\nx\r\nEND\r\n\r\n"
                                "VALUE bb 0 0 8\r\n\r\nEND\r\n");
    fcache_bytes_t binary = BYTES(
        HEAD("\x0d", "\x02", "\x04", "\0", "\x0e", "\x01") NUL4
        "aax\r\nEND\r\n" HEAD("\x0d", "\x02", "\x04", "\0", "\x06", "\x02") NUL4
        "bb" NOOP);
    cut_and_dripped(*state, &fcmc_text, text, 7);
    cut_and_dripped(*state, &fcmc_binary, binary, 9);
}

/* Silence, and a byte now and then, end at the deadline of the whole. */
static void deadlines_hold(void **state)
{
    static char drip[4000];
    fcr_found_t found[2];
    memset(drip, 'V', sizeof(drip));
    memcpy(drip, "VALUE aa 0 1000 1\r\n", 19);
    script_t silent = {.reply = BYTES(""), .keeps_open = 1};
    script_t slow = {.reply = {drip, sizeof(drip)}, .drips = 1};
    int64_t start_us = fcn_clock_us();
    assert_int_equal(
        answer_to(GET, &fcmc_text, &silent, 100 * MS, found, *state),
        FCACHE_TIMEOUT);
    assert_int_equal(answer_to(GET, &fcmc_text, &slow, 100 * MS, found, *state),
                     FCACHE_TIMEOUT);
    assert_true(fcn_clock_us() - start_us < 2 * S);
}

/* A line without an end has an end. */
static void lines_have_a_ceiling(void **state)
{
    static char line[100000];
    fcr_found_t found[2];
    memset(line, 'x', sizeof(line));
    script_t script = {.reply = {line, sizeof(line)}, .keeps_open = 1};
    assert_int_equal(answer_to(GET, &fcmc_text, &script, 60 * S, found, *state),
                     FCACHE_PROTOCOL);
}

/* One value may be as large as an entry, the others are counters. */
static void values_have_a_ceiling_together(void **state)
{
    static char text[2 * LARGE + 200], binary[2 * LARGE + 200];
    const char head[] = HEAD("\x0d", "\x02", "\x04", "\0", "\0", "\x01") NUL4;
    fcr_found_t found[2];
    size_t at = 0, len = 0;
    for (char name = 'a'; name <= 'b'; name++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at,
                               "VALUE %c%c 0 %d 1\r\n", name, name, LARGE);
        memset(text + at, 'x', LARGE);
        at += LARGE;
        memcpy(text + at, "\r\n", 2);
        at += 2;

        memcpy(binary + len, head, sizeof(head) - 1);
        binary[len + 9] = (LARGE + 6) >> 16;
        binary[len + 10] = (char)((LARGE + 6) >> 8);
        binary[len + 11] = (char)(LARGE + 6);
        binary[len + 15] = (char)(name - 'a' + 1);
        len += sizeof(head) - 1;
        binary[len++] = name;
        binary[len++] = name;
        memset(binary + len, 'x', LARGE);
        len += LARGE;
    }
    script_t script = {.reply = {text, at}, .keeps_open = 1};
    assert_int_equal(
        answer_to(GET_LARGE, &fcmc_text, &script, 60 * S, found, *state),
        FCACHE_PROTOCOL);
    assert_int_equal(found[0].value.len, LARGE);
    script.reply = fcache_bytes(binary, len);
    assert_int_equal(
        answer_to(GET_LARGE, &fcmc_binary, &script, 60 * S, found, *state),
        FCACHE_PROTOCOL);
    assert_int_equal(found[0].value.len, LARGE);
}

/* There is always something to read, so that nothing ever waits. */
static void listings_have_a_ceiling(void **state)
{
    fcr_found_t found[2];
    script_t text = {.reply = BYTES("STAT a b\r\n"), .never_ends = 1};
    script_t binary = {
        .reply = BYTES(HEAD("\x10", "\x01", "\0", "\0", "\x02", "\x01") "ab"),
        .never_ends = 1};
    assert_int_equal(answer_to(STATS, &fcmc_text, &text, 60 * S, found, *state),
                     FCACHE_PROTOCOL);
    assert_int_equal(
        answer_to(STATS, &fcmc_binary, &binary, 60 * S, found, *state),
        FCACHE_PROTOCOL);
}

static void lives_in_seconds(void **state)
{
    const int64_t day = 86400 * S;
    (void)state;
    assert_int_equal(fcmc_exptime(1), 2);
    assert_int_equal(fcmc_exptime(S), 2);
    assert_int_equal(fcmc_exptime(S + 1), 3);
    assert_int_equal(fcmc_exptime(30 * day - S), 30 * 86400);
    assert_int_equal(fcmc_exptime(30 * day), 30 * 86400);
    assert_int_equal(fcmc_exptime(30 * day + 1), 30 * 86400);
    assert_int_equal(fcmc_exptime(100000 * day), 30 * 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(text_replies),
        pool_test(binary_replies),
        pool_test(replies_in_pieces),
        pool_test(deadlines_hold),
        pool_test(lines_have_a_ceiling),
        pool_test(lives_in_seconds),
        pool_test(values_have_a_ceiling_together),
        pool_test(listings_have_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
