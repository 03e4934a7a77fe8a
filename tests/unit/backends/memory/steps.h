/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MEMORY_STEPS_H
#define TESTS_MEMORY_STEPS_H

/*
 * The store's sources, compiled with a hook at each of their steps, and every
 * operation in a form that can be done at any time and judged afterwards.
 */

static void fc_point(const char *what);
#define FC_POINT(what)   fc_point(what)
#define FCM_LOCK_WAIT_MS 0

#include <memory/attach.c>
#include <memory/draft.c>
#include <memory/epochs.c>
#include <memory/fsck.c>
#include <memory/index.c>
#include <memory/lock.c>
#include <memory/pins.c>
#include <memory/publish.c>
#include <memory/reader.c>
#include <memory/reclaim.c>
#include <memory/record.c>
#include <memory/region.c>
#include <memory/scan.c>
#include <memory/segment.c>
#include <memory/slots.c>
#include <memory/store.c>
#include <memory/writer.c>

#include "box.h"

/* ---- what is done ---- */

#define SMALL 900
#define BIG   60000

static void put_seed(box_t *box, const char *name, size_t size, uint64_t seed)
{
    (void)put_body(box, name, size, seed);
}

static void put_new(box_t *box)
{
    put_seed(box, "new", SMALL, 2);
}

static void put_new_big(box_t *box)
{
    put_seed(box, "new", BIG, 2);
}

static void replace_small(box_t *box)
{
    put_seed(box, "small", SMALL, 2);
}

static void replace_big(box_t *box)
{
    put_seed(box, "big", BIG, 2);
}

static void shrink_big(box_t *box)
{
    put_seed(box, "big", SMALL, 2);
}

static void add(box_t *box, const char *name)
{
    char bytes[SMALL];
    body_fill(bytes, sizeof(bytes), 2);
    fcache_bytes_t body = fcache_bytes(bytes, sizeof(bytes));
    fcache_key_t key = key_of("p", "n", name, box->pool);
    fcache_value_t value = value_of(box->store, &body);
    ops->add(box->store, &key, &value, NOW, NULL, NULL);
}

static void add_new(box_t *box)
{
    add(box, "new");
}

static void add_small(box_t *box)
{
    add(box, "small");
}

static void delete_small(box_t *box)
{
    del(box, "small");
}

static void delete_big(box_t *box)
{
    del(box, "big");
}

static void touch_big(box_t *box)
{
    fcache_key_t key = key_of("p", "n", "big", box->pool);
    ops->touch(box->store, &key, LATER + 1, NOW, NULL);
}

static void clear_ns(box_t *box)
{
    const fcache_scope_t scope = {
        FCACHE_SCOPE_NAMESPACE, fcache_str("p"), fcache_str("n"), {NULL, 0}, 0};
    ops->clear(box->store, &scope, 1, NULL);
}

static void clear_new_ns(box_t *box)
{
    const fcache_scope_t scope = {FCACHE_SCOPE_NAMESPACE,
                                  fcache_str("p"),
                                  fcache_str("never seen"),
                                  {NULL, 0},
                                  0};
    ops->clear(box->store, &scope, 1, NULL);
}

static fcache_backend_writer_t *write_some(box_t *box)
{
    fcache_backend_writer_t *writer;
    char *bytes = malloc(BIG);
    body_fill(bytes, BIG, 2);
    ops->begin(box->store, 0, &writer, box->pool, NULL);
    for (size_t at = 0; at < BIG; at += BIG / 6) {
        ops->append(writer, fcache_bytes(bytes + at, BIG / 6), NULL);
    }
    free(bytes);
    return writer;
}

static void write_and_commit(box_t *box)
{
    fcache_key_t key = key_of("p", "n", "big", box->pool);
    fcache_value_t value = value_of(box->store, NULL);
    value.body_count = 0;
    ops->commit(write_some(box), &key, &value, NOW, NULL);
}

static void put_many(box_t *box)
{
    for (int i = 0; i < 7; i++) {
        put_seed(box, apr_psprintf(box->pool, "many%d", i), 3500, 2);
    }
}

static void write_and_abort(box_t *box)
{
    ops->abort(write_some(box));
}

/* Seed of what was got: 1 is what was there before, 2 what an operation here
 * stores, 4 what another does. '?' when it is none of them. */
