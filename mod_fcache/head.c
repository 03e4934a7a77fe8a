/* SPDX-License-Identifier: Apache-2.0 */
#include "ctx.h"

#include <apr_strings.h>

static int is(fcache_bytes_t name, const char *text)
{
    return fcache_bytes_equal_nocase(name, fcache_str(text));
}

static int is_kept(const mfc_ctx_t *ctx, fcache_fields_t fields,
                   const fcache_cc_t *cc, fcache_bytes_t name)
{
    const char *status_header = ctx->conf->status_header;

    return fcache_field_is_stored(&ctx->policy, fields, cc, name) &&
           !is(name, "Content-Length") &&
           !mfc_tags_is_stripped(ctx->conf, name) &&
           !(status_header != NULL && is(name, status_header));
}

static fcache_status_t add_date(fcache_buf_t *block, int64_t date_s)
{
    char date[FCACHE_DATE_LEN + 1];

    fcache_date_format(date_s, date);
    return fcache_fieldblock_add(block, fcache_str("Date"), fcache_str(date));
}

static fcache_status_t build_block(const mfc_ctx_t *ctx, fcache_fields_t fields,
                                   fcache_buf_t *block)
{
    fcache_status_t status = FCACHE_OK;
    fcache_cc_t cc;
    size_t i;

    (void)fcache_cc_of_response(fields, &cc);
    for (i = 0; i < fields.count && status == FCACHE_OK; i++) {
        const fcache_field_t *field = &fields.items[i];
        if (is_kept(ctx, fields, &cc, field->name)) {
            status = fcache_fieldblock_add(block, field->name,
                                           fcache_bytes_trim(field->value));
        }
    }
    return status;
}

fcache_status_t mfc_head_build(const mfc_ctx_t *ctx, int status,
                               fcache_fields_t fields, fcache_buf_t *block,
                               fcache_entry_t *out_entry)
{
    const fcache_judgement_t *judgement = &ctx->judgement;
    int64_t now_s = ctx->answered_us / FCACHE_US_PER_S;
    fcache_bytes_t date = fcache_fields_get(fields, "Date");

    out_entry->kind = FCACHE_ENTRY_RESPONSE;
    out_entry->flags = judgement->entry_flags;
    out_entry->status = status;
    out_entry->generation = ctx->epoch;
    out_entry->created_us = ctx->answered_us;
    out_entry->initial_age_s = judgement->initial_age_s;
    out_entry->fresh_until_us = judgement->fresh_until_us;
    out_entry->stale_until_us = judgement->stale_until_us;
    out_entry->stale_while_revalidate_s = judgement->stale_while_revalidate_s;
    out_entry->stale_if_error_s = judgement->stale_if_error_s;
    out_entry->etag = fcache_fields_get(fields, "ETag");
    out_entry->last_modified = fcache_fields_get(fields, "Last-Modified");
    out_entry->date_s = now_s;
    if (date.ptr == NULL) {
        fcache_status_t added = add_date(block, now_s);
        if (added != FCACHE_OK) {
            return added;
        }
    } else {
        fcache_date_parse(date, now_s, &out_entry->date_s);
    }
    return build_block(ctx, fields, block);
}

fcache_status_t mfc_head_add_length(fcache_buf_t *block, int status,
                                    uint64_t length)
{
    char text[24];

    if (status == HTTP_NO_CONTENT) {
        return FCACHE_OK;
    }
    apr_snprintf(text, sizeof(text), "%" APR_UINT64_T_FMT, length);
    return fcache_fieldblock_add(block, fcache_str("Content-Length"),
                                 fcache_str(text));
}
