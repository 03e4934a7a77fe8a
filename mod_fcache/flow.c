/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a request, in order. Each step is one call.
 *
 *   on_request   1 admit     may this request use the cache at all?
 *                2 key       request -> canonical bytes -> digest
 *                3 lookup    store get, verify, decode, Vary variant
 *                4 decide    (entry, request, now) -> plan and reason
 *                5 flight    is the origin being asked? Wait, and look again
 *                  serve     the stored answer, or ask the origin and watch
 *   on_response  6 judge     (request, response, now) -> store, refresh or not
 *                7 capture   tee the body, bounded, while it streams
 *                8 commit    at its end: encode, put; a remote store: on_log
 *   on_error     the answer is started over: httpd makes an error's page
 *   on_log       9 report    one verdict, one reason
 *               10 refresh   what was served stale, behind
 *
 * A fault of the cache never fails a request: it is a miss.
 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

APLOG_USE_MODULE(fcache);

mfc_ctx_t *mfc_ctx_of(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &fcache_module);
}

/* ---- on_request ---------------------------------------------------------- */

/* 1 */
static fcache_reason_t admit(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_message_request(r, ctx);
    if (ctx->cache == NULL) {
        return FCACHE_REASON_STORE_FAULT;
    }
    if (apr_table_get(r->subprocess_env, "no-cache") != NULL ||
        apr_table_get(r->subprocess_env, "no-fcache") != NULL) {
        return FCACHE_REASON_ENV;
    }
    return fcache_admit(&ctx->policy, &ctx->request);
}

/* 2. A body that httpd refuses is refused here as it would be by a handler. */
static int read_body(request_rec *r, mfc_ctx_t *ctx)
{
    apr_status_t status;

    if (ctx->bypass != FCACHE_REASON_NONE ||
        !(ctx->request.flags & FCACHE_REQUEST_HAS_BODY)) {
        return OK;
    }
    status = mfc_body_digest(r, ctx);
    if (status != APR_SUCCESS) {
        return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
    }
    if (!apr_is_empty_table(r->trailers_in)) {
        ctx->bypass = FCACHE_REASON_ODD_FRAMING;
    }
    return OK;
}

static fcache_reason_t build_key(request_rec *r, mfc_ctx_t *ctx)
{
    const mfc_conf_t *conf = ctx->conf;

    if (fcache_key_build(conf->key.rules, conf->key.builder,
                         conf->key.builder_baton, conf->prefix, conf->ns->name,
                         &ctx->request, &ctx->key, r->pool,
                         NULL) != FCACHE_OK) {
        return FCACHE_REASON_KEY;
    }
    return FCACHE_REASON_NONE;
}

static void forget_hit(mfc_ctx_t *ctx)
{
    fcache_pin_release(ctx->cache, ctx->hit.pin);
    ctx->hit.pin = NULL;
}

/* 3 */
static void lookup(request_rec *r, mfc_ctx_t *ctx, int again)
{
    fcache_error_t error = {""};

    if (!mfc_is_remote(ctx)) {
        ctx->hit_epoch = fcache_epoch(ctx->cache);
    }
    ctx->found = (again ? fcache_lookup_again : fcache_lookup)(
        ctx->cache, &ctx->key, &ctx->request, ctx->started_us, &ctx->until_us,
        &ctx->hit, r->pool, &error);
    if (fcache_status_is_fault(ctx->found)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "FC0105: look-up: %s",
                      error.text);
    }
    /* A remote store's is learnt by the look-up, and asking for it before would be
     * one more wait. The origin is asked after it: that holds for what it sends,
     * and for what it confirms. */
    ctx->epoch = fcache_epoch(ctx->cache);
    if (mfc_is_remote(ctx)) {
        ctx->hit_epoch = ctx->epoch;
    }
    if (ctx->found == FCACHE_OK &&
        ctx->hit.entry.kind != FCACHE_ENTRY_RESPONSE) {
        forget_hit(ctx);
        ctx->found = FCACHE_MISS;
    }
}

