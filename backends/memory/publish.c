/* SPDX-License-Identifier: Apache-2.0 */

/* The last step of a write: the record is written where a reservation and a
 * filler's pin protect it, then one CAS makes it seen. */

#include "draft.h"

#include <fcache/entry.h>

#define TRIES    64    /* at a slot that others change under us */
#define MAX_TAGS 65535 /* what the record can count */

typedef struct record_t {
    const fcm_commit_t *commit;
    fcm_draft_t *draft;
    fcm_hash_t hash;
    uint64_t rest_len;
    uint64_t bytes;
    uint32_t tag_count;
    uint64_t loc;
    uint32_t generation;
} record_t;

static int count_tags(fcache_bytes_t tags, uint32_t *out_count)
{
    fcache_bytes_t tag;
    size_t offset = 0;
    uint32_t count = 0;
    int more = fcache_entry_list_next(tags, &offset, &tag);
    while (more > 0 && count < MAX_TAGS) {
        count++;
        more = fcache_entry_list_next(tags, &offset, &tag);
    }
    *out_count = count;
    return more == 0;
}

static void measure(record_t *record)
{
    const fcm_commit_t *commit = record->commit;
    record->bytes = fcm_record_bytes(record->draft->count, record->tag_count,
                                     commit->key->name.len,
                                     commit->value->head.len, record->rest_len);
}

/* Checks what there is to write, and how much room it takes. A rest that does
 * not fit beside a large head gets a segment of its own. */
static fcache_status_t plan(const fcm_op_t *op, record_t *record,
                            fcm_source_t *rest, fcache_error_t *error)
{
    const fcm_commit_t *commit = record->commit;
    uint64_t room = op->region->geo.segment_bytes;
    if (!commit->key->name.len || commit->key->name.len > UINT16_MAX ||
        !count_tags(commit->value->tags, &record->tag_count)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "store %s: bad name or tags", op->store->name);
    }
    measure(record);
    if (commit->value->head.len <= room && record->bytes > room &&
        record->rest_len) {
        fcache_status_t status =
            fcm_draft_extend(op, record->draft, rest, record->rest_len, error);
        if (status != FCACHE_OK) {
            return status;
        }
        record->rest_len = 0;
        measure(record);
    }
    if (commit->value->head.len > room || record->bytes > room) {
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "store %s: head of %zu bytes, segments hold "
                                "%llu",
                                op->store->name, commit->value->head.len,
                                (unsigned long long)room);
    }
    return FCACHE_OK;
}

static char *put_bytes(char *at, const void *bytes, size_t len)
{
    if (len) {
        memcpy(at, bytes, len);
    }
    return at + len;
}

static char *put_tags(const fcm_region_t *region, char *at,
                      const fcm_commit_t *commit)
{
    fcache_bytes_t tag;
    size_t offset = 0;
    while (fcache_entry_list_next(commit->value->tags, &offset, &tag) > 0) {
        uint32_t cell = fcm_tag_of(region, commit->key->prefix, tag);
        at = put_bytes(at, &cell, sizeof(cell));
    }
    return at;
}

/* A time that the store's clock has not reached is from another region: it
 * says nothing here, and the first clear ends it. */
static uint64_t known_epoch(const fcm_region_t *region, uint64_t epoch)
{
    return epoch > fcm_epoch(region) ? 0 : epoch;
}

