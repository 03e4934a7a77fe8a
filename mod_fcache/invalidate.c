/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write that the origin accepted makes what is stored for its URL invalid, and
 * for the URLs of the same origin that its Location and Content-Location name
 * (RFC 9111 §4.4), before the client learns that it was done, also where it takes
 * a round trip to a remote store; that has its deadline.
 *
 * Everything that is stored bears a tag of its URL, and it is this tag that is
 * cleared: so all variants go, whatever else is in their keys, and an answer
 * that the origin gave before the write is not served even if it is stored after.
 */
#include "admin.h"

#include <apr_strings.h>
#include <apr_uri.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

/* The request's own path and query as C strings. */
static const char *path_of(request_rec *r, const mfc_ctx_t *ctx)
{
    fcache_bytes_t path = ctx->request.path;
    const char *blank = memchr(path.ptr, ' ', path.len); /* of a redirect */

    return apr_pstrmemdup(r->pool, path.ptr,
                          blank ? (size_t)(blank - path.ptr) : path.len);
}

static const char *query_of(request_rec *r, const mfc_ctx_t *ctx)
{
    fcache_bytes_t query = ctx->request.query;

    return query.ptr ? apr_pstrmemdup(r->pool, query.ptr, query.len) : NULL;
}

/* What a write made stale. */
typedef struct written_t {
    request_rec *r;
    const mfc_ctx_t *ctx;
    apr_array_header_t *scopes; /* fcache_scope_t */
} written_t;

/* Takes the tags out of the buffer, and frees it. */
static void take_tags(const written_t *written, fcache_buf_t *tags)
{
    apr_pool_t *pool = written->r->pool;
    fcache_bytes_t list = fcache_buf_bytes(tags);
    fcache_scope_t scope = {.kind = FCACHE_SCOPE_TAG,
                            .prefix = written->ctx->conf->prefix};
    size_t offset = 0;

    list.ptr = apr_pmemdup(pool, list.ptr, list.len);
    while (fcache_entry_list_next(list, &offset, &scope.tag) > 0) {
        APR_ARRAY_PUSH(written->scopes, fcache_scope_t) = scope;
    }
    fcache_buf_fini(tags);
}

static void add_url(const written_t *written, const char *path,
                    const char *query)
{
    fcache_buf_t tags;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    (void)fcache_tags_add_url(&tags, written->ctx->request.authority,
                              fcache_str(path), fcache_str(query));
    take_tags(written, &tags);
}

/* The groups that the answer says it made stale (RFC 9875 §3). */
static void add_groups(const written_t *written)
{
    const request_rec *r = written->r;
    const fcache_request_t *request = &written->ctx->request;
    fcache_fields_t fields =
        mfc_message_fields(r->headers_out, r->err_headers_out, r->pool);
    fcache_buf_t tags;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    /* of more than an entry may have, the first count */
    (void)fcache_tags_add_groups(&tags, fields, "Cache-Group-Invalidation",
                                 request->scheme, request->authority);
    take_tags(written, &tags);
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
    const char *base = path_of(r, ctx);
    const char *slash = strrchr(base, '/');

    if (path[0] == '/' || slash == NULL) {
        return path;
    }
    return apr_pstrcat(
        r->pool, apr_pstrmemdup(r->pool, base, (apr_size_t)(slash + 1 - base)),
        path, NULL);
}

/* The path and query, of this origin, that a field of the answer refers to. */
static int read_reference(request_rec *r, const mfc_ctx_t *ctx,
                          const char *field, const char **out_path,
                          const char **out_query)
{
    const char *value = apr_table_get(r->headers_out, field);
    apr_uri_t uri;

    if (value == NULL || apr_uri_parse(r->pool, value, &uri) != APR_SUCCESS ||
        uri.path == NULL || !is_same_origin(&ctx->request, &uri)) {
        return 0;
    }
    *out_path = absolute_path(r, ctx, uri.path);
    *out_query = uri.query;
    return 1;
}

static void add_reference(const written_t *written, const char *field)
{
    const char *path;
    const char *query;

    if (read_reference(written->r, written->ctx, field, &path, &query)) {
        add_url(written, path, query);
    }
}

static int is_single(request_rec *r, const char *field)
{
    const char *first = apr_table_get(r->headers_out, field);
    const char *all = apr_table_getm(r->pool, r->headers_out, field);

    return first != NULL && strcmp(first, all) == 0;
}

int mfc_invalidate_is_own(request_rec *r, const mfc_ctx_t *ctx,
                          const char *field)
{
    const char *own = query_of(r, ctx);
    const char *path;
    const char *query;

    return is_single(r, field) &&
           read_reference(r, ctx, field, &path, &query) &&
           strcmp(path, path_of(r, ctx)) == 0 &&
           strcmp(query ? query : "", own ? own : "") == 0 &&
           (query == NULL) == (own == NULL);
}

void mfc_bypass_arm(request_rec *r, mfc_ctx_t *ctx)
{
    ap_add_output_filter_handle(mfc_bypass_handle, ctx, r, r->connection);
}

int mfc_is_success(const request_rec *r)
{
    return r->status >= 200 && r->status < 400;
}

/* The answer is that of a write: what it made stale goes. */
static void forget_written(request_rec *r, mfc_ctx_t *ctx)
{
    written_t written = {r, ctx, NULL};
    fcache_error_t error = {""};

    if (ctx->cache == NULL || !mfc_is_success(r) ||
        fcache_method_is_safe(ctx->request.method) ||
        mfc_is_admin(r)) { /* which says itself what goes */
        return;
    }
    written.scopes = apr_array_make(r->pool, 4, sizeof(fcache_scope_t));
    add_url(&written, path_of(r, ctx), query_of(r, ctx));
    add_reference(&written, "Location");
    add_reference(&written, "Content-Location");
    add_groups(&written);
    if (fcache_clear(ctx->cache, (const fcache_scope_t *)written.scopes->elts,
                     (size_t)written.scopes->nelts, &error) != FCACHE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "FC0104: what is stored for a URL that was written to "
                      "may be served until the store answers: %s",
                      error.text);
    }
    ctx->epoch = fcache_epoch(ctx->cache);
}

void mfc_bypass_on_error(request_rec *r, mfc_ctx_t *ctx)
{
    if (ctx->bypass != FCACHE_REASON_NONE) {
        forget_written(r, ctx);
    }
}

apr_status_t mfc_bypass_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    mfc_ctx_t *ctx = f->ctx;
    request_rec *r = f->r;
    ap_filter_t *next = f->next;

    mfc_post_check(r, ctx);
    forget_written(r, ctx);
    if (ctx->capture == NULL) { /* else what is stored comes first */
        mfc_report_answer(r, ctx);
        mfc_report(r, ctx, FCACHE_VERDICT_BYPASS, ctx->bypass);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}
