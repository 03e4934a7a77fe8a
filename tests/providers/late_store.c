/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kind of store that another module brings, and that behaves as one far away:
 *
 *   FCacheBackend x late: [delay=TIME] [fail=put]
 *   FCacheBackend x deaf: [delay=TIME]
 *   FCacheBackend x mute:
 *
 * It keeps all in a memory store and takes its time for puts, or refuses them. The
 * deaf one can add and delete too, but of the first add in a process, which is
 * done, nobody hears: until the caller's time for a look-up is over. It takes its
 * time for the first get after that. The mute one is deaf, and cannot delete.
 */
#include "late_store.h"

#include <apr_strings.h>
#include <apr_time.h>

typedef struct late_t {
    fcache_backend_t *inner;
    const fcache_backend_ops_t *ops;
    void *self; /* the inner one's */
    int64_t delay_us;
    int fails;
    int has_added;
    int has_been_asked; /* since then */
} late_t;

static fcache_status_t late_create(const fcache_backend_conf_t *conf,
                                   void **out_self, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    late_t *late = apr_pcalloc(pool, sizeof(*late));
    const char *delay = apr_table_get(conf->options, "delay");
    fcache_status_t status = fcache_backend_create(
        conf->backends, apr_pstrcat(pool, conf->name, ".late", NULL),
        "memory:?size=8M", NULL, &late->inner, pool, error);

    if (status != FCACHE_OK) {
        return status;
    }
    if (delay != NULL &&
        fcache_duration_parse(delay, &late->delay_us) != FCACHE_OK) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "late: delay=%s is no time", delay);
    }
    late->fails = apr_table_get(conf->options, "fail") != NULL;
    late->ops = fcache_backend_ops(late->inner);
    late->self = fcache_backend_self(late->inner);
    *out_self = late;
    return FCACHE_OK;
}

static fcache_status_t late_open(void *self, apr_pool_t *retain_pool,
                                 fcache_error_t *error)
{
    late_t *late = self;

    return fcache_backend_open(late->inner, retain_pool, error);
}

static fcache_status_t late_child_init(void *self, apr_pool_t *pool,
                                       fcache_error_t *error)
{
    late_t *late = self;

    return fcache_backend_child_init(late->inner, pool, error);
}

static uint64_t late_epoch(void *self)
{
    late_t *late = self;

    return late->ops->epoch(late->self);
}

static fcache_status_t late_get(void *self, const fcache_key_t *key,
                                int64_t now_us, int64_t *until_us,
                                fcache_item_t *out_item, apr_pool_t *pool,
                                fcache_error_t *error)
{
    late_t *late = self;

    if (until_us != NULL && *until_us != 0) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE, "late: time is up");
    }
    if (late->has_added && !late->has_been_asked) {
        late->has_been_asked = 1;
        apr_sleep(late->delay_us);
    }
    return late->ops->get(late->self, key, now_us, until_us, out_item, pool,
                          error);
}

static void late_release(void *self, void *pin)
{
    late_t *late = self;

    late->ops->release(late->self, pin);
}

static fcache_status_t late_put(void *self, const fcache_key_t *key,
                                const fcache_value_t *value, int64_t now_us,
                                fcache_error_t *error)
{
    late_t *late = self;

    apr_sleep(late->delay_us);
    if (late->fails) {
        return fcache_error_set(error, FCACHE_TIMEOUT, "late: told to fail");
    }
    return late->ops->put(late->self, key, value, now_us, error);
}

static fcache_status_t late_clear(void *self, const fcache_scope_t *scopes,
                                  size_t count, fcache_error_t *error)
{
    late_t *late = self;

    if (late->fails) {
        return fcache_error_set(error, FCACHE_TIMEOUT, "late: told to fail");
    }
    return late->ops->clear(late->self, scopes, count, error);
}

static fcache_status_t deaf_add(void *self, const fcache_key_t *key,
                                const fcache_value_t *value, int64_t now_us,
                                int64_t *until_us, fcache_error_t *error)
{
    late_t *late = self;
    fcache_status_t status =
        late->ops->add(late->self, key, value, now_us, until_us, error);

    if (!late->has_added) {
        late->has_added = 1;
        *until_us = 1;
        return fcache_error_set(error, FCACHE_TIMEOUT, "deaf: not heard");
    }
    return status;
}

static fcache_status_t deaf_del(void *self, const fcache_key_t *key,
                                int64_t now_us, fcache_error_t *error)
{
    late_t *late = self;

    return late->ops->del(late->self, key, now_us, error);
}

#define ROWS                                                                   \
    .abi = FCACHE_BACKEND_ABI, .flags = FCACHE_BACKEND_REMOTE,                 \
    .create = late_create, .open = late_open, .child_init = late_child_init,   \
    .epoch = late_epoch, .get = late_get, .release = late_release,             \
    .put = late_put, .clear = late_clear

const fcache_backend_ops_t late_store_ops = {.scheme = "late", ROWS};
const fcache_backend_ops_t deaf_store_ops = {
    .scheme = "deaf", .add = deaf_add, .del = deaf_del, ROWS};
const fcache_backend_ops_t mute_store_ops = {
    .scheme = "mute", .add = deaf_add, ROWS};
