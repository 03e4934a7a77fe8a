/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TIERED_BOX_H
#define TESTS_TIERED_BOX_H

/*
 * A tier over a memory store and a far one. The far one is another memory store
 * behind a script: it can fail, and what others do to it (straight to `truth`) is
 * known here when it is asked, as with a store on a network.
 */

#include "check.h"

#include <fcache/cache.h>
#include <fcache/http.h>

#include <apr_pools.h>
#include <apr_strings.h>

#include <unistd.h>

#define NOW (INT64_C(1800000000) * FCACHE_US_PER_S)

typedef struct box_t box_t;

typedef struct far_t {
    fcache_backend_t *backend;
    const fcache_backend_ops_t *ops; /* of the memory store */
    void *truth;
    uint64_t known; /* the epoch as known here */
    fcache_status_t fails;
    int gets, puts, syncs;
    int64_t fresh_until_us; /* of all that is there; 0: it does not know */
    /* What happens once while it is asked: before it does so, or after. */
    void (*before)(box_t *box), (*after)(box_t *box);
    box_t *box;
} far_t;

struct box_t {
    apr_pool_t *pool;
    fcache_backends_t *backends;
    const fcache_backend_ops_t *ops; /* of the tier */
    void *self;
    const fcache_backend_ops_t *l1_ops;
    void *l1;
    far_t *far;
};

static int box_count; /* names of its own for each, as memory stores are kept */

/* ---- the far store ------------------------------------------------------- */

static fcache_status_t far_create(const fcache_backend_conf_t *conf,
                                  void **out_self, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    far_t *far = apr_pcalloc(pool, sizeof(*far));
    fcache_status_t status = fcache_backend_create(
        conf->backends, apr_pstrcat(pool, conf->name, ".truth", (char *)NULL),
        "memory:?size=64M", NULL, &far->backend, pool, error);
    if (status == FCACHE_OK) {
        far->ops = fcache_backend_ops(far->backend);
        far->truth = fcache_backend_self(far->backend);
        *out_self = far;
    }
    return status;
}

static fcache_status_t far_open(void *self, apr_pool_t *pool,
                                fcache_error_t *error)
{
    far_t *far = self;
    return fcache_backend_open(far->backend, pool, error);
}

static fcache_status_t far_child_init(void *self, apr_pool_t *pool,
                                      fcache_error_t *error)
{
    far_t *far = self;
    return fcache_backend_child_init(far->backend, pool, error);
}

static fcache_status_t far_failure(const far_t *far, fcache_error_t *error)
{
    return fcache_error_set(error, far->fails, "told to fail");
}

static void far_meanwhile(const far_t *far, void (**what)(box_t *box))
{
    void (*once)(box_t * box) = *what;
    *what = NULL;
    if (once) {
        once(far->box);
    }
}

static void far_learn(far_t *far)
{
    far->known = far->ops->epoch(far->truth);
}

/* Asks for the first one, as a store on a network does. */
static uint64_t far_epoch(void *self)
{
    far_t *far = self;
    if (far->known == 0) {
        far->syncs++;
        if (far->fails == FCACHE_OK) {
            far_learn(far);
        }
    }
    return far->known;
}

static fcache_status_t far_get(void *self, const fcache_key_t *key,
                               int64_t now_us, int64_t *until_us,
                               fcache_item_t *out_item, apr_pool_t *pool,
                               fcache_error_t *error)
{
    far_t *far = self;
    far->gets++;
    if (far->fails != FCACHE_OK) {
        return far_failure(far, error);
    }
    fcache_status_t status =
        far->ops->get(far->truth, key, now_us, until_us, out_item, pool, error);
    out_item->fresh_until_us = far->fresh_until_us;
    far_meanwhile(far, &far->after);
    far_learn(far);
    return status;
}

static void far_release(void *self, void *pin)
{
    far_t *far = self;
    far->ops->release(far->truth, pin);
}