static int write_record(const fcm_op_t *op, const record_t *record,
                        fcm_source_t *rest)
{
    const fcm_region_t *region = op->region;
    const fcm_commit_t *commit = record->commit;
    const fcache_key_t *key = commit->key;
    const fcm_draft_t *draft = record->draft;
    fcm_record_t *rec = fcm_record_at(region, record->loc);
    rec->epoch = known_epoch(region, commit->value->epoch);
    atomic_store(&rec->dead_us, commit->value->dead_us);
    rec->body_len = draft->body_len + record->rest_len;
    rec->head_len = (uint32_t)commit->value->head.len;
    rec->name_len = (uint16_t)key->name.len;
    rec->extents = (uint16_t)draft->count;
    rec->tags = (uint16_t)record->tag_count;
    rec->prefix = fcm_space_of_prefix(region, key->prefix);
    rec->ns = fcm_space_of_ns(region, key->prefix, key->ns);
    rec->generation = record->generation & 63;
    char *at = (char *)(rec + 1);
    at = put_bytes(at, draft->extents, draft->count * sizeof(fcm_extent_t));
    at = put_tags(region, at, commit);
    at = put_bytes(at, key->name.ptr, key->name.len);
    at = put_bytes(at, commit->value->head.ptr, commit->value->head.len);
    FC_POINT("record half written");
    fcm_source_read(rest, at, (size_t)record->rest_len);
    atomic_store(&rec->state, FCM_COMMITTED);

    fcm_view_t view;
    if (!fcm_view(region, record->loc, record->generation, &view)) {
        return 0;
    }
    rec->check = fcm_record_check(&view);
    FC_POINT("record written");
    return 1;
}

static fcm_word_t *empty_slot(const fcm_region_t *region, fcm_hash_t hash)
{
    fcm_word_t *empty[2] = {NULL, NULL};
    uint32_t room[2] = {0, 0};
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        fcm_word_t *slot = fcm_candidate(region, hash, i);
        if (!atomic_load_explicit(slot, memory_order_relaxed)) {
            empty[i / FCM_WAYS] = slot;
            room[i / FCM_WAYS]++;
        }
    }
    return room[1] > room[0] ? empty[1] : empty[0];
}

/* Of the least asked for, among equals any. */
static fcm_word_t *least_slot(const fcm_region_t *region, fcm_hash_t hash)
{
    fcm_word_t *least = NULL;
    uint32_t least_freq = 8;
    uint32_t start = (uint32_t)(hash.hi >> 20);
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        fcm_word_t *slot =
            fcm_candidate(region, hash, (start + i) % (2 * FCM_WAYS));
        uint32_t freq = fcm_bits_freq(atomic_load(slot));
        if (freq < least_freq) {
            least = slot;
            least_freq = freq;
        }
    }
    return least;
}

/* OK, EXISTS, or MISS: others were faster, try again. */
static fcache_status_t place(const fcm_op_t *op, const record_t *record,
                             fcm_word_t **cell)
{
    uint64_t bits = fcm_bits(record->loc, record->generation, record->hash);
    fcm_found_t found;
    int soft;
    if (fcm_find(op, record->hash, record->commit->key->name, cell, &found)) {
        if (record->commit->add &&
            fcm_view_is_alive(op->region, &found.view, op->now_us, &soft)) {
            return FCACHE_EXISTS;
        }
        FC_POINT("replace");
        return fcm_replace(op, &found, bits | (found.bits & FCM_SLOT_FREQ))
                   ? FCACHE_OK
                   : FCACHE_MISS;
    }
    fcm_word_t *slot = empty_slot(op->region, record->hash);
    if (slot) {
        uint64_t none = 0;
        FC_POINT("insert");
        return atomic_compare_exchange_strong(slot, &none, bits) ? FCACHE_OK
                                                                 : FCACHE_MISS;
    }
    slot = least_slot(op->region, record->hash);
    int seen = fcm_look(op, slot, cell, &found);
    if (seen > 0 && fcm_replace(op, &found, bits)) {
        fcm_count(op, FCM_EVICTED);
        return FCACHE_OK;
    }
    if (seen < 0) {
        fcm_drop_corrupt(op, &found);
    }
    return FCACHE_MISS;
}

/* Writers of one key come one after the other, so that a name never has two
 * slots and add is atomic. */