/* 4 */
static void decide(mfc_ctx_t *ctx, int64_t now_us)
{
    ctx->decision = fcache_decide(
        &ctx->policy, ctx->found == FCACHE_OK ? &ctx->hit.entry : NULL,
        ctx->hit.soft_purged, &ctx->request, now_us);
    if (fcache_status_is_fault(ctx->found)) {
        ctx->decision.reason = FCACHE_REASON_STORE_FAULT;
    } else if (ctx->found != FCACHE_OK && ctx->hit.varied &&
               ctx->decision.reason == FCACHE_REASON_ABSENT) {
        ctx->decision.reason = FCACHE_REASON_VARY_MISS;
    }
    ctx->age_s = ctx->decision.age_s;
    ctx->ttl_s = ctx->decision.ttl_s;
}

/* A store that cannot say once more does not make unknown what it has said. */
static void look_again(request_rec *r, mfc_ctx_t *ctx)
{
    fcache_status_t found = ctx->found;
    fcache_hit_t hit = ctx->hit;
    uint64_t hit_epoch = ctx->hit_epoch;

    ctx->started_us = apr_time_now();
    lookup(r, ctx, 1);
    if (fcache_status_is_fault(ctx->found)) {
        ctx->found = found;
        ctx->hit = hit;
        ctx->hit_epoch = hit_epoch;
    } else {
        fcache_pin_release(ctx->cache, hit.pin);
    }
    decide(ctx, ctx->started_us);
}

/* 5. What is fresh after a wait was asked for by another. */
static void take_turn(request_rec *r, mfc_ctx_t *ctx)
{
    while (mfc_flight_turn(r, ctx)) {
        look_again(r, ctx);
    }
    if (ctx->decision.plan == FCACHE_PLAN_HIT &&
        mfc_flight_is_collapsed(ctx, &ctx->forward)) {
        ctx->is_collapsed = 1;
        ctx->decision.reason = FCACHE_REASON_COLLAPSED;
    }
}

static int answer(request_rec *r, mfc_ctx_t *ctx)
{
    switch (ctx->decision.plan) {
    case FCACHE_PLAN_HIT:
        mfc_refresh_early(r, ctx);
        mfc_report(r, ctx, FCACHE_VERDICT_HIT, ctx->decision.reason);
        return mfc_serve(r, ctx);
    case FCACHE_PLAN_HIT_STALE:
        if (ctx->decision.reason == FCACHE_REASON_STALE_WHILE_REVALIDATE &&
            ctx->policy.refreshes) {
            mfc_refresh_promise(r, ctx);
        }
        mfc_report(r, ctx, FCACHE_VERDICT_STALE, ctx->decision.reason);
        return mfc_serve(r, ctx);
    case FCACHE_PLAN_ONLY_CACHED:
        forget_hit(ctx);
        mfc_report(r, ctx, FCACHE_VERDICT_ERROR, ctx->decision.reason);
        return HTTP_GATEWAY_TIME_OUT;
    case FCACHE_PLAN_REVALIDATE:
        mfc_stale_hold(r, ctx);
        mfc_revalidate_arm(r, ctx);
        break;
    case FCACHE_PLAN_MISS:
        if (ctx->found == FCACHE_OK) {
            mfc_stale_hold(r, ctx);
        }
        if (mfc_flight_leads(ctx)) {
            mfc_revalidate_park(r, ctx);
        }
        break;
    }
    ctx->forward = fcache_forward_of(ctx->bypass, &ctx->decision);
    mfc_report(r, ctx, FCACHE_VERDICT_MISS, ctx->decision.reason);
    ctx->before = apr_table_copy(r->pool, r->err_headers_out);
    mfc_capture_arm(r, ctx);
    return DECLINED;
}

