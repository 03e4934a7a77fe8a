/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES 64

/* TLS has records of at most so much: small pieces share one. */
#define RECORD 16384

struct fcn_stream_t {
    int fd;
    SSL *ssl; /* or NULL */
    pid_t pid;
    int is_drained; /* nothing more is expected to be there yet: wait first */
    int is_broken;
};

/* ---- faults: after one, the stream is of no use ---- */

static fcache_status_t gone(fcn_stream_t *stream, int code,
                            fcache_error_t *error)
{
    stream->is_broken = 1;
    return fcache_error_set(error, FCACHE_UNAVAILABLE, "%s",
                            code ? strerror(code) : "the server hung up");
}

/* What this process or machine is short of is no failure of the server's; a family
 * that there is not here may be another than that of its next address. */
static fcache_status_t no_socket(fcn_stream_t *stream, fcache_error_t *error)
{
    if (errno == EAFNOSUPPORT) {
        return gone(stream, errno, error);
    }
    return fcache_error_set(error, FCACHE_NO_MEMORY, "no socket: %s",
                            strerror(errno));
}

static fcache_status_t refused(fcn_stream_t *stream, fcache_error_t *error)
{
    char why[160];
    stream->is_broken = 1;
    fcn_tls_explain(stream->ssl, why, sizeof(why));
    return fcache_error_set(error, FCACHE_PROTOCOL, "TLS: %s", why);
}

/* ---- waiting ---- */

/* Until it can be read or written, or the deadline. What is wrong with the socket
 * is told by what the caller does next. */
static fcache_status_t wait_for(fcn_stream_t *stream, short events,
                                fcn_deadline_t deadline, const char *what,
                                fcache_error_t *error)
{
    struct pollfd poll_fd = {.fd = stream->fd, .events = events};
    for (;;) {
        int left_ms = fcn_deadline_left_ms(deadline);
        int ready = left_ms > 0 ? poll(&poll_fd, 1, left_ms) : 0;
        if (ready > 0) {
            return FCACHE_OK;
        }
        if (left_ms == 0) {
            stream->is_broken = 1;
            return fcache_error_set(error, FCACHE_TIMEOUT,
                                    "no %s within the time", what);
        }
        if (ready < 0 && errno != EINTR) {
            return gone(stream, errno, error);
        }
    }
}

/* What a step of TLS wants before it is done; OK: try again. */
static fcache_status_t wait_tls(fcn_stream_t *stream, fcn_want_t wants,
                                fcn_deadline_t deadline, const char *what,
                                fcache_error_t *error)
{
    switch (wants) {
    case FCN_WANT_READ:
        return wait_for(stream, POLLIN, deadline, what, error);
    case FCN_WANT_WRITE:
        return wait_for(stream, POLLOUT, deadline, what, error);
    case FCN_REFUSED:
        return refused(stream, error);
    case FCN_ENDED:
    case FCN_DONE:
        break;
    }
    return gone(stream, 0, error);
}

/* ---- opening ---- */

static void set_options(int fd, int family)
{
    const int on = 1;
    if (family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
}

static fcache_status_t connect_socket(fcn_stream_t *stream,
                                      const fcn_address_t *address,
                                      fcn_deadline_t deadline,
                                      fcache_error_t *error)
{
    int family = address->addr.ss_family, code = 0;
    socklen_t len = sizeof(code);
    stream->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0) {
        return no_socket(stream, error);
    }
    set_options(stream->fd, family);
    if (connect(stream->fd, (const struct sockaddr *)&address->addr,
                address->len) == 0) {
        return FCACHE_OK;
    }
    /* a signal: it goes on connecting; a full queue of a unix socket does not */
    if (errno != EINPROGRESS && errno != EINTR) {
        return gone(stream, errno, error);
    }
    fcache_status_t status =
        wait_for(stream, POLLOUT, deadline, "connection", error);
    if (status == FCACHE_OK &&
        (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &code, &len) || code)) {
        status = gone(stream, code ? code : errno, error);
    }
    return status;
}

