/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "../net/password.h"

#include <apr_strings.h>

#define PORT_DEFAULT 11211
#define USER_MAX     255
#define ITEM_MIN     (UINT64_C(4) << 10)
#define ITEM_MAX     (UINT64_C(1) << 30) /* as memcached -I */

const char *const fcmc_options[] = {"protocol", "user", "password-file",
                                    "max-item", "tls",  NULL};

/* ---- servers ---- */

static fcache_status_t add_server(fcmc_t *store, fcn_endpoint_t *endpoints,
                                  const char *text, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    if (store->count == FCMC_SERVERS_MAX) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memcached: more than %d servers",
                                FCMC_SERVERS_MAX);
    }
    fcn_endpoint_t *added = &endpoints[store->count];
    fcache_status_t status =
        fcn_endpoint_parse(text, PORT_DEFAULT, added, pool, error);
    for (size_t i = 0; i < store->count && status == FCACHE_OK; i++) {
        if (!strcmp(endpoints[i].text, added->text)) {
            status =
                fcache_error_set(error, FCACHE_BAD_CONFIG,
                                 "memcached: %s is there twice", added->text);
        }
    }
    store->count += status == FCACHE_OK;
    return status;
}

static fcache_status_t read_servers(const fcache_backend_conf_t *conf,
                                    fcmc_t *store, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    const char *list = conf->location;
    fcn_endpoint_t *endpoints =
        apr_pcalloc(pool, FCMC_SERVERS_MAX * sizeof(*endpoints));
    fcache_status_t status = FCACHE_OK;
    if (!strncmp(list, "//", 2)) {
        list += 2;
    }
    store->endpoints = endpoints;
    if (!*list) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memcached: names no server; it is "
                                "memcached://HOST[:PORT],... or "
                                "memcached:/PATH");
    }
    for (const char *rest = list; rest && status == FCACHE_OK;) {
        size_t len = strcspn(rest, ",");
        status = add_server(store, endpoints, apr_pstrmemdup(pool, rest, len),
                            pool, error);
        rest = rest[len] ? rest + len + 1 : NULL;
    }
    return status;
}

/* ---- options ---- */

static fcache_status_t read_switch(const apr_table_t *options, const char *name,
                                   const char *off, const char *on, int *out_on,
                                   fcache_error_t *error)
{
    const char *value = apr_table_get(options, name);
    *out_on = value && !strcmp(value, on);
    if (value && !*out_on && strcmp(value, off) != 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memcached: %s=%s is not %s or %s", name, value,
                                off, on);
    }
    return FCACHE_OK;
}

static fcache_status_t read_max_item(const apr_table_t *options, fcmc_t *store,
                                     fcache_error_t *error)
{
    const char *value = apr_table_get(options, "max-item");
    if (value && (fcache_size_parse(value, &store->max_item) != FCACHE_OK ||
                  store->max_item < ITEM_MIN || store->max_item > ITEM_MAX)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memcached: max-item=%s is not a size from 4K "
                                "to 1G",
                                value);
    }
    return FCACHE_OK;
}

/* "\0user\0password", as SASL PLAIN wants it (RFC 4616). */
static fcache_status_t read_credentials(const apr_table_t *options,
                                        fcmc_t *store, apr_pool_t *pool,
                                        fcache_error_t *error)
{
    const char *user = apr_table_get(options, "user");
    const char *path = apr_table_get(options, "password-file");
    const char *password = NULL;
    if (!user && !path) {
        return FCACHE_OK;
    }
    if (!user || !*user || strlen(user) > USER_MAX || !path) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG,
            "memcached: user and password-file go together");
    }
    if (!store->wire->login) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "memcached: user=%s needs protocol=binary: "
                                "memcached knows SASL in that protocol only",
                                user);
    }
    fcache_status_t status = fcn_password_read("memcached: password-file", path,
                                               &password, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    size_t user_len = strlen(user), len = strlen(password);
    char *credentials = apr_pcalloc(pool, 2 + user_len + len);
    memcpy(credentials + 1, user, user_len);
    memcpy(credentials + 2 + user_len, password, len);
    store->credentials = fcache_bytes(credentials, 2 + user_len + len);
    return FCACHE_OK;
}

typedef struct stray_t {
    const char *option;
} stray_t;

static int find_tls(void *baton, const char *name, const char *value)
{
    stray_t *stray = baton;
    (void)value;
    stray->option = fcn_tls_has(name) ? name : NULL;
    return !stray->option;
}

static fcache_status_t read_tls(const apr_table_t *options, fcmc_t *store,
                                apr_pool_t *pool, fcache_error_t *error)
{
    stray_t stray = {NULL};
    int on = 0;
    fcache_status_t status =
        read_switch(options, "tls", "off", "on", &on, error);
    if (status != FCACHE_OK || on) {
        return status == FCACHE_OK
                   ? fcn_tls_create(options, &store->tls, pool, error)
                   : status;
    }
    apr_table_do(find_tls, &stray, options, NULL);
    return stray.option
               ? fcache_error_set(error, FCACHE_BAD_CONFIG,
                                  "memcached: %s is for tls=on", stray.option)
               : FCACHE_OK;
}

fcache_status_t fcmc_options_read(const fcache_backend_conf_t *conf,
                                  fcmc_t *store, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    int is_binary = 0;
    fcache_status_t status = read_servers(conf, store, pool, error);
    if (status == FCACHE_OK) {
        status = read_switch(conf->options, "protocol", "ascii", "binary",
                             &is_binary, error);
    }
    store->wire = is_binary ? &fcmc_binary : &fcmc_text;
    if (status == FCACHE_OK) {
        status = read_max_item(conf->options, store, error);
    }
    if (status == FCACHE_OK) {
        status = read_credentials(conf->options, store, pool, error);
    }
    return status == FCACHE_OK ? read_tls(conf->options, store, pool, error)
                               : status;
}
