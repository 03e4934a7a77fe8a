/* SPDX-License-Identifier: Apache-2.0 */
#include "discover.h"

#include "error.h"

#define CANDIDATES_MAX 3 /* servers that are asked for the map, in a row */

/* ---- cluster ------------------------------------------------------------- */

static int is_slot(const fcrd_reply_t *reply)
{
    return reply->type == FCRD_INTEGER && reply->integer >= 0 &&
           reply->integer < FCRD_SLOTS;
}

/* Of a range as CLUSTER SLOTS lists it; 0 for what is none. */
static int take_range(fcrd_map_t *map, const fcrd_server_t *asked,
                      const fcrd_reply_t *range, fcache_error_t *error)
{
    if (range->type != FCRD_ARRAY || range->count < 3) {
        return 0;
    }
    const fcrd_reply_t *first = &range->items[0];
    const fcrd_reply_t *last = &range->items[1];
    const fcrd_reply_t *master = &range->items[2];
    if (!is_slot(first) || !is_slot(last) || first->integer > last->integer ||
        master->type != FCRD_ARRAY || master->count < 2) {
        return 0;
    }
    const fcrd_reply_t *host = &master->items[0];
    const fcrd_reply_t *port = &master->items[1];
    fcrd_server_t *server = NULL;
    if ((host->type != FCRD_STRING && host->type != FCRD_NIL) ||
        port->type != FCRD_INTEGER || port->integer < 1 ||
        port->integer > 65535) {
        return 0;
    }
    fcache_bytes_t name =
        host->text.len > 0 ? host->text : fcache_str(asked->endpoint.host);
    if (fcrd_map_take_named(map, name, (uint16_t)port->integer, &server,
                            error) != FCACHE_OK) {
        return 0;
    }
    fcrd_map_assign(map, (unsigned)first->integer, (unsigned)last->integer,
                    server);
    fcrd_map_release(map, server);
    return 1;
}

fcache_status_t fcrd_slots_take(fcrd_map_t *map, const fcrd_server_t *asked,
                                const fcrd_reply_t *reply,
                                fcache_error_t *error)
{
    size_t taken = 0;
    fcache_error_set(error, FCACHE_PROTOCOL, "server %s knows no slots",
                     asked->endpoint.text);
    for (size_t i = 0; i < reply->count; i++) {
        taken += take_range(map, asked, &reply->items[i], error) ? 1 : 0;
    }
    return taken > 0 ? FCACHE_OK : FCACHE_PROTOCOL;
}

static fcache_status_t learn_cluster(fcrd_t *self, unsigned turn,
                                     fcn_deadline_t deadline, apr_pool_t *pool,
                                     fcache_error_t *error)
{
    static const char *const words[] = {"CLUSTER", "SLOTS", NULL};
    fcache_status_t status = fcache_error_set(
        error, FCACHE_UNAVAILABLE, "no server of the cluster can be asked");
    int asked = 0;
    for (size_t i = 0;
         i < FCRD_SERVERS_MAX && asked < CANDIDATES_MAX && status != FCACHE_OK;
         i++) {
        fcrd_server_t *server =
            fcrd_map_take_at(&self->map, (turn + i) % FCRD_SERVERS_MAX);
        if (server && fcn_node_up_or_doubt(server->node)) {
            fcrd_call_t call = {.limits = {1024, 4 << 20, 1 << 17}};
            asked++;
            status = fcrd_command_words(&call.command, pool, words);
            if (status == FCACHE_OK) {
                status = fcrd_ask(self, server, &call, deadline, pool, error);
            }
            if (status == FCACHE_OK) {
                status = fcrd_slots_take(&self->map, server, call.reply, error);
            }
        }
        fcrd_map_release(&self->map, server);
    }
    return status;
}

/* ---- sentinels ----------------------------------------------------------- */

