/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_FLEET_H
#define FCMC_FLEET_H

/*
 * The servers of a store.
 *
 * Ejection. While a server's breaker is open its names lie on others, the
 * stand-ins that ring.h names, and when it is back they lie on it again. So an
 * entry may have up to FCMC_CHOICES copies, and an old one may be met again. Why
 * nothing that was purged is served from one:
 *
 *   - Each server has a clock and all counters of its own (remote.h). A clear goes
 *     to all of them, also to those on which a copy is never looked for; an entry
 *     is checked against the clock and the counters of the server it came from.
 *   - A clear that misses a server is a fault to the caller: it is not done. All
 *     the same the clocks of the others have moved on. A server that missed one is
 *     found behind, and all it has from before is gone before any of it is served.
 *   - That needs somebody to look at the others' clocks: a process that was idle, or
 *     has just begun, knows none. So it asks all servers for their clocks before
 *     it believes one that it has not asked yet, or that has failed since. What it
 *     learns is shared (fcn_shared_t).
 *   - A server that lost its clock, by a restart or an eviction, is like one that
 *     is behind.
 *   - Removing a key goes to the home and all stand-ins. If one cannot be asked, that
 *     is a fault: it is not done everywhere.
 *
 * What may be served is an older answer, still fresh and not purged, where a newer
 * one lies on another server.
 */

#include "conn.h"
#include "ring.h"

#include "../net/node.h"

typedef struct fcmc_t fcmc_t;

typedef struct fcmc_server_t {
    fcmc_t *store;
    const fcn_endpoint_t *endpoint;
    fcn_node_t *node;
    _Atomic uint64_t item_max; /* as the server says; 0: not asked yet */
    _Atomic uint32_t faults;   /* so often it failed, or was known to be down */
    _Atomic uint32_t compared; /* faults + 1 when it was compared last */
    _Atomic uint64_t owes;     /* a clear that it missed, or 0; see tick.h */
} fcmc_server_t;

/* Everything below `servers` is immutable after create. */
struct fcmc_t {
    const char *name;
    const fcn_limits_t *limits;
    const fcmc_wire_t *wire;
    fcache_bytes_t credentials; /* "\0user\0password", or empty */
    fcn_tls_t *tls;             /* or NULL */
    uint64_t max_item;          /* as configured; 0: the servers are asked */
    fcmc_ring_t *ring;
    const fcn_endpoint_t *endpoints;
    size_t count;
    fcn_shared_t *shared; /* from open */
    /* from child_init */
    fcn_resolver_t *resolver;
    fcmc_server_t *servers;
};

/* What memcached takes if not told otherwise. */
#define FCMC_ITEM_DEFAULT (UINT64_C(1) << 20)

/* What a server says of itself counts up to this: memory is taken for a value
 * before it has come. More has to be configured. */
#define FCMC_ITEM_BELIEVED (UINT64_C(8) << 20)

/* Of an item, beside the value: header, name, and what chunks cost. */
#define FCMC_ITEM_HEADER 1024

/* In each process; `pool` is its own. No connection yet. */
fcache_status_t fcmc_fleet_join(fcmc_t *store, apr_pool_t *pool,
                                fcache_error_t *error);

/* Where the name lies now. Any thread. */
fcmc_server_t *fcmc_fleet_of(const fcmc_t *store, fcache_bytes_t name);

/* One request and its reply; the connection's deadline and error are set. What
 * it answers decides what becomes of the connection. */
typedef fcache_status_t (*fcmc_talk_fn)(fcmc_conn_t *conn, void *baton);

/* Has `fn` talk to the server, twice if an idle connection turns out to be
 * closed. Any thread. */
fcache_status_t fcmc_talk(fcmc_server_t *server, fcmc_talk_fn fn, void *baton,
                          fcn_deadline_t deadline, fcache_error_t *error);

/* A connection for a listing, in the text protocol, to be destroyed by the
 * caller. */
fcache_status_t fcmc_fleet_connect(fcmc_server_t *server,
                                   const fcmc_wire_t *wire,
                                   fcn_deadline_t deadline,
                                   fcmc_conn_t **out_conn,
                                   fcache_error_t *error);

/* The largest value that all servers take, as far as they were asked. */
uint64_t fcmc_fleet_max_value(const fcmc_t *store);

/* The largest value that this one takes. */
uint64_t fcmc_server_max_value(const fcmc_server_t *server);

#endif
