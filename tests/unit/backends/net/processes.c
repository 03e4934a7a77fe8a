/* SPDX-License-Identifier: Apache-2.0 */

/* What processes share, and what they must not: breakers and connections. */

#include "rig.h"

#include <sys/wait.h>

#define CHILDREN 100

static int wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- breakers ---- */

static fcn_limits_t limits(void)
{
    fcn_limits_t values;
    assert_int_equal(fcn_limits_parse(NULL, NULL, &values, NULL), FCACHE_OK);
    return values;
}

/* All see the same server fail at the same time. */
static int fail_often(fcn_shared_t *shared, const fcn_limits_t *values)
{
    fcn_cell_t *cell = fcn_shared_cell(shared, "cache:6379");
    int opened = 0;
    for (int i = 0; i < 10; i++) {
        opened += fcn_breaker_tell(cell, values, FCN_GATE_CLOSED, FCN_FAILED,
                                   1000 * S);
        fcn_shared_latency(shared, 1000);
    }
    return opened;
}

static void one_of_a_hundred_opens_it(void **state)
{
    fcn_shared_t *shared = NULL;
    const fcn_limits_t values = limits();
    pid_t pids[CHILDREN];
    int opened = 0, probes = 0;
    assert_int_equal(fcn_shared_open("hundred", *state, &shared, NULL),
                     FCACHE_OK);
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            _exit(fail_often(shared, &values));
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        opened += wait_for(pids[i]);
    }
    assert_int_equal(opened, 1);
    fcache_stats_t stats = {0};
    fcn_shared_stats(shared, &stats);
    assert_int_equal(stats.round_trips, CHILDREN * 10);

    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            _exit(fcn_breaker_ask(fcn_shared_cell(shared, "cache:6379"),
                                  &values, 1002 * S) == FCN_GATE_PROBE);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        probes += wait_for(pids[i]);
    }
    assert_int_equal(probes, 1);
}

/* ---- death ---- */

/* Killed at any moment of asking and telling; the others go on. */
static void the_dead_leave_it_working(void **state)
{
    fcn_shared_t *shared = NULL;
    const fcn_limits_t values = limits();
    assert_int_equal(fcn_shared_open("dead", *state, &shared, NULL), FCACHE_OK);
    fcn_cell_t *cell = fcn_shared_cell(shared, "cache:6379");
    for (int round = 0; round < 100; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int64_t now_us = 1000 * S;; now_us += 400 * MS) {
                fcn_gate_t gate = fcn_breaker_ask(cell, &values, now_us);
                (void)fcn_breaker_tell(
                    cell, &values, gate,
                    now_us / MS % 7 < 4 ? FCN_FAILED : FCN_ANSWERED, now_us);
            }
        }
        usleep(500 + (useconds_t)round * 17);
        kill(pid, SIGKILL);
        assert_int_equal(wait_for(pid), -SIGKILL);
        /* much later it lets one through, and closes after two */
        int64_t now_us = INT64_MAX / 2 + round * 3600 * S;
        for (int i = 0; i < 2; i++) {
            fcn_gate_t gate = fcn_breaker_ask(cell, &values, now_us);
            assert_int_not_equal(gate, FCN_GATE_OPEN);
            (void)fcn_breaker_tell(cell, &values, gate, FCN_ANSWERED, now_us);
        }
        now_us += S;
        assert_int_equal(fcn_breaker_ask(cell, &values, now_us),
                         FCN_GATE_CLOSED);
        assert_int_equal(fcn_breaker_state(cell, now_us), 0);
    }
}

/* ---- connections ---- */

/* Neither the idle one nor the one in use is the child's. */
static int use_as_child(rig_t *rig, fcn_lease_t *parents)
{
    int opened = rig->opened;
    fcn_node_give(rig->node, parents, FCACHE_TIMEOUT);
    fcn_lease_t lease = take_ok(rig);
    if (lease.reused || rig->opened != opened + 1 || !ask(&lease, 2)) {
        return 1;
    }
    fcn_node_give(rig->node, &lease, FCACHE_OK);
    apr_pool_destroy(rig->pool);
    return rig->closed == 1 ? 0 : 2; /* its own, and no other */
}

static void a_fork_takes_no_connection_along(void **state) /* F47 */
{
    (void)state;
    rig_t rig = {.peer = {.serve = peer_echoes}};
    rig_up(&rig, "127.0.0.1", 1);
    fcn_lease_t idle = take_ok(&rig), used = take_ok(&rig);
    assert_true(ask(&idle, 1));
    fcn_node_give(rig.node, &idle, FCACHE_OK);
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            _exit(use_as_child(&rig, &used));
        }
        assert_int_equal(wait_for(pid), 0);
    }
    assert_true(ask(&used, 3));
    fcn_node_give(rig.node, &used, FCACHE_OK);
    for (int i = 0; i < 2; i++) {
        fcn_lease_t lease = take_ok(&rig);
        assert_true(lease.reused);
        assert_true(ask(&lease, 4));
        fcn_node_give(rig.node, &lease, FCACHE_OK);
    }
    assert_int_equal(rig.opened, 2);
    assert_int_equal(rig.peer.connections, 7);
    rig_down(&rig);
}

/* A resolver's thread stays behind: names are refused, not waited for. */
static void a_fork_takes_no_resolver_along(void **state)
{
    fcn_resolver_t *resolver = NULL;
    fcn_endpoint_t endpoint;
    fcn_address_t address;
    fcn_limits_t values = limits();
    fcn_resolver_create(&values, &resolver, *state, NULL);
    fcn_endpoint_parse("localhost", 7, &endpoint, *state, NULL);
    assert_int_equal(fcn_resolver_address(resolver, &endpoint,
                                          fcn_deadline_in(60 * S), &address,
                                          NULL),
                     FCACHE_OK);
    pid_t pid = fork();
    if (pid == 0) {
        fcache_status_t status = fcn_resolver_address(
            resolver, &endpoint, fcn_deadline_in(60 * S), &address, NULL);
        apr_pool_destroy(*state);
        _exit(status == FCACHE_UNAVAILABLE ? 0 : 1);
    }
    assert_int_equal(wait_for(pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(one_of_a_hundred_opens_it),
        pool_test(the_dead_leave_it_working),
        pool_test(a_fork_takes_no_connection_along),
        pool_test(a_fork_takes_no_resolver_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
