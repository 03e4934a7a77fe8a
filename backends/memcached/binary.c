/* SPDX-License-Identifier: Apache-2.0 */
/* The binary protocol: BinaryProtocolRevamped of memcached's wiki. */
#include "conn.h"

#define HEADER     24
#define REQUEST    0x80
#define REPLY      0x81
#define BODY_MAX   4096 /* of a reply without a value */
#define EXTRAS_MAX 8

enum {
    OP_SET = 0x01,
    OP_ADD = 0x02,
    OP_DELETE = 0x04,
    OP_NOOP = 0x0a,
    OP_GETKQ = 0x0d,
    OP_STAT = 0x10,
    OP_AUTH = 0x21
};

enum {
    SAYS_OK = 0x00,
    SAYS_NOT_FOUND = 0x01,
    SAYS_EXISTS = 0x02,
    SAYS_TOO_LARGE = 0x03,
    SAYS_NOT_STORED = 0x05,
    SAYS_AUTH_ERROR = 0x20,
    SAYS_NO_MEMORY = 0x82,
    SAYS_BUSY = 0x85
};

static void write_number(char *out, size_t len, uint64_t number)
{
    for (size_t i = len; i > 0; i--) {
        out[i - 1] = (char)(number & 0xff);
        number >>= 8;
    }
}

static uint64_t read_number(const char *bytes, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | (unsigned char)bytes[i];
    }
    return number;
}

typedef struct request_t {
    int opcode;
    fcache_bytes_t extras;
    fcache_bytes_t key;
    size_t value_len;
    uint64_t cas;
} request_t;

/* Header and extras; its opaque is the connection's next. */
static fcache_bytes_t write_head(fcmc_conn_t *conn, const request_t *request,
                                 char out[HEADER + EXTRAS_MAX])
{
    memset(out, 0, HEADER);
    out[0] = (char)REQUEST;
    out[1] = (char)request->opcode;
    write_number(out + 2, 2, request->key.len);
    write_number(out + 4, 1, request->extras.len);
    write_number(out + 8, 4,
                 request->extras.len + request->key.len + request->value_len);
    write_number(out + 12, 4, ++conn->opaque);
    write_number(out + 16, 8, request->cas);
    if (request->extras.len > 0) {
        memcpy(out + HEADER, request->extras.ptr, request->extras.len);
    }
    return fcache_bytes(out, HEADER + request->extras.len);
}

/* ---- replies ---- */

typedef struct reply_t {
    int opcode;
    unsigned says;
    size_t extras_len, key_len, value_len;
    uint32_t opaque;
    uint64_t cas;
} reply_t;

static fcache_status_t read_head(fcmc_conn_t *conn, reply_t *out)
{
    char head[HEADER];
    *out = (reply_t){0};
    fcache_status_t status = fcmc_conn_read(conn, head, sizeof(head));
    if (status != FCACHE_OK) {
        return status;
    }
    uint64_t body = read_number(head + 8, 4);
    out->opcode = (int)read_number(head + 1, 1);
    out->key_len = read_number(head + 2, 2);
    out->extras_len = read_number(head + 4, 1);
    out->says = (unsigned)read_number(head + 6, 2);
    out->opaque = (uint32_t)read_number(head + 12, 4);
    out->cas = read_number(head + 16, 8);
    if ((unsigned char)head[0] != REPLY ||
        out->key_len + out->extras_len > body) {
        return fcmc_conn_nonsense(conn, fcache_bytes(head, sizeof(head)));
    }
    out->value_len = (size_t)body - out->key_len - out->extras_len;
    return FCACHE_OK;
}

static fcache_status_t out_of_order(fcmc_conn_t *conn, const reply_t *reply)
{
    return fcache_error_set(conn->error, FCACHE_PROTOCOL,
                            "%s: a reply of kind %d that was not asked for",
                            conn->server, reply->opcode);
}

/* The whole body of a small reply; the value is at its end. */
static fcache_status_t read_body(fcmc_conn_t *conn, const reply_t *reply,
                                 char body[BODY_MAX], fcache_bytes_t *out_value)
{
    *out_value = fcache_bytes(NULL, 0);
    size_t before = reply->extras_len + reply->key_len;
    if (before + reply->value_len > BODY_MAX) {
        return fcache_error_set(conn->error, FCACHE_PROTOCOL,
                                "%s: a reply of %zu bytes", conn->server,
                                before + reply->value_len);
    }
    *out_value = fcache_bytes(body + before, reply->value_len);
    return fcmc_conn_read(conn, body, before + reply->value_len);
}

/* What it says, beside what its request knows how to take. */
static fcache_status_t failed(fcmc_conn_t *conn, unsigned says,
                              fcache_bytes_t text)
{
    int is_away =
        says == SAYS_AUTH_ERROR || says == SAYS_NO_MEMORY || says == SAYS_BUSY;
    return fcmc_conn_refused(
        conn, is_away ? FCACHE_UNAVAILABLE : FCACHE_PROTOCOL, text);
}

