/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_CACHE_H
#define FCACHE_CACHE_H

/*
 * The cache: a store, the coders, and the rules that make entries of bytes.
 * Everything that is read is checked (decoded, canonical key compared) before
 * it is handed out; a corrupt entry is a fault, which callers treat as a miss.
 *
 * A URL whose responses carry Vary has an index entry under its primary key,
 * with a random id and the union of the names seen; each variant lies under a
 * key made of that id and its request's values. Replacing or deleting the index
 * makes all variants unreachable at once, which is how a purge by URL removes
 * them all in O(1) on every store.
 *
 * All calls may be made by any thread after fcache_backend_child_init().
 */

#include <fcache/args.h>
#include <fcache/backend.h>
#include <fcache/coder.h>
#include <fcache/entry.h>
#include <fcache/key.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fcache_t fcache_t;

/*
 * All that is said once for a cache. Either `backend` (opened by the caller) or
 * `store`; the rest may be zero. Texts are copied.
 */
typedef struct fcache_options_t {
    fcache_backend_t *backend;     /* borrowed, or NULL */
    const fcache_coders_t *coders; /* borrowed; NULL: those that are built in */
    uint64_t max_object_bytes;     /* larger bodies are TOO_LARGE; 0: 1 MiB */
    const char *store; /* URL of a store that the cache opens and closes */
    int forks; /* open `store` only: each process calls fcache_child_init() */

    /* For fcache_call(); a call may say otherwise. */
    const char *prefix;     /* of its keys: the application; NULL: "" */
    int64_t expire_us;      /* lifetime of results; 0: a minute */
    const char *coder;      /* name of one for values; NULL: "raw" */
    fcache_call_key_fn key; /* NULL: module, function, arguments */
    void *key_baton;
    int disabled; /* every call computes; see fcache_enable() */
} fcache_options_t;

/* In the pool, which must outlive all use. BAD_CONFIG names the option that is
 * wrong; faults are those of opening the store. Any number in one process. */
FCACHE_API fcache_status_t fcache_create(const fcache_options_t *options,
                                         fcache_t **out_cache, apr_pool_t *pool,
                                         fcache_error_t *error);

/* With `forks`: joins the store from this process, for as long as the pool
 * lives. Otherwise fcache_create() has done it. */
FCACHE_API fcache_status_t fcache_child_init(fcache_t *cache, apr_pool_t *pool,
                                             fcache_error_t *error);

/* New settings for the same handle, as if it had been destroyed and created; a
 * `store` is opened anew. After an error the cache is as it was. Nobody else may
 * use it meanwhile. */
FCACHE_API fcache_status_t fcache_reset(fcache_t *cache,
                                        const fcache_options_t *options,
                                        fcache_error_t *error);

/* Ends it and closes what it opened; NULL is fine. So does the pool's end. */
FCACHE_API void fcache_destroy(fcache_t *cache);

/* Turns the caching of calls on or off. Any thread. */
FCACHE_API void fcache_enable(fcache_t *cache, int enabled);

FCACHE_API fcache_backend_t *fcache_backend_of(const fcache_t *cache);

/* The store's epoch: take it before computing what will be stored. */
FCACHE_API uint64_t fcache_epoch(const fcache_t *cache);

/* ---- reading ------------------------------------------------------------- */

/* A found entry. Views live until the pin is released, or, without a pin, as
 * long as the pool of the lookup. */
typedef struct fcache_hit_t {
    fcache_entry_t entry;
    fcache_key_t key; /* the key it was under: with Vary the variant's */
    const fcache_bytes_t *body;
    size_t body_count;
    int soft_purged;
    int varied; /* also after a MISS: the URL has an index, no variant fits */
    void *pin;  /* NULL or to be released; whoever takes it sets it to NULL */
} fcache_hit_t;

/*
 * Looks up `key`; when it holds a Vary index and `request` is not NULL, the
 * variant that the request selects. OK with *out_hit filled, MISS, or a fault.
 *
 * `until_us` is NULL, or where what one request asks a remote store for, look-ups
 * and fcache_flight_begin(), has its common end: all of it together takes at most
 * the time that the store's options give one look-up, and UNAVAILABLE is what is
 * asked after that. 0 before the first; what is there then is the store's.
 */
FCACHE_API fcache_status_t fcache_lookup(
    fcache_t *cache, const fcache_key_t *key, const fcache_request_t *request,
    int64_t now_us, int64_t *until_us, fcache_hit_t *out_hit, apr_pool_t *pool,
    fcache_error_t *error);

/* The same for a caller that looks again: not counted in the store's hits and
 * misses once more. */
FCACHE_API fcache_status_t fcache_lookup_again(
    fcache_t *cache, const fcache_key_t *key, const fcache_request_t *request,
    int64_t now_us, int64_t *until_us, fcache_hit_t *out_hit, apr_pool_t *pool,
    fcache_error_t *error);

/* Releases a pin; NULL is fine. Any thread of the process, once. */
FCACHE_API void fcache_pin_release(fcache_t *cache, void *pin);

