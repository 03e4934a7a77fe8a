/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the origin about a stored entry (RFC 9111 §4.3). For the time of the
 * question the request carries the entry's validators; the client's own
 * conditionals are parked and answered from the store afterwards.
 */
#include "ctx.h"

#include <apr_strings.h>

static const char *const conditionals[] = {
    "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since",
    "If-Range",      "Range"};

#define CONDITIONALS (sizeof(conditionals) / sizeof(conditionals[0]))

static const char *text(const request_rec *r, fcache_bytes_t bytes)
{
    return apr_pstrmemdup(r->pool, bytes.ptr, bytes.len);
}

void mfc_revalidate_arm(request_rec *r, mfc_ctx_t *ctx)
{
    const fcache_entry_t *entry = &ctx->hit.entry;
    size_t i;

    ctx->parked = apr_table_make(r->pool, CONDITIONALS);
    for (i = 0; i < CONDITIONALS; i++) {
        const char *value = apr_table_get(r->headers_in, conditionals[i]);
        if (value != NULL) {
            apr_table_setn(ctx->parked, conditionals[i], value);
            apr_table_unset(r->headers_in, conditionals[i]);
        }
    }
    if (entry->etag.len > 0) {
        apr_table_setn(r->headers_in, "If-None-Match", text(r, entry->etag));
    }
    if (entry->last_modified.len > 0) {
        apr_table_setn(r->headers_in, "If-Modified-Since",
                       text(r, entry->last_modified));
    }
}

void mfc_revalidate_disarm(request_rec *r, mfc_ctx_t *ctx)
{
    size_t i;

    if (ctx->parked == NULL) {
        return;
    }
    for (i = 0; i < CONDITIONALS; i++) {
        const char *value = apr_table_get(ctx->parked, conditionals[i]);
        apr_table_unset(r->headers_in, conditionals[i]);
        if (value != NULL) {
            apr_table_setn(r->headers_in, conditionals[i], value);
        }
    }
    ctx->parked = NULL;
}
