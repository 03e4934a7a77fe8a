/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/call.h>

#include "cache_parts.h"

static fcache_status_t add_default(const fcache_call_t *call,
                                   const fcache_arg_t *args, size_t count,
                                   fcache_tuple_t *tuple, fcache_error_t *error)
{
    fcache_status_t status =
        fcache_tuple_add(tuple, "module", fcache_str(call->module));
    if (status == FCACHE_OK) {
        status =
            fcache_tuple_add(tuple, "function", fcache_str(call->function));
    }
    if (status != FCACHE_OK) {
        return fcache_error_set(error, status, "the name of a function: %s",
                                fcache_status_text(status));
    }
    return fcache_args_add(tuple, args, count, error);
}

fcache_status_t fcache_call_key(const fcache_t *cache,
                                const fcache_call_t *call,
                                const fcache_arg_t *args, size_t count,
                                fcache_key_t *out_key, apr_pool_t *pool,
                                fcache_error_t *error)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_call_key_fn build = call->key ? call->key : cache->key;
    void *baton = call->key ? call->key_baton : cache->key_baton;
    if (!tuple) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a key");
    }
    fcache_status_t status = build
                                 ? build(baton, call->module, call->function,
                                         args, count, tuple, error)
                                 : add_default(call, args, count, tuple, error);
    return status == FCACHE_OK ? fcache_key_from_tuple(tuple, cache->prefix,
                                                       fcache_str(call->ns),
                                                       out_key, pool, error)
                               : status;
}
