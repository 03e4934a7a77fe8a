/* SPDX-License-Identifier: Apache-2.0 */

/* Connections of a process: reuse, ceilings, ends, and what counts against a
 * server. */

#include "names.h"
#include "rig.h"

#include <sys/resource.h>

/* ---- reuse ---- */

static void the_one_used_last_is_used_next(void **state)
{
    (void)state;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    fcn_lease_t one = take_ok(&rig), two = take_ok(&rig);
    void *last = two.conn;
    assert_false(one.reused);
    fcn_node_give(rig.node, &one, FCACHE_OK);
    fcn_node_give(rig.node, &two, FCACHE_MISS);
    fcn_lease_t again = take_ok(&rig);
    assert_true(again.reused);
    assert_ptr_equal(again.conn, last);
    assert_true(ask(&again, 7));
    fcn_node_give(rig.node, &again, FCACHE_OK);
    assert_int_equal(rig.opened, 2);
    assert_int_equal(rig_stats(&rig).round_trips, 3);
    rig_down(&rig);
}

typedef struct row_t {
    fcache_status_t status;
    int closes;
} row_t;

static const row_t rows[] = {
    {FCACHE_OK, 0},       {FCACHE_MISS, 0},        {FCACHE_EXISTS, 0},
    {FCACHE_TIMEOUT, 1},  {FCACHE_UNAVAILABLE, 1}, {FCACHE_TOO_LARGE, 0},
    {FCACHE_PROTOCOL, 1}, {FCACHE_CORRUPT, 1},     {FCACHE_NO_MEMORY, 1},
};

static void a_fault_closes(void **state) /* T27 */
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, fcache_status_name(rows[i].status));
        rig_t rig = {.peer = {.serve = peer_echoes}};
        rig_up(&rig, "127.0.0.1", 1);
        fcn_lease_t lease = take_ok(&rig);
        fcn_node_give(rig.node, &lease, rows[i].status);
        CHECK_INT(rig.closed, rows[i].closes);
        lease = take_ok(&rig);
        CHECK_INT(lease.reused, !rows[i].closes);
        fcn_node_give(rig.node, &lease, FCACHE_OK);
        rig_down(&rig);
    }
}

static void echo_once(peer_t *peer, int fd)
{
    uint64_t number;
    (void)peer_wait(peer, fd, -1);
    if (recv(fd, &number, sizeof(number), MSG_WAITALL) == sizeof(number)) {
        peer_send(fd, (const char *)&number, sizeof(number));
    }
}

/* The server closes what it has answered on: no request pays for that. */
static void closed_ones_are_not_used(void **state)
{
    (void)state;
    rig_t rig = {.peer = {.serve = echo_once}};
    rig_up(&rig, "127.0.0.1", 1);
    for (uint64_t i = 0; i < 20; i++) {
        fcn_lease_t lease = take_ok(&rig);
        assert_true(ask(&lease, i + 1));
        while (wire_is_usable(lease.conn)) {
            usleep(100);
        }
        fcn_node_give(rig.node, &lease, FCACHE_OK);
    }
    assert_int_equal(rig.opened, 20);
    assert_int_equal(rig_stats(&rig).breaker, 0);
    rig_down(&rig);
}

static void they_do_not_live_for_ever(void **state)
{
    (void)state;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    fcn_lease_t one = take_ok(&rig), two = take_ok(&rig);
    assert_in_range(one.until_us - fcn_clock_us(), 240 * S - 60 * S, 360 * S);
    fcn_node_give(rig.node, &one, FCACHE_OK);
    rig.limits.idle_us = 0; /* giving the second sees that the first is old */
    fcn_node_give(rig.node, &two, FCACHE_OK);
    assert_int_equal(rig.closed, 1);
    one = take_ok(&rig);
    assert_false(one.reused);
    assert_int_equal(rig.closed, 2);

    rig.limits.idle_us = 60 * S;
    one.until_us = fcn_clock_us(); /* its life ends while it is in use */
    fcn_node_give(rig.node, &one, FCACHE_OK);
    assert_int_equal(rig.closed, 3);

    rig.limits.life_us = 0; /* or while it is not */
    one = take_ok(&rig);
    one.until_us += 1000;
    fcn_node_give(rig.node, &one, FCACHE_OK);
    usleep(1500);
    one = take_ok(&rig);
    assert_false(one.reused);
    fcn_node_give(rig.node, &one, FCACHE_OK);
    rig_down(&rig);
}

