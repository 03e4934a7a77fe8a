/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storing while streaming. The filter is the first behind the handler, so it
 * sees the answer as the origin made it. Pieces are copied into the store's
 * writer and passed on at once; the entry is put when the end has come,
 * complete, and just before the last bytes are passed on, or, if the store is
 * remote, after them (later.c).
 *
 * One thing may hold the client's bytes back: where the origin sends no entity
 * tag, up to HOLD_MAX bytes wait for the end, so that the first answer carries
 * the same tag as every hit. An answer of unknown length that pauses is not
 * held any longer.
 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_connection.h>
#include <http_request.h>

APLOG_USE_MODULE(fcache);

#define HOLD_MAX   (64 * 1024)
#define MAX_FIELDS (48 * 1024)
#define MAX_VARY   2048

typedef struct mfc_capture_t {
    fcache_writer_t *writer; /* NULL: not storing */
    fcache_entry_t entry;
    fcache_buf_t block;
    fcache_buf_t vary;
    fcache_etag_t *etag;         /* NULL: not ours to make */
    apr_off_t expected;          /* Content-Length, or -1 */
    int hold;                    /* the client waits for the tag */
    apr_bucket_brigade *held;    /* what waits for the tag, set aside */
    apr_bucket_brigade *pending; /* what was just seen */
} mfc_capture_t;

static apr_status_t capture_fini(void *data)
{
    mfc_capture_t *capture = data;

    fcache_buf_fini(&capture->block);
    fcache_buf_fini(&capture->vary);
    return APR_SUCCESS;
}

void mfc_capture_arm(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_capture_t *capture = apr_pcalloc(r->pool, sizeof(*capture));

    fcache_buf_init(&capture->block, MAX_FIELDS);
    fcache_buf_init(&capture->vary, MAX_VARY);
    capture->held = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    capture->pending = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_pool_cleanup_register(r->pool, capture, capture_fini,
                              apr_pool_cleanup_null);
    ctx->capture = capture;
    ap_add_output_filter_handle(mfc_capture_handle, ctx, r, r->connection);
}

void mfc_capture_drop(request_rec *r, mfc_ctx_t *ctx, fcache_reason_t reason)
{
    mfc_capture_t *capture = ctx->capture;

    if (capture->writer != NULL) {
        fcache_writer_abort(capture->writer);
        capture->writer = NULL;
    }
    capture->hold = 0;
    mfc_flight_refused(r, ctx, reason);
    mfc_report(r, ctx, FCACHE_VERDICT_MISS, reason);
}

/* ---- before the body ----------------------------------------------------- */

/* Content-Length as it was sent (RFC 9110 §8.6), or -1. */
static apr_off_t content_length(fcache_fields_t fields)
{
    fcache_bytes_t text = fcache_fields_get(fields, "Content-Length");
    int64_t length;

    if (text.ptr == NULL || !fcache_delta_parse(text, &length)) {
        return -1;
    }
    return length;
}

/* The phrase of a status that httpd has no text for. */
static fcache_bytes_t reason_phrase(const request_rec *r)
{
    if (r->status_line == NULL || strlen(r->status_line) <= 3 ||
        strncmp(ap_get_status_line(r->status), r->status_line, 3) == 0) {
        return fcache_str(NULL);
    }
    return fcache_bytes_trim(fcache_str(r->status_line + 3));
}

static void make_tag(request_rec *r, const mfc_ctx_t *ctx,
                     fcache_fields_t fields)
{
    mfc_capture_t *capture = ctx->capture;

    if (!ctx->conf->etag || capture->entry.etag.len > 0 ||
        r->status != HTTP_OK) {
        return;
    }
    capture->etag = fcache_etag_create(
        fcache_fields_get(fields, "Content-Type"),
        fcache_fields_get(fields, "Content-Encoding"), r->pool);
    capture->hold = capture->expected <= HOLD_MAX;
}

