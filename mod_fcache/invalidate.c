/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write that the origin accepted makes what is stored for its URL invalid,
 * and for the URLs of the same origin that its Location and Content-Location
 * name (RFC 9111 §4.4). All variants go, before the client learns that it was
 * done.
 */
#include "ctx.h"

#include <apr_strings.h>
#include <apr_uri.h>

/* Drops what a GET of that path and query would find. */
static void forget(request_rec *r, const mfc_ctx_t *ctx, const char *path,
                   const char *query)
{
    const mfc_key_conf_t *conf = &ctx->conf->key;
    fcache_request_t request = ctx->request;
    fcache_key_t key;

    request.method = fcache_str("GET");
    request.path = fcache_str(path);
    request.query = fcache_str(query);
    if (fcache_key_build(conf->rules, conf->builder, conf->builder_baton,
                         ctx->conf->prefix, ctx->conf->ns, &request, &key,
                         r->pool, NULL) == FCACHE_OK) {
        fcache_del(ctx->cache, &key, ctx->started_us, NULL);
    }
}

/* Is it a reference to this request's own origin (T21)? */
static int is_same_origin(const fcache_request_t *request, const apr_uri_t *uri)
{
    const char *host = uri->hostinfo;

    return (uri->scheme == NULL ||
            fcache_bytes_equal_nocase(fcache_str(uri->scheme),
                                      request->scheme)) &&
           (host == NULL ||
            fcache_bytes_equal_nocase(fcache_str(host), request->authority));
}

/* The path a relative reference means, next to the request's own (RFC 3986
 * §5.2.3); dot segments are not looked into. */
static const char *absolute_path(request_rec *r, const mfc_ctx_t *ctx,
                                 const char *path)
{
    const char *base =
        apr_pstrmemdup(r->pool, ctx->request.path.ptr, ctx->request.path.len);
    const char *slash = strrchr(base, '/');

    if (path[0] == '/' || slash == NULL) {
        return path;
    }
    return apr_pstrcat(
        r->pool, apr_pstrmemdup(r->pool, base, (apr_size_t)(slash + 1 - base)),
        path, NULL);
}

static void forget_reference(request_rec *r, const mfc_ctx_t *ctx,
                             const char *field)
{
    const char *value = apr_table_get(r->headers_out, field);
    apr_uri_t uri;

    if (value == NULL || apr_uri_parse(r->pool, value, &uri) != APR_SUCCESS ||
        uri.path == NULL || !is_same_origin(&ctx->request, &uri)) {
        return;
    }
    forget(r, ctx, absolute_path(r, ctx, uri.path), uri.query);
}

void mfc_invalidate_arm(request_rec *r, mfc_ctx_t *ctx)
{
    ap_add_output_filter_handle(mfc_invalidate_handle, ctx, r, r->connection);
}

apr_status_t mfc_invalidate_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const mfc_ctx_t *ctx = f->ctx;
    request_rec *r = f->r;
    ap_filter_t *next = f->next;

    if (r->status >= 200 && r->status < 400) {
        fcache_bytes_t path = ctx->request.path;
        fcache_bytes_t query = ctx->request.query;

        forget(r, ctx, apr_pstrmemdup(r->pool, path.ptr, path.len),
               query.ptr ? apr_pstrmemdup(r->pool, query.ptr, query.len)
                         : NULL);
        forget_reference(r, ctx, "Location");
        forget_reference(r, ctx, "Content-Location");
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}
