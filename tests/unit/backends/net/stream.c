/* SPDX-License-Identifier: Apache-2.0 */

/* Streams against servers that misbehave: what comes of it, and that nothing
 * waits for ever. Bounds of time only catch hangs. */

#include "peer.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#define REPLY     "a reply of a few bytes"
#define REPLY_LEN (sizeof(REPLY) - 1)

static fcn_stream_t *open_to(peer_t *peer)
{
    fcn_stream_t *stream = NULL;
    assert_int_equal(fcn_stream_open(&peer->address, NULL, "127.0.0.1",
                                     fcn_deadline_in(60 * S), &stream, NULL),
                     FCACHE_OK);
    return stream;
}

/* Reads until something else than OK, or so much. */
static fcache_status_t read_all(fcn_stream_t *stream, char *buffer, size_t want,
                                size_t *out_len, int64_t us)
{
    fcn_deadline_t deadline = fcn_deadline_in(us);
    *out_len = 0;
    while (*out_len < want) {
        size_t len = 0;
        fcache_status_t status = fcn_stream_read(
            stream, buffer + *out_len, want - *out_len, &len, deadline, NULL);
        if (status != FCACHE_OK) {
            return status;
        }
        assert_in_range(len, 1, want - *out_len);
        *out_len += len;
    }
    return FCACHE_OK;
}

/* ---- those that behave ---- */

/* Many pieces, empty ones too; more of them than one call takes. */
static void echo_pieces(peer_t *peer, size_t count, size_t size)
{
    fcn_stream_t *stream = open_to(peer);
    char *bytes = malloc(size), *back = malloc(size * count + 1);
    fcache_bytes_t *pieces = calloc(2 * count + 1, sizeof(*pieces));
    size_t len = 0;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * 7 + i / 251);
    }
    for (size_t i = 0; i < count; i++) {
        pieces[2 * i + 1] = fcache_bytes(bytes, size);
    }
    assert_int_equal(fcn_stream_write(stream, pieces, 2 * count + 1,
                                      fcn_deadline_in(60 * S), NULL),
                     FCACHE_OK);
    assert_int_equal(read_all(stream, back, size * count, &len, 60 * S),
                     FCACHE_OK);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(back + i * size, bytes, size);
    }
    assert_true(fcn_stream_is_quiet(stream));
    fcn_stream_close(stream);
    free(pieces);
    free(bytes);
    free(back);
}

static void bytes_come_back(void **state)
{
    (void)state;
    peer_t peer = {.serve = peer_echoes};
    peer_start(&peer, NULL);
    echo_pieces(&peer, 1, 1);
    echo_pieces(&peer, 1, 100000);
    echo_pieces(&peer, 300, 100);
    peer_stop(&peer);
}

static void unix_sockets_do_too(void **state)
{
    char directory[] = "/tmp/fcache-net-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/socket", directory);
    peer_t peer = {.serve = peer_echoes};
    peer_start(&peer, path);
    echo_pieces(&peer, 300, 100);
    peer_stop(&peer);
    unlink(path);
    fcn_stream_t *stream = NULL;
    assert_int_equal(fcn_stream_open(&peer.address, NULL, NULL,
                                     fcn_deadline_in(60 * S), &stream, NULL),
                     FCACHE_UNAVAILABLE);
    rmdir(directory);
}

static void byte_by_byte(peer_t *peer, int fd)
{
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (size_t i = 0; i < REPLY_LEN; i++) {
        peer_send(fd, &REPLY[i], 1);
    }
    (void)peer_wait(peer, fd, -1);
}

static void segments_of_a_byte_are_legal(void **state) /* F9 */
{
    (void)state;
    char back[REPLY_LEN];
    size_t len;
    peer_t peer = {.serve = byte_by_byte};
    peer_start(&peer, NULL);
    fcn_stream_t *stream = open_to(&peer);
    assert_int_equal(read_all(stream, back, REPLY_LEN, &len, 60 * S),
                     FCACHE_OK);
    assert_memory_equal(back, REPLY, REPLY_LEN);
    fcn_stream_close(stream);
    peer_stop(&peer);
}

static void sockets_are_as_promised(void **state)
{
    (void)state;
    int on = 0;
    socklen_t len = sizeof(on);
    peer_t peer = {.serve = peer_is_silent};
    peer_start(&peer, NULL);
    int fd = dup(0); /* the next to be used */
    assert_true(fd >= 0);
    close(fd);
    fcn_stream_t *stream = open_to(&peer);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_equal(on, 1);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len), 0);
    assert_int_equal(on, 1);
    fcn_stream_close(stream);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    fcn_stream_close(NULL);
    peer_stop(&peer);
}

