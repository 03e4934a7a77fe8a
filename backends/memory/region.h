/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_REGION_H
#define FCM_REGION_H

/* A mapped region, and where things are in it. Offsets come from the geometry
 * of its size, never from the region itself. */

#include "layout.h"

#include <fcache/bytes.h>

#include <apr_pools.h>

#include <sys/types.h>

#define FCM_SIZE_MIN (UINT64_C(1) << 20)
#define FCM_SIZE_MAX (UINT64_C(1) << 40)

typedef struct fcm_geometry_t {
    uint64_t size;
    uint64_t total; /* bytes of the mapping */
    uint64_t slots, ledgers, shards, locks, spaces, tags, leases;
    uint64_t index, ghosts, heads, segments; /* offsets, all of them */
    uint32_t tag_count;
    uint32_t bucket_count;
    uint32_t segment_count;
    uint32_t segment_bytes; /* a power of two */
    uint32_t lanes;         /* open segments of a class */
} fcm_geometry_t;

typedef struct fcm_retained_t fcm_retained_t;

typedef struct fcm_region_t {
    char *base; /* NULL: not mapped */
    int fd;
    fcm_geometry_t geo;
    fcm_retained_t *kept; /* what is known of it after a restart, or NULL */
} fcm_region_t;

/* Where everything lies in a region of that size. */
void fcm_geometry(uint64_t size, fcm_geometry_t *out_geo);

/* Changes with every change of the layout. */
uint64_t fcm_layout_hash(void);

/* The region of that name and size kept in the pool, else a new one. One of
 * another size is unmapped, unless this process holds it: whoever opened it
 * without joining it must be done. */
fcache_status_t fcm_region_open(fcm_region_t *region, const char *name,
                                uint64_t size, apr_pool_t *retain_pool,
                                fcache_error_t *error);

/* This process uses it from now on, until it ends. */
void fcm_region_hold(fcm_region_t *region);

/* That of a running process; pid 0: of the only one there is. Not yet mapped. */
fcache_status_t fcm_region_attach(fcm_region_t *region, const char *name,
                                  long pid, fcache_error_t *error);

/* May `self` use a memory file of that owner? A stranger's may hold anything, and
 * he writes on while it is used. `named` owns the process that was asked for by
 * pid, or is root. */
int fcm_owner_is_trusted(uid_t owner, uid_t self, uid_t named);

/* Takes fd if it holds one of ours, MISS if that is retired. Not yet mapped.
 * The fd is the caller's otherwise. */
fcache_status_t fcm_region_probe(fcm_region_t *region, int fd,
                                 fcache_error_t *error);

/* Maps what is not mapped yet. */
fcache_status_t fcm_region_map(fcm_region_t *region, fcache_error_t *error);

static inline fcm_super_t *fcm_super(const fcm_region_t *region)
{
    return (fcm_super_t *)(void *)region->base;
}

static inline void *fcm_at(const fcm_region_t *region, uint64_t offset)
{
    return region->base + offset;
}

static inline fcm_slot_t *fcm_slot(const fcm_region_t *region, uint32_t i)
{
    return fcm_at(region, region->geo.slots + i * sizeof(fcm_slot_t));
}

static inline fcm_ledger_t *fcm_ledger(const fcm_region_t *region, uint32_t i)
{
    return fcm_at(region, region->geo.ledgers + i * sizeof(fcm_ledger_t));
}

static inline fcm_shard_t *fcm_shards(const fcm_region_t *region, uint32_t i)
{
    return fcm_at(region,
                  region->geo.shards + i * FCM_SHARDS * sizeof(fcm_shard_t));
}

static inline fcm_locks_t *fcm_locks(const fcm_region_t *region)
{
    return fcm_at(region, region->geo.locks);
}

static inline fcm_space_t *fcm_spaces(const fcm_region_t *region)
{
    return fcm_at(region, region->geo.spaces);
}

static inline fcm_tag_t *fcm_tags(const fcm_region_t *region)
{
    return fcm_at(region, region->geo.tags);
}

static inline fcm_bucket_t *fcm_bucket(const fcm_region_t *region, uint32_t i)
{
    return fcm_at(region, region->geo.index + i * sizeof(fcm_bucket_t));
}

static inline fcm_head_t *fcm_head(const fcm_region_t *region, uint32_t i)
{
    return fcm_at(region, region->geo.heads + i * sizeof(fcm_head_t));
}

static inline char *fcm_segment(const fcm_region_t *region, uint32_t i)
{
    return fcm_at(region, region->geo.segments +
                              (uint64_t)i * region->geo.segment_bytes);
}

/* Places of records: one more than the offset in units, so that 0 is none. */
static inline uint64_t fcm_loc(const fcm_region_t *region, uint32_t segment,
                               uint32_t offset)
{
    return ((uint64_t)segment * region->geo.segment_bytes + offset) / FCM_UNIT +
           1;
}

static inline uint32_t fcm_loc_segment(const fcm_region_t *region, uint64_t loc)
{
    return (uint32_t)((loc - 1) * FCM_UNIT / region->geo.segment_bytes);
}

static inline uint32_t fcm_loc_offset(const fcm_region_t *region, uint64_t loc)
{
    return (uint32_t)((loc - 1) * FCM_UNIT % region->geo.segment_bytes);
}

#endif
