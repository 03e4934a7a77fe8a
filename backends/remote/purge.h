/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_PURGE_H
#define FCR_PURGE_H

/*
 * The invalidation clock and its counters, see remote.h. Any thread, after memo
 * is set.
 */

#include "client.h"
#include "memo.h"

/* No record lives longer. What memcached takes for a time from now, and not for a
 * date, ends there too. */
#define FCR_LIFE_US (INT64_C(30) * 24 * 3600 * 1000000)

typedef struct fcr_purge_t {
    const fcr_client_ops_t *client;
    void *client_self;
    fcn_shared_t *shared;
    fcr_memo_t *memo; /* of this process */
} fcr_purge_t;

/* "{fcache}clock" */
fcache_bytes_t fcr_clock_name(void);

/* ---- the clock ----------------------------------------------------------- */

/* Further ahead of the time no clear sets a clock, nor on a server that has it
 * wrong. */
#define FCR_AHEAD_US (UINT64_C(10) * 365 * 24 * 3600 * 1000000)

/* May it be a clock, counter or epoch? What is not somebody wrote there. It is not
 * to be noted: clocks never fall, so that there would be no room for the next. */
int fcr_clock_is_credible(uint64_t clock);

/* What was known before something was asked. */
typedef struct fcr_moment_t {
    uint32_t clock_no; /* which of the store's clocks */
    uint64_t seen;     /* the highest until then */
} fcr_moment_t;

fcr_moment_t fcr_purge_moment(const fcr_purge_t *purge, fcache_bytes_t home);

/*
 * What the clock read with `home` says. OK with the clock; MISS when purges may
 * have been lost, so that nothing stored there counts, which has been written
 * down there by then; or a fault. `moment` is from before it was read.
 */
fcache_status_t fcr_purge_clock(fcr_purge_t *purge, fcache_bytes_t home,
                                fcr_moment_t moment, const fcr_found_t *clock,
                                fcn_deadline_t deadline, uint64_t *out_clock,
                                fcache_error_t *error);

/* The highest clock seen, 0 for none. */
uint64_t fcr_purge_epoch(const fcr_purge_t *purge);

/* ---- records ------------------------------------------------------------- */

/* A record, and what it belongs to. */
typedef struct fcr_subject_t {
    fcache_bytes_t name, prefix, ns;
    fcache_bytes_t tags;  /* length-prefixed list */
    fcache_bytes_t stamp; /* its first FCR_STAMP_BYTES */
    uint64_t epoch;
} fcr_subject_t;

/* Is it still good at that clock? OK and whether softly purged, MISS, CORRUPT for
 * tags that are no list of FCR_TAGS_MAX, or a fault of a round trip. Where a
 * counter was lost it is gone, or stale if that was a soft one. */
fcache_status_t fcr_purge_holds(fcr_purge_t *purge,
                                const fcr_subject_t *subject,
                                fcr_moment_t moment, uint64_t clock,
                                fcn_deadline_t deadline, int *out_soft,
                                apr_pool_t *pool, fcache_error_t *error);

/* After the record was stored: makes its counters, of those that are not known to
 * exist, so that no clear finds them missing. OK also where that cannot be; a
 * fault of a round trip; CORRUPT, NO_MEMORY. */
fcache_status_t fcr_purge_seed(fcr_purge_t *purge, const fcr_subject_t *subject,
                               int64_t now_us, fcn_deadline_t deadline,
                               fcache_error_t *error);

/* Everything in the scopes is gone, or stale. After a fault, if one of them is
 * hard, the store is taken to have lost purges if it has not heard of it. */
fcache_status_t fcr_purge_clear(fcr_purge_t *purge,
                                const fcache_scope_t *scopes, size_t count,
                                fcn_deadline_t deadline, fcache_error_t *error);

#endif
