/* SPDX-License-Identifier: Apache-2.0 */
#include "epochs.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PROBES 16u

typedef enum kind_t { OF_PREFIX = 1, OF_NS, OF_TAG } kind_t;

static uint64_t keyed(const fcm_region_t *region, const void *bytes, size_t len)
{
    const fcm_super_t *super = fcm_super(region);
    return XXH3_64bits_withSecret(bytes, len, super->secret,
                                  sizeof(super->secret));
}

static uint64_t name_id(const fcm_region_t *region, kind_t kind,
                        fcache_bytes_t prefix, fcache_bytes_t rest)
{
    const uint64_t parts[] = {kind, keyed(region, prefix.ptr, prefix.len),
                              keyed(region, rest.ptr, rest.len)};
    uint64_t id = keyed(region, parts, sizeof(parts));
    return id ? id : 1;
}

/* Entries are claimed in the order of probing and never given back, so that
 * all who look for an id come to the same one. */
static uint16_t space_of(const fcm_region_t *region, uint64_t id)
{
    fcm_space_t *spaces = fcm_spaces(region);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint32_t at = (uint32_t)(id + i) % FCM_SPACES;
        uint64_t seen = atomic_load(&spaces[at].id);
        if (!seen) {
            FC_POINT("claim space");
            if (atomic_compare_exchange_strong(&spaces[at].id, &seen, id)) {
                return (uint16_t)at;
            }
        }
        if (seen == id) {
            return (uint16_t)at;
        }
    }
    return (uint16_t)(id % FCM_SPACES);
}

uint64_t fcm_epoch(const fcm_region_t *region)
{
    return atomic_load(&fcm_super(region)->epoch);
}

uint16_t fcm_space_of_prefix(const fcm_region_t *region, fcache_bytes_t prefix)
{
    return space_of(region,
                    name_id(region, OF_PREFIX, prefix, fcache_bytes("", 0)));
}

uint16_t fcm_space_of_ns(const fcm_region_t *region, fcache_bytes_t prefix,
                         fcache_bytes_t ns)
{
    return space_of(region, name_id(region, OF_NS, prefix, ns));
}

uint32_t fcm_tag_of(const fcm_region_t *region, fcache_bytes_t prefix,
                    fcache_bytes_t tag)
{
    return (uint32_t)name_id(region, OF_TAG, prefix, tag);
}

/* Both are later than a clear of the tag. Two clears that were not of it have to
 * come together for that, so that many others do it no harm. */
static void cells_of_tag(const fcm_region_t *region, uint32_t tag,
                         fcm_tag_t *out_cells[2])
{
    fcm_tag_t *tags = fcm_tags(region);
    out_cells[0] = tags + tag % region->geo.tag_count;
    out_cells[1] = tags + (tag >> 16 | tag << 16) % region->geo.tag_count;
}

static void raise_tag(const fcm_region_t *region, const fcache_scope_t *scope,
                      uint64_t epoch)
{
    fcm_tag_t *cells[2];
    cells_of_tag(region, fcm_tag_of(region, scope->prefix, scope->tag), cells);
    for (uint32_t i = 0; i < 2; i++) {
        fcm_raise(scope->soft ? &cells[i]->soft : &cells[i]->hard, epoch);
    }
}

/* Of all but tags, which have two. */
static fcm_word_t *scope_cell(const fcm_region_t *region,
                              const fcache_scope_t *scope)
{
    const int soft = scope->soft;
    fcm_super_t *super = fcm_super(region);
    fcm_space_t *space;
    switch (scope->kind) {
    case FCACHE_SCOPE_PREFIX:
        space = fcm_spaces(region) + fcm_space_of_prefix(region, scope->prefix);
        return soft ? &space->soft : &space->hard;
    case FCACHE_SCOPE_NAMESPACE:
        space = fcm_spaces(region) +
                fcm_space_of_ns(region, scope->prefix, scope->ns);
        return soft ? &space->soft : &space->hard;
    case FCACHE_SCOPE_TAG:
    case FCACHE_SCOPE_ALL:
        break;
    }
    return soft ? &super->all_soft : &super->all_hard;
}

void fcm_clear(const fcm_region_t *region, const fcache_scope_t *scope)
{
    FC_POINT("clear");
    uint64_t epoch = atomic_fetch_add(&fcm_super(region)->epoch, 1) + 1;
    FC_POINT("epoch advanced");
    if (scope->kind == FCACHE_SCOPE_TAG) {
        raise_tag(region, scope, epoch);
    } else {
        fcm_raise(scope_cell(region, scope), epoch);
    }
    FC_POINT("cleared");
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int fcm_stamp_holds(const fcm_region_t *region, const fcm_stamp_t *stamp,
                    int *out_soft)
{
    fcm_super_t *super = fcm_super(region);
    *out_soft = 0;
    if (stamp->epoch >= atomic_load(&super->epoch)) {
        return 1;
    }
    uint64_t hard = atomic_load(&super->all_hard);
    uint64_t soft = atomic_load(&super->all_soft);
    const uint16_t spaces[] = {stamp->prefix, stamp->ns};
    for (uint32_t i = 0; i < 2; i++) {
        fcm_space_t *space = fcm_spaces(region) + spaces[i] % FCM_SPACES;
        hard = later(hard, atomic_load(&space->hard));
        soft = later(soft, atomic_load(&space->soft));
    }
    for (uint32_t i = 0; i < stamp->tag_count; i++) {
        fcm_tag_t *cells[2];
        cells_of_tag(region, stamp->tags[i], cells);
        uint64_t tag_hard = atomic_load(&cells[0]->hard);
        uint64_t tag_soft = atomic_load(&cells[0]->soft);
        if (later(tag_hard, tag_soft) > stamp->epoch) {
            tag_hard = earlier(tag_hard, atomic_load(&cells[1]->hard));
            tag_soft = earlier(tag_soft, atomic_load(&cells[1]->soft));
        }
        hard = later(hard, tag_hard);
        soft = later(soft, tag_soft);
    }
    *out_soft = soft > stamp->epoch;
    return hard <= stamp->epoch;
}
