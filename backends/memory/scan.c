/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"
#include "ops.h"
#include "segment.h"

static int list_slot(const fcm_op_t *op, fcm_word_t *slot, fcm_word_t **cell,
                     fcache_listed_fn fn, void *baton)
{
    fcm_found_t found;
    fcache_listed_t item;
    if (fcm_look(op, slot, cell, &found) <= 0 ||
        !fcm_view_is_alive(op->region, &found.view, op->now_us,
                           &item.soft_purged)) {
        return 0;
    }
    item.name = found.view.name;
    item.head = found.view.head;
    item.body_len = found.view.body_len;
    item.dead_us = atomic_load(&found.view.rec->dead_us);
    return fn(baton, &item);
}

/* In the order of the index. What comes or goes meanwhile may be missed. */
fcache_status_t fcm_list(void *self, int64_t now_us, fcache_listed_fn fn,
                         void *baton, fcache_error_t *error)
{
    fcm_op_t op;
    if (!fcm_enter(self, now_us, &op)) {
        return fcm_not_joined(self, error);
    }
    fcm_word_t *cell = NULL;
    int stop = 0;
    for (uint32_t i = 0; !stop && i < op.region->geo.bucket_count; i++) {
        fcm_bucket_t *bucket = fcm_bucket(op.region, i);
        for (uint32_t way = 0; !stop && way < FCM_WAYS; way++) {
            stop = list_slot(&op, &bucket->slots[way], &cell, fn, baton);
        }
        fcm_unpin(cell);
        cell = NULL;
    }
    return FCACHE_OK;
}

static uint64_t sum(const fcm_region_t *region, fcm_counter_t counter)
{
    uint64_t total = 0;
    uint32_t high = atomic_load(&fcm_super(region)->slots_high);
    for (uint32_t i = 0; i < high && i < FCM_SLOTS; i++) {
        const fcm_shard_t *shards = fcm_shards(region, i);
        for (uint32_t shard = 0; shard < FCM_SHARDS; shard++) {
            total += atomic_load_explicit(&shards[shard].count[counter],
                                          memory_order_relaxed);
        }
    }
    return total;
}

static void gauge(const fcm_region_t *region, fcache_stats_t *stats)
{
    uint32_t high = atomic_load(&fcm_super(region)->slots_high);
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        fcm_head_t *head = fcm_head(region, i);
        fcm_state_t state = fcm_word_state(atomic_load(&head->word));
        if (state == FCM_OPEN || state == FCM_SEALED) {
            stats->entries += atomic_load(&head->items);
            stats->bytes_used += atomic_load(&head->bytes);
        } else if (state == FCM_EXTENT) {
            stats->bytes_used += region->geo.segment_bytes;
        }
    }
    for (uint32_t i = 0; i < high && i < FCM_SLOTS; i++) {
        stats->processes +=
            atomic_load(&fcm_slot(region, i)->state) == FCM_SLOT_LIVE;
    }
    stats->pins = fcm_pins_held(region);
    stats->bytes_total =
        (uint64_t)region->geo.segment_count * region->geo.segment_bytes;
}

/* A slot's counters outlive its process: the next one counts on. */
fcache_status_t fcm_stats(void *self, fcache_stats_t *stats,
                          fcache_error_t *error)
{
    fcm_op_t op;
    if (!fcm_enter(self, 0, &op)) {
        return fcm_not_joined(self, error);
    }
    fcm_reap(op.region);
    memset(stats, 0, sizeof(*stats));
    stats->hits = sum(op.region, FCM_HITS);
    stats->misses = sum(op.region, FCM_MISSES);
    stats->stale = sum(op.region, FCM_STALE);
    stats->puts = sum(op.region, FCM_PUTS);
    stats->deletes = sum(op.region, FCM_DELETES);
    stats->clears = sum(op.region, FCM_CLEARS);
    stats->refused = sum(op.region, FCM_REFUSED);
    stats->evicted = sum(op.region, FCM_EVICTED);
    stats->expired = sum(op.region, FCM_EXPIRED);
    stats->faults = sum(op.region, FCM_FAULTS);
    gauge(op.region, stats);
    return FCACHE_OK;
}
