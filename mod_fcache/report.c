/* SPDX-License-Identifier: Apache-2.0 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

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

void mfc_report_field(const mfc_ctx_t *ctx, apr_table_t *fields)
{
    if (ctx->conf->status_header != NULL) {
        apr_table_setn(fields, ctx->conf->status_header,
                       fcache_verdict_text(ctx->verdict));
    }
}

void mfc_report(request_rec *r, mfc_ctx_t *ctx, fcache_verdict_t verdict,
                fcache_reason_t reason)
{
    const mfc_env_names_t *env = ctx->conf->env;
    int is_first = ctx->reported != r;

    ctx->reported = r;
    ctx->verdict = verdict;
    ctx->reason = reason;
    if (!is_served(verdict)) {
        /* err_headers_out outlives what handlers and errors do to the rest */
        mfc_report_field(ctx, r->err_headers_out);
    } else if (ctx->conf->status_header != NULL) {
        apr_table_unset(r->err_headers_out, ctx->conf->status_header);
    }
    if (env == NULL) {
        return;
    }
    tell(r, is_first, env->status, fcache_verdict_text(verdict));
    tell(r, is_first, env->reason, fcache_reason_text(reason));
    if (ctx->bypass == FCACHE_REASON_NONE) {
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
