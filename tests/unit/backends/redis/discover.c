/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/discover.h"

#include "check.h"
#include "pool.h"

#include <apr_strings.h>

/* CLUSTER SLOTS as servers may reply, and what the map makes of it. */

#define PARTS_OF_2 "*2\r\n"
#define RANGE(first, last, host, port)                                         \
    "*3\r\n:" first "\r\n:" last "\r\n*2\r\n" host ":" port "\r\n"
#define A "$9\r\n127.0.0.1\r\n"
#define B "$9\r\n127.0.0.2\r\n"

typedef struct world_t {
    apr_pool_t *pool;
    fcrd_conf_t conf;
    fcn_limits_t limits;
    fcn_endpoint_t seed;
    fcrd_map_t map;
    fcrd_server_t *asked;
} world_t;

static world_t *make_world(apr_pool_t *pool)
{
    world_t *world = apr_pcalloc(pool, sizeof(*world));
    fcn_shared_t *shared;
    fcn_resolver_t *resolver;
    world->pool = pool;
    apr_table_t *options = apr_table_make(pool, 1);
    assert_int_equal(fcn_limits_parse(options, NULL, &world->limits, NULL),
                     FCACHE_OK);
    assert_int_equal(
        fcn_endpoint_parse("127.0.0.9", 7000, &world->seed, pool, NULL),
        FCACHE_OK);
    world->conf = (fcrd_conf_t){.topology = FCRD_CLUSTER,
                                .seeds = &world->seed,
                                .seed_count = 1,
                                .access.limits = &world->limits};
    assert_int_equal(fcn_shared_open("test", pool, &shared, NULL), FCACHE_OK);
    assert_int_equal(fcn_resolver_create(&world->limits, &resolver, pool, NULL),
                     FCACHE_OK);
    assert_int_equal(
        fcrd_map_init(&world->map, &world->conf, shared, resolver, pool, NULL),
        FCACHE_OK);
    world->asked = fcrd_map_take_at(&world->map, 0);
    return world;
}

static fcache_status_t take(world_t *world, const char *wire)
{
    static const fcrd_limits_t limits = {1024, 1 << 20, 1 << 17};
    fcrd_reader_t reader;
    const fcrd_reply_t *reply = NULL;
    fcache_error_t error;
    assert_int_equal(fcrd_reader_init(&reader, &limits, world->pool),
                     FCACHE_OK);
    assert_int_equal(fcrd_reader_feed(&reader, fcache_str(wire), NULL),
                     FCACHE_OK);
    assert_int_equal(fcrd_reader_next(&reader, &reply, NULL), FCACHE_OK);
    assert_non_null(reply);
    fcache_status_t status =
        fcrd_slots_take(&world->map, world->asked, reply, &error);
    fcrd_reader_fini(&reader);
    return status;
}

static const char *owner(world_t *world, unsigned slot)
{
    fcrd_server_t *server = fcrd_map_take(&world->map, slot);
    const char *text = server ? server->endpoint.text : "nobody";
    fcrd_map_release(&world->map, server);
    return text;
}

static void ranges_are_assigned(void **state)
{
    world_t *world = make_world(*state);
    assert_string_equal(owner(world, 0), "nobody");
    assert_int_equal(take(world, PARTS_OF_2 RANGE("0", "8191", A, "7001")
                                     RANGE("8192", "16383", B, "7002")),
                     FCACHE_OK);
    assert_string_equal(owner(world, 0), "127.0.0.1:7001");
    assert_string_equal(owner(world, 8191), "127.0.0.1:7001");
    assert_string_equal(owner(world, 8192), "127.0.0.2:7002");
    assert_string_equal(owner(world, 16383), "127.0.0.2:7002");
    /* one slot, of the server that was asked: as Redis 7 says for itself */
    assert_int_equal(take(world, PARTS_OF_2 RANGE("5", "5", "$-1\r\n", "7003")
                                     RANGE("6", "6", "$0\r\n\r\n", "7004")),
                     FCACHE_OK);
    assert_string_equal(owner(world, 4), "127.0.0.1:7001");
    assert_string_equal(owner(world, 5), "127.0.0.9:7003");
    assert_string_equal(owner(world, 6), "127.0.0.9:7004");
    assert_string_equal(owner(world, 7), "127.0.0.1:7001");
}