static fcache_status_t far_put(void *self, const fcache_key_t *key,
                               const fcache_value_t *value, int64_t now_us,
                               fcache_error_t *error)
{
    far_t *far = self;
    far->puts++;
    if (far->fails) {
        return far_failure(far, error);
    }
    far_meanwhile(far, &far->before);
    fcache_status_t status =
        far->ops->put(far->truth, key, value, now_us, error);
    far_meanwhile(far, &far->after);
    return status;
}

static fcache_status_t far_add(void *self, const fcache_key_t *key,
                               const fcache_value_t *value, int64_t now_us,
                               int64_t *until_us, fcache_error_t *error)
{
    far_t *far = self;
    if (far->fails) {
        return far_failure(far, error);
    }
    fcache_status_t status =
        far->ops->add(far->truth, key, value, now_us, until_us, error);
    far_meanwhile(far, &far->after);
    return status;
}

static fcache_status_t far_del(void *self, const fcache_key_t *key,
                               int64_t now_us, fcache_error_t *error)
{
    far_t *far = self;
    return far->fails ? far_failure(far, error)
                      : far->ops->del(far->truth, key, now_us, error);
}

static fcache_status_t far_touch(void *self, const fcache_key_t *key,
                                 int64_t dead_us, int64_t now_us,
                                 fcache_error_t *error)
{
    far_t *far = self;
    return far->fails
               ? far_failure(far, error)
               : far->ops->touch(far->truth, key, dead_us, now_us, error);
}

static fcache_status_t far_clear(void *self, const fcache_scope_t *scopes,
                                 size_t count, fcache_error_t *error)
{
    far_t *far = self;
    if (far->fails) {
        return far_failure(far, error);
    }
    fcache_status_t status = far->ops->clear(far->truth, scopes, count, error);
    far_learn(far);
    return status;
}

static fcache_status_t far_sync(void *self, int64_t *until_us,
                                uint64_t *out_epoch, fcache_error_t *error)
{
    far_t *far = self;
    (void)until_us;
    far->syncs++;
    if (far->fails) {
        return far_failure(far, error);
    }
    far_learn(far);
    *out_epoch = far->known;
    return FCACHE_OK;
}

static const fcache_backend_ops_t far_ops = {
    .abi = FCACHE_BACKEND_ABI,
    .scheme = "far",
    .flags = FCACHE_BACKEND_REMOTE,
    .create = far_create,
    .open = far_open,
    .child_init = far_child_init,
    .epoch = far_epoch,
    .get = far_get,
    .release = far_release,
    .put = far_put,
    .add = far_add,
    .del = far_del,
    .touch = far_touch,
    .clear = far_clear,
    .sync = far_sync,
};

/* ---- the box ------------------------------------------------------------- */

static fcache_backend_t *box_open(box_t *box, const char *name, const char *url)
{
    fcache_error_t error = {""};
    fcache_backend_t *backend = NULL;
    if (fcache_backend_create(box->backends, name, url, NULL, &backend,
                              box->pool, &error) != FCACHE_OK ||
        fcache_backend_open(backend, box->pool, &error) != FCACHE_OK ||
        fcache_backend_child_init(backend, box->pool, &error) != FCACHE_OK) {
        fail_msg("%s: %s", url, error.text);
    }
    return backend;
}

static inline fcache_key_t box_key(box_t *box, const char *text)
{
    fcache_tuple_t *tuple = fcache_tuple_create(box->pool);
    fcache_key_t key;
    fcache_tuple_add(tuple, "text", fcache_str(text));
    fcache_key_from_tuple(tuple, fcache_str("p"), fcache_str("n"), &key,
                          box->pool, NULL);
    return key;
}

/* The far store has answered once. */
static inline void box_warm(box_t *box)
{
    fcache_key_t key = box_key(box, "nothing");
    fcache_item_t item;
    assert_int_equal(
        box->ops->get(box->self, &key, NOW, NULL, &item, box->pool, NULL),
        FCACHE_MISS);
    box->far->gets = box->far->syncs = 0;
}

