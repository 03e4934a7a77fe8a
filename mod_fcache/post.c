/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to POST that is the content of its own URL (RFC 9110 §9.3.3): one
 * with a lifetime, whose Content-Location names that URL. It is stored for later
 * GETs. The POST itself goes round the cache, and makes what was there invalid
 * first, like every write.
 */
#include "ctx.h"

#include <apr_strings.h>

static const fcache_bytes_t post = {"POST", 4};

/* Would it be admitted, were it only for its method? */
static int is_admitted(const mfc_ctx_t *ctx)
{
    fcache_policy_t policy = ctx->policy;

    policy.methods = &post;
    policy.method_count = 1;
    return fcache_bytes_equal(ctx->request.method, post) &&
           fcache_admit(&policy, &ctx->request) == FCACHE_REASON_NONE;
}

static int build_key(request_rec *r, mfc_ctx_t *ctx)
{
    const mfc_conf_t *conf = ctx->conf;
    fcache_request_t later = ctx->request;

    later.method = fcache_str("GET");
    return fcache_key_build(conf->key.rules, conf->key.builder,
                            conf->key.builder_baton, conf->prefix, conf->ns,
                            &later, &ctx->key, r->pool, NULL) == FCACHE_OK;
}

void mfc_post_arm(request_rec *r, mfc_ctx_t *ctx)
{
    if (!ctx->conf->post_reuse || ctx->bypass != FCACHE_REASON_METHOD ||
        !is_admitted(ctx) || !build_key(r, ctx)) {
        return;
    }
    ctx->epoch = fcache_epoch(ctx->cache);
    ctx->before = apr_table_copy(r->pool, r->err_headers_out);
    mfc_capture_arm(r, ctx);
}

/* Was what this answer shows the last word? Only if nothing was cleared while
 * the origin made it, but by ourselves. */
static int is_last_word(const mfc_ctx_t *ctx)
{
    return ctx->cleared > 0 &&
           fcache_epoch(ctx->cache) == ctx->epoch + ctx->cleared;
}

int mfc_post_may_store(request_rec *r, mfc_ctx_t *ctx)
{
    const fcache_judgement_t *judgement = &ctx->judgement;

    if (judgement->ruling != FCACHE_RULING_STORE || r->status != HTTP_OK ||
        (judgement->entry_flags & FCACHE_ENTRY_NO_LIFETIME) ||
        !mfc_invalidate_is_own(r, ctx, "Content-Location") ||
        !is_last_word(ctx)) {
        return 0;
    }
    ctx->epoch = fcache_epoch(ctx->cache);
    return 1;
}