static fcache_status_t shake_hands(fcn_stream_t *stream, fcn_tls_t *tls,
                                   const char *host,
                                   const fcn_address_t *address,
                                   fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    stream->ssl = fcn_tls_start(tls, stream->fd, host, address);
    if (!stream->ssl) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for TLS with %.100s", host);
    }
    fcache_status_t status = FCACHE_OK;
    fcn_want_t wants = fcn_tls_handshake(stream->ssl);
    while (status == FCACHE_OK && wants != FCN_DONE) {
        status = wait_tls(stream, wants, deadline, "TLS handshake", error);
        if (status == FCACHE_OK) {
            wants = fcn_tls_handshake(stream->ssl);
        }
    }
    return status;
}

fcache_status_t fcn_stream_open(const fcn_address_t *address, fcn_tls_t *tls,
                                const char *host, fcn_deadline_t deadline,
                                fcn_stream_t **out_stream,
                                fcache_error_t *error)
{
    fcn_stream_t *stream = calloc(1, sizeof(*stream));
    if (!stream) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a connection");
    }
    stream->pid = getpid();
    fcache_status_t status = connect_socket(stream, address, deadline, error);
    if (status == FCACHE_OK && tls) {
        status = shake_hands(stream, tls, host, address, deadline, error);
    }
    if (status != FCACHE_OK) {
        fcn_stream_close(stream);
        return status;
    }
    *out_stream = stream;
    return FCACHE_OK;
}

/* ---- writing ---- */

/* Pieces, of which the first is written up to `offset`. */
typedef struct cursor_t {
    const fcache_bytes_t *pieces;
    size_t count, offset;
} cursor_t;

static void advance(cursor_t *cursor, size_t len)
{
    cursor->offset += len;
    while (cursor->count && cursor->offset >= cursor->pieces[0].len) {
        cursor->offset -= cursor->pieces[0].len;
        cursor->pieces++;
        cursor->count--;
    }
}

static size_t to_vector(const cursor_t *cursor, struct iovec vector[PIECES])
{
    size_t count = cursor->count < PIECES ? cursor->count : PIECES;
    for (size_t i = 0; i < count; i++) {
        size_t skip = i == 0 ? cursor->offset : 0;
        /* iovec has no const; sendmsg only reads */
        vector[i].iov_base = (void *)((uintptr_t)cursor->pieces[i].ptr + skip);
        vector[i].iov_len = cursor->pieces[i].len - skip;
    }
    return count;
}

static fcache_status_t write_plain(fcn_stream_t *stream, cursor_t *cursor,
                                   fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    struct iovec vector[PIECES];
    fcache_status_t status = FCACHE_OK;
    while (status == FCACHE_OK && cursor->count) {
        const struct msghdr message = {.msg_iov = vector,
                                       .msg_iovlen = to_vector(cursor, vector)};
        ssize_t sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
        if (sent >= 0) {
            advance(cursor, (size_t)sent);
        } else if (errno == EAGAIN) {
            status =
                wait_for(stream, POLLOUT, deadline, "room to write", error);
        } else if (errno != EINTR) {
            status = gone(stream, errno, error);
        }
    }
    return status;
}

/* A record's worth: a piece where it lies, or small ones copied together. */
static fcache_bytes_t gather(const cursor_t *cursor, char record[RECORD])
{
    size_t used = 0, skip = cursor->offset;
    if (cursor->pieces[0].len - skip >= RECORD || cursor->count == 1) {
        return fcache_bytes(cursor->pieces[0].ptr + skip,
                            cursor->pieces[0].len - skip);
    }
    for (size_t i = 0; i < cursor->count && used < RECORD; i++, skip = 0) {
        size_t len = cursor->pieces[i].len - skip;
        len = len < RECORD - used ? len : RECORD - used;
        if (len) {
            memcpy(record + used, cursor->pieces[i].ptr + skip, len);
            used += len;
        }
    }
    return fcache_bytes(record, used);
}