/* The reply to a request, with its small body. */
static fcache_status_t answer(fcmc_conn_t *conn, int opcode, uint32_t opaque,
                              reply_t *out_reply, char body[BODY_MAX],
                              fcache_bytes_t *out_value)
{
    *out_value = fcache_bytes(NULL, 0);
    fcache_status_t status = read_head(conn, out_reply);
    if (status != FCACHE_OK) {
        return status;
    }
    if (out_reply->opcode != opcode || out_reply->opaque != opaque) {
        return out_of_order(conn, out_reply);
    }
    return read_body(conn, out_reply, body, out_value);
}

/* ---- get ---- */

static fcache_status_t read_value(fcmc_conn_t *conn, const reply_t *reply,
                                  fcache_bytes_t name, uint64_t max_value,
                                  fcr_found_t *out_found, apr_pool_t *pool)
{
    char before[EXTRAS_MAX + FCR_NAME_MAX];
    if (reply->key_len != name.len || reply->extras_len > EXTRAS_MAX ||
        reply->value_len > max_value) {
        return out_of_order(conn, reply);
    }
    fcache_status_t status =
        fcmc_conn_read(conn, before, reply->extras_len + reply->key_len);
    if (status != FCACHE_OK) {
        return status;
    }
    if (memcmp(before + reply->extras_len, name.ptr, name.len) != 0) {
        return out_of_order(conn, reply);
    }
    char *value = apr_palloc(pool, reply->value_len + 1);
    if (!value) {
        return fcache_error_set(conn->error, FCACHE_NO_MEMORY,
                                "%s: no memory for a value", conn->server);
    }
    *out_found =
        (fcr_found_t){1, fcache_bytes(value, reply->value_len), reply->cas};
    return fcmc_conn_read(conn, value, reply->value_len);
}

/* Names that are there come in their order, then the answer to the NOOP. */
static fcache_status_t read_values(fcmc_conn_t *conn,
                                   const fcache_bytes_t *names, size_t count,
                                   uint64_t max_value, fcr_found_t *out_found,
                                   apr_pool_t *pool)
{
    char body[BODY_MAX];
    fcache_bytes_t text = {NULL, 0};
    uint32_t first = conn->opaque - (uint32_t)count;
    uint64_t left = fcmc_values_max(max_value, count);
    for (size_t next = 0;;) {
        reply_t reply;
        fcache_status_t status = read_head(conn, &reply);
        if (status != FCACHE_OK) {
            return status;
        }
        size_t at = reply.opaque - first;
        int is_end = reply.opcode == OP_NOOP && at == count;
        if (!is_end && (reply.opcode != OP_GETKQ || at < next || at >= count)) {
            return out_of_order(conn, &reply);
        }
        if (is_end || reply.says != SAYS_OK) {
            status = read_body(conn, &reply, body, &text);
            return status != FCACHE_OK || reply.says == SAYS_OK
                       ? status
                       : failed(conn, reply.says, text);
        }
        status = read_value(conn, &reply, names[at],
                            left < max_value ? left : max_value, &out_found[at],
                            pool);
        if (status != FCACHE_OK) {
            return status;
        }
        left -= reply.value_len;
        next = at + 1;
    }
}

static fcache_status_t get(fcmc_conn_t *conn, const fcache_bytes_t *names,
                           size_t count, uint64_t max_value,
                           fcr_found_t *out_found, apr_pool_t *pool)
{
    typedef char head_t[HEADER + EXTRAS_MAX];
    head_t *heads = apr_palloc(pool, (count + 1) * sizeof(*heads));
    fcache_bytes_t *pieces =
        apr_palloc(pool, (count * 2 + 1) * sizeof(*pieces));
    for (size_t i = 0; i < count; i++) {
        request_t request = {.opcode = OP_GETKQ, .key = names[i]};
        out_found[i] = (fcr_found_t){0};
        pieces[2 * i] = write_head(conn, &request, heads[i]);
        pieces[2 * i + 1] = names[i];
    }
    request_t noop = {.opcode = OP_NOOP};
    pieces[2 * count] = write_head(conn, &noop, heads[count]);
    fcache_status_t status = fcmc_conn_send(conn, pieces, count * 2 + 1);
    return status == FCACHE_OK
               ? read_values(conn, names, count, max_value, out_found, pool)
               : status;
}

/* ---- put, remove ---- */

static int put_opcode(const fcmc_put_t *item)
{
    return item->mode == FCR_ADD ? OP_ADD : OP_SET;
}

