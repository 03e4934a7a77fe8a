/* SPDX-License-Identifier: Apache-2.0 */
#include "segment.h"
#include "record.h"

int fcm_turn(const fcm_region_t *region, uint32_t segment, uint64_t word,
             fcm_state_t state)
{
    uint32_t generation =
        fcm_word_generation(word) + (state == FCM_FREE ? 1 : 0);
    uint64_t next = fcm_word(state, fcm_word_class(word), 0, generation);
    return atomic_compare_exchange_strong(&fcm_head(region, segment)->word,
                                          &word, next);
}

static int pop_free(const fcm_op_t *op, fcm_extent_t *out)
{
    const fcm_region_t *region = op->region;
    _Atomic uint32_t *hint = &fcm_super(region)->free_hint;
    uint32_t count = region->geo.segment_count;
    uint32_t start = atomic_load_explicit(hint, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (start + i) % count;
        fcm_head_t *head = fcm_head(region, at);
        uint64_t word = atomic_load(&head->word);
        if (fcm_word_state(word) != FCM_FREE) {
            continue;
        }
        uint32_t generation = fcm_word_generation(word);
        uint64_t taken = fcm_word(FCM_TAKEN, 0, op->me + 1, generation);
        if (!atomic_compare_exchange_strong(&head->word, &word, taken)) {
            continue;
        }
        FC_POINT("took segment");
        atomic_store_explicit(hint, (at + 1) % count, memory_order_relaxed);
        atomic_store(&head->used, 0);
        atomic_store(&head->items, 0);
        atomic_store(&head->bytes, 0);
        atomic_store(&head->hits, 0);
        atomic_store(&head->dead_us, 0);
        out->segment = at;
        out->generation = generation;
        return 1;
    }
    return 0;
}

int fcm_take(const fcm_op_t *op, fcm_extent_t *out)
{
    for (int tries = 0; tries < 4; tries++) {
        if (pop_free(op, out)) {
            return 1;
        }
        if (!fcm_reclaim(op)) {
            return pop_free(op, out);
        }
    }
    return 0;
}

static uint64_t taken_word(const fcm_op_t *op, fcm_extent_t segment)
{
    return fcm_word(FCM_TAKEN, 0, op->me + 1, segment.generation);
}

void fcm_give(const fcm_op_t *op, fcm_extent_t segment)
{
    fcm_turn(op->region, segment.segment, taken_word(op, segment), FCM_FREE);
}

static uint64_t next_seal(const fcm_region_t *region)
{
    return atomic_fetch_add(&fcm_super(region)->seals, 1) + 1;
}

void fcm_make_extent(const fcm_op_t *op, fcm_extent_t segment,
                     const uint64_t hash[2], uint64_t loc, int64_t dead_us)
{
    fcm_head_t *head = fcm_head(op->region, segment.segment);
    atomic_store(&head->owner_hash[0], hash[0]);
    atomic_store(&head->owner_hash[1], hash[1]);
    atomic_store(&head->owner_loc, loc);
    atomic_store(&head->dead_us, dead_us);
    atomic_store(&head->seal, next_seal(op->region));
    FC_POINT("extent described");
    uint64_t word = taken_word(op, segment);
    atomic_compare_exchange_strong(
        &head->word, &word,
        fcm_word(FCM_EXTENT, FCM_EXTENT_CLASS, 0, segment.generation));
    FC_POINT("extent made");
}

/* ---- open segments ---- */

static int is_open(uint64_t word, uint32_t class_id)
{
    return fcm_word_state(word) == FCM_OPEN && fcm_word_class(word) == class_id;
}

static void seal(const fcm_region_t *region, uint32_t segment, uint64_t word)
{
    atomic_store(&fcm_head(region, segment)->seal, next_seal(region));
    FC_POINT("seal");
    fcm_turn(region, segment, word, FCM_SEALED);
    FC_POINT("sealed");
}

/* Whoever held the lock died: what it opened or left open is sealed. */
static void repair_open(const fcm_region_t *region, fcm_lock_t *lock,
                        uint32_t class_id)
{
    uint32_t current = atomic_load(&lock->segment);
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        uint64_t word = atomic_load(&fcm_head(region, i)->word);
        if (is_open(word, class_id) && i != current) {
            seal(region, i, word);
        }
    }
}

/* Bytes are known before `used` grows over them: who walks the segment finds
 * its way also over a record that is never finished. */
