/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_MEMO_H
#define FCR_MEMO_H

/*
 * Which records were found not to be purged at which clock, so that their
 * counters need not be read again. A fixed table in the process: a collision
 * forgets. Any thread; no lock is held but to look.
 */

#include <fcache/bytes.h>

#include <apr_pools.h>
#include <stdint.h>

typedef struct fcr_memo_t fcr_memo_t;

/* A record as the memo knows it. */
typedef struct fcr_memo_key_t {
    uint64_t low, high;
} fcr_memo_key_t;

/* NULL without random bytes or memory. */
fcr_memo_t *fcr_memo_create(apr_pool_t *pool);

/* Of the record with that stamp under that name, which goes by that clock. */
fcr_memo_key_t fcr_memo_key(const fcr_memo_t *memo, uint32_t clock_no,
                            fcache_bytes_t name, fcache_bytes_t stamp);

/* Was it found at this clock or a later one? Then also how. */
int fcr_memo_find(fcr_memo_t *memo, fcr_memo_key_t key, uint64_t clock,
                  int *out_soft);

void fcr_memo_keep(fcr_memo_t *memo, fcr_memo_key_t key, uint64_t clock,
                   int soft);

#endif
