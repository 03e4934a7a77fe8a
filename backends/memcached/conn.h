/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_CONN_H
#define FCMC_CONN_H

/*
 * A connection to one server, and what both protocols need of it. Whatever comes
 * is taken for hostile: a line, a number and a length have a ceiling each. After
 * a fault the connection is of no use. One thread at a time.
 */

#include "../net/stream.h"
#include "../remote/client.h"

/* Of a line: `VALUE name flags length cas`, or a line of a listing. */
#define FCMC_LINE_MAX 2048

typedef struct fcmc_conn_t fcmc_conn_t;
typedef struct fcmc_wire_t fcmc_wire_t;

struct fcmc_conn_t {
    fcn_stream_t *stream;
    const fcmc_wire_t *wire;
    const char *server; /* for sentences */
    int64_t read_us;    /* for a reply to go on */
    uint32_t opaque;    /* binary: of the last request */
    /* of the request that has it now */
    fcn_deadline_t deadline;
    fcache_error_t *error;
    int answered; /* a byte has come */
    /* read, but not yet looked at */
    size_t from, to;
    char buffer[16384];
};

/* One on the heap; owns the stream from then on, also when it answers NULL: no
 * memory. */
fcmc_conn_t *fcmc_conn_create(fcn_stream_t *stream, const fcmc_wire_t *wire,
                              const char *server, int64_t read_us);
void fcmc_conn_destroy(fcmc_conn_t *conn);

/* From here on for this request. */
void fcmc_conn_begin(fcmc_conn_t *conn, fcn_deadline_t deadline,
                     fcache_error_t *error);

/* Nothing has come that nobody asked for. Does not wait. */
int fcmc_conn_is_quiet(const fcmc_conn_t *conn);

fcache_status_t fcmc_conn_send(fcmc_conn_t *conn, const fcache_bytes_t *pieces,
                               size_t count);

/* A line without its end; valid until the next call. PROTOCOL: too long. */
fcache_status_t fcmc_conn_line(fcmc_conn_t *conn, fcache_bytes_t *out_line);

/* Exactly len bytes. */
fcache_status_t fcmc_conn_read(fcmc_conn_t *conn, void *out, size_t len);

/* PROTOCOL: a reply that makes no sense, cited without what is not printable. */
fcache_status_t fcmc_conn_nonsense(fcmc_conn_t *conn, fcache_bytes_t reply);

/* The same for an error that the server tells of. */
fcache_status_t fcmc_conn_refused(fcmc_conn_t *conn, fcache_status_t status,
                                  fcache_bytes_t reply);

#define FCMC_DECIMAL_MAX 20

/* The number in decimal, in `text`. */
fcache_bytes_t fcmc_decimal(uint64_t number, char text[FCMC_DECIMAL_MAX]);

/* Nothing but 1 to 20 digits, and no more than 2^64 - 1? */
int fcmc_number(fcache_bytes_t text, uint64_t *out_number);

/* Of all values of a reply: of the names one is an entry, and the others are
 * counters, which are short. */
#define FCMC_COUNTER_MAX 4096
uint64_t fcmc_values_max(uint64_t max_value, size_t names);

/* Lines of a listing; a server that never ends it never lets us wait. */
#define FCMC_STATS_MAX 4096

/* ---- protocols ----------------------------------------------------------- */

typedef struct fcmc_put_t {
    fcr_mode_t mode;
    fcache_bytes_t name;
    const fcache_bytes_t *pieces;
    size_t piece_count;
    size_t len;       /* of all pieces */
    uint64_t cas;     /* FCR_REPLACE */
    uint32_t exptime; /* as memcached counts */
} fcmc_put_t;

typedef void (*fcmc_stat_fn)(void *baton, fcache_bytes_t name,
                             fcache_bytes_t value);

/*
 * Each row is a request and its whole reply. Names are good ones (client.c
 * looks). Beside what is said, each answers faults: UNAVAILABLE, TIMEOUT,
 * PROTOCOL, NO_MEMORY.
 */
struct fcmc_wire_t {
    const char *name;
    /* User and password, "\0user\0password" (RFC 4616), or NULL: has none. */
    fcache_status_t (*login)(fcmc_conn_t *conn, fcache_bytes_t credentials);
    /* OK; PROTOCOL for a value over max_value, or all over fcmc_values_max. */
    fcache_status_t (*get)(fcmc_conn_t *conn, const fcache_bytes_t *names,
                           size_t count, uint64_t max_value,
                           fcr_found_t *out_found, apr_pool_t *pool);
    /* Each, in one round trip; several are small. OK, EXISTS of one of them,
     * TOO_LARGE of one (also: the server has no room left). */
    fcache_status_t (*put)(fcmc_conn_t *conn, const fcmc_put_t *puts,
                           size_t count);
    /* OK, MISS */
    fcache_status_t (*remove)(fcmc_conn_t *conn, fcache_bytes_t name);
    /* Of a group: "" or "settings". */
    fcache_status_t (*stats)(fcmc_conn_t *conn, const char *group,
                             fcmc_stat_fn fn, void *baton);
};

/* What a put answers, of what it did so far and one more: TOO_LARGE before EXISTS
 * before OK. */
static inline fcache_status_t fcmc_put_worse(fcache_status_t one,
                                             fcache_status_t other)
{
    return one == FCACHE_TOO_LARGE || other == FCACHE_OK ? one : other;
}

/* Head, value and end of a put, in as few writes as it takes. */
fcache_status_t fcmc_conn_send_put(fcmc_conn_t *conn,
                                   const fcache_bytes_t *head, size_t count,
                                   const fcmc_put_t *put, fcache_bytes_t end);

extern const fcmc_wire_t fcmc_text;
extern const fcmc_wire_t fcmc_binary;

#endif
