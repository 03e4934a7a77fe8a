/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "options.h"
#include "seed.h"
#include "tick.h"
#include "walk.h"

/* Only what no protocol could take for anything else leaves the process (T26). */
static fcache_status_t check_name(fcache_bytes_t name, fcache_error_t *error)
{
    int is_good = name.len > 0 && name.len <= FCR_NAME_MAX;
    for (size_t i = 0; i < name.len && is_good; i++) {
        is_good = name.ptr[i] > ' ' && name.ptr[i] <= '~';
    }
    return is_good ? FCACHE_OK
                   : fcache_error_set(error, FCACHE_BAD_INPUT,
                                      "memcached: not a name");
}

static fcache_status_t check(const fcmc_t *store, fcache_bytes_t name,
                             fcache_error_t *error)
{
    return store->servers
               ? check_name(name, error)
               : fcache_error_set(error, FCACHE_UNAVAILABLE,
                                  "store %s: this process has not joined it",
                                  store->name);
}

/* ---- fetch ---- */

typedef struct fetch_t {
    const fcache_bytes_t *names;
    size_t count;
    uint64_t max_value;
    fcr_found_t *found;
    apr_pool_t *pool;
} fetch_t;

static fcache_status_t talk_fetch(fcmc_conn_t *conn, void *baton)
{
    fetch_t *fetch = baton;
    return conn->wire->get(conn, fetch->names, fetch->count, fetch->max_value,
                           fetch->found, fetch->pool);
}

static fcache_status_t client_fetch(void *self, fcache_bytes_t home,
                                    const fcache_bytes_t *names, size_t count,
                                    fcr_found_t *out_found,
                                    fcn_deadline_t deadline, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    fcmc_t *store = self;
    fcache_status_t status = check(store, home, error);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = check_name(names[i], error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    fcmc_server_t *server = fcmc_fleet_of(store, home);
    fcmc_compare(server, deadline);
    fetch_t fetch = {names, count, fcmc_server_max_value(server), out_found,
                     pool};
    status = fcmc_talk(server, talk_fetch, &fetch, deadline, error);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        fcmc_clock_found(server, names[i], &out_found[i]);
        fcmc_counter_found(names[i], &out_found[i]);
    }
    return status;
}

static uint32_t client_clock_of(void *self, fcache_bytes_t home)
{
    fcmc_t *store = self;
    return check(store, home, NULL) == FCACHE_OK
               ? (uint32_t)(fcmc_fleet_of(store, home) - store->servers)
               : 0;
}

static void client_distrust(void *self, fcache_bytes_t home)
{
    fcmc_t *store = self;
    if (check(store, home, NULL) == FCACHE_OK) {
        fcn_node_flush(fcmc_fleet_of(store, home)->node);
    }
}

/* ---- store, remove ---- */

static fcache_status_t talk_store(fcmc_conn_t *conn, void *baton)
{
    return conn->wire->put(conn, baton, 1);
}

static fcache_status_t too_large(const fcmc_server_t *server, size_t len,
                                 fcache_error_t *error)
{
    return fcache_error_set(
        error, FCACHE_TOO_LARGE, "%s takes %llu bytes (its option -I), not %zu",
        server->endpoint->text,
        (unsigned long long)fcmc_server_max_value(server), len);
}

static fcache_status_t client_store(void *self, const fcr_store_t *item,
                                    fcn_deadline_t deadline,
                                    fcache_error_t *error)
{
    fcmc_t *store = self;
    fcache_status_t status = check(store, item->name, error);
    if (status != FCACHE_OK) {
        return status;
    }
    fcmc_put_t put = {
        .mode = item->mode,
        .name = item->name,
        .pieces = item->pieces,
        .piece_count = item->piece_count,
        .cas = item->mode == FCR_REPLACE ? item->old->cas : 0,
        .exptime = fcmc_exptime(item->ttl_us),
    };
    for (size_t i = 0; i < item->piece_count; i++) {
        put.len += item->pieces[i].len;
    }
    if (item->mode == FCR_REPLACE && !put.cas) {
        return fcache_error_set(error, FCACHE_UNSUPPORTED,
                                "memcached: the server runs without cas (-C)");
    }
    fcmc_server_t *server = fcmc_fleet_of(store, item->name);
    return put.len > fcmc_server_max_value(server)
               ? too_large(server, put.len, error)
               : fcmc_talk(server, talk_store, &put, deadline, error);
}

