/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an entry is put. Into memory at once, before the last bytes are passed
 * on: who has an answer finds it stored. Into a remote store when the client has
 * its answer, from the log hook: it runs when the end of the request's output
 * has been written, with the request's pool still there, and before the line of
 * the access log is, which so tells what came of it.
 *
 * The worker puts, and is busy for as long as the store's deadline at most. Not
 * more than half of a process's workers are at once; what comes above is not
 * stored: a slow store must not take all of them from the clients. Nor is anything
 * when the store did not answer the look-up: the next request on the connection
 * would wait for the put in vain.
 */
#include "ctx.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

static apr_uint32_t putting; /* requests of this process */
static apr_uint32_t may_put;

void mfc_later_init(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    may_put = threads > 1 ? (apr_uint32_t)threads / 2 : 1;
}

fcache_reason_t mfc_refusal(fcache_status_t status)
{
    return status == FCACHE_TOO_LARGE ? FCACHE_REASON_TOO_LARGE
                                      : FCACHE_REASON_STORE_FAULT;
}

static void put_now(request_rec *r, mfc_ctx_t *ctx, mfc_put_fn put)
{
    fcache_error_t error = {""};
    fcache_status_t status = put(r, ctx, &error);

    if (status == FCACHE_OK) {
        mfc_flight_stored(r, ctx);
        mfc_namespaces_stored(r, ctx);
    } else {
        mfc_flight_refused(r, ctx, mfc_refusal(status));
        mfc_report(r, ctx, ctx->verdict, mfc_refusal(status));
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "FC0103: not stored: %s",
                      error.text);
    }
}

int mfc_is_remote(const mfc_ctx_t *ctx)
{
    return (fcache_backend_flags(fcache_backend_of(ctx->cache)) &
            FCACHE_BACKEND_REMOTE) != 0;
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
        return;
    }
    if (apr_atomic_inc32(&putting) < may_put) {
        put_now(r, ctx, put);
    } else {
        mfc_report(r, ctx, ctx->verdict, FCACHE_REASON_STORE_BUSY);
    }
    apr_atomic_dec32(&putting);
}
