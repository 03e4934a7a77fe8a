/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Random operations beside a model that knows what each key may hold. A cache
 * may always miss; it may never answer with what was replaced, deleted, cleared
 * or past its time, nor with other bytes. In a store with room for all it may
 * not miss either. Time is virtual.
 */

#include "box.h"

#define KEYS 120
#define NSES 3
#define TAGS 4

typedef struct known_t {
    int there;
    int soft;
    uint64_t seed;
    size_t len;
    int64_t dead_us;
    uint64_t epoch;
    unsigned tag;
} known_t;

typedef struct world_t {
    box_t box;
    known_t keys[KEYS];
    uint64_t random;
    int64_t now_us;
    uint64_t old_epoch; /* taken some time ago */
    uint64_t hard[NSES + TAGS + 2];
    uint64_t soft[NSES + TAGS + 2];
    int roomy;
    unsigned hits;
    unsigned misses;
} world_t;

static uint64_t draw(world_t *world, uint64_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (world->random >> 11) % below;
}

static fcache_key_t key_number(world_t *world, unsigned i)
{
    apr_pool_t *pool = world->box.pool;
    return key_of("p", apr_psprintf(pool, "ns%u", i % NSES),
                  apr_psprintf(pool, "k%u", i), pool);
}

static const char tag_lists[TAGS][4] = {"\1\0a", "\1\0b", "\1\0c", "\1\0d"};

static size_t draw_size(world_t *world)
{
    const size_t most[] = {10, 300, 2000, 9000, 20000, 104857};
    unsigned kind = (unsigned)draw(world, world->roomy ? 4 : COUNT(most));
    return (size_t)draw(world, most[kind] + 1);
}

static void do_put(world_t *world, unsigned i, int add)
{
    known_t *known = &world->keys[i];
    known_t next = {.there = 1,
                    .seed = world->random,
                    .len = draw_size(world),
                    .dead_us = world->now_us + (int64_t)draw(world, 5000) - 50,
                    .epoch = draw(world, 8) ? ops->epoch(world->box.store)
                                            : world->old_epoch,
                    .tag = (unsigned)draw(world, TAGS)};
    char *bytes = malloc(next.len + 1);
    body_fill(bytes, next.len, next.seed);
    fcache_bytes_t body = fcache_bytes(bytes, next.len);
    fcache_key_t key = key_number(world, i);
    fcache_value_t value = value_of(world->box.store, &body);
    value.epoch = next.epoch;
    value.dead_us = next.dead_us;
    value.tags = fcache_bytes(tag_lists[next.tag], 3);
    fcache_status_t status =
        add ? ops->add(world->box.store, &key, &value, world->now_us, NULL,
                       &world->box.error)
            : ops->put(world->box.store, &key, &value, world->now_us,
                       &world->box.error);
    free(bytes);
    if (add && status == FCACHE_EXISTS) {
        assert_true(known->there && known->dead_us > world->now_us);
        return;
    }
    assert_int_equal(status, FCACHE_OK);
    *known = next;
}

/* The epochs that hit a key: all, prefix, its namespace, its tag. */
static int is_hit(const uint64_t *cells, unsigned i, const known_t *known)
{
    return cells[0] > known->epoch || cells[1] > known->epoch ||
           cells[2 + i % NSES] > known->epoch ||
           cells[2 + NSES + known->tag] > known->epoch;
}

static int may_be_there(const world_t *world, unsigned i)
{
    const known_t *known = &world->keys[i];
    return known->there && known->dead_us > world->now_us &&
           !is_hit(world->hard, i, known);
}

static void do_get(world_t *world, unsigned i)
{
    const known_t *known = &world->keys[i];
    fcache_key_t key = key_number(world, i);
    fcache_item_t item;
    fcache_status_t status =
        ops->get(world->box.store, &key, world->now_us, NULL, &item,
                 world->box.pool, &world->box.error);
    if (status == FCACHE_OK) {
        assert_true(may_be_there(world, i));
        assert_true(body_is(&item, known->len, known->seed));
        assert_int_equal(item.dead_us, known->dead_us);
        assert_int_equal(item.soft_purged, is_hit(world->soft, i, known));
        if (item.pin) {
            ops->release(world->box.store, item.pin);
        }
        world->hits++;
    } else {
        assert_int_equal(status, FCACHE_MISS);
        assert_false(world->roomy && may_be_there(world, i));
        world->misses++;
    }
}

