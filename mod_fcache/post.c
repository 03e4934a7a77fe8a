/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to POST that is the content of its own URL (RFC 9110 §9.3.3): one
 * with a lifetime, whose Content-Location names that URL. It is stored for later
 * GETs. The POST itself goes round the cache, and makes what was there invalid
 * first, like every write. Did another write to this URL succeed while the
 * origin worked, then nobody knows which was the last, and nothing is stored: a
 * mark with the URL's tag is put before, and looked for afterwards.
 */
#include "ctx.h"

#include <apr_general.h>

#define MARK_BYTES 16
#define MARK_TTL_S 600

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

/* A value that any write to this URL makes invalid. */
static int put_mark(request_rec *r, mfc_ctx_t *ctx)
{
    fcache_tuple_t *tuple = fcache_tuple_create(r->pool);
    fcache_key_t *mark = apr_palloc(r->pool, sizeof(*mark));
    unsigned char id[MARK_BYTES];
    fcache_bytes_t tags;

    if (tuple == NULL || mfc_tags_of_url(r, ctx, &tags) != FCACHE_OK ||
        apr_generate_random_bytes(id, sizeof(id)) != APR_SUCCESS ||
        fcache_tuple_add(tuple, "post", fcache_bytes(id, sizeof(id))) !=
            FCACHE_OK ||
        fcache_key_from_tuple(tuple, ctx->conf->prefix, ctx->conf->ns, mark,
                              r->pool, NULL) != FCACHE_OK ||
        fcache_put(ctx->cache, mark, fcache_str("post"), MARK_TTL_S, tags,
                   fcache_epoch(ctx->cache), ctx->started_us,
                   NULL) != FCACHE_OK) {
        return 0;
    }
    ctx->post_mark = mark;
    return 1;
}

void mfc_post_arm(request_rec *r, mfc_ctx_t *ctx)
{
    if (!ctx->conf->post_reuse || ctx->bypass != FCACHE_REASON_METHOD ||
        !is_admitted(ctx) || !build_key(r, ctx) || !put_mark(r, ctx)) {
        return;
    }
    ctx->before = apr_table_copy(r->pool, r->err_headers_out);
    mfc_capture_arm(r, ctx);
}

void mfc_post_check(request_rec *r, mfc_ctx_t *ctx)
{
    fcache_bytes_t value;
    int64_t now_us = apr_time_now();

    ctx->is_last_write =
        ctx->post_mark != NULL &&
        fcache_get(ctx->cache, ctx->post_mark, now_us, &value, NULL, r->pool,
                   NULL) == FCACHE_OK &&
        fcache_del(ctx->cache, ctx->post_mark, now_us, NULL) == FCACHE_OK;
}

static int may_store(request_rec *r, mfc_ctx_t *ctx)
{
    const fcache_judgement_t *judgement = &ctx->judgement;

    return judgement->ruling == FCACHE_RULING_STORE && r->status == HTTP_OK &&
           !(judgement->entry_flags & FCACHE_ENTRY_NO_LIFETIME) &&
           mfc_invalidate_is_own(r, ctx, "Content-Location") &&
           ctx->is_last_write;
}

/* What went round the cache; most of it is let go. */
apr_status_t mfc_post_response(ap_filter_t *f, mfc_ctx_t *ctx,
                               apr_bucket_brigade *bb)
{
    fcache_fields_t fields = mfc_message_response_fields(f->r, ctx->before);

    mfc_judge(f->r, ctx, fields);
    mfc_report_answer(f->r, ctx);
    mfc_report(f->r, ctx, FCACHE_VERDICT_BYPASS, ctx->bypass);
    if (may_store(f->r, ctx)) {
        mfc_capture_begin(f->r, ctx, fields);
    }
    return mfc_capture_pass(f, ctx, bb);
}
