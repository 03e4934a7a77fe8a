/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache.h>

#include "fake_store.h"
#include "pool.h"
#include "responses.h"

#include <apr_strings.h>

static const fcache_bytes_t no_vary = {NULL, 0};

typedef struct world_t {
    fake_store_t *store;
    fcache_t *cache;
    fcache_key_t key;
    fake_item_t *item;
} world_t;

/* One stored response. */
static world_t make_world(apr_pool_t *pool)
{
    world_t world = {NULL, NULL, response_key("/a", pool), NULL};
    fcache_entry_t entry = response_entry(60);
    world.cache = fake_cache(pool, &world.store);
    assert_int_equal(response_store(world.cache, "http", &world.key, &entry,
                                    "body", no_vary, NULL, pool),
                     FCACHE_OK);
    world.item = fake_store_find(world.store, world.key.name);
    assert_non_null(world.item);
    return world;
}

static fcache_status_t look(world_t *world, apr_pool_t *pool)
{
    fcache_status_t status = response_lookup(world->cache, &world->key, NULL,
                                             RESPONSES_NOW, "body", pool);
    assert_int_equal(world->store->pins, 0);
    return status;
}

static void a_cache_needs_a_store(void **state)
{
    fcache_options_t options = {.coders = fcache_coders_create(*state)};
    fcache_t *cache = NULL;
    assert_int_equal(fcache_create(&options, &cache, *state, NULL),
                     FCACHE_BAD_CONFIG);
}

static void what_is_stored_is_found(void **state)
{
    world_t world = make_world(*state);
    assert_int_equal(look(&world, *state), FCACHE_OK);
}

/* F24: a store may forget to forget. */
static void the_dead_are_missed(void **state)
{
    world_t world = make_world(*state);
    world.item->dead_us = RESPONSES_NOW;
    assert_int_equal(look(&world, *state), FCACHE_MISS);
    world.item->dead_us++;
    assert_int_equal(look(&world, *state), FCACHE_OK);
}

/* T7, T24, F15-F20: each is a fault or a miss, never a hit, and keeps no pin.
 */
static void damaged_items_are_faults(void **state)
{
    static const struct {
        size_t at;
        char byte;
        fcache_status_t status;
    } rows[] = {
        {0, 'x', FCACHE_CORRUPT},  /* magic */
        {4, 9, FCACHE_MISS},       /* newer version, F21 */
        {56, 3, FCACHE_CORRUPT},   /* body length */
        {130, 'x', FCACHE_CORRUPT} /* canonical key */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        world_t world = make_world(*state);
        world.item->head[rows[i].at] = rows[i].byte;
        ROW(i, "damage");
        CHECK_INT(look(&world, *state), rows[i].status);
    }
}

static void an_entry_of_another_key_is_a_fault(void **state)
{
    world_t world = make_world(*state);
    fcache_key_t other = response_key("/b", *state);
    apr_cpystrn(world.item->name, other.name.ptr, sizeof(world.item->name));
    world.key = other;
    assert_int_equal(look(&world, *state), FCACHE_CORRUPT);
}

static void faults_of_the_store_come_through(void **state)
{
    static const fcache_status_t rows[] = {FCACHE_UNAVAILABLE, FCACHE_TIMEOUT,
                                           FCACHE_PROTOCOL, FCACHE_MISS};
    world_t world = make_world(*state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        world.store->fail_get = rows[i];
        assert_int_equal(look(&world, *state), rows[i]);
    }
}

static void soft_purge_is_told(void **state)
{
    world_t world = make_world(*state);
    fcache_hit_t hit;
    world.store->soft_purged = 1;
    assert_int_equal(fcache_lookup(world.cache, &world.key, NULL, RESPONSES_NOW,
                                   NULL, &hit, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(hit.soft_purged, 1);
    fcache_pin_release(world.cache, hit.pin);
}

static void unknown_coders_are_missed(void **state)
{
    world_t world = make_world(*state);
    char *coder = NULL;
    for (size_t i = 124; i + 4 <= world.item->head_len && !coder; i++) {
        coder = memcmp(world.item->head + i, "http\"", 5) == 0
                    ? world.item->head + i
                    : NULL;
    }
    assert_non_null(coder);
    memcpy(coder, "nope", 4);
    assert_int_equal(look(&world, *state), FCACHE_MISS);
    memcpy(coder, "json", 4); /* "body" is no document */
    assert_int_equal(look(&world, *state), FCACHE_CORRUPT);
}

static void deleting_forgets(void **state)
{
    world_t world = make_world(*state);
    assert_int_equal(fcache_del(world.cache, &world.key, RESPONSES_NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_del(world.cache, &world.key, RESPONSES_NOW, NULL),
                     FCACHE_MISS);
    assert_int_equal(look(&world, *state), FCACHE_MISS);
}

static void what_a_store_cannot_is_unsupported(void **state)
{
    world_t world = make_world(*state);
    fcache_scope_t all = {.kind = FCACHE_SCOPE_ALL};
    fcache_stats_t stats;
    fcache_error_t error;
    assert_int_equal(fcache_clear(world.cache, &all, 1, &error),
                     FCACHE_UNSUPPORTED);
    assert_string_equal(error.text, "store 'fake:' cannot clear");
    assert_int_equal(fcache_stats(world.cache, &stats, NULL),
                     FCACHE_UNSUPPORTED);
    assert_int_equal(fcache_list(world.cache, 0, NULL, NULL, NULL),
                     FCACHE_UNSUPPORTED);
    assert_int_equal(fcache_check(world.cache, NULL), FCACHE_UNSUPPORTED);
}

static void bad_scopes_are_refused(void **state)
{
    world_t world = make_world(*state);
    const fcache_scope_t rows[] = {
        {FCACHE_SCOPE_PREFIX, {"a:", 2}, {"", 0}, {"", 0}, 0},
        {FCACHE_SCOPE_NAMESPACE, {"a", 1}, {"b*", 2}, {"", 0}, 0},
        {FCACHE_SCOPE_TAG, {"a", 1}, {"", 0}, {"", 0}, 0},
        {FCACHE_SCOPE_TAG, {"a b", 3}, {"", 0}, {"t", 1}, 0},
        {(fcache_scope_kind_t)9, {"a", 1}, {"", 0}, {"t", 1}, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, "scope");
        const fcache_scope_t list[] = {{.kind = FCACHE_SCOPE_ALL}, rows[i]};
        CHECK_INT(fcache_clear(world.cache, list, 2, NULL), FCACHE_BAD_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_cache_needs_a_store),
        pool_test(what_is_stored_is_found),
        pool_test(the_dead_are_missed),
        pool_test(damaged_items_are_faults),
        pool_test(an_entry_of_another_key_is_a_fault),
        pool_test(faults_of_the_store_come_through),
        pool_test(soft_purge_is_told),
        pool_test(unknown_coders_are_missed),
        pool_test(deleting_forgets),
        pool_test(what_a_store_cannot_is_unsupported),
        pool_test(bad_scopes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
