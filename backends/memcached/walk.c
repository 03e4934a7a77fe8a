/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <apr_time.h>

#define WAIT_US   INT64_C(5000000)
#define NAP_US    20000
#define NAMES_MAX (UINT64_C(64) << 20) /* bytes of names of one server */
#define COUNTERS  "{fcache}"

/* ---- names ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The name in "key=NAME exp=...", of which %XX stand for bytes; 0: none that is
 * one of ours. */
static size_t read_name(fcache_bytes_t line, char out[FCR_NAME_MAX])
{
    size_t len = 0;
    if (line.len < 4 || memcmp(line.ptr, "key=", 4) != 0) {
        return 0;
    }
    for (size_t i = 4; i < line.len && line.ptr[i] != ' '; i++) {
        char c = line.ptr[i];
        if (c == '%' && line.len - i > 2 && hex(line.ptr[i + 1]) >= 0 &&
            hex(line.ptr[i + 2]) >= 0) {
            c = (char)(hex(line.ptr[i + 1]) * 16 + hex(line.ptr[i + 2]));
            i += 2;
        }
        if (c <= ' ' || c > '~' || len == FCR_NAME_MAX) {
            return 0;
        }
        out[len++] = c;
    }
    size_t prefix = sizeof(COUNTERS) - 1;
    return len >= prefix && !memcmp(out, COUNTERS, prefix) ? 0 : len;
}

static fcache_status_t keep_name(fcache_buf_t *names, fcache_bytes_t line)
{
    char text[FCR_NAME_MAX + 1];
    size_t len = read_name(line, text);
    if (len == 0) {
        return FCACHE_OK;
    }
    text[len] = '\n';
    return fcache_buf_append(names, fcache_bytes(text, len + 1));
}

static int begins(fcache_bytes_t line, const char *text)
{
    size_t len = strlen(text);
    return line.len >= len && !memcmp(line.ptr, text, len);
}

/* All lines of a listing. The server's crawler waits for who reads slowly, so all
 * are read before any is looked at. EXISTS: it is busy with another. */
static fcache_status_t read_listing(fcmc_conn_t *conn, fcache_buf_t *names)
{
    fcache_bytes_t ask = fcache_str("lru_crawler metadump all\r\n");
    fcache_bytes_t line;
    fcache_status_t status = fcmc_conn_send(conn, &ask, 1);
    while (status == FCACHE_OK) {
        status = fcmc_conn_line(conn, &line);
        if (status != FCACHE_OK || begins(line, "END")) {
            break;
        }
        if (begins(line, "BUSY")) {
            return FCACHE_EXISTS;
        }
        if (!begins(line, "key=")) {
            return fcmc_conn_nonsense(conn, line);
        }
        status = keep_name(names, line);
        if (status != FCACHE_OK) {
            fcache_error_set(conn->error, status,
                             "%s: more names than can be listed", conn->server);
        }
    }
    return status;
}

static fcache_status_t list_server(fcmc_server_t *server, fcache_buf_t *names,
                                   fcache_error_t *error)
{
    fcn_deadline_t deadline = fcn_deadline_in(WAIT_US);
    fcmc_conn_t *conn = NULL;
    fcache_status_t status =
        fcmc_fleet_connect(server, &fcmc_text, deadline, &conn, error);
    if (status != FCACHE_OK) {
        return status;
    }
    conn->read_us = WAIT_US;
    status = read_listing(conn, names);
    while (status == FCACHE_EXISTS && fcn_deadline_left_ms(deadline) > 0) {
        apr_sleep(NAP_US);
        status = read_listing(conn, names);
    }
    if (status == FCACHE_EXISTS) {
        status = fcache_error_set(error, FCACHE_UNAVAILABLE,
                                  "%s lists for somebody else",
                                  server->endpoint->text);
    }
    fcmc_conn_destroy(conn);
    return status;
}

/* 0 when told to stop. */
static int tell_names(const fcache_buf_t *names, fcr_walk_fn fn, void *baton)
{
    const char *at = names->ptr;
    size_t left = names->len;
    while (left > 0) {
        const char *end = memchr(at, '\n', left);
        size_t len = (size_t)(end - at);
        if (fn(baton, fcache_bytes(at, len), fcache_bytes(NULL, 0))) {
            return 0;
        }
        at += len + 1;
        left -= len + 1;
    }
    return 1;
}

fcache_status_t fcmc_walk(fcmc_t *store, fcr_walk_fn fn, void *baton,
                          fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    size_t listed = 0;
    if (store->credentials.len > 0) {
        return fcache_error_set(error, FCACHE_UNSUPPORTED,
                                "memcached: a server with SASL lists nothing: "
                                "it has no text protocol");
    }
    for (size_t i = 0; i < store->count; i++) {
        fcache_buf_t names;
        fcache_buf_init(&names, NAMES_MAX);
        fcache_status_t one = list_server(&store->servers[i], &names, error);
        listed += one == FCACHE_OK;
        status = one == FCACHE_OK ? status : one;
        int go_on = one != FCACHE_OK || tell_names(&names, fn, baton);
        fcache_buf_fini(&names);
        if (!go_on) {
            return FCACHE_OK;
        }
    }
    return listed > 0 ? FCACHE_OK : status;
}

/* ---- numbers ---- */

static void count_stat(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] = {
        {"curr_items", offsetof(fcr_census_t, entries)},
        {"bytes", offsetof(fcr_census_t, bytes_used)},
        {"limit_maxbytes", offsetof(fcr_census_t, bytes_total)},
        {"evictions", offsetof(fcr_census_t, evicted)},
        {"reclaimed", offsetof(fcr_census_t, expired)},
    };
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (fcache_bytes_equal(name, fcache_str(numbers[i].name)) &&
            fcmc_number(value, &number)) {
            uint64_t *sum =
                (uint64_t *)(void *)((char *)baton + numbers[i].offset);
            *sum += number;
        }
    }
}

static fcache_status_t count_server(fcmc_conn_t *conn, void *baton)
{
    return conn->wire->stats(conn, "", count_stat, baton);
}

fcache_status_t fcmc_census(fcmc_t *store, fcr_census_t *out_census,
                            fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    size_t counted = 0;
    fcn_deadline_t deadline = fcn_deadline_in(store->limits->store_us);
    *out_census = (fcr_census_t){0};
    for (size_t i = 0; i < store->count; i++) {
        fcache_status_t one =
            fcmc_talk(&store->servers[i], count_server, out_census,
                      fcn_deadline_share(deadline, store->count - i), error);
        counted += one == FCACHE_OK;
        status = one == FCACHE_OK ? status : one;
    }
    return counted > 0 ? FCACHE_OK : status;
}
