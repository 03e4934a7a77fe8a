/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's request, asked once more by the server itself, on a connection
 * that no network knows.
 *
 * All phases before the handler run at once, in the thread of the client's
 * request and with what the modules know of its connection (TLS, the address in
 * front of a proxy), so that names, access and variables come out as they did
 * for the client, and are not asked for again later. What the handler needs is
 * then in the pool of the repeated request alone: it may run wherever and
 * whenever.
 *
 * The fields are those of the client, credentials too: the origin is asked what
 * a miss of this client would have asked it, a moment later, and the answer is
 * judged as one to this client (T8, T9). Only what would make it another
 * question is left out: conditions, ranges, the framing of a body, and cookies
 * where what is stored is the answer to none.
 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

/* This module's configuration of such a connection. */
typedef struct repeat_t {
    void *owner;
    const char *scheme; /* of the client's request, once TLS is forgotten */
} repeat_t;

static const char *const dropped[] = {"Content-Length",
                                      "Expect",
                                      "If-Match",
                                      "If-Modified-Since",
                                      "If-Range",
                                      "If-None-Match",
                                      "Range",
                                      "Trailer",
                                      "If-Unmodified-Since",
                                      "Transfer-Encoding"};

#define DROPPED (sizeof(dropped) / sizeof(dropped[0]))

/* ---- the connection's two ends ------------------------------------------- */

