/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An origin that fails while a stale entry is there (RFC 9111 §4.2.4, RFC 5861
 * §4). The entry is held from the lookup on; whether it may answer is for
 * fcache_may_serve_stale() alone to say. A failure shows in three ways: as a
 * 5xx of the origin's (flow.c), as an error bucket in place of an answer, or as
 * the status that the handler returns, for which httpd makes a page.
 */
#include "ctx.h"

#include <http_protocol.h>

static apr_status_t release(void *data)
{
    mfc_ctx_t *ctx = data;

    fcache_pin_release(ctx->cache, ctx->hit.pin);
    ctx->hit.pin = NULL;
    ctx->holds_entry = 0;
    return APR_SUCCESS;
}

void mfc_stale_hold(request_rec *r, mfc_ctx_t *ctx)
{
    ctx->holds_entry = 1;
    apr_pool_cleanup_register(r->pool, ctx, release, apr_pool_cleanup_null);
}

/* What the client asked for may forbid it too: then no reason of these two. Or
 * it may allow it for longer than the origin does. */
static int is_allowed(const mfc_ctx_t *ctx, fcache_stale_t cause)
{
    fcache_entry_t entry = ctx->hit.entry;

    if (entry.stale_if_error_s < ctx->decision.stale_if_error_s) {
        entry.stale_if_error_s = ctx->decision.stale_if_error_s;
    }
    return (ctx->decision.reason == FCACHE_REASON_EXPIRED ||
            ctx->decision.reason == FCACHE_REASON_SOFT_PURGED) &&
           fcache_may_serve_stale(&ctx->policy, &entry, cause, apr_time_now());
}

int mfc_stale_may_answer(const mfc_ctx_t *ctx, fcache_stale_t cause)
{
    return ctx->holds_entry && is_allowed(ctx, cause);
}

/* As old as it has become since it was looked up. */
static void grow_old(mfc_ctx_t *ctx)
{
    int64_t waited_s = (apr_time_now() - ctx->started_us) / FCACHE_US_PER_S;

    ctx->age_s = ctx->decision.age_s + waited_s;
    ctx->ttl_s = ctx->decision.ttl_s - waited_s;
}

int mfc_stale_decide(mfc_ctx_t *ctx)
{
    if (ctx->found != FCACHE_OK || !is_allowed(ctx, FCACHE_STALE_ERROR)) {
        return 0;
    }
    grow_old(ctx);
    ctx->decision.plan = FCACHE_PLAN_HIT_STALE;
    ctx->decision.reason = FCACHE_REASON_STALE_IF_ERROR;
    return 1;
}

fcache_stale_t mfc_stale_cause(const request_rec *r, const mfc_ctx_t *ctx)
{
    return ctx->origin_status == r->status ? FCACHE_STALE_ERROR
                                           : FCACHE_STALE_UNREACHABLE;
}

int mfc_stale_is_failure(int status)
{
    return status == HTTP_INTERNAL_SERVER_ERROR || status == HTTP_BAD_GATEWAY ||
           status == HTTP_SERVICE_UNAVAILABLE ||
           status == HTTP_GATEWAY_TIME_OUT;
}

void mfc_stale_take(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_flight_end(ctx, MFC_OUTCOME_FAILED);
    mfc_revalidate_disarm(r, ctx);
    grow_old(ctx);
    mfc_report(r, ctx, FCACHE_VERDICT_STALE, FCACHE_REASON_STALE_IF_ERROR);
}

void mfc_stale_arm(request_rec *r, mfc_ctx_t *ctx)
{
    ap_add_output_filter_handle(mfc_stale_handle, ctx, r, r->connection);
}

/* Sits before httpd's error page: the entry goes out, the page does not. */
apr_status_t mfc_stale_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    mfc_ctx_t *ctx = f->ctx;

    apr_brigade_cleanup(bb);
    if (ctx->answer_sent) {
        return APR_SUCCESS;
    }
    ctx->answer_sent = 1;
    mfc_stale_take(f->r, ctx);
    mfc_serve_prepare(f->r, ctx, bb);
    return ap_pass_brigade(f->next, bb);
}
