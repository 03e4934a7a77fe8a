/* SPDX-License-Identifier: Apache-2.0 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

#define CACHE_STATUS "Cache-Status"
#define DEBUG        "X-FCache-Debug"

/* The first report of a request adds, which costs a fraction of looking for
 * what is not there yet. */
static void tell(request_rec *r, int is_first, const char *name,
                 const char *value)
{
    if (is_first) {
        apr_table_addn(r->subprocess_env, name, value);
        apr_table_addn(r->notes, name, value);
    } else {
        apr_table_setn(r->subprocess_env, name, value);
        apr_table_setn(r->notes, name, value);
    }
}

static int is_served(fcache_verdict_t verdict)
{
    return verdict == FCACHE_VERDICT_HIT || verdict == FCACHE_VERDICT_STALE ||
           verdict == FCACHE_VERDICT_REVALIDATED;
}

/* RFC 9211 */
static const char *cache_status(request_rec *r, const mfc_ctx_t *ctx)
{
    fcache_cache_status_t status = {.name = ctx->conf->cache_status,
                                    .forward = ctx->forward,
                                    .forward_status = ctx->forward_status,
                                    .ttl_s = ctx->ttl_s,
                                    .detail = ctx->reason};
    char text[FCACHE_CACHE_STATUS_LEN];

    if (ctx->forward_status == 0) {
        status.forward_status = ctx->origin_status; /* a page in its place */
    }
    status.is_hit = is_served(ctx->verdict);
    status.is_collapsed = ctx->is_collapsed;
    status.is_stored = ctx->reason == FCACHE_REASON_STORED ||
                       ctx->reason == FCACHE_REASON_REFRESHED;
    status.has_ttl = status.is_hit || status.is_stored;
    return apr_pstrmemdup(r->pool, text,
                          fcache_cache_status_format(&status, text));
}

void mfc_report_answer(request_rec *r, mfc_ctx_t *ctx)
{
    const mfc_conf_t *conf = ctx->conf;

    ctx->forward_status = r->status;
    mfc_tags_strip(r, conf);
    if (conf->status_header != NULL) {
        apr_table_unset(r->headers_out, conf->status_header);
    }
    if (ctx->is_debugged) {
        apr_table_unset(r->headers_out, DEBUG);
    }
    if (conf->cache_status.len > 0) {
        ctx->others_status =
            apr_table_getm(r->pool, r->headers_out, CACHE_STATUS);
        apr_table_unset(r->headers_out, CACHE_STATUS);
    }
}

void mfc_report_fields(request_rec *r, const mfc_ctx_t *ctx,
                       apr_table_t *fields)
{
    if (ctx->conf->status_header != NULL) {
        apr_table_setn(fields, ctx->conf->status_header,
                       fcache_verdict_text(ctx->verdict));
    }
    if (ctx->conf->cache_status.len > 0) {
        apr_table_addn(fields, CACHE_STATUS, cache_status(r, ctx));
    }
    if (ctx->is_debugged) {
        apr_table_setn(fields, DEBUG, mfc_debug_text(r, ctx));
    }
}

static int keep_list(void *baton, const char *name, const char *value)
{
    if (fcache_cache_status_is_list(fcache_str(value))) {
        apr_table_addn(baton, name, value);
    }
    return 1;
}

/* Ours is to be read behind it. */
void mfc_report_sift(request_rec *r, const mfc_ctx_t *ctx)
{
    apr_table_t *kept;

    if (ctx->conf->cache_status.len == 0 ||
        apr_table_get(r->headers_out, CACHE_STATUS) == NULL) {
        return;
    }
    kept = apr_table_make(r->pool, 1);
    apr_table_do(keep_list, kept, r->headers_out, CACHE_STATUS, NULL);
    apr_table_unset(r->headers_out, CACHE_STATUS);
    apr_table_do(keep_list, r->headers_out, kept, NULL);
}

/* Errors and what handlers do to the rest leave err_headers_out as it is. */
void mfc_report_beside(request_rec *r, const mfc_ctx_t *ctx)
{
    apr_table_t *fields = r->err_headers_out;

    if (ctx->conf->cache_status.len > 0) {
        apr_table_unset(fields, CACHE_STATUS);
        if (ctx->others_status != NULL) {
            apr_table_addn(fields, CACHE_STATUS, ctx->others_status);
        }
    }
    mfc_report_fields(r, ctx, fields);
}

/* RFC 9110 §15.5.17: how long it is what there was no such range of. */
static void tell_length(request_rec *r, const mfc_ctx_t *ctx)
{
    if (r->status == HTTP_RANGE_NOT_SATISFIABLE && is_served(ctx->verdict) &&
        apr_table_get(r->err_headers_out, "Content-Range") == NULL) {
        apr_table_setn(r->err_headers_out, "Content-Range",
                       apr_psprintf(r->pool, "bytes */%" APR_UINT64_T_FMT,
                                    ctx->hit.entry.body_len));
    }
}

void mfc_report_error(request_rec *r, const mfc_ctx_t *ctx)
{
    tell_length(r, ctx);
    mfc_report_beside(r, ctx);
}

static void unreport(request_rec *r, const mfc_ctx_t *ctx)
{
    if (ctx->conf->status_header != NULL) {
        apr_table_unset(r->err_headers_out, ctx->conf->status_header);
    }
    if (ctx->conf->cache_status.len > 0) {
        apr_table_unset(r->err_headers_out, CACHE_STATUS);
    }
    if (ctx->is_debugged) {
        apr_table_unset(r->err_headers_out, DEBUG);
    }
}

void mfc_report(request_rec *r, mfc_ctx_t *ctx, fcache_verdict_t verdict,
                fcache_reason_t reason)
{
    const mfc_env_names_t *env = ctx->conf->env;
    int is_first = ctx->reported != r;
    int went_round = ctx->bypass != FCACHE_REASON_NONE;

    ctx->reported = r;
    ctx->verdict = verdict == FCACHE_VERDICT_MISS && went_round
                       ? FCACHE_VERDICT_BYPASS
                       : verdict;
    ctx->reason = reason;
    if (is_served(ctx->verdict)) {
        unreport(r, ctx);
    } else {
        mfc_report_beside(r, ctx);
    }
    if (env == NULL) {
        return;
    }
    tell(r, is_first, env->status, fcache_verdict_text(ctx->verdict));
    tell(r, is_first, env->reason, fcache_reason_text(reason));
    if (!went_round) {
        tell(r, is_first, env->key, ctx->key.name.ptr);
        tell(r, is_first, env->ttl, apr_off_t_toa(r->pool, ctx->ttl_s));
        tell(r, is_first, env->age, apr_off_t_toa(r->pool, ctx->age_s));
    }
}

void mfc_report_log(const request_rec *r, const mfc_ctx_t *ctx)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_DEBUG, 0, r,
        "FC0101: %s %s key=%s age=%" APR_INT64_T_FMT " ttl=%" APR_INT64_T_FMT,
        fcache_verdict_text(ctx->verdict), fcache_reason_text(ctx->reason),
        ctx->key.name.ptr ? ctx->key.name.ptr : "-", ctx->age_s, ctx->ttl_s);
}
