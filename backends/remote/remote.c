/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "../net/tls.h"

#include <apr_strings.h>

/* ---- options ------------------------------------------------------------- */

static int client_has(const fcr_client_ops_t *client, const char *option)
{
    const char *const *name = client->options;
    while (name && *name && strcmp(*name, option) != 0) {
        name++;
    }
    return name && *name;
}

static const char *all_options(const fcr_client_ops_t *client, apr_pool_t *pool)
{
    const char *text = FCR_PROTECT_OPTIONS;
#define X(field, option, kind, value, least, most, what)                       \
    text = apr_pstrcat(pool, text, ", ", option, (char *)NULL);
    FCN_LIMITS_LIST(X)
#undef X
    for (const char *const *name = client->options; name && *name; name++) {
        text = apr_pstrcat(pool, *name, ", ", text, (char *)NULL);
    }
    return text;
}

typedef struct checking_t {
    const fcr_client_ops_t *client;
    apr_pool_t *pool;
    fcache_status_t status;
    fcache_error_t *error;
} checking_t;

/* With an '@' behind it the name may be a part of a password. */
static int check_option(void *baton, const char *name, const char *value)
{
    checking_t *checking = baton;
    if (!fcn_limits_has(name) && !fcn_tls_has(name) && !fcr_protect_has(name) &&
        !client_has(checking->client, name)) {
        checking->status = fcache_error_set(
            checking->error, FCACHE_BAD_CONFIG,
            "%s: has no option %.30s; there are %s, tls-...",
            checking->client->scheme, strchr(value, '@') ? "..." : name,
            all_options(checking->client, checking->pool));
    }
    return checking->status == FCACHE_OK;
}

static fcache_status_t check_options(const fcr_client_ops_t *client,
                                     const apr_table_t *options,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    checking_t checking = {client, pool, FCACHE_OK, error};
    if (options) {
        apr_table_do(check_option, &checking, options, (char *)NULL);
    }
    return checking.status;
}

/* ---- life ---------------------------------------------------------------- */

/* Another place has another clock: its page is another one. */
static const char *page_name(const fcr_client_ops_t *client,
                             const fcache_backend_conf_t *conf,
                             apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, conf->name, " ", conf->scheme, ":",
                                   conf->location, (char *)NULL);
    for (const char *const *name = client->options; name && *name; name++) {
        const char *value =
            conf->options ? apr_table_get(conf->options, *name) : NULL;
        if (value) {
            text =
                apr_pstrcat(pool, text, " ", *name, "=", value, (char *)NULL);
        }
    }
    return text;
}

fcache_status_t fcr_create(const fcr_client_ops_t *client,
                           const fcache_backend_conf_t *conf, void **out_self,
                           apr_pool_t *pool, fcache_error_t *error)
{
    fcr_t *store = apr_pcalloc(pool, sizeof(*store));
    int is_local = 0;
    store->client = client;
    store->name = apr_pstrdup(pool, conf->name);
    store->page_name = page_name(client, conf, pool);
    fcache_status_t status = check_options(client, conf->options, pool, error);
    if (status == FCACHE_OK) {
        status = fcn_limits_parse(conf->options, client->limits, &store->limits,
                                  error);
    }
    if (status == FCACHE_OK) {
        status = client->create(conf, &store->limits, &store->client_self,
                                &is_local, pool, error);
    }
    if (status == FCACHE_OK) {
        status = fcr_protect_create(conf->options, is_local, &store->protect,
                                    pool, error);
    }
    *out_self = store;
    return status;
}

fcache_status_t fcr_open(void *self, apr_pool_t *retain_pool,
                         fcache_error_t *error)
{
    fcr_t *store = self;
    fcache_status_t status =
        fcn_shared_open(store->page_name, retain_pool, &store->shared, error);
    if (status != FCACHE_OK) {
        return status;
    }
    store->purge =
        (fcr_purge_t){store->client, store->client_self, store->shared, NULL};
    return store->client->open(store->client_self, store->shared, error);
}

static apr_status_t leave(void *data)
{
    fcr_t *store = data;
    store->joined = 0;
    return APR_SUCCESS;
}

fcache_status_t fcr_child_init(void *self, apr_pool_t *pool,
                               fcache_error_t *error)
{
    fcr_t *store = self;
    if (!store->shared) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "store %s was not opened", store->name);
    }
    store->purge.memo = fcr_memo_create(pool);
    if (!store->purge.memo) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "store %s: no memory or no random bytes",
                                store->name);
    }
    fcache_status_t status =
        store->client->child_init(store->client_self, pool, error);
    if (status == FCACHE_OK) {
        store->joined = 1;
        apr_pool_cleanup_register(pool, store, leave, apr_pool_cleanup_null);
    }
    return status;
}
