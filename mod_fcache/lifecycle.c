/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"
#include "behind.h"

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

/* ---- creating the stores ------------------------------------------------- */

/* The store that is there without a FCacheBackend. */
static void define_default(void)
{
    mfc_store_t *store = mfc_store_named(DEFAULT_STORE, NULL);

    mfc_global()->default_store = store;
    if (store->defined == NULL) {
        store->defined = "default";
        store->url = DEFAULT_STORE_URL;
    }
}

static int all_defined(void)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    int i;

    for (i = 0; i < stores->nelts; i++) {
        const mfc_store_t *store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (store->defined == NULL) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL,
                         "FC0002: %s: FCacheStore \"%s\": no such store; "
                         "allowed: NAME of a FCacheBackend",
                         store->first_use, store->name);
            return 0;
        }
    }
    return 1;
}

/* What the server says for all remote stores. */
static void set_defaults(server_rec *main_server)
{
    const mfc_conf_t *conf =
        ap_get_module_config(main_server->lookup_defaults, &fcache_module);
    const struct {
        const char *option;
        const char *value;
    } rows[] = {{"secret-file", conf->secret_file},
                {"encrypt", conf->encrypt},
                {"integrity", conf->integrity}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].value != NULL) {
            fcache_backends_default(mfc_global()->backends, rows[i].option,
                                    rows[i].value);
        }
    }
}

/* Creates the stores that are not yet; counts those that fail. */
static int create_each(int tells, int *out_created)
{
    mfc_global_t *global = mfc_global();
    int failed = 0;
    int i;

    *out_created = 0;
    for (i = 0; i < global->stores->nelts; i++) {
        mfc_store_t *store = APR_ARRAY_IDX(global->stores, i, mfc_store_t *);
        fcache_error_t error = {""};

        if (store->backend != NULL) {
            continue;
        }
        if (fcache_backend_create(global->backends, store->name, store->url,
                                  store->options, &store->backend, global->pool,
                                  &error) == FCACHE_OK) {
            *out_created = 1;
            continue;
        }
        failed++;
        if (tells) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL,
                         "FC0001: %s: FCacheBackend \"%s\": %s", store->defined,
                         store->name, error.text);
        }
    }
    return failed;
}

/* One may be made of others that stand below it, so what failed is tried again
 * as long as there are new ones. */
static int create_all(void)
{
    int created;
    int failed;

    do {
        failed = create_each(0, &created);
    } while (failed && created);
    return !failed || !create_each(1, &created);
}

/* ---- looking at the configuration ---------------------------------------- */

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
    define_default();
    set_defaults(main_server);
    return all_defined() && create_all() && is_strict(main_server) &&
                   mfc_auth_check()
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static int is_threaded(void)
{
    int threaded = AP_MPMQ_NOT_SUPPORTED;

    ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
    return threaded != AP_MPMQ_NOT_SUPPORTED;
}

static fcache_status_t make_caches(mfc_store_t *store, fcache_error_t *error)
{
    mfc_global_t *global = mfc_global();
    fcache_options_t options = {.backend = store->backend,
                                .coders = global->coders,
                                .max_object_bytes = UINT64_MAX};
    fcache_status_t status =
        fcache_create(&options, &store->cache, global->pool, error);

    if (status == FCACHE_OK && is_threaded() &&
        (fcache_backend_flags(store->backend) & FCACHE_BACKEND_REMOTE)) {
        status = mfc_behind_create(store->name, store->backend, &options,
                                   &store->behind, global->pool, error);
    }
    return status;
}

static int open_store(mfc_store_t *store, apr_pool_t *process_pool)
{
    fcache_error_t error = {""};

    if (make_caches(store, &error) != FCACHE_OK ||
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

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    if (mfc_shared_create(pconf) != APR_SUCCESS ||
        mfc_namespaces_create(pconf) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, main_server,
                     "FC0007: no shared memory for fcache-admin");
        return HTTP_INTERNAL_SERVER_ERROR;
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

    for (i = 0; i < stores->nelts; i++) {
        mfc_store_t *store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (fcache_backend_child_init(store->backend, pchild, &error) !=
            FCACHE_OK) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                         "FC0004: store \"%s\" is not used by this process: %s",
                         store->name, error.text);
            store->cache = NULL;
        } else if (store->behind != NULL &&
                   !mfc_behind_child_init(store->behind, pchild)) {
            store->behind = NULL;
        }
    }
    mfc_queue_child_init(pchild);
    mfc_flight_child_init();
    mfc_refresh_child_init(pchild);
}
