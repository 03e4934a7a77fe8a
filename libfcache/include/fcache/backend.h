/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_BACKEND_H
#define FCACHE_BACKEND_H

/*
 * Stores. A backend keeps items (an entry's head and body, opaque to it) under
 * fixed-length names, forgets them at their time, and invalidates a key, a
 * namespace, a tag, a prefix or everything in O(1). One store is opened by URL
 * (`memory:`), shared by all threads of a process and, where it says so, by
 * all processes forked after open().
 *
 * Life: create (checks options; no I/O, no threads: `httpd -t` stops here),
 * open (before fork), child_init (in every process that uses it, also in one
 * that never forks), then any thread may call anything, close. What others wrote
 * into a store is used from child_init on, not before: a program of root gives
 * up its rights between open and child_init, as httpd's children do.
 *
 * Callers use fcache/cache.h; this page is for those who open, and those who
 * write, a store.
 */

#include <fcache/bytes.h>
#include <fcache/key.h>
#include <fcache/stats.h>

#include <apr_pools.h>
#include <apr_tables.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FCACHE_BACKEND_ABI 1

/* What a get hands out. Views live until release when `pin` is set, else as
 * long as the pool given to get. */
typedef struct fcache_item_t {
    fcache_bytes_t head;
    const fcache_bytes_t *body; /* pieces, in order */
    size_t body_count;
    int64_t dead_us;        /* when the store forgets it */
    int64_t fresh_until_us; /* as it was put; 0: the store does not know */
    int soft_purged;        /* purged softly: stale, whatever the entry says */
    void *pin; /* not NULL: must be released, any thread of the process */
} fcache_item_t;

/* What a put takes. All borrowed for the call. */
typedef struct fcache_value_t {
    fcache_bytes_t head;
    const fcache_bytes_t *body;
    size_t body_count;
    uint64_t epoch; /* epoch() when the computation started */
    int64_t fresh_until_us;
    int64_t dead_us;     /* storage life, at least fresh_until_us */
    fcache_bytes_t tags; /* length-prefixed list, see entry.h */
} fcache_value_t;

typedef enum fcache_scope_kind_t {
    FCACHE_SCOPE_ALL,
    FCACHE_SCOPE_PREFIX,
    FCACHE_SCOPE_NAMESPACE, /* of a prefix */
    FCACHE_SCOPE_TAG        /* of a prefix */
} fcache_scope_kind_t;

/* What a clear hits. Unused views are ignored. */
typedef struct fcache_scope_t {
    fcache_scope_kind_t kind;
    fcache_bytes_t prefix;
    fcache_bytes_t ns;
    fcache_bytes_t tag;
    int soft; /* items count as stale instead of gone */
} fcache_scope_t;

/* One listed item; views are valid during the callback only. */
typedef struct fcache_listed_t {
    fcache_bytes_t name; /* prefix:namespace:digest */
    fcache_bytes_t head;
    uint64_t body_len;
    int64_t dead_us;
    int soft_purged;
} fcache_listed_t;

/* 0 to go on, anything else to stop. */
typedef int (*fcache_listed_fn)(void *baton, const fcache_listed_t *item);

/* ---- opening a store ----------------------------------------------------- */

typedef struct fcache_backend_t fcache_backend_t;
typedef struct fcache_backends_t fcache_backends_t;
typedef struct fcache_backend_ops_t fcache_backend_ops_t;

/* An empty registry of kinds of store, in the pool. */
FCACHE_API fcache_backends_t *fcache_backends_create(apr_pool_t *pool);

/* Registers every kind of store this library was built with. */
FCACHE_API void fcache_backends_add_builtin(fcache_backends_t *backends);

/* Registers one more kind (borrowed). EXISTS; BAD_INPUT for another ABI. */
FCACHE_API fcache_status_t fcache_backends_add(fcache_backends_t *backends,
                                               const fcache_backend_ops_t *ops,
                                               fcache_error_t *error);