static void do_del(world_t *world, unsigned i)
{
    fcache_key_t key = key_number(world, i);
    fcache_status_t status =
        ops->del(world->box.store, &key, world->now_us, NULL);
    assert_true(status == FCACHE_MISS || may_be_there(world, i));
    assert_false(world->roomy && status == FCACHE_MISS &&
                 may_be_there(world, i));
    world->keys[i].there = 0;
}

static void do_touch(world_t *world, unsigned i)
{
    fcache_key_t key = key_number(world, i);
    int64_t dead_us = world->now_us + (int64_t)draw(world, 5000);
    fcache_status_t status =
        ops->touch(world->box.store, &key, dead_us, world->now_us, NULL);
    assert_true(status == FCACHE_MISS || may_be_there(world, i));
    if (status == FCACHE_OK) {
        world->keys[i].dead_us = dead_us;
    }
}

static void do_clear(world_t *world)
{
    unsigned cell = (unsigned)draw(world, NSES + TAGS + 2);
    int soft = draw(world, 2) == 0;
    char ns[8];
    fcache_scope_t scope = {.prefix = fcache_str("p"), .soft = soft};
    if (cell == 0) {
        scope.kind = FCACHE_SCOPE_ALL;
    } else if (cell == 1) {
        scope.kind = FCACHE_SCOPE_PREFIX;
    } else if (cell < 2 + NSES) {
        snprintf(ns, sizeof(ns), "ns%u", cell - 2);
        scope.kind = FCACHE_SCOPE_NAMESPACE;
        scope.ns = fcache_str(ns);
    } else {
        scope.kind = FCACHE_SCOPE_TAG;
        scope.tag = fcache_bytes(tag_lists[cell - 2 - NSES] + 2, 1);
    }
    ops->clear(world->box.store, &scope, 1, NULL);
    (soft ? world->soft : world->hard)[cell] = ops->epoch(world->box.store);
}

static void do_step(world_t *world)
{
    unsigned i = (unsigned)draw(world, KEYS);
    uint64_t kind = draw(world, 100);
    world->now_us += (int64_t)draw(world, 10);
    if (kind < 25) {
        do_put(world, i, 0);
    } else if (kind < 30) {
        do_put(world, i, 1);
    } else if (kind < 85) {
        do_get(world, i);
    } else if (kind < 89) {
        do_del(world, i);
    } else if (kind < 94) {
        do_touch(world, i);
    } else if (kind < 95) {
        do_clear(world);
    } else if (kind < 96) {
        world->old_epoch = ops->epoch(world->box.store);
    }
}

static void run_model(const char *size, uint64_t seed, int steps, int roomy)
{
    world_t *world = calloc(1, sizeof(*world));
    world->box = box_make(size);
    world->random = seed;
    world->now_us = NOW;
    world->roomy = roomy;
    apr_pool_t *outer = world->box.pool;
    apr_pool_create(&world->box.pool, outer);
    for (int i = 0; i < steps; i++) {
        do_step(world);
        if (i % 100 == 0) {
            apr_pool_clear(world->box.pool);
        }
        if (i % 2000 == 0) {
            box_check(&world->box);
        }
    }
    assert_true(world->hits > (unsigned)steps / 20);
    assert_true(world->misses > (unsigned)steps / 20);
    assert_int_equal(stats_of(&world->box).pins, 0);
    assert_int_equal(stats_of(&world->box).faults, 0);
    world->box.pool = outer;
    box_close(&world->box);
    free(world);
}

static void in_a_small_store(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        ROW(seed, "seed");
        run_model("1M", seed, 10000, 0);
    }
}

static void in_a_roomy_store(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 15; seed++) {
        ROW(seed, "seed");
        run_model("16M", seed, 10000, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_small_store),
        cmocka_unit_test(in_a_roomy_store),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