/* ---- writing a response, piece by piece ---------------------------------- */

typedef struct fcache_writer_t fcache_writer_t;

/*
 * Starts gathering a body of about size_hint bytes (0: unknown) for the coder
 * of that name. Aborts by itself when the pool is cleared before commit.
 * TOO_LARGE at once when the hint passes the ceiling; BAD_INPUT for a coder
 * that is not registered or is not for responses.
 */
FCACHE_API fcache_status_t fcache_writer_begin(
    fcache_t *cache, fcache_bytes_t coder, uint64_t size_hint,
    fcache_writer_t **out_writer, apr_pool_t *pool, fcache_error_t *error);

/* Copies a piece. After any answer but OK only abort is of use. */
FCACHE_API fcache_status_t fcache_writer_append(fcache_writer_t *writer,
                                                fcache_bytes_t bytes,
                                                fcache_error_t *error);

FCACHE_API uint64_t fcache_writer_length(const fcache_writer_t *writer);

/*
 * Stores the body under `key` with `entry` as its head (coder, canonical, vary,
 * body_len and body_digest are filled in here). `vary` is the response's Vary
 * as a length-prefixed list of lower-case names, empty for none; `request` gives
 * the values. It may be NULL when there are none, and it is known that nothing
 * that varies is there, which else is looked up first. Ends the writer whatever
 * the answer.
 */
FCACHE_API fcache_status_t fcache_writer_commit(
    fcache_writer_t *writer, const fcache_key_t *key,
    const fcache_entry_t *entry, fcache_bytes_t vary,
    const fcache_request_t *request, int64_t now_us, fcache_error_t *error);

FCACHE_API void fcache_writer_abort(fcache_writer_t *writer);

/*
 * Writes the head of `hit` anew with the same body (a 304 renewed it).
 * `entry` is the new head; key and body are the hit's.
 */
FCACHE_API fcache_status_t fcache_refresh(fcache_t *cache,
                                          const fcache_hit_t *hit,
                                          const fcache_entry_t *entry,
                                          int64_t now_us,
                                          fcache_error_t *error);

/* ---- values -------------------------------------------------------------- */

/* Stores bytes for ttl_s seconds (> 0) with the coder's name; tags may be
 * empty, epoch is that of before the value was computed. */
FCACHE_API fcache_status_t fcache_put(fcache_t *cache, const fcache_key_t *key,
                                      fcache_bytes_t value, int64_t ttl_s,
                                      fcache_bytes_t tags, uint64_t epoch,
                                      int64_t now_us, fcache_error_t *error);

/* As put, but EXISTS when a live entry is there: atomic, fit for a lock. */
FCACHE_API fcache_status_t fcache_add(fcache_t *cache, const fcache_key_t *key,
                                      fcache_bytes_t value, int64_t ttl_s,
                                      fcache_bytes_t tags, uint64_t epoch,
                                      int64_t now_us, fcache_error_t *error);

/* A copy of the value in the pool, and its time left if out_ttl_us is given.
 * A stale or softly purged value is a MISS. */
FCACHE_API fcache_status_t fcache_get(fcache_t *cache, const fcache_key_t *key,
                                      int64_t now_us, fcache_bytes_t *out_value,
                                      int64_t *out_ttl_us, apr_pool_t *pool,
                                      fcache_error_t *error);

/* ---- forgetting ---------------------------------------------------------- */

/* OK when there was an entry (with Vary: all its variants go), else MISS. */
FCACHE_API fcache_status_t fcache_del(fcache_t *cache, const fcache_key_t *key,
                                      int64_t now_us, fcache_error_t *error);

/* Moves the time at which the store forgets it. MISS when there is none. */
FCACHE_API fcache_status_t fcache_touch(fcache_t *cache,
                                        const fcache_key_t *key,
                                        int64_t dead_us, int64_t now_us,
                                        fcache_error_t *error);

/* Everything in the scopes (borrowed for the call) is gone, or stale where they
 * are soft, from now on; O(1) each, and together no longer than the time that the
 * store has for one. BAD_INPUT for a scope that cannot be, before any is
 * cleared; after a fault some may be. */
FCACHE_API fcache_status_t fcache_clear(fcache_t *cache,
                                        const fcache_scope_t *scopes,
                                        size_t count, fcache_error_t *error);

/* ---- looking ------------------------------------------------------------- */

FCACHE_API fcache_status_t fcache_list(fcache_t *cache, int64_t now_us,
                                       fcache_listed_fn fn, void *baton,
                                       fcache_error_t *error);
FCACHE_API fcache_status_t fcache_stats(fcache_t *cache,
                                        fcache_stats_t *out_stats,
                                        fcache_error_t *error);

/* Looks through the whole store, at any time: OK, CORRUPT with the first
 * finding, or UNSUPPORTED by stores that cannot. */
FCACHE_API fcache_status_t fcache_check(fcache_t *cache, fcache_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
