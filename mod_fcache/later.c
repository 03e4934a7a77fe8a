/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an entry is put. Into memory at once, before the last bytes are passed
 * on: who has an answer finds it stored. Into a remote store when the client has
 * its answer, from the log hook: it runs when the end of the request's output
 * has been written, with the request's pool still there, and before the line of
 * the access log is, which so tells what came of it.
 *
 * Where there are threads, those of behind.c put, and the worker waits for them
 * for PATIENCE_US: most stores are quicker, so that the next request on the
 * connection finds what this one brought, and a slow one holds it up no longer.
 * Nothing is put when the store did not answer the first look-up: it would not now.
 */
#include "behind.h"
#include "ctx.h"

#include <http_log.h>

APLOG_USE_MODULE(fcache);

#define PATIENCE_US 20000

/* A refresh behind waits for its own writes: nobody waits for it. */
void mfc_later_choose(const request_rec *r, mfc_ctx_t *ctx,
                      const mfc_store_t *store)
{
    ctx->cache = store->cache;
    ctx->behind = mfc_repeat_is(r->connection) ? NULL : store->behind;
}

fcache_reason_t mfc_refusal(fcache_status_t status)
{
    return status == FCACHE_TOO_LARGE ? FCACHE_REASON_TOO_LARGE
                                      : FCACHE_REASON_STORE_FAULT;
}

/* MISS: it is still being put. Those who wait for it are let go after it. */
static void settle(request_rec *r, mfc_ctx_t *ctx, fcache_status_t status,
                   const fcache_error_t *error)
{
    if (status == FCACHE_OK || status == FCACHE_MISS) {
        mfc_namespaces_stored(r, ctx);
        mfc_flight_stored(r, ctx);
    } else {
        mfc_flight_refused(r, ctx, mfc_refusal(status));
        mfc_report(r, ctx, ctx->verdict, mfc_refusal(status));
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "FC0103: not stored: %s",
                      error->text);
    }
    if (status == FCACHE_MISS) {
        mfc_report(r, ctx, ctx->verdict, FCACHE_REASON_STORE_LATE);
    }
}

static void put_now(request_rec *r, mfc_ctx_t *ctx, mfc_put_fn put)
{
    fcache_error_t error = {""};
    fcache_status_t status = put(r, ctx, &error);

    settle(r, ctx, status, &error);
}

static void put_behind(request_rec *r, mfc_ctx_t *ctx, mfc_put_fn put)
{
    mfc_writes_t *writes = mfc_behind_writes(ctx->behind);
    int64_t until_us = apr_time_now() + PATIENCE_US;
    fcache_error_t error = {""};
    fcache_status_t queued;
    fcache_status_t done;
    mfc_receipt_t receipt;

    if (!mfc_writes_has_room(writes)) {
        mfc_report(r, ctx, ctx->verdict, FCACHE_REASON_STORE_BUSY);
        return;
    }
    mfc_writes_open(writes, &receipt);
    queued = put(r, ctx, &error);
    done = mfc_writes_close(writes, &receipt, until_us);
    if (queued == FCACHE_OK) {
        settle(r, ctx, done, &receipt.error);
    } else {
        settle(r, ctx, queued, &error);
    }
}

int mfc_is_remote(const mfc_ctx_t *ctx)
{
    return (fcache_backend_flags(fcache_backend_of(ctx->cache)) &
            FCACHE_BACKEND_REMOTE) != 0;
}

fcache_t *mfc_writing(const mfc_ctx_t *ctx)
{
    return ctx->behind != NULL ? mfc_behind_cache(ctx->behind) : ctx->cache;
}

void mfc_later(request_rec *r, mfc_ctx_t *ctx, mfc_put_fn put)
{
    if (!mfc_is_remote(ctx)) {
        put_now(r, ctx, put);
        return;
    }
    mfc_bucket_keep_pin(ctx->cache, ctx->hit.pin, r->pool);
    ctx->hit.pin = NULL;
    ctx->put = put;
}

/* A tier is of another kind than its far store: the near one takes what comes. */
static int is_silent(const mfc_ctx_t *ctx)
{
    const fcache_backend_ops_t *kind =
        fcache_backend_ops(fcache_backend_of(ctx->cache));

    return (kind->flags & FCACHE_BACKEND_REMOTE) &&
           (ctx->found == FCACHE_TIMEOUT || ctx->found == FCACHE_UNAVAILABLE);
}

void mfc_later_run(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_put_fn put = ctx->put;

    if (put == NULL) {
        return;
    }
    ctx->put = NULL;
    if (is_silent(ctx)) {
        mfc_report(r, ctx, ctx->verdict, FCACHE_REASON_STORE_FAULT);
    } else if (ctx->behind != NULL) {
        put_behind(r, ctx, put);
    } else {
        put_now(r, ctx, put);
    }
}