static mfc_ctx_t *ctx_create(request_rec *r, const mfc_conf_t *conf)
{
    mfc_ctx_t *ctx = apr_pcalloc(r->pool, sizeof(*ctx));

    ctx->conf = conf;
    mfc_later_choose(r, ctx, mfc_store_of(conf));
    ctx->started_us = apr_time_now();
    ctx->is_debugged = mfc_switch_is_on(&conf->debug, r);
    mfc_conf_policy(conf, &ctx->policy);
    ctx->policy.refreshes = mfc_refresh_can(r);
    ap_set_module_config(r->request_config, &fcache_module, ctx);
    return ctx;
}

/* An error document is not the answer of its URL: it is never stored, and a
 * stale entry goes before it. */
static int error_document(request_rec *r, mfc_ctx_t *ctx)
{
    ap_set_module_config(r->request_config, &fcache_module, ctx);
    if (mfc_stale_is_failure(r->status) &&
        mfc_stale_may_answer(ctx, mfc_stale_cause(r, ctx))) {
        mfc_stale_take(r, ctx);
        return mfc_serve(r, ctx);
    }
    mfc_report(r, ctx, ctx->verdict, ctx->reason);
    return DECLINED;
}

/* For whom the operator has switched it off there is no cache. */
static int bypass(request_rec *r, mfc_ctx_t *ctx)
{
    if (ctx->bypass != FCACHE_REASON_ENV &&
        fcache_forbids_origin(&ctx->policy, &ctx->request)) {
        mfc_report(r, ctx, FCACHE_VERDICT_ERROR, FCACHE_REASON_ONLY_IF_CACHED);
        return HTTP_GATEWAY_TIME_OUT;
    }
    ctx->forward = fcache_forward_of(ctx->bypass, &ctx->decision);
    mfc_report(r, ctx, FCACHE_VERDICT_BYPASS, ctx->bypass);
    mfc_bypass_arm(r, ctx);
    mfc_post_arm(r, ctx);
    return DECLINED;
}

/* It was to be this key and no other, and nothing that a redirect leads to
 * (T22). */
int mfc_on_repeat(request_rec *r, const fcache_key_t *key)
{
    const mfc_conf_t *conf = mfc_conf_of(r);
    mfc_ctx_t *ctx;

    if (!conf->enable) {
        return 0;
    }
    ctx = ctx_create(r, conf);
    ctx->policy.request_control = FCACHE_REQUEST_CONTROL_IGNORE;
    return admit(r, ctx) == FCACHE_REASON_NONE &&
           build_key(r, ctx) == FCACHE_REASON_NONE &&
           fcache_bytes_equal(ctx->key.canonical, key->canonical);
}

/* One before its time asks about what was fresh until then as if it was then,
 * but not about what took its place meanwhile. */
static int64_t now_of_refresh(const mfc_ctx_t *ctx)
{
    return ctx->found == FCACHE_OK &&
                   ctx->hit.entry.fresh_until_us == ctx->early_of_us
               ? ctx->early_of_us
               : ctx->started_us;
}

/* A refresh: by now another one may have made it needless. */
static int refresh(request_rec *r)
{
    mfc_ctx_t *ctx = mfc_ctx_of(r);

    if (ctx == NULL) {
        return HTTP_FORBIDDEN;
    }
    ctx->started_us = apr_time_now();
    lookup(r, ctx, 0);
    decide(ctx, now_of_refresh(ctx));
    if (ctx->decision.plan == FCACHE_PLAN_HIT) {
        forget_hit(ctx);
        mfc_report(r, ctx, FCACHE_VERDICT_HIT, ctx->decision.reason);
        return OK;
    }
    return answer(r, ctx);
}

