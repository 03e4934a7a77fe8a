/* SPDX-License-Identifier: Apache-2.0 */
#include "region.h"
#include "lock.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What outlives a restart: data only, since the code may be unloaded. */
struct fcm_retained_t {
    char *base;
    int fd;
    uint64_t size;
    uint64_t layout;
    int joined; /* by this process, which uses it until it ends */
};

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static uint64_t pow2_below(uint64_t value)
{
    uint64_t power = 1;
    while (power <= value / 2) {
        power *= 2;
    }
    return power;
}

static uint64_t align_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* About 1,024 segments; in a small region smaller ones, to have 64. */
static uint32_t segment_bytes(uint64_t size)
{
    uint64_t bytes = clamp(pow2_below(size / 1024), 65536, 4194304);
    while (size / bytes < 64 && bytes > 16384) {
        bytes /= 2;
    }
    return (uint32_t)bytes;
}

void fcm_geometry(uint64_t size, fcm_geometry_t *geo)
{
    memset(geo, 0, sizeof(*geo));
    geo->size = size;
    geo->tag_count = (uint32_t)clamp(pow2_below(size / 1024), 1 << 16, 1 << 20);
    geo->bucket_count = (uint32_t)(size / 1024 / FCM_WAYS);
    geo->segment_bytes = segment_bytes(size);

    geo->slots = 2 * (uint64_t)FCM_PAGE;
    geo->ledgers = geo->slots + FCM_SLOTS * sizeof(fcm_slot_t);
    geo->shards = geo->ledgers + FCM_SLOTS * sizeof(fcm_ledger_t);
    geo->locks = geo->shards + FCM_SLOTS * FCM_SHARDS * sizeof(fcm_shard_t);
    geo->spaces = geo->locks + sizeof(fcm_locks_t);
    geo->tags = geo->spaces + FCM_SPACES * sizeof(fcm_space_t);
    geo->leases = geo->tags + geo->tag_count * sizeof(fcm_tag_t);
    geo->index =
        align_up(geo->leases + FCM_LEASES * (uint64_t)FCM_LINE, FCM_PAGE);

    uint64_t index = geo->bucket_count * sizeof(fcm_bucket_t);
    uint64_t ghosts = index / 2;
    geo->ghosts = geo->index + index;
    geo->heads = align_up(geo->ghosts + ghosts, sizeof(fcm_head_t));
    geo->segment_count = (uint32_t)((size - index - ghosts) /
                                    (geo->segment_bytes + sizeof(fcm_head_t)));
    geo->segments =
        align_up(geo->heads + geo->segment_count * sizeof(fcm_head_t),
                 clamp(geo->segment_bytes, FCM_PAGE, 2097152));
    geo->total =
        geo->segments + (uint64_t)geo->segment_count * geo->segment_bytes;
    geo->lanes = (uint32_t)clamp(geo->segment_count / 128, 1, 4);
}

uint64_t fcm_layout_hash(void)
{
    const uint64_t parts[] = {
        FCM_VERSION,
        FCM_SLOTS,
        FCM_EXTENTS,
        sizeof(pthread_mutex_t),
        sizeof(fcm_super_t),
        offsetof(fcm_super_t, epoch),
        offsetof(fcm_super_t, retired),
        sizeof(fcm_slot_t),
        offsetof(fcm_slot_t, cells_high),
        sizeof(fcm_ledger_t),
        sizeof(fcm_shard_t),
        FCM_COUNTERS,
        sizeof(fcm_locks_t),
        offsetof(fcm_lock_t, segment),
        sizeof(fcm_space_t),
        sizeof(fcm_tag_t),
        sizeof(fcm_bucket_t),
        sizeof(fcm_head_t),
        offsetof(fcm_head_t, owner_loc),
        offsetof(fcm_head_t, hits),
        FCM_STATES,
        sizeof(fcm_record_t),
        offsetof(fcm_record_t, body_len),
        offsetof(fcm_record_t, state),
    };
    return XXH3_64bits(parts, sizeof(parts));
}

static fcache_status_t fill_random(void *bytes, size_t len,
                                   fcache_error_t *error)
{
    if (getrandom(bytes, len, 0) != (ssize_t)len) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "no random bytes for the memory store: %s",
                                strerror(errno));
    }
    return FCACHE_OK;
}

static int init_locks(const fcm_region_t *region)
{
    int bad = 0;
    for (uint32_t i = 0; i < FCM_SLOTS; i++) {
        bad |= fcm_lock_init(&fcm_slot(region, i)->alive);
    }
    for (uint32_t i = 0; i < FCM_STRIPES; i++) {
        bad |= fcm_lock_init(&fcm_locks(region)->stripes[i].mutex);
    }
    for (uint32_t i = 0; i < FCM_OPEN_MAX; i++) {
        bad |= fcm_lock_init(&fcm_locks(region)->open[i].mutex);
        atomic_init(&fcm_locks(region)->open[i].segment, FCM_NONE);
    }
    return bad;
}

