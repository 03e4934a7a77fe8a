/* SPDX-License-Identifier: Apache-2.0 */
#include "ctx.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <mpm_common.h>

APLOG_USE_MODULE(fcache);

#define DEFAULT_STORE     "default"
#define DEFAULT_STORE_URL "memory:"

int mfc_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    mfc_global_init(pconf);
    return OK;
}

/* The store that is there without a FCacheBackend. */
static int define_default(void)
{
    mfc_global_t *global = mfc_global();
    mfc_store_t *store = mfc_store_named(DEFAULT_STORE, NULL);
    fcache_error_t error = {""};

    global->default_store = store;
    if (store->backend == NULL &&
        fcache_backend_create(global->backends, DEFAULT_STORE,
                              DEFAULT_STORE_URL, NULL, &store->backend,
                              global->pool, &error) != FCACHE_OK) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL,
                     "FC0001: FCacheBackend \"%s\": %s", DEFAULT_STORE,
                     error.text);
        return 0;
    }
    return 1;
}

static int all_defined(void)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    int i;

    for (i = 0; i < stores->nelts; i++) {
        const mfc_store_t *store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (store->backend == NULL) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL,
                         "FC0002: %s: FCacheStore \"%s\": no such store; "
                         "allowed: NAME of a FCacheBackend",
                         store->first_use, store->name);
            return 0;
        }
    }
    return 1;
}

/* Is a name-based choice made among virtual hosts? Then a host that none of
 * them has is not cached (it fell to the first). */
static int has_many_vhosts(server_rec *main_server)
{
    server_rec *server;
    int count = 0;

    for (server = main_server; server != NULL; server = server->next) {
        count += server->is_virtual != 0;
    }
    return count > 1;
}

/* What httpd lets through when it is lax makes two readings of one request
 * possible, and a cache would give one's answer to the other (T13). */
static int is_strict(server_rec *main_server)
{
    server_rec *server;

    for (server = main_server; server != NULL; server = server->next) {
        const core_server_config *core =
            ap_get_core_module_config(server->module_config);
        if (mfc_global()->enabled &&
            core->http_conformance == AP_HTTP_CONFORMANCE_UNSAFE) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, server,
                         "FC0005: FCacheEnable \"on\": not with "
                         "HttpProtocolOptions Unsafe; allowed: "
                         "HttpProtocolOptions Strict");
            return 0;
        }
    }
    return 1;
}

/* Here and not later, so that `httpd -t` tells. */
int mfc_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                     server_rec *main_server)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    mfc_global()->many_vhosts = has_many_vhosts(main_server);
    return define_default() && all_defined() && is_strict(main_server)
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static int open_store(mfc_store_t *store, apr_pool_t *process_pool)
{
    mfc_global_t *global = mfc_global();
    fcache_options_t options = {store->backend, global->coders, UINT64_MAX};
    fcache_error_t error = {""};

    if (fcache_create(&options, &store->cache, global->pool, &error) !=
            FCACHE_OK ||
        fcache_backend_open(store->backend, process_pool, &error) !=
            FCACHE_OK) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL,
                     "FC0003: store \"%s\": %s", store->name, error.text);
        return 0;
    }
    return 1;
}

int mfc_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *main_server)
{
    apr_array_header_t *stores = mfc_global()->stores;
    int i;

    (void)pconf;
    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    for (i = 0; i < stores->nelts; i++) {
        if (!open_store(APR_ARRAY_IDX(stores, i, mfc_store_t *),
                        main_server->process->pool)) {
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return OK;
}

void mfc_child_init(apr_pool_t *pchild, server_rec *main_server)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    fcache_error_t error = {""};
    int i;

    mfc_later_init();
    for (i = 0; i < stores->nelts; i++) {
        mfc_store_t *store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (fcache_backend_child_init(store->backend, pchild, &error) !=
            FCACHE_OK) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                         "FC0004: store \"%s\" is not used by this process: %s",
                         store->name, error.text);
            store->cache = NULL;
        }
    }
}
