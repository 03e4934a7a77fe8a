/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that ends with the origin's connection may have been cut without
 * anybody knowing, so it is not stored. mod_proxy does not tell its output
 * filters how the response was framed; it does hand out the request it reads
 * the response with (hook create_req), and an input filter there sees the
 * framing at the first read.
 *
 * Nor does it hand on all dates as they came: it makes good ones of some that are
 * not, which in Expires is the difference between fresh and stale (RFC 9111 §5.3).
 * So a second filter there reads the lines of the head.
 */
#include "ctx.h"

#include <apr_optional_hooks.h>
#include <mod_proxy.h>

#define MAX_LINE 256 /* of a line, what is looked at */

static int on_create_request(request_rec *r, request_rec *response)
{
    mfc_ctx_t *ctx = mfc_ctx_of(r);

    if (ctx != NULL && ctx->capture != NULL) {
        mfc_refresh_watch(r, response->connection);
        ap_add_input_filter_handle(mfc_framing_handle, ctx, response,
                                   response->connection);
        ap_add_input_filter_handle(mfc_lines_handle, r, response,
                                   response->connection);
    }
    return DECLINED;
}

apr_status_t mfc_framing_filter(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    ap_filter_t *next = f->next;

    if (mode == AP_MODE_READBYTES) {
        mfc_ctx_t *ctx = f->ctx;
        const apr_table_t *fields = f->r->headers_in;

        ctx->is_framed = apr_table_get(fields, "Content-Length") != NULL ||
                         apr_table_get(fields, "Transfer-Encoding") != NULL;
        ap_remove_input_filter(f);
    }
    return ap_get_brigade(next, bb, mode, block, readbytes);
}

/* "HTTP/1.1 500 ...": the status; a new head, after an interim one, begins anew. */
static void note_status(mfc_ctx_t *ctx, fcache_bytes_t line)
{
    const char *space = memchr(line.ptr, ' ', line.len);
    size_t rest = space ? line.len - (size_t)(space - line.ptr) : 0;
    int64_t status = 0;

    if (rest > 3) {
        (void)fcache_delta_parse(fcache_bytes(space + 1, 3), &status);
    }
    ctx->origin_status = (int)status;
    ctx->has_expires = 0;
    ctx->bad_expires = NULL;
}

/* The first Expires, when it is no date; r is the client's request, for the one
 * that the answer was read with is gone before what was read is passed on. */
static void note_expires(request_rec *r, mfc_ctx_t *ctx, fcache_bytes_t value)
{
    int64_t date_s;

    ctx->has_expires = 1;
    if (!fcache_date_parse(value, apr_time_now() / FCACHE_US_PER_S, &date_s)) {
        ctx->bad_expires = apr_pstrmemdup(r->pool, value.ptr, value.len);
    }
}

static void note_line(request_rec *r, mfc_ctx_t *ctx, fcache_bytes_t line)
{
    static const fcache_bytes_t expires = {"expires:", 8};

    if (line.len >= 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
        note_status(ctx, line);
    } else if (!ctx->has_expires && line.len >= expires.len &&
               fcache_bytes_equal_nocase(fcache_bytes(line.ptr, expires.len),
                                         expires)) {
        note_expires(r, ctx,
                     fcache_bytes_trim(fcache_bytes(line.ptr + expires.len,
                                                    line.len - expires.len)));
    }
}

apr_status_t mfc_lines_filter(ap_filter_t *f, apr_bucket_brigade *bb,
                              ap_input_mode_t mode, apr_read_type_e block,
                              apr_off_t readbytes)
{
    ap_filter_t *next = f->next;
    apr_status_t status;
    char line[MAX_LINE];
    apr_size_t len = sizeof(line);

    if (mode != AP_MODE_GETLINE && mode != AP_MODE_SPECULATIVE) {
        ap_remove_input_filter(f);
    }
    status = ap_get_brigade(next, bb, mode, block, readbytes);
    if (mode == AP_MODE_GETLINE && status == APR_SUCCESS &&
        apr_brigade_flatten(bb, line, &len) == APR_SUCCESS) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
            len--;
        }
        note_line(f->ctx, mfc_ctx_of(f->ctx), fcache_bytes(line, len));
    }
    return status;
}

void mfc_framing_restore(request_rec *r, const mfc_ctx_t *ctx)
{
    if (ctx->bad_expires != NULL &&
        apr_table_get(r->headers_out, "Expires") != NULL) {
        apr_table_setn(r->headers_out, "Expires", ctx->bad_expires);
    }
}

/* Protocols that mark the end of a body themselves. SCGI and uwsgi do not. */
static const char *const framed_schemes[] = {"fcgi://", "ajp://", "h2://",
                                             "h2c://"};

/* Where mod_proxy went; older releases leave the balancer's name where newer ones
 * put its member's. */
static const char *origin_url(const request_rec *r)
{
    const char *url = r->filename + 6;
    const char *member =
        apr_table_get(r->subprocess_env, "BALANCER_WORKER_NAME");

    if (strncmp(url, "balancer://", 11) == 0 && member != NULL) {
        url = member;
    }
    if (strncmp(url, "unix:", 5) == 0 && strchr(url, '|') != NULL) {
        url = strchr(url, '|') + 1;
    }
    return url;
}

int mfc_framing_is_sound(const request_rec *r, const mfc_ctx_t *ctx)
{
    const char *url;
    size_t i;

    if (ctx->is_framed || r->status == HTTP_NO_CONTENT || r->filename == NULL ||
        strncmp(r->filename, "proxy:", 6) != 0) {
        return 1;
    }
    url = origin_url(r);
    for (i = 0; i < sizeof(framed_schemes) / sizeof(framed_schemes[0]); i++) {
        if (strncmp(url, framed_schemes[i], strlen(framed_schemes[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

void mfc_framing_hook(void)
{
    APR_OPTIONAL_HOOK(proxy, create_req, on_create_request, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
