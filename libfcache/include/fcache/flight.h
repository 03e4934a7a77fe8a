/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_FLIGHT_H
#define FCACHE_FLIGHT_H

/*
 * Single flight: of all who miss one key, on all hosts that share the store, one
 * computes and the others wait for what it stores. Who leads is who adds the
 * lock, an entry of the same namespace whose key is made of the other's digest;
 * it ends with the computation, or, when its holder died, with its lease.
 *
 *   role = fcache_flight_begin(...);             after a look-up that missed
 *   while (role == FCACHE_FLIGHT_FOLLOW) {
 *       wait for fcache_flight_pause(), after which *until_us may be 0 again;
 *       look up again: a hit ends it, an entry of the kind
 *       FCACHE_ENTRY_UNCACHEABLE too: then compute, alone;
 *       role = fcache_flight_retry(...);
 *   }
 *   LEAD:  look up once more, as another may have stored it between your miss
 *          and the lock; compute; put; fcache_flight_end()
 *   ALONE: compute for yourself
 *
 * Nothing here sleeps: the caller waits as it likes, and says what time it is.
 * Clearing the namespace, hard, frees the lock as well, as what its holder
 * computes will not be served. A flight belongs to one thread.
 */

#include <fcache/cache.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fcache_flight_role_t {
    FCACHE_FLIGHT_LEAD,
    FCACHE_FLIGHT_FOLLOW,
    FCACHE_FLIGHT_ALONE
} fcache_flight_role_t;

typedef struct fcache_flight_t {
    fcache_flight_role_t role;
    fcache_status_t status; /* of the last try: OK, EXISTS, or why ALONE */
    fcache_key_t lock;      /* in the pool given to begin */
    int64_t lease_us;       /* how long a lock lives */
    int64_t held_until_us;  /* LEAD: when ours ends */
    int64_t give_up_us;     /* FOLLOW: waiting is over at that time, */
    int64_t left_us;        /* or when so much has been waited */
    int64_t pause_us;       /* of the next wait, without its random part */
    fcache_bytes_t owner;
    int64_t *until_us;
} fcache_flight_t;

/* Who has the lock. A claim of whoever can write into the store. */
typedef struct fcache_holder_t {
    int is_mark;      /* nobody: see fcache_flight_end_marked() */
    int64_t since_us; /* by the holder's clock */
    fcache_bytes_t owner;
} fcache_holder_t;

typedef struct fcache_flight_options_t {
    /* How long to follow at most; 0: not at all. */
    int64_t wait_us;
    /* How long a computation may take until others believe that it died; stores
     * that count in seconds round it up. */
    int64_t lease_us;
    /* A name of the caller's own, any bytes or none, by which others judge whether
     * it is alive. */
    fcache_bytes_t owner;
    /* The end of the tries to lead, the looks at the lock, and the look-ups
     * around them: see fcache_lookup(). Or NULL. */
    int64_t *until_us;
} fcache_flight_options_t;

/* Tries to lead. ALONE after any fault, with its sentence in `error`. What the
 * options point at is borrowed as long as the flight. */
FCACHE_API fcache_flight_role_t fcache_flight_begin(
    fcache_t *cache, const fcache_key_t *key,
    const fcache_flight_options_t *options, int64_t now_us,
    fcache_flight_t *out_flight, apr_pool_t *pool, fcache_error_t *error);

/*
 * What is at the lock: OK with the holder, its views in the pool; MISS when the
 * leader has ended or its lease has, so that it is time to look up again; or a
 * fault. Costs a get, and saves the followers one of what they wait for, and an
 * add, each time.
 */
FCACHE_API fcache_status_t fcache_flight_look(
    fcache_t *cache, const fcache_flight_t *flight, int64_t now_us,
    fcache_holder_t *out_holder, apr_pool_t *pool, fcache_error_t *error);

/* Takes the lock from an owner that the caller knows to be dead, if it has it
 * still: of many who know, one takes it, and the lock then is free. */
FCACHE_API void fcache_flight_void(fcache_t *cache,
                                   const fcache_flight_t *flight,
                                   fcache_bytes_t owner, int64_t now_us,
                                   apr_pool_t *pool);

/* How long to wait before looking again: a little more each time, with up to a
 * quarter of it at random so that followers do not march in step, and never
 * past the end of waiting. Any 64 random bits. */
FCACHE_API int64_t fcache_flight_pause(fcache_flight_t *flight, uint64_t random,
                                       int64_t now_us);

/* After a pause and a look-up that missed: tries to lead, as the leader may have
 * ended without a result, or died. */
FCACHE_API fcache_flight_role_t fcache_flight_retry(fcache_t *cache,
                                                    fcache_flight_t *flight,
                                                    int64_t now_us,
                                                    fcache_error_t *error);

/* Frees the lock, if it is still ours. Only LEAD needs it; once. */
FCACHE_API void fcache_flight_end(fcache_t *cache, fcache_flight_t *flight,
                                  int64_t now_us);

/* Remembers under `key` for ttl_us that what is computed there is not stored, so
 * that nobody queues for it. Before fcache_flight_end(). */
FCACHE_API fcache_status_t fcache_flight_mark(fcache_t *cache,
                                              const fcache_key_t *key,
                                              int64_t ttl_us, uint64_t epoch,
                                              int64_t now_us,
                                              fcache_error_t *error);

/*
 * LEAD: ends it with such a mark in the lock's place, where it hides nothing
 * that is stored under the key itself, and frees all who look at the lock at
 * once. Whoever begins then is ALONE or follows; fcache_flight_look() tells.
 */
FCACHE_API void fcache_flight_end_marked(fcache_t *cache,
                                         fcache_flight_t *flight,
                                         int64_t ttl_us, int64_t now_us);

/* Removes that mark: what was computed has been stored after all. */
FCACHE_API void fcache_flight_unmark(fcache_t *cache, const fcache_key_t *key,
                                     int64_t now_us, apr_pool_t *pool);

/* ---- spreading refreshes over time --------------------------------------- */

/* The lifetime less up to `percent` of it at random: what was stored together
 * does not end together. */
FCACHE_API int64_t fcache_jitter(int64_t ttl_us, unsigned percent,
                                 uint64_t random);

/*
 * Should this caller compute anew what is still fresh? The nearer the end, the
 * longer it takes to compute (cost_us) and the more callers ask, the likelier,
 * so that about one of them does it before the end (Vattani, Chierichetti,
 * Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015).
 * `percent` is their beta times 100: 100 is usual, 0 is never.
 */
FCACHE_API int fcache_early_is_due(int64_t fresh_until_us, int64_t cost_us,
                                   unsigned percent, uint64_t random,
                                   int64_t now_us);

#ifdef __cplusplus
}
#endif
#endif
