/* SPDX-License-Identifier: Apache-2.0 */

/* Making room: the oldest sealed segment is emptied (first any in which all is
 * past its time), then freed once nobody has it pinned. */

#include "index.h"
#include "segment.h"

#define SWEEP   1024 /* segments of limbo looked at in one go */
#define VICTIMS 16   /* tried before giving up */

int fcm_is_pinned(const fcm_region_t *region, const fcm_pins_t *pins,
                  uint32_t segment, uint64_t word)
{
    if (fcm_word_class(word) == FCM_EXTENT_CLASS) {
        uint64_t loc = atomic_load(&fcm_head(region, segment)->owner_loc);
        return fcm_pins_within(pins, loc, loc + 1);
    }
    return fcm_pins_within(pins, fcm_loc(region, segment, 0),
                           fcm_loc(region, segment + 1, 0));
}

/* ---- limbo ---- */

typedef struct waiting_t {
    uint32_t segment;
    uint64_t word;
} waiting_t;

static size_t list_limbo(const fcm_region_t *region, waiting_t *list,
                         size_t room)
{
    size_t count = 0;
    uint32_t all = region->geo.segment_count;
    uint32_t start = atomic_load(&fcm_super(region)->free_hint);
    for (uint32_t i = 0; i < all && count < room; i++) {
        uint32_t at = (start + i) % all;
        uint64_t word = atomic_load(&fcm_head(region, at)->word);
        if (fcm_word_state(word) == FCM_LIMBO) {
            list[count++] = (waiting_t){at, word};
        }
    }
    return count;
}

/* Pins are read after the states: who pins later cannot have found it in the
 * index. Answers how many it freed. */
static uint32_t sweep(const fcm_region_t *region)
{
    waiting_t list[SWEEP];
    fcm_pins_t pins;
    size_t count = list_limbo(region, list, SWEEP);
    uint32_t freed = 0;
    if (!count || !fcm_pins_take(region, &pins)) {
        return 0;
    }
    fcm_pins_count(region, &pins);
    for (size_t i = 0; i < count; i++) {
        if (!fcm_is_pinned(region, &pins, list[i].segment, list[i].word)) {
            FC_POINT("free from limbo");
            freed += (uint32_t)fcm_turn(region, list[i].segment, list[i].word,
                                        FCM_FREE);
        }
    }
    fcm_pins_fini(&pins);
    return freed;
}

/* ---- victims ---- */

typedef struct victim_t {
    uint32_t segment;
    uint64_t word;
    uint64_t seal;
    int expired;
} victim_t;

static int is_better(const victim_t *a, const victim_t *b)
{
    if (b->segment == FCM_NONE || a->expired != b->expired) {
        return b->segment == FCM_NONE || a->expired;
    }
    return a->seal < b->seal;
}

static int is_listed(const uint32_t *list, uint32_t count, uint32_t segment)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == segment) {
            return 1;
        }
    }
    return 0;
}

static victim_t choose(const fcm_op_t *op, const uint32_t *skip, uint32_t skips)
{
    const fcm_region_t *region = op->region;
    victim_t best = {.segment = FCM_NONE};
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        const fcm_head_t *head = fcm_head(region, i);
        victim_t one = {.segment = i, .word = atomic_load(&head->word)};
        fcm_state_t state = fcm_word_state(one.word);
        if (state != FCM_SEALED && state != FCM_EXTENT) {
            continue;
        }
        one.seal = atomic_load(&head->seal);
        one.expired = atomic_load(&head->dead_us) <= op->now_us;
        if (is_better(&one, &best) && !is_listed(skip, skips, i)) {
            best = one;
        }
    }
    return best;
}

/* Takes what was found out of the index, if it is still there. */
static void evict(const fcm_op_t *op, const fcm_found_t *found)
{
    int soft;
    int alive = fcm_view_is_alive(op->region, &found->view, op->now_us, &soft);
    if (fcm_replace(op, found, 0)) {
        fcm_count(op, alive ? FCM_EVICTED : FCM_EXPIRED);
    }
}

static void drop_slot_into(const fcm_op_t *op, uint32_t segment,
                           fcm_word_t *slot)
{
    const fcm_region_t *region = op->region;
    uint64_t bits = atomic_load(slot);
    while (bits && fcm_loc_segment(region, fcm_bits_loc(bits)) == segment) {
        if (atomic_compare_exchange_weak(slot, &bits, 0)) {
            fcm_count(op, FCM_FAULTS);
            return;
        }
    }
}

