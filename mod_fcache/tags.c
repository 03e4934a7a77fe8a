/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of an answer: of its URL, of the origin's fields, of the operator's
 * expressions. */
#include "ctx.h"

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

/* For all caches on the way, whatever they are to us (RFC 9875 §2). */
static const char groups[] = "Cache-Groups";

static int is_groups(const char *name)
{
    return ap_cstr_casecmp(name, groups) == 0;
}

static fcache_status_t add_url(const mfc_ctx_t *ctx, fcache_buf_t *tags)
{
    fcache_bytes_t path = ctx->request.path;
    const char *blank = memchr(path.ptr, ' ', path.len); /* of a redirect */

    if (blank != NULL) {
        path.len = (size_t)(blank - path.ptr);
    }
    return fcache_tags_add_url(tags, ctx->request.authority, path,
                               ctx->request.query);
}

/* A copy in the pool, and the buffer is gone. */
static fcache_status_t hand_out(fcache_status_t status, fcache_buf_t *tags,
                                apr_pool_t *pool, fcache_bytes_t *out_tags)
{
    if (status == FCACHE_OK) {
        *out_tags =
            fcache_bytes(apr_pmemdup(pool, tags->ptr, tags->len), tags->len);
    }
    fcache_buf_fini(tags);
    return status;
}

fcache_status_t mfc_tags_of_url(request_rec *r, const mfc_ctx_t *ctx,
                                fcache_bytes_t *out_tags)
{
    fcache_buf_t tags;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    return hand_out(add_url(ctx, &tags), &tags, r->pool, out_tags);
}

static fcache_status_t add_fields(const mfc_ctx_t *ctx, fcache_fields_t fields,
                                  fcache_buf_t *tags)
{
    const mfc_tags_conf_t *conf = &ctx->conf->tags;
    fcache_status_t status = FCACHE_OK;
    size_t i;

    for (i = 0; i < conf->count && status == FCACHE_OK; i++) {
        status = is_groups(conf->fields[i])
                     ? fcache_tags_add_groups(tags, fields, groups,
                                              ctx->request.scheme,
                                              ctx->request.authority)
                     : fcache_tags_add_field(tags, fields, conf->fields[i]);
    }
    return status;
}

static fcache_status_t add_expressions(request_rec *r, const mfc_ctx_t *ctx,
                                       fcache_buf_t *tags)
{
    const mfc_exprs_t *conf = &ctx->conf->tag;
    fcache_status_t status = FCACHE_OK;
    size_t i;

    for (i = 0; i < conf->count && status == FCACHE_OK; i++) {
        const char *error = NULL;
        const char *text = ap_expr_str_exec(r, conf->items[i], &error);
        status = error != NULL ? FCACHE_BAD_INPUT
                               : fcache_tags_add_words(tags, fcache_str(text));
    }
    return status;
}

fcache_status_t mfc_tags_build(request_rec *r, const mfc_ctx_t *ctx,
                               fcache_fields_t fields, fcache_bytes_t before,
                               fcache_bytes_t *out_tags)
{
    fcache_status_t status;
    fcache_buf_t tags;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    status = add_url(ctx, &tags);
    if (status == FCACHE_OK) {
        status = fcache_tags_add_list(&tags, before);
    }
    if (status == FCACHE_OK) {
        status = add_fields(ctx, fields, &tags);
    }
    if (status == FCACHE_OK) {
        status = add_expressions(r, ctx, &tags);
    }
    return hand_out(status, &tags, r->pool, out_tags);
}

int mfc_tags_is_stripped(const mfc_conf_t *conf, fcache_bytes_t name)
{
    size_t i;

    for (i = 0; i < conf->tags.count && !conf->tags.forwards; i++) {
        if (fcache_bytes_equal_nocase(name, fcache_str(conf->tags.fields[i]))) {
            return !is_groups(conf->tags.fields[i]);
        }
    }
    return 0;
}

void mfc_tags_strip(request_rec *r, const mfc_conf_t *conf)
{
    size_t i;

    for (i = 0; i < conf->tags.count && !conf->tags.forwards; i++) {
        if (!is_groups(conf->tags.fields[i])) {
            apr_table_unset(r->headers_out, conf->tags.fields[i]);
            apr_table_unset(r->err_headers_out, conf->tags.fields[i]);
        }
    }
}
