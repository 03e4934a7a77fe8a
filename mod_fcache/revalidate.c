/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the origin about a stored entry (RFC 9111 §4.3), or for all who wait for
 * one. For the time of the question the request carries the entry's validators,
 * or none; the client's own conditionals are parked and answered by us afterwards.
 */
#include "ctx.h"

#include <apr_strings.h>

#define MAX_FIELDS (48 * 1024)

static const char *const conditionals[] = {
    "If-None-Match",       "If-Modified-Since", "If-Match",
    "If-Unmodified-Since", "If-Range",          "Range"};

#define CONDITIONALS (sizeof(conditionals) / sizeof(conditionals[0]))

static const char *text(const request_rec *r, fcache_bytes_t bytes)
{
    return apr_pstrmemdup(r->pool, bytes.ptr, bytes.len);
}

void mfc_revalidate_park(request_rec *r, mfc_ctx_t *ctx)
{
    size_t i;

    ctx->has_parked = 1;
    ctx->parked = apr_table_make(r->pool, CONDITIONALS);
    for (i = 0; i < CONDITIONALS; i++) {
        const char *value = apr_table_get(r->headers_in, conditionals[i]);
        if (value != NULL) {
            apr_table_setn(ctx->parked, conditionals[i], value);
            apr_table_unset(r->headers_in, conditionals[i]);
        }
    }
}

void mfc_revalidate_arm(request_rec *r, mfc_ctx_t *ctx)
{
    const fcache_entry_t *entry = &ctx->hit.entry;

    mfc_revalidate_park(r, ctx);
    if (entry->etag.len > 0 && !(entry->flags & FCACHE_ENTRY_OWN_ETAG)) {
        apr_table_setn(r->headers_in, "If-None-Match", text(r, entry->etag));
    }
    if (entry->last_modified.len > 0) {
        apr_table_setn(r->headers_in, "If-Modified-Since",
                       text(r, entry->last_modified));
    }
}

int mfc_revalidate_is_armed(const mfc_ctx_t *ctx)
{
    return ctx->parked != NULL && ctx->decision.plan == FCACHE_PLAN_REVALIDATE;
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

/* ---- renewing ------------------------------------------------------------ */

static size_t count_stored(const fcache_entry_t *entry)
{
    fcache_bytes_t name;
    fcache_bytes_t value;
    size_t offset = 0;
    size_t count = 0;

    while (fcache_fieldblock_next(entry->fields, &offset, &name, &value) == 1) {
        count++;
    }
    return count;
}

/* The stored fields with those of the 304 in their place (RFC 9111 §3.2). */
static fcache_fields_t merge(const request_rec *r, const mfc_ctx_t *ctx,
                             fcache_fields_t fields)
{
    const fcache_entry_t *entry = &ctx->hit.entry;
    size_t room = count_stored(entry) + fields.count;
    fcache_field_t *space = apr_palloc(r->pool, sizeof(*space) * (room + 1));

    return fcache_fields_merge(&ctx->policy, &ctx->request, entry->fields,
                               fields, space, room);
}

static apr_status_t block_fini(void *data)
{
    fcache_buf_fini(data);
    return APR_SUCCESS;
}

/* The head of the renewed entry, in the request's pool. */
static fcache_status_t renew_head(request_rec *r, mfc_ctx_t *ctx,
                                  fcache_fields_t fields)
{
    const fcache_entry_t *old = &ctx->hit.entry;
    fcache_buf_t *block = apr_palloc(r->pool, sizeof(*block));
    const fcache_fields_t none = {NULL, 0};
    fcache_entry_t entry = *old;
    fcache_status_t status;

    fcache_buf_init(block, MAX_FIELDS);
    apr_pool_cleanup_register(r->pool, block, block_fini,
                              apr_pool_cleanup_null);
    status =
        mfc_head_build(ctx, old->status, merge(r, ctx, fields), block, &entry);
    if (status == FCACHE_OK) {
        status = mfc_tags_build(
            r, ctx, fcache_is_of_another(old->fields, fields) ? none : fields,
            old->tags, &entry.tags);
    }
    if (status == FCACHE_OK) {
        status = mfc_head_add_length(block, old->status, old->body_len);
    }
    if (status == FCACHE_OK) {
        entry.flags |= old->flags & FCACHE_ENTRY_OWN_ETAG;
        entry.fields = fcache_buf_bytes(block);
        entry.generation = ctx->hit_epoch; /* its body is of then */
        ctx->hit.entry = entry;
    }
    return status;
}

static fcache_status_t put(request_rec *r, mfc_ctx_t *ctx,
                           fcache_error_t *error)
{
    (void)r;
    return fcache_refresh(mfc_writing(ctx), &ctx->hit, &ctx->hit.entry,
                          ctx->answered_us, error);
}

void mfc_revalidate_renew(request_rec *r, mfc_ctx_t *ctx,
                          fcache_fields_t fields)
{
    if (renew_head(r, ctx, fields) != FCACHE_OK) {
        return;
    }
    ctx->age_s = ctx->judgement.initial_age_s;
    ctx->ttl_s =
        (ctx->judgement.fresh_until_us - ctx->answered_us) / FCACHE_US_PER_S;
    mfc_later(r, ctx, put);
}

/* ---- what is for the client that asked ----------------------------------- */

typedef struct told_t {
    const mfc_ctx_t *ctx;
    fcache_fields_t fields;
    int is_of_another; /* but for cookies it describes something else */
    apr_table_t *told;
} told_t;

/* What is said of the body or its age is so of the stored one. */
static int is_of_stored(fcache_bytes_t name)
{
    static const char *const names[] = {"Age", "Cache-Status", "Content-Type",
                                        "Date"};
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (fcache_bytes_equal_nocase(name, fcache_str(names[i]))) {
            return 1;
        }
    }
    return !fcache_field_is_updated(name);
}

static int tell(void *baton, const char *text, const char *value)
{
    told_t *told = baton;
    fcache_policy_t policy = told->ctx->policy;
    fcache_bytes_t name = fcache_str(text);
    fcache_cc_t nothing;

    policy.set_cookie = FCACHE_SET_COOKIE_STORE;
    fcache_cc_parse((fcache_fields_t){NULL, 0}, &nothing);
    if (!is_of_stored(name) &&
        (!told->is_of_another ||
         fcache_bytes_equal_nocase(name, fcache_str("Set-Cookie"))) &&
        fcache_field_is_stored(&policy, told->fields, &nothing, name)) {
        apr_table_addn(told->told, text, value);
    }
    return 1;
}

static int forget(void *baton, const char *name, const char *value)
{
    (void)value;
    apr_table_unset(baton, name);
    return 1;
}

/* Cookies, say, which are in no entry. Of the fields that are, it is the same. */
void mfc_revalidate_tell(request_rec *r, const mfc_ctx_t *ctx,
                         const apr_table_t *said)
{
    told_t told = {ctx, {NULL, 0}, 0, NULL};

    if (ctx->verdict != FCACHE_VERDICT_REVALIDATED) {
        return;
    }
    told.told = apr_table_make(r->pool, 8);
    told.fields = mfc_message_fields(said, NULL, r->pool);
    told.is_of_another =
        fcache_is_of_another(ctx->hit.entry.fields, told.fields);
    apr_table_do(tell, &told, said, NULL);
    if (ctx->conf->client_control.mode != MFC_CONTROL_KEEP) {
        apr_table_unset(told.told, "Cache-Control");
    }
    apr_table_do(forget, r->headers_out, told.told, NULL);
    r->headers_out = apr_table_overlay(r->pool, r->headers_out, told.told);
}
