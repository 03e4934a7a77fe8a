/* SPDX-License-Identifier: Apache-2.0 */
/* What servers say of themselves. */
#include "memcached/client.h"
#include "memcached/fleet.h"

#include "../net/peer.h"
#include "pool.h"

#include <apr_strings.h>

static void serve(peer_t *peer, int fd)
{
    char request[4096];
    while (peer_wait(peer, fd, -1)) {
        ssize_t len = recv(fd, request, sizeof(request) - 1, 0);
        if (len <= 0) {
            return;
        }
        request[len] = '\0';
        const char *reply =
            strncmp(request, "stats", 5) ? "END\r\n" : peer->baton;
        peer_send(fd, reply, strlen(reply));
    }
}

/* ---- how large values may be --------------------------------------------- */

/* It is not believed without limit, for memory is taken before a value has come:
 * the largest value after the first request. */
static uint64_t max_value_of(const char *settings, const char *max_item,
                             apr_pool_t *pool)
{
    peer_t peer = {.serve = serve, .baton = (void *)(uintptr_t)settings};
    fcn_limits_t limits;
    fcn_shared_t *shared = NULL;
    void *store = NULL;
    int is_local = 0;
    const fcache_bytes_t name = fcache_str("fc:app:name");
    fcr_found_t found = {0};
    apr_table_t *options = apr_table_make(pool, 1);
    peer_start(&peer, NULL);
    if (max_item) {
        apr_table_set(options, "max-item", max_item);
    }
    const fcache_backend_conf_t conf = {
        .name = "test",
        .scheme = "memcached",
        .location = apr_psprintf(pool, "//127.0.0.1:%d", peer_port(&peer)),
        .options = options};
    fcn_limits_parse(NULL, NULL, &limits, NULL);
    limits.connect_us = limits.read_us = 60 * S;
    assert_int_equal(
        fcmc_client.create(&conf, &limits, &store, &is_local, pool, NULL),
        FCACHE_OK);
    assert_int_equal(fcn_shared_open(conf.location, pool, &shared, NULL),
                     FCACHE_OK);
    assert_int_equal(fcmc_client.open(store, shared, NULL), FCACHE_OK);
    assert_int_equal(fcmc_client.child_init(store, pool, NULL), FCACHE_OK);
    assert_int_equal(fcmc_client.fetch(store, name, &name, 1, &found,
                                       fcn_deadline_in(60 * S), pool, NULL),
                     FCACHE_OK);
    uint64_t max_value = fcmc_client.max_value(store);
    peer_stop(&peer);
    return max_value;
}

static void sizes_are_believed_up_to_a_limit(void **state)
{
    static const struct {
        const char *settings, *max_item;
        uint64_t item;
    } rows[] = {
        {"END\r\n", NULL, 1 << 20},
        {"STAT item_size_max 2097152\r\nEND\r\n", NULL, 2 << 20},
        {"STAT item_size_max 8388608\r\nEND\r\n", NULL, 8 << 20},
        {"STAT item_size_max 1073741824\r\nEND\r\n", NULL, 8 << 20},
        {"STAT item_size_max 18446744073709551615\r\nEND\r\n", NULL, 8 << 20},
        {"STAT item_size_max 1073741824\r\nEND\r\n", "64M", 64 << 20},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].settings);
        CHECK_INT(max_value_of(rows[i].settings, rows[i].max_item, *state),
                  rows[i].item - FCMC_ITEM_HEADER);
    }
}

/* ---- the census ---------------------------------------------------------- */

#define SILENT   8
#define STORE_US (400 * MS)

static void wait_for_ever(peer_t *peer, int fd)
{
    (void)fd;
    while (peer_wait(peer, -1, -1)) {
    }
}

/* The time of one, not of eight. */
static void silent_servers_are_waited_for_together(void **state)
{
    peer_t peers[SILENT];
    const char *location = "//";
    fcn_limits_t limits;
    fcn_shared_t *shared = NULL;
    void *store = NULL;
    int is_local = 0;
    fcr_census_t census;
    for (size_t i = 0; i < SILENT; i++) {
        peers[i] = (peer_t){.serve = wait_for_ever};
        peer_start(&peers[i], NULL);
        location = apr_psprintf(*state, "%s%s127.0.0.1:%d", location,
                                i ? "," : "", peer_port(&peers[i]));
    }
    const fcache_backend_conf_t conf = {.name = "test",
                                        .scheme = "memcached",
                                        .location = location,
                                        .options = apr_table_make(*state, 1)};
    fcn_limits_parse(NULL, NULL, &limits, NULL);
    limits.connect_us = limits.read_us = 60 * S;
    limits.store_us = STORE_US;
    assert_int_equal(
        fcmc_client.create(&conf, &limits, &store, &is_local, *state, NULL),
        FCACHE_OK);
    assert_int_equal(fcn_shared_open(location, *state, &shared, NULL),
                     FCACHE_OK);
    assert_int_equal(fcmc_client.open(store, shared, NULL), FCACHE_OK);
    assert_int_equal(fcmc_client.child_init(store, *state, NULL), FCACHE_OK);
    int64_t before_us = fcn_clock_us();
    assert_int_equal(fcmc_client.census(store, &census, NULL), FCACHE_TIMEOUT);
    assert_in_range(fcn_clock_us() - before_us, STORE_US,
                    SILENT * STORE_US / 2);
    for (size_t i = 0; i < SILENT; i++) {
        assert_true(peers[i].connections > 0);
        peer_stop(&peers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(sizes_are_believed_up_to_a_limit),
        pool_test(silent_servers_are_waited_for_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
