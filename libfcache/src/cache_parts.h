/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_CACHE_PARTS_H
#define FCI_CACHE_PARTS_H

/* What the files of the cache share: cache_create.c makes it, cache.c looks up
 * and forgets, cache_write.c stores responses, cache_vary.c keeps the index of a URL's
 * variants, cache_language.c finds them by language, cache_value.c is for
 * values, flight.c lets one of many compute one. */

#include <fcache/cache.h>

struct fcache_t {
    fcache_backend_t *backend;
    const fcache_backend_ops_t *ops;
    void *self; /* the store's */
    const fcache_coders_t *coders;
    uint64_t max_object_bytes;
    apr_pool_t *pool; /* of what its settings own */

    /* for calls */
    fcache_bytes_t prefix;
    int64_t expire_us;
    const fcache_coder_t *coder;
    fcache_call_key_fn key;
    void *key_baton;
    int enabled; /* atomic */
};

/*
 * The entry under exactly that key, checked: decoded, canonical key compared,
 * body as long as its head says, not dead. `until_us` is what a store keeps for the
 * gets of one look-up, or NULL; `out_dead_us` may be NULL.
 */
fcache_status_t fci_fetch(fcache_t *cache, const fcache_key_t *key,
                          int64_t now_us, int64_t *until_us,
                          fcache_hit_t *out_hit, int64_t *out_dead_us,
                          apr_pool_t *pool, fcache_error_t *error);

/* What a caller asked for was answered or not. */
void fci_count(const fcache_t *cache, fcache_status_t status);

/* Bytes of all pieces. */
uint64_t fci_pieces_length(const fcache_bytes_t *pieces, size_t count);

/* All pieces in one copy in the pool; ptr NULL when out of memory. */
fcache_bytes_t fci_pieces_copy(const fcache_bytes_t *pieces, size_t count,
                               apr_pool_t *pool);

/* How fci_store hands an encoded head to the store: put, add or commit. */
typedef fcache_status_t (*fci_store_fn)(void *baton, const fcache_key_t *key,
                                        const fcache_value_t *value,
                                        int64_t now_us, fcache_error_t *error);

/* The one for put; its baton is the cache. */
fcache_status_t fci_store_put(void *baton, const fcache_key_t *key,
                              const fcache_value_t *value, int64_t now_us,
                              fcache_error_t *error);

/* The same for add, with EXISTS when a live entry is there; its baton: */
typedef struct fci_adding_t {
    fcache_t *cache;
    int64_t *until_us; /* as for the store's add */
} fci_adding_t;

fcache_status_t fci_store_add(void *baton, const fcache_key_t *key,
                              const fcache_value_t *value, int64_t now_us,
                              fcache_error_t *error);

/* Encodes the head, whose canonical key becomes that of `key`, and stores it
 * with the body. */
fcache_status_t fci_store(fci_store_fn store, void *baton,
                          const fcache_key_t *key, const fcache_entry_t *entry,
                          const fcache_bytes_t *body, size_t body_count,
                          int64_t now_us, fcache_error_t *error);

/* ---- Vary ---------------------------------------------------------------- */

#define FCI_VARY_ID_LEN 16

/* The index of a URL's variants. Its body is the digests of the variants'
 * keys, the oldest first. */
typedef struct fci_index_t {
    int exists; /* in the store, with these names and this id */
    char id[FCI_VARY_ID_LEN];
    fcache_bytes_t names; /* length-prefixed, sorted, each once */
    unsigned char digests[FCACHE_VARY_MAX_VARIANTS][FCACHE_KEY_DIGEST_BYTES];
    size_t count;
    uint64_t generation;
    int64_t dead_us;
} fci_index_t;

/*
 * The index for one more response under `primary` that varies by `vary`. MISS
 * when there is none and none is needed. The names are the union of what was
 * there and `vary`; when it grew the id is new, so that variants chosen by
 * fewer names are not found any more.
 */
fcache_status_t fci_index_load(fcache_t *cache, const fcache_key_t *primary,
                               fcache_bytes_t vary, int64_t now_us,
                               fci_index_t *out_index, apr_pool_t *pool,
                               fcache_error_t *error);

/* Notes a variant that was stored: lists it, makes room for it by deleting the
 * oldest, and lets the index live as long as `entry`. */
fcache_status_t fci_index_note(fcache_t *cache, const fcache_key_t *primary,
                               fci_index_t *index, const fcache_key_t *variant,
                               const fcache_entry_t *entry, int64_t now_us,
                               fcache_error_t *error);

/* Lets the index above `variant` live at least until `dead_us`. */
fcache_status_t fci_index_extend(fcache_t *cache, const fcache_key_t *variant,
                                 int64_t dead_us, int64_t now_us,
                                 fcache_error_t *error);

/* ---- languages ----------------------------------------------------------- */

/* A variant that was stored below an index. */
typedef struct fci_variant_t {
    const fcache_key_t *primary;
    fci_index_t *index;
    const fcache_key_t *key;
    const fcache_entry_t *entry;
    fcache_bytes_t language; /* of the answer, empty when it has not one */
    const fcache_request_t *request;
} fci_variant_t;

/* The one language of a response with that field block, or the empty view. */
fcache_bytes_t fci_language_of(fcache_bytes_t block);

/* Notes the variant's language, so that whoever wants that one before all
 * others finds it. */
fcache_status_t fci_language_note(fcache_t *cache, const fci_variant_t *variant,
                                  int64_t now_us, apr_pool_t *pool,
                                  fcache_error_t *error);

/* The variant in the language that the request wants before all others. MISS
 * also when it wants none so, or the index is not about languages. */
fcache_status_t fci_language_fetch(fcache_t *cache, const fcache_hit_t *index,
                                   const fcache_request_t *request,
                                   int64_t now_us, int64_t *until_us,
                                   fcache_hit_t *out_hit, apr_pool_t *pool,
                                   fcache_error_t *error);

/* Is the response with that field block in the language that the request wants
 * before all others? */
int fci_language_is_wanted(fcache_bytes_t block,
                           const fcache_request_t *request);

#endif
