/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Walks may meet a name twice; beyond so many names nobody remembers. */
#define SEEN_MAX ((size_t)1 << 20)

typedef struct listing_t {
    fcr_t *store;
    int64_t now_us;
    fcache_listed_fn fn;
    void *baton;
    uint64_t *seen; /* a hash table that is at most half full, 0: empty */
    size_t seen_count, seen_size;
    apr_pool_t *pool; /* of one entry */
    fcache_status_t status;
    fcache_error_t *error;
} listing_t;

/* ---- names that were met ------------------------------------------------- */

/* 1 when it was there before. */
static int put_hash(uint64_t *table, size_t size, uint64_t hash)
{
    size_t at = (size_t)hash & (size - 1);
    while (table[at] && table[at] != hash) {
        at = (at + 1) & (size - 1);
    }
    int was_there = table[at] == hash;
    table[at] = hash;
    return was_there;
}

static int grow(listing_t *listing)
{
    size_t size = listing->seen_size ? 2 * listing->seen_size : 1024;
    uint64_t *table =
        size <= 2 * SEEN_MAX ? calloc(size, sizeof(*table)) : NULL;
    if (!table) {
        return 0;
    }
    for (size_t i = 0; i < listing->seen_size; i++) {
        if (listing->seen[i]) {
            put_hash(table, size, listing->seen[i]);
        }
    }
    free(listing->seen);
    listing->seen = table;
    listing->seen_size = size;
    return 1;
}

static int was_met(listing_t *listing, fcache_bytes_t name)
{
    uint64_t hash = XXH3_64bits(name.ptr, name.len) | 1;
    if (2 * listing->seen_count >= listing->seen_size && !grow(listing)) {
        return 0;
    }
    int met = put_hash(listing->seen, listing->seen_size, hash);
    listing->seen_count += !met;
    return met;
}

/* ---- entries ------------------------------------------------------------- */

/* prefix:namespace:digest; 0 for what is not ours. */
static int take_apart(fcache_bytes_t name, fcr_name_t *out)
{
    const char *end = name.ptr + name.len;
    const char *first = name.len ? memchr(name.ptr, ':', name.len) : NULL;
    const char *second =
        first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
    if (!second || name.len > FCR_NAME_MAX) {
        return 0;
    }
    out->name = name;
    out->prefix = fcache_bytes(name.ptr, (size_t)(first - name.ptr));
    out->ns = fcache_bytes(first + 1, (size_t)(second - first - 1));
    return fcache_label_is_valid(out->prefix) && fcache_label_is_valid(out->ns);
}

/* With the value of the walk only the clock is read. */
static fcache_status_t look_at(listing_t *listing, const fcr_name_t *name,
                               fcache_bytes_t value, fcr_look_t *look)
{
    fcr_t *store = listing->store;
    const fcache_bytes_t clock = fcr_clock_name();
    fcn_deadline_t deadline = fcn_deadline_in(store->limits.lookup_us);
    fcr_found_t found = {0};
    if (!value.len) {
        return fcr_look(store, name, listing->now_us, deadline, look,
                        listing->pool, listing->error);
    }
    *look = (fcr_look_t){.life = FCR_DEAD, .found = {1, value, 0}};
    fcr_moment_t moment = fcr_purge_moment(&store->purge, name->name);
    fcache_status_t status =
        store->client->fetch(store->client_self, name->name, &clock, 1, &found,
                             deadline, listing->pool, listing->error);
    if (status == FCACHE_OK) {
        status = fcr_purge_clock(&store->purge, name->name, moment, &found,
                                 deadline, &look->clock, listing->error);
    }
    if (status != FCACHE_OK) {
        return status == FCACHE_MISS ? FCACHE_OK : status;
    }
    return fcr_judge(store, name, moment, listing->now_us, deadline, look,
                     listing->pool, listing->error);
}

static uint64_t length(const fcr_record_t *record)
{
    return record->body_count ? record->body[0].len : 0;
}

static int list_one(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    listing_t *listing = baton;
    fcr_name_t parts;
    fcr_look_t look;
    int stop = 0;
    if (!take_apart(name, &parts) || was_met(listing, name)) {
        return 0;
    }
    listing->status = look_at(listing, &parts, value, &look);
    if (listing->status == FCACHE_OK && look.life == FCR_ALIVE) {
        const fcache_listed_t item = {
            .name = name,
            .head = look.record.head,
            .body_len = length(&look.record),
            .dead_us = look.record.dead_us,
            .soft_purged = look.soft,
        };
        stop = listing->fn(listing->baton, &item);
    }
    apr_pool_clear(listing->pool);
    return stop || listing->status != FCACHE_OK;
}

fcache_status_t fcr_list(void *self, int64_t now_us, fcache_listed_fn fn,
                         void *baton, fcache_error_t *error)
{
    fcr_t *store = self;
    listing_t listing = {.store = store,
                         .now_us = now_us,
                         .fn = fn,
                         .baton = baton,
                         .error = error};
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (apr_pool_create(&listing.pool, NULL) != APR_SUCCESS) {
        return fcr_ended(store, fcache_error_set(error, FCACHE_NO_MEMORY,
                                                 "no memory to list entries"));
    }
    status = store->client->walk(store->client_self, list_one, &listing, error);
    apr_pool_destroy(listing.pool);
    free(listing.seen);
    return fcr_ended(store,
                     listing.status != FCACHE_OK ? listing.status : status);
}
