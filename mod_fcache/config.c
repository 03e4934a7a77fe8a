/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "ctx.h"
#include "mod_fcache.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_core.h>

#define IN_SERVER    RSRC_CONF
#define IN_DIRECTORY (RSRC_CONF | ACCESS_CONF)
#define IN_HTACCESS  OR_FILEINFO

#define MFC_BYTES(text)                                                        \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }
#define MFC_EXPIRE_ORIGIN                                                      \
    {                                                                          \
        -1, -1, NULL, 0                                                        \
    }
#define MFC_KEY_DEFAULT                                                        \
    {                                                                          \
        NULL, NULL, NULL, NULL                                                 \
    }
#define MFC_CLIENT_CONTROL_KEEP                                                \
    {                                                                          \
        MFC_CONTROL_KEEP, NULL                                                 \
    }
#define MFC_METHODS_GET                                                        \
    {                                                                          \
        method_get, 1                                                          \
    }
#define MFC_LOCK_ON                                                            \
    {                                                                          \
        MFC_LOCK_WAIT_US, MFC_LOCK_LEASE_US                                    \
    }
#define MFC_STALE_ORIGIN                                                       \
    {                                                                          \
        0, 0, 0                                                                \
    }
#define MFC_SWITCH_OFF                                                         \
    {                                                                          \
        0, NULL                                                                \
    }
#define MFC_SWITCH_ON                                                          \
    {                                                                          \
        1, NULL                                                                \
    }
#define MFC_TAGS_DEFAULT                                                       \
    {                                                                          \
        tag_fields, 3, 0                                                       \
    }
#define MFC_EXPRS_NONE                                                         \
    {                                                                          \
        NULL, 0                                                                \
    }
#define MFC_CODES_DEFAULT                                                      \
    {                                                                          \
        NULL, 0                                                                \
    }

static const mfc_env_names_t env_default = {
    "FCACHE_STATUS", "FCACHE_REASON", "FCACHE_KEY", "FCACHE_TTL", "FCACHE_AGE"};
static const char *const tag_fields[] = {"Cache-Tag", "Surrogate-Key",
                                         "Cache-Groups"};
static const fcache_bytes_t method_get[] = {{"GET", 3}};

enum {
#define DIRECTIVE(name, where, min, max, parse, type, field, def, allowed,     \
                  help)                                                        \
    BIT_##field,
#include "directives.def"
#undef DIRECTIVE
};

static const mfc_conf_t defaults = {
    .set = 0,
#define DIRECTIVE(name, where, min, max, parse, type, field, def, allowed,     \
                  help)                                                        \
    .field = def,
#include "directives.def"
#undef DIRECTIVE
};

typedef struct row_t {
    const char *name;
    int min;
    int max;
    int bit;
    size_t offset;
    mfc_parse_fn parse;
    const char *allowed;
} row_t;

static const row_t rows[] = {
#define DIRECTIVE(name, where, min, max, parse, type, field, def, allowed,     \
                  help)                                                        \
    {#name, min, max, BIT_##field, offsetof(mfc_conf_t, field), parse, allowed},
#include "directives.def"
#undef DIRECTIVE
};

/* The registries and stores of the configuration that is being read or used.
 * httpd reads it in one thread; after post_config nobody writes it. */
static mfc_global_t *global;

/* ---- creating and merging ------------------------------------------------ */

void *mfc_conf_create(apr_pool_t *pool, char *path)
{
    mfc_conf_t *conf = apr_pmemdup(pool, &defaults, sizeof(defaults));

    (void)path;
    return conf;
}

void *mfc_conf_merge(apr_pool_t *pool, void *outer, void *inner)
{
    const mfc_conf_t *base = outer;
    const mfc_conf_t *add = inner;
    mfc_conf_t *conf;

    if (add->set == 0) {
        return outer;
    }
    conf = apr_pmemdup(pool, base, sizeof(*base));
    conf->set |= add->set;
#define DIRECTIVE(name, where, min, max, parse, type, field, def, allowed,     \
                  help)                                                        \
    if (add->set & (UINT64_C(1) << BIT_##field)) {                             \
        conf->field = add->field;                                              \
    }
#include "directives.def"
#undef DIRECTIVE
    return conf;
}

const mfc_conf_t *mfc_conf_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &fcache_module);
}

void mfc_conf_policy(const mfc_conf_t *conf, fcache_policy_t *out_policy)
{
    fcache_policy_init(out_policy);
    out_policy->default_ttl_s = conf->expire.default_ttl_s;
    out_policy->force_ttl_s = conf->expire.force_ttl_s;
    out_policy->status_ttls = conf->expire.status_ttls;
    out_policy->status_ttl_count = conf->expire.status_ttl_count;
    out_policy->max_ttl_s = conf->max_ttl_s;
    out_policy->methods = conf->methods.items;
    out_policy->method_count = conf->methods.count;
    out_policy->set_cookie = conf->set_cookie;
    out_policy->authorization_never = conf->authorization_never;
    out_policy->request_control = conf->request_control;
    out_policy->heuristic = conf->heuristic;
    out_policy->ignore_bad_age = conf->ignore_bad_age;
    out_policy->partial = conf->partial;
    out_policy->stale_while_revalidate_s = conf->stale.while_revalidate_s;
    out_policy->stale_if_error_s = conf->stale.if_error_s;
    if (conf->stale.off) {
        out_policy->max_stale_s = 0;
    }
    if (conf->error_status.items != NULL) {
        out_policy->error_statuses = conf->error_status.items;
        out_policy->error_status_count = conf->error_status.count;
    }
}

/* ---- stores -------------------------------------------------------------- */

