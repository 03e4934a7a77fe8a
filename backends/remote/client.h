/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_CLIENT_H
#define FCR_CLIENT_H

/*
 * What a remote store has to be able to do. remote.h makes a whole store of it:
 * entries that cannot be forged, purges in O(1), add, touch, soft purge, stats.
 * A client only moves bytes under names, and its answers are not believed.
 *
 * Names are printable ASCII without blanks, at most FCR_NAME_MAX bytes. Values are
 * opaque. All calls may be made by any thread after child_init, take a deadline
 * for all they do, and destroy a connection after any fault on it.
 */

#include "../net/deadline.h"
#include "../net/limits.h"
#include "../net/shared.h"

#include <fcache/backend.h>

#define FCR_NAME_MAX 200

/* At most so many names are fetched at once: an entry, the clock, and two
 * counters for each of everything, its prefix, its namespace and its tags. */
#define FCR_FETCH_MAX 136

/* A tick sets at most so many counters. */
#define FCR_TICK_MAX 96

/* No clock passes this: about the year 2255 in microseconds, and exact also
 * where numbers are doubles. */
#define FCR_CLOCK_MAX (UINT64_C(1) << 53)

/* Of a stored value, so many first bytes tell it from every other. */
#define FCR_STAMP_BYTES 32

/* What fetch found under one name. */
typedef struct fcr_found_t {
    int exists;
    fcache_bytes_t value; /* in the pool */
    uint64_t cas;         /* the client's own, for REPLACE */
} fcr_found_t;

typedef enum fcr_mode_t {
    FCR_SET,    /* whatever is there */
    FCR_ADD,    /* only if nothing is there, else EXISTS */
    FCR_REPLACE /* only if what was fetched is still there, else EXISTS */
} fcr_mode_t;

typedef struct fcr_store_t {
    fcache_bytes_t name;
    const fcache_bytes_t *pieces; /* the value, FCR_STAMP_BYTES at least */
    size_t piece_count;
    fcr_mode_t mode;
    const fcr_found_t *old; /* REPLACE: as fetch gave it */
    int64_t ttl_us;         /* > 0; rounded up to what the server knows */
    int64_t now_us;
} fcr_store_t;

/* A clock that was found missing, or behind what is known of it. */
typedef struct fcr_repair_t {
    fcache_bytes_t home; /* the entry with which it was read */
    uint64_t known;      /* 0: nothing */
} fcr_repair_t;

/*
 * One name of a walk, with its value or without (len 0: fetch it). 0 to go on.
 */
typedef int (*fcr_walk_fn)(void *baton, fcache_bytes_t name,
                           fcache_bytes_t value);

/* What a store tells of itself. */
typedef struct fcr_census_t {
    uint64_t entries, bytes_used, bytes_total, evicted, expired;
} fcr_census_t;

