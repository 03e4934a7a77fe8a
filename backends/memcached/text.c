/* SPDX-License-Identifier: Apache-2.0 */
/* The text protocol: doc/protocol.txt of memcached. */
#include "conn.h"

#define LITERAL(text) fcache_bytes("" text, sizeof(text) - 1)

static int starts_with(fcache_bytes_t line, const char *text)
{
    size_t len = strlen(text);
    return line.len >= len && !memcmp(line.ptr, text, len);
}

static int is(fcache_bytes_t line, const char *text)
{
    return fcache_bytes_equal(line, fcache_str(text));
}

/* Takes the first word off the line. */
static fcache_bytes_t next_word(fcache_bytes_t *line)
{
    const char *end = line->len ? memchr(line->ptr, ' ', line->len) : NULL;
    size_t len = end ? (size_t)(end - line->ptr) : line->len;
    fcache_bytes_t word = fcache_bytes(line->ptr, len);
    size_t used = len + (end != NULL);
    *line = fcache_bytes(line->ptr + used, line->len - used);
    return word;
}

/* A line that is no answer to what was asked. */
static fcache_status_t failed(fcmc_conn_t *conn, fcache_bytes_t line)
{
    static const struct {
        const char *text;
        fcache_status_t status;
    } errors[] = {
        {"SERVER_ERROR", FCACHE_UNAVAILABLE},
        {"CLIENT_ERROR unauthenticated", FCACHE_UNAVAILABLE},
        {"BUSY", FCACHE_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (starts_with(line, errors[i].text)) {
            return fcmc_conn_refused(conn, errors[i].status, line);
        }
    }
    return fcmc_conn_nonsense(conn, line);
}

static fcache_status_t ask(fcmc_conn_t *conn, const fcache_bytes_t *pieces,
                           size_t count, fcache_bytes_t *out_line)
{
    fcache_status_t status = fcmc_conn_send(conn, pieces, count);
    return status == FCACHE_OK ? fcmc_conn_line(conn, out_line) : status;
}

/* ---- get ---- */

typedef struct value_line_t {
    fcache_bytes_t name;
    uint64_t len;
    uint64_t cas;
} value_line_t;

/* "VALUE name flags length cas" */
static int read_value_line(fcache_bytes_t line, value_line_t *out)
{
    uint64_t flags = 0;
    if (!is(next_word(&line), "VALUE")) {
        return 0;
    }
    out->name = next_word(&line);
    return fcmc_number(next_word(&line), &flags) &&
           fcmc_number(next_word(&line), &out->len) &&
           fcmc_number(next_word(&line), &out->cas) && line.len == 0;
}

static fcache_status_t read_value(fcmc_conn_t *conn, const value_line_t *line,
                                  fcr_found_t *out_found, apr_pool_t *pool)
{
    char end[2];
    char *value = apr_palloc(pool, (size_t)line->len + 1);
    if (!value) {
        return fcache_error_set(conn->error, FCACHE_NO_MEMORY,
                                "%s: no memory for a value", conn->server);
    }
    *out_found =
        (fcr_found_t){1, fcache_bytes(value, (size_t)line->len), line->cas};
    fcache_status_t status = fcmc_conn_read(conn, value, (size_t)line->len);
    if (status == FCACHE_OK) {
        status = fcmc_conn_read(conn, end, sizeof(end));
    }
    if (status == FCACHE_OK && (end[0] != '\r' || end[1] != '\n')) {
        return fcmc_conn_nonsense(conn, fcache_bytes(end, sizeof(end)));
    }
    return status;
}

/* Values come in the order of the names. */
static fcache_status_t read_values(fcmc_conn_t *conn,
                                   const fcache_bytes_t *names, size_t count,
                                   uint64_t max_value, fcr_found_t *out_found,
                                   apr_pool_t *pool)
{
    uint64_t left = fcmc_values_max(max_value, count);
    for (size_t i = 0;; i++) {
        fcache_bytes_t line;
        value_line_t value;
        fcache_status_t status = fcmc_conn_line(conn, &line);
        if (status != FCACHE_OK || is(line, "END")) {
            return status;
        }
        if (!read_value_line(line, &value) || value.len > max_value ||
            value.len > left) {
            return failed(conn, line);
        }
        left -= value.len;
        while (i < count && !fcache_bytes_equal(names[i], value.name)) {
            i++;
        }
        if (i == count) {
            return fcmc_conn_nonsense(conn, line);
        }
        status = read_value(conn, &value, &out_found[i], pool);
        if (status != FCACHE_OK) {
            return status;
        }
    }
}

static fcache_status_t get(fcmc_conn_t *conn, const fcache_bytes_t *names,
                           size_t count, uint64_t max_value,
                           fcr_found_t *out_found, apr_pool_t *pool)
{
    fcache_bytes_t *pieces =
        apr_palloc(pool, (count * 2 + 2) * sizeof(*pieces));
    size_t used = 0;
    pieces[used++] = LITERAL("gets");
    for (size_t i = 0; i < count; i++) {
        out_found[i] = (fcr_found_t){0};
        pieces[used++] = LITERAL(" ");
        pieces[used++] = names[i];
    }
    pieces[used++] = LITERAL("\r\n");
    fcache_status_t status = fcmc_conn_send(conn, pieces, used);
    return status == FCACHE_OK
               ? read_values(conn, names, count, max_value, out_found, pool)
               : status;
}

/* ---- put, remove ---- */

static fcache_status_t put_answer(fcmc_conn_t *conn, fcache_bytes_t line)
{
    if (is(line, "STORED")) {
        return FCACHE_OK;
    }
    if (starts_with(line, "SERVER_ERROR object too large") ||
        starts_with(line, "SERVER_ERROR out of memory")) {
        return fcmc_conn_refused(conn, FCACHE_TOO_LARGE, line);
    }
    return is(line, "NOT_STORED") || is(line, "EXISTS") || is(line, "NOT_FOUND")
               ? FCACHE_EXISTS
               : failed(conn, line);
}

static fcache_status_t send_put(fcmc_conn_t *conn, const fcmc_put_t *item)
{
    static const char *const verbs[] = {
        [FCR_SET] = "set ", [FCR_ADD] = "add ", [FCR_REPLACE] = "cas "};
    char exptime[FCMC_DECIMAL_MAX], len[FCMC_DECIMAL_MAX],
        cas[FCMC_DECIMAL_MAX];
    int with_cas = item->mode == FCR_REPLACE;
    const fcache_bytes_t head[] = {
        fcache_str(verbs[item->mode]),
        item->name,
        LITERAL(" 0 "),
        fcmc_decimal(item->exptime, exptime),
        LITERAL(" "),
        fcmc_decimal(item->len, len),
        fcache_str(with_cas ? " " : ""),
        with_cas ? fcmc_decimal(item->cas, cas) : fcache_bytes(NULL, 0),
        LITERAL("\r\n"),
    };
    return fcmc_conn_send_put(conn, head, sizeof(head) / sizeof(head[0]), item,
                              LITERAL("\r\n"));
}

static fcache_status_t put(fcmc_conn_t *conn, const fcmc_put_t *puts,
                           size_t count)
{
    fcache_status_t status = FCACHE_OK, worst = FCACHE_OK;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = send_put(conn, &puts[i]);
    }
    for (size_t i = 0; i < count && !fcache_status_is_fault(status); i++) {
        fcache_bytes_t line;
        status = fcmc_conn_line(conn, &line);
        status = status == FCACHE_OK ? put_answer(conn, line) : status;
        worst = fcmc_put_worse(worst, status);
    }
    return fcache_status_is_fault(status) ? status : worst;
}

