/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_RECORD_H
#define FCM_RECORD_H

/* The bytes of one item. Lengths are read once and checked against the segment
 * before they are used: a wild write of one process must not crash another. */

#include "epochs.h"

typedef struct fcm_view_t {
    fcm_record_t *rec;
    uint64_t loc;
    uint64_t body_len;
    fcm_stamp_t stamp;
    const fcm_extent_t *extents;
    fcache_bytes_t name;
    fcache_bytes_t head;
    fcache_bytes_t rest; /* of the body, after the extents */
    uint32_t extent_count;
    uint32_t bytes;
} fcm_view_t;

static inline fcm_record_t *fcm_record_at(const fcm_region_t *region,
                                          uint64_t loc)
{
    return (fcm_record_t *)(void *)(region->base + region->geo.segments +
                                    (loc - 1) * FCM_UNIT);
}

/* 1 when a whole committed record of that generation is there. */
int fcm_view(const fcm_region_t *region, uint64_t loc, uint32_t generation,
             fcm_view_t *out_view);

/* Neither past its time nor cleared. */
int fcm_view_is_alive(const fcm_region_t *region, const fcm_view_t *view,
                      int64_t now_us, int *out_soft);

/* Bytes of the body in its extent number i. */
size_t fcm_view_extent_len(const fcm_region_t *region, const fcm_view_t *view,
                           uint32_t i);

/* What a record says of itself, for fsck. */
uint32_t fcm_record_check(const fcm_view_t *view);

/* Where a record's parts lie when it is written. */
static inline uint64_t fcm_record_bytes(uint64_t extents, uint64_t tags,
                                        uint64_t name, uint64_t head,
                                        uint64_t rest)
{
    return sizeof(fcm_record_t) + extents * sizeof(fcm_extent_t) +
           tags * sizeof(uint32_t) + name + head + rest;
}

#endif
