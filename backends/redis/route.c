/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include "discover.h"
#include "error.h"

#define ROUNDS_MAX   5
#define COMMANDS_MAX (2 * FCRD_CALLS_MAX)

_Static_assert(COMMANDS_MAX <= FCRD_COMMANDS_MAX, "each may have its ASKING");

/* Calls to one server, on one connection. */
typedef struct flight_t {
    fcrd_server_t *server;
    fcrd_call_t *calls[FCRD_CALLS_MAX];
    size_t count;
    fcn_lease_t lease;
    fcache_status_t status; /* of the connection */
    fcache_error_t error;
} flight_t;

/* ---- one flight ---------------------------------------------------------- */

static fcache_status_t asking(fcrd_command_t *out_command, apr_pool_t *pool)
{
    static const char *const words[] = {"ASKING", NULL};
    return fcrd_command_words(out_command, pool, words);
}

static fcache_status_t list_commands(const flight_t *flight,
                                     fcrd_command_t *ask,
                                     const fcrd_command_t **out_commands,
                                     size_t *out_count, apr_pool_t *pool)
{
    *out_count = 0;
    for (size_t i = 0; i < flight->count; i++) {
        if (flight->calls[i]->is_ask) {
            fcache_status_t status = asking(ask, pool);
            if (status != FCACHE_OK) {
                return status;
            }
            out_commands[(*out_count)++] = ask;
        }
        out_commands[(*out_count)++] = &flight->calls[i]->command;
    }
    return FCACHE_OK;
}

/* Writes on a connection; on a second one if the first was closed unseen. When
 * that fails nothing is leased. */
static void depart(flight_t *flight, fcn_deadline_t deadline, apr_pool_t *pool)
{
    const fcrd_command_t *commands[COMMANDS_MAX];
    fcrd_command_t ask;
    size_t count;
    int again = 1;
    fcn_node_t *node = flight->server->node;
    flight->status = list_commands(flight, &ask, commands, &count, pool);
    for (int tries = 0; again && tries < 2; tries++) {
        again = 0;
        if (flight->status == FCACHE_OK) {
            flight->status =
                fcn_node_take(node, deadline, &flight->lease, &flight->error);
        }
        if (flight->status != FCACHE_OK) {
            return;
        }
        flight->status = fcrd_send(flight->lease.conn, commands, count,
                                   deadline, &flight->error);
        if (flight->status == FCACHE_UNAVAILABLE && tries == 0 &&
            flight->lease.reused) {
            again = fcn_node_may_retry(node, &flight->lease);
        }
        if (flight->status != FCACHE_OK && !again) {
            fcn_node_give(node, &flight->lease, flight->status);
        } else {
            flight->status = again ? FCACHE_OK : flight->status;
        }
    }
}

static fcache_status_t read_replies(flight_t *flight, fcn_deadline_t deadline,
                                    int *out_any, apr_pool_t *pool,
                                    int64_t read_us)
{
    const fcrd_reply_t *replies[COMMANDS_MAX];
    fcrd_limits_t limits = {128, 4096, 0};
    size_t count = 0;
    for (size_t i = 0; i < flight->count; i++) {
        const fcrd_call_t *call = flight->calls[i];
        limits.max_bulk = limits.max_bulk > call->limits.max_bulk
                              ? limits.max_bulk
                              : call->limits.max_bulk;
        limits.max_bytes += call->limits.max_bytes;
        limits.max_items += call->limits.max_items;
        count += call->is_ask ? 2 : 1;
    }
    fcache_status_t status =
        fcrd_receive(flight->lease.conn, &limits, read_us, count, replies,
                     out_any, deadline, pool, &flight->error);
    for (size_t i = 0, at = 0; status == FCACHE_OK && i < flight->count; i++) {
        at += flight->calls[i]->is_ask ? 1 : 0;
        flight->calls[i]->reply = replies[at++];
    }
    return status;
}

