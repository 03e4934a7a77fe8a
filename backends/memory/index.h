/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_INDEX_H
#define FCM_INDEX_H

/*
 * The index: slots of 64 bits, 0 for none, in two buckets a key. The tag saves
 * looking at most of the wrong records; the full name is compared always.
 */

#include "pins.h"
#include "record.h"

typedef struct fcm_hash_t {
    uint64_t lo;
    uint64_t hi;
} fcm_hash_t;

/* loc 36 | generation 6 | frequency 3 | tag 19 */
#define FCM_SLOT_LOC_BITS 36
#define FCM_SLOT_FREQ     (UINT64_C(7) << 42)
#define FCM_SLOT_FREQ_ONE (UINT64_C(1) << 42)

static inline uint64_t fcm_bits(uint64_t loc, uint32_t generation,
                                fcm_hash_t hash)
{
    return loc | (uint64_t)(generation & 63) << 36 | (hash.hi & 0x7ffff) << 45;
}

static inline uint64_t fcm_bits_loc(uint64_t bits)
{
    return bits & ((UINT64_C(1) << FCM_SLOT_LOC_BITS) - 1);
}

static inline uint32_t fcm_bits_generation(uint64_t bits)
{
    return (uint32_t)(bits >> 36) & 63;
}

static inline uint32_t fcm_bits_freq(uint64_t bits)
{
    return (uint32_t)(bits >> 42) & 7;
}

static inline int fcm_bits_same(uint64_t a, uint64_t b)
{
    return ((a ^ b) & ~FCM_SLOT_FREQ) == 0;
}

fcm_hash_t fcm_hash(const fcm_region_t *region, fcache_bytes_t name);

/* Slot number 0 to 15 of a key. */
fcm_word_t *fcm_candidate(const fcm_region_t *region, fcm_hash_t hash,
                          uint32_t i);

typedef struct fcm_found_t {
    fcm_word_t *slot;
    uint64_t bits;
    fcm_view_t view;
} fcm_found_t;

/* Pins what a slot holds: 1 and *out_found. -1 when that is no record,
 * *out_found but for the view. 0 when it is empty or nothing can be pinned: for
 * certainty come with a cell. */
int fcm_look(const fcm_op_t *op, fcm_word_t *slot, fcm_word_t **cell,
             fcm_found_t *out_found);

/* Empties a slot for which fcm_look said -1. */
void fcm_drop_corrupt(const fcm_op_t *op, const fcm_found_t *found);

/* The live slot of a name, pinned by *cell, which may be pinned after a 0 too:
 * the caller unpins. */
int fcm_find(const fcm_op_t *op, fcm_hash_t hash, fcache_bytes_t name,
             fcm_word_t **cell, fcm_found_t *out_found);

/* The slot that points at that place; 0 when none does. */
int fcm_find_loc(const fcm_op_t *op, fcm_hash_t hash, uint64_t loc,
                 fcm_word_t **cell, fcm_found_t *out_found);

/* It was asked for once more. */
void fcm_hit(const fcm_op_t *op, const fcm_found_t *found);

/* Puts `bits` (0: nothing) in place of a pinned found one. 1, and what was
 * there is accounted for and freed; 0 when another was faster. */
int fcm_replace(const fcm_op_t *op, const fcm_found_t *found, uint64_t bits);

#endif
