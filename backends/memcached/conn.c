/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <stdlib.h>

#define CITED 60 /* bytes of a strange reply */

fcmc_conn_t *fcmc_conn_create(fcn_stream_t *stream, const fcmc_wire_t *wire,
                              const char *server, int64_t read_us)
{
    fcmc_conn_t *conn = malloc(sizeof(*conn));
    if (!conn) {
        fcn_stream_close(stream);
        return NULL;
    }
    conn->stream = stream;
    conn->wire = wire;
    conn->server = server;
    conn->read_us = read_us;
    conn->opaque = 0;
    conn->from = conn->to = 0;
    fcmc_conn_begin(conn, (fcn_deadline_t){0}, NULL);
    return conn;
}

void fcmc_conn_destroy(fcmc_conn_t *conn)
{
    if (conn) {
        fcn_stream_close(conn->stream);
        free(conn);
    }
}

void fcmc_conn_begin(fcmc_conn_t *conn, fcn_deadline_t deadline,
                     fcache_error_t *error)
{
    conn->deadline = deadline;
    conn->error = error;
    conn->answered = 0;
}

int fcmc_conn_is_quiet(const fcmc_conn_t *conn)
{
    return conn->from == conn->to && fcn_stream_is_quiet(conn->stream);
}

fcache_status_t fcmc_conn_send(fcmc_conn_t *conn, const fcache_bytes_t *pieces,
                               size_t count)
{
    if (conn->from != conn->to) {
        return fcache_error_set(conn->error, FCACHE_PROTOCOL,
                                "%s: more came than was asked for",
                                conn->server);
    }
    return fcn_stream_write(conn->stream, pieces, count, conn->deadline,
                            conn->error);
}

#define GATHERED 32 /* pieces in one write */

typedef struct gather_t {
    fcache_bytes_t pieces[GATHERED];
    size_t count;
} gather_t;

static fcache_status_t gather(fcmc_conn_t *conn, gather_t *all,
                              const fcache_bytes_t *pieces, size_t count)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        if (all->count == GATHERED) {
            status = fcmc_conn_send(conn, all->pieces, all->count);
            all->count = 0;
        }
        all->pieces[all->count++] = pieces[i];
    }
    return status;
}

fcache_status_t fcmc_conn_send_put(fcmc_conn_t *conn,
                                   const fcache_bytes_t *head, size_t count,
                                   const fcmc_put_t *put, fcache_bytes_t end)
{
    gather_t all;
    all.count = 0;
    fcache_status_t status = gather(conn, &all, head, count);
    if (status == FCACHE_OK) {
        status = gather(conn, &all, put->pieces, put->piece_count);
    }
    if (status == FCACHE_OK) {
        status = gather(conn, &all, &end, 1);
    }
    return status == FCACHE_OK ? fcmc_conn_send(conn, all.pieces, all.count)
                               : status;
}

static fcache_status_t receive(fcmc_conn_t *conn, char *out, size_t capacity,
                               size_t *out_len)
{
    fcn_deadline_t deadline =
        fcn_deadline_sooner(conn->deadline, fcn_deadline_in(conn->read_us));
    fcache_status_t status = fcn_stream_read(conn->stream, out, capacity,
                                             out_len, deadline, conn->error);
    conn->answered |= status == FCACHE_OK;
    return status;
}

static fcache_status_t fill(fcmc_conn_t *conn)
{
    size_t len = 0;
    if (conn->from > 0) {
        memmove(conn->buffer, conn->buffer + conn->from, conn->to - conn->from);
        conn->to -= conn->from;
        conn->from = 0;
    }
    fcache_status_t status = receive(conn, conn->buffer + conn->to,
                                     sizeof(conn->buffer) - conn->to, &len);
    conn->to += status == FCACHE_OK ? len : 0;
    return status;
}

fcache_status_t fcmc_conn_line(fcmc_conn_t *conn, fcache_bytes_t *out_line)
{
    for (;;) {
        const char *start = conn->buffer + conn->from;
        size_t len = conn->to - conn->from;
        const char *end = len ? memchr(start, '\n', len) : NULL;
        if (end) {
            size_t line = (size_t)(end - start);
            conn->from += line + 1;
            line -= line > 0 && start[line - 1] == '\r';
            *out_line = fcache_bytes(start, line);
            return FCACHE_OK;
        }
        if (len >= FCMC_LINE_MAX) {
            return fcmc_conn_nonsense(conn, fcache_bytes(start, len));
        }
        fcache_status_t status = fill(conn);
        if (status != FCACHE_OK) {
            return status;
        }
    }
}

fcache_status_t fcmc_conn_read(fcmc_conn_t *conn, void *out, size_t len)
{
    char *to = out;
    size_t kept = conn->to - conn->from;
    size_t got = kept < len ? kept : len;
    memcpy(to, conn->buffer + conn->from, got);
    conn->from += got;
    while (got < len) {
        size_t more = 0;
        fcache_status_t status = receive(conn, to + got, len - got, &more);
        if (status != FCACHE_OK) {
            return status;
        }
        got += more;
    }
    return FCACHE_OK;
}

fcache_status_t fcmc_conn_refused(fcmc_conn_t *conn, fcache_status_t status,
                                  fcache_bytes_t reply)
{
    char cited[CITED];
    size_t len = reply.len < CITED ? reply.len : CITED;
    for (size_t i = 0; i < len; i++) {
        cited[i] = reply.ptr[i];
        if (cited[i] < ' ' || cited[i] > '~') {
            cited[i] = '?';
        }
    }
    return fcache_error_set(conn->error, status, "%s answered: %.*s",
                            conn->server, (int)len, cited);
}

fcache_status_t fcmc_conn_nonsense(fcmc_conn_t *conn, fcache_bytes_t reply)
{
    return fcmc_conn_refused(conn, FCACHE_PROTOCOL, reply);
}

uint64_t fcmc_values_max(uint64_t max_value, size_t names)
{
    return max_value + names * FCMC_COUNTER_MAX;
}

fcache_bytes_t fcmc_decimal(uint64_t number, char text[FCMC_DECIMAL_MAX])
{
    size_t at = FCMC_DECIMAL_MAX;
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return fcache_bytes(text + at, FCMC_DECIMAL_MAX - at);
}

int fcmc_number(fcache_bytes_t text, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.len == 0 || text.len > FCMC_DECIMAL_MAX) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' ||
            __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text.ptr[i] - '0'),
                                   &number)) {
            return 0;
        }
    }
    *out_number = number;
    return 1;
}