static void a_flush_closes_all(void **state)
{
    (void)state;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    fcn_lease_t one = take_ok(&rig), two = take_ok(&rig);
    fcn_node_give(rig.node, &one, FCACHE_OK);
    fcn_node_flush(rig.node);
    assert_int_equal(rig.closed, 1);
    assert_true(ask(&two, 5)); /* in use until it is given back */
    fcn_node_give(rig.node, &two, FCACHE_OK);
    assert_int_equal(rig.closed, 2);
    rig_down(&rig);
}

/* ---- ceilings ---- */

static void *give_later(void *data)
{
    rig_t *rig = data;
    fcn_lease_t lease;
    if (take(rig, &lease) == FCACHE_OK) {
        fcn_node_give(rig->node, &lease, FCACHE_OK);
    }
    return NULL;
}

static void no_more_than_the_pool(void **state)
{
    (void)state;
    pthread_t waiting;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    rig.limits.pool = 2;
    fcn_lease_t one = take_ok(&rig), two = take_ok(&rig), three;
    rig.limits.wait_us = 5 * MS;
    assert_int_equal(take(&rig, &three), FCACHE_TIMEOUT);
    rig.limits.wait_us = 0;
    assert_int_equal(take(&rig, &three), FCACHE_TIMEOUT);
    rig.limits.wait_us = 60 * S;
    assert_int_equal(
        fcn_node_take(rig.node, fcn_deadline_in(5 * MS), &three, NULL),
        FCACHE_TIMEOUT);
    assert_int_equal(rig_stats(&rig).breaker, 0); /* not the server's fault */

    pthread_create(&waiting, NULL, give_later, &rig);
    fcn_node_give(rig.node, &one, FCACHE_OK);
    pthread_join(waiting, NULL);
    pthread_create(&waiting, NULL, give_later, &rig);
    fcn_node_give(rig.node, &two, FCACHE_TIMEOUT);
    pthread_join(waiting, NULL);
    assert_in_range(rig.opened, 2, 3);
    rig_down(&rig);
}

/* ---- failures ---- */

static void a_server_that_fails_is_not_asked(void **state) /* F1 */
{
    (void)state;
    fcn_lease_t lease;
    rig_t rig = {.peer = {.serve = NULL}};
    rig_up(&rig, "127.0.0.1", 0);
    rig.limits.open_us = 3600 * S;
    rig.limits.open_max_us = 3600 * S;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(take(&rig, &lease), FCACHE_UNAVAILABLE);
    }
    assert_int_equal(rig.tried, 3);
    assert_false(fcn_node_up_or_doubt(rig.node));
    fcache_stats_t stats = rig_stats(&rig);
    assert_int_equal(stats.breaker, 2);
    assert_int_equal(stats.breaker_opened, 1);
    assert_int_equal(stats.skipped, 47);
    rig_down(&rig);
}

static void it_is_asked_again(void **state) /* F26 */
{
    (void)state;
    fcn_lease_t lease;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    rig.limits.open_us = 1000;
    for (int i = 0; i < 3; i++) {
        lease = take_ok(&rig);
        fcn_node_give(rig.node, &lease, FCACHE_TIMEOUT);
    }
    for (int success = 0; success < 2; success++) {
        while (take(&rig, &lease) != FCACHE_OK) {
            usleep(100);
        }
        assert_int_equal(lease.gate, FCN_GATE_PROBE);
        fcn_lease_t other;
        assert_int_equal(take(&rig, &other), FCACHE_UNAVAILABLE);
        fcn_node_give(rig.node, &lease, FCACHE_MISS);
    }
    lease = take_ok(&rig);
    assert_int_equal(lease.gate, FCN_GATE_CLOSED);
    fcn_node_give(rig.node, &lease, FCACHE_OK);
    rig_down(&rig);
}

