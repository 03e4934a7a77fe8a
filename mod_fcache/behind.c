/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store that a behind is for its cache: what is written is queued (writes.c),
 * what is read is asked of the store itself, at once.
 */
#include "behind.h"

struct mfc_behind_t {
    const fcache_backend_ops_t *ops; /* of the store */
    void *self;
    fcache_t *cache;
    mfc_writes_t *writes; /* of this process, or NULL */
};

/* ---- the rows of the store ----------------------------------------------- */

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error)
{
    (void)conf, (void)error;
    *out_self = apr_pcalloc(pool, sizeof(mfc_behind_t));
    return FCACHE_OK;
}

static uint64_t get_epoch(void *self)
{
    const mfc_behind_t *behind = self;

    return behind->ops->epoch(behind->self);
}

static fcache_status_t get(void *self, const fcache_key_t *key, int64_t now_us,
                           int64_t *until_us, fcache_item_t *out_item,
                           apr_pool_t *pool, fcache_error_t *error)
{
    const mfc_behind_t *behind = self;

    return behind->ops->get(behind->self, key, now_us, until_us, out_item, pool,
                            error);
}

static void release(void *self, void *pin)
{
    const mfc_behind_t *behind = self;

    behind->ops->release(behind->self, pin);
}

static uint64_t max_object(void *self)
{
    const mfc_behind_t *behind = self;

    return behind->ops->max_object ? behind->ops->max_object(behind->self)
                                   : UINT64_MAX;
}

static fcache_status_t put(void *self, const fcache_key_t *key,
                           const fcache_value_t *value, int64_t now_us,
                           fcache_error_t *error)
{
    const mfc_behind_t *behind = self;

    return mfc_writes_put(behind->writes, key, value, now_us, error);
}

static fcache_status_t cannot(const mfc_behind_t *behind, const char *what,
                              fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_UNSUPPORTED, "store '%s:' cannot %s",
                            behind->ops->scheme, what);
}

/* OK, though it may find nothing: who deleted it meanwhile is not to get it back, and
 * of a Vary index the next answer makes a new one. */
static fcache_status_t touch(void *self, const fcache_key_t *key,
                             int64_t dead_us, int64_t now_us,
                             fcache_error_t *error)
{
    const mfc_behind_t *behind = self;

    return behind->ops->touch
               ? mfc_writes_touch(behind->writes, key, dead_us, now_us, error)
               : cannot(behind, "touch", error);
}

static fcache_status_t del(void *self, const fcache_key_t *key, int64_t now_us,
                           fcache_error_t *error)
{
    const mfc_behind_t *behind = self;

    return behind->ops->del ? mfc_writes_del(behind->writes, key, now_us, error)
                            : cannot(behind, "delete", error);
}

static const fcache_backend_ops_t behind_ops = {.abi = FCACHE_BACKEND_ABI,
                                                .scheme = "behind",
                                                .create = create,
                                                .epoch = get_epoch,
                                                .get = get,
                                                .release = release,
                                                .put = put,
                                                .del = del,
                                                .touch = touch,
                                                .max_object = max_object};

/* ---- life ---------------------------------------------------------------- */

fcache_status_t mfc_behind_create(const char *name, fcache_backend_t *store,
                                  const fcache_options_t *options,
                                  mfc_behind_t **out_behind, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fcache_backends_t *kinds = fcache_backends_create(pool);
    fcache_options_t own = *options;
    mfc_behind_t *behind;
    fcache_status_t status = fcache_backends_add(kinds, &behind_ops, error);

    if (status == FCACHE_OK) {
        status = fcache_backend_create(kinds, name, "behind:", NULL,
                                       &own.backend, pool, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    behind = fcache_backend_self(own.backend);
    behind->ops = fcache_backend_ops(store);
    behind->self = fcache_backend_self(store);
    *out_behind = behind;
    return fcache_create(&own, &behind->cache, pool, error);
}

int mfc_behind_child_init(mfc_behind_t *behind, apr_pool_t *pchild)
{
    behind->writes = mfc_writes_create(behind->ops, behind->self, pchild);
    return behind->writes != NULL;
}

fcache_t *mfc_behind_cache(const mfc_behind_t *behind)
{
    return behind->cache;
}

mfc_writes_t *mfc_behind_writes(const mfc_behind_t *behind)
{
    return behind->writes;
}
