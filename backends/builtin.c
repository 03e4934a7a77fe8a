/* SPDX-License-Identifier: Apache-2.0 */
#include "dynamodb/dynamodb.h"
#include "memcached/memcached.h"
#include "memory/memory.h"
#include "redis/redis.h"
#include "tiered/tiered.h"

/* A new kind of store is a folder and a row here. */
static const fcache_backend_ops_t *const builtin[] = {
    &fcache_memory_ops, &fcache_memcached_ops, &fcache_redis_ops,
    &fcache_rediss_ops, &fcache_unix_ops,      &fcache_dynamodb_ops,
    &fcache_tiered_ops,
};

void fcache_backends_add_builtin(fcache_backends_t *backends)
{
    for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
        fcache_backends_add(backends, builtin[i], NULL);
    }
}
