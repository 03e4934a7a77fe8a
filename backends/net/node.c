/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Each request brings limits.retries; ten retries may be saved up. */
#define RETRY_COST  100
#define RETRY_SAVED 1000

typedef struct idle_t {
    void *conn;
    int64_t until_us; /* the end of its life */
    int64_t since_us; /* unused */
} idle_t;

struct fcn_node_t {
    const fcn_endpoint_t *endpoint;
    const fcn_limits_t *limits;
    fcn_shared_t *shared;
    fcn_cell_t *cell;
    fcn_resolver_t *resolver;
    const fcn_conn_ops_t *ops;
    void *baton;
    _Atomic int64_t saved; /* for retries */
    _Atomic pid_t pid;

    pthread_mutex_t mutex; /* of the rest; not held while a call waits */
    pthread_cond_t freed;
    idle_t *idle; /* the one used last is last */
    int64_t idle_count;
    int64_t count; /* with those in use */
    uint32_t flushes;
};

/* Who opened the breaker was another process, perhaps: this one learns here that
 * the server may have moved. */
int fcn_node_up_or_doubt(const fcn_node_t *node)
{
    int is_up = fcn_breaker_is_up(node->cell, fcn_clock_us());
    if (!is_up) {
        fcn_resolver_doubt(node->resolver, node->endpoint);
    }
    return is_up;
}

/* ---- connections ---- */

