/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_NODE_H
#define FCN_NODE_H

/*
 * A server that this process uses: its connections, and its breaker, which all
 * processes share. A process forked later never uses or closes a connection of
 * its parent's. A connection is whatever the store's client makes of one (a
 * stream with a reader, a memcached_st, a CURL handle).
 *
 * Take a connection, use it for one request and its reply, give it back with
 * what came of it. Any fault destroys it: a connection on which a reply may still
 * come would hand it to somebody else.
 */

#include "address.h"
#include "deadline.h"
#include "limits.h"
#include "shared.h"

typedef struct fcn_node_t fcn_node_t;

typedef struct fcn_conn_ops_t {
    /* Opens one; on the heap. `address` is NULL when ops say resolves_itself. */
    fcache_status_t (*open)(void *baton, const fcn_endpoint_t *endpoint,
                            const fcn_address_t *address,
                            fcn_deadline_t deadline, void **out_conn,
                            fcache_error_t *error);
    /* Could an idle one still be used? NULL: yes. Does not wait. */
    int (*is_usable)(void *conn);
    void (*close)(void *conn);
    int resolves_itself;
} fcn_conn_ops_t;

/* In the process: after fork. Endpoint, limits and shared are borrowed. Its
 * connections are closed with the pool. Create from one thread. */
fcache_status_t fcn_node_create(const fcn_endpoint_t *endpoint,
                                const fcn_limits_t *limits,
                                fcn_shared_t *shared, fcn_resolver_t *resolver,
                                const fcn_conn_ops_t *ops, void *baton,
                                fcn_node_t **out_node, apr_pool_t *pool,
                                fcache_error_t *error);

/* Would it be asked now, or is its breaker open? For choosing another. The name of
 * one that is down is doubted (fcn_resolver_doubt). Any thread. */
int fcn_node_up_or_doubt(const fcn_node_t *node);

typedef struct fcn_lease_t {
    void *conn;
    int reused; /* an idle one: the peer may have closed it unseen */
    fcn_gate_t gate;
    int64_t until_us, taken_us;
    uint32_t flushes;
} fcn_lease_t;

/* UNAVAILABLE at once while the breaker is open, which is counted as skipped;
 * TIMEOUT after wait_us without a free one; else what open says of the last of
 * the name's addresses. Nothing is leased unless OK. Any thread. */
fcache_status_t fcn_node_take(fcn_node_t *node, fcn_deadline_t deadline,
                              fcn_lease_t *out_lease, fcache_error_t *error);

/* Gives it back, once. A fault closes it, and counts against the server if
 * fcn_outcome_of says so; any other status keeps it. Times the round trip. */
void fcn_node_give(fcn_node_t *node, fcn_lease_t *lease,
                   fcache_status_t status);

/*
 * A reused connection failed before any byte of a reply: may it be tried once
 * more on a new one? If so, 1: the lease was given back as one that was merely
 * closed, and the idle ones, likely closed as well, are dropped. Else 0, and the
 * lease is still to be given. At most `retries` in 100 requests, with ten to spare.
 */
int fcn_node_may_retry(fcn_node_t *node, fcn_lease_t *lease);

/*
 * For ops whose open leaves it to the first request to connect: `address` could
 * not be connected to. It is avoided; may another of the name's be tried? If so,
 * 1: the lease was given back as one that came to nothing. Else 0, as `tried`
 * addresses are all that there are or the deadline is over, and the lease is still
 * to be given.
 */
int fcn_node_may_move(fcn_node_t *node, fcn_lease_t *lease,
                      const fcn_address_t *address, int tried,
                      fcn_deadline_t deadline);

/* Closes the idle connections; those in use are closed when given back. */
void fcn_node_flush(fcn_node_t *node);

#endif
