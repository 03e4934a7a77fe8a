/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_RING_H
#define FCMC_RING_H

/*
 * Which server a name lies on: ketama as libmemcached does it with
 * MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED and equal weights (MD5, 160 points a
 * server), so other clients of that kind look where this one puts. A server more
 * or less moves only its own share of the names.
 */

#include "../net/address.h"

/* More would share breakers, and libmemcached aborts on more than 100. */
#define FCMC_SERVERS_MAX 64

/* A name's own server and those that stand in for it. */
#define FCMC_CHOICES 3

typedef struct fcmc_ring_t fcmc_ring_t;

/* In the pool. BAD_CONFIG for a server that libmemcached does not take. */
fcache_status_t fcmc_ring_create(const fcn_endpoint_t *endpoints, size_t count,
                                 fcmc_ring_t **out_ring, apr_pool_t *pool,
                                 fcache_error_t *error);

/* The index of the name's own server. Any thread. */
size_t fcmc_ring_home(const fcmc_ring_t *ring, fcache_bytes_t name);

/* The home and, after it, different servers that stand in for it while it is
 * down; the same for all who have this list of servers. Their number. Any
 * thread. */
size_t fcmc_ring_choices(const fcmc_ring_t *ring, fcache_bytes_t name,
                         size_t out_choices[FCMC_CHOICES]);

#endif