/* Those of before may lead to a server that has gone without a word. */
static void it_is_asked_again_by_new_connections(void **state)
{
    (void)state;
    fcn_lease_t leases[5], probe;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    rig.limits.open_us = 1000;
    for (size_t i = 0; i < COUNT(leases); i++) {
        leases[i] = take_ok(&rig);
    }
    for (size_t i = 0; i < COUNT(leases); i++) {
        fcn_node_give(rig.node, &leases[i], i < 2 ? FCACHE_OK : FCACHE_TIMEOUT);
    }
    while (take(&rig, &probe) != FCACHE_OK) {
        usleep(100);
    }
    assert_int_equal(probe.gate, FCN_GATE_PROBE);
    assert_false(probe.reused);
    assert_int_equal(rig.closed, COUNT(leases));
    fcn_node_give(rig.node, &probe, FCACHE_OK);
    rig_down(&rig);
}

static void a_name_without_address_is_no_failure(void **state) /* F3 */
{
    (void)state;
    fcn_lease_t lease;
    rig_t rig = {.peer = {.serve = NULL}};
    rig_up(&rig, "none.invalid", 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(
            fcn_node_take(rig.node, fcn_deadline_in(1000), &lease, NULL),
            FCACHE_UNAVAILABLE);
    }
    assert_int_equal(rig.tried, 0);
    assert_int_equal(rig_stats(&rig).breaker, 0);
    rig_down(&rig);
}

/* The breaker is for all processes, and the others may have files left. */
static void no_more_files_opens_no_breaker(void **state)
{
    (void)state;
    struct rlimit before;
    fcn_lease_t lease;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(take(&rig, &lease), FCACHE_NO_MEMORY);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rig_stats(&rig).breaker, 0);
    lease = take_ok(&rig);
    assert_true(ask(&lease, 11));
    fcn_node_give(rig.node, &lease, FCACHE_OK);
    rig_down(&rig);
}

/* Nobody listens at the first. */
static void names_addresses_are_tried_in_turn(void **state)
{
    (void)state;
    set_script("127.0.0.2,::1,127.0.0.1");
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "cache.scripted", 1);
    fcn_lease_t lease = take_ok(&rig);
    assert_true(ask(&lease, 3));
    assert_int_equal(rig.tried, 3);
    assert_int_equal(rig_stats(&rig).breaker, 0);
    fcn_node_give(rig.node, &lease, FCACHE_TIMEOUT);
    lease = take_ok(&rig); /* what answered is asked first */
    fcn_node_give(rig.node, &lease, FCACHE_OK);
    assert_int_equal(rig.tried, 4);
    rig_down(&rig);
}

/* Who asks while the breaker is open hears of it, too. */
static void a_server_that_moved_is_found(void **state)
{
    (void)state;
    set_script("127.0.0.2");
    fcn_lease_t lease;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "cache.scripted", 1);
    rig.limits.open_us = rig.limits.open_max_us = 3600 * S;
    while (rig_stats(&rig).breaker != 2) {
        assert_int_equal(take(&rig, &lease), FCACHE_UNAVAILABLE);
    }
    int tried = rig.tried;
    for (int until = asked + 2; asked < until;) {
        assert_int_equal(take(&rig, &lease), FCACHE_UNAVAILABLE);
    }
    assert_int_equal(rig.tried, tried);
    rig_down(&rig);
}

/* ---- retries ---- */

static fcn_lease_t reused(rig_t *rig)
{
    fcn_lease_t lease = take_ok(rig);
    if (!lease.reused) {
        fcn_node_give(rig->node, &lease, FCACHE_OK);
        lease = take_ok(rig);
    }
    return lease;
}

/* Of 1000 that all want it. */
static int retries_granted(int64_t retries)
{
    int granted = 0;
    rig_t rig = {.peer = {.serve = peer_echoes}, .retries = retries};
    rig_up(&rig, "127.0.0.1", 1);
    fcn_lease_t lease = take_ok(&rig);
    assert_false(fcn_node_may_retry(rig.node, &lease)); /* it was new */
    fcn_node_give(rig.node, &lease, FCACHE_OK);
    for (int i = 0; i < 1000; i++) {
        lease = reused(&rig);
        if (fcn_node_may_retry(rig.node, &lease)) {
            granted++;
        } else {
            fcn_node_give(rig.node, &lease, FCACHE_OK);
        }
    }
    assert_int_equal(rig_stats(&rig).breaker, 0);
    rig_down(&rig);
    return granted;
}