static void add_providers(void)
{
    apr_array_header_t *names = ap_list_provider_names(
        global->pool, MOD_FCACHE_BACKEND_PROVIDER, MOD_FCACHE_PROVIDER_VERSION);
    int i;

    for (i = 0; i < names->nelts; i++) {
        fcache_backends_add(
            global->backends,
            ap_lookup_provider(
                MOD_FCACHE_BACKEND_PROVIDER,
                APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name,
                MOD_FCACHE_PROVIDER_VERSION),
            NULL);
    }
    names = ap_list_provider_names(global->pool, MOD_FCACHE_CODER_PROVIDER,
                                   MOD_FCACHE_PROVIDER_VERSION);
    for (i = 0; i < names->nelts; i++) {
        fcache_coder_register(
            global->coders,
            ap_lookup_provider(
                MOD_FCACHE_CODER_PROVIDER,
                APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name,
                MOD_FCACHE_PROVIDER_VERSION),
            NULL);
    }
}

void mfc_global_init(apr_pool_t *pool)
{
    global = apr_pcalloc(pool, sizeof(*global));
    global->pool = pool;
    global->stores = apr_array_make(pool, 4, sizeof(mfc_store_t *));
    global->namespaces = apr_array_make(pool, 4, sizeof(mfc_namespace_t *));
    APR_ARRAY_PUSH(global->namespaces, const mfc_namespace_t *) =
        &mfc_namespace_default;
    global->backends = fcache_backends_create(pool);
    fcache_backends_add_builtin(global->backends);
    global->coders = fcache_coders_create(pool);
    add_providers();
}

mfc_global_t *mfc_global(void)
{
    return global;
}

mfc_store_t *mfc_store_named(const char *name, const char *where)
{
    mfc_store_t *store;
    int i;

    for (i = 0; i < global->stores->nelts; i++) {
        store = APR_ARRAY_IDX(global->stores, i, mfc_store_t *);
        if (strcmp(store->name, name) == 0) {
            return store;
        }
    }
    store = apr_pcalloc(global->pool, sizeof(*store));
    store->name = apr_pstrdup(global->pool, name);
    store->first_use = where;
    store->options = apr_table_make(global->pool, 4);
    APR_ARRAY_PUSH(global->stores, mfc_store_t *) = store;
    return store;
}

mfc_store_t *mfc_store_of(const mfc_conf_t *conf)
{
    return conf->store ? conf->store : global->default_store;
}

/* ---- commands ------------------------------------------------------------ */

static const char *command(cmd_parms *cmd, void *conf_void, int argc,
                           char *const argv[])
{
    mfc_conf_t *conf = conf_void;
    const row_t *row = cmd->info;
    const char *why;
    const char *given = "";
    int i;

    for (i = 0; i < argc; i++) {
        given = apr_pstrcat(cmd->temp_pool, given, i ? " " : "", argv[i], NULL);
    }
    if (argc < row->min || argc > row->max) {
        why = argc < row->min ? "too few values" : "too many values";
    } else {
        why = row->parse(cmd, (char *)conf + row->offset, argc, argv);
    }
    if (why != NULL) {
        return apr_psprintf(cmd->pool, "%s \"%s\": %s; allowed: %s", row->name,
                            given, why, row->allowed);
    }
    conf->set |= UINT64_C(1) << row->bit;
    return NULL;
}

/* The first word, unless it may be a part of a password with a blank. */
static const char *shown(char *const *words, int count)
{
    int i = 0;

    while (i < count && strchr(words[i], '@') == NULL) {
        i++;
    }
    return i == count ? words[0] : "...";
}

/* FCacheBackend NAME URL [option=value ...]: lifecycle.c creates it, when all are
 * known. */
static const char *command_backend(cmd_parms *cmd, void *conf, int argc,
                                   char *const argv[])
{
    const char *why = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    mfc_store_t *store;
    int i;

    (void)conf;
    if (why != NULL) {
        return why;
    }
    if (argc < 2 || !fcache_label_is_valid(fcache_str(argv[0])) || !*argv[0]) {
        return "FCacheBackend: allowed: NAME URL [option=value ...], NAME of "
               "[A-Za-z0-9._-]{1,64}";
    }
    store = mfc_store_named(argv[0], NULL);
    if (store->defined != NULL) {
        return apr_psprintf(cmd->pool,
                            "FCacheBackend \"%s\": defined before at %s; "
                            "allowed: each name once",
                            argv[0], store->defined);
    }
    store->defined = mfc_place_of(cmd);
    store->url = apr_pstrdup(cmd->pool, argv[1]);
    for (i = 2; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (equals == NULL || equals == argv[i]) {
            return apr_psprintf(cmd->pool,
                                "FCacheBackend \"%s\": \"%s\" is no option; "
                                "allowed: option=value",
                                argv[0], shown(argv + i, argc - i));
        }
        apr_table_set(store->options,
                      apr_pstrmemdup(cmd->temp_pool, argv[i],
                                     (apr_size_t)(equals - argv[i])),
                      equals + 1);
    }
    return NULL;
}

const command_rec mfc_commands[] = {
    AP_INIT_TAKE_ARGV("FCacheBackend", command_backend, NULL, IN_SERVER,
                      "NAME URL [option=value ...]: a store, e.g. "
                      "FCacheBackend default memory: size=64M"),
#define DIRECTIVE(name, where, min, max, parse, type, field, def, allowed,     \
                  help)                                                        \
    AP_INIT_TAKE_ARGV(#name, command, (void *)(intptr_t)&rows[BIT_##field],    \
                      where, allowed ": " help),
#include "directives.def"
#undef DIRECTIVE
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}};
