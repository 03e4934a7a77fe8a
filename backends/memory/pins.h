/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_PINS_H
#define FCM_PINS_H

/*
 * A pin is the place of a record in a cell of the process's ledger. Publish the
 * pin, then read the slot again: if it still holds what it did, whoever frees
 * the record later will see the pin. A filler's pin also keeps its segment from
 * being chosen as a victim, since a slot may yet come to point into it.
 */

#include "store.h"

#define FCM_PIN_FILL     (UINT64_C(1) << 63)
#define FCM_PIN_BUSY     (UINT64_C(1) << 62) /* claimed, pins nothing yet */
#define FCM_PIN_LOC_BITS 40
#define FCM_PIN_LOC      ((UINT64_C(1) << FCM_PIN_LOC_BITS) - 1)

/* Puts `value` into the cell, of its thread's line if NULL. NULL if all lines
 * are in use. */
fcm_word_t *fcm_pin(const fcm_op_t *op, fcm_word_t *cell, uint64_t value);

/* NULL is fine. */
static inline void fcm_unpin(fcm_word_t *cell)
{
    if (cell) {
        atomic_store_explicit(cell, 0, memory_order_release);
    }
}

/* A cell for longer, which holds that many segments. NULL if there is none. */
fcm_word_t *fcm_hold(const fcm_op_t *op, uint64_t loc, uint32_t segments);

/* Ends a hold, from any thread; anything else is ignored. */
void fcm_release(const fcm_op_t *op, void *pin);

/* All pins of a moment, sorted by place. */
typedef struct fcm_pins_t {
    uint64_t *values;
    size_t count;
} fcm_pins_t;

/* 0 when the heap is out. */
int fcm_pins_take(const fcm_region_t *region, fcm_pins_t *out_pins);
void fcm_pins_fini(fcm_pins_t *pins);

/* Is a place from `first` up to before `end` pinned? 2: by a filler. */
int fcm_pins_within(const fcm_pins_t *pins, uint64_t first, uint64_t end);

/* Counts the segments that hold what is pinned, and publishes it. */
uint32_t fcm_pins_count(const fcm_region_t *region, const fcm_pins_t *pins);

/* Cells in use for longer, by all processes. */
uint64_t fcm_pins_held(const fcm_region_t *region);

#endif
