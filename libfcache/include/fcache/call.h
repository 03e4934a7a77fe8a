/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_CALL_H
#define FCACHE_CALL_H

/*
 * Results of functions. fcache_call() answers what the function would, from the
 * cache when it can:
 *
 *   static const fcache_call_t user_by_id = {
 *       .module = "app.users", .function = "by_id", .ns = "users",
 *       .fn = by_id, .expire_us = 60 * FCACHE_US_PER_S, .coder = &user_coder};
 *   const fcache_arg_t args[] = {fcache_arg_int(42)};
 *   status = fcache_call(cache, &user_by_id, args, 1, &env, &user, NULL, pool,
 *                        &error);
 *
 * The key is made of module, function and typed arguments; the value comes back
 * as the type that the coder writes. A miss computes, and so does every fault of
 * the store and every stored value that is not what the coder says. Of many who
 * miss at once one computes (flight.h). Whatever is cleared while a result is
 * being computed, is not served from that result.
 *
 * An entry lives like this:
 *
 *   stored       fresh until expire           + stale        + stale_if_error
 *     |------------------|----------------------|----------------------|
 *       served; near its   served; one caller     computed; served if
 *       end one caller     computes               that fails
 *       may compute early
 */

#include <fcache/args.h>
#include <fcache/cache.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What the library has not itself. `now` is required: microseconds since 1970.
 * Without `wait`, which returns after about so many microseconds, nobody waits
 * for another's result; without `random`, any 64 bits, there is no early refresh
 * and no jitter. Called by the thread that calls.
 */
typedef struct fcache_env_t {
    int64_t (*now)(void *baton);
    void (*wait)(void *baton, int64_t pause_us);
    uint64_t (*random)(void *baton);
    void *baton;
} fcache_env_t;

/*
 * A function. OK with *out_value filled (what it points to lives in the pool, or
 * longer); MISS for "there is none", which may be cached too; any other status is
 * an error, which is not.
 */
typedef fcache_status_t (*fcache_fn)(void *baton, const fcache_arg_t *args,
                                     size_t count, void *out_value,
                                     apr_pool_t *pool, fcache_error_t *error);

/* How long this result may be served: microseconds, or 0: do not store it. */
typedef int64_t (*fcache_lifetime_fn)(void *baton, const void *value);

/* How a function is cached; fill it once, it is only read. Zero is the default of
 * each but the first three. */
typedef struct fcache_call_t {
    const char *module;   /* where the function is from, for the key */
    const char *function; /* its name there */
    fcache_fn fn;
    void *baton;                 /* of fn and lifetime */
    const char *ns;              /* namespace of its entries; NULL: "" */
    const fcache_coder_t *coder; /* of its values; NULL: the cache's */
    fcache_call_key_fn key;      /* NULL: the cache's, or the default */
    void *key_baton;
    fcache_bytes_t tags; /* a list, see entry.h; what clears them all */

    int64_t expire_us;           /* 0: the cache's */
    fcache_lifetime_fn lifetime; /* NULL: expire_us for all results */
    int64_t negative_us;         /* lifetime of MISS; 0: not stored */
    int64_t stale_us;            /* served while one computes */
    int64_t stale_if_error_us;   /* served when computing fails */
    unsigned early_percent;      /* see fcache_early_is_due() */
    unsigned jitter_percent;     /* lifetimes shortened by up to so much */

    int64_t wait_us;  /* for another's result, at most; 0: not at all */
    int64_t lease_us; /* what computing may take; 0: 30 s */
    int disabled;     /* always computes */
} fcache_call_t;

/* name, text */
#define FCACHE_CALL_SOURCE_LIST(X)                                             \
    X(COMPUTED, "computed") /* by this caller */                               \
    X(CACHE, "from the cache")                                                 \
    X(WAITED, "from another caller") /* whom this one waited for */            \
    X(STALE, "stale from the cache")

typedef enum fcache_call_source_t {
#define X(name, text) FCACHE_CALL_##name,
    FCACHE_CALL_SOURCE_LIST(X)
#undef X
} fcache_call_source_t;

/* Where an answer is from, for logs and counters. */
typedef struct fcache_call_report_t {
    fcache_call_source_t source;
    int64_t fresh_until_us; /* 0: it is not stored */
    fcache_status_t cache; /* OK, or the last trouble of key, store or coder, */
    fcache_error_t error;  /* with its sentence: nothing that the caller sees */
} fcache_call_report_t;

/*
 * Answers what call->fn answers for those arguments. `cache` may be NULL: then it
 * is computed. `out_value` has the type of the coder; after any status but OK its
 * content means nothing. `out_report` may be NULL. BAD_INPUT for a call or an env
 * that lacks what is required. Any thread, each with a pool of its own.
 */
FCACHE_API fcache_status_t fcache_call(fcache_t *cache,
                                       const fcache_call_t *call,
                                       const fcache_arg_t *args, size_t count,
                                       const fcache_env_t *env, void *out_value,
                                       fcache_call_report_t *out_report,
                                       apr_pool_t *pool, fcache_error_t *error);

/* The key that a call with those arguments has: for fcache_del(). */
FCACHE_API fcache_status_t fcache_call_key(const fcache_t *cache,
                                           const fcache_call_t *call,
                                           const fcache_arg_t *args,
                                           size_t count, fcache_key_t *out_key,
                                           apr_pool_t *pool,
                                           fcache_error_t *error);

/* "computed", "from the cache", ...; a static string. */
FCACHE_API const char *fcache_call_source_text(fcache_call_source_t source);

#ifdef __cplusplus
}
#endif
#endif