static fcache_reason_t begin(request_rec *r, mfc_ctx_t *ctx,
                             fcache_fields_t fields)
{
    mfc_capture_t *capture = ctx->capture;
    fcache_reason_t why = FCACHE_REASON_VARY_BAD;
    fcache_status_t status;
    uint64_t hint;

    capture->expected = content_length(fields);
    hint = capture->expected > 0 ? (uint64_t)capture->expected : 0;
    if (hint > ctx->conf->max_object) {
        return FCACHE_REASON_TOO_LARGE;
    }
    if (fcache_vary_names(fields, &capture->vary, &why) != FCACHE_OK) {
        return why;
    }
    if (mfc_head_build(ctx, r->status, fields, &capture->block,
                       &capture->entry) != FCACHE_OK) {
        return FCACHE_REASON_BAD_FIELDS;
    }
    capture->entry.reason = reason_phrase(r);
    if (mfc_tags_build(r, ctx, fields, fcache_bytes(NULL, 0),
                       &capture->entry.tags) != FCACHE_OK) {
        return FCACHE_REASON_BAD_FIELDS;
    }
    status = fcache_writer_begin(mfc_writing(ctx), ctx->conf->coder, hint,
                                 &capture->writer, r->pool, NULL);
    if (status != FCACHE_OK) {
        return mfc_refusal(status);
    }
    make_tag(r, ctx, fields);
    return FCACHE_REASON_STORED;
}

/* The origin was not told its condition: what it asked about may be this. */
static void answer_parked(request_rec *r, const mfc_ctx_t *ctx)
{
    const mfc_capture_t *capture = ctx->capture;

    if (!ctx->has_parked || r->status != HTTP_OK || capture->etag != NULL ||
        mfc_serve_condition(r, &capture->entry) != HTTP_NOT_MODIFIED) {
        return;
    }
    r->status = HTTP_NOT_MODIFIED; /* httpd drops the body */
    r->status_line = NULL;
    apr_table_unset(r->headers_out, "Content-Length");
}

void mfc_capture_begin(request_rec *r, mfc_ctx_t *ctx, fcache_fields_t fields)
{
    fcache_reason_t reason = begin(r, ctx, fields);

    if (reason != FCACHE_REASON_STORED) {
        mfc_capture_drop(r, ctx, reason);
        return;
    }
    ctx->ttl_s =
        (ctx->judgement.fresh_until_us - ctx->answered_us) / FCACHE_US_PER_S;
    ctx->age_s = ctx->judgement.initial_age_s;
    mfc_serve_client_control(
        r, ctx,
        (ctx->judgement.entry_flags & FCACHE_ENTRY_CLIENT_CC) != 0 ||
            fcache_fields_get(fields, "Expires").ptr != NULL);
    mfc_report(r, ctx, FCACHE_VERDICT_MISS, FCACHE_REASON_STORED);
    answer_parked(r, ctx);
}

/* ---- the body ------------------------------------------------------------ */

static int is_short(const mfc_capture_t *capture)
{
    return capture->expected >= 0 &&
           fcache_writer_length(capture->writer) != (uint64_t)capture->expected;
}

/* Is the body whole? */
static fcache_reason_t completeness(const request_rec *r, const mfc_ctx_t *ctx)
{
    const mfc_capture_t *capture = ctx->capture;

    if (is_short(capture)) {
        return FCACHE_REASON_TRUNCATED;
    }
    if (capture->expected < 0 && !mfc_framing_is_sound(r, ctx)) {
        return FCACHE_REASON_TRUNCATED;
    }
    if (capture->expected < 0 && r->connection->aborted) {
        return FCACHE_REASON_CLIENT_ABORT;
    }
    return FCACHE_REASON_STORED;
}

static void drop_data(apr_bucket_brigade *bb)
{
    apr_bucket *bucket = APR_BRIGADE_FIRST(bb);

    while (bucket != APR_BRIGADE_SENTINEL(bb)) {
        apr_bucket *next = APR_BUCKET_NEXT(bucket);
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
        }
        bucket = next;
    }
}

/* The client asked with the tag that we make: it has the body already. */
static void answer_condition(request_rec *r, mfc_capture_t *capture)
{
    if (mfc_serve_condition(r, &capture->entry) != HTTP_NOT_MODIFIED) {
        return;
    }
    r->status = HTTP_NOT_MODIFIED;
    r->status_line = NULL;
    drop_data(capture->held);
    drop_data(capture->pending);
}

