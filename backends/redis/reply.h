/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_REPLY_H
#define FCRD_REPLY_H

/*
 * Replies of a Redis server, from bytes; no socket. hiredis' reader takes them
 * apart (0.14.1 as well as 1.x), after scan.h has held them against limits, and
 * they are built in a pool. What cannot be trusted is the peer: nothing here
 * recurses or allocates past the limits.
 */

#include "scan.h"

#include <fcache/backend.h>

#define FCRD_DEPTH_MAX 6 /* of arrays in arrays */

typedef enum fcrd_type_t {
    FCRD_NIL,
    FCRD_STRING,
    FCRD_STATUS,
    FCRD_ERROR,
    FCRD_INTEGER,
    FCRD_ARRAY
} fcrd_type_t;

typedef struct fcrd_reply_t {
    fcrd_type_t type;
    int64_t integer;
    fcache_bytes_t text; /* of strings, statuses and errors; in the pool */
    struct fcrd_reply_t *items;
    size_t count;
} fcrd_reply_t;

/* Reads the replies of one exchange. One thread. */
typedef struct fcrd_reader_t {
    struct redisReader *reader;
    fcrd_scan_t scan;
    apr_pool_t *pool;
} fcrd_reader_t;

/* NO_MEMORY. Replies are built in the pool. */
fcache_status_t fcrd_reader_init(fcrd_reader_t *reader,
                                 const fcrd_limits_t *limits, apr_pool_t *pool);
void fcrd_reader_fini(fcrd_reader_t *reader);

/* Takes bytes as they come. PROTOCOL, NO_MEMORY. */
fcache_status_t fcrd_reader_feed(fcrd_reader_t *reader, fcache_bytes_t bytes,
                                 fcache_error_t *error);

/* The next whole reply, or NULL when there is none yet. PROTOCOL. */
fcache_status_t fcrd_reader_next(fcrd_reader_t *reader,
                                 const fcrd_reply_t **out_reply,
                                 fcache_error_t *error);

/* Nothing is left behind the replies that were taken. */
int fcrd_reader_is_drained(const fcrd_reader_t *reader);

/* Is it a status of that text? */
int fcrd_reply_is(const fcrd_reply_t *reply, const char *status);

#endif