/* Reads what was asked for and gives the connection back. */
static void land(flight_t *flight, fcn_deadline_t deadline, int64_t read_us,
                 apr_pool_t *pool)
{
    int any = 0;
    if (flight->status != FCACHE_OK) {
        return;
    }
    flight->status = read_replies(flight, deadline, &any, pool, read_us);
    if (flight->status == FCACHE_UNAVAILABLE && !any && flight->lease.reused &&
        fcn_node_may_retry(flight->server->node, &flight->lease)) {
        depart(flight, deadline, pool);
        if (flight->status != FCACHE_OK) {
            return;
        }
        flight->status = read_replies(flight, deadline, &any, pool, read_us);
    }
    fcache_status_t verdict = flight->status;
    for (size_t i = 0; verdict == FCACHE_OK && i < flight->count; i++) {
        const fcrd_reply_t *reply = flight->calls[i]->reply;
        if (reply->type == FCRD_ERROR && fcrd_meaning(reply)->is_ill) {
            verdict = fcrd_meaning(reply)->status;
        }
    }
    fcn_node_give(flight->server->node, &flight->lease, verdict);
}

static void fly(fcrd_t *self, flight_t *flights, size_t count,
                fcn_deadline_t deadline, apr_pool_t *pool)
{
    int64_t read_us = self->conf.access.limits->read_us;
    for (size_t i = 0; i < count; i++) {
        depart(&flights[i], deadline, pool);
    }
    for (size_t i = 0; i < count; i++) {
        land(&flights[i], deadline, read_us, pool);
    }
}

/* ---- what came of a call ------------------------------------------------- */

/* Binds the call to the server that the reply names. */
static void follow(fcrd_t *self, fcrd_call_t *call, int is_ask,
                   fcache_error_t *error)
{
    unsigned slot;
    fcache_bytes_t host;
    uint16_t port;
    fcrd_server_t *next = NULL;
    if (self->conf.topology != FCRD_CLUSTER) {
        call->status = fcache_error_set(error, FCACHE_UNAVAILABLE,
                                        "server %s is of a cluster: give "
                                        "cluster=on",
                                        call->server->endpoint.text);
        return;
    }
    if (!fcrd_redirect_parse(call->reply, &slot, &host, &port)) {
        call->status = fcache_error_set(error, FCACHE_PROTOCOL,
                                        "server %s does not say where the slot "
                                        "is",
                                        call->server->endpoint.text);
        return;
    }
    if (host.len == 0) {
        host = fcache_str(call->server->endpoint.host);
    }
    call->status = fcrd_map_take_named(&self->map, host, port, &next, error);
    if (call->status == FCACHE_OK) {
        if (!is_ask) {
            fcrd_map_assign(&self->map, slot, slot, next);
            fcrd_map_doubt(&self->map);
        }
        fcrd_map_release(&self->map, call->server);
        call->server = next;
        call->is_bound = 1;
        call->is_ask = is_ask;
        call->wants_more = 1;
        call->status = FCACHE_UNAVAILABLE;
    }
}

static void judge(fcrd_t *self, fcrd_call_t *call, const flight_t *flight,
                  fcache_error_t *error)
{
    call->wants_more = call->is_bound = call->is_ask = 0;
    call->status = flight->status;
    if (call->status != FCACHE_OK) {
        fcache_error_set(error, call->status, "%s", flight->error.text);
        fcrd_map_doubt(&self->map);
        call->wants_more = self->conf.topology != FCRD_SINGLE;
        return;
    }
    if (call->reply->type != FCRD_ERROR) {
        return;
    }
    const fcrd_meaning_t *meaning = fcrd_meaning(call->reply);
    call->status = fcache_error_set(error, meaning->status, "server %s %s",
                                    call->server->endpoint.text, meaning->text);
    switch (meaning->remedy) {
    case FCRD_MOVED:
    case FCRD_ASK:
        follow(self, call, meaning->remedy == FCRD_ASK, error);
        break;
    case FCRD_REMAP:
        fcn_node_flush(call->server->node);
        fcrd_map_doubt(&self->map);
        call->wants_more = self->conf.topology != FCRD_SINGLE;
        break;
    case FCRD_NONE:
        break;
    }
}

