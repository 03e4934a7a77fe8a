/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <apr_strings.h>

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, KEYS = 8, ROUNDS = 1500, BODY = 3000 };

typedef struct work_t {
    const contract_t *store;
    const fcache_key_t *keys;
    uint32_t seed;
    atomic_int *winners;
    int hits;
    int wrong; /* bytes and answers that may not be */
} work_t;

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void put_one(work_t *work, const fcache_key_t *key)
{
    const contract_t *store = work->store;
    char bytes[BODY];
    int letter = 'a' + (int)(next_random(&work->seed) % 26);
    memset(bytes, letter, sizeof(bytes));
    fcache_bytes_t body =
        fcache_bytes(bytes, next_random(&work->seed) % sizeof(bytes));
    fcache_value_t value = {
        .head = fcache_bytes(bytes, 1),
        .body = &body,
        .body_count = 1,
        .epoch = store->ops->epoch(store->self),
        .fresh_until_us = CONTRACT_NOW + FCACHE_US_PER_S,
        .dead_us = CONTRACT_NOW + FCACHE_US_PER_S,
    };
    fcache_status_t status =
        store->ops->put(store->self, key, &value, CONTRACT_NOW, NULL);
    work->wrong += status != FCACHE_OK && !fcache_status_is_fault(status);
}

/* Every byte of an item must be that of its head. */
static void get_one(work_t *work, const fcache_key_t *key, apr_pool_t *pool)
{
    const contract_t *store = work->store;
    fcache_item_t item;
    fcache_status_t status = store->ops->get(store->self, key, CONTRACT_NOW,
                                             NULL, &item, pool, NULL);
    if (status != FCACHE_OK) {
        work->wrong += status != FCACHE_MISS && !fcache_status_is_fault(status);
        return;
    }
    work->hits++;
    for (size_t i = 0; i < item.body_count; i++) {
        for (size_t j = 0; j < item.body[i].len; j++) {
            work->wrong += item.body[i].ptr[j] != item.head.ptr[0];
        }
    }
    if (item.pin) {
        store->ops->release(store->self, item.pin);
    }
}

static void *churn(void *baton)
{
    work_t *work = baton;
    apr_pool_t *pool = NULL;
    apr_pool_create(&pool, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t what = next_random(&work->seed) % 8;
        const fcache_key_t *key = &work->keys[next_random(&work->seed) % KEYS];
        if (what == 0) {
            work->store->ops->del(work->store->self, key, CONTRACT_NOW, NULL);
        } else if (what < 3) {
            put_one(work, key);
        } else {
            get_one(work, key, pool);
        }
        apr_pool_clear(pool);
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void *add_each(void *baton)
{
    work_t *work = baton;
    const contract_t *store = work->store;
    for (int i = 0; i < KEYS; i++) {
        fcache_bytes_t body = fcache_str("mine");
        fcache_value_t value = {
            .head = fcache_str("h"),
            .body = &body,
            .body_count = 1,
            .epoch = store->ops->epoch(store->self),
            .fresh_until_us = CONTRACT_NOW + 60 * FCACHE_US_PER_S,
            .dead_us = CONTRACT_NOW + 60 * FCACHE_US_PER_S,
        };
        fcache_status_t status = store->ops->add(
            store->self, &work->keys[i], &value, CONTRACT_NOW, NULL, NULL);
        if (status == FCACHE_OK) {
            atomic_fetch_add(&work->winners[i], 1);
        }
        work->wrong += status != FCACHE_OK && status != FCACHE_EXISTS;
    }
    return NULL;
}

/* Answers the hits of all threads. */
static int run(contract_t *store, void *(*body)(void *), atomic_int *winners)
{
    pthread_t threads[THREADS];
    work_t work[THREADS];
    fcache_key_t keys[KEYS];
    int hits = 0;
    int wrong = 0;
    for (int i = 0; i < KEYS; i++) {
        keys[i] =
            contract_key(store, apr_psprintf(store->pool, "thread %d", i));
    }
    for (int i = 0; i < THREADS; i++) {
        work[i] = (work_t){store, keys, (uint32_t)i * 77 + 1, winners, 0, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, body, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        hits += work[i].hits;
        wrong += work[i].wrong;
    }
    assert_int_equal(wrong, 0);
    return hits;
}

/* A store under pressure may fail, but not lie. */
void contract_threads_see_whole_items(void **state)
{
    assert_true(run(*state, churn, NULL) > ROUNDS / 2);
}

void contract_threads_add_once(void **state)
{
    atomic_int winners[KEYS];
    for (int i = 0; i < KEYS; i++) {
        atomic_init(&winners[i], 0);
    }
    run(*state, add_each, winners);
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(atomic_load(&winners[i]), 1);
    }
}
