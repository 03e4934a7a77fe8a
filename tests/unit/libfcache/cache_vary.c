/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache.h>

#include "fake_store.h"
#include "pool.h"
#include "responses.h"

#include <apr_strings.h>

typedef struct world_t {
    apr_pool_t *pool;
    fake_store_t *store;
    fcache_t *cache;
    fcache_key_t key;
} world_t;

static world_t make_world(apr_pool_t *pool)
{
    world_t world = {pool, NULL, NULL, response_key("/a", pool)};
    world.cache = fake_cache(pool, &world.store);
    return world;
}

/* "b,c" as a length-prefixed list. */
static fcache_bytes_t list_of(const char *names, apr_pool_t *pool)
{
    fcache_buf_t list;
    fcache_buf_init(&list, 1024);
    while (*names) {
        size_t len = strcspn(names, ",");
        assert_int_equal(fcache_entry_list_add(&list, fcache_bytes(names, len)),
                         FCACHE_OK);
        names += len + (names[len] == ',');
    }
    fcache_bytes_t bytes = fcache_buf_bytes(&list);
    bytes.ptr = bytes.len ? apr_pstrmemdup(pool, bytes.ptr, bytes.len) : NULL;
    fcache_buf_fini(&list);
    return bytes;
}

/* A request with X-A and X-B; NULL leaves a field out. */
static fcache_request_t request_of(const char *a, const char *b,
                                   apr_pool_t *pool)
{
    fcache_field_t *fields = apr_pcalloc(pool, 2 * sizeof(*fields));
    size_t count = 0;
    if (a) {
        fields[count++] = (fcache_field_t){fcache_str("X-A"), fcache_str(a)};
    }
    if (b) {
        fields[count++] = (fcache_field_t){fcache_str("X-B"), fcache_str(b)};
    }
    return plain_request(fields, count);
}

static fcache_status_t store_for(world_t *world, const char *vary,
                                 const char *a, const char *b, int64_t ttl_s)
{
    fcache_request_t request = request_of(a, b, world->pool);
    fcache_entry_t entry = response_entry(ttl_s);
    return response_store(world->cache, "http", &world->key, &entry,
                          a ? a : "none", list_of(vary, world->pool), &request,
                          world->pool);
}

static fcache_status_t look_at(world_t *world, const char *a, const char *b,
                               int64_t after_s)
{
    fcache_request_t request = request_of(a, b, world->pool);
    fcache_status_t status = response_lookup(
        world->cache, &world->key, &request,
        RESPONSES_NOW + after_s * FCACHE_US_PER_S, a ? a : "none", world->pool);
    assert_int_equal(world->store->pins, 0);
    return status;
}

static fcache_status_t look(world_t *world, const char *a, const char *b)
{
    return look_at(world, a, b, 0);
}

/* RFC 9111 §4.1 */
static void requests_select_their_variant(void **state)
{
    world_t world = make_world(*state);
    fcache_hit_t hit;
    fcache_request_t other = request_of("z", NULL, *state);
    assert_int_equal(store_for(&world, "x-a", "1", NULL, 60), FCACHE_OK);
    assert_int_equal(store_for(&world, "x-a", "2", NULL, 60), FCACHE_OK);
    assert_int_equal(store_for(&world, "x-a", NULL, NULL, 60), FCACHE_OK);
    assert_int_equal(look(&world, "1", NULL), FCACHE_OK);
    assert_int_equal(look(&world, "2", "any"), FCACHE_OK);
    assert_int_equal(look(&world, NULL, NULL), FCACHE_OK);
    assert_int_equal(fcache_lookup(world.cache, &world.key, &other,
                                   RESPONSES_NOW, NULL, &hit, *state, NULL),
                     FCACHE_MISS);
    assert_int_equal(hit.varied, 1);
}

/* Index and variant have the time of one look-up together. */
static void all_gets_are_one_look_up(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "x-a", "1", NULL, 60);
    world.store->gets = world.store->look_ups = 0;
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(look(&world, "1", NULL), FCACHE_OK);
        assert_int_equal(world.store->gets, 2 * i);
        assert_int_equal(world.store->look_ups, i);
    }
}

