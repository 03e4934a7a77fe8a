/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's body is part of its key, so it is read before the lookup and put
 * back by an input filter for the handler. Never more than the scope's limit is
 * held; what is longer goes to the origin without the cache.
 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <openssl/evp.h>

#define DIGEST_BYTES 32

/* Moves what the client sent into `kept`, up to max_bytes and a bit; *out_whole
 * when that was all. */
static apr_status_t gather(request_rec *r, apr_bucket_brigade *kept,
                           uint64_t max_bytes, int *out_whole)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_off_t held = 0;

    *out_whole = 0;
    while (!*out_whole && (uint64_t)held <= max_bytes) {
        apr_off_t length = 0;
        apr_status_t status =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                           APR_BLOCK_READ, HUGE_STRING_LEN);

        if (status == APR_SUCCESS && APR_BRIGADE_EMPTY(bb)) {
            status = APR_EOF;
        }
        if (status == APR_SUCCESS) {
            *out_whole = APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
            status = apr_brigade_length(bb, 1, &length);
        }
        if (status == APR_SUCCESS) {
            status = ap_save_brigade(NULL, &kept, &bb, r->pool);
        }
        if (status != APR_SUCCESS) {
            return status;
        }
        held += length;
    }
    *out_whole = *out_whole && (uint64_t)held <= max_bytes;
    return APR_SUCCESS;
}

static int digest(apr_bucket_brigade *kept, unsigned char *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    apr_bucket *bucket;
    int ok =
        context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

    for (bucket = APR_BRIGADE_FIRST(kept);
         ok && bucket != APR_BRIGADE_SENTINEL(kept);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t len;
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        ok = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ) ==
                 APR_SUCCESS &&
             EVP_DigestUpdate(context, data, len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

static void put_back(request_rec *r, apr_bucket_brigade *kept)
{
    ap_add_input_filter_handle(mfc_replay_handle, kept, r, r->connection);
}

/* What the request that was redirected to this one has left of its body. */
static apr_bucket_brigade *left_behind(const request_rec *r)
{
    const request_rec *from = r->prev;

    while (from != NULL &&
           (mfc_ctx_of(from) == NULL || mfc_ctx_of(from)->body == NULL)) {
        from = from->prev;
    }
    return from ? mfc_ctx_of(from)->body : NULL;
}

static int declared_too_large(const request_rec *r, uint64_t max_bytes)
{
    fcache_bytes_t text =
        fcache_str(apr_table_get(r->headers_in, "Content-Length"));
    int64_t length;

    return text.ptr != NULL &&
           fcache_delta_parse(fcache_bytes_trim(text), &length) &&
           (uint64_t)length > max_bytes;
}

apr_status_t mfc_body_digest(request_rec *r, mfc_ctx_t *ctx)
{
    uint64_t max_bytes = ctx->conf->max_request_body;
    apr_bucket_brigade *kept;
    unsigned char *bytes = apr_palloc(r->pool, DIGEST_BYTES);
    apr_status_t status;
    int whole;

    if (declared_too_large(r, max_bytes)) {
        ctx->bypass = FCACHE_REASON_BODY_TOO_LARGE;
        return APR_SUCCESS;
    }
    kept = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    status = gather(r, kept, max_bytes, &whole);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!whole) {
        ctx->bypass = FCACHE_REASON_BODY_TOO_LARGE;
    } else if (!digest(kept, bytes)) {
        ctx->bypass = FCACHE_REASON_KEY;
    } else {
        ctx->request.body_digest = fcache_bytes(bytes, DIGEST_BYTES);
    }
    ctx->body = left_behind(r);
    if (ctx->body != NULL) { /* its filter comes first */
        APR_BRIGADE_PREPEND(ctx->body, kept);
    } else {
        ctx->body = kept;
        put_back(r, kept);
    }
    return APR_SUCCESS;
}

/* A redirect leaves the filters of the request behind that it leads away from, and
 * with them what no handler has read yet of what was put back. A page for an error
 * is no answer to the body. */
int mfc_on_redirect(request_rec *r)
{
    apr_bucket_brigade *kept = left_behind(r);

    if (kept != NULL && r->status == HTTP_OK) {
        put_back(r, kept);
    }
    return DECLINED;
}

/* Copies of the buckets before `after`, which stay. */
static apr_status_t peek(apr_bucket_brigade *kept, const apr_bucket *after,
                         apr_bucket_brigade *bb)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(kept);
         bucket != after && bucket != APR_BRIGADE_SENTINEL(kept);
         bucket = APR_BUCKET_NEXT(bucket)) {
        apr_bucket *copy;
        apr_status_t status = apr_bucket_copy(bucket, &copy);
        if (status != APR_SUCCESS) {
            return status;
        }
        APR_BRIGADE_INSERT_TAIL(bb, copy);
    }
    return APR_SUCCESS;
}

/* Input filter: what was kept first, then what is still to come. */
apr_status_t mfc_body_replay(ap_filter_t *f, apr_bucket_brigade *bb,
                             ap_input_mode_t mode, apr_read_type_e block,
                             apr_off_t readbytes)
{
    apr_bucket_brigade *kept = f->ctx;
    apr_bucket_brigade *rest = NULL;
    apr_bucket *after;
    apr_status_t status;

    if (APR_BRIGADE_EMPTY(kept)) { /* more may be put there */
        return ap_get_brigade(f->next, bb, mode, block, readbytes);
    }
    if (mode == AP_MODE_GETLINE) {
        return apr_brigade_split_line(bb, kept, block, HUGE_STRING_LEN);
    }
    if (mode == AP_MODE_EXHAUSTIVE || mode == AP_MODE_INIT) {
        APR_BRIGADE_CONCAT(bb, kept);
        return APR_SUCCESS;
    }
    status = apr_brigade_partition(kept, readbytes, &after);
    if (status != APR_SUCCESS && status != APR_INCOMPLETE) {
        return status;
    }
    if (mode == AP_MODE_SPECULATIVE) {
        return peek(kept, after, bb);
    }
    rest = apr_brigade_split_ex(kept, after, NULL);
    APR_BRIGADE_CONCAT(bb, kept);
    APR_BRIGADE_CONCAT(kept, rest);
    apr_brigade_destroy(rest);
    return APR_SUCCESS;
}
