/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_CONFIG_H
#define MFC_CONFIG_H

/*
 * Configuration: what the directives say, merged from server to vhost to
 * Location to .htaccess, and the stores they name. Immutable after post_config;
 * an unset field falls through to the scope outside.
 */

#include <fcache/fcache.h>

#include <apr_hash.h>
#include <httpd.h>

#include <ap_expr.h>
#include <http_config.h>

typedef struct mfc_behind_t mfc_behind_t; /* behind.h */

/* A store: referred to by FCacheStore, defined by FCacheBackend. */
typedef struct mfc_store_t {
    const char *name;
    const char *first_use; /* "file:line" of the first reference, for errors */
    const char *defined;   /* "file:line" of its FCacheBackend, or NULL */
    const char *url;
    apr_table_t *options;
    fcache_backend_t *backend; /* after check_config */
    fcache_t *cache;           /* after post_config */
    mfc_behind_t *behind;      /* of a remote one, where there are threads */
} mfc_store_t;

typedef struct mfc_expire_t {
    int64_t default_ttl_s;
    int64_t force_ttl_s;
    const fcache_status_ttl_t *status_ttls;
    size_t status_ttl_count;
} mfc_expire_t;

typedef struct mfc_key_conf_t {
    const fcache_key_rules_t *rules; /* NULL: the default key */
    apr_hash_t *expressions; /* text of expr= -> ap_expr_info_t, or NULL */
    fcache_key_builder_fn builder; /* NULL: none */
    void *builder_baton;
} mfc_key_conf_t;

typedef struct mfc_switch_t {
    int on;
    const ap_expr_info_t *expression; /* NULL: as `on` says */
} mfc_switch_t;

typedef enum mfc_control_mode_t {
    MFC_CONTROL_KEEP,
    MFC_CONTROL_UNSET,
    MFC_CONTROL_SET
} mfc_control_mode_t;

typedef struct mfc_client_control_t {
    mfc_control_mode_t mode;
    const char *value; /* NULL: max-age=<what is left> */
} mfc_client_control_t;

typedef struct mfc_methods_t {
    const fcache_bytes_t *items;
    size_t count;
} mfc_methods_t;

typedef struct mfc_codes_t {
    const int *items; /* NULL: the default of fcache_policy_t */
    size_t count;
} mfc_codes_t;

/* How long stale answers serve where the response does not say. */
typedef struct mfc_stale_conf_t {
    int off; /* never, whatever the response says */
    int64_t while_revalidate_s;
    int64_t if_error_s;
} mfc_stale_conf_t;

/* The fields that tags come in. */
typedef struct mfc_tags_conf_t {
    const char *const *fields;
    size_t count;
    int forwards; /* clients get them too */
} mfc_tags_conf_t;

/* Expressions that make text. */
typedef struct mfc_exprs_t {
    const ap_expr_info_t *const *items;
    size_t count;
} mfc_exprs_t;

/* One thing that a write clears. */
typedef struct mfc_target_t {
    fcache_purge_kind_t kind;
    const ap_expr_info_t *value;
} mfc_target_t;

/* One line of FCacheInvalidate. */
typedef struct mfc_rule_t {
    const mfc_target_t *targets;
    size_t count;
    int soft;
    const ap_expr_info_t *when; /* NULL: always */
} mfc_rule_t;

/* How long to wait for who asks the origin; 0: everybody asks. */
typedef struct mfc_lock_conf_t {
    int64_t wait_us;
    int64_t lease_us; /* how long the one may take until it counts as dead */
} mfc_lock_conf_t;

#define MFC_LOCK_WAIT_US  (2 * FCACHE_US_PER_S)
#define MFC_LOCK_LEASE_US (5 * FCACHE_US_PER_S)

/* A namespace, and the row that its requests are counted in. */
typedef struct mfc_namespace_t {
    fcache_bytes_t name;
    size_t row;
} mfc_namespace_t;

/* The names of the variables and notes of a request, made from the prefix. */
typedef struct mfc_env_names_t {
    const char *status;
    const char *reason;
    const char *key;
    const char *ttl;
    const char *age;
} mfc_env_names_t;

typedef struct mfc_conf_t {
    uint64_t set; /* one bit for each field that is given in this scope */
#define DIRECTIVE(name, where, min, max, parse, type, field, def, allowed,     \
                  help)                                                        \
    type field;
#include "directives.def"
#undef DIRECTIVE
} mfc_conf_t;

/* What is global: the stores and the registries, made anew by each reading of
 * the configuration. */
typedef struct mfc_global_t {
    apr_pool_t *pool;
    apr_array_header_t *stores;     /* mfc_store_t *, in the order named */
    apr_array_header_t *namespaces; /* const mfc_namespace_t *, by row */
    fcache_backends_t *backends;
    fcache_coders_t *coders;
    mfc_store_t *default_store; /* after post_config */
    int enabled;     /* somewhere in the server's own configuration */
    int many_vhosts; /* more than one name-based virtual host */
} mfc_global_t;

/* httpd's hooks into this room. */
void *mfc_conf_create(apr_pool_t *pool, char *path);
void *mfc_conf_merge(apr_pool_t *pool, void *outer, void *inner);
extern const command_rec mfc_commands[];

/* Starts a new reading of the configuration. */
void mfc_global_init(apr_pool_t *pool);
mfc_global_t *mfc_global(void);

/* The store of that name, made if need be. `where` is a place for errors. */
mfc_store_t *mfc_store_named(const char *name, const char *where);

/* ---- namespaces.c: what requests are counted by -------------------------- */

#define MFC_NAMESPACES 256 /* rows; the last one is of all that have none */

extern const mfc_namespace_t mfc_namespace_default; /* row 0 */

/* While the configuration is read: that namespace, made if need be. */
const mfc_namespace_t *mfc_namespace_named(fcache_bytes_t name);

/* "file:line" of a directive. */
const char *mfc_place_of(cmd_parms *cmd);

/* The store a scope uses: the one it names, or the default. */
mfc_store_t *mfc_store_of(const mfc_conf_t *conf);

/* The scope's configuration of a request. */
const mfc_conf_t *mfc_conf_of(const request_rec *r);

/* The operator's knobs as the core wants them; views into `conf`. */
void mfc_conf_policy(const mfc_conf_t *conf, fcache_policy_t *out_policy);

/* ---- parsers (config_*.c) ------------------------------------------------ */

/* Writes *field from the arguments; NULL or why the value is not good. */
typedef const char *(*mfc_parse_fn)(cmd_parms *cmd, void *field, int argc,
                                    char *const argv[]);

const char *mfc_parse_flag(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_secret_file(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_store_flag(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_enable(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_store(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_label(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_namespace(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_expire(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_seconds(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_coder(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_key(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_header_name(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_cache_status(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_switch(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_env_prefix(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_client_control(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_methods(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_size(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_set_cookie(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_authorization(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_error_status(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_bad_age(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_request_control(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_lock(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_percent(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_stale(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_tags(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_tag(cmd_parms *, void *, int, char *const[]);
const char *mfc_parse_invalidate(cmd_parms *, void *, int, char *const[]);

/* Off when the expression fails. */
int mfc_switch_is_on(const mfc_switch_t *of, request_rec *r);

/* Compiles an expression that makes text; NULL or why it cannot. */
const char *mfc_parse_text_expr(cmd_parms *cmd, const char *text,
                                const ap_expr_info_t **out_expression);

#endif
