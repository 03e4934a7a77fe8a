/* SPDX-License-Identifier: Apache-2.0 */
#include "redis.h"

#include "client.h"

#include "../remote/remote.h"

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error)
{
    return fcr_create(fcrd_client(conf->scheme), conf, out_self, pool, error);
}

const fcache_backend_ops_t fcache_redis_ops = FCR_BACKEND_OPS("redis", create);
const fcache_backend_ops_t fcache_rediss_ops =
    FCR_BACKEND_OPS("rediss", create);
const fcache_backend_ops_t fcache_unix_ops = FCR_BACKEND_OPS("unix", create);
