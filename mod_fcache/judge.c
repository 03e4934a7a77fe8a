/* SPDX-License-Identifier: Apache-2.0 */
/* What the origin's answer means for the store: the core's ruling on what httpd
 * has of it. */
#include "ctx.h"

/* The answer to HEAD that GET would have got, when that is stored; to one who
 * logged in, what is stored for all would not have been given. */
static int is_about_stored(const request_rec *r, const mfc_ctx_t *ctx)
{
    return r->header_only && r->status == HTTP_OK && ctx->found == FCACHE_OK &&
           ctx->hit.entry.status == HTTP_OK &&
           ctx->decision.reason != FCACHE_REASON_ENTRY_AUTHORIZATION;
}

/* A part of what is stored whole, if stale: that may still be of use. */
static int would_replace_whole(const request_rec *r, const mfc_ctx_t *ctx)
{
    return ctx->judgement.ruling == FCACHE_RULING_STORE &&
           r->status == HTTP_PARTIAL_CONTENT && ctx->found == FCACHE_OK &&
           ctx->hit.entry.status != HTTP_PARTIAL_CONTENT;
}

/* What came together does not go together. */
static void spread(mfc_ctx_t *ctx)
{
    fcache_judgement_t *judgement = &ctx->judgement;
    int64_t ttl_us = judgement->fresh_until_us - ctx->answered_us;

    if (ctx->conf->jitter_percent > 0 && ttl_us > 0 &&
        (judgement->ruling == FCACHE_RULING_STORE ||
         judgement->ruling == FCACHE_RULING_REFRESH)) {
        judgement->fresh_until_us =
            ctx->answered_us +
            fcache_jitter(ttl_us, ctx->conf->jitter_percent, mfc_random());
    }
}

static void refuse(mfc_ctx_t *ctx, fcache_reason_t reason)
{
    ctx->judgement.ruling = FCACHE_RULING_NO_STORE;
    ctx->judgement.reason = reason;
}

void mfc_judge(request_rec *r, mfc_ctx_t *ctx, fcache_fields_t fields)
{
    fcache_response_t response = {r->status, fields, ctx->started_us,
                                  apr_time_now()};
    const fcache_entry_t *stored =
        mfc_revalidate_is_armed(ctx) ? &ctx->hit.entry : NULL;

    mfc_revalidate_disarm(r, ctx);
    ctx->judgement =
        is_about_stored(r, ctx)
            ? fcache_judge_head(&ctx->policy, &ctx->request, &response,
                                &ctx->hit.entry, response.response_us)
            : fcache_judge(&ctx->policy, &ctx->request, &response, stored,
                           response.response_us);
    ctx->answered_us = response.response_us;
    spread(ctx);
    if (would_replace_whole(r, ctx)) {
        refuse(ctx, FCACHE_REASON_PARTIAL);
    } else if (ctx->judgement.ruling == FCACHE_RULING_STORE &&
               !mfc_switch_is_on(&ctx->conf->store_if, r)) {
        refuse(ctx, FCACHE_REASON_STORE_IF);
    }
}