static void a_hit_has_its_own_key(void **state)
{
    world_t world = make_world(*state);
    fcache_request_t request = request_of("1", NULL, *state);
    fcache_hit_t hit;
    store_for(&world, "x-a", "1", NULL, 60);
    assert_int_equal(fcache_lookup(world.cache, &world.key, &request,
                                   RESPONSES_NOW, NULL, &hit, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(hit.varied, 1);
    assert_string_not_equal(hit.key.name.ptr, world.key.name.ptr);
    fcache_pin_release(world.cache, hit.pin);
    assert_int_equal(fcache_lookup(world.cache, &world.key, NULL, RESPONSES_NOW,
                                   NULL, &hit, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(hit.entry.kind, FCACHE_ENTRY_VARY);
    fcache_pin_release(world.cache, hit.pin);
}

/* More names: what was chosen by fewer is not served any more. */
static void names_grow_as_a_union(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "x-a", "1", "p", 60);
    assert_int_equal(look(&world, "1", "q"), FCACHE_OK);
    store_for(&world, "x-b", "2", "q", 60);
    assert_int_equal(look(&world, "1", "p"), FCACHE_MISS);
    assert_int_equal(look(&world, "2", "q"), FCACHE_OK);
    assert_int_equal(look(&world, "1", "q"), FCACHE_MISS);
    store_for(&world, "x-a", "1", "p", 60);
    assert_int_equal(look(&world, "2", "q"), FCACHE_OK);
    assert_int_equal(look(&world, "1", "p"), FCACHE_OK);
    assert_int_equal(look(&world, "1", "q"), FCACHE_MISS);
}

/* A response without Vary for such a URL answers no other variant's request. */
static void no_vary_goes_below_the_index(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "x-a", "1", NULL, 60);
    store_for(&world, "", "2", NULL, 60);
    assert_int_equal(look(&world, "1", NULL), FCACHE_OK);
    assert_int_equal(look(&world, "2", NULL), FCACHE_OK);
    assert_int_equal(look(&world, "3", NULL), FCACHE_MISS);
}

static void an_index_replaces_a_plain_entry(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "", "1", NULL, 60);
    assert_int_equal(look(&world, "1", NULL), FCACHE_OK);
    store_for(&world, "x-a", "2", NULL, 60);
    assert_int_equal(look(&world, "2", NULL), FCACHE_OK);
    assert_int_equal(look(&world, "1", NULL), FCACHE_MISS);
}

static void deleting_the_url_forgets_all(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "x-a", "1", NULL, 60);
    store_for(&world, "x-a", "2", NULL, 60);
    assert_int_equal(fcache_del(world.cache, &world.key, RESPONSES_NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(look(&world, "1", NULL), FCACHE_MISS);
    store_for(&world, "x-a", "1", NULL, 60);
    assert_int_equal(look(&world, "1", NULL), FCACHE_OK);
    assert_int_equal(look(&world, "2", NULL), FCACHE_MISS);
}

/* T12: a URL has at most so many variants; the oldest goes. */
static void variants_are_few(void **state)
{
    world_t world = make_world(*state);
    char value[FCACHE_VARY_MAX_VARIANTS + 1][8];
    for (size_t i = 0; i < COUNT(value); i++) {
        apr_snprintf(value[i], sizeof(value[i]), "v%d", (int)i);
        assert_int_equal(store_for(&world, "x-a", value[i], NULL, 60),
                         FCACHE_OK);
    }
    assert_int_equal(world.store->deletes, 1);
    assert_int_equal(look(&world, value[0], NULL), FCACHE_MISS);
    for (size_t i = 1; i < COUNT(value); i++) {
        assert_int_equal(look(&world, value[i], NULL), FCACHE_OK);
    }
}

static void storing_again_does_not_list_again(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "x-a", "1", NULL, 60);
    assert_int_equal(world.store->puts, 2);
    store_for(&world, "x-a", "1", NULL, 60);
    assert_int_equal(world.store->puts, 3);
    assert_int_equal(world.store->touches, 0);
    store_for(&world, "x-a", "1", NULL, 90);
    assert_int_equal(world.store->puts, 4);
    assert_int_equal(world.store->touches, 1);
}

static void the_index_lives_as_long_as_its_variants(void **state)
{
    world_t world = make_world(*state);
    store_for(&world, "x-a", "1", NULL, 60);
    store_for(&world, "x-a", "2", NULL, 600);
    store_for(&world, "x-a", "3", NULL, 5);
    assert_int_equal(look_at(&world, "3", NULL, 10), FCACHE_MISS);
    assert_int_equal(look_at(&world, "1", NULL, 59), FCACHE_OK);
    assert_int_equal(look_at(&world, "2", NULL, 599), FCACHE_OK);
}

static void refresh_keeps_the_index_alive(void **state)
{
    world_t world = make_world(*state);
    fcache_request_t request = request_of("1", NULL, *state);
    fcache_hit_t hit;
    store_for(&world, "x-a", "1", NULL, 60);
    fcache_lookup(world.cache, &world.key, &request, RESPONSES_NOW, NULL, &hit,
                  *state, NULL);
    fcache_entry_t renewed = hit.entry;
    renewed.fresh_until_us += 60 * FCACHE_US_PER_S;
    renewed.stale_until_us = renewed.fresh_until_us;
    assert_int_equal(
        fcache_refresh(world.cache, &hit, &renewed, RESPONSES_NOW, NULL),
        FCACHE_OK);
    fcache_pin_release(world.cache, hit.pin);
    assert_int_equal(look_at(&world, "1", NULL, 100), FCACHE_OK);
}

static void too_many_names_are_refused(void **state)
{
    world_t world = make_world(*state);
    assert_int_equal(store_for(&world, "a,b,c,d,e,f,g,h", "1", NULL, 60),
                     FCACHE_OK);
    assert_int_equal(store_for(&world, "i,j,k,l,m,n,o,p,q", "1", NULL, 60),
                     FCACHE_TOO_LARGE);
    assert_int_equal(store_for(&world, "i,j,k,l,m,n,o,p", "1", NULL, 60),
                     FCACHE_OK);
}

static void vary_needs_the_request(void **state)
{
    world_t world = make_world(*state);
    fcache_entry_t entry = response_entry(60);
    assert_int_equal(response_store(world.cache, "http", &world.key, &entry,
                                    "b", list_of("x-a", *state), NULL, *state),
                     FCACHE_BAD_INPUT);
    assert_int_equal(world.store->puts, 0);
}

static void an_index_below_an_index_is_a_fault(void **state)
{
    world_t world = make_world(*state);
    fcache_request_t request = request_of("1", NULL, *state);
    fcache_hit_t hit;
    store_for(&world, "x-a", "1", NULL, 60);
    fcache_lookup(world.cache, &world.key, &request, RESPONSES_NOW, NULL, &hit,
                  *state, NULL);
    fcache_pin_release(world.cache, hit.pin);
    fcache_key_t primary = world.key;
    world.key = hit.key; /* an index where the variant was */
    store_for(&world, "x-a", "1", NULL, 60);
    world.key = primary;
    assert_int_equal(look(&world, "1", NULL), FCACHE_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(requests_select_their_variant),
        pool_test(all_gets_are_one_look_up),
        pool_test(a_hit_has_its_own_key),
        pool_test(names_grow_as_a_union),
        pool_test(no_vary_goes_below_the_index),
        pool_test(an_index_replaces_a_plain_entry),
        pool_test(deleting_the_url_forgets_all),
        pool_test(variants_are_few),
        pool_test(storing_again_does_not_list_again),
        pool_test(the_index_lives_as_long_as_its_variants),
        pool_test(refresh_keeps_the_index_alive),
        pool_test(too_many_names_are_refused),
        pool_test(vary_needs_the_request),
        pool_test(an_index_below_an_index_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
