/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

fcache_status_t fcr_begin(const fcr_t *store, int64_t *until_us,
                          fcn_deadline_t *out_deadline, fcache_error_t *error)
{
    *out_deadline = fcn_deadline_in(store->limits.lookup_us);
    if (until_us && *until_us) {
        out_deadline->at_us = *until_us;
    } else if (until_us) {
        *until_us = out_deadline->at_us;
    }
    return fcn_deadline_left_ms(*out_deadline) > 0
               ? FCACHE_OK
               : fcache_error_set(error, FCACHE_UNAVAILABLE,
                                  "store %s: the look-up takes longer than "
                                  "its option lookup",
                                  store->name);
}

fcache_status_t fcr_get(void *self, const fcache_key_t *key, int64_t now_us,
                        int64_t *until_us, fcache_item_t *out_item,
                        apr_pool_t *pool, fcache_error_t *error)
{
    fcr_t *store = self;
    fcr_name_t name = fcr_name_of(key);
    fcr_look_t look = {.life = FCR_ABSENT};
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    fcn_deadline_t deadline;
    status = fcr_begin(store, until_us, &deadline, error);
    if (status == FCACHE_OK) {
        status = fcr_look(store, &name, now_us, deadline, &look, pool, error);
    }
    if (status == FCACHE_OK && look.life != FCR_ALIVE) {
        status = look.life == FCR_BROKEN ? FCACHE_CORRUPT : FCACHE_MISS;
    }
    if (status != FCACHE_OK) {
        return fcr_ended(store, status);
    }
    if (look.soft) {
        atomic_fetch_add(&store->shared->stale, 1);
    }
    *out_item = (fcache_item_t){
        .head = look.record.head,
        .body = look.record.body,
        .body_count = look.record.body_count,
        .dead_us = look.record.dead_us,
        .fresh_until_us = look.record.fresh_until_us,
        .soft_purged = look.soft,
    };
    return FCACHE_OK;
}

void fcr_count(void *self, int answered)
{
    fcr_t *store = self;
    if (store->shared) {
        atomic_fetch_add(
            answered ? &store->shared->hits : &store->shared->misses, 1);
    }
}

/* ---- the clock ----------------------------------------------------------- */

fcache_status_t fcr_sync(void *self, int64_t *until_us, uint64_t *out_clock,
                         fcache_error_t *error)
{
    fcr_t *store = self;
    const fcache_bytes_t clock = fcr_clock_name();
    fcr_found_t found = {0};
    apr_pool_t *pool = NULL;
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcr_ended(store, fcache_error_set(error, FCACHE_NO_MEMORY,
                                                 "no memory for a look at the "
                                                 "clock"));
    }
    fcn_deadline_t deadline;
    fcr_moment_t moment = fcr_purge_moment(&store->purge, clock);
    status = fcr_begin(store, until_us, &deadline, error);
    if (status == FCACHE_OK) {
        status = store->client->fetch(store->client_self, clock, &clock, 1,
                                      &found, deadline, pool, error);
    }
    if (status == FCACHE_OK) {
        status = fcr_purge_clock(&store->purge, clock, moment, &found, deadline,
                                 out_clock, error);
    }
    apr_pool_destroy(pool);
    if (status == FCACHE_MISS) {
        status = FCACHE_OK; /* it has moved, so that all that was is gone */
    }
    if (status == FCACHE_OK) {
        *out_clock = fcr_purge_epoch(&store->purge);
    }
    return fcr_ended(store, status);
}

/* A look-up that has just failed is not followed by another wait. */
static int has_just_failed(const fcr_t *store)
{
    int64_t failed_us = atomic_load(&store->failed_us);
    return failed_us && fcn_clock_us() - failed_us < store->limits.open_us;
}

/* What is computed before any look-up would be taken for older than every clear,
 * so the clock is asked for once. */
uint64_t fcr_epoch(void *self)
{
    fcr_t *store = self;
    uint64_t clock = store->shared ? fcr_purge_epoch(&store->purge) : 0;
    if (clock == 0 && store->joined && !has_just_failed(store)) {
        fcr_sync(store, NULL, &clock, NULL);
    }
    return clock;
}
