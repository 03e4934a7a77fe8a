/* SPDX-License-Identifier: Apache-2.0 */
#include "memcached.h"

#include "client.h"

#include "../remote/remote.h"

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error)
{
    return fcr_create(&fcmc_client, conf, out_self, pool, error);
}

const fcache_backend_ops_t fcache_memcached_ops =
    FCR_BACKEND_OPS("memcached", create);
