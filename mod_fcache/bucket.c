/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored body as buckets. They are pool buckets, which httpd's filters know
 * and write with one call however many there are; where one outlives the
 * request's pool it turns into a copy, before the pin goes: cleanups run in the
 * opposite order of their registration.
 */
#include "ctx.h"

typedef struct holder_t {
    fcache_t *cache;
    void *pin;
} holder_t;

static apr_status_t let_go(void *data)
{
    holder_t *holder = data;

    fcache_pin_release(holder->cache, holder->pin);
    return APR_SUCCESS;
}

void mfc_bucket_keep_pin(fcache_t *cache, void *pin, apr_pool_t *pool)
{
    holder_t *holder;

    if (pin != NULL) {
        holder = apr_palloc(pool, sizeof(*holder));
        holder->cache = cache;
        holder->pin = pin;
        apr_pool_cleanup_register(pool, holder, let_go, apr_pool_cleanup_null);
    }
}

void mfc_bucket_append(apr_bucket_brigade *bb, fcache_t *cache, void *pin,
                       const fcache_bytes_t *body, size_t count,
                       apr_pool_t *pool)
{
    size_t i;

    mfc_bucket_keep_pin(cache, pin, pool);
    for (i = 0; i < count; i++) {
        APR_BRIGADE_INSERT_TAIL(bb,
                                apr_bucket_pool_create(body[i].ptr, body[i].len,
                                                       pool, bb->bucket_alloc));
    }
}
