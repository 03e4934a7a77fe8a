/* SPDX-License-Identifier: Apache-2.0 */
#include "pins.h"

#include <stdlib.h>

/* The bit goes first: a line without it is not looked at. */
static void mark_line(fcm_slot_t *slot, uint32_t line)
{
    fcm_word_t *word = &slot->lines[line / 64];
    uint64_t bit = UINT64_C(1) << (line % 64);
    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit)) {
        atomic_fetch_or(word, bit);
    }
}

fcm_word_t *fcm_pin(const fcm_op_t *op, fcm_word_t *cell, uint64_t value)
{
    if (cell) {
        atomic_exchange(cell, value);
        return cell;
    }
    for (uint32_t i = 0; i < FCM_LINES; i++) {
        uint32_t line = (op->thread + i) % FCM_LINES;
        fcm_word_t *pin = &op->ledger->lines[line].pin;
        uint64_t free = 0;
        mark_line(op->slot, line);
        if (atomic_compare_exchange_strong(pin, &free, value)) {
            return pin;
        }
    }
    return NULL;
}

static void mark_cell(fcm_slot_t *slot, uint32_t cell)
{
    uint32_t seen = atomic_load(&slot->cells_high);
    while (seen <= cell &&
           !atomic_compare_exchange_weak(&slot->cells_high, &seen, cell + 1)) {
    }
}

fcm_word_t *fcm_hold(const fcm_op_t *op, uint64_t loc, uint32_t segments)
{
    fcm_private_t *mine = op->store->mine;
    uint64_t value = loc | (uint64_t)segments << FCM_PIN_LOC_BITS;
    uint32_t start = atomic_load_explicit(&mine->cell, memory_order_relaxed);
    for (uint32_t i = 0; i < FCM_CELLS; i++) {
        uint32_t at = (start + i) % FCM_CELLS;
        uint64_t free = 0;
        if (atomic_load_explicit(&op->ledger->cells[at],
                                 memory_order_relaxed)) {
            continue;
        }
        mark_cell(op->slot, at);
        if (atomic_compare_exchange_strong(&op->ledger->cells[at], &free,
                                           value)) {
            atomic_fetch_add(&mine->pinned, segments);
            return &op->ledger->cells[at];
        }
    }
    return NULL;
}

static uint32_t segments_of(uint64_t value)
{
    return (uint32_t)((value & ~(FCM_PIN_FILL | FCM_PIN_BUSY)) >>
                      FCM_PIN_LOC_BITS);
}

void fcm_release(const fcm_op_t *op, void *pin)
{
    fcm_word_t *cell = pin;
    fcm_private_t *mine = op->store->mine;
    if (cell < op->ledger->cells || cell >= op->ledger->cells + FCM_CELLS) {
        return;
    }
    uint64_t value = atomic_exchange(cell, 0);
    atomic_fetch_sub(&mine->pinned, segments_of(value));
    atomic_store_explicit(&mine->cell, (uint32_t)(cell - op->ledger->cells),
                          memory_order_relaxed);
}

/* Calls fn with every pin of a process; what is missed was put there later. */
static void each_pin(const fcm_region_t *region, uint32_t i,
                     void (*fn)(void *baton, uint64_t value), void *baton)
{
    const fcm_slot_t *slot = fcm_slot(region, i);
    const fcm_ledger_t *ledger = fcm_ledger(region, i);
    for (uint32_t line = 0; line < FCM_LINES; line++) {
        if (atomic_load(&slot->lines[line / 64]) >> (line % 64) & 1) {
            fn(baton, atomic_load(&ledger->lines[line].pin));
        }
    }
    uint32_t cells = atomic_load(&slot->cells_high);
    for (uint32_t cell = 0; cell < cells && cell < FCM_CELLS; cell++) {
        fn(baton, atomic_load(&ledger->cells[cell]));
    }
}

static uint64_t place_of(uint64_t value)
{
    return value & FCM_PIN_LOC;
}

typedef struct gather_t {
    fcm_pins_t *pins;
    size_t capacity;
    int failed;
} gather_t;

static void gather(void *baton, uint64_t value)
{
    gather_t *into = baton;
    if (!place_of(value) || into->failed) {
        return;
    }
    if (into->pins->count == into->capacity) {
        size_t capacity = into->capacity ? into->capacity * 2 : 64;
        uint64_t *values =
            realloc(into->pins->values, capacity * sizeof(*values));
        if (!values) {
            into->failed = 1;
            return;
        }
        into->pins->values = values;
        into->capacity = capacity;
    }
    into->pins->values[into->pins->count++] = value;
}

static int by_place(const void *a, const void *b)
{
    uint64_t left = place_of(*(const uint64_t *)a);
    uint64_t right = place_of(*(const uint64_t *)b);
    return left < right ? -1 : left > right;
}

int fcm_pins_take(const fcm_region_t *region, fcm_pins_t *pins)
{
    gather_t into = {.pins = pins};
    pins->values = NULL;
    pins->count = 0;
    uint32_t high = atomic_load(&fcm_super(region)->slots_high);
    for (uint32_t i = 0; i < high && i < FCM_SLOTS; i++) {
        each_pin(region, i, gather, &into);
    }
    if (into.failed) {
        fcm_pins_fini(pins);
        return 0;
    }
    if (pins->count) {
        qsort(pins->values, pins->count, sizeof(*pins->values), by_place);
    }
    return 1;
}

void fcm_pins_fini(fcm_pins_t *pins)
{
    free(pins->values);
    pins->values = NULL;
    pins->count = 0;
}

int fcm_pins_within(const fcm_pins_t *pins, uint64_t first, uint64_t end)
{
    size_t low = 0;
    size_t high = pins->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (place_of(pins->values[middle]) < first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    int found = 0;
    for (; low < pins->count && place_of(pins->values[low]) < end; low++) {
        found = 1;
        if (pins->values[low] & FCM_PIN_FILL) {
            return 2;
        }
    }
    return found;
}

uint32_t fcm_pins_count(const fcm_region_t *region, const fcm_pins_t *pins)
{
    uint32_t segments = 0;
    for (size_t i = 0; i < pins->count; i++) {
        if (i == 0 ||
            place_of(pins->values[i]) != place_of(pins->values[i - 1])) {
            segments += segments_of(pins->values[i]);
        }
    }
    atomic_store(&fcm_super(region)->pinned, segments);
    return segments;
}

uint64_t fcm_pins_held(const fcm_region_t *region)
{
    uint64_t held = 0;
    uint32_t high = atomic_load(&fcm_super(region)->slots_high);
    for (uint32_t i = 0; i < high && i < FCM_SLOTS; i++) {
        const fcm_ledger_t *ledger = fcm_ledger(region, i);
        for (uint32_t cell = 0; cell < FCM_CELLS; cell++) {
            held += atomic_load(&ledger->cells[cell]) != 0;
        }
    }
    return held;
}
