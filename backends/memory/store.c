/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"
#include "epochs.h"
#include "ops.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE_DEFAULT (UINT64_C(64) << 20)
#define OBJECT_MAX   (UINT64_C(64) << 20)

fcache_status_t fcm_not_joined(const fcm_t *store, fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_UNAVAILABLE,
                            "store %s: this process has not joined it",
                            store->name);
}

/* ---- options ---- */

typedef struct reading_t {
    fcm_t *store;
    fcache_status_t status;
    fcache_error_t *error;
} reading_t;

static fcache_status_t read_size(fcm_t *store, const char *text,
                                 fcache_error_t *error)
{
    if (fcache_size_parse(text, &store->size) != FCACHE_OK ||
        store->size < FCM_SIZE_MIN || store->size > FCM_SIZE_MAX) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG,
            "memory: size=%s is not a size from 1M to 1024G", text);
    }
    return FCACHE_OK;
}

static fcache_status_t read_pid(fcm_t *store, const char *text,
                                fcache_error_t *error)
{
    char *end = NULL;
    store->attach_pid = strtol(text, &end, 10);
    if (end == text || *end || store->attach_pid <= 0 ||
        store->attach_pid > INT32_MAX) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memory: pid=%s is not the number of a "
                                "process",
                                text);
    }
    return FCACHE_OK;
}

static int read_option(void *baton, const char *name, const char *value)
{
    reading_t *reading = baton;
    fcm_t *store = reading->store;
    if (!strcmp(name, "size") && !store->attach[0]) {
        reading->status = read_size(store, value, reading->error);
    } else if (!strcmp(name, "pid") && store->attach[0]) {
        reading->status = read_pid(store, value, reading->error);
    } else {
        reading->status = fcache_error_set(
            reading->error, FCACHE_BAD_CONFIG,
            "memory: has no option %s here; there is %s", name,
            store->attach[0] ? "pid (of the server whose store it is)"
                             : "size (1M to 1024G, default 64M)");
    }
    return reading->status == FCACHE_OK;
}

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fcm_t *store = apr_pcalloc(pool, sizeof(*store));
    store->pool = pool;
    store->name = apr_pstrdup(pool, conf->name);
    store->attach = apr_pstrdup(pool, conf->location ? conf->location : "");
    store->size = SIZE_DEFAULT;
    store->region.fd = -1;
    if (strlen(store->name) > FCACHE_KEY_MAX_LABEL ||
        !fcache_label_is_valid(fcache_str(store->attach))) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memory:%.80s: names have at most %d "
                                "characters of A-Z a-z 0-9 . _ -",
                                store->attach, FCACHE_KEY_MAX_LABEL);
    }
    reading_t reading = {store, FCACHE_OK, error};
    if (conf->options) {
        apr_table_do(read_option, &reading, conf->options, NULL);
    }
    *out_self = store;
    return reading.status;
}

/* ---- life ---- */

/* When the configuration goes; threads of a process that joined may still be
 * at work. */
static apr_status_t let_go(void *data)
{
    fcm_t *store = data;
    if (store->joined) {
        return APR_SUCCESS;
    }
    munmap(store->mine, FCM_PAGE);
    store->mine = NULL;
    if (store->attach[0]) {
        close(store->region.fd);
    }
    return APR_SUCCESS;
}

static fcache_status_t make_private(fcm_t *store, fcache_error_t *error)
{
    if (store->mine) {
        return FCACHE_OK;
    }
    void *page = mmap(NULL, FCM_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, FCM_PAGE, MADV_WIPEONFORK)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s: needs Linux 4.14 or later",
                                store->name);
    }
    store->mine = page;
    apr_pool_cleanup_register(store->pool, store, let_go,
                              apr_pool_cleanup_null);
    return FCACHE_OK;
}

static fcache_status_t open_store(void *self, apr_pool_t *retain_pool,
                                  fcache_error_t *error)
{
    fcm_t *store = self;
    fcache_status_t status;
    if (store->attach[0]) {
        status = fcm_region_attach(&store->region, store->attach,
                                   store->attach_pid, error);
    } else {
        status = fcm_region_open(&store->region, store->name, store->size,
                                 retain_pool, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    uint64_t share = store->region.geo.size / 10;
    store->max_object = share < OBJECT_MAX ? share : OBJECT_MAX;
    return make_private(store, error);
}

static apr_status_t leave(void *data)
{
    fcm_leave(data);
    return APR_SUCCESS;
}

static fcache_status_t child_init(void *self, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fcm_t *store = self;
    if (!store->mine) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s was not opened", store->name);
    }
    fcache_status_t status = FCACHE_OK;
    if (!store->region.base) {
        status = fcm_region_map(&store->region, error);
    }
    if (status == FCACHE_OK) {
        status = fcm_join(store, error);
    }
    if (status == FCACHE_OK) {
        store->joined = 1;
        fcm_region_hold(&store->region);
        apr_pool_cleanup_register(pool, store, leave, apr_pool_cleanup_null);
    }
    return status;
}

/* ---- the rest ---- */

static uint64_t epoch(void *self)
{
    fcm_t *store = self;
    return store->region.base ? fcm_epoch(&store->region) : 0;
}

static fcache_status_t clear(void *self, const fcache_scope_t *scopes,
                             size_t count, fcache_error_t *error)
{
    fcm_op_t op;
    if (!fcm_enter(self, 0, &op)) {
        return fcm_not_joined(self, error);
    }
    for (size_t i = 0; i < count; i++) {
        fcm_clear(op.region, &scopes[i]);
        fcm_count(&op, FCM_CLEARS);
    }
    return FCACHE_OK;
}

static uint64_t max_object(void *self)
{
    return ((fcm_t *)self)->max_object;
}

static fcache_status_t check(void *self, fcache_error_t *error)
{
    return fcm_fsck(self, error);
}

const fcache_backend_ops_t fcache_memory_ops = {
    .abi = FCACHE_BACKEND_ABI,
    .scheme = "memory",
    .create = create,
    .open = open_store,
    .child_init = child_init,
    .epoch = epoch,
    .get = fcm_get,
    .release = fcm_release_pin,
    .count = fcm_count_answer,
    .put = fcm_put,
    .add = fcm_add,
    .del = fcm_del,
    .touch = fcm_touch,
    .clear = clear,
    .begin = fcm_begin,
    .append = fcm_append,
    .commit = fcm_commit,
    .abort = fcm_abort,
    .list = fcm_list,
    .stats = fcm_stats,
    .max_object = max_object,
    .check = check,
};
