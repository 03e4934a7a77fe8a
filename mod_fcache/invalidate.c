/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A write that the origin accepted makes what is stored for its URL invalid
 * (RFC 9111 §4.4): all variants go, before the client learns that it was done.
 */
#include "ctx.h"

/* The key of a GET of that URL. */
static fcache_status_t stored_key(request_rec *r, const mfc_ctx_t *ctx,
                                  fcache_key_t *out_key)
{
    const mfc_key_conf_t *key = &ctx->conf->key;
    fcache_request_t request = ctx->request;

    request.method = fcache_str("GET");
    return fcache_key_build(key->rules, key->builder, key->builder_baton,
                            ctx->conf->prefix, ctx->conf->ns, &request, out_key,
                            r->pool, NULL);
}

void mfc_invalidate_arm(request_rec *r, mfc_ctx_t *ctx)
{
    ap_add_output_filter_handle(mfc_invalidate_handle, ctx, r, r->connection);
}

apr_status_t mfc_invalidate_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    mfc_ctx_t *ctx = f->ctx;
    request_rec *r = f->r;
    ap_filter_t *next = f->next;
    fcache_key_t key;

    if (r->status >= 200 && r->status < 400 &&
        stored_key(r, ctx, &key) == FCACHE_OK) {
        fcache_del(ctx->cache, &key, ctx->started_us, NULL);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}
