/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

#include <stdlib.h>

/* Whose pin it is. On the heap, as a pin may outlive the pool of its get. */
typedef struct pin_t {
    const fct_level_t *level;
    void *pin;
} pin_t;

static void let_go(const fct_level_t *level, void *pin)
{
    if (pin) {
        level->ops->release(level->self, pin);
    }
}

static fcache_status_t own_pin(const fct_level_t *level, fcache_item_t *item,
                               fcache_error_t *error)
{
    if (!item->pin) {
        return FCACHE_OK;
    }
    pin_t *own = malloc(sizeof(*own));
    if (!own) {
        let_go(level, item->pin);
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a pin");
    }
    *own = (pin_t){level, item->pin};
    item->pin = own;
    return FCACHE_OK;
}

void fct_release(void *self, void *pin)
{
    pin_t *own = pin;
    (void)self;
    if (own) {
        let_go(own->level, own->pin);
        free(own);
    }
}

static void count(const fct_level_t *level, int answered)
{
    if (level->ops->count) {
        level->ops->count(level->self, answered);
    }
}

/* ---- L2's epoch ---------------------------------------------------------- */

/* A time ahead of now by more than the interval was told before the clock was
 * set back. */
static int is_due(int64_t synced_us, int64_t now_us, int64_t interval_us)
{
    return synced_us == 0 || now_us - synced_us >= interval_us ||
           synced_us - now_us >= interval_us;
}

/* What comes late in a look-up may have had too little time: that it got no answer
 * says nothing of L2. */
static void note(const fct_t *tier, int is_late, fcache_status_t status)
{
    if (!is_late || !fct_is_silence(status)) {
        fct_note(tier, status);
    }
}

/* Asks for L2's epoch when what is known is too old. Whoever finds it so asks; the
 * others go on with what they know, also when it fails. */
static void sync_when_due(fct_t *tier, int64_t now_us, int64_t *until_us)
{
    const fct_level_t *l2 = &tier->l2;
    int64_t synced_us = atomic_load(&tier->page->synced_us);
    uint64_t epoch;
    if (l2->ops->sync && is_due(synced_us, now_us, tier->sync_us) &&
        atomic_compare_exchange_strong(&tier->page->synced_us, &synced_us,
                                       now_us)) {
        int is_late = *until_us != 0;
        note(tier, is_late, l2->ops->sync(l2->self, until_us, &epoch, NULL));
    }
}

/* ---- L1 ------------------------------------------------------------------ */

/* Is it good? What is behind already needs no question: L2 is asked for it, and
 * tells its epoch then. So a get waits for one trip that fails, not for two. */
static int is_good(fct_t *tier, uint64_t asof, int64_t now_us,
                   int64_t *until_us)
{
    if (asof < fct_known_epoch(tier)) {
        return 0;
    }
    sync_when_due(tier, now_us, until_us);
    return asof >= fct_known_epoch(tier);
}

/* MISS also for what is near but not known to be good. */
static fcache_status_t get_near(fct_t *tier, const fcache_key_t *key,
                                int64_t now_us, int64_t *until_us,
                                fcache_item_t *out_item, apr_pool_t *pool)
{
    uint64_t asof = 0;
    fcache_status_t status =
        fct_near_get(tier, key, now_us, out_item, &asof, pool);
    if (status == FCACHE_OK && !is_good(tier, asof, now_us, until_us)) {
        let_go(&tier->l1, out_item->pin);
        status = FCACHE_MISS;
    }
    return status;
}

/* ---- L2 ------------------------------------------------------------------ */

static int64_t fresh_until(const fcache_item_t *item)
{
    return item->fresh_until_us ? item->fresh_until_us : item->dead_us;
}

/* Epoch and changes are those known before L2 was asked: they hold for what it
 * said. */
static void refill(fct_t *tier, const fcache_key_t *key,
                   const fcache_item_t *item, uint64_t epoch, uint32_t changes,
                   int64_t now_us)
{
    fcache_value_t value = {.head = item->head,
                            .body = item->body,
                            .body_count = item->body_count,
                            .epoch = epoch,
                            .fresh_until_us = fresh_until(item),
                            .dead_us = item->dead_us};
    if (fct_changes(tier, key) == changes) { /* else leave what they put */
        fct_near_put(tier, key, &value, item->soft_purged, changes, now_us);
    }
}

/* `near`: what L1 has already and is good, or NULL. */
static fcache_status_t get_far(fct_t *tier, const fcache_key_t *key,
                               int64_t now_us, int64_t *until_us,
                               const fcache_item_t *near,
                               fcache_item_t *out_item, apr_pool_t *pool,
                               fcache_error_t *error)
{
    const fct_level_t *l2 = &tier->l2;
    uint64_t epoch = fct_epoch_at(tier, fct_known_epoch(tier));
    uint32_t changes = fct_changes(tier, key);
    int is_late = *until_us != 0;
    fcache_status_t status =
        l2->ops->get(l2->self, key, now_us, until_us, out_item, pool, error);
    note(tier, is_late, status);
    count(l2, status == FCACHE_OK);
    if (status == FCACHE_MISS) {
        fct_near_del(tier, key, now_us);
    } else if (status == FCACHE_OK &&
               !(near && fresh_until(near) == fresh_until(out_item) &&
                 near->soft_purged == out_item->soft_purged)) {
        refill(tier, key, out_item, epoch, changes, now_us);
    }
    return status;
}

