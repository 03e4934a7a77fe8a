/* SPDX-License-Identifier: Apache-2.0 */
#include "shared.h"
#include "deadline.h"

#include <apr_strings.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What outlives a restart: data only, since the code may be unloaded. */
typedef struct retained_t {
    fcn_shared_t *page;
    uint64_t layout;
} retained_t;

static uint64_t layout(void)
{
    const uint64_t parts[] = {
        2, /* raised when a field means something else */
        sizeof(fcn_shared_t),
        offsetof(fcn_shared_t, latency),
        offsetof(fcn_shared_t, cells),
        sizeof(fcn_cell_t),
        offsetof(fcn_cell_t, probe_until_us),
        FCN_BUCKETS,
    };
    return XXH3_64bits(parts, sizeof(parts));
}

/* One of another version stays mapped: the last children of before use it. */
fcache_status_t fcn_shared_open(const char *name, apr_pool_t *retain_pool,
                                fcn_shared_t **out_shared,
                                fcache_error_t *error)
{
    const char *key = apr_pstrcat(retain_pool, "fcache-net:", name, NULL);
    void *data = NULL;
    apr_pool_userdata_get(&data, key, retain_pool);
    retained_t *kept = data;
    if (kept && kept->layout == layout()) {
        *out_shared = kept->page;
        return FCACHE_OK;
    }
    void *page = mmap(NULL, sizeof(fcn_shared_t), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "no shared memory: %s", strerror(errno));
    }
    kept = apr_palloc(retain_pool, sizeof(*kept));
    kept->page = page;
    kept->layout = layout();
    apr_pool_userdata_set(kept, key, NULL, retain_pool);
    *out_shared = page;
    return FCACHE_OK;
}

fcn_cell_t *fcn_shared_cell(fcn_shared_t *shared, const char *server)
{
    uint64_t hash = XXH3_64bits(server, strlen(server)) | 1; /* 0: free */
    for (size_t i = 0; i < FCN_CELLS - 1; i++) {
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&shared->cells[i].name_hash, &found,
                                           hash) ||
            found == hash) {
            return &shared->cells[i];
        }
    }
    return &shared->cells[FCN_CELLS - 1];
}

/* ---- latency ---- */

/* Four buckets for each power of two: the highest bit and the two below. */
static size_t bucket_of(uint64_t us)
{
    const uint64_t most = (UINT64_C(1) << (FCN_BUCKETS / 4 + 2)) - 1;
    us = us < 4 ? 4 : us > most ? most : us;
    unsigned power = 63u - (unsigned)__builtin_clzll(us);
    return (power - 2) * 4u + (us >> (power - 2)) - 4;
}

/* The least time that is above all of the bucket's. */
static uint64_t bucket_end(size_t bucket)
{
    return (bucket % 4 + 5) << (bucket / 4);
}

void fcn_shared_latency(fcn_shared_t *shared, int64_t us)
{
    uint64_t time_us = us > 0 ? (uint64_t)us : 0;
    uint64_t most = atomic_load(&shared->latency_max_us);
    atomic_fetch_add(&shared->latency[bucket_of(time_us)], 1);
    while (time_us > most && !atomic_compare_exchange_weak(
                                 &shared->latency_max_us, &most, time_us)) {
    }
}

/* A time that so many of a hundred stayed below. */
static uint64_t percentile(const uint64_t counts[FCN_BUCKETS], uint64_t total,
                           uint64_t percent)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < FCN_BUCKETS; i++) {
        sum += counts[i];
        if (sum && sum * 100 >= total * percent) {
            return bucket_end(i);
        }
    }
    return 0;
}

static void add_latency(const fcn_shared_t *shared, fcache_stats_t *stats)
{
    uint64_t counts[FCN_BUCKETS], total = 0;
    for (size_t i = 0; i < FCN_BUCKETS; i++) {
        counts[i] = atomic_load(&shared->latency[i]);
        total += counts[i];
    }
    stats->round_trips += total;
    stats->latency_p50_us = percentile(counts, total, 50);
    stats->latency_p90_us = percentile(counts, total, 90);
    stats->latency_p99_us = percentile(counts, total, 99);
    stats->latency_max_us = atomic_load(&shared->latency_max_us);
}

/* ---- stats ---- */

void fcn_shared_stats(const fcn_shared_t *shared, fcache_stats_t *stats)
{
    int64_t now_us = fcn_clock_us();
    stats->hits += atomic_load(&shared->hits);
    stats->misses += atomic_load(&shared->misses);
    stats->stale += atomic_load(&shared->stale);
    stats->puts += atomic_load(&shared->puts);
    stats->deletes += atomic_load(&shared->deletes);
    stats->clears += atomic_load(&shared->clears);
    stats->refused += atomic_load(&shared->refused);
    stats->faults += atomic_load(&shared->faults);
    stats->corrupt += atomic_load(&shared->corrupt);
    stats->skipped += atomic_load(&shared->skipped);
    stats->breaker_opened += atomic_load(&shared->opened);
    for (size_t i = 0; i < FCN_CELLS; i++) {
        uint64_t is = (uint64_t)fcn_breaker_state(&shared->cells[i], now_us);
        stats->breaker = stats->breaker > is ? stats->breaker : is;
    }
    add_latency(shared, stats);
}
