/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include "error.h"

#include <apr_strings.h>

#define READ_BYTES 16384

/* ---- exchanges ----------------------------------------------------------- */

fcache_status_t fcrd_send(fcn_stream_t *stream,
                          const fcrd_command_t *const *commands, size_t count,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    fcrd_wire_t wires[FCRD_COMMANDS_MAX] = {{NULL, {NULL, 0}}};
    fcache_bytes_t pieces[FCRD_COMMANDS_MAX] = {{NULL, 0}};
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = fcrd_command_format(commands[i], &wires[i]);
        pieces[i] = wires[i].bytes;
    }
    if (status == FCACHE_OK) {
        status = fcn_stream_write(stream, pieces, count, deadline, error);
    } else {
        fcache_error_set(error, status, "no memory for a command");
    }
    for (size_t i = 0; i < count; i++) {
        fcrd_wire_fini(&wires[i]);
    }
    return status;
}

/* Reads until the reader has a whole reply. */
static fcache_status_t receive_one(fcn_stream_t *stream, fcrd_reader_t *reader,
                                   int64_t read_us, fcn_deadline_t deadline,
                                   const fcrd_reply_t **out_reply, int *out_any,
                                   fcache_error_t *error)
{
    char buffer[READ_BYTES];
    fcache_status_t status = fcrd_reader_next(reader, out_reply, error);
    while (status == FCACHE_OK && !*out_reply) {
        size_t len = 0;
        fcn_deadline_t until =
            fcn_deadline_sooner(deadline, fcn_deadline_in(read_us));
        status =
            fcn_stream_read(stream, buffer, sizeof(buffer), &len, until, error);
        if (status == FCACHE_OK) {
            *out_any = 1;
            status = fcrd_reader_feed(reader, fcache_bytes(buffer, len), error);
        }
        if (status == FCACHE_OK) {
            status = fcrd_reader_next(reader, out_reply, error);
        }
    }
    return status;
}

fcache_status_t fcrd_receive(fcn_stream_t *stream, const fcrd_limits_t *limits,
                             int64_t read_us, size_t count,
                             const fcrd_reply_t **out_replies, int *out_any,
                             fcn_deadline_t deadline, apr_pool_t *pool,
                             fcache_error_t *error)
{
    fcrd_reader_t reader;
    *out_any = 0;
    fcache_status_t status = fcrd_reader_init(&reader, limits, pool);
    if (status != FCACHE_OK) {
        fcache_error_set(error, status, "no memory for a reply");
        return status;
    }
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = receive_one(stream, &reader, read_us, deadline,
                             &out_replies[i], out_any, error);
    }
    if (status == FCACHE_OK && !fcrd_reader_is_drained(&reader)) {
        status = fcache_error_set(error, FCACHE_PROTOCOL,
                                  "more replies than commands");
    }
    fcrd_reader_fini(&reader);
    return status;
}

/* ---- logging in ---------------------------------------------------------- */

typedef struct login_t {
    fcrd_command_t space[3];
    const fcrd_command_t *commands[3];
    size_t count;
} login_t;

static fcache_status_t add(login_t *login, apr_pool_t *pool,
                           const char *const *words)
{
    fcrd_command_t *command = &login->space[login->count];
    login->commands[login->count++] = command;
    return fcrd_command_words(command, pool, words);
}

static fcache_status_t prepare(const fcrd_access_t *access, login_t *login,
                               apr_pool_t *pool)
{
    fcache_status_t status = FCACHE_OK;
    login->count = 0;
    if (access->password && access->user) {
        const char *auth[] = {"AUTH", access->user, access->password, NULL};
        status = add(login, pool, auth);
    } else if (access->password) {
        const char *auth[] = {"AUTH", access->password, NULL};
        status = add(login, pool, auth);
    }
    if (status == FCACHE_OK && access->db > 0) {
        const char *select[] = {"SELECT", apr_itoa(pool, (int)access->db),
                                NULL};
        status = add(login, pool, select);
    }
    if (status == FCACHE_OK && access->wants_master) {
        const char *role[] = {"ROLE", NULL};
        status = add(login, pool, role);
    }
    return status;
}

static int is_role_of_master(const fcrd_reply_t *reply)
{
    return reply->type == FCRD_ARRAY && reply->count > 0 &&
           fcache_bytes_equal(reply->items[0].text, fcache_str("master"));
}

static fcache_status_t judge(const fcrd_reply_t *reply,
                             const fcn_endpoint_t *endpoint,
                             fcache_error_t *error)
{
    if (reply->type == FCRD_ERROR) {
        const fcrd_meaning_t *meaning = fcrd_meaning(reply);
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "server %s, logging in: %s", endpoint->text,
                                meaning->text);
    }
    if (!fcrd_reply_is(reply, "OK") && !is_role_of_master(reply)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "server %s is no master", endpoint->text);
    }
    return FCACHE_OK;
}

static fcache_status_t log_in(const fcrd_access_t *access, fcn_stream_t *stream,
                              const fcn_endpoint_t *endpoint,
                              fcn_deadline_t deadline, apr_pool_t *pool,
                              fcache_error_t *error)
{
    /* the largest reply is ROLE's, which lists the replicas */
    static const fcrd_limits_t limits = {256, 65536, 4096};
    login_t login;
    const fcrd_reply_t *replies[3];
    int any;
    fcache_status_t status = prepare(access, &login, pool);
    if (status != FCACHE_OK || login.count == 0) {
        return status;
    }
    status = fcrd_send(stream, login.commands, login.count, deadline, error);
    if (status == FCACHE_OK) {
        status =
            fcrd_receive(stream, &limits, access->limits->connect_us,
                         login.count, replies, &any, deadline, pool, error);
    }
    for (size_t i = 0; i < login.count && status == FCACHE_OK; i++) {
        status = judge(replies[i], endpoint, error);
    }
    return status;
}

static fcache_status_t open_conn(void *baton, const fcn_endpoint_t *endpoint,
                                 const fcn_address_t *address,
                                 fcn_deadline_t deadline, void **out_conn,
                                 fcache_error_t *error)
{
    const fcrd_access_t *access = baton;
    fcn_stream_t *stream = NULL;
    apr_pool_t *pool = NULL;
    fcache_status_t status = fcn_stream_open(
        address, access->tls, endpoint->host, deadline, &stream, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (apr_pool_create(&pool, NULL) == APR_SUCCESS) {
        status = log_in(access, stream, endpoint, deadline, pool, error);
        apr_pool_destroy(pool);
    } else {
        status = FCACHE_NO_MEMORY;
    }
    if (status == FCACHE_OK) {
        *out_conn = stream;
    } else {
        fcn_stream_close(stream);
    }
    return status;
}

static int is_usable(void *conn)
{
    return fcn_stream_is_quiet(conn);
}

static void close_conn(void *conn)
{
    fcn_stream_close(conn);
}

const fcn_conn_ops_t fcrd_conn_ops = {
    .open = open_conn,
    .is_usable = is_usable,
    .close = close_conn,
};