fcache_status_t fcrd_sentinels_init(fcrd_t *self, fcn_resolver_t *resolver,
                                    apr_pool_t *pool, fcache_error_t *error)
{
    const fcrd_conf_t *conf = &self->conf;
    fcache_status_t status = FCACHE_OK;
    self->sentinels = NULL;
    if (conf->topology != FCRD_SENTINEL) {
        return FCACHE_OK;
    }
    self->sentinels =
        apr_pcalloc(pool, conf->seed_count * sizeof(*self->sentinels));
    for (size_t i = 0; i < conf->seed_count && status == FCACHE_OK; i++) {
        fcrd_server_t *sentinel = &self->sentinels[i];
        sentinel->endpoint = conf->seeds[i];
        status = fcn_node_create(&sentinel->endpoint, conf->access.limits,
                                 self->shared, resolver, &fcrd_conn_ops,
                                 (void *)(uintptr_t)&conf->sentinel_access,
                                 &sentinel->node, pool, error);
    }
    return status;
}

/* The master as that sentinel knows it, taken from the map. */
static fcache_status_t ask_sentinel(fcrd_t *self, fcrd_server_t *sentinel,
                                    fcn_deadline_t deadline,
                                    fcrd_server_t **out_master,
                                    apr_pool_t *pool, fcache_error_t *error)
{
    const char *words[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME",
                           self->conf.master_name, NULL};
    fcrd_call_t call = {.limits = {1024, 4096, 2}};
    fcache_status_t status = fcrd_command_words(&call.command, pool, words);
    if (status == FCACHE_OK) {
        status = fcrd_ask(self, sentinel, &call, deadline, pool, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    uint16_t port;
    const fcrd_reply_t *reply = call.reply;
    if (reply->type != FCRD_ARRAY || reply->count != 2 ||
        !fcrd_port_parse(reply->items[1].text, &port)) {
        return fcache_error_set(
            error, FCACHE_UNAVAILABLE, "sentinel %s knows no master %.60s",
            sentinel->endpoint.text, self->conf.master_name);
    }
    return fcrd_map_take_named(&self->map, reply->items[0].text, port,
                               out_master, error);
}

/* A sentinel that has not noticed names the master that is gone: whoever names
 * another one is believed first. */
static fcache_status_t learn_master(fcrd_t *self, unsigned turn,
                                    fcn_deadline_t deadline, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    fcrd_server_t *old = fcrd_map_take(&self->map, 0);
    fcache_status_t status = FCACHE_UNAVAILABLE;
    int is_new = 0;
    for (size_t i = 0; i < self->conf.seed_count && !is_new; i++) {
        fcrd_server_t *master = NULL;
        fcrd_server_t *sentinel =
            &self->sentinels[(turn + i) % self->conf.seed_count];
        fcache_status_t answer =
            ask_sentinel(self, sentinel, deadline, &master, pool, error);
        if (answer == FCACHE_OK) {
            is_new = master != old;
            fcrd_map_assign(&self->map, 0, FCRD_SLOTS - 1, master);
            status = FCACHE_OK;
        }
        fcrd_map_release(&self->map, master);
    }
    fcrd_map_release(&self->map, old);
    return status;
}

/* ---- both ---------------------------------------------------------------- */

static fcache_status_t learn(fcrd_t *self, unsigned turn,
                             fcn_deadline_t deadline, apr_pool_t *pool,
                             fcache_error_t *error)
{
    apr_pool_t *own;
    if (apr_pool_create(&own, pool) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory to look for servers");
    }
    fcache_status_t status =
        self->conf.topology == FCRD_CLUSTER
            ? learn_cluster(self, turn, deadline, own, error)
            : learn_master(self, turn, deadline, own, error);
    apr_pool_destroy(own);
    return status;
}

fcache_status_t fcrd_discover(fcrd_t *self, fcn_deadline_t deadline,
                              apr_pool_t *pool, fcache_error_t *error)
{
    unsigned turn = 0;
    fcache_status_t status;
    switch (fcrd_map_begin(&self->map, deadline, &turn)) {
    case FCRD_KNOWN:
        break;
    case FCRD_LEARN:
        status = learn(self, turn, deadline, pool, error);
        if (!fcrd_map_learnt(&self->map, status == FCACHE_OK)) {
            return status;
        }
        break;
    case FCRD_IGNORANT:
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "the servers were not found");
    }
    return FCACHE_OK;
}