/* With ten to spare, and the requests that follow one bring some themselves. */
static void retries_have_a_budget(void **state)
{
    (void)state;
    assert_in_range(retries_granted(0), 1000 / 10, 1000 / 10 + 1000 / 40 + 10);
    assert_in_range(retries_granted(2), 1000 / 50, 1000 / 50 + 1 + 10);
    assert_int_equal(retries_granted(-1), 0);
}

static void a_retry_drops_the_idle_ones(void **state)
{
    (void)state;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    fcn_lease_t one = take_ok(&rig), two = take_ok(&rig), three = take_ok(&rig);
    fcn_node_give(rig.node, &two, FCACHE_OK);
    fcn_node_give(rig.node, &three, FCACHE_OK);
    three = take_ok(&rig);
    assert_true(fcn_node_may_retry(rig.node, &three));
    assert_int_equal(rig.closed, 2);
    three = take_ok(&rig);
    assert_false(three.reused);
    fcn_node_give(rig.node, &three, FCACHE_OK);
    fcn_node_give(rig.node, &one, FCACHE_OK); /* was in use: stays */
    assert_int_equal(rig.closed, 2);
    rig_down(&rig);
}

/* ---- threads ---- */

#define THREADS 16

typedef struct worker_t {
    rig_t *rig;
    uint64_t seed;
    uint64_t asks, corrupt_each; /* one of so many closes its connection */
    _Atomic int *bad;
} worker_t;

static void *work(void *data)
{
    const worker_t *worker = data;
    for (uint64_t i = 0; i < worker->asks; i++) {
        fcn_lease_t lease;
        uint64_t number = worker->seed * 1000 + i + 1;
        if (take(worker->rig, &lease) != FCACHE_OK || !ask(&lease, number)) {
            atomic_fetch_add(worker->bad, 1);
            return NULL;
        }
        fcn_node_give(worker->rig->node, &lease,
                      number % worker->corrupt_each ? FCACHE_OK
                                                    : FCACHE_CORRUPT);
        if (number % 397 == 0) {
            fcn_node_flush(worker->rig->node);
        }
        int opened = worker->rig->opened; /* first: it errs on the low side */
        if (opened - worker->rig->closed > worker->rig->limits.pool) {
            atomic_fetch_add(worker->bad, 1);
        }
    }
    return NULL;
}

static void crowd(int64_t pool, uint64_t asks, uint64_t corrupt_each)
{
    pthread_t ids[THREADS];
    worker_t workers[THREADS];
    _Atomic int bad = 0;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    rig.limits.pool = pool;
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (worker_t){&rig, i, asks, corrupt_each, &bad};
        assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
    }
    assert_int_equal(bad, 0);
    assert_int_equal(rig_stats(&rig).round_trips, THREADS * asks);
    rig_down(&rig);
}

static void threads_share_a_pool(void **state)
{
    (void)state;
    crowd(5, 500, 50);
    crowd(1, 10, 1); /* whoever waits is told of each that is closed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_used_last_is_used_next),
        cmocka_unit_test(a_fault_closes),
        cmocka_unit_test(closed_ones_are_not_used),
        cmocka_unit_test(they_do_not_live_for_ever),
        cmocka_unit_test(a_flush_closes_all),
        cmocka_unit_test(no_more_than_the_pool),
        cmocka_unit_test(a_server_that_fails_is_not_asked),
        cmocka_unit_test(it_is_asked_again),
        cmocka_unit_test(it_is_asked_again_by_new_connections),
        cmocka_unit_test(a_name_without_address_is_no_failure),
        cmocka_unit_test(no_more_files_opens_no_breaker),
        cmocka_unit_test(names_addresses_are_tried_in_turn),
        cmocka_unit_test(a_server_that_moved_is_found),
        cmocka_unit_test(retries_have_a_budget),
        cmocka_unit_test(a_retry_drops_the_idle_ones),
        cmocka_unit_test(threads_share_a_pool),
    };
    return cmocka_run_group_tests(tests, pool_setup, pool_teardown);
}
