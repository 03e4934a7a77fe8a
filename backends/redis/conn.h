/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_CONN_H
#define FCRD_CONN_H

/*
 * Connections to Redis servers: a stream on which somebody has logged in. Each
 * carries one exchange at a time, commands and as many replies.
 */

#include "command.h"
#include "reply.h"

#include "../net/node.h"
#include "../net/stream.h"

/* How to log in on a kind of server. */
typedef struct fcrd_access_t {
    const char *user;     /* NULL: the default one */
    const char *password; /* NULL: none is asked for */
    unsigned db;
    int wants_master; /* refuse a server that is none (ROLE) */
    fcn_tls_t *tls;   /* or NULL */
    const fcn_limits_t *limits;
} fcrd_access_t;

/* For nodes; the baton is a fcrd_access_t. Connections are fcn_stream_t. */
extern const fcn_conn_ops_t fcrd_conn_ops;

#define FCRD_COMMANDS_MAX 4 /* of an exchange */

/* Writes commands, all at once. */
fcache_status_t fcrd_send(fcn_stream_t *stream,
                          const fcrd_command_t *const *commands, size_t count,
                          fcn_deadline_t deadline, fcache_error_t *error);

/*
 * Reads exactly `count` replies into the pool, error replies among them. PROTOCOL
 * also when more comes than that. `*out_any`: some byte has come.
 */
fcache_status_t fcrd_receive(fcn_stream_t *stream, const fcrd_limits_t *limits,
                             int64_t read_us, size_t count,
                             const fcrd_reply_t **out_replies, int *out_any,
                             fcn_deadline_t deadline, apr_pool_t *pool,
                             fcache_error_t *error);

#endif
