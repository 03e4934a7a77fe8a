/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load on the store that FCACHE_URL names, while whoever started this breaks its
 * servers. The origin is a number that rises; each rise is followed by a clear.
 * Threads get, and put what they miss. Once a clear was acknowledged, nothing
 * older may be got, whatever the servers have lost.
 *
 * Writes a line of counters every 100 ms and ends with its input; 1 when something
 * was served that had been cleared.
 */
#include <fcache/cache.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS  6
#define KEYS     30
#define LIFE_US  (600 * FCACHE_US_PER_S)
#define PURGE_US 20000
#define PREFIX   "tload"

/* name, printed in this order */
#define COUNTERS(X)                                                            \
    X(gets)                                                                    \
    X(hits)                                                                    \
    X(faults)                                                                  \
    X(wrong)                                                                   \
    X(purges)                                                                  \
    X(failed_purges)                                                           \
    X(slowest_us)

typedef struct load_t {
    const fcache_backend_ops_t *ops;
    void *self;
    atomic_int stop;
    atomic_ullong version; /* of the origin */
    atomic_ullong cleared; /* nothing older may be got */
#define X(name) atomic_ullong name;
    COUNTERS(X)
#undef X
} load_t;

static fcache_key_t key_of(unsigned number, apr_pool_t *pool)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_key_t key;
    fcache_tuple_add(tuple, "n", fcache_bytes(&number, sizeof(number)));
    if (fcache_key_from_tuple(tuple, fcache_str(PREFIX), fcache_str("n"), &key,
                              pool, NULL) != FCACHE_OK) {
        abort();
    }
    return key;
}

static void note_slowest(load_t *load, apr_time_t since)
{
    unsigned long long took = (unsigned long long)(apr_time_now() - since);
    unsigned long long seen = atomic_load(&load->slowest_us);
    while (took > seen &&
           !atomic_compare_exchange_weak(&load->slowest_us, &seen, took)) {
    }
}

static void put(load_t *load, const fcache_key_t *key)
{
    char text[32];
    uint64_t epoch = load->ops->epoch(load->self);
    apr_snprintf(text, sizeof(text), "%" APR_UINT64_T_FMT,
                 (apr_uint64_t)atomic_load(&load->version));
    fcache_bytes_t body = fcache_str(text);
    fcache_value_t value = {.head = fcache_str("head"),
                            .body = &body,
                            .body_count = 1,
                            .epoch = epoch,
                            .fresh_until_us = apr_time_now() + LIFE_US,
                            .dead_us = apr_time_now() + LIFE_US};
    load->ops->put(load->self, key, &value, apr_time_now(), NULL);
}

static void get(load_t *load, const fcache_key_t *key, apr_pool_t *pool)
{
    fcache_item_t item;
    apr_time_t since = apr_time_now();
    unsigned long long cleared = atomic_load(&load->cleared);
    fcache_status_t status =
        load->ops->get(load->self, key, since, NULL, &item, pool, NULL);
    note_slowest(load, since);
    atomic_fetch_add(&load->gets, 1);
    if (status == FCACHE_OK) {
        char *text = apr_pstrmemdup(pool, item.body[0].ptr, item.body[0].len);
        atomic_fetch_add(&load->hits, 1);
        if (strtoull(text, NULL, 10) < cleared) {
            atomic_fetch_add(&load->wrong, 1);
        }
    } else {
        atomic_fetch_add(&load->faults, fcache_status_is_fault(status));
        put(load, key);
    }
}

static void *work(void *data)
{
    load_t *load = data;
    apr_pool_t *pool = NULL;
    unsigned at = (unsigned)(uintptr_t)&pool >> 4;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    while (!atomic_load(&load->stop)) {
        apr_pool_clear(pool);
        at = at * 1103515245u + 12345u;
        fcache_key_t key = key_of((at >> 16) % KEYS, pool);
        get(load, &key, pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void *purge(void *data)
{
    load_t *load = data;
    const fcache_scope_t scope = {.kind = FCACHE_SCOPE_NAMESPACE,
                                  .prefix = fcache_str(PREFIX),
                                  .ns = fcache_str("n")};
    while (!atomic_load(&load->stop)) {
        unsigned long long version = atomic_fetch_add(&load->version, 1) + 1;
        if (load->ops->clear(load->self, &scope, 1, NULL) == FCACHE_OK) {
            atomic_store(&load->cleared, version);
            atomic_fetch_add(&load->purges, 1);
        } else {
            atomic_fetch_add(&load->failed_purges, 1);
        }
        usleep(PURGE_US);
    }
    return NULL;
}

static void print(load_t *load)
{
#define X(name) printf(#name "=%llu ", atomic_load(&load->name));
    COUNTERS(X)
#undef X
    printf("\n");
    fflush(stdout);
}

static int open_store(load_t *load, apr_pool_t *pool)
{
    const char *url = getenv("FCACHE_URL");
    fcache_backends_t *backends = fcache_backends_create(pool);
    fcache_backend_t *backend = NULL;
    fcache_error_t error = {"FCACHE_URL is not set"};
    fcache_backends_add_builtin(backends);
    if (!url ||
        fcache_backend_create(backends, "load", url, NULL, &backend, pool,
                              &error) != FCACHE_OK ||
        fcache_backend_open(backend, pool, &error) != FCACHE_OK ||
        fcache_backend_child_init(backend, pool, &error) != FCACHE_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 0;
    }
    load->ops = fcache_backend_ops(backend);
    load->self = fcache_backend_self(backend);
    return 1;
}

int main(void)
{
    static load_t load;
    pthread_t threads[THREADS + 1];
    apr_pool_t *pool = NULL;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        !open_store(&load, pool)) {
        return 2;
    }
    for (size_t i = 0; i <= THREADS; i++) {
        if (pthread_create(&threads[i], NULL, i < THREADS ? work : purge,
                           &load)) {
            return 2;
        }
    }
    while (poll(&input, 1, 100) == 0) {
        print(&load);
    }
    atomic_store(&load.stop, 1);
    for (size_t i = 0; i <= THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    print(&load);
    apr_pool_destroy(pool);
    apr_terminate();
    return atomic_load(&load.wrong) > 0;
}