static int bump(const fcm_region_t *region, const fcm_lock_t *lock,
                uint32_t class_id, uint32_t bytes, int64_t dead_us,
                fcm_word_t *cell, uint64_t *out_loc, uint32_t *out_generation)
{
    uint32_t segment = atomic_load(&lock->segment);
    if (segment >= region->geo.segment_count) {
        return 0;
    }
    fcm_head_t *head = fcm_head(region, segment);
    uint64_t word = atomic_load(&head->word);
    uint32_t used = atomic_load(&head->used);
    uint32_t room = (bytes + FCM_UNIT - 1) / FCM_UNIT * FCM_UNIT;
    if (!is_open(word, class_id) || used > region->geo.segment_bytes ||
        room > region->geo.segment_bytes - used) {
        return 0;
    }
    uint64_t loc = fcm_loc(region, segment, used);
    fcm_record_t *rec = fcm_record_at(region, loc);
    atomic_exchange(cell, loc | FCM_PIN_FILL);
    FC_POINT("pinned reservation");
    rec->bytes = bytes;
    atomic_store(&rec->state, FCM_RESERVED);
    fcm_raise_time(&head->dead_us, dead_us);
    FC_POINT("described reservation");
    atomic_store(&head->used, used + room);
    FC_POINT("reserved");
    *out_loc = loc;
    *out_generation = fcm_word_generation(word);
    return 1;
}

/* Replaces the open segment by a fresh one. Dying in here leaves an open
 * segment too many, which the next one to come seals. */
static void install(const fcm_op_t *op, fcm_lock_t *lock, uint32_t class_id,
                    fcm_extent_t fresh)
{
    const fcm_region_t *region = op->region;
    uint32_t old = atomic_load(&lock->segment);
    uint64_t word = taken_word(op, fresh);
    uint64_t open = fcm_word(FCM_OPEN, class_id, 0, fresh.generation);
    if (!atomic_compare_exchange_strong(&fcm_head(region, fresh.segment)->word,
                                        &word, open)) {
        return;
    }
    FC_POINT("opened");
    atomic_store(&lock->segment, fresh.segment);
    FC_POINT("installed");
    if (old < region->geo.segment_count) {
        word = atomic_load(&fcm_head(region, old)->word);
        if (is_open(word, class_id)) {
            seal(region, old, word);
        }
    }
}

/* The lock of one of the class's lanes, ours first. */
static fcm_lock_t *lock_lane(const fcm_op_t *op, uint32_t size_class,
                             uint32_t *out_class)
{
    const fcm_region_t *region = op->region;
    uint32_t lanes = region->geo.lanes;
    uint32_t first = (op->thread + op->me) % lanes;
    fcm_lock_t *lock = NULL;
    fcm_locked_t got = FCM_LOCK_BUSY;
    for (uint32_t i = 0; i < lanes && got == FCM_LOCK_BUSY; i++) {
        *out_class = size_class * lanes + (first + i) % lanes;
        lock = &fcm_locks(region)->open[*out_class];
        got = fcm_lock_try(&lock->mutex);
    }
    if (got == FCM_LOCK_BUSY) {
        got = fcm_lock_wait(&lock->mutex);
    }
    if (got == FCM_LOCK_INHERITED) {
        repair_open(region, lock, *out_class);
    }
    return got == FCM_LOCK_BUSY ? NULL : lock;
}

/* OK; MISS when there is no room in the open segment; TIMEOUT. Installs
 * `fresh` first if it is given and still needed, and then takes it over. */
static fcache_status_t try_reserve(const fcm_op_t *op, uint32_t bytes,
                                   int64_t dead_us, fcm_extent_t *fresh,
                                   fcm_word_t *cell, uint64_t *out_loc,
                                   uint32_t *out_generation)
{
    const fcm_region_t *region = op->region;
    uint32_t size_class = bytes <= region->geo.segment_bytes / 8 ? 0 : 1;
    uint32_t class_id = 0;
    fcm_lock_t *lock = lock_lane(op, size_class, &class_id);
    if (!lock) {
        return FCACHE_TIMEOUT;
    }
    FC_POINT("locked lane");
    int done = bump(region, lock, class_id, bytes, dead_us, cell, out_loc,
                    out_generation);
    if (!done && fresh) {
        install(op, lock, class_id, *fresh);
        fresh->segment = FCM_NONE;
        done = bump(region, lock, class_id, bytes, dead_us, cell, out_loc,
                    out_generation);
    }
    fcm_lock_drop(&lock->mutex);
    return done ? FCACHE_OK : FCACHE_MISS;
}

fcache_status_t fcm_reserve(const fcm_op_t *op, uint32_t bytes, int64_t dead_us,
                            fcm_word_t **cell, uint64_t *out_loc,
                            uint32_t *out_generation)
{
    *cell = fcm_pin(op, *cell, FCM_PIN_BUSY);
    if (!*cell) {
        return FCACHE_NO_MEMORY;
    }
    fcache_status_t status =
        try_reserve(op, bytes, dead_us, NULL, *cell, out_loc, out_generation);
    if (status != FCACHE_MISS) {
        return status;
    }
    fcm_extent_t fresh;
    if (!fcm_take(op, &fresh)) {
        return FCACHE_NO_MEMORY;
    }
    status =
        try_reserve(op, bytes, dead_us, &fresh, *cell, out_loc, out_generation);
    if (fresh.segment != FCM_NONE) {
        fcm_give(op, fresh);
    }
    return status == FCACHE_MISS ? FCACHE_NO_MEMORY : status;
}