static fcache_status_t remove_name(fcmc_conn_t *conn, fcache_bytes_t name)
{
    fcache_bytes_t line;
    const fcache_bytes_t pieces[] = {LITERAL("delete "), name, LITERAL("\r\n")};
    fcache_status_t status = ask(conn, pieces, 3, &line);
    if (status != FCACHE_OK || is(line, "DELETED")) {
        return status;
    }
    return is(line, "NOT_FOUND") ? FCACHE_MISS : failed(conn, line);
}

/* ---- stats ---- */

static fcache_status_t stats(fcmc_conn_t *conn, const char *group,
                             fcmc_stat_fn fn, void *baton)
{
    const fcache_bytes_t pieces[] = {LITERAL("stats"),
                                     fcache_str(*group ? " " : ""),
                                     fcache_str(group), LITERAL("\r\n")};
    fcache_status_t status = fcmc_conn_send(conn, pieces, 4);
    for (size_t i = 0; status == FCACHE_OK; i++) {
        fcache_bytes_t line;
        status = fcmc_conn_line(conn, &line);
        if (status != FCACHE_OK || is(line, "END")) {
            return status;
        }
        fcache_bytes_t rest = line;
        if (i == FCMC_STATS_MAX || !is(next_word(&rest), "STAT")) {
            return failed(conn, line);
        }
        fcache_bytes_t name = next_word(&rest);
        fn(baton, name, rest);
    }
    return status;
}

const fcmc_wire_t fcmc_text = {
    .name = "ascii",
    .get = get,
    .put = put,
    .remove = remove_name,
    .stats = stats,
};