/* A new region is all zero; the magic, last, makes it one. */
static fcache_status_t format(fcm_region_t *region, fcache_error_t *error)
{
    fcm_super_t *super = fcm_super(region);
    if (init_locks(region)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "no robust mutexes between processes here");
    }
    super->layout = fcm_layout_hash();
    super->size = region->geo.size;
    atomic_init(&super->epoch, 1);
    fcache_status_t status =
        fill_random(super->secret, sizeof(super->secret), error);
    if (status == FCACHE_OK) {
        super->magic = FCM_MAGIC;
    }
    return status;
}

/* Sealed, so that no access to the mapping can ever hit a missing page. */
static fcache_status_t make_file(const char *name, uint64_t total, int *out_fd,
                                 fcache_error_t *error)
{
    char title[200];
    snprintf(title, sizeof(title), "fcache:%s", name);
    int fd = memfd_create(title, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)total) || fchmod(fd, 0600) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fcache_error_set(
            error, FCACHE_UNAVAILABLE,
            "cannot make %llu bytes of shared memory for store %s: %s",
            (unsigned long long)total, name, strerror(code));
    }
    *out_fd = fd;
    return FCACHE_OK;
}

fcache_status_t fcm_region_map(fcm_region_t *region, fcache_error_t *error)
{
    void *base = mmap(NULL, region->geo.total, PROT_READ | PROT_WRITE,
                      MAP_SHARED, region->fd, 0);
    if (base == MAP_FAILED) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "cannot map %llu bytes of shared memory: %s",
                                (unsigned long long)region->geo.total,
                                strerror(errno));
    }
    region->base = base;
    return FCACHE_OK;
}

static fcache_status_t make_region(fcm_region_t *region, const char *name,
                                   uint64_t size, fcache_error_t *error)
{
    fcm_geometry(size, &region->geo);
    fcache_status_t status =
        make_file(name, region->geo.total, &region->fd, error);
    if (status != FCACHE_OK) {
        return status;
    }
    status = fcm_region_map(region, error);
    if (status == FCACHE_OK) {
        status = format(region, error);
        if (status != FCACHE_OK) {
            munmap(region->base, region->geo.total);
        }
    }
    if (status != FCACHE_OK) {
        close(region->fd);
    }
    return status;
}

/* The last children of before have their own mapping. Its size is the file's:
 * another version may have made it. */
static void retire(fcm_retained_t *kept)
{
    fcm_super_t *super = (fcm_super_t *)(void *)kept->base;
    struct stat st;
    if (kept->layout == fcm_layout_hash()) {
        atomic_store(&super->retired, 1);
    }
    if (!kept->joined && fstat(kept->fd, &st) == 0) {
        munmap(kept->base, (size_t)st.st_size);
    }
    close(kept->fd);
}

static int is_usable(const fcm_retained_t *kept, uint64_t size)
{
    return kept->base && kept->size == size &&
           kept->layout == fcm_layout_hash();
}

fcache_status_t fcm_region_open(fcm_region_t *region, const char *name,
                                uint64_t size, apr_pool_t *retain_pool,
                                fcache_error_t *error)
{
    const char *key = apr_pstrcat(retain_pool, "fcache-memory:", name, NULL);
    void *data = NULL;
    apr_pool_userdata_get(&data, key, retain_pool);
    fcm_retained_t *kept = data;
    if (kept && is_usable(kept, size)) {
        region->base = kept->base;
        region->fd = kept->fd;
        region->kept = kept;
        fcm_geometry(size, &region->geo);
        return FCACHE_OK;
    }
    fcache_status_t status = make_region(region, name, size, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (kept) {
        retire(kept);
    } else {
        kept = apr_palloc(retain_pool, sizeof(*kept));
        apr_pool_userdata_set(kept, key, NULL, retain_pool);
    }
    kept->base = region->base;
    kept->fd = region->fd;
    kept->size = size;
    kept->layout = fcm_layout_hash();
    kept->joined = 0;
    region->kept = kept;
    return FCACHE_OK;
}

void fcm_region_hold(fcm_region_t *region)
{
    if (region->kept && region->kept->base == region->base) {
        region->kept->joined = 1;
    }
}

static fcache_status_t foreign(fcache_error_t *error, const char *why)
{
    return fcache_error_set(error, FCACHE_UNAVAILABLE,
                            "the shared memory is not usable: %s", why);
}

fcache_status_t fcm_region_probe(fcm_region_t *region, int fd,
                                 fcache_error_t *error)
{
    fcm_super_t super;
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) ||
        pread(fd, &super, sizeof(super), 0) != (ssize_t)sizeof(super)) {
        return foreign(error, "it is no sealed memory file");
    }
    if (super.magic != FCM_MAGIC || super.layout != fcm_layout_hash()) {
        return foreign(error, "it was made by another version");
    }
    if (super.size < FCM_SIZE_MIN || super.size > FCM_SIZE_MAX) {
        return foreign(error, "its size makes no sense");
    }
    fcm_geometry(super.size, &region->geo);
    if ((uint64_t)st.st_size != region->geo.total) {
        return foreign(error, "its size is not what it says");
    }
    if (atomic_load(&super.retired)) {
        return FCACHE_MISS;
    }
    region->fd = fd;
    return FCACHE_OK;
}
