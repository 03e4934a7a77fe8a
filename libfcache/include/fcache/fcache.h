/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_H
#define FCACHE_H

/*
 * libfcache on one screen: requests and calls become keys, values become bytes,
 * bytes become entries in a store.
 *
 *   fcache_options_t options = {.store = "memory:?size=64M", .prefix = "app"};
 *   fcache_create(&options, &cache, pool, &error);     // once
 *
 * Results of functions (call.h), typed (shape.h), one computing for all (flight.h):
 *
 *   const fcache_arg_t args[] = {fcache_arg_int(42)};
 *   fcache_call(cache, &user_by_id, args, 1, &env, &user, NULL, pool, &error);
 *
 * Step by step:
 *
 *   fcache_tuple_t *tuple = fcache_tuple_create(pool);
 *   fcache_tuple_add(tuple, "user", fcache_str("42"));
 *   fcache_key_from_tuple(tuple, fcache_str("app"), fcache_str("users"), &key,
 *                         pool, &error);
 *   if (fcache_get(cache, &key, now, &value, NULL, pool, &error)
 *       != FCACHE_OK) {
 *       epoch = fcache_epoch(cache);                   // before computing
 *       value = compute();
 *       fcache_put(cache, &key, value, 60, tags, epoch, now, &error);
 *   }
 *   fcache_scope_t scope = {.kind = FCACHE_SCOPE_NAMESPACE,
 *                           .prefix = prefix, .ns = ns};
 *   fcache_clear(cache, &scope, 1, &error);            // O(1)
 *
 * For HTTP: fcache_admit -> fcache_key_build -> fcache_lookup -> fcache_decide,
 * then on the origin's answer fcache_judge -> fcache_writer_*.
 *
 * Nothing here reads a clock, logs, or keeps state outside of what you pass:
 * time comes in as microseconds since the epoch, trouble goes out as a status
 * and a sentence.
 */

#include <fcache/args.h>
#include <fcache/backend.h>
#include <fcache/bytes.h>
#include <fcache/cache.h>
#include <fcache/cache_status.h>
#include <fcache/call.h>
#include <fcache/coder.h>
#include <fcache/entry.h>
#include <fcache/flight.h>
#include <fcache/http.h>
#include <fcache/key.h>
#include <fcache/policy.h>
#include <fcache/purge.h>
#include <fcache/range.h>
#include <fcache/shape.h>
#include <fcache/stats.h>
#include <fcache/status.h>
#include <fcache/tags.h>
#include <fcache/url.h>

#endif