static int init_locks(fcn_node_t *node)
{
    pthread_condattr_t monotonic;
    int bad = pthread_mutex_init(&node->mutex, NULL);
    bad |= pthread_condattr_init(&monotonic);
    bad |= pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    bad |= pthread_cond_init(&node->freed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return bad;
}

/* In a process forked since: the connections are the parent's, who may also have
 * held the lock. Such a process has one thread when it begins. */
static void notice_fork(fcn_node_t *node)
{
    pid_t pid = getpid();
    if (atomic_load(&node->pid) != pid) {
        (void)init_locks(node);
        node->idle_count = 0;
        node->count = 0;
        node->flushes++;
        atomic_store(&node->pid, pid);
    }
}

/* Closed, or never opened: there is room for another. */
static void drop(fcn_node_t *node, void *conn)
{
    if (conn) {
        node->ops->close(conn);
    }
    pthread_mutex_lock(&node->mutex);
    node->count--;
    pthread_cond_signal(&node->freed);
    pthread_mutex_unlock(&node->mutex);
}

/* All different, so that they do not all end at once. */
static int64_t end_of_life(const fcn_node_t *node, const void *conn,
                           int64_t now_us)
{
    uint64_t hash = XXH3_64bits_withSeed(&conn, sizeof(conn), (uint64_t)now_us);
    return now_us + node->limits->life_us / 100 * (int64_t)(80 + hash % 41);
}

/* ---- taking ---- */

static fcache_status_t all_in_use(const fcn_node_t *node, fcache_error_t *error)
{
    return fcache_error_set(
        error, FCACHE_TIMEOUT, "all %lld connections to %s are in use",
        (long long)node->limits->pool, node->endpoint->text);
}

static fcache_status_t is_open(fcn_node_t *node, fcache_error_t *error)
{
    atomic_fetch_add(&node->shared->skipped, 1);
    return fcache_error_set(error, FCACHE_UNAVAILABLE,
                            "%s has failed and is not asked for a while",
                            node->endpoint->text);
}

/* An idle one, or leave to open one (conn NULL). The lock is held. */
static fcache_status_t reserve(fcn_node_t *node, fcn_deadline_t deadline,
                               idle_t *out_idle, fcache_error_t *error)
{
    const struct timespec until = {deadline.at_us / 1000000,
                                   deadline.at_us % 1000000 * 1000};
    for (;;) {
        if (node->idle_count > 0) {
            *out_idle = node->idle[--node->idle_count];
            return FCACHE_OK;
        }
        if (node->count < node->limits->pool) {
            node->count++;
            out_idle->conn = NULL;
            return FCACHE_OK;
        }
        if (fcn_deadline_left_ms(deadline) == 0) {
            return all_in_use(node, error);
        }
        pthread_cond_timedwait(&node->freed, &node->mutex, &until);
    }
}

static int is_good(const fcn_node_t *node, const idle_t *idle)
{
    int64_t now_us = fcn_clock_us();
    return now_us < idle->until_us &&
           now_us - idle->since_us < node->limits->idle_us &&
           (!node->ops->is_usable || node->ops->is_usable(idle->conn));
}

/* As reserve, but without those that are of no use any more. */
static fcache_status_t reserve_good(fcn_node_t *node, fcn_deadline_t deadline,
                                    fcn_lease_t *lease, fcache_error_t *error)
{
    idle_t idle = {NULL, 0, 0};
    deadline =
        fcn_deadline_sooner(deadline, fcn_deadline_in(node->limits->wait_us));
    for (;;) {
        pthread_mutex_lock(&node->mutex);
        fcache_status_t status = reserve(node, deadline, &idle, error);
        lease->flushes = node->flushes;
        pthread_mutex_unlock(&node->mutex);
        if (status != FCACHE_OK || !idle.conn || is_good(node, &idle)) {
            lease->conn = idle.conn;
            lease->until_us = idle.until_us;
            lease->reused = idle.conn != NULL;
            return status;
        }
        drop(node, idle.conn);
    }
}

/* After so many tries: it is avoided from now on. */
static int has_next(const fcn_node_t *node, const fcn_address_t *address,
                    int tried, fcn_deadline_t deadline)
{
    int count = fcn_resolver_avoid(node->resolver, node->endpoint, address);
    return tried < count && fcn_deadline_left_ms(deadline) > 0;
}

/* The name's addresses in turn, from the one that answered last. */
static fcache_status_t open_any(fcn_node_t *node, fcn_address_t *address,
                                fcn_deadline_t deadline, void **out_conn,
                                fcache_error_t *error)
{
    for (int tried = 1;; tried++) {
        fcache_status_t status = node->ops->open(
            node->baton, node->endpoint, address, deadline, out_conn, error);
        if (status == FCACHE_OK || !address ||
            fcn_outcome_of(status) != FCN_FAILED) {
            return status;
        }
        if (!has_next(node, address, tried, deadline) ||
            fcn_resolver_address(node->resolver, node->endpoint, deadline,
                                 address, NULL) != FCACHE_OK) {
            return status;
        }
    }
}

/* Whom the gate lets through asks a new connection. */
static fcache_status_t open_new(fcn_node_t *node, fcn_deadline_t deadline,
                                fcn_address_t *address, fcn_lease_t *lease,
                                fcache_error_t *error)
{
    deadline = fcn_deadline_sooner(deadline,
                                   fcn_deadline_in(node->limits->connect_us));
    fcache_status_t status =
        open_any(node, address, deadline, &lease->conn, error);
    if (status == FCACHE_OK) {
        lease->until_us = end_of_life(node, lease->conn, fcn_clock_us());
        return FCACHE_OK;
    }
    if (fcn_breaker_tell(node->cell, node->limits, lease->gate,
                         fcn_outcome_of(status), fcn_clock_us())) {
        atomic_fetch_add(&node->shared->opened, 1);
    }
    drop(node, NULL);
    return status;
}

/* A name without an address is no failure of the server's: it costs no time. */
static fcache_status_t find_address(fcn_node_t *node, fcn_deadline_t deadline,
                                    const fcn_lease_t *lease,
                                    fcn_address_t *address,
                                    fcache_error_t *error)
{
    if (lease->conn || node->ops->resolves_itself) {
        return FCACHE_OK;
    }
    return fcn_resolver_address(node->resolver, node->endpoint, deadline,
                                address, error);
}

static void put_back(fcn_node_t *node, const fcn_lease_t *lease);
static void close_idle(fcn_node_t *node);

fcache_status_t fcn_node_take(fcn_node_t *node, fcn_deadline_t deadline,
                              fcn_lease_t *out_lease, fcache_error_t *error)
{
    fcn_address_t address;
    notice_fork(node);
    if (!fcn_node_up_or_doubt(node)) {
        return is_open(node, error);
    }
    if (fcn_breaker_state(node->cell, fcn_clock_us())) {
        close_idle(node); /* they would tell of a server that was */
    }
    fcache_status_t status = reserve_good(node, deadline, out_lease, error);
    if (status != FCACHE_OK) {
        return status;
    }
    status = find_address(node, deadline, out_lease, &address, error);
    if (status == FCACHE_OK) {
        out_lease->gate =
            fcn_breaker_ask(node->cell, node->limits, fcn_clock_us());
        if (out_lease->gate == FCN_GATE_OPEN) {
            status = is_open(node, error);
        }
    }
    if (status != FCACHE_OK) {
        put_back(node, out_lease);
        return status;
    }
    if (!out_lease->conn) {
        status = open_new(node, deadline,
                          node->ops->resolves_itself ? NULL : &address,
                          out_lease, error);
    }
    out_lease->taken_us = fcn_clock_us();
    int64_t saved = atomic_load(&node->saved);
    if (saved < RETRY_SAVED) {
        atomic_fetch_add(&node->saved, node->limits->retries);
    }
    return status;
}

/* ---- giving back ---- */

/* Whom nobody has needed for long; the lock is held. */
static void *pop_oldest(fcn_node_t *node, int64_t now_us)
{
    if (node->idle_count == 0 ||
        now_us - node->idle[0].since_us < node->limits->idle_us) {
        return NULL;
    }
    void *conn = node->idle[0].conn;
    node->idle_count--;
    for (int64_t i = 0; i < node->idle_count; i++) {
        node->idle[i] = node->idle[i + 1];
    }
    return conn;
}

/* To the idle ones, unless it is too old or from before a flush. */
static void put_back(fcn_node_t *node, const fcn_lease_t *lease)
{
    int64_t now_us = fcn_clock_us();
    void *closing = lease->conn;
    pthread_mutex_lock(&node->mutex);
    if (closing && lease->flushes == node->flushes &&
        now_us < lease->until_us) {
        closing = pop_oldest(node, now_us);
        node->idle[node->idle_count++] =
            (idle_t){lease->conn, lease->until_us, now_us};
        pthread_cond_signal(&node->freed);
        pthread_mutex_unlock(&node->mutex);
        if (!closing) {
            return;
        }
    } else {
        pthread_mutex_unlock(&node->mutex);
    }
    drop(node, closing);
}

void fcn_node_give(fcn_node_t *node, fcn_lease_t *lease, fcache_status_t status)
{
    int64_t now_us = fcn_clock_us();
    if (atomic_load(&node->pid) != getpid()) {
        return; /* the parent gives it */
    }
    fcn_shared_latency(node->shared, now_us - lease->taken_us);
    if (fcn_breaker_tell(node->cell, node->limits, lease->gate,
                         fcn_outcome_of(status), now_us)) {
        atomic_fetch_add(&node->shared->opened, 1);
    }
    if (fcache_status_is_fault(status)) {
        drop(node, lease->conn);
    } else {
        put_back(node, lease);
    }
    lease->conn = NULL;
}

/* One after the other, as the lock is not held while one is closed. */
static void close_idle(fcn_node_t *node)
{
    for (;;) {
        void *conn = NULL;
        pthread_mutex_lock(&node->mutex);
        if (node->idle_count > 0) {
            conn = node->idle[--node->idle_count].conn;
        }
        pthread_mutex_unlock(&node->mutex);
        if (!conn) {
            return;
        }
        drop(node, conn);
    }
}

/* Nobody is told of it. */
static void withdraw(fcn_node_t *node, fcn_lease_t *lease)
{
    (void)fcn_breaker_tell(node->cell, node->limits, lease->gate, FCN_UNKNOWN,
                           fcn_clock_us());
    drop(node, lease->conn);
    lease->conn = NULL;
}

int fcn_node_may_retry(fcn_node_t *node, fcn_lease_t *lease)
{
    if (!lease->reused || atomic_load(&node->pid) != getpid()) {
        return 0;
    }
    if (atomic_fetch_sub(&node->saved, RETRY_COST) < RETRY_COST) {
        atomic_fetch_add(&node->saved, RETRY_COST);
        return 0;
    }
    close_idle(node);
    withdraw(node, lease);
    return 1;
}

int fcn_node_may_move(fcn_node_t *node, fcn_lease_t *lease,
                      const fcn_address_t *address, int tried,
                      fcn_deadline_t deadline)
{
    if (!has_next(node, address, tried, deadline)) {
        return 0;
    }
    withdraw(node, lease);
    return 1;
}

void fcn_node_flush(fcn_node_t *node)
{
    notice_fork(node);
    pthread_mutex_lock(&node->mutex);
    node->flushes++;
    pthread_mutex_unlock(&node->mutex);
    close_idle(node);
}

/* ---- life ---- */

static apr_status_t let_go(void *data)
{
    fcn_node_t *node = data;
    if (atomic_load(&node->pid) == getpid()) {
        fcn_node_flush(node);
        pthread_cond_destroy(&node->freed);
        pthread_mutex_destroy(&node->mutex);
    }
    return APR_SUCCESS;
}

fcache_status_t fcn_node_create(const fcn_endpoint_t *endpoint,
                                const fcn_limits_t *limits,
                                fcn_shared_t *shared, fcn_resolver_t *resolver,
                                const fcn_conn_ops_t *ops, void *baton,
                                fcn_node_t **out_node, apr_pool_t *pool,
                                fcache_error_t *error)
{
    fcn_address_t ignored;
    fcn_node_t *node = apr_pcalloc(pool, sizeof(*node));
    node->endpoint = endpoint;
    node->limits = limits;
    node->shared = shared;
    node->cell = fcn_shared_cell(shared, endpoint->text);
    node->resolver = resolver;
    node->ops = ops;
    node->baton = baton;
    node->idle = apr_pcalloc(pool, (apr_size_t)limits->pool * sizeof(idle_t));
    atomic_init(&node->saved, limits->retries ? RETRY_SAVED : 0);
    atomic_init(&node->pid, getpid());
    if (init_locks(node)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for connections");
    }
    apr_pool_cleanup_register(pool, node, let_go, apr_pool_cleanup_null);
    if (!ops->resolves_itself) { /* so that it is known when it is needed */
        (void)fcn_resolver_address(resolver, endpoint, fcn_deadline_in(0),
                                   &ignored, NULL);
    }
    *out_node = node;
    return FCACHE_OK;
}
