/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <hiredis/hiredis.h>
#include <libmemcached/memcached.h>

#include <stdlib.h>
#include <string.h>

static const char key[] = "bench:get";
static _Thread_local redisContext *redis;
static _Thread_local memcached_st *servers;

int bare_connect(const char *store, int port)
{
    if (strcmp(store, "redis") == 0) {
        redis = redisConnect("127.0.0.1", port);
        return redis && !redis->err;
    }
    servers = memcached_create(NULL);
    return servers &&
           memcached_server_add(servers, "127.0.0.1", (in_port_t)port) ==
               MEMCACHED_SUCCESS &&
           memcached_behavior_set(servers, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1) ==
               MEMCACHED_SUCCESS;
}

int bare_put(const char *value, size_t len)
{
    if (!redis) {
        return memcached_set(servers, key, strlen(key), value, len, 0, 0) ==
               MEMCACHED_SUCCESS;
    }
    redisReply *reply = redisCommand(redis, "SET %s %b", key, value, len);
    int done = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return done;
}

static long redis_get(void)
{
    redisReply *reply = redisCommand(redis, "GET %s", key);
    long len =
        reply && reply->type == REDIS_REPLY_STRING ? (long)reply->len : -1;
    freeReplyObject(reply);
    return len;
}

static long memcached_get_one(void)
{
    size_t len = 0;
    uint32_t flags;
    memcached_return_t status;
    char *value =
        memcached_get(servers, key, strlen(key), &len, &flags, &status);
    free(value);
    return status == MEMCACHED_SUCCESS ? (long)len : -1;
}

long bare_get(void)
{
    return redis ? redis_get() : memcached_get_one();
}