apr_status_t mfc_repeat_no_body(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    (void)mode;
    (void)block;
    (void)readbytes;
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

apr_status_t mfc_repeat_drain(ap_filter_t *f, apr_bucket_brigade *bb)
{
    (void)f;
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

/* More than could be stored is for nobody: the origin is cut off. */
apr_status_t mfc_repeat_sink(ap_filter_t *f, apr_bucket_brigade *bb)
{
    uint64_t *sunk = f->ctx;
    apr_off_t length = 0;

    if (apr_brigade_length(bb, 0, &length) == APR_SUCCESS && length > 0) {
        *sunk += (uint64_t)length;
    }
    apr_brigade_cleanup(bb);
    if (*sunk > mfc_conf_of(f->r)->max_object) {
        f->c->aborted = 1;
        return APR_ECONNABORTED;
    }
    return APR_SUCCESS;
}

static conn_rec *connection_create(const conn_rec *front, apr_pool_t *pool)
{
    conn_rec *c = apr_pcalloc(pool, sizeof(*c));

    c->pool = pool;
    c->base_server = front->base_server;
    c->vhost_lookup_data = front->vhost_lookup_data;
    c->id = front->id;
    c->keepalive = AP_CONN_CLOSE;
    c->client_ip = apr_pstrdup(pool, front->client_ip);
    c->local_ip = apr_pstrdup(pool, front->local_ip);
    c->notes = apr_table_make(pool, 2);
    c->bucket_alloc = apr_bucket_alloc_create(pool);
    if (apr_sockaddr_info_copy(&c->client_addr, front->client_addr, pool) !=
            APR_SUCCESS ||
        apr_sockaddr_info_copy(&c->local_addr, front->local_addr, pool) !=
            APR_SUCCESS) {
        return NULL;
    }
    ap_add_input_filter_handle(mfc_no_body_handle, NULL, NULL, c);
    ap_add_output_filter_handle(mfc_drain_handle, NULL, NULL, c);
    return c;
}

/* What the modules know of the client's connection, as long as it is there. */
static void lend_config(conn_rec *c, const conn_rec *front)
{
    int i;

    c->conn_config = ap_create_conn_config(c->pool);
    for (i = 0; ap_loaded_modules[i] != NULL; i++) {
        module *m = ap_loaded_modules[i];
        ap_set_module_config(c->conn_config, m,
                             ap_get_module_config(front->conn_config, m));
    }
}

static const repeat_t *repeat_of(const conn_rec *c)
{
    return ap_get_module_config(c->conn_config, &fcache_module);
}

int mfc_repeat_is(const conn_rec *c)
{
    return repeat_of(c) != NULL;
}

void *mfc_repeat_owner(const conn_rec *c)
{
    return repeat_of(c) ? repeat_of(c)->owner : NULL;
}

/* There is no TLS on it; what tells of the client's is this. */
const char *mfc_on_scheme(const request_rec *r)
{
    return repeat_of(r->connection) ? repeat_of(r->connection)->scheme : NULL;
}

int mfc_on_is_tls(conn_rec *c)
{
    const repeat_t *repeat = repeat_of(c);

    return repeat != NULL && repeat->scheme != NULL &&
                   strcmp(repeat->scheme, "https") == 0
               ? OK
               : DECLINED;
}

apr_port_t mfc_on_port(const request_rec *r)
{
    return mfc_on_is_tls(r->connection) == OK ? DEFAULT_HTTPS_PORT : 0;
}

/* A handler that leads to another URL is not followed (T22), and no module sees
 * a new request on a connection that it was never told of. */
int mfc_on_read(request_rec *r)
{
    return r->prev != NULL && mfc_repeat_is(r->connection) ? HTTP_FORBIDDEN
                                                           : DECLINED;
}

/* ---- the request --------------------------------------------------------- */

static apr_table_t *fields_of(const request_rec *r, apr_pool_t *pool)
{
    apr_table_t *fields = apr_table_clone(pool, r->headers_in);
    size_t i;

    for (i = 0; i < DROPPED; i++) {
        apr_table_unset(fields, dropped[i]);
    }
    return fields;
}

static void copy_line(request_rec *r, const request_rec *of)
{
    r->server = of->server;
    r->per_dir_config = r->server->lookup_defaults;
    r->request_time = apr_time_now();
    r->status = HTTP_OK;
    r->method = "GET";
    r->method_number = M_GET;
    r->protocol = apr_pstrdup(r->pool, of->protocol);
    r->proto_num = of->proto_num;
    r->hostname = apr_pstrdup(r->pool, of->hostname);
    r->the_request =
        apr_pstrcat(r->pool, "GET ", of->unparsed_uri, " ", r->protocol, NULL);
    ap_parse_uri(r, apr_pstrdup(r->pool, of->unparsed_uri));
}

static int copy_address(request_rec *r, const request_rec *of)
{
    r->useragent_ip = apr_pstrdup(r->pool, of->useragent_ip);
    return apr_sockaddr_info_copy(&r->useragent_addr, of->useragent_addr,
                                  r->pool) == APR_SUCCESS;
}

/* To which an answer that is for all would be taken for one person's. */
static void drop_cookies(request_rec *r)
{
    apr_table_unset(r->headers_in, "Cookie");
    apr_table_unset(r->headers_in, "Cookie2");
}

/* All phases up to the handler. They have run for the client, too: what came of
 * variables then is there from the start, for it may stem from a field that is
 * gone, and what they make of fields is not made of them twice. */
static int run_phases(request_rec *r, const request_rec *of)
{
    int status;

    copy_line(r, of);
    r->headers_in = fields_of(of, r->pool);
    r->subprocess_env = apr_table_clone(r->pool, of->subprocess_env);
    status = ap_run_post_read_request(r);
    if ((status != OK && status != DECLINED) || !copy_address(r, of) ||
        ap_process_request_internal(r) != OK) {
        return 0;
    }
    r->headers_in = fields_of(of, r->pool);
    if (mfc_ctx_of(of)->without_cookies) {
        drop_cookies(r);
    }
    r->user = apr_pstrdup(r->pool, r->user);
    r->subprocess_env = apr_table_clone(r->pool, r->subprocess_env);
    return 1;
}

request_rec *mfc_repeat_create(const request_rec *of, const fcache_key_t *key,
                               void *owner, apr_pool_t *pool)
{
    conn_rec *front =
        of->connection->master ? of->connection->master : of->connection;
    conn_rec *c = connection_create(front, pool);
    repeat_t *repeat = apr_pcalloc(pool, sizeof(*repeat));
    request_rec *r;
    int is_fine;

    if (c == NULL) {
        return NULL;
    }
    repeat->owner = owner;
    lend_config(c, front);
    ap_set_module_config(c->conn_config, &fcache_module, repeat);
    c->master = front;
    r = ap_create_request(c);
    ap_add_output_filter_handle(mfc_sink_handle,
                                apr_pcalloc(pool, sizeof(uint64_t)), r, c);
    is_fine = run_phases(r, of) && mfc_on_repeat(r, key);
    repeat->scheme = apr_pstrdup(pool, ap_http_scheme(r));
    c->master = NULL;
    c->conn_config = ap_create_conn_config(pool);
    ap_set_module_config(c->conn_config, &fcache_module, repeat);
    return is_fine ? r : NULL;
}
