/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache.h>

#include "cache_parts.h"

#include <apr_strings.h>

#define DEFAULT_MAX_OBJECT (UINT64_C(1) << 20)
#define DEFAULT_EXPIRE_US  (60 * FCACHE_US_PER_S)
#define MAX_EXPIRE_US      (FCACHE_DELTA_MAX * FCACHE_US_PER_S)

/* The store of a URL, open; joined too, unless each process will. */
static fcache_status_t open_store(const fcache_options_t *options,
                                  fcache_backend_t **out_backend,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    fcache_backends_t *backends = fcache_backends_create(pool);
    if (!backends) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a cache");
    }
    fcache_backends_add_builtin(backends);
    fcache_status_t status = fcache_backend_create(
        backends, "cache", options->store, NULL, out_backend, pool, error);
    if (status == FCACHE_OK) {
        status = fcache_backend_open(*out_backend, pool, error);
    }
    if (status == FCACHE_OK && !options->forks) {
        status = fcache_backend_child_init(*out_backend, pool, error);
    }
    return status;
}

static fcache_status_t find_store(fcache_t *cache,
                                  const fcache_options_t *options,
                                  fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    cache->backend = options->backend;
    if (!cache->backend == !options->store) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "a cache needs a store: either one that is "
                                "open or a URL");
    }
    if (options->store) {
        status = open_store(options, &cache->backend, cache->pool, error);
    }
    if (status == FCACHE_OK) {
        cache->ops = fcache_backend_ops(cache->backend);
        cache->self = fcache_backend_self(cache->backend);
    }
    return status;
}

static fcache_status_t find_coder(fcache_t *cache,
                                  const fcache_options_t *options,
                                  fcache_error_t *error)
{
    const char *name = options->coder ? options->coder : "raw";
    cache->coders =
        options->coders ? options->coders : fcache_coders_create(cache->pool);
    if (!cache->coders) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for coders");
    }
    cache->coder = fcache_coder_find(cache->coders, fcache_str(name));
    if (!cache->coder || cache->coder->kind != FCACHE_CODER_VALUE) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG,
            "coder '%s' is none for values; there are: %s", name,
            fcache_coders_names(cache->coders, cache->pool));
    }
    return FCACHE_OK;
}

static fcache_status_t set_defaults(fcache_t *cache,
                                    const fcache_options_t *options,
                                    fcache_error_t *error)
{
    const char *prefix = options->prefix ? options->prefix : "";
    if (!fcache_label_is_valid(fcache_str(prefix))) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "prefix '%s': at most %d of [A-Za-z0-9._-]",
                                prefix, FCACHE_KEY_MAX_LABEL);
    }
    if (options->expire_us < 0 || options->expire_us > MAX_EXPIRE_US) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG, "expire_us %lld: at most %lld",
            (long long)options->expire_us, (long long)MAX_EXPIRE_US);
    }
    cache->prefix = fcache_str(apr_pstrdup(cache->pool, prefix));
    cache->expire_us =
        options->expire_us ? options->expire_us : DEFAULT_EXPIRE_US;
    cache->max_object_bytes = options->max_object_bytes
                                  ? options->max_object_bytes
                                  : DEFAULT_MAX_OBJECT;
    cache->key = options->key;
    cache->key_baton = options->key_baton;
    cache->enabled = !options->disabled;
    return FCACHE_OK;
}

/* Fills *out_cache; what it owns is in a pool of its own below `parent`. */
static fcache_status_t make(fcache_t *out_cache,
                            const fcache_options_t *options, apr_pool_t *parent,
                            fcache_error_t *error)
{
    *out_cache = (fcache_t){0};
    if (apr_pool_create(&out_cache->pool, parent) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a cache");
    }
    fcache_status_t status = set_defaults(out_cache, options, error);
    if (status == FCACHE_OK) {
        status = find_coder(out_cache, options, error);
    }
    if (status == FCACHE_OK) {
        status = find_store(out_cache, options, error);
    }
    if (status != FCACHE_OK) {
        apr_pool_destroy(out_cache->pool);
    }
    return status;
}

fcache_status_t fcache_create(const fcache_options_t *options,
                              fcache_t **out_cache, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fcache_t *cache = apr_palloc(pool, sizeof(*cache));
    if (!cache) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a cache");
    }
    fcache_status_t status = make(cache, options, pool, error);
    if (status == FCACHE_OK) {
        *out_cache = cache;
    }
    return status;
}

fcache_status_t fcache_child_init(fcache_t *cache, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    return fcache_backend_child_init(cache->backend, pool, error);
}

fcache_status_t fcache_reset(fcache_t *cache, const fcache_options_t *options,
                             fcache_error_t *error)
{
    fcache_t fresh;
    fcache_status_t status =
        make(&fresh, options, apr_pool_parent_get(cache->pool), error);
    if (status == FCACHE_OK) {
        apr_pool_destroy(cache->pool);
        *cache = fresh;
    }
    return status;
}

void fcache_destroy(fcache_t *cache)
{
    if (cache) {
        apr_pool_destroy(cache->pool);
    }
}

void fcache_enable(fcache_t *cache, int enabled)
{
    __atomic_store_n(&cache->enabled, enabled != 0, __ATOMIC_RELAXED);
}
