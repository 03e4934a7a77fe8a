/* SPDX-License-Identifier: Apache-2.0 */
/* Names lie where libmemcached's own clients look for them. */
#include "check.h"
#include "pool.h"

#include <memcached/ring.h>

#include <apr_strings.h>
#include <libmemcached/memcached.h>

#define NAMES 10000

static fcache_bytes_t name_of(char text[64], int i)
{
    int len = snprintf(text, 64, "fc:api:%043d", i * 7919);
    return fcache_bytes(text, (size_t)len);
}

static fcmc_ring_t *ring_of(apr_pool_t *pool, const char *const *hosts,
                            size_t count)
{
    fcmc_ring_t *ring = NULL;
    fcn_endpoint_t *endpoints = apr_pcalloc(pool, count * sizeof(*endpoints));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            fcn_endpoint_parse(hosts[i], 11211, &endpoints[i], pool, NULL),
            FCACHE_OK);
    }
    assert_int_equal(fcmc_ring_create(endpoints, count, &ring, pool, NULL),
                     FCACHE_OK);
    return ring;
}

static const char *const hosts[] = {"cache-1.example", "cache-2.example:11222",
                                    "192.0.2.3", "[2001:db8::4]:11211"};

/* Configured as another program would, by its text. */
static void as_libmemcached(void **state)
{
    fcmc_ring_t *ring = ring_of(*state, hosts, 3);
    memcached_st *other = memcached_create(NULL);
    memcached_server_st *list = memcached_servers_parse(
        "cache-1.example,cache-2.example:11222,192.0.2.3:11211");
    assert_int_equal(memcached_server_push(other, list), MEMCACHED_SUCCESS);
    assert_int_equal(
        memcached_behavior_set(other, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1),
        MEMCACHED_SUCCESS);
    size_t on[3] = {0};
    for (int i = 0; i < NAMES; i++) {
        char text[64];
        fcache_bytes_t name = name_of(text, i);
        size_t home = fcmc_ring_home(ring, name);
        ROW((size_t)i, text);
        CHECK_INT(home, memcached_generate_hash(other, name.ptr, name.len));
        on[home]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_in_range(on[i], NAMES / 5, NAMES / 2);
    }
    memcached_server_list_free(list);
    memcached_free(other);
}

static void a_fourth_server_takes_its_share(void **state)
{
    fcmc_ring_t *three = ring_of(*state, hosts, 3);
    fcmc_ring_t *four = ring_of(*state, hosts, 4);
    int moved = 0;
    for (int i = 0; i < NAMES; i++) {
        char text[64];
        fcache_bytes_t name = name_of(text, i);
        size_t before = fcmc_ring_home(three, name);
        size_t after = fcmc_ring_home(four, name);
        ROW((size_t)i, text);
        CHECK_INT(after == before || after == 3, 1);
        moved += after != before;
    }
    print_message("%d of %d names moved\n", moved, NAMES);
    assert_in_range(moved, NAMES / 5, NAMES / 3);
}

/* The home first, then others: each server once, spread over all. */
static void stand_ins_are_others(void **state)
{
    fcmc_ring_t *ring = ring_of(*state, hosts, 4);
    size_t stands_in[4][4] = {{0}};
    for (int i = 0; i < NAMES; i++) {
        char text[64];
        size_t choices[FCMC_CHOICES], again[FCMC_CHOICES];
        fcache_bytes_t name = name_of(text, i);
        ROW((size_t)i, text);
        CHECK_INT(fcmc_ring_choices(ring, name, choices), FCMC_CHOICES);
        CHECK_INT(fcmc_ring_choices(ring, name, again), FCMC_CHOICES);
        CHECK_INT(memcmp(choices, again, sizeof(choices)), 0);
        CHECK_INT(choices[0], fcmc_ring_home(ring, name));
        CHECK_INT(choices[1] != choices[0], 1);
        CHECK_INT(choices[2] != choices[0] && choices[2] != choices[1], 1);
        stands_in[choices[0]][choices[1]]++;
    }
    for (int home = 0; home < 4; home++) {
        for (int other = 0; other < 4; other++) {
            assert_true(home == other || stands_in[home][other] > NAMES / 40);
        }
    }
}

static void one_server_has_all(void **state)
{
    size_t choices[FCMC_CHOICES];
    char text[64];
    fcmc_ring_t *ring = ring_of(*state, hosts, 1);
    assert_int_equal(fcmc_ring_choices(ring, name_of(text, 1), choices), 1);
    assert_int_equal(choices[0], 0);
    const char *const path[] = {"/run/memcached.sock"};
    assert_int_equal(fcmc_ring_home(ring_of(*state, path, 1), name_of(text, 1)),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(as_libmemcached),
        pool_test(a_fourth_server_takes_its_share),
        pool_test(stand_ins_are_others),
        pool_test(one_server_has_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