/* For when a segment cannot be walked: every slot is looked at. */
static void drop_slots_into(const fcm_op_t *op, uint32_t segment)
{
    const fcm_region_t *region = op->region;
    for (uint32_t i = 0; i < region->geo.bucket_count; i++) {
        for (uint32_t way = 0; way < FCM_WAYS; way++) {
            drop_slot_into(op, segment, &fcm_bucket(region, i)->slots[way]);
        }
    }
}

static void drain_records(const fcm_op_t *op, const victim_t *victim,
                          fcm_word_t **cell)
{
    const fcm_region_t *region = op->region;
    uint32_t used = atomic_load(&fcm_head(region, victim->segment)->used);
    uint32_t offset = 0;
    while (offset < used && used <= region->geo.segment_bytes) {
        uint64_t loc = fcm_loc(region, victim->segment, offset);
        uint32_t bytes = fcm_record_at(region, loc)->bytes;
        if (bytes < sizeof(fcm_record_t) || bytes > used - offset) {
            break;
        }
        fcm_view_t view;
        fcm_found_t found;
        if (fcm_view(region, loc, fcm_word_generation(victim->word), &view) &&
            fcm_find_loc(op, fcm_hash(region, view.name), loc, cell, &found)) {
            FC_POINT("drain record");
            evict(op, &found);
        }
        offset += (bytes + FCM_UNIT - 1) / FCM_UNIT * FCM_UNIT;
    }
    if (offset < used) {
        drop_slots_into(op, victim->segment);
    }
}

static void drain(const fcm_op_t *op, const victim_t *victim, fcm_word_t **cell)
{
    uint64_t word = victim->word;
    uint64_t draining = fcm_word(FCM_DRAINING, fcm_word_class(word), op->me + 1,
                                 fcm_word_generation(word));
    if (!atomic_compare_exchange_strong(
            &fcm_head(op->region, victim->segment)->word, &word, draining)) {
        return;
    }
    FC_POINT("draining");
    drain_records(op, victim, cell);
    fcm_unpin(*cell);
    *cell = NULL;
    FC_POINT("drained");
    fcm_turn(op->region, victim->segment, draining, FCM_LIMBO);
    FC_POINT("in limbo");
}

/* The record that an extent belongs to goes, and all its extents with it. One
 * without (its writer died on the way) goes alone. */
static void evict_owner(const fcm_op_t *op, const victim_t *victim,
                        fcm_word_t **cell)
{
    fcm_head_t *head = fcm_head(op->region, victim->segment);
    fcm_hash_t hash = {atomic_load(&head->owner_hash[0]),
                       atomic_load(&head->owner_hash[1])};
    fcm_found_t found;
    if (fcm_find_loc(op, hash, atomic_load(&head->owner_loc), cell, &found)) {
        evict(op, &found);
    } else {
        FC_POINT("orphan");
        fcm_turn(op->region, victim->segment, victim->word, FCM_LIMBO);
    }
}

/* Readers' pins make it a bad choice, a filler's an impossible one. */
static int may_empty(const fcm_op_t *op, const victim_t *victim, int reluctant)
{
    fcm_pins_t pins;
    if (!fcm_pins_take(op->region, &pins)) {
        return 0;
    }
    int pinned =
        fcm_is_pinned(op->region, &pins, victim->segment, victim->word);
    fcm_pins_fini(&pins);
    return pinned == 0 || (pinned == 1 && !reluctant);
}

static int empty(const fcm_op_t *op, const victim_t *victim)
{
    fcm_word_t *cell = fcm_pin(op, NULL, FCM_PIN_BUSY);
    if (!cell) {
        return 0;
    }
    if (fcm_word_state(victim->word) == FCM_EXTENT) {
        evict_owner(op, victim, &cell);
    } else {
        drain(op, victim, &cell);
    }
    fcm_unpin(cell);
    return 1;
}

int fcm_reclaim(const fcm_op_t *op)
{
    uint32_t skip[VICTIMS];
    uint32_t skips = 0;
    fcm_reap(op->region);
    if (sweep(op->region)) {
        return 1;
    }
    for (int tries = 0; tries < VICTIMS; tries++) {
        victim_t victim = choose(op, skip, skips);
        if (victim.segment == FCM_NONE) {
            return 0;
        }
        if (!may_empty(op, &victim, tries < VICTIMS / 2)) {
            skip[skips++] = victim.segment;
        } else if (!empty(op, &victim)) {
            return 0;
        } else if (sweep(op->region)) {
            return 1;
        }
    }
    return 0;
}
