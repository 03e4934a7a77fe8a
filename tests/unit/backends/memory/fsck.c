/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <memory/index.h>
#include <memory/segment.h>

/* ---- every invariant, broken once ---- */

typedef struct place_t {
    box_t *box;
    const fcm_region_t *region;
    fcm_op_t op;
    fcm_found_t small;
    fcm_found_t big;
} place_t;

static void find_one(place_t *at, const char *name, fcm_found_t *found)
{
    fcm_word_t *cell = NULL;
    fcache_key_t key = key_of("p", "n", name, at->box->pool);
    assert_true(fcm_find(&at->op, fcm_hash(at->region, key.name), key.name,
                         &cell, found));
    fcm_unpin(cell);
}

static void superblock(place_t *at)
{
    fcm_super(at->region)->size++;
}

static void clear_clock(place_t *at)
{
    atomic_store(&fcm_super(at->region)->all_hard, UINT64_MAX);
}

static fcm_head_t *head_of(place_t *at, const fcm_found_t *found)
{
    return fcm_head(at->region, fcm_loc_segment(at->region, found->view.loc));
}

static void segment_state(place_t *at)
{
    atomic_store(&fcm_head(at->region, 50)->word, UINT64_MAX);
}

static void segment_owner(place_t *at)
{
    atomic_store(&fcm_head(at->region, 50)->word,
                 fcm_word(FCM_TAKEN, 0, 77, 1));
}

static void segment_used(place_t *at)
{
    atomic_store(&head_of(at, &at->small)->used, UINT32_MAX);
}

static void segment_free(place_t *at)
{
    atomic_store(&head_of(at, &at->small)->word, 0);
}

static void record_length(place_t *at)
{
    at->small.view.rec->bytes = 20;
}

static void record_state(place_t *at)
{
    atomic_store(&at->small.view.rec->state, FCM_RESERVED);
}

static void record_head(place_t *at)
{
    memcpy((char *)at->small.view.rec + sizeof(fcm_record_t) + 7, "H", 1);
}

static void record_extent(place_t *at)
{
    fcm_record_t *rec = at->big.view.rec;
    ((fcm_extent_t *)(void *)(rec + 1))->segment = UINT32_MAX;
}

static void extent_freed(place_t *at)
{
    atomic_store(&fcm_head(at->region, at->big.view.extents[0].segment)->word,
                 0);
}

static void extent_of_another(place_t *at)
{
    atomic_store(
        &fcm_head(at->region, at->big.view.extents[0].segment)->owner_loc, 5);
}

static void slot_elsewhere(place_t *at)
{
    for (uint32_t i = 0; i < at->region->geo.bucket_count; i++) {
        fcm_word_t *slot = &fcm_bucket(at->region, i)->slots[0];
        if (!atomic_load(slot)) {
            atomic_store(slot, at->small.bits);
            return;
        }
    }
}

static void slot_twice(place_t *at)
{
    fcm_hash_t hash = fcm_hash(at->region, at->small.view.name);
    for (uint32_t i = 0; i < 2 * FCM_WAYS; i++) {
        fcm_word_t *slot = fcm_candidate(at->region, hash, i);
        if (!atomic_load(slot)) {
            atomic_store(slot, at->small.bits);
            return;
        }
    }
}

static void slot_beyond(place_t *at)
{
    atomic_store(at->small.slot, at->small.bits | 0xffffffff);
}

typedef struct damage_t {
    const char *text;
    void (*cause)(place_t *at);
} damage_t;

static const damage_t damages[] = {
    {"superblock", superblock},
    {"clock of clears", clear_clock},
    {"state of a segment", segment_state},
    {"owner of a segment", segment_owner},
    {"use of a segment", segment_used},
    {"segment freed under its records", segment_free},
    {"length of a record", record_length},
    {"state of a record", record_state},
    {"bytes of a head", record_head},
    {"extent that is none", record_extent},
    {"extent that was freed", extent_freed},
    {"extent of another record", extent_of_another},
    {"slot in the wrong bucket", slot_elsewhere},
    {"two slots of one key", slot_twice},
    {"slot that points beyond", slot_beyond},
};

