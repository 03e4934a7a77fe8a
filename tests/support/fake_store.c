/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_store.h"

#include "check.h"

#include <apr_strings.h>

#include <stdlib.h>

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error)
{
    if (apr_table_get(conf->options, "refuse")) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG, "refused");
    }
    *out_self = apr_pcalloc(pool, sizeof(fake_store_t));
    return FCACHE_OK;
}

static uint64_t epoch(void *self)
{
    return ((fake_store_t *)self)->epoch;
}

fake_item_t *fake_store_find(fake_store_t *store, fcache_bytes_t name)
{
    for (size_t i = 0; i < FAKE_MAX_ITEMS; i++) {
        fake_item_t *item = &store->items[i];
        if (item->used && fcache_bytes_equal(fcache_str(item->name), name)) {
            return item;
        }
    }
    return NULL;
}

static void note_look_up(fake_store_t *store, int64_t *until_us)
{
    store->look_ups += !until_us || *until_us == 0;
    if (until_us) {
        *until_us = 1;
    }
}

static fcache_status_t get(void *self, const fcache_key_t *key, int64_t now_us,
                           int64_t *until_us, fcache_item_t *out_item,
                           apr_pool_t *pool, fcache_error_t *error)
{
    fake_store_t *store = self;
    fake_item_t *item = fake_store_find(store, key->name);
    (void)now_us;
    (void)pool;
    store->gets++;
    note_look_up(store, until_us);
    if (store->fail_get != FCACHE_OK) {
        return fcache_error_set(error, store->fail_get, "told to fail");
    }
    if (!item) {
        return FCACHE_MISS;
    }
    *out_item = (fcache_item_t){
        .head = fcache_bytes(item->head, item->head_len),
        .body = &item->body,
        .body_count = 1,
        .dead_us = item->dead_us,
        .soft_purged = store->soft_purged,
        .pin = item,
    };
    store->pins++;
    return FCACHE_OK;
}

static void release(void *self, void *pin)
{
    (void)pin;
    ((fake_store_t *)self)->pins--;
}

static void drop(fake_item_t *item)
{
    free(item->head);
    free((void *)(uintptr_t)item->body.ptr);
    memset(item, 0, sizeof(*item));
}

static apr_status_t drop_all(void *self)
{
    fake_store_t *store = self;
    for (size_t i = 0; i < FAKE_MAX_ITEMS; i++) {
        drop(&store->items[i]);
    }
    return APR_SUCCESS;
}

static char *copy(const fcache_bytes_t *pieces, size_t count, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    *out_len = len;
    len = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > 0) {
            memcpy(bytes + len, pieces[i].ptr, pieces[i].len);
        }
        len += pieces[i].len;
    }
    return bytes;
}

static fake_item_t *unused(fake_store_t *store)
{
    for (size_t i = 0; i < FAKE_MAX_ITEMS; i++) {
        if (!store->items[i].used) {
            return &store->items[i];
        }
    }
    fail_msg("the fake store is full");
    return NULL;
}

static fcache_status_t put(void *self, const fcache_key_t *key,
                           const fcache_value_t *value, int64_t now_us,
                           fcache_error_t *error)
{
    fake_store_t *store = self;
    (void)now_us;
    store->puts++;
    if (store->fail_put != FCACHE_OK) {
        return fcache_error_set(error, store->fail_put, "told to fail");
    }
    size_t body_len = 0;
    size_t head_len = 0;
    char *head = copy(&value->head, 1, &head_len);
    char *body = copy(value->body, value->body_count, &body_len);
    fake_item_t *old = fake_store_find(store, key->name);
    if (old) {
        drop(old);
    }
    fake_item_t *item = unused(store);
    item->used = 1;
    apr_cpystrn(item->name, key->name.ptr, sizeof(item->name));
    item->head = head;
    item->head_len = head_len;
    item->body = fcache_bytes(body, body_len);
    item->dead_us = value->dead_us;
    return FCACHE_OK;
}

static fcache_status_t add(void *self, const fcache_key_t *key,
                           const fcache_value_t *value, int64_t now_us,
                           int64_t *until_us, fcache_error_t *error)
{
    const fake_item_t *item = fake_store_find(self, key->name);
    note_look_up(self, until_us);
    return item && item->dead_us > now_us
               ? FCACHE_EXISTS
               : put(self, key, value, now_us, error);
}

static fcache_status_t del(void *self, const fcache_key_t *key, int64_t now_us,
                           fcache_error_t *error)
{
    fake_store_t *store = self;
    fake_item_t *item = fake_store_find(store, key->name);
    (void)now_us;
    (void)error;
    store->deletes++;
    if (!item) {
        return FCACHE_MISS;
    }
    drop(item);
    return FCACHE_OK;
}

static fcache_status_t touch(void *self, const fcache_key_t *key,
                             int64_t dead_us, int64_t now_us,
                             fcache_error_t *error)
{
    fake_store_t *store = self;
    fake_item_t *item = fake_store_find(store, key->name);
    (void)now_us;
    (void)error;
    store->touches++;
    if (!item) {
        return FCACHE_MISS;
    }
    item->dead_us = dead_us;
    return FCACHE_OK;
}

const fcache_backend_ops_t fake_store_ops = {
    .abi = FCACHE_BACKEND_ABI,
    .scheme = "fake",
    .create = create,
    .epoch = epoch,
    .get = get,
    .release = release,
    .put = put,
    .add = add,
    .del = del,
    .touch = touch,
};

fcache_t *fake_cache(apr_pool_t *pool, fake_store_t **out_store)
{
    fcache_backends_t *backends = fcache_backends_create(pool);
    fcache_backend_t *backend = NULL;
    fcache_t *cache = NULL;
    assert_int_equal(fcache_backends_add(backends, &fake_store_ops, NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_backend_create(backends, "test", "fake:", NULL,
                                           &backend, pool, NULL),
                     FCACHE_OK);
    *out_store = fcache_backend_self(backend);
    apr_pool_cleanup_register(pool, *out_store, drop_all,
                              apr_pool_cleanup_null);
    fcache_options_t options = {.backend = backend};
    assert_int_equal(fcache_create(&options, &cache, pool, NULL), FCACHE_OK);
    return cache;
}