static fcache_status_t talk_remove(fcmc_conn_t *conn, void *baton)
{
    return conn->wire->remove(conn, *(const fcache_bytes_t *)baton);
}

/* At home and where it may lie from when the home was down. */
static fcache_status_t client_remove(void *self, fcache_bytes_t name,
                                     fcn_deadline_t deadline,
                                     fcache_error_t *error)
{
    fcmc_t *store = self;
    size_t choices[FCMC_CHOICES];
    fcache_status_t fault = FCACHE_OK, answer = FCACHE_MISS;
    fcache_status_t status = check(store, name, error);
    if (status != FCACHE_OK) {
        return status;
    }
    size_t count = fcmc_ring_choices(store->ring, name, choices);
    for (size_t i = 0; i < count; i++) {
        status = fcmc_talk(&store->servers[choices[i]], talk_remove, &name,
                           deadline, error);
        if (fcache_status_is_fault(status)) {
            fault = status;
        } else if (status == FCACHE_OK) {
            answer = FCACHE_OK;
        }
    }
    return fault != FCACHE_OK ? fault : answer;
}

/* ---- the rest ---- */

static fcache_status_t
client_tick(void *self, const fcr_repair_t *repair, fcache_bytes_t clock,
            const fcache_bytes_t *counters, size_t count, uint64_t floor,
            uint64_t *out_clock, fcn_deadline_t deadline, fcache_error_t *error)
{
    fcmc_t *store = self;
    fcache_status_t status = check(store, clock, error);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = check_name(counters[i], error);
    }
    if (status == FCACHE_OK && repair) {
        status = check_name(repair->home, error);
    }
    return status == FCACHE_OK
               ? fcmc_tick(store, repair, clock, counters, count, floor,
                           out_clock, deadline, error)
               : status;
}

static fcache_status_t client_seed(void *self, fcache_bytes_t home,
                                   fcache_bytes_t clock,
                                   const fcache_bytes_t *counters, size_t count,
                                   fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    fcmc_t *store = self;
    fcache_status_t status = check(store, home, error);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = check_name(counters[i], error);
    }
    return status == FCACHE_OK ? fcmc_seed(fcmc_fleet_of(store, home), clock,
                                           counters, count, deadline, error)
                               : status;
}

static fcache_status_t client_walk(void *self, fcr_walk_fn fn, void *baton,
                                   fcache_error_t *error)
{
    fcache_status_t status = check(self, fcache_str("-"), error);
    return status == FCACHE_OK ? fcmc_walk(self, fn, baton, error) : status;
}

static fcache_status_t client_census(void *self, fcr_census_t *out_census,
                                     fcache_error_t *error)
{
    fcache_status_t status = check(self, fcache_str("-"), error);
    return status == FCACHE_OK ? fcmc_census(self, out_census, error) : status;
}

static uint64_t client_max_value(void *self)
{
    return fcmc_fleet_max_value(self);
}

static fcache_status_t client_create(const fcache_backend_conf_t *conf,
                                     const fcn_limits_t *limits,
                                     void **out_self, int *out_is_local,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcmc_t *store = apr_pcalloc(pool, sizeof(*store));
    store->name = conf->name;
    store->limits = limits;
    fcache_status_t status = fcmc_options_read(conf, store, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    *out_is_local = 1;
    for (size_t i = 0; i < store->count; i++) {
        *out_is_local &= fcn_endpoint_is_local(&store->endpoints[i]);
    }
    *out_self = store;
    return fcmc_ring_create(store->endpoints, store->count, &store->ring, pool,
                            error);
}

static fcache_status_t client_open(void *self, fcn_shared_t *shared,
                                   fcache_error_t *error)
{
    (void)error;
    ((fcmc_t *)self)->shared = shared;
    return FCACHE_OK;
}

static fcache_status_t client_child_init(void *self, apr_pool_t *pool,
                                         fcache_error_t *error)
{
    return fcmc_fleet_join(self, pool, error);
}

const fcr_client_ops_t fcmc_client = {
    .scheme = "memcached",
    .options = fcmc_options,
    .create = client_create,
    .open = client_open,
    .child_init = client_child_init,
    .fetch = client_fetch,
    .clock_of = client_clock_of,
    .distrust = client_distrust,
    .store = client_store,
    .remove = client_remove,
    .tick = client_tick,
    .seed = client_seed,
    .walk = client_walk,
    .census = client_census,
    .max_value = client_max_value,
};
