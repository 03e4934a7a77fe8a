/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_EPOCHS_H
#define FCM_EPOCHS_H

/*
 * Invalidation. There is one clock of clears; a clear advances it and writes
 * the new time into the cell of what it hits. A record carries the time at
 * which its computation began and the numbers of its cells: it is gone when one
 * of them is later, of a tag's two cells both. Where names share cells, a clear
 * hits too much, never too little.
 */

#include "store.h"

uint64_t fcm_epoch(const fcm_region_t *region);

/* The cells of a name; claims one for a name not seen before. */
uint16_t fcm_space_of_prefix(const fcm_region_t *region, fcache_bytes_t prefix);
uint16_t fcm_space_of_ns(const fcm_region_t *region, fcache_bytes_t prefix,
                         fcache_bytes_t ns);

/* What its two cells are found by. */
uint32_t fcm_tag_of(const fcm_region_t *region, fcache_bytes_t prefix,
                    fcache_bytes_t tag);

void fcm_clear(const fcm_region_t *region, const fcache_scope_t *scope);

typedef struct fcm_stamp_t {
    uint64_t epoch;
    uint16_t prefix;
    uint16_t ns;
    const uint32_t *tags; /* of any alignment to 4 */
    uint32_t tag_count;
} fcm_stamp_t;

/* 1 when no clear hit it since; *out_soft: a soft one did. */
int fcm_stamp_holds(const fcm_region_t *region, const fcm_stamp_t *stamp,
                    int *out_soft);

#endif