/* ---- those that do not ---- */

static void a_closed_port_is_unavailable(void **state) /* F1 */
{
    (void)state;
    fcn_stream_t *stream = NULL;
    fcache_error_t error;
    peer_t peer = {.serve = NULL};
    peer_listen(&peer, NULL, 1);
    close(peer.listen_fd);
    assert_int_equal(fcn_stream_open(&peer.address, NULL, "127.0.0.1",
                                     fcn_deadline_in(60 * S), &stream, &error),
                     FCACHE_UNAVAILABLE);
    assert_string_equal(error.text, "Connection refused");
    assert_null(stream);
}

/* What this process is short of is not the server's failure. */
static void no_more_files_is_not_unavailable(void **state)
{
    (void)state;
    fcn_stream_t *stream = NULL;
    fcache_error_t error;
    struct rlimit before;
    peer_t peer = {.serve = NULL};
    peer_listen(&peer, NULL, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    fcache_status_t status =
        fcn_stream_open(&peer.address, NULL, "127.0.0.1",
                        fcn_deadline_in(60 * S), &stream, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, FCACHE_NO_MEMORY);
    assert_string_equal(error.text, "no socket: Too many open files");
    close(peer.listen_fd);
}

/* It may have an address of another kind. */
static void a_kind_of_address_that_is_not_here(void **state)
{
    (void)state;
    fcn_stream_t *stream = NULL;
    const fcn_address_t address = {.addr.ss_family = AF_MAX,
                                   .len = sizeof(address.addr)};
    assert_int_equal(fcn_stream_open(&address, NULL, "127.0.0.1",
                                     fcn_deadline_in(60 * S), &stream, NULL),
                     FCACHE_UNAVAILABLE);
}

/* The queue of a server that accepts nobody fills; then nothing answers. */
static void a_black_hole_times_out(void **state) /* F2 */
{
    (void)state;
    fcn_stream_t *streams[50] = {NULL};
    fcache_status_t status = FCACHE_OK;
    int64_t start_us = fcn_clock_us();
    peer_t peer = {.serve = NULL};
    peer_listen(&peer, NULL, 0);
    for (size_t i = 0; i < COUNT(streams) && status == FCACHE_OK; i++) {
        status = fcn_stream_open(&peer.address, NULL, "127.0.0.1",
                                 fcn_deadline_in(200 * MS), &streams[i], NULL);
    }
    assert_int_equal(status, FCACHE_TIMEOUT);
    assert_true(fcn_clock_us() - start_us < 20 * S);
    for (size_t i = 0; i < COUNT(streams); i++) {
        fcn_stream_close(streams[i]);
    }
    close(peer.listen_fd);
}

static void silence_times_out(void **state) /* F4 */
{
    (void)state;
    char byte;
    size_t len;
    peer_t peer = {.serve = peer_is_silent};
    peer_start(&peer, NULL);
    fcn_stream_t *stream = open_to(&peer);
    assert_true(fcn_stream_is_quiet(stream));
    int64_t start_us = fcn_clock_us();
    assert_int_equal(read_all(stream, &byte, 1, &len, 30 * MS), FCACHE_TIMEOUT);
    assert_in_range(fcn_clock_us() - start_us, 30 * MS, 20 * S);
    assert_int_equal(read_all(stream, &byte, 1, &len, -1), FCACHE_TIMEOUT);
    assert_false(fcn_stream_is_quiet(stream)); /* a reply may yet come */
    fcn_stream_close(stream);
    peer_stop(&peer);
}

static void one_that_does_not_read_times_out(void **state)
{
    (void)state;
    const size_t size = 64 << 20;
    char *bytes = calloc(1, size);
    const fcache_bytes_t piece = fcache_bytes(bytes, size);
    peer_t peer = {.serve = peer_is_silent};
    peer_start(&peer, NULL);
    fcn_stream_t *stream = open_to(&peer);
    assert_int_equal(
        fcn_stream_write(stream, &piece, 1, fcn_deadline_in(100 * MS), NULL),
        FCACHE_TIMEOUT);
    fcn_stream_close(stream);
    peer_stop(&peer);
    free(bytes);
}

static void drip(peer_t *peer, int fd)
{
    while (peer_wait(peer, -1, 20 * MS)) {
        if (send(fd, "x", 1, MSG_NOSIGNAL) != 1) {
            return;
        }
    }
}

static void a_slow_drip_times_out(void **state) /* F8 */
{
    (void)state;
    char back[10000];
    size_t len;
    peer_t peer = {.serve = drip};
    peer_start(&peer, NULL);
    fcn_stream_t *stream = open_to(&peer);
    int64_t start_us = fcn_clock_us();
    assert_int_equal(read_all(stream, back, sizeof(back), &len, 200 * MS),
                     FCACHE_TIMEOUT);
    assert_true(fcn_clock_us() - start_us < 20 * S);
    fcn_stream_close(stream);
    peer_stop(&peer);
}

static void end_early(peer_t *peer, int fd)
{
    peer_send(fd, REPLY, peer->number);
}

static void an_end_at_each_byte_is_seen(void **state) /* F7 */
{
    (void)state;
    for (size_t i = 0; i < REPLY_LEN; i++) {
        char back[REPLY_LEN];
        size_t len;
        peer_t peer = {.serve = end_early, .number = i};
        peer_start(&peer, NULL);
        fcn_stream_t *stream = open_to(&peer);
        assert_int_equal(read_all(stream, back, REPLY_LEN, &len, 60 * S),
                         FCACHE_UNAVAILABLE);
        assert_int_equal(len, i);
        assert_memory_equal(back, REPLY, len);
        assert_false(fcn_stream_is_quiet(stream));
        fcn_stream_close(stream);
        peer_stop(&peer);
    }
}

/* Once something was asked for. */
static void reset(peer_t *peer, int fd)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)peer_wait(peer, fd, -1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* SIGPIPE is as it is by default: it would end the program. */
static void a_reset_is_seen(void **state) /* F5, F6 */
{
    (void)state;
    char byte;
    size_t len;
    const fcache_bytes_t piece = fcache_str("x");
    fcache_status_t status = FCACHE_OK;
    peer_t peer = {.serve = reset};
    peer_start(&peer, NULL);
    fcn_stream_t *stream = open_to(&peer);
    assert_int_equal(
        fcn_stream_write(stream, &piece, 1, fcn_deadline_in(60 * S), NULL),
        FCACHE_OK);
    assert_int_equal(read_all(stream, &byte, 1, &len, 60 * S),
                     FCACHE_UNAVAILABLE);
    for (int i = 0; i < 3; i++) {
        status =
            fcn_stream_write(stream, &piece, 1, fcn_deadline_in(60 * S), NULL);
    }
    assert_int_equal(status, FCACHE_UNAVAILABLE);
    fcn_stream_close(stream);
    peer_stop(&peer);
}

/* ---- idle ones ---- */

static void say_once(peer_t *peer, int fd)
{
    (void)peer_wait(peer, fd, -1);
    peer_send(fd, "x", peer->number);
    (void)peer_wait(peer, -1, peer->number ? -1 : 0);
}

/* Unasked bytes, or the end, of an idle connection. */
static void what_comes_unasked_is_seen(void **state)
{
    (void)state;
    const fcache_bytes_t piece = fcache_str("go");
    for (size_t number = 0; number < 2; number++) {
        peer_t peer = {.serve = say_once, .number = number};
        peer_start(&peer, NULL);
        fcn_stream_t *stream = open_to(&peer);
        assert_true(fcn_stream_is_quiet(stream));
        assert_int_equal(
            fcn_stream_write(stream, &piece, 1, fcn_deadline_in(60 * S), NULL),
            FCACHE_OK);
        while (fcn_stream_is_quiet(stream)) { /* ctest's time limit ends it */
            usleep(1000);
        }
        fcn_stream_close(stream);
        peer_stop(&peer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(unix_sockets_do_too),
        cmocka_unit_test(segments_of_a_byte_are_legal),
        cmocka_unit_test(sockets_are_as_promised),
        cmocka_unit_test(a_closed_port_is_unavailable),
        cmocka_unit_test(no_more_files_is_not_unavailable),
        cmocka_unit_test(a_kind_of_address_that_is_not_here),
        cmocka_unit_test(a_black_hole_times_out),
        cmocka_unit_test(silence_times_out),
        cmocka_unit_test(one_that_does_not_read_times_out),
        cmocka_unit_test(a_slow_drip_times_out),
        cmocka_unit_test(an_end_at_each_byte_is_seen),
        cmocka_unit_test(a_reset_is_seen),
        cmocka_unit_test(what_comes_unasked_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