static fcache_status_t write_tls(fcn_stream_t *stream, cursor_t *cursor,
                                 fcn_deadline_t deadline, fcache_error_t *error)
{
    char record[RECORD];
    fcache_status_t status = FCACHE_OK;
    while (status == FCACHE_OK && cursor->count) {
        size_t written = 0;
        fcache_bytes_t bytes = gather(cursor, record);
        fcn_want_t wants =
            fcn_tls_write(stream->ssl, bytes.ptr, bytes.len, &written);
        if (wants == FCN_DONE) {
            advance(cursor, written);
        } else {
            status = wait_tls(stream, wants, deadline, "room to write", error);
        }
    }
    return status;
}

fcache_status_t fcn_stream_write(fcn_stream_t *stream,
                                 const fcache_bytes_t *pieces, size_t count,
                                 fcn_deadline_t deadline, fcache_error_t *error)
{
    cursor_t cursor = {pieces, count, 0};
    advance(&cursor, 0); /* past empty ones */
    stream->is_drained = 1;
    return stream->ssl ? write_tls(stream, &cursor, deadline, error)
                       : write_plain(stream, &cursor, deadline, error);
}

/* ---- reading ---- */

static fcache_status_t read_plain(fcn_stream_t *stream, char *buffer,
                                  size_t capacity, size_t *out_len,
                                  fcn_deadline_t deadline,
                                  fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    if (stream->is_drained && fcn_deadline_left_ms(deadline) > 0) {
        status = wait_for(stream, POLLIN, deadline, "reply", error);
    }
    while (status == FCACHE_OK) {
        ssize_t got = recv(stream->fd, buffer, capacity, 0);
        if (got > 0) {
            stream->is_drained = (size_t)got < capacity;
            *out_len = (size_t)got;
            return FCACHE_OK;
        }
        if (got == 0) {
            return gone(stream, 0, error);
        }
        if (errno == EAGAIN) {
            status = wait_for(stream, POLLIN, deadline, "reply", error);
        } else if (errno != EINTR) {
            status = gone(stream, errno, error);
        }
    }
    return status;
}

static fcache_status_t read_tls(fcn_stream_t *stream, char *buffer,
                                size_t capacity, size_t *out_len,
                                fcn_deadline_t deadline, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    while (status == FCACHE_OK) {
        fcn_want_t wants = fcn_tls_read(stream->ssl, buffer, capacity, out_len);
        if (wants == FCN_DONE) {
            return FCACHE_OK;
        }
        status = wait_tls(stream, wants, deadline, "reply", error);
    }
    return status;
}

fcache_status_t fcn_stream_read(fcn_stream_t *stream, char *buffer,
                                size_t capacity, size_t *out_len,
                                fcn_deadline_t deadline, fcache_error_t *error)
{
    return stream->ssl
               ? read_tls(stream, buffer, capacity, out_len, deadline, error)
               : read_plain(stream, buffer, capacity, out_len, deadline, error);
}

/* ---- the rest ---- */

int fcn_stream_is_quiet(fcn_stream_t *stream)
{
    char byte;
    if (stream->is_broken) {
        return 0;
    }
    if (stream->ssl) {
        return fcn_tls_is_quiet(stream->ssl);
    }
    return recv(stream->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           errno == EAGAIN;
}

/* A process forked from the one that opened it says no goodbye for that one. */
void fcn_stream_close(fcn_stream_t *stream)
{
    if (!stream) {
        return;
    }
    if (stream->ssl) {
        fcn_tls_stop(stream->ssl,
                     !stream->is_broken && stream->pid == getpid());
    }
    if (stream->fd >= 0) {
        close(stream->fd);
    }
    free(stream);
}
