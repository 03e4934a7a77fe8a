/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NET_RIG_H
#define TESTS_NET_RIG_H

/* A node with real connections to a scripted server. */

#include "peer.h"
#include "pool.h"

#include <net/node.h>

typedef struct rig_t {
    apr_pool_t *pool;
    peer_t peer;
    fcn_endpoint_t endpoint;
    int64_t retries; /* the option; 0: as by default; less: none */
    fcn_limits_t limits;
    fcn_shared_t *shared;
    fcn_resolver_t *resolver;
    fcn_node_t *node;
    _Atomic int tried, opened, closed;
} rig_t;

/* What the node leases: knows its rig, to count. */
typedef struct wire_t {
    rig_t *rig;
    fcn_stream_t *stream;
} wire_t;

static inline fcache_status_t wire_open(void *baton,
                                        const fcn_endpoint_t *endpoint,
                                        const fcn_address_t *address,
                                        fcn_deadline_t deadline,
                                        void **out_conn, fcache_error_t *error)
{
    rig_t *rig = baton;
    wire_t wire = {.rig = rig};
    atomic_fetch_add(&rig->tried, 1);
    fcache_status_t status = fcn_stream_open(address, NULL, endpoint->host,
                                             deadline, &wire.stream, error);
    if (status == FCACHE_OK) {
        wire_t *made = malloc(sizeof(*made));
        assert_non_null(made);
        *made = wire;
        *out_conn = made;
        atomic_fetch_add(&rig->opened, 1);
    }
    return status;
}

static inline int wire_is_usable(void *conn)
{
    return fcn_stream_is_quiet(((wire_t *)conn)->stream);
}

static inline void wire_close(void *conn)
{
    wire_t *wire = conn;
    atomic_fetch_add(&wire->rig->closed, 1);
    fcn_stream_close(wire->stream);
    free(wire);
}

static const fcn_conn_ops_t wire_ops = {
    .open = wire_open, .is_usable = wire_is_usable, .close = wire_close};

/* Patient by default, as machines that test are slow. */
static inline void rig_up(rig_t *rig, const char *host, int has_peer)
{
    char text[64];
    apr_pool_create(&rig->pool, NULL);
    assert_int_equal(fcn_limits_parse(NULL, NULL, &rig->limits, NULL),
                     FCACHE_OK);
    if (rig->retries) {
        rig->limits.retries = rig->retries > 0 ? rig->retries : 0;
    }
    rig->limits.connect_us = 60 * S;
    rig->limits.wait_us = 60 * S;
    rig->limits.resolve_us = 3600 * S;
    if (has_peer) {
        peer_start(&rig->peer, NULL);
    } else {
        peer_listen(&rig->peer, NULL, 1);
        close(rig->peer.listen_fd);
    }
    snprintf(text, sizeof(text), "%s:%u", host, peer_port(&rig->peer));
    assert_int_equal(
        fcn_endpoint_parse(text, 1, &rig->endpoint, rig->pool, NULL),
        FCACHE_OK);
    assert_int_equal(fcn_shared_open("rig", rig->pool, &rig->shared, NULL),
                     FCACHE_OK);
    assert_int_equal(
        fcn_resolver_create(&rig->limits, &rig->resolver, rig->pool, NULL),
        FCACHE_OK);
    assert_int_equal(fcn_node_create(&rig->endpoint, &rig->limits, rig->shared,
                                     rig->resolver, &wire_ops, rig, &rig->node,
                                     rig->pool, NULL),
                     FCACHE_OK);
}

/* All that was opened is closed in the end. */
static inline void rig_down(rig_t *rig)
{
    apr_pool_destroy(rig->pool);
    assert_int_equal(rig->opened, rig->closed);
    if (rig->peer.stop[1]) {
        peer_stop(&rig->peer);
    }
}

static inline fcache_status_t take(rig_t *rig, fcn_lease_t *lease)
{
    return fcn_node_take(rig->node, fcn_deadline_in(60 * S), lease, NULL);
}

static inline fcn_lease_t take_ok(rig_t *rig)
{
    fcn_lease_t lease;
    assert_int_equal(take(rig, &lease), FCACHE_OK);
    return lease;
}

/* A number there and back: 0 unless it is the same. */
static inline int ask(const fcn_lease_t *lease, uint64_t number)
{
    uint64_t back = 0;
    size_t have = 0;
    fcn_stream_t *stream = ((wire_t *)lease->conn)->stream;
    fcn_deadline_t deadline = fcn_deadline_in(60 * S);
    const fcache_bytes_t piece = fcache_bytes(&number, sizeof(number));
    if (fcn_stream_write(stream, &piece, 1, deadline, NULL) != FCACHE_OK) {
        return 0;
    }
    while (have < sizeof(back)) {
        size_t len = 0;
        if (fcn_stream_read(stream, (char *)&back + have, sizeof(back) - have,
                            &len, deadline, NULL) != FCACHE_OK) {
            return 0;
        }
        have += len;
    }
    return back == number;
}

static inline fcache_stats_t rig_stats(const rig_t *rig)
{
    fcache_stats_t stats = {0};
    fcn_shared_stats(rig->shared, &stats);
    return stats;
}

#endif
