/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_STORE_H
#define FCM_STORE_H

/* The store as one process sees it, and one call into it. */

#include "lock.h"
#include "region.h"

#include <fcache/backend.h>

/* On a page that the kernel wipes in a forked child, which thereby knows that
 * it has not joined. */
typedef struct fcm_private_t {
    _Atomic uint32_t slot;   /* one more than its number; 0: not joined */
    _Atomic uint32_t cell;   /* where to look for a free one */
    _Atomic uint32_t pinned; /* segments that its cells hold */
} fcm_private_t;

typedef struct fcm_t {
    apr_pool_t *pool; /* of the configuration */
    const char *name;
    const char *attach; /* of the region of another process, or "" */
    long attach_pid;
    uint64_t size;
    uint64_t max_object;
    fcm_region_t region;
    fcm_private_t *mine;
    int joined; /* once, by this process */
} fcm_t;

/* One call by one thread. */
typedef struct fcm_op_t {
    fcm_t *store;
    const fcm_region_t *region;
    fcm_slot_t *slot;
    fcm_ledger_t *ledger;
    fcm_shard_t *shard;
    uint32_t me;     /* number of the slot */
    uint32_t thread; /* spreads threads over lines and shards */
    int64_t now_us;
} fcm_op_t;

/* 1, or 0 when this process has not joined. */
int fcm_enter(fcm_t *store, int64_t now_us, fcm_op_t *out_op);

static inline void fcm_count(const fcm_op_t *op, fcm_counter_t counter)
{
    atomic_fetch_add_explicit(&op->shard->count[counter], 1,
                              memory_order_relaxed);
}

/* Raises a word to at least `value`. */
void fcm_raise(fcm_word_t *word, uint64_t value);
void fcm_raise_time(_Atomic int64_t *word, int64_t value);

/* ---- slots.c ---- */

/* Takes a slot for this process: the calling thread must live as long. */
fcache_status_t fcm_join(fcm_t *store, fcache_error_t *error);

/* Gives it back; keeps it until death while anything is pinned. */
void fcm_leave(fcm_t *store);

/* Cleans up after dead processes. */
void fcm_reap(const fcm_region_t *region);

/* ---- fsck.c ---- */

/* OK, or CORRUPT and the first finding. Others may use the store meanwhile. */
fcache_status_t fcm_fsck(fcm_t *store, fcache_error_t *error);

#endif
