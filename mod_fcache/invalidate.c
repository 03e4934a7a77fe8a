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

#include <fcache/url.h>

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

static fcache_url_t url_of(const mfc_ctx_t *ctx)
{
    const fcache_request_t *request = &ctx->request;
    fcache_url_t url = {request->scheme, request->authority, request->path,
                        request->query};
    const char *blank = memchr(url.path.ptr, ' ', url.path.len);

    if (blank != NULL) { /* of a redirect */
        url.path.len = (size_t)(blank - url.path.ptr);
    }
    return url;
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

static void add_url(const written_t *written, const fcache_url_t *url)
{
    fcache_buf_t tags;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    (void)fcache_tags_add_url(&tags, url->authority, url->path, url->query);
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

/* The URL that a field of the answer refers to, if it is of this request's own
 * origin (T21). */
static int read_reference(request_rec *r, const mfc_ctx_t *ctx,
                          const char *field, fcache_url_t *out_url)
{
    const char *value = apr_table_get(r->headers_out, field);
    fcache_url_t own = url_of(ctx);

    return value != NULL &&
           fcache_url_resolve(&own, fcache_str(value), out_url, r->pool,
                              NULL) == FCACHE_OK &&
           fcache_bytes_equal(out_url->scheme, own.scheme) &&
           fcache_bytes_equal(out_url->authority, own.authority);
}

static void add_reference(const written_t *written, const char *field)
{
    fcache_url_t url;

    if (read_reference(written->r, written->ctx, field, &url)) {
        add_url(written, &url);
    }
}

static int is_single(request_rec *r, const char *field)
{
    const char *first = apr_table_get(r->headers_out, field);
    const char *all = apr_table_getm(r->pool, r->headers_out, field);

    return first != NULL && first[0] != '\0' && strcmp(first, all) == 0;
}

int mfc_invalidate_is_own(request_rec *r, const mfc_ctx_t *ctx,
                          const char *field)
{
    fcache_url_t own = url_of(ctx);
    fcache_url_t url;

    return is_single(r, field) && read_reference(r, ctx, field, &url) &&
           fcache_bytes_equal(url.path, own.path) &&
           fcache_bytes_equal(url.query, own.query) &&
           (url.query.ptr == NULL) == (own.query.ptr == NULL);
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
    fcache_url_t own = url_of(ctx);
    fcache_error_t error = {""};

    if (ctx->cache == NULL || !mfc_is_success(r) ||
        fcache_method_is_safe(ctx->request.method) ||
        mfc_is_admin(r)) { /* which says itself what goes */
        return;
    }
    written.scopes = apr_array_make(r->pool, 4, sizeof(fcache_scope_t));
    add_url(&written, &own);
    add_reference(&written, "Location");
    add_reference(&written, "Content-Location");
    add_groups(&written);
    if (fcache_clear(ctx->cache,
                     &APR_ARRAY_IDX(written.scopes, 0, fcache_scope_t),
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
    mfc_report_sift(r, ctx);
    forget_written(r, ctx);
    if (ctx->capture == NULL) { /* else what is stored comes first */
        mfc_report_answer(r, ctx);
        mfc_report(r, ctx, FCACHE_VERDICT_BYPASS, ctx->bypass);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}