static void what_makes_no_sense_is_passed_over(void **state)
{
    static const char *const rows[] = {
        "*0\r\n",
        "+OK\r\n",
        ":1\r\n",
        "$-1\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*0\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n$-1\r\n",
        "*1\r\n" RANGE("1", "0", A, "7001"),
        "*1\r\n" RANGE("-1", "5", A, "7001"),
        "*1\r\n" RANGE("0", "16384", A, "7001"),
        "*1\r\n" RANGE("0", "9223372036854775807", A, "7001"),
        "*1\r\n" RANGE("0", "5", A, "0"),
        "*1\r\n" RANGE("0", "5", A, "65536"),
        "*1\r\n" RANGE("0", "5", A, "-7001"),
        "*1\r\n" RANGE("0", "5", ":5\r\n", "7001"),
        "*1\r\n" RANGE("0", "5", "$1\r\n?\r\n", "7001"),
        "*1\r\n" RANGE("0", "5", "$3\r\na b\r\n", "7001"),
        "*1\r\n" RANGE("0", "5", "$3\r\na/b\r\n", "7001"),
        "*1\r\n*3\r\n$1\r\n0\r\n:1\r\n*2\r\n" A ":7001\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n" A "$4\r\n7001\r\n",
    };
    world_t *world = make_world(*state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i]);
        CHECK_INT(take(world, rows[i]), FCACHE_PROTOCOL);
        for (unsigned slot = 0; slot < FCRD_SLOTS; slot++) {
            assert_string_equal(owner(world, slot), "nobody");
        }
    }
}

/* A store of this machine, without a secret, is not led elsewhere. */
static void local_stores_stay_here(void **state)
{
    static const char reply[] = PARTS_OF_2 RANGE("0", "5", A, "7001")
        RANGE("6", "9", "$9\r\n192.0.2.1\r\n", "7002");
    world_t *world = make_world(*state);
    world->conf.stays_local = 1;
    assert_int_equal(take(world, reply), FCACHE_OK);
    assert_string_equal(owner(world, 5), "127.0.0.1:7001");
    assert_string_equal(owner(world, 6), "nobody");
    world->conf.stays_local = 0;
    assert_int_equal(take(world, reply), FCACHE_OK);
    assert_string_equal(owner(world, 6), "192.0.2.1:7002");
}

/* More servers come and go than there are places: those in use stay. */
static void servers_come_and_go(void **state)
{
    world_t *world = make_world(*state);
    fcrd_server_t *kept;
    fcrd_server_t *server;
    assert_int_equal(fcrd_map_take_named(&world->map, fcache_str("127.0.0.3"),
                                         1, &kept, NULL),
                     FCACHE_OK);
    assert_int_equal(take(world, "*1\r\n" RANGE("0", "5", A, "7001")),
                     FCACHE_OK);
    for (unsigned i = 1; i <= 2 * FCRD_SERVERS_MAX; i++) {
        assert_int_equal(fcrd_map_take_named(&world->map,
                                             fcache_str("127.0.0.4"),
                                             (uint16_t)i, &server, NULL),
                         FCACHE_OK);
        fcrd_map_release(&world->map, server);
    }
    assert_string_equal(kept->endpoint.text, "127.0.0.3:1");
    assert_string_equal(world->asked->endpoint.text, "127.0.0.9:7000");
    assert_string_equal(owner(world, 5), "127.0.0.1:7001");
    for (unsigned i = 1; i < FCRD_SERVERS_MAX - 2; i++) {
        assert_int_equal(fcrd_map_take_named(&world->map,
                                             fcache_str("127.0.0.5"),
                                             (uint16_t)i, &server, NULL),
                         FCACHE_OK);
    }
    assert_int_equal(fcrd_map_take_named(&world->map, fcache_str("127.0.0.6"),
                                         1, &server, NULL),
                     FCACHE_UNAVAILABLE);
}

/* One learns, the others go by what there is, and not too often. */
static void the_map_is_learnt_by_one(void **state)
{
    world_t *world = make_world(*state);
    fcn_deadline_t now = fcn_deadline_in(0);
    unsigned turn;
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_LEARN);
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_IGNORANT);
    assert_false(fcrd_map_learnt(&world->map, 0));
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_IGNORANT);
    world->map.next_us = 0;
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_LEARN);
    assert_int_equal(turn, 1);
    assert_true(fcrd_map_learnt(&world->map, 1));
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_KNOWN);
    fcrd_map_doubt(&world->map);
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_KNOWN);
    world->map.next_us = 0;
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_LEARN);
    assert_int_equal(fcrd_map_begin(&world->map, now, &turn), FCRD_KNOWN);
    assert_true(fcrd_map_learnt(&world->map, 0));
    assert_true(world->map.is_stale);
}

/* They are made at any time, and a process's pool may have no lock. */
static void servers_take_no_memory_of_the_processes_pool(void **state)
{
    world_t *world = make_world(*state);
    assert_ptr_not_equal(apr_pool_allocator_get(world->asked->pool),
                         apr_pool_allocator_get(*state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(ranges_are_assigned),
        pool_test(what_makes_no_sense_is_passed_over),
        pool_test(local_stores_stay_here),
        pool_test(servers_come_and_go),
        pool_test(servers_take_no_memory_of_the_processes_pool),
        pool_test(the_map_is_learnt_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
