/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char magic[4] = "FCT1";

/* In front of each head in L1. It never leaves this machine's memory. */
typedef struct facts_t {
    char magic[4];
    uint32_t soft;
    uint64_t id;
    uint64_t asof;
    int64_t dead_us, fresh_until_us; /* of the item in L2 */
} facts_t;

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static _Atomic uint32_t *count_of(const fct_t *tier, const fcache_key_t *key)
{
    uint64_t hash = XXH3_64bits(key->name.ptr, key->name.len);
    return &tier->page->changes[hash % FCT_CHANGES];
}

uint32_t fct_changes(const fct_t *tier, const fcache_key_t *key)
{
    return atomic_load(count_of(tier, key));
}

void fct_count_change(const fct_t *tier, const fcache_key_t *key)
{
    atomic_fetch_add(count_of(tier, key), 1);
}

/* L1's epoch is from before it is asked what L2 missed: it is older than what L1
 * is cleared of after that. */
static fcache_status_t put(fct_t *tier, const fcache_key_t *key,
                           fcache_value_t *near, int64_t now_us)
{
    const fct_level_t *l1 = &tier->l1;
    uint64_t begun = near->epoch;
    near->epoch = l1->ops->epoch(l1->self);
    return begun < atomic_load(&tier->page->own_epoch)
               ? FCACHE_MISS
               : l1->ops->put(l1->self, key, near, now_us, NULL);
}

fcache_status_t fct_near_put(fct_t *tier, const fcache_key_t *key,
                             const fcache_value_t *value, int soft,
                             uint32_t changes, int64_t now_us)
{
    facts_t facts = {.soft = soft != 0,
                     .id = tier->id,
                     .asof = fct_far_epoch(tier, value->epoch),
                     .dead_us = value->dead_us,
                     .fresh_until_us = value->fresh_until_us};
    fcache_buf_t head;
    fcache_buf_init(&head, sizeof(facts) + value->head.len);
    memcpy(facts.magic, magic, sizeof(magic));
    fcache_status_t status = fcache_buf_append(
        &head, fcache_bytes((const char *)&facts, sizeof(facts)));
    if (status == FCACHE_OK) {
        status = fcache_buf_append(&head, value->head);
    }
    if (status == FCACHE_OK) {
        fcache_value_t near = *value;
        near.head = fcache_buf_bytes(&head);
        near.dead_us = sooner(value->dead_us, now_us + tier->l1_ttl_us);
        near.fresh_until_us = sooner(value->fresh_until_us, near.dead_us);
        status = put(tier, key, &near, now_us);
    }
    fcache_buf_fini(&head);
    if (status != FCACHE_OK || fct_changes(tier, key) != changes) {
        fct_near_del(tier, key, now_us);
    }
    return status;
}

/* Takes the facts from the head; 0 when they are not ours. */
static int unwrap(const fct_t *tier, fcache_item_t *item, uint64_t *out_asof)
{
    facts_t facts;
    if (item->head.len < sizeof(facts)) {
        return 0;
    }
    memcpy(&facts, item->head.ptr, sizeof(facts));
    if (memcmp(facts.magic, magic, sizeof(magic)) != 0 ||
        facts.id != tier->id) {
        return 0;
    }
    item->head = fcache_bytes(item->head.ptr + sizeof(facts),
                              item->head.len - sizeof(facts));
    item->soft_purged |= facts.soft != 0;
    item->dead_us = facts.dead_us;
    item->fresh_until_us = facts.fresh_until_us;
    *out_asof = facts.asof;
    return 1;
}

fcache_status_t fct_near_get(fct_t *tier, const fcache_key_t *key,
                             int64_t now_us, fcache_item_t *out_item,
                             uint64_t *out_asof, apr_pool_t *pool)
{
    const fct_level_t *l1 = &tier->l1;
    fcache_status_t status =
        l1->ops->get(l1->self, key, now_us, NULL, out_item, pool, NULL);
    if (status != FCACHE_OK || unwrap(tier, out_item, out_asof)) {
        return status;
    }
    if (out_item->pin) {
        l1->ops->release(l1->self, out_item->pin);
    }
    return FCACHE_MISS;
}

void fct_near_del(fct_t *tier, const fcache_key_t *key, int64_t now_us)
{
    tier->l1.ops->del(tier->l1.self, key, now_us, NULL);
}