/* The tag is known: into the entry, and to a client that waited for it. */
static void finish_tag(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_capture_t *capture = ctx->capture;
    char *tag = apr_palloc(r->pool, FCACHE_ETAG_LEN + 1);

    fcache_etag_final(capture->etag, tag);
    capture->entry.etag = fcache_str(tag);
    capture->entry.flags |= FCACHE_ENTRY_OWN_ETAG;
    if (fcache_fieldblock_add(&capture->block, fcache_str("ETag"),
                              capture->entry.etag) != FCACHE_OK) {
        mfc_capture_drop(r, ctx, FCACHE_REASON_BAD_FIELDS);
        return;
    }
    if (capture->hold) {
        apr_table_setn(r->headers_out, "ETag", tag);
        capture->hold = 0;
        answer_condition(r, capture);
    }
}

/* It does not vary, and the look-up found that no other answer does. */
static int does_not_vary(const mfc_ctx_t *ctx)
{
    return ctx->capture->vary.len == 0 && ctx->found == FCACHE_MISS &&
           !ctx->hit.varied;
}

static fcache_status_t put(request_rec *r, mfc_ctx_t *ctx,
                           fcache_error_t *error)
{
    mfc_capture_t *capture = ctx->capture;
    fcache_writer_t *writer = capture->writer;

    (void)r;
    capture->writer = NULL; /* commit ends it */
    return fcache_writer_commit(
        writer, &ctx->key, &capture->entry, fcache_buf_bytes(&capture->vary),
        does_not_vary(ctx) ? NULL : &ctx->request, apr_time_now(), error);
}

/* 8 */
static void commit(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_capture_t *capture = ctx->capture;

    if (mfc_head_add_length(&capture->block, capture->entry.status,
                            fcache_writer_length(capture->writer)) !=
        FCACHE_OK) {
        mfc_capture_drop(r, ctx, FCACHE_REASON_BAD_FIELDS);
        return;
    }
    capture->entry.fields = fcache_buf_bytes(&capture->block);
    mfc_later(r, ctx, put);
}

static apr_status_t pass_pending(ap_filter_t *f, mfc_capture_t *capture)
{
    apr_status_t status;

    APR_BRIGADE_PREPEND(capture->pending, capture->held);
    status = ap_pass_brigade(f->next, capture->pending);
    apr_brigade_cleanup(capture->pending);
    return status;
}

/* The origin broke off and the client has seen nothing yet: what was held is
 * not sent with a length that makes it look whole. */
static void fail_held(ap_filter_t *f, mfc_capture_t *capture)
{
    drop_data(capture->held);
    drop_data(capture->pending);
    APR_BRIGADE_INSERT_HEAD(capture->pending,
                            ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL,
                                                   f->r->pool,
                                                   f->c->bucket_alloc));
}

/* The body cannot be read to its end: an error page when nothing was sent, else
 * what there was, without an end. */
static apr_status_t break_off(ap_filter_t *f, mfc_ctx_t *ctx)
{
    mfc_capture_t *capture = ctx->capture;
    int nothing_sent = capture->hold;
    apr_status_t status;

    f->c->keepalive = AP_CONN_CLOSE;
    mfc_capture_drop(f->r, ctx, FCACHE_REASON_TRUNCATED);
    if (nothing_sent) {
        fail_held(f, capture);
    }
    status = pass_pending(f, capture);
    ctx->answer_sent = nothing_sent;
    return status;
}

/* Everything is there. The store first, so that who got this answer finds it
 * when it asks again; then the rest of it for the client. */
static apr_status_t finish(ap_filter_t *f, mfc_ctx_t *ctx)
{
    mfc_capture_t *capture = ctx->capture;
    request_rec *r = f->r;
    fcache_reason_t reason = completeness(r, ctx);

    if (capture->hold && is_short(capture)) {
        fail_held(f, capture);
    }
    if (reason != FCACHE_REASON_STORED) {
        mfc_capture_drop(r, ctx, reason);
    } else if (capture->etag != NULL) {
        finish_tag(r, ctx);
    }
    if (capture->writer != NULL) {
        commit(r, ctx);
    }
    return pass_pending(f, capture);
}

