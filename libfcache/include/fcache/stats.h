/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_STATS_H
#define FCACHE_STATS_H

/*
 * A store's counters and gauges, one list. Counters only grow while the store
 * lives; gauges are of the moment and may be approximate.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* name, 'c' counter or 'g' gauge, what it means */
#define FCACHE_STATS_LIST(X)                                                   \
    X(hits, 'c', "lookups answered")                                           \
    X(misses, 'c', "lookups not answered")                                     \
    X(stale, 'c', "lookups answered with a softly purged entry")               \
    X(puts, 'c', "entries stored")                                             \
    X(deletes, 'c', "entries deleted by key")                                  \
    X(clears, 'c', "namespaces, tags, prefixes or all cleared")                \
    X(refused, 'c', "entries refused: too large or no room")                   \
    X(evicted, 'c', "live entries given up for room")                          \
    X(expired, 'c', "dead entries dropped")                                    \
    X(faults, 'c', "operations that failed")                                   \
    X(corrupt, 'c', "entries that were not what was stored")                   \
    X(skipped, 'c', "operations not tried, as the breaker was open")           \
    X(round_trips, 'c', "requests that went to the store's servers")           \
    X(breaker_opened, 'c', "times that a server was given up for a while")     \
    X(entries, 'g', "entries held")                                            \
    X(bytes_used, 'g', "bytes of live entries")                                \
    X(bytes_total, 'g', "bytes the store may use")                             \
    X(processes, 'g', "processes attached")                                    \
    X(pins, 'g', "entries being sent from the store")                          \
    X(breaker, 'g', "0 closed, 1 half open, 2 open; the worst server's")       \
    X(latency_p50_us, 'g', "half of the round trips were shorter")             \
    X(latency_p90_us, 'g', "90 % of the round trips were shorter")             \
    X(latency_p99_us, 'g', "99 % of the round trips were shorter")             \
    X(latency_max_us, 'g', "the longest round trip")

typedef struct fcache_stats_t {
#define X(name, kind, text) uint64_t name;
    FCACHE_STATS_LIST(X)
#undef X
} fcache_stats_t;

#ifdef __cplusplus
}
#endif
#endif
