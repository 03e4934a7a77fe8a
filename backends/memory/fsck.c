/* SPDX-License-Identifier: Apache-2.0 */

/* The invariants, looked at while others work. Everything is pinned before it
 * is judged, so what is found wrong is wrong. */

#include "index.h"
#include "segment.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct finding_t {
    unsigned count;
    char first[160];
} finding_t;

static void find(finding_t *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void find(finding_t *finding, const char *format, ...)
{
    if (!finding->count) {
        va_list args;
        va_start(args, format);
        vsnprintf(finding->first, sizeof(finding->first), format, args);
        va_end(args);
    }
    finding->count++;
}

static void check_super(const fcm_region_t *region, finding_t *finding)
{
    const fcm_super_t *super = fcm_super(region);
    if (super->magic != FCM_MAGIC || super->layout != fcm_layout_hash() ||
        super->size != region->geo.size) {
        find(finding, "the superblock was overwritten");
    }
    if (atomic_load(&super->all_hard) > atomic_load(&super->epoch) ||
        atomic_load(&super->all_soft) > atomic_load(&super->epoch)) {
        find(finding, "a clear is later than the clock of clears");
    }
}

/* ---- segments ---- */

static int is_owned(fcm_state_t state)
{
    return state == FCM_TAKEN || state == FCM_DRAINING;
}

/* Owned by a live process, or by one that died after we reaped. */
static void check_word(const fcm_region_t *region, uint32_t i, uint64_t word,
                       finding_t *finding)
{
    fcm_state_t state = fcm_word_state(word);
    uint32_t owner = fcm_word_owner(word);
    if ((uint32_t)state >= FCM_STATES) {
        find(finding, "segment %u is in state %u", i, (unsigned)state);
    } else if (is_owned(state) != (owner != 0) || owner > FCM_SLOTS) {
        find(finding, "segment %u in state %u has owner %u", i, (unsigned)state,
             owner);
    } else if (owner && atomic_load(&fcm_slot(region, owner - 1)->state) !=
                            FCM_SLOT_LIVE) {
        if (atomic_load(&fcm_head(region, i)->word) == word) {
            find(finding, "segment %u is owned by nobody (%u)", i, owner);
        }
    }
}

/* A chain of records from the start to what is used. */
static void walk(const fcm_region_t *region, uint32_t i, finding_t *finding)
{
    uint32_t used = atomic_load(&fcm_head(region, i)->used);
    uint32_t offset = 0;
    if (used > region->geo.segment_bytes) {
        find(finding, "segment %u uses %u bytes", i, used);
        return;
    }
    while (offset < used) {
        const fcm_record_t *rec =
            fcm_record_at(region, fcm_loc(region, i, offset));
        uint32_t bytes = rec->bytes;
        uint8_t state = atomic_load(&rec->state);
        if (bytes < sizeof(*rec) || bytes > used - offset ||
            state < FCM_RESERVED || state > FCM_ABANDONED) {
            find(finding, "segment %u: no record at %u", i, offset);
            return;
        }
        offset += (bytes + FCM_UNIT - 1) / FCM_UNIT * FCM_UNIT;
    }
}

static void check_segment(const fcm_op_t *op, uint32_t i, fcm_word_t *cell,
                          finding_t *finding)
{
    const fcm_region_t *region = op->region;
    uint64_t word = atomic_load(&fcm_head(region, i)->word);
    check_word(region, i, word, finding);
    if (fcm_word_state(word) != FCM_OPEN &&
        fcm_word_state(word) != FCM_SEALED) {
        return;
    }
    atomic_exchange(cell, fcm_loc(region, i, 0));
    if (atomic_load(&fcm_head(region, i)->word) == word) {
        walk(region, i, finding);
    }
    atomic_store(cell, FCM_PIN_BUSY);
}

/* ---- the index ---- */

static int is_candidate(const fcm_op_t *op, const fcm_found_t *found,
                        fcm_hash_t hash)
{
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        if (fcm_candidate(op->region, hash, i) == found->slot) {
            return 1;
        }
    }
    return 0;
}