static int box_setup(void **state)
{
    apr_pool_t *pool = NULL;
    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    box_t *box = apr_pcalloc(pool, sizeof(*box));
    box->pool = pool;
    box->backends = fcache_backends_create(pool);
    fcache_backends_add_builtin(box->backends);
    fcache_backends_add(box->backends, &far_ops, NULL);
    const char *near = apr_psprintf(pool, "near%d", ++box_count);
    const char *far = apr_psprintf(pool, "far%d", box_count);
    fcache_backend_t *l1 = box_open(box, near, "memory:?size=8M");
    fcache_backend_t *l2 = box_open(box, far, "far:");
    fcache_backend_t *tier =
        box_open(box, apr_psprintf(pool, "tier%d", box_count),
                 apr_psprintf(pool, "tiered:?l1=%s&l2=%s&l1-ttl=10s&sync=1s",
                              near, far));
    box->l1_ops = fcache_backend_ops(l1);
    box->l1 = fcache_backend_self(l1);
    box->far = fcache_backend_self(l2);
    box->far->box = box;
    box->ops = fcache_backend_ops(tier);
    box->self = fcache_backend_self(tier);
    box_warm(box);
    *state = box;
    return 0;
}

static int box_teardown(void **state)
{
    apr_pool_destroy(((box_t *)*state)->pool);
    return 0;
}

#define box_test(name)                                                         \
    cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)

static inline int64_t at_ms(int64_t ms)
{
    return NOW + ms * 1000;
}

static inline fcache_value_t box_value(const fcache_bytes_t *body,
                                       int64_t ttl_s, uint64_t epoch)
{
    int64_t dead_us = NOW + ttl_s * FCACHE_US_PER_S;
    fcache_value_t value = {.head = fcache_str("head"),
                            .body = body,
                            .body_count = 1,
                            .epoch = epoch,
                            .fresh_until_us = dead_us,
                            .dead_us = dead_us,
                            .tags = fcache_bytes("\3\0red", 5)};
    return value;
}

/* Through the tier, at NOW. */
static inline fcache_status_t box_put(box_t *box, const fcache_key_t *key,
                                      const char *text, int64_t ttl_s)
{
    fcache_bytes_t body = fcache_str(text);
    fcache_value_t value = box_value(&body, ttl_s, box->ops->epoch(box->self));
    return box->ops->put(box->self, key, &value, NOW, NULL);
}

/* What another host does. */
static inline void others_put(box_t *box, const fcache_key_t *key,
                              const char *text, int64_t ttl_s)
{
    const far_t *far = box->far;
    fcache_bytes_t body = fcache_str(text);
    fcache_value_t value = box_value(&body, ttl_s, far->ops->epoch(far->truth));
    assert_int_equal(far->ops->put(far->truth, key, &value, NOW, NULL),
                     FCACHE_OK);
}

static inline void others_clear(box_t *box, int soft)
{
    const far_t *far = box->far;
    const fcache_scope_t red = {.kind = FCACHE_SCOPE_TAG,
                                .prefix = fcache_str("p"),
                                .tag = fcache_str("red"),
                                .soft = soft};
    assert_int_equal(far->ops->clear(far->truth, &red, 1, NULL), FCACHE_OK);
}

static inline void others_del(box_t *box, const fcache_key_t *key)
{
    const far_t *far = box->far;
    assert_int_equal(far->ops->del(far->truth, key, NOW, NULL), FCACHE_OK);
}

/* The body (in the pool) or the name of the status; "soft BODY" if it is. */
static inline const char *box_get(box_t *box, const fcache_key_t *key,
                                  int64_t now_us)
{
    fcache_item_t item;
    fcache_error_t error = {""};
    fcache_status_t status =
        box->ops->get(box->self, key, now_us, NULL, &item, box->pool, &error);
    if (status != FCACHE_OK) {
        return fcache_status_name(status);
    }
    CHECK_TEXT(item.head, "head");
    const char *text = item.soft_purged ? "soft " : "";
    for (size_t i = 0; i < item.body_count; i++) {
        text = apr_pstrcat(
            box->pool, text,
            apr_pstrmemdup(box->pool, item.body[i].ptr, item.body[i].len),
            (char *)NULL);
    }
    if (item.pin) {
        box->ops->release(box->self, item.pin);
    }
    return text;
}

#endif
