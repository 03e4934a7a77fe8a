/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_KEY_H
#define FCACHE_KEY_H

/*
 * Keys. A key is a tuple of labelled raw byte strings, each length-prefixed,
 * never joined by a delimiter and never decoded: the canonical key. Its SHA-256
 * in base64url makes the fixed-length store name `prefix:namespace:digest`. The
 * canonical key travels in the entry and is compared on every read, so that a
 * digest alone is never trusted.
 */

#include <fcache/http.h>

#include <apr_pools.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FCACHE_KEY_DIGEST_BYTES  32
#define FCACHE_KEY_MAX_CANONICAL 8192 /* a longer one is refused (T31) */
#define FCACHE_KEY_MAX_LABEL     64   /* bytes of a prefix or a namespace */

typedef struct fcache_key_t {
    fcache_bytes_t prefix;    /* [A-Za-z0-9._-]{0,64} */
    fcache_bytes_t ns;        /* namespace, the same alphabet */
    fcache_bytes_t name;      /* prefix:namespace:digest, printable, with NUL */
    fcache_bytes_t canonical; /* the tuple's bytes */
    unsigned char digest[FCACHE_KEY_DIGEST_BYTES];
} fcache_key_t;

/* Is it a usable prefix or namespace: [A-Za-z0-9._-], at most 64, may be empty?
 */
FCACHE_API int fcache_label_is_valid(fcache_bytes_t label);

/* ---- tuples: for custom builders and applications ------------------------ */

typedef struct fcache_tuple_t fcache_tuple_t;

/* An empty tuple in the pool. NULL when out of memory. */
FCACHE_API fcache_tuple_t *fcache_tuple_create(apr_pool_t *pool);

/* Adds a labelled value (copied). TOO_LARGE past FCACHE_KEY_MAX_CANONICAL. */
FCACHE_API fcache_status_t fcache_tuple_add(fcache_tuple_t *tuple,
                                            const char *label,
                                            fcache_bytes_t value);

/* The key of that tuple; prefix, ns are copied, the rest lives in the pool.
 * BAD_INPUT for a label that is not valid. */
FCACHE_API fcache_status_t fcache_key_from_tuple(
    const fcache_tuple_t *tuple, fcache_bytes_t prefix, fcache_bytes_t ns,
    fcache_key_t *out_key, apr_pool_t *pool, fcache_error_t *error);

/* The key of a stored name, prefix:namespace:digest, without its canonical bytes:
 * good for deleting, not for looking up. BAD_INPUT when it is none. */
FCACHE_API fcache_status_t fcache_key_from_name(fcache_bytes_t name,
                                                fcache_key_t *out_key,
                                                apr_pool_t *pool,
                                                fcache_error_t *error);

/*
 * Finds the next element of a canonical key. 1 and label and value, 0 at the
 * end, -1 when the bytes are no canonical key. Start with *offset 0.
 */
FCACHE_API int fcache_canonical_next(fcache_bytes_t canonical, size_t *offset,
                                     fcache_bytes_t *out_label,
                                     fcache_bytes_t *out_value);

/*
 * A readable line for people and logs, e.g. `GET https://host/path?query
 * header:accept=...`; every byte outside of printable ASCII is escaped \xHH
 * (T36). Values of cookies, Authorization and Proxy-Authorization are ***. In the
 * pool, NUL-terminated.
 */
FCACHE_API const char *fcache_canonical_format(fcache_bytes_t canonical,
                                               apr_pool_t *pool);

/* ---- rules: the declarative builder -------------------------------------- */

/* A custom builder: adds what it wants to the tuple. May refuse with a status
 * other than OK, and the request then bypasses the cache. Any thread. */
typedef fcache_status_t (*fcache_key_builder_fn)(
    void *baton, const fcache_request_t *request, fcache_tuple_t *tuple,
    apr_pool_t *pool, fcache_error_t *error);

/* Compiled rules, immutable, shared by threads. */
typedef struct fcache_key_rules_t fcache_key_rules_t;

/*
 * Compiles the words of FCacheKeyBuilder. Every key holds vhost, scheme,
 * authority, method (HEAD as GET), path, raw query, forwarding headers when
 * present (T1), and the body digest when there is one; rules add to it or
 * change the query:
 *   query            raw, as received (the default)
 *   query:sort       parameters in byte order
 *   query:only=a,b   only these;  query:drop=utm_*,b  all but these
 *   query:none       no query at all
 *   header:NAME cookie:NAME env:NAME user   add that value
 *   expr=TEXT        add the value of the server's expression
 *   -host -scheme    leave out, to share among hosts
 *   default method host path body   name what is there anyway
 * A dropped or sorted parameter is dropped or sorted in the forwarded request
 * too: what is not in the key is not sent to the origin. BAD_CONFIG names the
 * word and what is allowed.
 */
FCACHE_API fcache_status_t fcache_key_rules_parse(
    const char *const *words, size_t count, fcache_key_rules_t **out_rules,
    apr_pool_t *pool, fcache_error_t *error);

/* Do the rules put the user into the key, so that answers are each one's own? */
FCACHE_API int fcache_key_rules_has_user(const fcache_key_rules_t *rules);

/* The query as it is keyed and to be forwarded: the request's own bytes when no
 * rule changes it. A view with ptr NULL means no query. */
FCACHE_API fcache_bytes_t
fcache_key_rules_query(const fcache_key_rules_t *rules,
                       const fcache_request_t *request, apr_pool_t *pool);

/*
 * The key of a request. `rules` NULL means the default; `builder` NULL none.
 * TOO_LARGE when the canonical key would pass its ceiling.
 */
FCACHE_API fcache_status_t
fcache_key_build(const fcache_key_rules_t *rules, fcache_key_builder_fn builder,
                 void *builder_baton, fcache_bytes_t prefix, fcache_bytes_t ns,
                 const fcache_request_t *request, fcache_key_t *out_key,
                 apr_pool_t *pool, fcache_error_t *error);

/* ---- Vary ---------------------------------------------------------------- */

#define FCACHE_VARY_MAX_NAMES    16
#define FCACHE_VARY_MAX_VARIANTS 32

/*
 * The key of one variant below a Vary index (see cache.h): the index's id and
 * for each of its names the request's normalised values (RFC 9111 §4.1; case
 * and blanks folded, Accept-Encoding as a set of codings, Accept-Language by
 * weight). `names` is a list of length-prefixed names as entries keep it.
 */
FCACHE_API fcache_status_t fcache_key_variant(
    const fcache_key_t *primary, fcache_bytes_t index_id, fcache_bytes_t names,
    const fcache_request_t *request, fcache_key_t *out_key, apr_pool_t *pool,
    fcache_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
