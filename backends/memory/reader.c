/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"
#include "ops.h"
#include "segment.h"

#define COPY_SMALL 16384u   /* bodies up to here are copied, not pinned */
#define COPY_MOST  1048576u /* up to here when nothing more may be pinned */

static char *pool_copy(apr_pool_t *pool, fcache_bytes_t bytes)
{
    char *copy = apr_palloc(pool, bytes.len + 1);
    if (bytes.len) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    copy[bytes.len] = '\0';
    return copy;
}

/* The body's pieces where they lie. */
static uint32_t pieces_of(const fcm_region_t *region, const fcm_view_t *view,
                          fcache_bytes_t *out)
{
    uint32_t count = 0;
    for (; count < view->extent_count; count++) {
        out[count] =
            fcache_bytes(fcm_segment(region, view->extents[count].segment),
                         fcm_view_extent_len(region, view, count));
    }
    if (view->rest.len) {
        out[count++] = view->rest;
    }
    return count;
}

static void copy_out(const fcm_op_t *op, const fcm_view_t *view,
                     fcache_item_t *item, apr_pool_t *pool)
{
    fcache_bytes_t *whole = apr_palloc(pool, sizeof(*whole));
    char *body = apr_palloc(pool, (size_t)view->body_len + 1);
    size_t len = 0;
    for (uint32_t i = 0; i < view->extent_count; i++) {
        size_t piece = fcm_view_extent_len(op->region, view, i);
        memcpy(body + len, fcm_segment(op->region, view->extents[i].segment),
               piece);
        len += piece;
    }
    memcpy(body + len, view->rest.ptr, view->rest.len);
    *whole = fcache_bytes(body, (size_t)view->body_len);
    item->head = fcache_bytes(pool_copy(pool, view->head), view->head.len);
    item->body = whole;
    item->body_count = view->body_len ? 1 : 0;
    item->pin = NULL;
}

/* Whether slow readers hold too much of the store. Our own count takes an item
 * sent twice for two, so it only says when to count exactly. */
static int is_pinned_out(const fcm_op_t *op)
{
    uint32_t limit = op->region->geo.segment_count / 4;
    if (atomic_load(&op->store->mine->pinned) <= limit &&
        atomic_load(&fcm_super(op->region)->pinned) <= limit) {
        return 0;
    }
    fcm_pins_t pins;
    if (!fcm_pins_take(op->region, &pins)) {
        return 1;
    }
    uint32_t pinned = fcm_pins_count(op->region, &pins);
    fcm_pins_fini(&pins);
    return pinned > limit;
}

static fcache_status_t hand_out(const fcm_op_t *op, const fcm_view_t *view,
                                fcache_item_t *item, apr_pool_t *pool)
{
    fcm_word_t *hold = NULL;
    if (view->body_len <= COPY_SMALL) {
        copy_out(op, view, item, pool);
        return FCACHE_OK;
    }
    if (!is_pinned_out(op)) {
        hold = fcm_hold(op, view->loc, view->extent_count + 1);
    }
    if (hold) {
        fcache_bytes_t *pieces =
            apr_palloc(pool, (view->extent_count + 1) * sizeof(*pieces));
        item->body_count = pieces_of(op->region, view, pieces);
        item->body = pieces;
        item->head = view->head;
        item->pin = (void *)(uintptr_t)hold;
        return FCACHE_OK;
    }
    if (view->body_len <= COPY_MOST) {
        copy_out(op, view, item, pool);
        return FCACHE_OK;
    }
    return FCACHE_MISS;
}

/* What is past its time or cleared goes when it is met. */
static int find_alive(const fcm_op_t *op, const fcache_key_t *key,
                      fcm_word_t **cell, fcm_found_t *found, int *out_soft)
{
    if (!fcm_find(op, fcm_hash(op->region, key->name), key->name, cell,
                  found)) {
        return 0;
    }
    if (fcm_view_is_alive(op->region, &found->view, op->now_us, out_soft)) {
        return 1;
    }
    if (fcm_replace(op, found, 0)) {
        fcm_count(op, FCM_EXPIRED);
    }
    return 0;
}

fcache_status_t fcm_get(void *self, const fcache_key_t *key, int64_t now_us,
                        int64_t *until_us, fcache_item_t *item,
                        apr_pool_t *pool, fcache_error_t *error)
{
    (void)until_us; /* no wait is worth a limit */
    fcm_t *store = self;
    fcm_op_t op;
    fcm_word_t *cell = NULL;
    fcm_found_t found;
    fcache_status_t status = FCACHE_MISS;
    if (!fcm_enter(store, now_us, &op)) {
        return fcm_not_joined(store, error);
    }
    int soft = 0;
    if (find_alive(&op, key, &cell, &found, &soft)) {
        status = hand_out(&op, &found.view, item, pool);
    }
    if (status == FCACHE_OK) {
        item->dead_us = atomic_load(&found.view.rec->dead_us);
        item->fresh_until_us = 0;
        item->soft_purged = soft;
        fcm_hit(&op, &found);
    }
    fcm_unpin(cell);
    if (soft && status == FCACHE_OK) {
        fcm_count(&op, FCM_STALE);
    }
    return status;
}

void fcm_count_answer(void *self, int answered)
{
    fcm_op_t op;
    if (fcm_enter(self, 0, &op)) {
        fcm_count(&op, answered ? FCM_HITS : FCM_MISSES);
    }
}

void fcm_release_pin(void *self, void *pin)
{
    fcm_op_t op;
    if (pin && fcm_enter(self, 0, &op)) {
        fcm_release(&op, pin);
    }
}

fcache_status_t fcm_del(void *self, const fcache_key_t *key, int64_t now_us,
                        fcache_error_t *error)
{
    fcm_op_t op;
    fcm_found_t found;
    int soft;
    int gone = 0;
    if (!fcm_enter(self, now_us, &op)) {
        return fcm_not_joined(self, error);
    }
    fcm_word_t *cell = fcm_pin(&op, NULL, FCM_PIN_BUSY);
    if (!cell) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s: too many threads at once",
                                op.store->name);
    }
    while (!gone && find_alive(&op, key, &cell, &found, &soft)) {
        gone = fcm_replace(&op, &found, 0);
    }
    fcm_unpin(cell);
    if (gone) {
        fcm_count(&op, FCM_DELETES);
    }
    return gone ? FCACHE_OK : FCACHE_MISS;
}

/* Segments are past their time when all in them is: they learn it first. */
static void prolong(const fcm_op_t *op, const fcm_view_t *view, int64_t dead_us)
{
    const fcm_region_t *region = op->region;
    fcm_raise_time(
        &fcm_head(region, fcm_loc_segment(region, view->loc))->dead_us,
        dead_us);
    for (uint32_t i = 0; i < view->extent_count; i++) {
        fcm_raise_time(&fcm_head(region, view->extents[i].segment)->dead_us,
                       dead_us);
    }
    FC_POINT("touch");
    atomic_store(&view->rec->dead_us, dead_us);
}

fcache_status_t fcm_touch(void *self, const fcache_key_t *key, int64_t dead_us,
                          int64_t now_us, fcache_error_t *error)
{
    fcm_op_t op;
    fcm_word_t *cell = NULL;
    fcm_found_t found;
    int soft;
    if (!fcm_enter(self, now_us, &op)) {
        return fcm_not_joined(self, error);
    }
    int alive = find_alive(&op, key, &cell, &found, &soft);
    if (alive) {
        prolong(&op, &found.view, dead_us);
    }
    fcm_unpin(cell);
    return alive ? FCACHE_OK : FCACHE_MISS;
}
