/* SPDX-License-Identifier: Apache-2.0 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_protocol.h>

static const fcache_bytes_t content_type = {"Content-Type", 12};
static const fcache_bytes_t content_range = {"Content-Range", 13};
static const fcache_bytes_t content_length = {"Content-Length", 14};

/* Most names are told apart by their length. */
static int is(fcache_bytes_t name, fcache_bytes_t known)
{
    return name.len == known.len && fcache_bytes_equal_nocase(name, known);
}

/* The stored field block into r. One copy of the block; names and values are
 * made C strings where they lie. */
static void put_fields(request_rec *r, const fcache_entry_t *entry)
{
    char *block = apr_pstrmemdup(r->pool, entry->fields.ptr, entry->fields.len);
    fcache_bytes_t rest = fcache_bytes(block, entry->fields.len);
    fcache_bytes_t name;
    fcache_bytes_t value;
    size_t offset = 0;

    while (fcache_fieldblock_next(rest, &offset, &name, &value) == 1) {
        block[(size_t)(name.ptr - block) + name.len] = '\0';
        block[(size_t)(value.ptr - block) + value.len] = '\0';
        if (is(name, content_type)) {
            if (r->content_type == NULL) {
                ap_set_content_type(r, value.ptr);
            }
        } else if (!is(name, content_length) &&
                   (entry->status != HTTP_PARTIAL_CONTENT ||
                    !is(name, content_range))) {
            apr_table_addn(r->headers_out, name.ptr, value.ptr);
        }
    }
}

/* httpd takes what it does not know for a 500. */
static int has_text(int status)
{
    return status == HTTP_INTERNAL_SERVER_ERROR ||
           ap_index_of_response(status) !=
               ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);
}

/* A status that httpd has no text for needs its line, without a phrase too, or
 * core makes it 500. */
static void put_status(request_rec *r, const fcache_entry_t *entry)
{
    r->status = entry->status;
    r->status_line = NULL;
    if (!has_text(entry->status)) {
        r->status_line = apr_psprintf(
            r->pool, "%d %.*s", entry->status, (int)entry->reason.len,
            entry->reason.len > 0 ? entry->reason.ptr : "");
    }
}

void mfc_serve_client_control(request_rec *r, const mfc_ctx_t *ctx, int has_own)
{
    const mfc_client_control_t *control = &ctx->conf->client_control;
    const char *value = control->value;

    if (control->mode == MFC_CONTROL_UNSET) {
        apr_table_unset(r->headers_out, "Cache-Control");
        return;
    }
    if (control->mode == MFC_CONTROL_KEEP && has_own) {
        return;
    }
    if (value == NULL) {
        value = apr_pstrcat(
            r->pool,
            "max-age=", apr_off_t_toa(r->pool, ctx->ttl_s > 0 ? ctx->ttl_s : 0),
            NULL);
    }
    apr_table_setn(r->headers_out, "Cache-Control", value);
}

/* What a filter that compresses puts at the end of entity tags. */
static const struct {
    const char *filter;
    const char *suffix;
} suffixes[] = {{"deflate", "-gzip"}, {"brotli", "-br"}};

#define SUFFIXES (sizeof(suffixes) / sizeof(suffixes[0]))

static int has_filter(const request_rec *r, const char *name)
{
    const ap_filter_t *filter;

    for (filter = r->output_filters; filter != NULL; filter = filter->next) {
        if (strstr(filter->frec->name, name) != NULL) {
            return 1;
        }
    }
    return 0;
}

int mfc_serve_condition(request_rec *r, const fcache_entry_t *entry)
{
    fcache_fields_t fields;
    int status;
    size_t i;

    if (r->method_number != M_GET ||
        (apr_table_get(r->headers_in, "If-None-Match") == NULL &&
         apr_table_get(r->headers_in, "If-Modified-Since") == NULL)) {
        return HTTP_OK;
    }
    fields = mfc_message_fields(r->headers_in, NULL, r->pool);
    status = fcache_condition(entry->etag, entry->last_modified, entry->date_s,
                              fields, NULL);
    for (i = 0; i < SUFFIXES && status != HTTP_NOT_MODIFIED; i++) {
        if (has_filter(r, suffixes[i].filter)) {
            status =
                fcache_condition(entry->etag, entry->last_modified,
                                 entry->date_s, fields, suffixes[i].suffix);
        }
    }
    return status;
}

