/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_REMOTE_H
#define FCR_REMOTE_H

/*
 * A store made of a client (client.h). A tour, file by file:
 *
 *   remote.c    options, life; the rows of fcache/backend.h are in these:
 *   reader.c    get, and the clock for those who only compute
 *   writer.c    put, add, del, touch
 *   admin.c     clear, stats, setup
 *   list.c      list
 *   look.c      an entry fetched and judged, which all of them begin with
 *   purge.c     the invalidation clock, and what it says of a record
 *   counters.c  the names of its counters, and which are known to exist
 *   memo.c      which entries were found valid at which clock
 *   protect.h   an entry as sealed bytes. Nothing is parsed before it is verified.
 *
 * Invalidation. The store has a clock, a number that every clear raises, and a
 * counter for every scope, which holds the clock's value of when it was cleared. A record bears the clock of before its value was computed, its epoch. A
 * get reads record and clock in one round trip. An epoch not below the clock:
 * nothing was cleared since, the record is good. Else the counters of its scopes
 * (everything, its prefix, its namespace, its tags; hard and soft) are read, a
 * second round trip, and it is gone if one of the hard ones is above its epoch.
 * What was found is remembered for that clock, so that the second trip is made
 * once per entry, process and clear. A purge is seen by all from then on at once.
 *
 * Clocks are microseconds since the epoch wherever they move: a tick sets them to
 * the time, or one further if they are there already. A clock that was lost and
 * begins anew is so above all that it was before.
 *
 * A clock that is missing (evicted, flushed) or below the highest seen (failover,
 * restore) means that purges may have been lost: everything older is gone, by a
 * tick of the counter of everything. Of all who find it so one ticks: a clock that
 * is the same as that counter, and not below what they know, has been repaired, and
 * what others put there since is not lost again. So it is after a clear that failed: the store
 * may not have it, and is found behind when it is back. One that is years ahead of
 * the time is none of ours: a fault, and not remembered, as clocks never fall.
 *
 * Lost counters. A store may evict any of them, so one that is missing may have
 * been anything: what it judges is gone, or stale for a soft one. So that only those
 * that were lost are missing, a put makes those of its record with the value of the
 * clock, as one act with reading it (`seed` of client.h), so that none is below the
 * last clear. This server remembers for an hour which ones it saw. Clocks and
 * counters have no end; tags share a bounded number of them.
 *
 * Names. Entries lie under prefix:namespace:digest. The clock and the counters are
 * `{fcache}clock` and `{fcache}KIND:DIGEST`, which Redis Cluster keeps on one node.
 */

#include "client.h"

/* The store of that client: fill a fcache_backend_ops_t with these, see
 * redis/redis.c for how. `self` is what fcr_create made. */
fcache_status_t fcr_create(const fcr_client_ops_t *client,
                           const fcache_backend_conf_t *conf, void **out_self,
                           apr_pool_t *pool, fcache_error_t *error);

/*
 * The rows that do not depend on the client. A store's vtable is
 *
 *   static fcache_status_t create(conf, out_self, pool, error)
 *   {
 *       return fcr_create(&client, conf, out_self, pool, error);
 *   }
 *   const fcache_backend_ops_t fcache_redis_ops = FCR_BACKEND_OPS("redis",
 *                                                                 create);
 */
fcache_status_t fcr_open(void *self, apr_pool_t *retain_pool,
                         fcache_error_t *error);
fcache_status_t fcr_child_init(void *self, apr_pool_t *pool,
                               fcache_error_t *error);
uint64_t fcr_epoch(void *self);
fcache_status_t fcr_get(void *self, const fcache_key_t *key, int64_t now_us,
                        int64_t *until_us, fcache_item_t *out_item,
                        apr_pool_t *pool, fcache_error_t *error);
fcache_status_t fcr_put(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        fcache_error_t *error);
fcache_status_t fcr_add(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        int64_t *until_us, fcache_error_t *error);
fcache_status_t fcr_del(void *self, const fcache_key_t *key, int64_t now_us,
                        fcache_error_t *error);
fcache_status_t fcr_touch(void *self, const fcache_key_t *key, int64_t dead_us,
                          int64_t now_us, fcache_error_t *error);
fcache_status_t fcr_clear(void *self, const fcache_scope_t *scopes,
                          size_t count, fcache_error_t *error);
fcache_status_t fcr_list(void *self, int64_t now_us, fcache_listed_fn fn,
                         void *baton, fcache_error_t *error);
fcache_status_t fcr_stats(void *self, fcache_stats_t *out_stats,
                          fcache_error_t *error);
uint64_t fcr_max_object(void *self);
void fcr_count(void *self, int answered);
fcache_status_t fcr_setup(void *self, fcache_error_t *error);

/* For a tier in front of it: the clock as it is now, one round trip. */
fcache_status_t fcr_sync(void *self, int64_t *until_us, uint64_t *out_clock,
                         fcache_error_t *error);

#define FCR_BACKEND_OPS(scheme_text, create_fn)                                \
    {                                                                          \
        .abi = FCACHE_BACKEND_ABI, .scheme = (scheme_text),                    \
        .flags = FCACHE_BACKEND_REMOTE, .create = (create_fn),                 \
        .open = fcr_open, .child_init = fcr_child_init, .epoch = fcr_epoch,    \
        .get = fcr_get, .put = fcr_put, .add = fcr_add, .del = fcr_del,        \
        .touch = fcr_touch, .clear = fcr_clear, .list = fcr_list,              \
        .stats = fcr_stats, .max_object = fcr_max_object, .count = fcr_count,  \
        .setup = fcr_setup, .sync = fcr_sync                                   \
    }

#endif