/* ---- get ----------------------------------------------------------------- */

/* Of what is stale another server may have put news into L2. */
static int may_have_news(const fct_t *tier, const fcache_item_t *near,
                         int64_t now_us)
{
    return (near->soft_purged || fresh_until(near) <= now_us) &&
           !atomic_load(&tier->page->is_failing);
}

/* What is near and stale answers if L2 cannot. */
static fcache_status_t get_news(fct_t *tier, const fcache_key_t *key,
                                int64_t now_us, int64_t *until_us,
                                const fcache_item_t *near,
                                const fct_level_t **out_level,
                                fcache_item_t *out_item, apr_pool_t *pool,
                                fcache_error_t *error)
{
    fcache_status_t status =
        get_far(tier, key, now_us, until_us, near, out_item, pool, error);
    if (fcache_status_is_fault(status)) {
        *out_item = *near;
        return FCACHE_OK;
    }
    let_go(&tier->l1, near->pin);
    *out_level = &tier->l2;
    return status;
}

/* While L2 is silent what is near is all there is: the rest is missed. Were it a
 * fault, nobody would put what he made instead. */
static fcache_status_t get_only_far(fct_t *tier, const fcache_key_t *key,
                                    int64_t now_us, int64_t *until_us,
                                    fcache_item_t *out_item, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    fcache_status_t status =
        get_far(tier, key, now_us, until_us, NULL, out_item, pool, error);
    return fct_is_silence(status) ? FCACHE_MISS : status;
}

fcache_status_t fct_get(void *self, const fcache_key_t *key, int64_t now_us,
                        int64_t *until_us, fcache_item_t *out_item,
                        apr_pool_t *pool, fcache_error_t *error)
{
    fct_t *tier = self;
    const fct_level_t *level = &tier->l1;
    fcache_item_t near;
    int64_t own_us = 0; /* of a look-up of one get */
    until_us = until_us ? until_us : &own_us;
    fcache_status_t status = get_near(tier, key, now_us, until_us, &near, pool);
    if (status != FCACHE_OK) {
        level = &tier->l2;
        status =
            get_only_far(tier, key, now_us, until_us, out_item, pool, error);
    } else if (may_have_news(tier, &near, now_us)) {
        status = get_news(tier, key, now_us, until_us, &near, &level, out_item,
                          pool, error);
    } else {
        *out_item = near;
    }
    count(&tier->l1, level == &tier->l1);
    if (status == FCACHE_OK) {
        status = own_pin(level, out_item, error);
    }
    if (status == FCACHE_OK && out_item->soft_purged) {
        atomic_fetch_add(&tier->page->stale, 1);
    }
    return status;
}

/* ---- the rest ------------------------------------------------------------ */

void fct_count(void *self, int answered)
{
    fct_t *tier = self;
    atomic_fetch_add(answered ? &tier->page->hits : &tier->page->misses, 1);
}

fcache_status_t fct_list(void *self, int64_t now_us, fcache_listed_fn fn,
                         void *baton, fcache_error_t *error)
{
    fct_t *tier = self;
    return tier->l2.ops->list
               ? tier->l2.ops->list(tier->l2.self, now_us, fn, baton, error)
               : fct_unsupported(tier, "list", error);
}

/* Answers are counted here, processes and pins are L1's, the rest is L2's. */
fcache_status_t fct_stats(void *self, fcache_stats_t *out_stats,
                          fcache_error_t *error)
{
    fct_t *tier = self;
    const fct_level_t *l1 = &tier->l1;
    const fct_level_t *l2 = &tier->l2;
    fcache_stats_t near = {0};
    fcache_stats_t far = {0};
    fcache_status_t status = FCACHE_OK;
    if (l1->ops->stats) {
        status = l1->ops->stats(l1->self, &near, error);
    }
    if (status == FCACHE_OK) {
        status = l2->ops->stats ? l2->ops->stats(l2->self, &far, error)
                                : fct_unsupported(tier, "count", error);
    }
    *out_stats = far;
    out_stats->hits = atomic_load(&tier->page->hits);
    out_stats->misses = atomic_load(&tier->page->misses);
    out_stats->stale = atomic_load(&tier->page->stale);
    out_stats->faults += near.faults;
    out_stats->corrupt += near.corrupt;
    out_stats->processes = near.processes;
    out_stats->pins = near.pins;
    return status;
}