static fcache_status_t publish(const fcm_op_t *op, const record_t *record)
{
    fcm_lock_t *stripe =
        &fcm_locks(op->region)->stripes[record->hash.lo % FCM_STRIPES];
    fcm_word_t *cell = fcm_pin(op, NULL, FCM_PIN_BUSY);
    fcache_status_t status = FCACHE_MISS;
    if (!cell) {
        return FCACHE_NO_MEMORY;
    }
    if (fcm_lock_wait(&stripe->mutex) == FCM_LOCK_BUSY) {
        fcm_unpin(cell);
        return FCACHE_TIMEOUT;
    }
    FC_POINT("locked stripe");
    for (int tries = 0; status == FCACHE_MISS && tries < TRIES; tries++) {
        status = place(op, record, &cell);
    }
    FC_POINT("published");
    fcm_lock_drop(&stripe->mutex);
    fcm_unpin(cell);
    return status == FCACHE_MISS ? FCACHE_NO_MEMORY : status;
}

/* Accounts first, so that who replaces the record at once takes away what is
 * there. */
static fcache_status_t reveal(const fcm_op_t *op, record_t *record)
{
    const uint64_t hash[] = {record->hash.lo, record->hash.hi};
    fcm_head_t *head =
        fcm_head(op->region, fcm_loc_segment(op->region, record->loc));
    for (uint32_t i = 0; i < record->draft->count; i++) {
        fcm_make_extent(op, record->draft->extents[i], hash, record->loc,
                        record->commit->value->dead_us);
    }
    atomic_fetch_add(&head->items, 1);
    atomic_fetch_add(&head->bytes, record->bytes);
    FC_POINT("accounted");
    fcache_status_t status = publish(op, record);
    if (status != FCACHE_OK) {
        atomic_fetch_sub(&head->items, 1);
        atomic_fetch_sub(&head->bytes, record->bytes);
        for (uint32_t i = 0; i < record->draft->count; i++) {
            fcm_extent_t extent = record->draft->extents[i];
            fcm_turn(
                op->region, extent.segment,
                fcm_word(FCM_EXTENT, FCM_EXTENT_CLASS, 0, extent.generation),
                FCM_LIMBO);
        }
    }
    return status;
}

static fcache_status_t write_and_reveal(const fcm_op_t *op, record_t *record,
                                        fcm_source_t *rest)
{
    fcm_word_t *cell = NULL;
    fcache_status_t status =
        fcm_reserve(op, (uint32_t)record->bytes, record->commit->value->dead_us,
                    &cell, &record->loc, &record->generation);
    if (status == FCACHE_OK) {
        status = write_record(op, record, rest) ? reveal(op, record)
                                                : FCACHE_CORRUPT;
        if (status == FCACHE_OK) {
            fcm_draft_init(record->draft);
        } else {
            atomic_store(&fcm_record_at(op->region, record->loc)->state,
                         FCM_ABANDONED);
        }
    }
    FC_POINT("unpin filler");
    fcm_unpin(cell);
    return status;
}

static fcache_status_t say(const fcm_op_t *op, fcache_status_t status,
                           fcache_error_t *error)
{
    if (status == FCACHE_TIMEOUT) {
        fcache_error_set(error, status,
                         "store %s: a process held a lock for too long",
                         op->store->name);
    } else if (status != FCACHE_OK && status != FCACHE_EXISTS) {
        fcache_error_set(error, status,
                         "store %s: no room, all is being read or written",
                         op->store->name);
    }
    return status;
}

fcache_status_t fcm_draft_commit(const fcm_op_t *op, fcm_draft_t *draft,
                                 fcm_source_t *rest, const fcm_commit_t *commit,
                                 fcache_error_t *error)
{
    record_t record = {.commit = commit,
                       .draft = draft,
                       .hash = fcm_hash(op->region, commit->key->name),
                       .rest_len = fcm_source_len(rest)};
    fcache_status_t status = plan(op, &record, rest, error);
    if (status == FCACHE_OK) {
        status = say(op, write_and_reveal(op, &record, rest), error);
    }
    if (status == FCACHE_OK) {
        fcm_count(op, FCM_PUTS);
    } else {
        fcm_draft_abort(op, draft);
    }
    if (status != FCACHE_OK && status != FCACHE_EXISTS) {
        fcm_count(op, FCM_REFUSED);
    }
    return status;
}
