/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t far_epoch(const fct_t *tier)
{
    const fct_level_t *l2 = &tier->l2;
    return l2->ops->epoch ? l2->ops->epoch(l2->self) : 0;
}

uint64_t fct_known_epoch(const fct_t *tier)
{
    return atomic_load(&tier->page->has_answered) || !tier->l2.ops->sync
               ? far_epoch(tier)
               : 0;
}

uint64_t fct_epoch_at(const fct_t *tier, uint64_t known)
{
    return later(known, atomic_load(&tier->page->own_epoch));
}

uint64_t fct_epoch(void *self)
{
    return fct_epoch_at(self, far_epoch(self));
}

uint64_t fct_far_epoch(const fct_t *tier, uint64_t epoch)
{
    uint64_t heard = atomic_load(&tier->page->heard_epoch);
    return epoch > heard && epoch <= atomic_load(&tier->page->own_epoch)
               ? heard
               : epoch;
}

void fct_clear_was_missed(fct_t *tier)
{
    fct_page_t *page = tier->page;
    uint64_t known = fct_known_epoch(tier);
    uint64_t own = atomic_load(&page->own_epoch);
    if (known > own) {
        atomic_store(&page->heard_epoch, known);
    }
    while (!atomic_compare_exchange_weak(&page->own_epoch, &own,
                                         later(known, own) + 1)) {
    }
}