/* Does another slot hold the same name? Only counts if neither moved. */
static int has_twin(const fcm_op_t *op, const fcm_found_t *found,
                    fcm_hash_t hash, fcm_word_t **cell)
{
    fcm_found_t other;
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        fcm_word_t *slot = fcm_candidate(op->region, hash, i);
        if (slot != found->slot && fcm_look(op, slot, cell, &other) > 0 &&
            fcache_bytes_equal(other.view.name, found->view.name) &&
            fcm_bits_same(atomic_load(found->slot), found->bits) &&
            fcm_bits_same(atomic_load(slot), other.bits)) {
            return 1;
        }
    }
    return 0;
}

static void check_extents(const fcm_op_t *op, const fcm_found_t *found,
                          finding_t *finding)
{
    for (uint32_t i = 0; i < found->view.extent_count; i++) {
        fcm_extent_t extent = found->view.extents[i];
        fcm_head_t *head = fcm_head(op->region, extent.segment);
        uint64_t word = atomic_load(&head->word);
        uint64_t right =
            fcm_word(FCM_EXTENT, FCM_EXTENT_CLASS, 0, extent.generation);
        if ((word != right ||
             atomic_load(&head->owner_loc) != found->view.loc) &&
            fcm_bits_same(atomic_load(found->slot), found->bits)) {
            find(finding, "segment %u is not a part of the body it holds",
                 extent.segment);
        }
    }
}

static void check_found(const fcm_op_t *op, const fcm_found_t *found,
                        fcm_word_t **cell, finding_t *finding)
{
    const fcm_region_t *region = op->region;
    const fcm_view_t *view = &found->view;
    uint32_t segment = fcm_loc_segment(region, view->loc);
    uint64_t word = atomic_load(&fcm_head(region, segment)->word);
    fcm_hash_t hash = fcm_hash(region, view->name);
    fcm_state_t state = fcm_word_state(word);
    if (!fcm_bits_same(found->bits,
                       fcm_bits(view->loc, fcm_word_generation(word), hash)) ||
        !is_candidate(op, found, hash)) {
        find(finding, "a slot points at a record of another key");
    }
    if ((state != FCM_OPEN && state != FCM_SEALED && state != FCM_DRAINING) &&
        fcm_bits_same(atomic_load(found->slot), found->bits)) {
        find(finding, "a slot points into segment %u in state %u", segment,
             (unsigned)state);
    }
    if (view->rec->check != fcm_record_check(view)) {
        find(finding, "a record in segment %u was overwritten", segment);
    }
    if (has_twin(op, found, hash, cell)) {
        find(finding, "a key has two slots");
    }
    check_extents(op, found, finding);
}

static void check_slot(const fcm_op_t *op, fcm_word_t *slot, fcm_word_t **cells,
                       finding_t *finding)
{
    fcm_found_t found;
    int seen = fcm_look(op, slot, &cells[0], &found);
    if (seen > 0) {
        check_found(op, &found, &cells[1], finding);
    } else if (seen < 0) {
        find(finding, "a slot points at what is no record");
    }
}

fcache_status_t fcm_fsck(fcm_t *store, fcache_error_t *error)
{
    fcm_op_t op;
    finding_t finding = {0};
    if (!fcm_enter(store, 0, &op)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s: this process has not joined it",
                                store->name);
    }
    const fcm_region_t *region = op.region;
    fcm_word_t *cells[2] = {fcm_pin(&op, NULL, FCM_PIN_BUSY),
                            fcm_pin(&op, NULL, FCM_PIN_BUSY)};
    if (!cells[0] || !cells[1]) {
        fcm_unpin(cells[0]);
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s: too many threads at once",
                                store->name);
    }
    fcm_reap(region);
    check_super(region, &finding);
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        check_segment(&op, i, cells[0], &finding);
    }
    for (uint32_t i = 0; i < region->geo.bucket_count; i++) {
        for (uint32_t way = 0; way < FCM_WAYS; way++) {
            check_slot(&op, &fcm_bucket(region, i)->slots[way], cells,
                       &finding);
        }
    }
    fcm_unpin(cells[0]);
    fcm_unpin(cells[1]);
    if (!finding.count) {
        return FCACHE_OK;
    }
    return fcache_error_set(error, FCACHE_CORRUPT,
                            "store %s: %u findings, the first: %s", store->name,
                            finding.count, finding.first);
}
