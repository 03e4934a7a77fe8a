/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

fcache_status_t fcr_clear(void *self, const fcache_scope_t *scopes,
                          size_t count, fcache_error_t *error)
{
    fcr_t *store = self;
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    status = fcr_purge_clear(&store->purge, scopes, count,
                             fcn_deadline_in(store->limits.store_us), error);
    if (status == FCACHE_OK) {
        atomic_fetch_add(&store->shared->clears, count);
    }
    return fcr_ended(store, status);
}

/* What this server counted is told even when the store itself cannot be asked. */
fcache_status_t fcr_stats(void *self, fcache_stats_t *out_stats,
                          fcache_error_t *error)
{
    fcr_t *store = self;
    fcr_census_t census = {0};
    *out_stats = (fcache_stats_t){0};
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    status = store->client->census(store->client_self, &census, error);
    fcr_ended(store, status);
    fcn_shared_stats(store->shared, out_stats);
    out_stats->entries = census.entries;
    out_stats->bytes_used = census.bytes_used;
    out_stats->bytes_total = census.bytes_total;
    out_stats->evicted = census.evicted;
    out_stats->expired = census.expired;
    return status;
}

fcache_status_t fcr_setup(void *self, fcache_error_t *error)
{
    fcr_t *store = self;
    fcache_status_t status = fcr_joined(store, error);
    return status == FCACHE_OK && store->client->setup
               ? store->client->setup(store->client_self, error)
               : status;
}
