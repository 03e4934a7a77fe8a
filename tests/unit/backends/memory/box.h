/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MEMORY_BOX_H
#define TESTS_MEMORY_BOX_H

/* A memory store under test, through its vtable. */

#include "check.h"

#include <fcache/backend.h>
#include <fcache/entry.h>

#include <memory/memory.h>
#include <memory/store.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW   INT64_C(1700000000000000)
#define LATER (NOW + INT64_C(3600000000))

static const fcache_backend_ops_t *const ops = &fcache_memory_ops;

typedef struct box_t {
    apr_pool_t *pool;
    apr_pool_t *retain;
    fcm_t *store;
    fcache_error_t error;
} box_t;

static inline void box_create(box_t *box, const char *name, const char *at,
                              const char *option, const char *value)
{
    fcache_backend_conf_t conf = {.name = name, .location = at};
    void *self = NULL;
    apr_table_t *options = apr_table_make(box->pool, 1);
    if (option) {
        apr_table_set(options, option, value);
    }
    conf.options = options;
    if (ops->create(&conf, &self, box->pool, &box->error) != FCACHE_OK) {
        fail_msg("create: %s", box->error.text);
    }
    box->store = self;
}

/* Made and opened, not joined. */
static inline box_t box_open(const char *name, const char *size,
                             apr_pool_t *retain)
{
    box_t box = {0};
    apr_pool_create(&box.pool, NULL);
    box.retain = retain ? retain : box.pool;
    box_create(&box, name, "", "size", size);
    if (ops->open(box.store, box.retain, &box.error) != FCACHE_OK) {
        fail_msg("open: %s", box.error.text);
    }
    return box;
}

static inline void box_join(box_t *box)
{
    if (ops->child_init(box->store, box->pool, &box->error) != FCACHE_OK) {
        fail_msg("child_init: %s", box->error.text);
    }
}

static inline box_t box_make(const char *size)
{
    box_t box = box_open("test", size, NULL);
    box_join(&box);
    return box;
}

static inline void box_close(box_t *box)
{
    char *base = box->store->region.base;
    uint64_t total = box->store->region.geo.total;
    int fd = box->store->region.fd;
    apr_pool_destroy(box->pool);
    munmap(base, total);
    close(fd);
}

static inline void box_check(box_t *box)
{
    if (ops->check(box->store, &box->error) != FCACHE_OK) {
        fail_msg("check: %s", box->error.text);
    }
}

/* ---- keys and values ---- */

static inline fcache_key_t key_of(const char *prefix, const char *ns,
                                  const char *name, apr_pool_t *pool)
{
    fcache_key_t key = {0};
    key.prefix = fcache_str(prefix);
    key.ns = fcache_str(ns);
    key.name = fcache_str(apr_psprintf(pool, "%s:%s:%s", prefix, ns, name));
    return key;
}

static inline fcache_value_t value_of(fcm_t *store, fcache_bytes_t *body)
{
    fcache_value_t value = {0};
    value.head = fcache_str("HEAD");
    value.body = body;
    value.body_count = 1;
    value.epoch = ops->epoch(store);
    value.fresh_until_us = LATER;
    value.dead_us = LATER;
    return value;
}

static inline fcache_status_t put_text(box_t *box, const char *name,
                                       const char *text)
{
    fcache_bytes_t body = fcache_str(text);
    fcache_key_t key = key_of("p", "n", name, box->pool);
    fcache_value_t value = value_of(box->store, &body);
    return ops->put(box->store, &key, &value, NOW, &box->error);
}

static inline fcache_status_t get_at(box_t *box, const char *name,
                                     int64_t now_us, fcache_item_t *item)
{
    fcache_key_t key = key_of("p", "n", name, box->pool);
    return ops->get(box->store, &key, now_us, NULL, item, box->pool,
                    &box->error);
}

/* The text under that name, "-" for none; with '~' before it when stale. */
static inline const char *get_text(box_t *box, const char *name)
{
    fcache_item_t item;
    if (get_at(box, name, NOW, &item) != FCACHE_OK) {
        return "-";
    }
    assert_null(item.pin);
    assert_int_equal(item.body_count, 1);
    CHECK_TEXT(item.head, "HEAD");
    return apr_psprintf(box->pool, "%s%.*s", item.soft_purged ? "~" : "",
                        (int)item.body->len, item.body->ptr);
}

static inline fcache_status_t del(box_t *box, const char *name)
{
    fcache_key_t key = key_of("p", "n", name, box->pool);
    return ops->del(box->store, &key, NOW, &box->error);
}

static inline fcache_stats_t stats_of(box_t *box)
{
    fcache_stats_t stats;
    assert_int_equal(ops->stats(box->store, &stats, &box->error), FCACHE_OK);
    return stats;
}

/* ---- bodies that show what they are ---- */

static inline void body_fill(char *bytes, size_t len, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < len; i += sizeof(state)) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(bytes + i, &state,
               len - i < sizeof(state) ? len - i : sizeof(state));
    }
}

static inline int body_is(const fcache_item_t *item, size_t len, uint64_t seed)
{
    char *wanted = malloc(len + 1);
    size_t at = 0;
    int same = 1;
    body_fill(wanted, len, seed);
    for (size_t i = 0; same && i < item->body_count; i++) {
        same = item->body[i].len <= len - at &&
               !memcmp(wanted + at, item->body[i].ptr, item->body[i].len);
        at += item->body[i].len;
    }
    free(wanted);
    return same && at == len;
}

static inline fcache_status_t put_body(box_t *box, const char *name, size_t len,
                                       uint64_t seed)
{
    char *bytes = malloc(len + 1);
    body_fill(bytes, len, seed);
    fcache_bytes_t body = fcache_bytes(bytes, len);
    fcache_key_t key = key_of("p", "n", name, box->pool);
    fcache_value_t value = value_of(box->store, &body);
    fcache_status_t status =
        ops->put(box->store, &key, &value, NOW, &box->error);
    free(bytes);
    return status;
}

static inline int apr_up(void **state)
{
    (void)state;
    return apr_initialize();
}

#endif
