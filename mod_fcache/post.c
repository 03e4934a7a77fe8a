/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to POST that is the content of its own URL (RFC 9110 §9.3.3): one
 * with a lifetime, whose Content-Location names that URL. It is stored for later
 * GETs. The POST itself goes round the cache, and makes what was there invalid
 * first, like every write. Did another write to this URL succeed while the
 * origin worked, then nobody knows which was the last, and nothing is stored: a
 * mark with the URL's tag and the time of the request is put and looked for, if
 * the answer is one that may be stored.
 */
#include "ctx.h"

#include <apr_general.h>

#define MARK_BYTES 16
#define MARK_TTL_S 5

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
                            conf->key.builder_baton, conf->prefix,
                            conf->ns->name, &later, &ctx->key, r->pool,
                            NULL) == FCACHE_OK;
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

/* A name that nothing else has, of what any write to this URL makes invalid. */
static int build_mark(request_rec *r, mfc_ctx_t *ctx, fcache_key_t *out_mark,
                      fcache_bytes_t *out_tags)
{
    fcache_tuple_t *tuple = fcache_tuple_create(r->pool);
    unsigned char id[MARK_BYTES];

    return tuple != NULL && mfc_tags_of_url(r, ctx, out_tags) == FCACHE_OK &&
           apr_generate_random_bytes(id, sizeof(id)) == APR_SUCCESS &&
           fcache_tuple_add(tuple, "post", fcache_bytes(id, sizeof(id))) ==
               FCACHE_OK &&
           fcache_key_from_tuple(tuple, ctx->conf->prefix, ctx->conf->ns->name,
                                 out_mark, r->pool, NULL) == FCACHE_OK;
}

/* Put as if when the POST came, it is not there if a write came since. */
static int is_last_write(request_rec *r, mfc_ctx_t *ctx)
{
    int64_t now_us = apr_time_now();
    fcache_key_t mark;
    fcache_bytes_t tags;
    fcache_bytes_t value;

    return build_mark(r, ctx, &mark, &tags) &&
           fcache_put(ctx->cache, &mark, fcache_str("post"), MARK_TTL_S, tags,
                      ctx->epoch, now_us, NULL) == FCACHE_OK &&
           fcache_get(ctx->cache, &mark, now_us, &value, NULL, r->pool, NULL) ==
               FCACHE_OK &&
           fcache_del(ctx->cache, &mark, now_us, NULL) == FCACHE_OK;
}

void mfc_post_check(request_rec *r, mfc_ctx_t *ctx)
{
    ctx->is_own_content = ctx->capture != NULL && r->status == HTTP_OK &&
                          mfc_invalidate_is_own(r, ctx, "Content-Location") &&
                          is_last_write(r, ctx);
}

static int may_store(const mfc_ctx_t *ctx)
{
    const fcache_judgement_t *judgement = &ctx->judgement;

    return judgement->ruling == FCACHE_RULING_STORE &&
           !(judgement->entry_flags & FCACHE_ENTRY_NO_LIFETIME) &&
           ctx->is_own_content;
}

/* What went round the cache; most of it is let go. */
apr_status_t mfc_post_response(ap_filter_t *f, mfc_ctx_t *ctx,
                               apr_bucket_brigade *bb)
{
    fcache_fields_t fields = mfc_message_response_fields(f->r, ctx->before);

    mfc_judge(f->r, ctx, fields);
    mfc_report_answer(f->r, ctx);
    mfc_report(f->r, ctx, FCACHE_VERDICT_BYPASS, ctx->bypass);
    if (may_store(ctx)) {
        mfc_capture_begin(f->r, ctx, fields);
    }
    return mfc_capture_pass(f, ctx, bb);
}
