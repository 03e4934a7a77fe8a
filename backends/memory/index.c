/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"
#include "segment.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

fcm_hash_t fcm_hash(const fcm_region_t *region, fcache_bytes_t name)
{
    const fcm_super_t *super = fcm_super(region);
    XXH128_hash_t hash = XXH3_128bits_withSecret(
        name.ptr, name.len, super->secret, sizeof(super->secret));
    return (fcm_hash_t){hash.low64, hash.high64};
}

static uint32_t bucket_of(const fcm_region_t *region, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * region->geo.bucket_count >> 32);
}

fcm_word_t *fcm_candidate(const fcm_region_t *region, fcm_hash_t hash,
                          uint32_t i)
{
    uint32_t at = bucket_of(region, i < FCM_WAYS ? hash.lo : hash.hi);
    return &fcm_bucket(region, at)->slots[i % FCM_WAYS];
}

static uint64_t tag_bits(uint64_t bits)
{
    return bits >> 45;
}

/* Goes round again only when another changed the slot meanwhile. */
int fcm_look(const fcm_op_t *op, fcm_word_t *slot, fcm_word_t **cell,
             fcm_found_t *found)
{
    uint64_t bits = atomic_load_explicit(slot, memory_order_acquire);
    while (bits) {
        fcm_word_t *pin = fcm_pin(op, *cell, fcm_bits_loc(bits));
        if (!pin) {
            return 0;
        }
        *cell = pin;
        FC_POINT("pinned");
        uint64_t again = atomic_load(slot);
        if (!fcm_bits_same(bits, again)) {
            bits = again;
            continue;
        }
        found->slot = slot;
        found->bits = again;
        return fcm_view(op->region, fcm_bits_loc(again),
                        fcm_bits_generation(again), &found->view)
                   ? 1
                   : -1;
    }
    return 0;
}

/* What is not a record cannot be accounted for. */
void fcm_drop_corrupt(const fcm_op_t *op, const fcm_found_t *found)
{
    uint64_t bits = found->bits;
    if (atomic_compare_exchange_strong(found->slot, &bits, 0)) {
        fcm_count(op, FCM_FAULTS);
    }
}

static int look_or_drop(const fcm_op_t *op, fcm_word_t *slot, fcm_word_t **cell,
                        fcm_found_t *found)
{
    int seen = fcm_look(op, slot, cell, found);
    if (seen < 0) {
        fcm_drop_corrupt(op, found);
    }
    return seen > 0;
}

int fcm_find(const fcm_op_t *op, fcm_hash_t hash, fcache_bytes_t name,
             fcm_word_t **cell, fcm_found_t *found)
{
    uint64_t tag = hash.hi & 0x7ffff;
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        fcm_word_t *slot = fcm_candidate(op->region, hash, i);
        uint64_t bits = atomic_load_explicit(slot, memory_order_relaxed);
        if (bits && tag_bits(bits) == tag &&
            look_or_drop(op, slot, cell, found) &&
            fcache_bytes_equal(found->view.name, name)) {
            return 1;
        }
    }
    return 0;
}

int fcm_find_loc(const fcm_op_t *op, fcm_hash_t hash, uint64_t loc,
                 fcm_word_t **cell, fcm_found_t *found)
{
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        fcm_word_t *slot = fcm_candidate(op->region, hash, i);
        uint64_t bits = atomic_load_explicit(slot, memory_order_relaxed);
        if (fcm_bits_loc(bits) == loc && look_or_drop(op, slot, cell, found) &&
            found->view.loc == loc) {
            return 1;
        }
    }
    return 0;
}

void fcm_hit(const fcm_op_t *op, const fcm_found_t *found)
{
    uint64_t bits = found->bits;
    if (fcm_bits_freq(bits) == 7) {
        return;
    }
    if (atomic_compare_exchange_strong_explicit(
            found->slot, &bits, bits + FCM_SLOT_FREQ_ONE, memory_order_acq_rel,
            memory_order_relaxed)) {
        uint32_t segment = fcm_loc_segment(op->region, found->view.loc);
        atomic_fetch_add_explicit(&fcm_head(op->region, segment)->hits, 1,
                                  memory_order_relaxed);
    }
}

/* Nothing points at the record any more, but readers may have it pinned: its
 * extents go to limbo. Dying in here leaves extents whose owner is not in the
 * index, which are freed when their age makes them victims. */
static void forget(const fcm_op_t *op, const fcm_view_t *view)
{
    const fcm_region_t *region = op->region;
    fcm_head_t *head = fcm_head(region, fcm_loc_segment(region, view->loc));
    atomic_fetch_sub(&head->items, 1);
    atomic_fetch_sub(&head->bytes, view->bytes);
    for (uint32_t i = 0; i < view->extent_count; i++) {
        fcm_extent_t extent = view->extents[i];
        uint64_t word =
            fcm_word(FCM_EXTENT, FCM_EXTENT_CLASS, 0, extent.generation);
        FC_POINT("forget extent");
        fcm_turn(region, extent.segment, word, FCM_LIMBO);
    }
}

int fcm_replace(const fcm_op_t *op, const fcm_found_t *found, uint64_t bits)
{
    uint64_t seen = found->bits;
    do {
        if (!fcm_bits_same(seen, found->bits)) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(found->slot, &seen, bits));
    FC_POINT("replaced");
    forget(op, &found->view);
    return 1;
}