int mfc_on_request(request_rec *r)
{
    const mfc_conf_t *conf = mfc_conf_of(r);
    mfc_ctx_t *ctx = r->prev ? mfc_ctx_of(r->prev) : NULL;
    int refused;

    if (r->main == NULL && mfc_repeat_is(r->connection)) {
        return refresh(r);
    }
    if (ctx != NULL) {
        mfc_revalidate_disarm(r, ctx);
        mfc_flight_refused(r, ctx, ctx->reason);
        if (r->status != HTTP_OK) {
            return error_document(r, ctx);
        }
    }
    if (!conf->enable || r->main != NULL || r->status != HTTP_OK) {
        return DECLINED;
    }
    ctx = ctx_create(r, conf);
    ctx->bypass = admit(r, ctx);
    refused = read_body(r, ctx);
    if (refused != OK) {
        mfc_report(r, ctx, FCACHE_VERDICT_BYPASS, FCACHE_REASON_REQUEST_BODY);
        return refused;
    }
    if (ctx->bypass == FCACHE_REASON_NONE) {
        ctx->bypass = build_key(r, ctx);
    }
    if (ctx->bypass != FCACHE_REASON_NONE) {
        return bypass(r, ctx);
    }
    lookup(r, ctx, 0);
    decide(ctx, ctx->started_us);
    take_turn(r, ctx);
    return answer(r, ctx);
}

/* ---- on_response --------------------------------------------------------- */

/* The stored entry answers in place of what the origin sent and may go on to
 * send. */
static apr_status_t serve_instead(ap_filter_t *f, mfc_ctx_t *ctx,
                                  apr_bucket_brigade *bb)
{
    apr_table_t *said = apr_table_copy(f->r->pool, f->r->headers_out);
    apr_status_t status;

    apr_brigade_cleanup(bb);
    mfc_serve_prepare(f->r, ctx, bb);
    mfc_revalidate_tell(f->r, ctx, said);
    status = ap_pass_brigade(f->next, bb);
    ctx->answer_sent = 1;
    return status;
}

static apr_status_t serve_stale(ap_filter_t *f, mfc_ctx_t *ctx,
                                apr_bucket_brigade *bb)
{
    mfc_stale_take(f->r, ctx);
    return serve_instead(f, ctx, bb);
}

/* A 304 for our validators that does not renew the entry: it answers this once
 * and is forgotten (T15). */
static apr_status_t serve_and_forget(ap_filter_t *f, mfc_ctx_t *ctx,
                                     apr_bucket_brigade *bb)
{
    fcache_del(ctx->cache, &ctx->hit.key, ctx->answered_us, NULL);
    mfc_report(f->r, ctx, FCACHE_VERDICT_REVALIDATED, ctx->judgement.reason);
    return serve_instead(f, ctx, bb);
}

static apr_status_t rule(ap_filter_t *f, mfc_ctx_t *ctx, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    fcache_fields_t fields = mfc_message_response_fields(r, ctx->before);
    int asked_by_us = mfc_revalidate_is_armed(ctx);

    mfc_judge(r, ctx, fields); /* 6 */
    mfc_report_answer(r, ctx);
    if (mfc_stale_is_failure(r->status) &&
        mfc_stale_may_answer(ctx, FCACHE_STALE_ERROR)) {
        return serve_stale(f, ctx, bb);
    }
    switch (ctx->judgement.ruling) {
    case FCACHE_RULING_REFRESH:
        mfc_revalidate_renew(r, ctx, fields);
        mfc_report(r, ctx, FCACHE_VERDICT_REVALIDATED, ctx->judgement.reason);
        return serve_instead(f, ctx, bb);
    case FCACHE_RULING_STORE:
        mfc_capture_begin(r, ctx, fields);
        return mfc_capture_pass(f, ctx, bb);
    case FCACHE_RULING_SERVE_STALE: /* but the client wants none */
    case FCACHE_RULING_NO_STORE:
        if (asked_by_us && r->status == HTTP_NOT_MODIFIED) {
            return serve_and_forget(f, ctx, bb);
        }
        if (ctx->judgement.reason == FCACHE_REASON_HEAD_DIFFERS) {
            fcache_del(ctx->cache, &ctx->hit.key, ctx->answered_us, NULL);
        }
        break;
    }
    mfc_refresh_supersede(r, ctx);
    mfc_capture_drop(r, ctx, ctx->judgement.reason);
    return mfc_capture_pass(f, ctx, bb);
}

