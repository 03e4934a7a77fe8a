/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"
#include "vary.h"

/* What is stored was not selected by fields that only the update's Vary names
 * (RFC 9111 §4.1): renewed, it would answer requests that differ in them. */
static int is_selected_alike(const fci_case_t *c, const fcache_entry_t *stored,
                             fcache_fields_t update)
{
    fcache_field_t space[FCACHE_MAX_FIELDS + 1];
    fcache_fields_t nothing = {NULL, 0};
    fci_vary_t before;
    fci_vary_t after;
    if (fcache_fields_find(update, "Vary", 0) == update.count) {
        return 1;
    }
    (void)fci_vary_collect(fcache_fields_merge(c->policy, c->request,
                                               stored->fields, nothing, space,
                                               FCACHE_MAX_FIELDS + 1),
                           &before);
    (void)fci_vary_collect(c->fields, &after);
    return fci_vary_is_within(&after, &before);
}

/* ---- 304 ----------------------------------------------------------------- */

/*
 * Is the 304 an answer about the stored response? That to our If-None-Match is,
 * for it can only have matched the tag we sent. Without one, what it says about
 * itself must not speak against it.
 */
static int is_about(const fcache_entry_t *stored, fcache_fields_t fields)
{
    fcache_bytes_t modified = fcache_fields_get(fields, "Last-Modified");
    if (stored->etag.len > 0 && !(stored->flags & FCACHE_ENTRY_OWN_ETAG)) {
        return 1;
    }
    return fcache_fields_get(fields, "ETag").len == 0 &&
           (modified.len == 0 ||
            fcache_bytes_equal(stored->last_modified, modified));
}

/* With another tag than the stored one it forbids what it forbids, but nothing that
 * it says of its representation is taken over (RFC 9111 §4.3.4). */
static fcache_judgement_t judge_renewed(fci_case_t *c, fcache_bytes_t block,
                                        fcache_fields_t update)
{
    fcache_field_t merged[FCACHE_MAX_FIELDS + 1];
    fcache_judgement_t judgement = fci_judge_case(c);
    if (judgement.ruling != FCACHE_RULING_REFRESH ||
        !fcache_is_of_another(block, update)) {
        return judgement;
    }
    c->fields = fcache_fields_merge(c->policy, c->request, block, update,
                                    merged, FCACHE_MAX_FIELDS + 1);
    return fci_judge_case(c);
}

fcache_judgement_t fci_judge_304(fci_case_t *c,
                                 const fcache_response_t *response,
                                 const fcache_entry_t *stored)
{
    fcache_field_t merged[FCACHE_MAX_FIELDS + 1];
    if (!stored || !is_about(stored, response->fields)) {
        return fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_UNEXPECTED_304);
    }
    c->is_refresh = 1;
    c->status = stored->status;
    c->fields =
        fci_fields_merge(c->policy, c->request, stored->fields,
                         response->fields, merged, FCACHE_MAX_FIELDS + 1);
    return is_selected_alike(c, stored, response->fields)
               ? judge_renewed(c, stored->fields, response->fields)
               : fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_VARY_BAD);
}

/* ---- HEAD ---------------------------------------------------------------- */

static fcache_bytes_t stored_field(const fcache_entry_t *stored,
                                   const char *wanted)
{
    fcache_bytes_t name;
    fcache_bytes_t value;
    size_t offset = 0;
    while (fcache_fieldblock_next(stored->fields, &offset, &name, &value)) {
        if (fcache_bytes_equal_nocase(name, fcache_str(wanted))) {
            return value;
        }
    }
    return fcache_bytes(NULL, 0);
}

/* Does anything that the answer says of the body speak against that of
 * `stored`? *out_proven: a validator speaks for it. */
static int differs(const fcache_entry_t *stored, fcache_fields_t fields,
                   int *out_proven)
{
    fcache_bytes_t tag = fcache_fields_get(fields, "ETag");
    fcache_bytes_t modified = fcache_fields_get(fields, "Last-Modified");
    fcache_bytes_t length = fcache_fields_get(fields, "Content-Length");
    fcache_bytes_t coding = fcache_fields_get(fields, "Content-Encoding");
    int64_t len = 0;
    *out_proven = tag.ptr || modified.ptr;
    return (tag.ptr && !fcache_etag_matches(tag, stored->etag, 1)) ||
           (modified.ptr &&
            !fcache_bytes_equal(modified, stored->last_modified)) ||
           (length.ptr && (!fcache_delta_parse(length, &len) ||
                           (uint64_t)len != stored->body_len)) ||
           !fcache_bytes_equal_nocase(coding,
                                      stored_field(stored, "Content-Encoding"));
}

fcache_judgement_t fcache_judge_head(const fcache_policy_t *policy,
                                     const fcache_request_t *request,
                                     const fcache_response_t *response,
                                     const fcache_entry_t *stored,
                                     int64_t now_us)
{
    fcache_field_t merged[FCACHE_MAX_FIELDS + 1];
    fci_case_t c = {.policy = policy,
                    .request = request,
                    .status = stored->status,
                    .request_us = response->request_us,
                    .response_us = response->response_us,
                    .is_refresh = 1,
                    .now_us = now_us};
    int is_proven;
    if (differs(stored, response->fields, &is_proven)) {
        return fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_HEAD_DIFFERS);
    }
    if (!is_proven) {
        return fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_HEAD_ANSWER);
    }
    c.fields =
        fcache_fields_merge(policy, request, stored->fields, response->fields,
                            merged, FCACHE_MAX_FIELDS + 1);
    return is_selected_alike(&c, stored, response->fields)
               ? fci_judge_case(&c)
               : fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_HEAD_DIFFERS);
}