static void check_finds_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(damages); i++) {
        ROW(i, damages[i].text);
        box_t box = box_make("1M");
        place_t at = {.box = &box, .region = &box.store->region};
        put_body(&box, "small", 1000, 1);
        put_body(&box, "big", 60000, 1);
        assert_true(fcm_enter(box.store, NOW, &at.op));
        find_one(&at, "small", &at.small);
        find_one(&at, "big", &at.big);
        box_check(&box);
        damages[i].cause(&at);
        CHECK_INT(ops->check(box.store, &box.error), FCACHE_CORRUPT);
        assert_non_null(strstr(box.error.text, "the first: "));
        box_close(&box);
    }
}

/* ---- wild writes: whatever lies there, nobody crashes ---- */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % below;
}

static void write_wildly(const fcm_region_t *region)
{
    const uint64_t areas[][2] = {
        {region->geo.spaces, region->geo.leases},
        {region->geo.index, region->geo.ghosts},
        {region->geo.heads, region->geo.segments},
        {region->geo.segments, region->geo.total},
    };
    const uint64_t *area = areas[draw(COUNT(areas))];
    uint64_t at = area[0] + draw((area[1] - area[0]) / 8) * 8;
    uint64_t value = draw(2) ? random_state : draw(200);
    memcpy(region->base + at, &value, draw(8) + 1);
}

static int ignore(void *baton, const fcache_listed_t *item)
{
    *(size_t *)baton += item->name.len + item->head.len;
    return 0;
}

static void use(box_t *box)
{
    char name[16];
    fcache_item_t item;
    size_t listed = 0;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "k%d", (int)draw(200));
        (void)put_body(box, name, (size_t)draw(draw(5) ? 3000 : 90000), 1);
        snprintf(name, sizeof(name), "k%d", (int)draw(200));
        if (get_at(box, name, NOW, &item) == FCACHE_OK && item.pin) {
            char byte = 0;
            for (size_t p = 0; p < item.body_count; p++) {
                byte ^= item.body[p].len ? item.body[p].ptr[0] : 0;
            }
            assert_in_range((unsigned char)byte, 0, 255);
            ops->release(box->store, item.pin);
        }
        if (i % 7 == 0) {
            (void)del(box, name);
        }
    }
    ops->list(box->store, NOW, ignore, &listed, NULL);
    (void)ops->check(box->store, NULL);
}

static void wild_writes_crash_nobody(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        ROW(seed, "seed");
        random_state = seed * 12345;
        box_t box = box_make("1M");
        apr_pool_t *outer = box.pool;
        apr_pool_create(&box.pool, outer);
        use(&box);
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < 300; i++) {
                write_wildly(&box.store->region);
            }
            use(&box);
            apr_pool_clear(box.pool);
        }
        box.pool = outer;
        box_close(&box);
    }
}

/* ---- geometry ---- */

static void geometry_of_all_sizes(void **state)
{
    (void)state;
    for (uint64_t size = FCM_SIZE_MIN; size <= FCM_SIZE_MAX;
         size += size / 3 + 4321) {
        fcm_geometry_t geo;
        fcm_geometry(size, &geo);
        ROW((size_t)(size >> 20), "MiB");
        assert_true(geo.segment_count >= 32);
        assert_true(geo.segment_bytes >= 16384);
        assert_true(geo.segments % FCM_PAGE == 0);
        assert_true(geo.index % FCM_PAGE == 0);
        assert_true(geo.heads >= geo.ghosts);
        assert_true(geo.total - geo.index <= size + 4 * 2097152);
        const fcm_region_t region = {.geo = geo};
        uint64_t last = fcm_loc(&region, geo.segment_count, 0);
        assert_true(last < UINT64_C(1) << FCM_SLOT_LOC_BITS);
        assert_int_equal(fcm_loc_segment(&region, last - 1),
                         geo.segment_count - 1);
        /* the largest body has room in its list of extents */
        uint64_t object = size / 10 < (64u << 20) ? size / 10 : 64u << 20;
        assert_true(object / geo.segment_bytes + 2 < FCM_EXTENTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_finds_damage),
        cmocka_unit_test(wild_writes_crash_nobody),
        cmocka_unit_test(geometry_of_all_sizes),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