/* Leaves of the hit's body `length` bytes from `skip` on. */
static void slice(fcache_hit_t *hit, size_t skip, size_t length,
                  apr_pool_t *pool)
{
    fcache_bytes_t *pieces =
        apr_palloc(pool, sizeof(*pieces) * (hit->body_count + 1));
    size_t count = 0;
    size_t i;

    for (i = 0; i < hit->body_count && length > 0; i++) {
        fcache_bytes_t piece = hit->body[i];
        size_t before = skip < piece.len ? skip : piece.len;

        piece = fcache_bytes(piece.ptr + before, piece.len - before);
        skip -= before;
        if (piece.len > length) {
            piece.len = length;
        }
        if (piece.len > 0) {
            pieces[count++] = piece;
            length -= piece.len;
        }
    }
    hit->body = pieces;
    hit->body_count = count;
}

/* Of a stored part what the request wants; decide saw that it is there. */
static void cut_part(request_rec *r, mfc_ctx_t *ctx)
{
    fcache_hit_t *hit = &ctx->hit;
    char *text = apr_palloc(r->pool, FCACHE_PART_LEN);
    fcache_part_t part;
    uint64_t offset;

    if (fcache_part_answers(&hit->entry, ctx->request.fields, &part, &offset)) {
        size_t length = (size_t)(part.last - part.first + 1);
        fcache_part_format(&part, text);
        apr_table_setn(r->headers_out, "Content-Range", text);
        slice(hit, (size_t)offset, length, r->pool);
        hit->entry.body_len = length;
    }
}

static void put_body(request_rec *r, mfc_ctx_t *ctx, apr_bucket_brigade *bb)
{
    fcache_hit_t *hit = &ctx->hit;

    if (hit->entry.status == HTTP_PARTIAL_CONTENT) {
        cut_part(r, ctx);
    }
    if (hit->entry.status != HTTP_NO_CONTENT) {
        ap_set_content_length(r, (apr_off_t)hit->entry.body_len);
    }
    if (r->header_only) {
        return;
    }
    mfc_bucket_append(bb, ctx->cache, hit->pin, hit->body, hit->body_count,
                      r->pool);
    hit->pin = NULL;
}

void mfc_serve_prepare(request_rec *r, mfc_ctx_t *ctx, apr_bucket_brigade *bb)
{
    const fcache_entry_t *entry = &ctx->hit.entry;
    int has_own;

    if (r->proxyreq == PROXYREQ_NONE) {
        r->proxyreq = PROXYREQ_REVERSE; /* keeps the stored Date */
    }
    apr_table_clear(r->headers_out);
    r->content_type = NULL;
    r->content_encoding = NULL;
    r->content_languages = NULL;
    r->no_cache = 0; /* mod_proxy sets it for its own errors */
    put_status(r, entry);
    put_fields(r, entry);
    has_own = (entry->flags & FCACHE_ENTRY_CLIENT_CC) != 0 ||
              apr_table_get(r->headers_out, "Expires") != NULL;
    mfc_serve_client_control(r, ctx, has_own);
    apr_table_setn(r->headers_out, "Age",
                   apr_off_t_toa(r->pool, ctx->age_s > 0 ? ctx->age_s : 0));
    mfc_report_fields(r, ctx, r->headers_out);
    if (entry->status < HTTP_MULTIPLE_CHOICES && /* RFC 9110 §13.2.1 */
        mfc_serve_condition(r, entry) == HTTP_NOT_MODIFIED) {
        r->status = HTTP_NOT_MODIFIED;
        r->status_line = NULL;
    } else {
        put_body(r, ctx, bb);
    }
    fcache_pin_release(ctx->cache, ctx->hit.pin);
    ctx->hit.pin = NULL;
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
}

int mfc_serve(request_rec *r, mfc_ctx_t *ctx)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t status;

    mfc_serve_prepare(r, ctx, bb);
    status = ap_pass_brigade(r->output_filters, bb);
    if (status != APR_SUCCESS && !r->connection->aborted) {
        return AP_FILTER_ERROR;
    }
    return OK;
}
