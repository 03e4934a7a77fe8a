/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_DISCOVER_H
#define FCRD_DISCOVER_H

/* Where the servers are: asked of sentinels, or of servers of the cluster. */

#include "route.h"

/* In the process: nodes for the sentinels, if there are any. */
fcache_status_t fcrd_sentinels_init(fcrd_t *self, fcn_resolver_t *resolver,
                                    apr_pool_t *pool, fcache_error_t *error);

/* Learns the map if it is unknown or in doubt. OK when there is one to go by. */
fcache_status_t fcrd_discover(fcrd_t *self, fcn_deadline_t deadline,
                              apr_pool_t *pool, fcache_error_t *error);

/*
 * Takes what CLUSTER SLOTS replied into the map: [first, last, [host, port, ...],
 * replicas...] for each range. Hosts may be missing: that of `asked` then. Ranges
 * that make no sense are passed over. PROTOCOL when there was no other.
 */
fcache_status_t fcrd_slots_take(fcrd_map_t *map, const fcrd_server_t *asked,
                                const fcrd_reply_t *reply,
                                fcache_error_t *error);

#endif