/*
 * A store from its URL `scheme:location?option=value&...`; `options` (may be
 * NULL) adds to the URL's own. `name` is the operator's name for it, for texts,
 * for other stores of the registry that are made of it, and to find it again
 * after a restart. No I/O. BAD_CONFIG names the option, the value and what is
 * allowed, or the schemes there are. The pool lives as long as the registry's;
 * one thread at a time per registry.
 */
FCACHE_API fcache_status_t fcache_backend_create(
    fcache_backends_t *backends, const char *name, const char *url,
    const apr_table_t *options, fcache_backend_t **out_backend,
    apr_pool_t *pool, fcache_error_t *error);

/* The store created last by that name in this registry, or NULL. */
FCACHE_API fcache_backend_t *
fcache_backends_find(const fcache_backends_t *backends, const char *name);

/* The names of those created, the last first: "b, a"; "none". */
FCACHE_API const char *fcache_backends_names(const fcache_backends_t *backends,
                                             apr_pool_t *pool);

/* An option of all remote stores created from now on that do not have it
 * themselves. Copied. */
FCACHE_API void fcache_backends_default(fcache_backends_t *backends,
                                        const char *option, const char *value);

/*
 * Opens it, before fork. `retain_pool` outlives restarts of the server (httpd's
 * process pool), or is the pool of a program that never restarts: what is kept
 * in it lets content survive a graceful restart.
 */
FCACHE_API fcache_status_t fcache_backend_open(fcache_backend_t *backend,
                                               apr_pool_t *retain_pool,
                                               fcache_error_t *error);

/* Joins the store from this process; undone by the pool's cleanup. */
FCACHE_API fcache_status_t fcache_backend_child_init(fcache_backend_t *backend,
                                                     apr_pool_t *pool,
                                                     fcache_error_t *error);

/* Makes what the store needs to exist, a table say; after child_init. OK also when
 * it is there, or nothing is needed. */
FCACHE_API fcache_status_t fcache_backend_setup(fcache_backend_t *backend,
                                                fcache_error_t *error);

/* "memory:?size=64M", without secrets; lives as long as it. */
FCACHE_API const char *fcache_backend_url(const fcache_backend_t *backend);

/* A put waits for a network: whoever has a client answers it first. Such a kind
 * of store takes the options secret-file, encrypt and integrity. */
#define FCACHE_BACKEND_REMOTE (1u << 0)

/* FCACHE_BACKEND_* of this store. */
FCACHE_API unsigned fcache_backend_flags(const fcache_backend_t *backend);

/* ---- for those who write a store ----------------------------------------- */

/* A parsed URL as create sees it. */
typedef struct fcache_backend_conf_t {
    const char *name;
    const char *scheme;
    const char *location;        /* between "scheme:" and "?", may be "" */
    const apr_table_t *options;  /* decoded, lower-case names */
    fcache_backends_t *backends; /* the registry it is created from */
    unsigned *flags; /* the kind's; create may change them for this store */
} fcache_backend_conf_t;

/* Sizes like 64M, 1G, 512k or plain bytes; times like 500ms, 15s, 5m, 1h, 7d or
 * plain seconds. BAD_INPUT otherwise. For options and directives alike. */
FCACHE_API fcache_status_t fcache_size_parse(const char *text,
                                             uint64_t *out_bytes);
FCACHE_API fcache_status_t fcache_duration_parse(const char *text,
                                                 int64_t *out_us);

/* A body being written, see begin. */
typedef struct fcache_backend_writer_t fcache_backend_writer_t;

/*
 * The vtable is the architecture. `self` is what create made. Faults come back
 * as a status with a sentence in `error`; nothing here ever aborts. A row that
 * is NULL answers UNSUPPORTED, but for begin: without it cache.h gathers the
 * body itself and calls put.
 */
struct fcache_backend_ops_t {
    unsigned abi; /* FCACHE_BACKEND_ABI */
    const char *scheme;
    unsigned flags; /* FCACHE_BACKEND_* */