/* Reads a bucket; what came before it goes out first when it has to wait. */
static apr_status_t read_bucket(ap_filter_t *f, mfc_capture_t *capture,
                                apr_bucket *bucket, fcache_bytes_t *out_bytes)
{
    const char *data;
    apr_size_t len;
    apr_status_t status =
        apr_bucket_read(bucket, &data, &len, APR_NONBLOCK_READ);

    if (APR_STATUS_IS_EAGAIN(status)) {
        if (capture->expected < 0) {
            capture->hold = 0;
        }
        if (!capture->hold) {
            APR_BRIGADE_INSERT_TAIL(
                capture->pending, apr_bucket_flush_create(f->c->bucket_alloc));
            status = pass_pending(f, capture);
            if (status != APR_SUCCESS) {
                return status;
            }
        }
        status = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
    }
    if (status == APR_SUCCESS) {
        *out_bytes = fcache_bytes(data, len);
    }
    return status;
}

/* 7 */
static apr_status_t tee_data(ap_filter_t *f, mfc_ctx_t *ctx, apr_bucket *bucket)
{
    mfc_capture_t *capture = ctx->capture;
    fcache_bytes_t bytes;
    apr_status_t status = read_bucket(f, capture, bucket, &bytes);
    fcache_status_t stored;
    uint64_t length;

    if (status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, status, f->r,
                      "FC0102: the answer broke off");
        return break_off(f, ctx);
    }
    length = fcache_writer_length(capture->writer) + bytes.len;
    if (length > ctx->conf->max_object) {
        mfc_capture_drop(f->r, ctx, FCACHE_REASON_TOO_LARGE);
        return APR_SUCCESS;
    }
    stored = fcache_writer_append(capture->writer, bytes, NULL);
    if (stored != FCACHE_OK) {
        mfc_capture_drop(f->r, ctx, mfc_refusal(stored));
        return APR_SUCCESS;
    }
    if (capture->etag != NULL) {
        fcache_etag_update(capture->etag, bytes);
    }
    if (length > HOLD_MAX) {
        capture->hold = 0;
    }
    return APR_SUCCESS;
}

static void watch_metadata(ap_filter_t *f, mfc_ctx_t *ctx, apr_bucket *bucket)
{
    mfc_capture_t *capture = ctx->capture;

    if (AP_BUCKET_IS_ERROR(bucket) || AP_BUCKET_IS_EOC(bucket)) {
        mfc_capture_drop(f->r, ctx, FCACHE_REASON_TRUNCATED);
    } else if (APR_BUCKET_IS_FLUSH(bucket) && capture->expected < 0) {
        capture->hold = 0;
    }
}

/* Not storing: what is pending goes out, the filter with it. */
static apr_status_t let_go(ap_filter_t *f, mfc_capture_t *capture,
                           apr_bucket_brigade *bb)
{
    APR_BRIGADE_PREPEND(bb, capture->pending);
    APR_BRIGADE_PREPEND(bb, capture->held);
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

apr_status_t mfc_capture_pass(ap_filter_t *f, mfc_ctx_t *ctx,
                              apr_bucket_brigade *bb)
{
    mfc_capture_t *capture = ctx->capture;
    apr_status_t status = APR_SUCCESS;

    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(bb);

        if (capture->writer == NULL) {
            return let_go(f, capture, bb);
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            watch_metadata(f, ctx, bucket);
        } else {
            status = tee_data(f, ctx, bucket);
        }
        if (status != APR_SUCCESS) {
            return status;
        }
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(capture->pending, bucket);
        if (APR_BUCKET_IS_EOS(bucket) && capture->writer != NULL) {
            status = finish(f, ctx);
            ap_remove_output_filter(f);
            return status;
        }
    }
    status = capture->hold ? ap_save_brigade(f, &capture->held,
                                             &capture->pending, f->r->pool)
                           : pass_pending(f, capture);
    /* Nobody takes more: the handler may stop, and where no length is known, that
     * looks like the end. */
    if (status != APR_SUCCESS && capture->expected < 0 &&
        capture->writer != NULL) {
        mfc_capture_drop(f->r, ctx, FCACHE_REASON_CLIENT_ABORT);
    }
    return status;
}