/* ---- rounds -------------------------------------------------------------- */

/* The server to ask now; 0 when there is none other than the one that failed. */
static int find_server(fcrd_t *self, fcrd_call_t *call, fcache_error_t *error)
{
    fcrd_server_t *failed = call->server;
    if (call->is_bound) {
        return 1;
    }
    fcrd_server_t *server = fcrd_map_take(&self->map, call->slot);
    if (!server) {
        fcrd_map_doubt(&self->map);
        call->status =
            fcache_error_set(error, FCACHE_UNAVAILABLE,
                             "no server is known for slot %u", call->slot);
    }
    call->server = server;
    fcrd_map_release(&self->map, failed);
    return server && server != failed;
}

static void add_to_flights(flight_t *flights, size_t *count, fcrd_call_t *call)
{
    size_t at = 0;
    while (at < *count && flights[at].server != call->server) {
        at++;
    }
    if (at == *count) {
        flights[at] = (flight_t){.server = call->server};
        (*count)++;
    }
    flights[at].calls[flights[at].count++] = call;
}

/* Asks for all calls that want it; how many do so again. */
static size_t make_round(fcrd_t *self, fcrd_call_t *calls, size_t count,
                         fcn_deadline_t deadline, apr_pool_t *pool,
                         fcache_error_t *error)
{
    flight_t flights[FCRD_CALLS_MAX];
    size_t flight_count = 0;
    size_t more = 0;
    for (size_t i = 0; i < count; i++) {
        if (calls[i].wants_more) {
            calls[i].wants_more = find_server(self, &calls[i], error);
        }
        if (calls[i].wants_more) {
            add_to_flights(flights, &flight_count, &calls[i]);
        }
    }
    fly(self, flights, flight_count, deadline, pool);
    for (size_t i = 0; i < flight_count; i++) {
        for (size_t j = 0; j < flights[i].count; j++) {
            judge(self, flights[i].calls[j], &flights[i], error);
            more += flights[i].calls[j]->wants_more ? 1 : 0;
        }
    }
    return more;
}

fcache_status_t fcrd_run(fcrd_t *self, fcrd_call_t *calls, size_t count,
                         fcn_deadline_t deadline, apr_pool_t *pool,
                         fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    size_t more = count;
    for (size_t i = 0; i < count; i++) {
        calls[i].server = NULL;
        calls[i].is_bound = calls[i].is_ask = 0;
        calls[i].wants_more = 1;
    }
    for (int round = 0; more > 0 && round < ROUNDS_MAX; round++) {
        status = fcrd_discover(self, deadline, pool, error);
        more = status == FCACHE_OK
                   ? make_round(self, calls, count, deadline, pool, error)
                   : 0;
    }
    for (size_t i = 0; i < count; i++) {
        fcrd_map_release(&self->map, calls[i].server);
        status = status == FCACHE_OK ? calls[i].status : status;
    }
    return status;
}

fcache_status_t fcrd_ask(fcrd_t *self, fcrd_server_t *server, fcrd_call_t *call,
                         fcn_deadline_t deadline, apr_pool_t *pool,
                         fcache_error_t *error)
{
    flight_t flight = {.server = server, .calls = {call}, .count = 1};
    call->is_ask = 0;
    fly(self, &flight, 1, deadline, pool);
    if (flight.status != FCACHE_OK) {
        return fcache_error_set(error, flight.status, "%s", flight.error.text);
    }
    if (call->reply->type == FCRD_ERROR) {
        const fcrd_meaning_t *meaning = fcrd_meaning(call->reply);
        return fcache_error_set(error, meaning->status, "server %s %s",
                                server->endpoint.text, meaning->text);
    }
    return FCACHE_OK;
}
