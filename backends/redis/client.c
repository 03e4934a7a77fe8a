/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "discover.h"
#include "ops.h"

/* ---- life ---------------------------------------------------------------- */

static fcache_status_t create_client(const fcache_backend_conf_t *conf,
                                     const fcn_limits_t *limits,
                                     void **out_self, int *out_is_local,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcrd_t *self = apr_pcalloc(pool, sizeof(*self));
    fcache_status_t status =
        fcrd_conf_parse(conf, limits, &self->conf, pool, error);
    *out_self = self;
    *out_is_local = self->conf.is_local;
    return status;
}

static fcache_status_t open_client(void *client, fcn_shared_t *shared,
                                   fcache_error_t *error)
{
    fcrd_t *self = client;
    (void)error;
    self->shared = shared;
    return FCACHE_OK;
}

static fcache_status_t join(void *client, apr_pool_t *pool,
                            fcache_error_t *error)
{
    fcrd_t *self = client;
    fcn_resolver_t *resolver = NULL;
    fcache_status_t status =
        fcn_resolver_create(self->conf.access.limits, &resolver, pool, error);
    if (status == FCACHE_OK) {
        status = fcrd_map_init(&self->map, &self->conf, self->shared, resolver,
                               pool, error);
    }
    if (status == FCACHE_OK) {
        status = fcrd_sentinels_init(self, resolver, pool, error);
    }
    return status;
}

static uint64_t max_value(void *client)
{
    return ((fcrd_t *)client)->conf.max_value;
}

/* ---- the tables ---------------------------------------------------------- */

#define CLIENT(scheme_text)                                                    \
    {                                                                          \
        .scheme = (scheme_text), .options = fcrd_options,                      \
        .create = create_client, .open = open_client, .child_init = join,      \
        .fetch = fcrd_fetch, .store = fcrd_store, .remove = fcrd_remove,       \
        .tick = fcrd_tick, .seed = fcrd_seed, .distrust = fcrd_distrust,       \
        .walk = fcrd_walk, .census = fcrd_census, .max_value = max_value       \
    }

static const fcr_client_ops_t clients[] = {
    CLIENT("redis"),
    CLIENT("rediss"),
    CLIENT("unix"),
};

const fcr_client_ops_t *fcrd_client(const char *scheme)
{
    size_t i = 0;
    while (strcmp(clients[i].scheme, scheme) != 0) {
        i++;
    }
    return &clients[i];
}
