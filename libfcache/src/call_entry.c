/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "cache_parts.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * The entry of a result is a value of its coder; what only a call knows is in
 * the head's field block: what it took to compute, and what kind of result it is.
 */
#define COST      "cost-us"
#define RESULT    "result"
#define NEGATIVE  "none"
#define PUT_BACK  "put-back"
#define MAX_NOTES 128

#define MAX_SPAN_US (FCACHE_DELTA_MAX * FCACHE_US_PER_S)

int64_t fci_call_span(int64_t span_us)
{
    if (span_us < 0) {
        return 0;
    }
    return span_us > MAX_SPAN_US ? MAX_SPAN_US : span_us;
}

int64_t fci_call_now(const fci_call_t *call)
{
    return call->env->now(call->env->baton);
}

void fci_call_trouble(fci_call_t *call, fcache_status_t status,
                      const fcache_error_t *error)
{
    call->report->cache = status;
    call->report->error = *error;
}

/* ---- reading ------------------------------------------------------------- */

static void read_notes(const fcache_entry_t *entry, fci_found_t *found)
{
    size_t offset = 0;
    fcache_bytes_t name;
    fcache_bytes_t value;
    while (fcache_fieldblock_next(entry->fields, &offset, &name, &value)) {
        if (fcache_bytes_equal(name, fcache_str(RESULT))) {
            found->is_negative =
                fcache_bytes_equal(value, fcache_str(NEGATIVE));
            found->is_put_back =
                fcache_bytes_equal(value, fcache_str(PUT_BACK));
        } else if (fcache_bytes_equal(name, fcache_str(COST))) {
            (void)fcache_delta_parse(value, &found->cost_us);
        }
    }
}

static fci_found_state_t state_of(const fci_call_t *call,
                                  const fcache_hit_t *hit, int64_t now_us)
{
    int64_t stale_us = fci_call_span(call->spec->stale_us);
    int64_t rescue_us = fci_call_span(call->spec->stale_if_error_us);
    /* since its end; what a store says may be far off */
    int64_t past_us = 0;
    if (__builtin_sub_overflow(now_us, hit->entry.fresh_until_us, &past_us)) {
        return FCI_NOTHING;
    }
    if (past_us < 0 && !hit->soft_purged) {
        return FCI_FRESH;
    }
    if (stale_us > 0 && past_us < stale_us) {
        return FCI_STALE;
    }
    return rescue_us > 0 && past_us < stale_us + rescue_us ? FCI_LAST_RESORT
                                                           : FCI_NOTHING;
}

static fcache_status_t read_value(fci_call_t *call, const fcache_hit_t *hit,
                                  int64_t now_us, fci_found_t *found,
                                  fcache_error_t *error)
{
    const fcache_entry_t *entry = &hit->entry;
    if (entry->kind != FCACHE_ENTRY_VALUE ||
        !fcache_bytes_equal(entry->coder, fcache_str(call->coder->name))) {
        return fcache_error_set(error, FCACHE_CORRUPT,
                                "%.*s: written by the coder '%.*s', not '%s'",
                                (int)call->key.name.len, call->key.name.ptr,
                                (int)entry->coder.len, entry->coder.ptr,
                                call->coder->name);
    }
    read_notes(entry, found);
    found->state = state_of(call, hit, now_us);
    found->created_us = entry->created_us;
    found->fresh_until_us = entry->fresh_until_us;
    found->stale_until_us = entry->stale_until_us;
    found->epoch = entry->generation;
    found->bytes = fci_pieces_copy(hit->body, hit->body_count, call->pool);
    return found->bytes.ptr ? FCACHE_OK
                            : fcache_error_set(error, FCACHE_NO_MEMORY,
                                               "no memory for a value");
}

fcache_status_t fci_call_look(fci_call_t *call, fci_found_t *out_found,
                              apr_pool_t *scratch)
{
    int64_t now_us = fci_call_now(call);
    fcache_hit_t hit;
    fcache_error_t error = {""};
    *out_found = (fci_found_t){0};
    fcache_status_t status =
        fci_fetch(call->cache, &call->key, now_us, &call->until_us, &hit, NULL,
                  scratch, &error);
    if (status == FCACHE_OK) {
        if (hit.entry.kind == FCACHE_ENTRY_UNCACHEABLE) {
            out_found->state = FCI_UNCACHEABLE;
        } else {
            status = read_value(call, &hit, now_us, out_found, &error);
        }
        fcache_pin_release(call->cache, hit.pin);
    }
    if (status != FCACHE_OK) {
        out_found->state = FCI_NOTHING;
    }
    if (status != FCACHE_OK && status != FCACHE_MISS) {
        fci_call_trouble(call, status, &error);
    }
    return status;
}

/* ---- writing ------------------------------------------------------------- */

static fcache_status_t write_notes(const fci_result_t *result,
                                   fcache_buf_t *notes)
{
    char cost[24];
    (void)snprintf(cost, sizeof(cost), "%" PRId64, result->cost_us);
    fcache_status_t status =
        fcache_fieldblock_add(notes, fcache_str(COST), fcache_str(cost));
    if (status == FCACHE_OK && (!result->bytes || result->is_put_back)) {
        status = fcache_fieldblock_add(
            notes, fcache_str(RESULT),
            fcache_str(result->bytes ? PUT_BACK : NEGATIVE));
    }
    return status;
}

fcache_status_t fci_call_store(fci_call_t *call, const fci_result_t *result,
                               int64_t now_us, fcache_error_t *error)
{
    const fcache_bytes_t none = fcache_str("");
    const fcache_bytes_t *body = result->bytes ? result->bytes : &none;
    fcache_buf_t notes;
    if (body->len > call->cache->max_object_bytes) {
        return fcache_error_set(
            error, FCACHE_TOO_LARGE, "value above %llu bytes",
            (unsigned long long)call->cache->max_object_bytes);
    }
    fcache_buf_init(&notes, MAX_NOTES);
    fcache_status_t status = write_notes(result, &notes);
    if (status == FCACHE_OK) {
        const fcache_entry_t entry = {
            .kind = FCACHE_ENTRY_VALUE,
            .generation = result->epoch,
            .created_us = now_us,
            .fresh_until_us = result->fresh_until_us,
            .stale_until_us = result->stale_until_us,
            .date_s = now_us / FCACHE_US_PER_S,
            .coder = fcache_str(call->coder->name),
            .tags = call->spec->tags,
            .fields = fcache_buf_bytes(&notes),
            .body_len = body->len,
        };
        status = fci_store(fci_store_put, call->cache, &call->key, &entry, body,
                           1, now_us, error);
    }
    fcache_buf_fini(&notes);
    return status;
}
