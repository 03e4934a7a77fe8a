/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_REPLY_H
#define FCD_REPLY_H

/*
 * What the service answers, which is not believed: JSON of bounded depth, only
 * items that were asked for, base64 that is base64. Pure; any thread. PROTOCOL
 * for all that is not as it must be.
 */

#include "../remote/client.h"

#include <apr_pools.h>

/* Of the names asked for: `pending` is set for those that the service did not
 * get to; found those that are there, values in the pool. */
fcache_status_t fcd_reply_fetch(fcache_bytes_t body, fcache_bytes_t table,
                                const fcache_bytes_t *names, size_t count,
                                unsigned char *pending, fcr_found_t *out_found,
                                apr_pool_t *pool, fcache_error_t *error);

/* The answer of TransactGetItems for those names, which are all different. */
fcache_status_t fcd_reply_counters(fcache_bytes_t body,
                                   const fcache_bytes_t *names, size_t count,
                                   fcr_found_t *out_found, apr_pool_t *pool,
                                   fcache_error_t *error);

/* The counter of an UpdateItem. */
fcache_status_t fcd_reply_clock(fcache_bytes_t body, uint64_t *out_clock,
                                fcache_error_t *error);

/* A page of a Scan; *out_next is in the pool, len 0 at the end of the table or
 * when fn said to stop. */
fcache_status_t fcd_reply_scan(fcache_bytes_t body, fcr_walk_fn fn, void *baton,
                               fcache_bytes_t *out_next, apr_pool_t *pool,
                               fcache_error_t *error);

typedef struct fcd_table_t {
    int is_active;
    int has_our_key; /* n, a string, and nothing else */
    uint64_t items, bytes;
} fcd_table_t;

fcache_status_t fcd_reply_table(fcache_bytes_t body, fcd_table_t *out_table,
                                fcache_error_t *error);

/* ---- errors -------------------------------------------------------------- */

/* What an error asks for. */
typedef enum fcd_remedy_t {
    FCD_REMEDY_NONE,
    FCD_REMEDY_CREDENTIALS, /* others are needed */
    FCD_REMEDY_CLOCK,       /* ours and theirs differ */
    FCD_REMEDY_TABLE,       /* there is none */
    FCD_REMEDY_AGAIN        /* somebody else is at it */
} fcd_remedy_t;

#define FCD_TYPE_MAX 64

typedef struct fcd_failure_t {
    fcache_status_t status; /* EXISTS for a condition that does not hold */
    fcd_remedy_t remedy;
    char type[FCD_TYPE_MAX]; /* "ThrottlingException"; letters and digits */
    uint64_t highest; /* counter that a transaction's conditions met; 0: none */
} fcd_failure_t;

/* The answer with that HTTP status, which is not 200. The sentence holds no text
 * of the answer but its type: messages about signatures quote session tokens. */
fcd_failure_t fcd_reply_failure(long http_status, fcache_bytes_t body,
                                fcache_error_t *error);

#endif
