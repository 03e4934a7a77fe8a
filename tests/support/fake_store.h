/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAKE_STORE_H
#define TESTS_FAKE_STORE_H

/*
 * The scheme "fake": a store in one process that keeps items in a list, counts
 * what is asked of it and fails on demand. It has no begin, so that the cache
 * gathers bodies itself, and takes no tags.
 */

#include <fcache/backend.h>
#include <fcache/cache.h>

#define FAKE_MAX_ITEMS 256

typedef struct fake_item_t {
    int used;
    char name[256];
    char *head;
    size_t head_len;
    fcache_bytes_t body; /* owned */
    int64_t dead_us;
} fake_item_t;

typedef struct fake_store_t {
    fake_item_t items[FAKE_MAX_ITEMS];
    fcache_status_t fail_get; /* OK: does not fail */
    fcache_status_t fail_put;
    int soft_purged; /* what every get says */
    uint64_t epoch;
    unsigned gets, puts, deletes, touches;
    unsigned look_ups; /* several gets may be one, see get */
    int pins;          /* out at the moment */
} fake_store_t;

extern const fcache_backend_ops_t fake_store_ops;

/* The item under that name, or NULL. */
fake_item_t *fake_store_find(fake_store_t *store, fcache_bytes_t name);

/* A cache on a new fake store, both in the pool. */
fcache_t *fake_cache(apr_pool_t *pool, fake_store_t **out_store);

#endif
