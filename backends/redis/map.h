/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_MAP_H
#define FCRD_MAP_H

/*
 * Which server of this process holds which slot. One server, or the master that
 * sentinels know, holds all of them; in a cluster each holds its share. The map
 * is learnt, and learnt anew when a server turns out to be gone or another one;
 * by one thread at a time, not too often, while the others go by the old one.
 *
 * Its mutex is held for moments, never across I/O. Any thread.
 */

#include "conf.h"
#include "slot.h"

#include <pthread.h>

#define FCRD_SERVERS_MAX    250 /* that a process knows at a time */
#define FCRD_LEARN_EVERY_US 500000

typedef struct fcrd_server_t {
    fcn_node_t *node; /* NULL: a free place */
    fcn_endpoint_t endpoint;
    apr_pool_t *pool;
    unsigned users; /* that hold it between take and release */
} fcrd_server_t;

typedef struct fcrd_map_t {
    const fcrd_conf_t *conf;
    fcn_shared_t *shared;
    fcn_resolver_t *resolver;
    apr_pool_t *pool;
    pthread_mutex_t mutex;
    pthread_cond_t learnt;
    /* below: under the mutex */
    int is_known, is_stale, is_learning;
    int64_t next_us; /* not learnt before */
    unsigned turn;   /* of whom to learn from */
    uint8_t owner[FCRD_SLOTS];
    fcrd_server_t servers[FCRD_SERVERS_MAX];
} fcrd_map_t;

/* In the process. The seeds of a single server or of a cluster are in it, with
 * all slots on the only one. Destroyed with the pool. */
fcache_status_t fcrd_map_init(fcrd_map_t *map, const fcrd_conf_t *conf,
                              fcn_shared_t *shared, fcn_resolver_t *resolver,
                              apr_pool_t *pool, fcache_error_t *error);

/* The server of a slot, NULL when nobody is known to hold it. Release it. */
fcrd_server_t *fcrd_map_take(fcrd_map_t *map, unsigned slot);

/* The server at that place, below FCRD_SERVERS_MAX, or NULL. Release it. */
fcrd_server_t *fcrd_map_take_at(fcrd_map_t *map, size_t place);

/* Does it hold any slot? */
int fcrd_map_is_owner(fcrd_map_t *map, const fcrd_server_t *server);

/* The server at host and port, as another server named it: made if need be.
 * Release it. UNAVAILABLE when there are too many or it may not be used. */
fcache_status_t fcrd_map_take_named(fcrd_map_t *map, fcache_bytes_t host,
                                    uint16_t port, fcrd_server_t **out_server,
                                    fcache_error_t *error);

/* NULL is fine. */
void fcrd_map_release(fcrd_map_t *map, fcrd_server_t *server);

/* From now on it holds slots [first, last]. */
void fcrd_map_assign(fcrd_map_t *map, unsigned first, unsigned last,
                     const fcrd_server_t *server);

/* The map is wrong somewhere: learn it anew when it is time. */
void fcrd_map_doubt(fcrd_map_t *map);

/* ---- learning ------------------------------------------------------------ */

typedef enum fcrd_learning_t {
    FCRD_KNOWN,   /* go by the map as it is */
    FCRD_LEARN,   /* the caller learns it, then calls fcrd_map_learnt */
    FCRD_IGNORANT /* nobody knows, and it is not time to ask again */
} fcrd_learning_t;

/* What is to be done first. Waits until the deadline for another thread only
 * while nothing is known. `*out_turn`: another number each time. */
fcrd_learning_t fcrd_map_begin(fcrd_map_t *map, fcn_deadline_t deadline,
                               unsigned *out_turn);

/* It was, or not. Is there a map to go by? */
int fcrd_map_learnt(fcrd_map_t *map, int ok);

#endif
