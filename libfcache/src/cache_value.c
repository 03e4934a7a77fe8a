/* SPDX-License-Identifier: Apache-2.0 */
#include "cache_parts.h"

#include <fcache/http.h>

fcache_status_t fci_store_add(void *baton, const fcache_key_t *key,
                              const fcache_value_t *value, int64_t now_us,
                              fcache_error_t *error)
{
    const fci_adding_t *adding = baton;
    const fcache_t *cache = adding->cache;
    return cache->ops->add
               ? cache->ops->add(cache->self, key, value, now_us,
                                 adding->until_us, error)
               : fcache_error_set(error, FCACHE_UNSUPPORTED,
                                  "store '%s:' cannot add", cache->ops->scheme);
}

static fcache_status_t store_value(const fcache_t *cache, fci_store_fn store,
                                   void *baton, const fcache_key_t *key,
                                   fcache_bytes_t value, int64_t ttl_s,
                                   fcache_bytes_t tags, uint64_t epoch,
                                   int64_t now_us, fcache_error_t *error)
{
    if (ttl_s <= 0 || ttl_s > FCACHE_DELTA_MAX) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a lifetime is 1 to %lld seconds",
                                (long long)FCACHE_DELTA_MAX);
    }
    if (value.len > cache->max_object_bytes) {
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "value above %llu bytes",
                                (unsigned long long)cache->max_object_bytes);
    }
    int64_t dead_us = now_us + ttl_s * FCACHE_US_PER_S;
    fcache_entry_t entry = {
        .kind = FCACHE_ENTRY_VALUE,
        .generation = epoch,
        .created_us = now_us,
        .fresh_until_us = dead_us,
        .stale_until_us = dead_us,
        .date_s = now_us / FCACHE_US_PER_S,
        .coder = fcache_str("raw"),
        .tags = tags,
        .body_len = value.len,
    };
    return fci_store(store, baton, key, &entry, &value, 1, now_us, error);
}

fcache_status_t fcache_put(fcache_t *cache, const fcache_key_t *key,
                           fcache_bytes_t value, int64_t ttl_s,
                           fcache_bytes_t tags, uint64_t epoch, int64_t now_us,
                           fcache_error_t *error)
{
    return store_value(cache, fci_store_put, cache, key, value, ttl_s, tags,
                       epoch, now_us, error);
}

fcache_status_t fcache_add(fcache_t *cache, const fcache_key_t *key,
                           fcache_bytes_t value, int64_t ttl_s,
                           fcache_bytes_t tags, uint64_t epoch, int64_t now_us,
                           fcache_error_t *error)
{
    fci_adding_t adding = {cache, NULL};
    return store_value(cache, fci_store_add, &adding, key, value, ttl_s, tags,
                       epoch, now_us, error);
}

/* Kept longer than it is fresh, as results of calls may be. */
static int is_past(const fcache_entry_t *entry, int64_t now_us)
{
    return now_us >= entry->fresh_until_us &&
           entry->stale_until_us > entry->fresh_until_us;
}

fcache_status_t fcache_get(fcache_t *cache, const fcache_key_t *key,
                           int64_t now_us, fcache_bytes_t *out_value,
                           int64_t *out_ttl_us, apr_pool_t *pool,
                           fcache_error_t *error)
{
    fcache_hit_t hit;
    int64_t dead_us = 0;
    fcache_status_t status =
        fci_fetch(cache, key, now_us, NULL, &hit, &dead_us, pool, error);
    if (status != FCACHE_OK) {
        fci_count(cache, status);
        return status;
    }
    if (hit.entry.kind != FCACHE_ENTRY_VALUE || hit.soft_purged ||
        is_past(&hit.entry, now_us)) {
        status = FCACHE_MISS;
    } else {
        *out_value = fci_pieces_copy(hit.body, hit.body_count, pool);
        status = out_value->ptr ? FCACHE_OK
                                : fcache_error_set(error, FCACHE_NO_MEMORY,
                                                   "no memory for a value");
    }
    fcache_pin_release(cache, hit.pin);
    fci_count(cache, status);
    if (status == FCACHE_OK && out_ttl_us) {
        *out_ttl_us = dead_us - now_us;
    }
    return status;
}
