/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCT_TIER_H
#define FCT_TIER_H

/* What the files of the tiers share: life.c has options and the life of the
 * stores, epoch.c tells before from after, read.c gets, write.c puts and forgets,
 * near.c is L1's items. */

#include "tiered.h"

#include <stdatomic.h>

typedef struct fct_level_t {
    fcache_backend_t *backend;
    const fcache_backend_ops_t *ops;
    void *self;   /* the store's */
    int is_owned; /* opened and joined here */
} fct_level_t;

#define FCT_CHANGES 256

/* What the processes of a server share. */
typedef struct fct_page_t {
    _Atomic int64_t synced_us; /* 0: never */
    _Atomic int is_failing;    /* L2 did not answer when it was asked last */
    _Atomic int has_answered;  /* L2, ever: then its epoch is known here */
    _Atomic uint64_t hits, misses, stale;
    _Atomic uint64_t own_epoch; /* of the last clear that L2 missed; 0: none */
    _Atomic uint64_t heard_epoch;          /* L2's, at the first of them */
    _Atomic uint32_t changes[FCT_CHANGES]; /* of keys, by hash */
} fct_page_t;

typedef struct fct_t {
    const char *name;
    fct_level_t l1, l2;
    int64_t l1_ttl_us;
    int64_t sync_us;
    uint64_t id; /* of L2: what was near another one is none of ours */
    fct_page_t *page;
} fct_t;

static inline int fct_is_silence(fcache_status_t status)
{
    return status == FCACHE_TIMEOUT || status == FCACHE_UNAVAILABLE;
}

/* Keeps in mind whether L2 answers. */
static inline fcache_status_t fct_note(const fct_t *tier,
                                       fcache_status_t status)
{
    int fails = fct_is_silence(status);
    if (fails != atomic_load(&tier->page->is_failing)) {
        atomic_store(&tier->page->is_failing, fails);
    }
    if (!fails && !atomic_load(&tier->page->has_answered)) {
        atomic_store(&tier->page->has_answered, 1);
    }
    return status;
}

/* ---- epoch.c ------------------------------------------------------------- */

/*
 * The tier's epoch is L2's, until L2 misses a clear: what was begun before that
 * must not come near after it. So the tier goes on by itself then, until L2 has a
 * later one. What it makes up is none of L2's, who would take it for a clear that
 * it knows of, and that may be another's by then.
 */

/* The tier's; it may ask L2 for its first one. */
uint64_t fct_epoch(void *self);

/* L2's, as it is known here; never asks. */
uint64_t fct_known_epoch(const fct_t *tier);

/* The tier's when that is known of L2. */
uint64_t fct_epoch_at(const fct_t *tier, uint64_t known);

/* What L2 had told, at least, by that epoch of the tier. */
uint64_t fct_far_epoch(const fct_t *tier, uint64_t epoch);

/* Before L1 is cleared. */
void fct_clear_was_missed(fct_t *tier);

/* ---- near.c -------------------------------------------------------------- */

/*
 * What L2 said, or took, comes near if nobody here has changed the key meanwhile.
 * Who changes one does so in L2, then counts it, then changes L1; who fills L1
 * reads the count before he asks L2. Some keys share a count.
 */
uint32_t fct_changes(const fct_t *tier, const fcache_key_t *key);
void fct_count_change(const fct_t *tier, const fcache_key_t *key);

/* Puts into L1, good as of the value's epoch, unless a clear that L2 missed is
 * later. What cannot be put is not there afterwards, nor what was changed: then
 * `changes` is not the count. */
fcache_status_t fct_near_put(fct_t *tier, const fcache_key_t *key,
                             const fcache_value_t *value, int soft,
                             uint32_t changes, int64_t now_us);

/* L1's item as L2 would give it. MISS for one that is not ours. */
fcache_status_t fct_near_get(fct_t *tier, const fcache_key_t *key,
                             int64_t now_us, fcache_item_t *out_item,
                             uint64_t *out_asof, apr_pool_t *pool);

void fct_near_del(fct_t *tier, const fcache_key_t *key, int64_t now_us);

/* ---- read.c -------------------------------------------------------------- */

fcache_status_t fct_get(void *self, const fcache_key_t *key, int64_t now_us,
                        int64_t *until_us, fcache_item_t *out_item,
                        apr_pool_t *pool, fcache_error_t *error);
void fct_release(void *self, void *pin);
void fct_count(void *self, int answered);
fcache_status_t fct_list(void *self, int64_t now_us, fcache_listed_fn fn,
                         void *baton, fcache_error_t *error);
fcache_status_t fct_stats(void *self, fcache_stats_t *out_stats,
                          fcache_error_t *error);

/* ---- write.c ------------------------------------------------------------- */

fcache_status_t fct_put(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        fcache_error_t *error);
fcache_status_t fct_add(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        int64_t *until_us, fcache_error_t *error);
fcache_status_t fct_del(void *self, const fcache_key_t *key, int64_t now_us,
                        fcache_error_t *error);
fcache_status_t fct_touch(void *self, const fcache_key_t *key, int64_t dead_us,
                          int64_t now_us, fcache_error_t *error);
fcache_status_t fct_clear(void *self, const fcache_scope_t *scopes,
                          size_t count, fcache_error_t *error);

/* UNSUPPORTED: L2 has no such row. */
fcache_status_t fct_unsupported(const fct_t *tier, const char *what,
                                fcache_error_t *error);

#endif
