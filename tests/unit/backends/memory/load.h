/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MEMORY_LOAD_H
#define TESTS_MEMORY_LOAD_H

/*
 * Work for many at once. A value says what it is: key, sequence number, length
 * and a checksum over them and a body made from them; whoever reads it can tell
 * a torn one and one of another key.
 */

#include "box.h"

#include <stdatomic.h>
#include <time.h>

#define LOAD_KEYS  64u
#define LOAD_MAGIC UINT64_C(0x6c6f616465642121)

typedef struct load_stamp_t {
    uint64_t magic;
    uint64_t key;
    uint64_t sequence;
    uint64_t len; /* of the body after this */
    uint64_t sum;
} load_stamp_t;

static inline uint64_t load_sum(const load_stamp_t *stamp)
{
    uint64_t sum = stamp->magic;
    const uint64_t parts[] = {stamp->key, stamp->sequence, stamp->len};
    for (size_t i = 0; i < COUNT(parts); i++) {
        sum = (sum ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return sum;
}

static inline int64_t load_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* What the workers share: the newest sequence number begun of each key, and
 * what they found. */
typedef struct load_t {
    _Atomic uint64_t begun[LOAD_KEYS];
    _Atomic uint64_t bad;  /* what must not be */
    _Atomic uint64_t slow; /* longest operation */
    _Atomic uint64_t hits;
    _Atomic uint64_t stores;
    atomic_int stop;
} load_t;

typedef struct load_worker_t {
    box_t *box;
    apr_pool_t *pool;
    load_t *load;
    uint64_t random;
    char *bytes;
} load_worker_t;

#define LOAD_BODY_MAX 100000u

static inline uint64_t load_draw(load_worker_t *worker, uint64_t below)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return (worker->random >> 11) % below;
}

static inline fcache_key_t load_key(load_worker_t *worker, uint64_t key)
{
    return key_of("p", "n", apr_psprintf(worker->pool, "%d", (int)key),
                  worker->pool);
}

static inline void load_put(load_worker_t *worker, uint64_t key)
{
    const size_t most[] = {100, 2000, 2000, 9000, 30000, LOAD_BODY_MAX};
    size_t len = (size_t)load_draw(worker, most[load_draw(worker, 6)]);
    load_stamp_t stamp = {.magic = LOAD_MAGIC, .key = key, .len = len};
    stamp.sequence = atomic_fetch_add(&worker->load->begun[key], 1) + 1;
    stamp.sum = load_sum(&stamp);
    memcpy(worker->bytes, &stamp, sizeof(stamp));
    body_fill(worker->bytes + sizeof(stamp), len, stamp.sum);
    fcache_bytes_t body = fcache_bytes(worker->bytes, sizeof(stamp) + len);
    fcache_key_t name = load_key(worker, key);
    fcache_value_t value = value_of(worker->box->store, &body);
    if (ops->put(worker->box->store, &name, &value, NOW, NULL) == FCACHE_OK) {
        atomic_fetch_add(&worker->load->stores, 1);
    }
}

static inline int load_is_whole(load_worker_t *worker,
                                const fcache_item_t *item, uint64_t key)
{
    load_stamp_t stamp;
    size_t len = 0;
    char *bytes = worker->bytes;
    for (size_t i = 0; i < item->body_count; i++) {
        if (item->body[i].len > LOAD_BODY_MAX + sizeof(stamp) - len) {
            return 0;
        }
        memcpy(bytes + len, item->body[i].ptr, item->body[i].len);
        len += item->body[i].len;
    }
    if (len < sizeof(stamp)) {
        return 0;
    }
    memcpy(&stamp, bytes, sizeof(stamp));
    fcache_bytes_t body =
        fcache_bytes(bytes + sizeof(stamp), (size_t)stamp.len);
    const fcache_item_t rest = {.body = &body, .body_count = 1};
    return stamp.magic == LOAD_MAGIC && stamp.key == key &&
           stamp.sum == load_sum(&stamp) && stamp.len == len - sizeof(stamp) &&
           stamp.sequence <= atomic_load(&worker->load->begun[key]) &&
           body_is(&rest, body.len, stamp.sum);
}

static inline void load_get(load_worker_t *worker, uint64_t key)
{
    fcache_item_t item;
    fcache_key_t name = load_key(worker, key);
    if (ops->get(worker->box->store, &name, NOW, NULL, &item, worker->pool,
                 NULL) != FCACHE_OK) {
        return;
    }
    if (!load_is_whole(worker, &item, key)) {
        atomic_fetch_add(&worker->load->bad, 1);
    }
    if (item.pin) {
        ops->release(worker->box->store, item.pin);
    }
    atomic_fetch_add(&worker->load->hits, 1);
}

static inline void load_step(load_worker_t *worker)
{
    uint64_t key = load_draw(worker, LOAD_KEYS);
    uint64_t kind = load_draw(worker, 100);
    fcache_key_t name = load_key(worker, key);
    const fcache_scope_t scope = {.kind = FCACHE_SCOPE_ALL};
    int64_t before = load_clock_us();
    if (kind < 30) {
        load_put(worker, key);
    } else if (kind < 92) {
        load_get(worker, key);
    } else if (kind < 96) {
        (void)ops->del(worker->box->store, &name, NOW, NULL);
    } else if (kind < 99) {
        (void)ops->touch(worker->box->store, &name, LATER, NOW, NULL);
    } else if (load_draw(worker, 20) == 0) {
        (void)ops->clear(worker->box->store, &scope, 1, NULL);
    }
    uint64_t took = (uint64_t)(load_clock_us() - before);
    uint64_t slow = atomic_load(&worker->load->slow);
    while (slow < took &&
           !atomic_compare_exchange_weak(&worker->load->slow, &slow, took)) {
    }
}

/* `steps` of them, or until told to stop. */
static inline void load_run(box_t *box, load_t *load, uint64_t seed,
                            unsigned steps)
{
    load_worker_t worker = {.box = box, .load = load, .random = seed};
    worker.bytes = malloc(LOAD_BODY_MAX + sizeof(load_stamp_t));
    apr_pool_create(&worker.pool, NULL);
    for (unsigned i = 0; i < steps && !atomic_load(&load->stop); i++) {
        load_step(&worker);
        apr_pool_clear(worker.pool);
    }
    apr_pool_destroy(worker.pool);
    free(worker.bytes);
}

#endif