static char seed_of(const fcache_item_t *item)
{
    size_t len = 0;
    for (size_t i = 0; i < item->body_count; i++) {
        len += item->body[i].len;
    }
    for (char seed = '1'; seed <= '4'; seed++) {
        if ((len == SMALL || len == BIG) &&
            body_is(item, len, (uint64_t)(seed - '0'))) {
            return seed;
        }
    }
    return '?';
}

static void read_one(box_t *box, const char *name)
{
    fcache_item_t item;
    if (get_at(box, name, NOW, &item) == FCACHE_OK) {
        fc_point("reader");
        assert_int_not_equal(seed_of(&item), '?');
        if (item.pin) {
            ops->release(box->store, item.pin);
        }
    }
}

static void read_both(box_t *box)
{
    read_one(box, "small");
    read_one(box, "big");
}

static void meet_the_dead(box_t *box)
{
    fcache_item_t item;
    get_at(box, "big", LATER + 5, &item);
}

static void leave_and_join(box_t *box)
{
    apr_pool_t *pool;
    fcm_leave(box->store);
    apr_pool_create(&pool, box->pool);
    ops->child_init(box->store, pool, NULL);
}

static void look(box_t *box)
{
    (void)ops->check(box->store, NULL);
}

/* What may be found afterwards under a key: seed 1 was there before, seed 2 is
 * what the operation stores, 0 stands for nothing. */
typedef struct op_row_t {
    const char *text;
    void (*run)(box_t *box);
    const char *small; /* seeds */
    const char *big;
    const char *new;
} op_row_t;

static const op_row_t rows[] = {
    {"put a new key", put_new, "1", "1", "02"},
    {"put a new large body", put_new_big, "1", "1", "02"},
    {"replace", replace_small, "12", "1", "0"},
    {"replace large by large", replace_big, "1", "12", "0"},
    {"replace large by small", shrink_big, "1", "12", "0"},
    {"add a new key", add_new, "1", "1", "02"},
    {"add a key that is there", add_small, "1", "1", "0"},
    {"delete", delete_small, "01", "1", "0"},
    {"delete large", delete_big, "1", "01", "0"},
    {"touch", touch_big, "1", "1", "0"},
    {"clear a namespace", clear_ns, "01", "01", "0"},
    {"clear another namespace", clear_new_ns, "1", "1", "0"},
    {"write and commit", write_and_commit, "1", "12", "0"},
    {"write and abort", write_and_abort, "1", "1", "0"},
    {"put many", put_many, "1", "1", "0"},
    {"read", read_both, "1", "1", "0"},
    {"meet a dead item", meet_the_dead, "1", "01", "0"},
    {"leave and join", leave_and_join, "1", "1", "0"},
    {"check", look, "1", "1", "0"},
};

/* ---- what is found ---- */

static void fill_up(box_t *box, const char *what, int count)
{
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s%d", what, i);
        put_seed(box, name, i % 9 ? 3500 : BIG / 2, 3);
    }
}

static void seed_is_one_of(box_t *box, const char *name, const char *seeds)
{
    fcache_item_t item;
    char seed = '0';
    if (get_at(box, name, NOW, &item) == FCACHE_OK) {
        seed = seed_of(&item);
        if (item.pin) {
            ops->release(box->store, item.pin);
        }
    }
    if (!strchr(seeds, seed)) {
        fail_msg("%s holds %c, not one of %s", name, seed, seeds);
    }
}

/* All segments come back: filled over twice, none is stuck. */
static void check_no_leak(box_t *box)
{
    const fcm_region_t *region = &box->store->region;
    unsigned in_use = 0;
    unsigned open = 0;
    uint64_t refused = stats_of(box).refused;
    fill_up(box, "after", 200);
    assert_int_equal(stats_of(box).refused, refused);
    box_check(box);
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        const fcm_head_t *head = fcm_head(region, i);
        uint64_t word = atomic_load(&head->word);
        fcm_state_t at = fcm_word_state(word);
        assert_true(at != FCM_TAKEN && at != FCM_DRAINING && at != FCM_LIMBO);
        in_use += at != FCM_FREE;
        open += at == FCM_OPEN;
        if (at == FCM_EXTENT || at == FCM_SEALED) {
            /* no older than one revolution */
            assert_true(atomic_load(&fcm_super(region)->seals) -
                            atomic_load(&head->seal) <
                        region->geo.segment_count);
        }
    }
    assert_true(in_use > region->geo.segment_count / 2);
    assert_true(open <= 2 * region->geo.lanes);
}

#endif
