/* SPDX-License-Identifier: Apache-2.0 */
#include "dynamodb.h"

#include "../remote/remote.h"

#include <apr_strings.h>
#include <openssl/rand.h>

#include <time.h>

#define PAUSE_LAST_MS 80

/* A service across a network, with TLS and a signature for each request. */
static const fcn_limits_t limits = {
    .connect_us = 300000,
    .read_us = 150000,
    .lookup_us = 280000,
    .store_us = 1000000,
    .wait_us = 5000,
    .pool = 64,
    .idle_us = 60000000,
    .life_us = 300000000,
    .failures = 3,
    .window_us = 10000000,
    .window_requests = 20,
    .window_failures = 50,
    .successes = 2,
    .open_us = 1000000,
    .open_max_us = 30000000,
    .retries = 10,
    .resolve_us = 30000000,
};
_Static_assert(sizeof(limits) == 17 * sizeof(int64_t),
               "a limit of net/limits.h has no default here");

static const char *const options[] = {
    "region",  "endpoint",         "plaintext", "credentials",
    "profile", "credentials-file", "imds",      NULL,
};

/* "//TABLE" (CreateTable: 3 to 255 of a-z, A-Z, 0-9, '_', '-', '.'). */
static fcache_status_t parse_table(const char *location, fcd_store_t *store,
                                   apr_pool_t *pool, fcache_error_t *error)
{
    const char *name = location + (strncmp(location, "//", 2) == 0 ? 2 : 0);
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    if (name == location || name[len] || len < 3 || len > 255) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "dynamodb:%.80s: must be dynamodb://TABLE, 3 "
                                "to 255 letters, digits, '_', '-' or '.'",
                                strpbrk(location, "@:") ? "..." : location);
    }
    store->table_name = apr_pstrdup(pool, name);
    store->table = fcache_str(store->table_name);
    return FCACHE_OK;
}

static apr_status_t erase(void *baton)
{
    fcd_secret_erase(&((fcd_store_t *)baton)->service.first);
    return APR_SUCCESS;
}

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              const fcn_limits_t *own_limits, void **out_self,
                              int *out_is_local, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fcd_store_t *store = apr_pcalloc(pool, sizeof(*store));
    if (!store) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory");
    }
    apr_pool_cleanup_register(pool, store, erase, apr_pool_cleanup_null);
    fcache_status_t status = parse_table(conf->location, store, pool, error);
    if (status == FCACHE_OK) {
        status = fcd_service_create(conf->options, own_limits, &store->service,
                                    pool, error);
    }
    if (status == FCACHE_OK) {
        *out_is_local = fcn_endpoint_is_local(&store->service.endpoint);
        *out_self = store;
    }
    return status;
}

static fcache_status_t open(void *self, fcn_shared_t *shared,
                            fcache_error_t *error)
{
    (void)error;
    ((fcd_store_t *)self)->service.shared = shared;
    return FCACHE_OK;
}

static fcache_status_t child_init(void *self, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fcd_store_t *store = self;
    return fcd_service_join(&store->service, pool, error);
}

static void distrust(void *self, fcache_bytes_t home)
{
    fcd_store_t *store = self;
    (void)home;
    fcn_node_flush(store->service.node);
}

static uint64_t max_value(void *self)
{
    (void)self;
    return FCD_VALUE_MAX;
}

int fcd_pause(int *pause_ms, fcn_deadline_t deadline)
{
    unsigned char random = 0;
    RAND_bytes(&random, 1);
    int ms = *pause_ms / 2 + *pause_ms * random / 512;
    struct timespec time = {0, (long)ms * 1000000};
    if (ms >= fcn_deadline_left_ms(deadline)) {
        return 0;
    }
    nanosleep(&time, NULL);
    *pause_ms = *pause_ms < PAUSE_LAST_MS ? *pause_ms * 2 : *pause_ms;
    return 1;
}

static fcache_status_t call(fcd_store_t *store, fcd_exchange_t *exchange,
                            fcache_error_t *error)
{
    const fcn_deadline_t again =
        exchange->again.at_us ? exchange->again : exchange->deadline;
    int pause_ms = FCD_PAUSE_MS;
    fcache_status_t status;
    do {
        status = fcd_service_call(&store->service, exchange, error);
        if (exchange->failure.remedy != FCD_REMEDY_AGAIN) {
            return status;
        }
    } while (fcd_pause(&pause_ms, again));
    return fcache_error_set(error, FCACHE_TIMEOUT,
                            "others' transactions have the item all the time");
}

fcache_status_t fcd_exchange(fcd_store_t *store, fcd_exchange_t *exchange,
                             fcache_buf_t *body, fcache_status_t status,
                             fcache_error_t *error)
{
    if (status == FCACHE_OK) {
        exchange->body = fcache_buf_bytes(body);
        status = call(store, exchange, error);
        if (exchange->failure.remedy == FCD_REMEDY_TABLE) {
            fcache_error_set(error, status,
                             "there is no DynamoDB table \"%.100s\" in %s: "
                             "`fcachectl init` makes it",
                             store->table_name, store->service.region);
        }
    } else {
        fcache_error_set(error, status, "the request is too large");
    }
    fcache_buf_fini(body);
    return status;
}

const fcr_client_ops_t fcd_client = {
    .scheme = "dynamodb",
    .limits = &limits,
    .options = options,
    .create = create,
    .open = open,
    .child_init = child_init,
    .fetch = fcd_fetch,
    .fetch_counters = fcd_fetch_counters,
    .store = fcd_store,
    .remove = fcd_remove,
    .tick = fcd_tick,
    .distrust = distrust,
    .walk = fcd_walk,
    .census = fcd_census,
    .max_value = max_value,
    .setup = fcd_setup,
};

static fcache_status_t create_store(const fcache_backend_conf_t *conf,
                                    void **out_self, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    return fcr_create(&fcd_client, conf, out_self, pool, error);
}

const fcache_backend_ops_t fcache_dynamodb_ops =
    FCR_BACKEND_OPS("dynamodb", create_store);