static fcache_status_t send_put(fcmc_conn_t *conn, const fcmc_put_t *item)
{
    char extras[8] = {0}, head[HEADER + EXTRAS_MAX];
    write_number(extras + 4, 4, item->exptime);
    request_t request = {
        .opcode = put_opcode(item),
        .extras = fcache_bytes(extras, sizeof(extras)),
        .key = item->name,
        .value_len = item->len,
        .cas = item->mode == FCR_REPLACE ? item->cas : 0,
    };
    const fcache_bytes_t before[] = {write_head(conn, &request, head),
                                     item->name};
    return fcmc_conn_send_put(conn, before, 2, item, fcache_bytes(NULL, 0));
}

static fcache_status_t put_answer(fcmc_conn_t *conn, const fcmc_put_t *item,
                                  uint32_t opaque)
{
    char body[BODY_MAX];
    reply_t reply = {0};
    fcache_bytes_t text;
    fcache_status_t status =
        answer(conn, put_opcode(item), opaque, &reply, body, &text);
    if (status != FCACHE_OK || reply.says == SAYS_OK) {
        return status;
    }
    switch (reply.says) {
    case SAYS_NOT_FOUND:
    case SAYS_EXISTS:
    case SAYS_NOT_STORED:
        return FCACHE_EXISTS;
    case SAYS_TOO_LARGE:
    case SAYS_NO_MEMORY:
        return fcmc_conn_refused(conn, FCACHE_TOO_LARGE, text);
    default:
        return failed(conn, reply.says, text);
    }
}

static fcache_status_t put(fcmc_conn_t *conn, const fcmc_put_t *puts,
                           size_t count)
{
    const uint32_t first = conn->opaque + 1;
    fcache_status_t status = FCACHE_OK, worst = FCACHE_OK;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = send_put(conn, &puts[i]);
    }
    for (size_t i = 0; i < count && !fcache_status_is_fault(status); i++) {
        status = put_answer(conn, &puts[i], first + (uint32_t)i);
        worst = fcmc_put_worse(worst, status);
    }
    return fcache_status_is_fault(status) ? status : worst;
}

static fcache_status_t ask(fcmc_conn_t *conn, const request_t *request,
                           reply_t *out_reply, char body[BODY_MAX],
                           fcache_bytes_t *out_value)
{
    char head[HEADER + EXTRAS_MAX];
    const fcache_bytes_t pieces[] = {write_head(conn, request, head),
                                     request->key};
    fcache_status_t status = fcmc_conn_send(conn, pieces, 2);
    return status == FCACHE_OK ? answer(conn, request->opcode, conn->opaque,
                                        out_reply, body, out_value)
                               : status;
}

static fcache_status_t remove_name(fcmc_conn_t *conn, fcache_bytes_t name)
{
    char body[BODY_MAX];
    reply_t reply = {0};
    fcache_bytes_t text;
    request_t request = {.opcode = OP_DELETE, .key = name};
    fcache_status_t status = ask(conn, &request, &reply, body, &text);
    if (status != FCACHE_OK || reply.says == SAYS_OK) {
        return status;
    }
    return reply.says == SAYS_NOT_FOUND ? FCACHE_MISS
                                        : failed(conn, reply.says, text);
}

/* ---- stats, login ---- */

static fcache_status_t stats(fcmc_conn_t *conn, const char *group,
                             fcmc_stat_fn fn, void *baton)
{
    char body[BODY_MAX];
    reply_t reply = {0};
    fcache_bytes_t value;
    request_t request = {.opcode = OP_STAT, .key = fcache_str(group)};
    fcache_status_t status = ask(conn, &request, &reply, body, &value);
    for (size_t i = 0;
         status == FCACHE_OK && reply.says == SAYS_OK && reply.key_len > 0;
         i++) {
        if (i == FCMC_STATS_MAX) {
            return out_of_order(conn, &reply);
        }
        fn(baton, fcache_bytes(body + reply.extras_len, reply.key_len), value);
        status = answer(conn, OP_STAT, conn->opaque, &reply, body, &value);
    }
    return status != FCACHE_OK || reply.says == SAYS_OK
               ? status
               : failed(conn, reply.says, value);
}

static fcache_status_t login(fcmc_conn_t *conn, fcache_bytes_t credentials)
{
    char head[HEADER + EXTRAS_MAX], body[BODY_MAX];
    reply_t reply = {0};
    fcache_bytes_t text;
    request_t request = {.opcode = OP_AUTH,
                         .key = fcache_str("PLAIN"),
                         .value_len = credentials.len};
    const fcache_bytes_t pieces[] = {write_head(conn, &request, head),
                                     request.key, credentials};
    fcache_status_t status = fcmc_conn_send(conn, pieces, 3);
    if (status == FCACHE_OK) {
        status = answer(conn, OP_AUTH, conn->opaque, &reply, body, &text);
    }
    return status != FCACHE_OK || reply.says == SAYS_OK
               ? status
               : failed(conn, reply.says, text);
}

const fcmc_wire_t fcmc_binary = {
    .name = "binary",
    .login = login,
    .get = get,
    .put = put,
    .remove = remove_name,
    .stats = stats,
};
