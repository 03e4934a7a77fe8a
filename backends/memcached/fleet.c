/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

/* ---- connections ---- */

static void item_max_of(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    uint64_t *item_max = baton;
    uint64_t number = 0;
    if (fcache_bytes_equal(name, fcache_str("item_size_max")) &&
        fcmc_number(value, &number) && number > FCMC_ITEM_HEADER) {
        *item_max = number < FCMC_ITEM_BELIEVED ? number : FCMC_ITEM_BELIEVED;
    }
}

/* Something between us and memcached may not know the question: then as usual. */
static fcache_status_t ask_item_max(fcmc_server_t *server, fcmc_conn_t *conn)
{
    uint64_t item_max = FCMC_ITEM_DEFAULT;
    if (server->store->max_item || atomic_load(&server->item_max)) {
        return FCACHE_OK;
    }
    fcache_status_t status =
        conn->wire->stats(conn, "settings", item_max_of, &item_max);
    if (status == FCACHE_OK || status == FCACHE_PROTOCOL) {
        atomic_store(&server->item_max, item_max);
    }
    return status;
}

static fcache_status_t greet(fcmc_server_t *server, fcmc_conn_t *conn)
{
    fcache_bytes_t credentials = server->store->credentials;
    fcache_status_t status =
        credentials.len > 0 ? conn->wire->login(conn, credentials) : FCACHE_OK;
    return status == FCACHE_OK ? ask_item_max(server, conn) : status;
}

static fcache_status_t connect_to(fcmc_server_t *server,
                                  const fcn_address_t *address,
                                  const fcmc_wire_t *wire,
                                  fcn_deadline_t deadline,
                                  fcmc_conn_t **out_conn, fcache_error_t *error)
{
    const fcmc_t *store = server->store;
    fcn_stream_t *stream = NULL;
    fcache_status_t status = fcn_stream_open(
        address, store->tls, server->endpoint->host, deadline, &stream, error);
    if (status != FCACHE_OK) {
        return status;
    }
    *out_conn = fcmc_conn_create(stream, wire, server->endpoint->text,
                                 store->limits->read_us);
    if (!*out_conn) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "%s: no memory for a connection",
                                server->endpoint->text);
    }
    fcmc_conn_begin(*out_conn, deadline, error);
    return FCACHE_OK;
}

static fcache_status_t open_conn(void *baton, const fcn_endpoint_t *endpoint,
                                 const fcn_address_t *address,
                                 fcn_deadline_t deadline, void **out_conn,
                                 fcache_error_t *error)
{
    fcmc_server_t *server = baton;
    fcmc_conn_t *conn = NULL;
    (void)endpoint;
    fcache_status_t status = connect_to(server, address, server->store->wire,
                                        deadline, &conn, error);
    if (status == FCACHE_OK) {
        status = greet(server, conn);
    }
    if (status != FCACHE_OK) {
        fcmc_conn_destroy(conn);
        return status;
    }
    *out_conn = conn;
    return FCACHE_OK;
}

static int is_usable(void *conn)
{
    return fcmc_conn_is_quiet(conn);
}

static void close_conn(void *conn)
{
    fcmc_conn_destroy(conn);
}

static const fcn_conn_ops_t conn_ops = {
    .open = open_conn,
    .is_usable = is_usable,
    .close = close_conn,
};

fcache_status_t fcmc_fleet_connect(fcmc_server_t *server,
                                   const fcmc_wire_t *wire,
                                   fcn_deadline_t deadline,
                                   fcmc_conn_t **out_conn,
                                   fcache_error_t *error)
{
    fcn_address_t address;
    fcache_status_t status = fcn_resolver_address(
        server->store->resolver, server->endpoint, deadline, &address, error);
    return status == FCACHE_OK
               ? connect_to(server, &address, wire, deadline, out_conn, error)
               : status;
}

/* ---- servers ---- */

fcache_status_t fcmc_fleet_join(fcmc_t *store, apr_pool_t *pool,
                                fcache_error_t *error)
{
    fcache_status_t status =
        fcn_resolver_create(store->limits, &store->resolver, pool, error);
    fcmc_server_t *servers = apr_pcalloc(pool, store->count * sizeof(*servers));
    for (size_t i = 0; i < store->count && status == FCACHE_OK; i++) {
        servers[i].store = store;
        servers[i].endpoint = &store->endpoints[i];
        status = fcn_node_create(&store->endpoints[i], store->limits,
                                 store->shared, store->resolver, &conn_ops,
                                 &servers[i], &servers[i].node, pool, error);
    }
    store->servers = status == FCACHE_OK ? servers : NULL;
    return status;
}

fcmc_server_t *fcmc_fleet_of(const fcmc_t *store, fcache_bytes_t name)
{
    size_t choices[FCMC_CHOICES];
    fcmc_server_t *home = &store->servers[fcmc_ring_home(store->ring, name)];
    if (store->count == 1 || fcn_node_up_or_doubt(home->node)) {
        return home;
    }
    atomic_fetch_add(&home->faults, 1);
    size_t count = fcmc_ring_choices(store->ring, name, choices);
    for (size_t i = 1; i < count; i++) {
        if (fcn_node_up_or_doubt(store->servers[choices[i]].node)) {
            return &store->servers[choices[i]];
        }
    }
    return home;
}

fcache_status_t fcmc_talk(fcmc_server_t *server, fcmc_talk_fn fn, void *baton,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    fcn_lease_t lease;
    for (;;) {
        fcache_status_t status =
            fcn_node_take(server->node, deadline, &lease, error);
        if (status != FCACHE_OK) {
            /* all connections being in use says nothing about the server */
            int is_away =
                status != FCACHE_TIMEOUT || !fcn_node_up_or_doubt(server->node);
            atomic_fetch_add(&server->faults, (uint32_t)is_away);
            return status;
        }
        fcmc_conn_t *conn = lease.conn;
        fcmc_conn_begin(conn, deadline, error);
        status = fn(conn, baton);
        if (status == FCACHE_UNAVAILABLE && lease.reused && !conn->answered &&
            fcn_node_may_retry(server->node, &lease)) {
            continue;
        }
        if (fcache_status_is_fault(status)) {
            atomic_fetch_add(&server->faults, 1);
        }
        fcn_node_give(server->node, &lease, status);
        return status;
    }
}

/* ---- sizes ---- */

static uint64_t value_of(const fcmc_t *store, uint64_t asked)
{
    uint64_t known = asked ? asked : FCMC_ITEM_DEFAULT;
    return (store->max_item ? store->max_item : known) - FCMC_ITEM_HEADER;
}

uint64_t fcmc_server_max_value(const fcmc_server_t *server)
{
    return value_of(server->store, atomic_load(&server->item_max));
}

uint64_t fcmc_fleet_max_value(const fcmc_t *store)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < store->count && store->servers; i++) {
        uint64_t max_value = fcmc_server_max_value(&store->servers[i]);
        least = max_value < least ? max_value : least;
    }
    return store->servers ? least : value_of(store, 0);
}
