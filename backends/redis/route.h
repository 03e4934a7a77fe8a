/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_ROUTE_H
#define FCRD_ROUTE_H

/*
 * From a command to the server that answers it. Calls to several servers are
 * written to all before any is read from; what a server says of others (MOVED,
 * ASK) or of itself (READONLY) is followed within the same deadline, a few times.
 */

#include "map.h"

typedef struct fcrd_t {
    fcrd_conf_t conf;
    fcn_shared_t *shared;
    /* of a process */
    fcrd_map_t map;
    fcrd_server_t *sentinels; /* conf.seed_count of them, or NULL */
} fcrd_t;

typedef struct fcrd_call_t {
    fcrd_command_t command;
    unsigned slot;
    fcrd_limits_t limits; /* of the reply */
    /* then */
    const fcrd_reply_t *reply; /* no error when status is OK */
    fcache_status_t status;
    /* route.c's own */
    fcrd_server_t *server; /* held */
    int is_ask, is_bound;  /* to that server, whoever holds the slot */
    int wants_more;
} fcrd_call_t;

#define FCRD_CALLS_MAX 2 /* at a time */

/*
 * Makes the calls, which are of slots. OK when all have a reply; else what the
 * first that has none got. Replies are in the pool.
 */
fcache_status_t fcrd_run(fcrd_t *self, fcrd_call_t *calls, size_t count,
                         fcn_deadline_t deadline, apr_pool_t *pool,
                         fcache_error_t *error);

/* Makes one call to that server, and follows nothing. */
fcache_status_t fcrd_ask(fcrd_t *self, fcrd_server_t *server, fcrd_call_t *call,
                         fcn_deadline_t deadline, apr_pool_t *pool,
                         fcache_error_t *error);

#endif