typedef struct fcr_client_ops_t {
    const char *scheme;
    /* Its own defaults, or NULL. */
    const fcn_limits_t *limits;
    /* Options of its own beside those of net, TLS and remote; NULL-terminated. */
    const char *const *options;

    /* No network. `*out_is_local`: nothing leaves this machine. */
    fcache_status_t (*create)(const fcache_backend_conf_t *conf,
                              const fcn_limits_t *limits, void **out_self,
                              int *out_is_local, apr_pool_t *pool,
                              fcache_error_t *error);
    /* Before fork: what all processes share. No connections. */
    fcache_status_t (*open)(void *self, fcn_shared_t *shared,
                            fcache_error_t *error);
    /* In each process. No connection yet either: the first request makes it, so
     * that a store that is down delays no start. */
    fcache_status_t (*child_init)(void *self, apr_pool_t *pool,
                                  fcache_error_t *error);

    /*
     * Reads names[0..count) in one round trip; those that are not there have
     * exists 0. All belong to the entry (or counter) `home`: it itself, if it is
     * among them, and counters, of which the copy counts that lies where it does.
     * What is read of an entry is never newer than what is read of a counter that
     * stands behind it. A reply over max_value() bytes a name is PROTOCOL. OK, or
     * a fault and nothing is believed.
     */
    fcache_status_t (*fetch)(void *self, fcache_bytes_t home,
                             const fcache_bytes_t *names, size_t count,
                             fcr_found_t *out_found, fcn_deadline_t deadline,
                             apr_pool_t *pool, fcache_error_t *error);

    /* As fetch, of counters that are all different, for who has seen the clock: he
     * finds them as the tick of that clock has set them, or further. NULL: fetch
     * does that. */
    fcache_status_t (*fetch_counters)(void *self, fcache_bytes_t home,
                                      const fcache_bytes_t *names, size_t count,
                                      fcr_found_t *out_found,
                                      fcn_deadline_t deadline, apr_pool_t *pool,
                                      fcache_error_t *error);

    /* Which of its clocks, below FCN_CLOCKS, that entry goes by. NULL for a store
     * that has one clock. No I/O. */
    uint32_t (*clock_of)(void *self, fcache_bytes_t home);

    /* OK, EXISTS, TOO_LARGE or a fault. */
    fcache_status_t (*store)(void *self, const fcr_store_t *store,
                             fcn_deadline_t deadline, fcache_error_t *error);

    /* OK, MISS or a fault. */
    fcache_status_t (*remove)(void *self, fcache_bytes_t name,
                              fcn_deadline_t deadline, fcache_error_t *error);

    /*
     * Raises the clock (counter `clock`, decimal text) and sets `counters`, all
     * different, 1 to FCR_TICK_MAX, to its new value, on every server that has a
     * clock of its own. All get the same new value, which is above each of their
     * old ones and at least `floor`: with several servers read first, and raise
     * again those that turn out to be behind.
     * Unless `repair` is NULL the same is done to the clock of its `home` only,
     * and of many who do it at once one does it: a clock that is at least `known`
     * and equal to the counter, of which there is one, has been repaired, and
     * stays as it is.
     * Who has seen the new clock finds no old counter: all change at once, also for
     * fetch_counters, or the counters are set before the clock is raised to their
     * value.
     * Neither has an end. OK when all servers have it; a fault when one has not.
     */
    fcache_status_t (*tick)(void *self, const fcr_repair_t *repair,
                            fcache_bytes_t clock,
                            const fcache_bytes_t *counters, size_t count,
                            uint64_t floor, uint64_t *out_clock,
                            fcn_deadline_t deadline, fcache_error_t *error);

    /*
     * Makes sure that these counters are there with the entry `home`. One that is
     * missing gets the clock's value, as one act: no tick of it may come between
     * the reading of the clock and the setting of the counter. Those that are
     * there count as used. OK, MISS where there is no clock, or a fault. NULL for
     * a store that evicts nothing: what is missing there was never set.
     */
    fcache_status_t (*seed)(void *self, fcache_bytes_t home,
                            fcache_bytes_t clock,
                            const fcache_bytes_t *counters, size_t count,
                            fcn_deadline_t deadline, fcache_error_t *error);

    /* What was read with `home` is not what anybody stored there: it may be a reply
     * to something else, and more of them may follow. Closes what connections
     * there are (fcn_node_flush). At most once a second. NULL: there are none. */
    void (*distrust)(void *self, fcache_bytes_t home);

    /* Every entry's name, maybe some twice; counters (`{fcache}...`) are none. */
    fcache_status_t (*walk)(void *self, fcr_walk_fn fn, void *baton,
                            fcache_error_t *error);
    fcache_status_t (*census)(void *self, fcr_census_t *out_census,
                              fcache_error_t *error);

    /* The largest value it takes. */
    uint64_t (*max_value)(void *self);

    /* Makes what the store needs to exist (a table), or NULL: nothing. */
    fcache_status_t (*setup)(void *self, fcache_error_t *error);
} fcr_client_ops_t;

#endif
