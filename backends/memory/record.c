/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static int body_fits(const fcm_region_t *region, uint64_t body_len,
                     uint64_t rest, uint32_t extents)
{
    if (rest > body_len) {
        return 0;
    }
    uint64_t elsewhere = body_len - rest;
    uint64_t most = (uint64_t)extents * region->geo.segment_bytes;
    uint64_t least = extents ? most - region->geo.segment_bytes + 1 : 0;
    return elsewhere >= least && elsewhere <= most;
}

static int extents_exist(const fcm_region_t *region, const fcm_view_t *view)
{
    for (uint32_t i = 0; i < view->extent_count; i++) {
        if (view->extents[i].segment >= region->geo.segment_count) {
            return 0;
        }
    }
    return 1;
}

int fcm_view(const fcm_region_t *region, uint64_t loc, uint32_t generation,
             fcm_view_t *view)
{
    uint32_t segment = fcm_loc_segment(region, loc);
    uint32_t room = region->geo.segment_bytes - fcm_loc_offset(region, loc);
    if (segment >= region->geo.segment_count || room < sizeof(fcm_record_t)) {
        return 0;
    }
    fcm_record_t *rec = fcm_record_at(region, loc);
    uint32_t bytes = rec->bytes;
    uint32_t head_len = rec->head_len;
    uint32_t name_len = rec->name_len;
    uint32_t tags = rec->tags;
    view->extent_count = rec->extents;
    uint64_t fixed =
        fcm_record_bytes(view->extent_count, tags, name_len, head_len, 0);
    view->body_len = rec->body_len;
    if (bytes > room || fixed > bytes || !name_len ||
        view->extent_count > FCM_EXTENTS ||
        (generation & 63) != rec->generation ||
        atomic_load_explicit(&rec->state, memory_order_acquire) !=
            FCM_COMMITTED ||
        !body_fits(region, view->body_len, bytes - fixed, view->extent_count)) {
        return 0;
    }
    const char *at = (const char *)(rec + 1);
    view->rec = rec;
    view->loc = loc;
    view->bytes = bytes;
    view->extents = (const fcm_extent_t *)(const void *)at;
    at += view->extent_count * sizeof(fcm_extent_t);
    view->stamp.epoch = rec->epoch;
    view->stamp.prefix = rec->prefix;
    view->stamp.ns = rec->ns;
    view->stamp.tags = (const uint32_t *)(const void *)at;
    view->stamp.tag_count = tags;
    at += tags * sizeof(uint32_t);
    view->name = fcache_bytes(at, name_len);
    view->head = fcache_bytes(at + name_len, head_len);
    view->rest = fcache_bytes(at + name_len + head_len, bytes - fixed);
    return extents_exist(region, view);
}

int fcm_view_is_alive(const fcm_region_t *region, const fcm_view_t *view,
                      int64_t now_us, int *out_soft)
{
    int64_t dead_us =
        atomic_load_explicit(&view->rec->dead_us, memory_order_acquire);
    *out_soft = 0;
    return dead_us > now_us && fcm_stamp_holds(region, &view->stamp, out_soft);
}

size_t fcm_view_extent_len(const fcm_region_t *region, const fcm_view_t *view,
                           uint32_t i)
{
    uint64_t before = (uint64_t)i * region->geo.segment_bytes;
    uint64_t left = view->body_len - view->rest.len - before;
    return left < region->geo.segment_bytes ? (size_t)left
                                            : region->geo.segment_bytes;
}

uint32_t fcm_record_check(const fcm_view_t *view)
{
    const fcm_record_t *rec = view->rec;
    const uint64_t fixed[] = {
        rec->bytes,
        rec->epoch,
        rec->body_len,
        (uint64_t)rec->head_len << 32 | (uint64_t)rec->name_len << 16 |
            rec->extents,
        (uint64_t)rec->tags << 48 | (uint64_t)rec->prefix << 32 |
            (uint64_t)rec->ns << 16 | rec->generation,
    };
    const char *first = (const char *)view->extents;
    size_t len = (size_t)(view->rest.ptr - first);
    return (uint32_t)XXH3_64bits_withSeed(first, len,
                                          XXH3_64bits(fixed, sizeof(fixed)));
}
