/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <apr_strings.h>

const mfc_number_t mfc_numbers[] = {
#define X(name, kind, text) {#name, kind, text, offsetof(fcache_stats_t, name)},
    FCACHE_STATS_LIST(X)
#undef X
};

const size_t mfc_number_count = sizeof(mfc_numbers) / sizeof(mfc_numbers[0]);

uint64_t mfc_number_of(const mfc_seen_t *seen, const mfc_number_t *number)
{
    const char *stats = (const char *)&seen->stats;
    uint64_t value;

    memcpy(&value, stats + number->offset, sizeof(value));
    return value;
}

mfc_seen_t *mfc_stores_look(request_rec *r, int *out_count)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    mfc_seen_t *all =
        apr_pcalloc(r->pool, sizeof(*all) * (size_t)stores->nelts);
    int i;

    for (i = 0; i < stores->nelts; i++) {
        mfc_seen_t *seen = &all[i];
        seen->store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (seen->store->cache == NULL) {
            apr_cpystrn(seen->error.text, "not used by this process",
                        sizeof(seen->error.text));
        } else if (fcache_stats(seen->store->cache, &seen->stats,
                                &seen->error) == FCACHE_OK) {
            seen->error.text[0] = '\0';
        }
    }
    *out_count = stores->nelts;
    return all;
}