    fcache_status_t (*create)(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error);
    fcache_status_t (*open)(void *self, apr_pool_t *retain_pool,
                            fcache_error_t *error);
    fcache_status_t (*child_init)(void *self, apr_pool_t *pool,
                                  fcache_error_t *error);

    /* The store's invalidation clock: a value computed before a clear carries
     * an older epoch and is not served after it. */
    uint64_t (*epoch)(void *self);

    /* OK, MISS or a fault. The gets and adds that share `until_us` end together by
     * the store's limit for one look-up: it is 0 before the first of them, and the
     * store's to write. NULL for one alone. */
    fcache_status_t (*get)(void *self, const fcache_key_t *key, int64_t now_us,
                           int64_t *until_us, fcache_item_t *out_item,
                           apr_pool_t *pool, fcache_error_t *error);
    void (*release)(void *self, void *pin);

    /* put replaces; add answers EXISTS when a live item is there (atomic among
     * all users of the store). TOO_LARGE when it can never fit. */
    fcache_status_t (*put)(void *self, const fcache_key_t *key,
                           const fcache_value_t *value, int64_t now_us,
                           fcache_error_t *error);
    fcache_status_t (*add)(void *self, const fcache_key_t *key,
                           const fcache_value_t *value, int64_t now_us,
                           int64_t *until_us, fcache_error_t *error);
    /* OK when there was one, MISS when not. */
    fcache_status_t (*del)(void *self, const fcache_key_t *key, int64_t now_us,
                           fcache_error_t *error);
    fcache_status_t (*touch)(void *self, const fcache_key_t *key,
                             int64_t dead_us, int64_t now_us,
                             fcache_error_t *error);
    /* All of the scopes, O(1) each, within the time of one. OK also for none of
     * them; after a fault some may be cleared. */
    fcache_status_t (*clear)(void *self, const fcache_scope_t *scopes,
                             size_t count, fcache_error_t *error);

    /* A body in pieces, of about `size_hint` bytes (0: unknown). Nothing is
     * seen by others before commit, whose value has body_count 0. commit and
     * abort both end the writer. */
    fcache_status_t (*begin)(void *self, uint64_t size_hint,
                             fcache_backend_writer_t **out_writer,
                             apr_pool_t *pool, fcache_error_t *error);
    fcache_status_t (*append)(fcache_backend_writer_t *writer,
                              fcache_bytes_t bytes, fcache_error_t *error);
    fcache_status_t (*commit)(fcache_backend_writer_t *writer,
                              const fcache_key_t *key,
                              const fcache_value_t *value, int64_t now_us,
                              fcache_error_t *error);
    void (*abort)(fcache_backend_writer_t *writer);

    fcache_status_t (*list)(void *self, int64_t now_us, fcache_listed_fn fn,
                            void *baton, fcache_error_t *error);
    fcache_status_t (*stats)(void *self, fcache_stats_t *out_stats,
                             fcache_error_t *error);
    /* The largest body it takes, in bytes. */
    uint64_t (*max_object)(void *self);

    /* A caller was answered or not: the hits and misses of stats. One answer may
     * take several gets, so get itself counts neither. */
    void (*count)(void *self, int answered);

    /* Looks through the whole store: OK, or CORRUPT with the first finding. May
     * be asked at any time, also while others use the store. */
    fcache_status_t (*check)(void *self, fcache_error_t *error);

    /* Makes what the store needs to exist, a table say. OK when it is there. */
    fcache_status_t (*setup)(void *self, fcache_error_t *error);

    /* The epoch as the store has it now, with a round trip if it takes one;
     * epoch() answers no less from then on. `until_us` is as for get. */
    fcache_status_t (*sync)(void *self, int64_t *until_us, uint64_t *out_epoch,
                            fcache_error_t *error);
};

/* For cache.c and tests: the vtable and what create made. */
FCACHE_API const fcache_backend_ops_t *
fcache_backend_ops(const fcache_backend_t *backend);
FCACHE_API void *fcache_backend_self(const fcache_backend_t *backend);

#ifdef __cplusplus
}
#endif
#endif