/* mod_proxy tells that the origin broke off before it answered by an error
 * bucket, and by another that would cut the client off as well. */
static apr_status_t answer_broken(ap_filter_t *f, mfc_ctx_t *ctx,
                                  apr_bucket_brigade *bb)
{
    apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
    apr_status_t status;

    ctx->answered_us = apr_time_now();
    f->c->keepalive = AP_CONN_CLOSE; /* as when mod_proxy has failed */
    mfc_revalidate_disarm(f->r, ctx);
    if (mfc_stale_may_answer(ctx, FCACHE_STALE_UNREACHABLE)) {
        return serve_stale(f, ctx, bb);
    }
    while (bucket != APR_BRIGADE_SENTINEL(bb)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);
        if (AP_BUCKET_IS_EOC(bucket)) {
            apr_bucket_delete(bucket);
        }
        bucket = next;
    }
    mfc_capture_drop(f->r, ctx, FCACHE_REASON_TRUNCATED);
    status = mfc_capture_pass(f, ctx, bb);
    ctx->answer_sent = 1;
    return status;
}

apr_status_t mfc_on_response(ap_filter_t *f, apr_bucket_brigade *bb)
{
    mfc_ctx_t *ctx = f->ctx;

    if (ctx->answer_sent) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (ctx->answered_us != 0 || APR_BRIGADE_EMPTY(bb)) {
        return mfc_capture_pass(f, ctx, bb); /* 7, 8 */
    }
    mfc_framing_restore(f->r, ctx);
    mfc_report_sift(f->r, ctx);
    if (ctx->bypass != FCACHE_REASON_NONE) {
        return mfc_post_response(f, ctx, bb);
    }
    if (AP_BUCKET_IS_ERROR(APR_BRIGADE_FIRST(bb))) {
        return answer_broken(f, ctx, bb);
    }
    return rule(f, ctx, bb); /* 6 */
}

/* ---- on_error ------------------------------------------------------------ */

void mfc_on_error(request_rec *r)
{
    mfc_ctx_t *ctx = mfc_ctx_of(r);

    if (ctx == NULL) {
        return;
    }
    mfc_flight_refused(r, ctx, ctx->reason);
    mfc_report_error(r, ctx);
    mfc_bypass_on_error(r, ctx);
    /* mod_proxy fails after it has passed the bucket that said so: the answer
     * to that is out, and a second one would be taken for the next request's */
    if (ctx->answer_sent ||
        (mfc_stale_is_failure(r->status) &&
         mfc_stale_may_answer(ctx, mfc_stale_cause(r, ctx)))) {
        mfc_stale_arm(r, ctx);
    }
}

/* ---- on_log -------------------------------------------------------------- */

/* 9 */
int mfc_on_log(request_rec *r)
{
    mfc_ctx_t *ctx = mfc_ctx_of(r);
    mfc_ctx_t *told = NULL; /* error documents have that of what failed */
    request_rec *each;

    for (each = r; each != NULL; each = each->next) {
        if (mfc_ctx_of(each) != NULL && mfc_ctx_of(each) != told) {
            told = mfc_ctx_of(each);
            mfc_later_run(each, told);
            mfc_flight_end(told, MFC_OUTCOME_OVER);
            mfc_namespaces_answered(r, told);
        }
    }
    if (ctx != NULL) {
        if (ctx->conf->key.rules != NULL) {
            mfc_message_restore(r);
        }
        mfc_report_log(r, ctx);
        mfc_refresh_start(r, ctx);
    }
    return DECLINED;
}
