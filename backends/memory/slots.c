/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"
#include "segment.h"

#include <string.h>
#include <unistd.h>

int fcm_enter(fcm_t *store, int64_t now_us, fcm_op_t *op)
{
    uint32_t joined = store->mine ? atomic_load_explicit(&store->mine->slot,
                                                         memory_order_acquire)
                                  : 0;
    if (!joined) {
        return 0;
    }
    op->store = store;
    op->region = &store->region;
    op->me = joined - 1;
    op->slot = fcm_slot(op->region, op->me);
    op->ledger = fcm_ledger(op->region, op->me);
    op->thread = (uint32_t)((((uint64_t)pthread_self() >> 6) *
                             UINT64_C(0x9e3779b97f4a7c15)) >>
                            57);
    op->shard = fcm_shards(op->region, op->me) + op->thread % FCM_SHARDS;
    op->now_us = now_us;
    return 1;
}

void fcm_raise(fcm_word_t *word, uint64_t value)
{
    uint64_t seen = atomic_load(word);
    while (seen < value && !atomic_compare_exchange_weak(word, &seen, value)) {
    }
}

void fcm_raise_time(_Atomic int64_t *word, int64_t value)
{
    int64_t seen = atomic_load(word);
    while (seen < value && !atomic_compare_exchange_weak(word, &seen, value)) {
    }
}

/* Segments of a dead process: what it took is free, what it drained waits for
 * another to do so. */
static void reap_segments(const fcm_region_t *region, uint32_t dead)
{
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        uint64_t word = atomic_load(&fcm_head(region, i)->word);
        if (fcm_word_owner(word) != dead + 1) {
            continue;
        }
        FC_POINT("reap segment");
        if (fcm_word_state(word) == FCM_TAKEN) {
            fcm_turn(region, i, word, FCM_FREE);
        } else if (fcm_word_state(word) == FCM_DRAINING) {
            fcm_turn(region, i, word, FCM_SEALED);
        }
    }
}

static void wipe_ledger(const fcm_region_t *region, uint32_t i)
{
    fcm_ledger_t *ledger = fcm_ledger(region, i);
    for (uint32_t line = 0; line < FCM_LINES; line++) {
        atomic_store(&ledger->lines[line].pin, 0);
    }
    uint32_t cells = atomic_load(&fcm_slot(region, i)->cells_high);
    for (uint32_t cell = 0; cell < cells && cell < FCM_CELLS; cell++) {
        atomic_store(&ledger->cells[cell], 0);
    }
}

/* Done by whoever holds the slot's mutex; may be done again from the start. */
static void clean_slot(const fcm_region_t *region, uint32_t i)
{
    fcm_slot_t *slot = fcm_slot(region, i);
    reap_segments(region, i);
    FC_POINT("reaped segments");
    wipe_ledger(region, i);
    FC_POINT("wiped ledger");
    atomic_store(&slot->pid, 0);
    atomic_store(&slot->state, FCM_SLOT_FREE);
}

void fcm_reap(const fcm_region_t *region)
{
    uint32_t high = atomic_load(&fcm_super(region)->slots_high);
    for (uint32_t i = 0; i < high && i < FCM_SLOTS; i++) {
        fcm_slot_t *slot = fcm_slot(region, i);
        if (atomic_load(&slot->state) != FCM_SLOT_LIVE) {
            continue;
        }
        fcm_locked_t locked = fcm_lock_try(&slot->alive);
        if (locked == FCM_LOCK_BUSY) {
            continue;
        }
        clean_slot(region, i);
        fcm_lock_drop(&slot->alive);
    }
}

static void raise_high(const fcm_region_t *region, uint32_t count)
{
    _Atomic uint32_t *high = &fcm_super(region)->slots_high;
    uint32_t seen = atomic_load(high);
    while (seen < count && !atomic_compare_exchange_weak(high, &seen, count)) {
    }
}

fcache_status_t fcm_join(fcm_t *store, fcache_error_t *error)
{
    const fcm_region_t *region = &store->region;
    if (atomic_load(&store->mine->slot)) {
        return FCACHE_OK;
    }
    for (uint32_t i = 0; i < FCM_SLOTS; i++) {
        fcm_slot_t *slot = fcm_slot(region, i);
        if (fcm_lock_try(&slot->alive) == FCM_LOCK_BUSY) {
            continue;
        }
        if (atomic_load(&slot->state) != FCM_SLOT_FREE) {
            clean_slot(region, i);
        }
        raise_high(region, i + 1);
        atomic_store(&slot->pid, (int32_t)getpid());
        atomic_store(&slot->state, FCM_SLOT_LIVE);
        atomic_store(&store->mine->slot, i + 1);
        fcm_reap(region);
        return FCACHE_OK;
    }
    return fcache_error_set(error, FCACHE_UNAVAILABLE,
                            "store %s: all %u places for processes are taken",
                            store->name, FCM_SLOTS);
}

static int holds_pins(const fcm_ledger_t *ledger)
{
    for (uint32_t i = 0; i < FCM_LINES; i++) {
        if (atomic_load(&ledger->lines[i].pin)) {
            return 1;
        }
    }
    for (uint32_t i = 0; i < FCM_CELLS; i++) {
        if (atomic_load(&ledger->cells[i])) {
            return 1;
        }
    }
    return 0;
}

void fcm_leave(fcm_t *store)
{
    uint32_t joined = atomic_exchange(&store->mine->slot, 0);
    if (!joined || holds_pins(fcm_ledger(&store->region, joined - 1))) {
        return;
    }
    clean_slot(&store->region, joined - 1);
    fcm_lock_drop(&fcm_slot(&store->region, joined - 1)->alive);
}
