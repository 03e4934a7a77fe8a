/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_SEGMENT_H
#define FCM_SEGMENT_H

/*
 * Segments. Every change of state is one CAS of the head's word, which holds
 * the generation, so that who lags behind changes nothing.
 */

#include "pins.h"

#define FCM_EXTENT_CLASS 0xffu

static inline uint64_t fcm_word(fcm_state_t state, uint32_t class_id,
                                uint32_t owner, uint32_t generation)
{
    return (uint64_t)state << 56 | (uint64_t)(class_id & 0xff) << 48 |
           (uint64_t)(owner & 0xffff) << 32 | generation;
}

static inline fcm_state_t fcm_word_state(uint64_t word)
{
    return (fcm_state_t)(word >> 56);
}

static inline uint32_t fcm_word_class(uint64_t word)
{
    return (uint32_t)(word >> 48) & 0xff;
}

/* One more than the slot of who has it, 0 for nobody. */
static inline uint32_t fcm_word_owner(uint64_t word)
{
    return (uint32_t)(word >> 32) & 0xffff;
}

static inline uint32_t fcm_word_generation(uint64_t word)
{
    return (uint32_t)word;
}

/* From `word` to a state without owner; FREE begins a new generation. 1, or 0
 * when it was changed by another. */
int fcm_turn(const fcm_region_t *region, uint32_t segment, uint64_t word,
             fcm_state_t state);

/* A segment for us alone, reclaimed if need be; 1, or 0 when there is none. */
int fcm_take(const fcm_op_t *op, fcm_extent_t *out_segment);

/* Pins of readers that would be hurt if it were reused: 1, of a filler: 2. */
int fcm_is_pinned(const fcm_region_t *region, const fcm_pins_t *pins,
                  uint32_t segment, uint64_t word);

/* Gives back what nobody else ever saw. */
void fcm_give(const fcm_op_t *op, fcm_extent_t segment);

/* A taken segment, full of a body, becomes part of the record at `loc`. */
void fcm_make_extent(const fcm_op_t *op, fcm_extent_t segment,
                     const uint64_t hash[2], uint64_t loc, int64_t dead_us);

/*
 * Room for a record: its bytes and state are set, *cell (a pin or NULL) pins it
 * as filler. OK; NO_MEMORY without room, TIMEOUT when locks are not to be had.
 */
fcache_status_t fcm_reserve(const fcm_op_t *op, uint32_t bytes, int64_t dead_us,
                            fcm_word_t **cell, uint64_t *out_loc,
                            uint32_t *out_generation);

/* ---- reclaim.c ---- */

/* Empties victims until one segment or more is free. 0 when none can be. */
int fcm_reclaim(const fcm_op_t *op);

#endif
