/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_SHARED_H
#define FCN_SHARED_H

/*
 * What the processes of a server share about one remote store: a page of atomic
 * numbers, made before fork. No locks, so no process can die holding one. It is
 * kept over graceful restarts, by the store's name.
 */

#include "limits.h"

#include <fcache/backend.h>
#include <fcache/stats.h>

#include <stdatomic.h>

#define FCN_CELLS  64 /* breakers: servers beyond share the last */
#define FCN_CLOCKS 64 /* invalidation clocks of a store, see remote.h */
/* Counters of such a clock that are known to exist; the kernel gives memory for
 * those of clocks that are used. */
#define FCN_MARKS   1114112 /* 2^16 + 2^20 */
#define FCN_BUCKETS 104 /* of the latency histogram, four per power of two */

typedef struct fcn_cell_t {
    _Alignas(64) _Atomic uint64_t name_hash; /* of the server; 0: free */
    _Atomic uint32_t failures;               /* in a row */
    _Atomic uint32_t openings; /* in a row: how often the time was doubled */
    _Atomic int64_t open_until_us;  /* 0: closed */
    _Atomic int64_t probe_until_us; /* somebody tries until then */
    _Atomic uint32_t successes;     /* of probes, in a row */
    _Atomic int64_t window_us;      /* start of the window below */
    _Atomic uint32_t window_ops, window_failures;
} fcn_cell_t;

typedef struct fcn_shared_t {
    /* the highest invalidation clock seen, of each of the store's clocks and of
     * all, see remote.h */
    _Atomic uint64_t clocks[FCN_CLOCKS];
    _Atomic uint64_t clock;
    _Atomic uint64_t marks[FCN_CLOCKS][FCN_MARKS / 64];
    _Atomic int64_t marked_us[FCN_CLOCKS]; /* since when they are kept */
    /* the store counts these */
    _Atomic uint64_t hits, misses, stale, puts, deletes, clears, refused,
        faults, corrupt;
    /* node.h counts these: not asked since a breaker was open; openings */
    _Atomic uint64_t skipped, opened;
    _Atomic uint64_t latency_max_us;
    _Atomic uint64_t latency[FCN_BUCKETS]; /* of round trips */
    fcn_cell_t cells[FCN_CELLS];
} fcn_shared_t;

/* The page of that name in the pool, made if there is none. No error tells the name,
 * which may hold a password. */
fcache_status_t fcn_shared_open(const char *name, apr_pool_t *retain_pool,
                                fcn_shared_t **out_shared,
                                fcache_error_t *error);

/* The cell of a server "host:port"; always one. */
fcn_cell_t *fcn_shared_cell(fcn_shared_t *shared, const char *server);

/* A round trip took so long. */
void fcn_shared_latency(fcn_shared_t *shared, int64_t us);

/* Adds what the page knows to the stats: counters, latency, breakers. */
void fcn_shared_stats(const fcn_shared_t *shared, fcache_stats_t *stats);

/* ---- breakers ------------------------------------------------------------ */

typedef enum fcn_gate_t {
    FCN_GATE_CLOSED, /* go */
    FCN_GATE_PROBE,  /* go, the answer decides for all */
    FCN_GATE_OPEN    /* do not */
} fcn_gate_t;

typedef enum fcn_outcome_t {
    FCN_ANSWERED,
    FCN_FAILED,
    FCN_UNKNOWN /* not the server's doing, or never asked */
} fcn_outcome_t;

/*
 * May the server be asked? Opens after `failures` in a row, or when of at least
 * window_requests within window_us window_failures in 100 failed; open for
 * open_us, doubled up to open_max_us, less 5 to 25 %; then one probe at a time in
 * all processes; closed after `successes`.
 */
fcn_gate_t fcn_breaker_ask(fcn_cell_t *cell, const fcn_limits_t *limits,
                           int64_t now_us);

/* Would ask say go? Changes nothing. */
int fcn_breaker_is_up(const fcn_cell_t *cell, int64_t now_us);

/* What came of it; each ask that said go must be told, once. True when this
 * opened a closed breaker. */
int fcn_breaker_tell(fcn_cell_t *cell, const fcn_limits_t *limits,
                     fcn_gate_t gate, fcn_outcome_t outcome, int64_t now_us);

/* TIMEOUT, UNAVAILABLE and PROTOCOL are the server's failures, and NO_MEMORY is
 * nobody's; after anything else it has answered. */
fcn_outcome_t fcn_outcome_of(fcache_status_t status);

/* 0 closed, 1 half open, 2 open, as in the stats. */
int fcn_breaker_state(const fcn_cell_t *cell, int64_t now_us);

#endif
