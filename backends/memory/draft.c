/* SPDX-License-Identifier: Apache-2.0 */
#include "draft.h"

uint64_t fcm_source_len(const fcm_source_t *source)
{
    uint64_t len = 0;
    for (size_t i = 0; i < source->count; i++) {
        if (source->pieces[i].len > FCM_SIZE_MAX) {
            return UINT64_MAX;
        }
        len += source->pieces[i].len;
        if (len > FCM_SIZE_MAX) {
            return UINT64_MAX;
        }
    }
    return len - (source->count ? source->offset : 0);
}

void fcm_source_read(fcm_source_t *source, char *out, size_t len)
{
    while (len && source->count) {
        size_t here = source->pieces->len - source->offset;
        size_t take = here < len ? here : len;
        if (take) {
            memcpy(out, source->pieces->ptr + source->offset, take);
        }
        out += take;
        len -= take;
        source->offset += take;
        if (source->offset == source->pieces->len) {
            source->pieces++;
            source->count--;
            source->offset = 0;
        }
    }
}

void fcm_draft_init(fcm_draft_t *draft)
{
    draft->count = 0;
    draft->tail = 0;
    draft->body_len = 0;
}

fcache_status_t fcm_draft_extend(const fcm_op_t *op, fcm_draft_t *draft,
                                 fcm_source_t *source, uint64_t left,
                                 fcache_error_t *error)
{
    if (draft->count == FCM_EXTENTS) {
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "body too large for the memory store");
    }
    fcm_extent_t *extent = &draft->extents[draft->count];
    if (!fcm_take(op, extent)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "store %s: no room, all is being read or "
                                "written",
                                op->store->name);
    }
    uint64_t room = op->region->geo.segment_bytes;
    draft->tail = (uint32_t)(left < room ? left : room);
    fcm_source_read(source, fcm_segment(op->region, extent->segment),
                    draft->tail);
    draft->count++;
    draft->body_len += draft->tail;
    FC_POINT("extent filled");
    return FCACHE_OK;
}

size_t fcm_draft_fill(const fcm_op_t *op, fcm_draft_t *draft,
                      fcache_bytes_t bytes)
{
    if (!draft->count || !bytes.len) {
        return 0;
    }
    uint32_t room = op->region->geo.segment_bytes - draft->tail;
    size_t take = bytes.len < room ? bytes.len : room;
    uint32_t last = draft->extents[draft->count - 1].segment;
    memcpy(fcm_segment(op->region, last) + draft->tail, bytes.ptr, take);
    draft->tail += (uint32_t)take;
    draft->body_len += take;
    return take;
}

void fcm_draft_abort(const fcm_op_t *op, fcm_draft_t *draft)
{
    while (draft->count) {
        draft->count--;
        FC_POINT("give back");
        fcm_give(op, draft->extents[draft->count]);
    }
    fcm_draft_init(draft);
}
