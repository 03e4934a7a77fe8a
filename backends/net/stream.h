/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_STREAM_H
#define FCN_STREAM_H

/*
 * A connection with deadlines: TCP or unix socket, with or without TLS. Sockets
 * are non-blocking, close-on-exec and without delay; every wait is a poll with
 * the time that is left. After any answer but OK the stream is of no use: close
 * it. One thread at a time.
 */

#include "address.h"
#include "deadline.h"

typedef struct fcn_stream_t fcn_stream_t;

/* ---- TLS ----------------------------------------------------------------- */

typedef struct fcn_tls_t fcn_tls_t;

/*
 * TLS for a store, from its options `tls-ca` (file or directory; default: the
 * system's), `tls-cert` and `tls-key` (PEM, client certificate), `tls-name` (name
 * in place of the host's, for SNI and verification) and `tls-verify` (on, off).
 * At least TLS 1.2; sessions are resumed. Reads the files: BAD_CONFIG names the
 * one that is no good. Lives as long as the pool.
 */
fcache_status_t fcn_tls_create(const apr_table_t *options, fcn_tls_t **out_tls,
                               apr_pool_t *pool, fcache_error_t *error);

/* Is it an option of the above? */
int fcn_tls_has(const char *option);

/* ---- streams ------------------------------------------------------------- */

/* Connects, and with `tls` (may be NULL) shakes hands as with `host`. On the
 * heap. UNAVAILABLE refused, TIMEOUT, PROTOCOL for what TLS refuses, NO_MEMORY also
 * when there are no more files or buffers for sockets. */
fcache_status_t fcn_stream_open(const fcn_address_t *address, fcn_tls_t *tls,
                                const char *host, fcn_deadline_t deadline,
                                fcn_stream_t **out_stream,
                                fcache_error_t *error);

/* Writes all pieces. TIMEOUT, or UNAVAILABLE when the peer has gone. */
fcache_status_t fcn_stream_write(fcn_stream_t *stream,
                                 const fcache_bytes_t *pieces, size_t count,
                                 fcn_deadline_t deadline,
                                 fcache_error_t *error);

/* Reads at least one byte. TIMEOUT, or UNAVAILABLE at the end of the stream. */
fcache_status_t fcn_stream_read(fcn_stream_t *stream, char *buffer,
                                size_t capacity, size_t *out_len,
                                fcn_deadline_t deadline, fcache_error_t *error);

/* Nothing has come unasked and the peer has not closed. Does not wait. */
int fcn_stream_is_quiet(fcn_stream_t *stream);

/* NULL is fine. */
void fcn_stream_close(fcn_stream_t *stream);

#endif
