/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include "../remote/client.h"

#include <libmemcached/memcached.h>

/* A suffix leads to the home again now and then: after so many all others were
 * met, but once in a great while. */
#define REHASHES 26

struct fcmc_ring_t {
    memcached_st *servers; /* never connected */
    size_t count;
};

static apr_status_t free_servers(void *data)
{
    memcached_free(data);
    return APR_SUCCESS;
}

static memcached_return_t add_server(memcached_st *servers,
                                     const fcn_endpoint_t *endpoint)
{
    return endpoint->path
               ? memcached_server_add_unix_socket(servers, endpoint->path)
               : memcached_server_add(servers, endpoint->host, endpoint->port);
}

fcache_status_t fcmc_ring_create(const fcn_endpoint_t *endpoints, size_t count,
                                 fcmc_ring_t **out_ring, apr_pool_t *pool,
                                 fcache_error_t *error)
{
    memcached_st *servers = memcached_create(NULL);
    if (!servers) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "memcached: no memory for its servers");
    }
    apr_pool_cleanup_register(pool, servers, free_servers,
                              apr_pool_cleanup_null);
    memcached_return_t code =
        memcached_behavior_set(servers, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    for (size_t i = 0; i < count && code == MEMCACHED_SUCCESS; i++) {
        code = add_server(servers, &endpoints[i]);
    }
    if (code != MEMCACHED_SUCCESS) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memcached: libmemcached refuses the servers: "
                                "%s",
                                memcached_strerror(servers, code));
    }
    fcmc_ring_t *ring = apr_palloc(pool, sizeof(*ring));
    *ring = (fcmc_ring_t){servers, count};
    *out_ring = ring;
    return FCACHE_OK;
}

size_t fcmc_ring_home(const fcmc_ring_t *ring, fcache_bytes_t name)
{
    return ring->count == 1
               ? 0
               : memcached_generate_hash(ring->servers, name.ptr, name.len);
}

static int has(const size_t *choices, size_t count, size_t server)
{
    for (size_t i = 0; i < count; i++) {
        if (choices[i] == server) {
            return 1;
        }
    }
    return 0;
}

size_t fcmc_ring_choices(const fcmc_ring_t *ring, fcache_bytes_t name,
                         size_t out_choices[FCMC_CHOICES])
{
    char text[FCR_NAME_MAX + 2];
    size_t wanted = ring->count < FCMC_CHOICES ? ring->count : FCMC_CHOICES;
    size_t count = 0;
    out_choices[count++] = fcmc_ring_home(ring, name);
    memcpy(text, name.ptr, name.len);
    text[name.len] = '~';
    for (int i = 0; i < REHASHES && count < wanted; i++) {
        text[name.len + 1] = (char)('a' + i);
        size_t server = fcmc_ring_home(ring, fcache_bytes(text, name.len + 2));
        if (!has(out_choices, count, server)) {
            out_choices[count++] = server;
        }
    }
    return count;
}
