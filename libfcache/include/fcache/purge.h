/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_PURGE_H
#define FCACHE_PURGE_H

/*
 * Purges in words, as people and programs write them: one meaning for the admin
 * handler, the PURGE method, the rules of FCacheInvalidate and fcachectl. A list of
 * them is one call of the store, however many entries it ends, and holds against
 * answers that are under way. Each KEY is one call more, and removes what is there:
 * an answer that is under way is stored after it.
 */

#include <fcache/cache.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is purged, and its word. */
#define FCACHE_PURGE_LIST(X)                                                   \
    X(URL, "url") /* all that is stored for it: variants, bodies */            \
    X(KEY, "key") /* one stored name: prefix:namespace:digest */               \
    X(TAG, "tag") /* of a prefix */                                            \
    X(NAMESPACE, "namespace") /* of a prefix */                                \
    X(PREFIX, "prefix")                                                        \
    X(ALL, "all") /* also what others keep in the store */

typedef enum fcache_purge_kind_t {
#define X(name, text) FCACHE_PURGE_##name,
    FCACHE_PURGE_LIST(X)
#undef X
        FCACHE_PURGE_COUNT
} fcache_purge_kind_t;

typedef struct fcache_purge_t {
    fcache_purge_kind_t kind;
    fcache_bytes_t value;  /* of PREFIX and ALL none */
    fcache_bytes_t prefix; /* FCachePrefix; KEY has its own */
    int soft;              /* stale instead of gone; not of a KEY */
} fcache_purge_t;

/* 1 and the kind, or 0. */
FCACHE_API int fcache_purge_kind_parse(fcache_bytes_t text,
                                       fcache_purge_kind_t *out_kind);

/* A static string; "?" out of range. */
FCACHE_API const char *fcache_purge_kind_text(fcache_purge_kind_t kind);

/* Can it be done? BAD_INPUT says what is wrong with it. */
FCACHE_API fcache_status_t fcache_purge_check(const fcache_purge_t *purge,
                                              apr_pool_t *pool,
                                              fcache_error_t *error);

/* Does all of them (borrowed for the call). BAD_INPUT as above, before any is
 * done; MISS when nothing has a KEY of them; or a fault, after which some may be
 * done. `out_found`, of as many, or NULL: which had something to purge, as far as
 * that is known: 0 only for a KEY. Any thread; the pool is for the call. */
FCACHE_API fcache_status_t fcache_purge(fcache_t *cache,
                                        const fcache_purge_t *purges,
                                        size_t count, int64_t now_us,
                                        int *out_found, apr_pool_t *pool,
                                        fcache_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
