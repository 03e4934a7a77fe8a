/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include "../net/password.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <stdlib.h>

#define PORT            6379
#define SENTINEL_PORT   26379
#define DB_MAX          1048575
#define SEEDS_MAX       32
#define MAX_VALUE       (UINT64_C(8) << 20)
#define MAX_VALUE_LEAST (UINT64_C(64) << 10)
#define MAX_VALUE_MOST  (UINT64_C(256) << 20)

const char *const fcrd_options[] = {
    "db",
    "user",
    "password",
    "password-file",
    "cluster",
    "sentinel",
    "sentinel-user",
    "sentinel-password",
    "sentinel-password-file",
    "max-value",
    NULL,
};

/* ---- parts of the URL ---------------------------------------------------- */

typedef struct url_t {
    char *user, *password, *hosts, *db; /* NULL: not given */
} url_t;

static int hex(char c)
{
    return apr_isdigit(c)    ? c - '0'
           : apr_isxdigit(c) ? apr_tolower(c) - 'a' + 10
                             : -1;
}

/* Percent-decodes in place (RFC 3986 §2.1); 0 for a bad escape or a NUL. */
static int decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        char c = *in;
        if (c == '%') {
            int high = hex(in[1]);
            int low = high < 0 ? -1 : hex(in[2]);
            if (low < 0 || (high | low) == 0) {
                return 0;
            }
            c = (char)(high << 4 | low);
            in += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return 1;
}

/* Of "//user:password@hosts/db". The location is not shown in errors: it may
 * hold a password. */
static fcache_status_t split_url(const char *location, url_t *out_url,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    *out_url = (url_t){0};
    if (strncmp(location, "//", 2) != 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: the URL is redis://host:port/db");
    }
    char *hosts = apr_pstrdup(pool, location + 2);
    char *at = strrchr(hosts, '@');
    if (at) {
        *at = '\0';
        out_url->user = hosts;
        hosts = at + 1;
        char *colon = strchr(out_url->user, ':');
        if (colon) {
            *colon = '\0';
            out_url->password = colon + 1;
        }
        if (!decode(out_url->user) || (colon && !decode(colon + 1))) {
            return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                    "redis: a bad %%-escape in the URL's user "
                                    "or password");
        }
        out_url->user = *out_url->user ? out_url->user : NULL;
    }
    char *slash = strchr(hosts, '/');
    if (slash) {
        *slash = '\0';
        out_url->db = slash[1] ? slash + 1 : NULL;
    }
    out_url->hosts = hosts;
    return FCACHE_OK;
}

static fcache_status_t parse_hosts(fcrd_conf_t *conf, char *hosts,
                                   apr_pool_t *pool, fcache_error_t *error)
{
    uint16_t port = conf->topology == FCRD_SENTINEL ? SENTINEL_PORT : PORT;
    char *last = NULL;
    fcache_status_t status = FCACHE_OK;
    conf->is_local = 1;
    for (char *host = apr_strtok(hosts, ",", &last);
         host && status == FCACHE_OK; host = apr_strtok(NULL, ",", &last)) {
        if (conf->seed_count == SEEDS_MAX) {
            return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                    "redis: more than %d servers in the URL",
                                    SEEDS_MAX);
        }
        fcn_endpoint_t *seed = &conf->seeds[conf->seed_count++];
        status = fcn_endpoint_parse(host, port, seed, pool, error);
        conf->is_local = conf->is_local && status == FCACHE_OK &&
                         fcn_endpoint_is_local(seed);
    }
    if (status == FCACHE_OK && conf->seed_count == 0) {
        status = fcache_error_set(error, FCACHE_BAD_CONFIG,
                                  "redis: no server in the URL");
    }
    if (status == FCACHE_OK && conf->seed_count > 1 &&
        conf->topology == FCRD_SINGLE) {
        status = fcache_error_set(error, FCACHE_BAD_CONFIG,
                                  "redis: several servers are for cluster=on "
                                  "or sentinel=NAME");
    }
    return status;
}

/* ---- options ------------------------------------------------------------- */

/* The one of two sources, of which only one may be given. */
static fcache_status_t choose(const char *option, const char *from_url,
                              const char *from_option, const char **out,
                              fcache_error_t *error)
{
    if (from_url && from_option) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: %s is given in the URL and as an "
                                "option",
                                option);
    }
    *out = from_url ? from_url : from_option;
    return FCACHE_OK;
}

static fcache_status_t read_db(const char *text, unsigned *out_db,
                               fcache_error_t *error)
{
    char *end = NULL;
    if (!text) {
        return FCACHE_OK;
    }
    long db = apr_isdigit(*text) ? strtol(text, &end, 10) : -1;
    if (db < 0 || db > DB_MAX || *end) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: db=%.40s is not a number from 0 to %d",
                                text, DB_MAX);
    }
    *out_db = (unsigned)db;
    return FCACHE_OK;
}

/* Password and user of one kind of server; options PREFIXuser and so on. */
static fcache_status_t read_login(const apr_table_t *options,
                                  const char *prefix, const url_t *url,
                                  fcrd_access_t *access, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    const char *file_option =
        apr_pstrcat(pool, prefix, "password-file", (char *)NULL);
    const char *option = apr_pstrcat(pool, prefix, "password", (char *)NULL);
    const char *user = apr_pstrcat(pool, prefix, "user", (char *)NULL);
    const char *file = apr_table_get(options, file_option);
    fcache_status_t status =
        choose(user, url ? url->user : NULL, apr_table_get(options, user),
               &access->user, error);
    if (status == FCACHE_OK) {
        status =
            choose(option, url ? url->password : NULL,
                   apr_table_get(options, option), &access->password, error);
    }
    if (status == FCACHE_OK && file && access->password) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: a password and %s are given",
                                file_option);
    }
    if (status == FCACHE_OK && file) {
        status = fcn_password_read(file_option, file, &access->password, pool,
                                   error);
    }
    if (status == FCACHE_OK && access->user && !access->password) {
        status = fcache_error_set(error, FCACHE_BAD_CONFIG,
                                  "redis: %s %.60s has no password: give %s",
                                  user, access->user, file_option);
    }
    return status;
}

static fcache_status_t read_topology(fcrd_conf_t *conf,
                                     const apr_table_t *options,
                                     fcache_error_t *error)
{
    const char *cluster = apr_table_get(options, "cluster");
    conf->master_name = apr_table_get(options, "sentinel");
    int is_on = cluster && strcmp(cluster, "on") == 0;
    if (cluster && !is_on && strcmp(cluster, "off") != 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: cluster=%.40s is neither on nor off",
                                cluster);
    }
    if (is_on && conf->master_name) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: cluster=on and sentinel=%.40s exclude "
                                "each other",
                                conf->master_name);
    }
    if (!conf->master_name &&
        (apr_table_get(options, "sentinel-user") ||
         apr_table_get(options, "sentinel-password") ||
         apr_table_get(options, "sentinel-password-file"))) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: a login for sentinels, but no "
                                "sentinel=NAME");
    }
    conf->topology = is_on               ? FCRD_CLUSTER
                     : conf->master_name ? FCRD_SENTINEL
                                         : FCRD_SINGLE;
    return FCACHE_OK;
}

static fcache_status_t read_max_value(fcrd_conf_t *conf, const char *text,
                                      fcache_error_t *error)
{
    conf->max_value = MAX_VALUE;
    if (text && (fcache_size_parse(text, &conf->max_value) != FCACHE_OK ||
                 conf->max_value < MAX_VALUE_LEAST ||
                 conf->max_value > MAX_VALUE_MOST)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: max-value=%.40s is not a size from 64K "
                                "to 256M",
                                text);
    }
    return FCACHE_OK;
}

static int refuse_tls(void *baton, const char *name, const char *value)
{
    (void)value;
    if (!fcn_tls_has(name)) {
        return 1;
    }
    fcache_error_set(baton, FCACHE_BAD_CONFIG,
                     "redis: option %.40s is for rediss:// only", name);
    return 0;
}

static fcache_status_t read_tls(fcrd_conf_t *conf,
                                const fcache_backend_conf_t *from,
                                apr_pool_t *pool, fcache_error_t *error)
{
    if (strcmp(from->scheme, "rediss") != 0) {
        return apr_table_do(refuse_tls, error, from->options, (char *)NULL)
                   ? FCACHE_OK
                   : FCACHE_BAD_CONFIG;
    }
    fcache_status_t status =
        fcn_tls_create(from->options, &conf->access.tls, pool, error);
    conf->sentinel_access.tls = conf->access.tls;
    return status;
}

/* Servers name others. A store that was taken for one of this machine, and has
 * no secret for that reason, must not be led elsewhere by them. */
static int must_stay_local(const fcrd_conf_t *conf, const apr_table_t *options)
{
    const char *integrity = apr_table_get(options, "integrity");
    return conf->is_local && !apr_table_get(options, "secret-file") &&
           !(integrity && strcmp(integrity, "off") == 0);
}

static fcache_status_t parse_servers(fcrd_conf_t *conf,
                                     const fcache_backend_conf_t *from,
                                     url_t *url, apr_pool_t *pool,
                                     fcache_error_t *error)
{
    conf->seeds = apr_pcalloc(pool, SEEDS_MAX * sizeof(*conf->seeds));
    *url = (url_t){0};
    if (strcmp(from->scheme, "unix") != 0) {
        fcache_status_t status = split_url(from->location, url, pool, error);
        return status == FCACHE_OK ? parse_hosts(conf, url->hosts, pool, error)
                                   : status;
    }
    if (conf->topology != FCRD_SINGLE || from->location[0] != '/') {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "redis: the URL is unix:/path, to one server's "
                                "socket");
    }
    conf->seed_count = 1;
    conf->is_local = 1;
    return fcn_endpoint_parse(from->location, PORT, conf->seeds, pool, error);
}

fcache_status_t fcrd_conf_parse(const fcache_backend_conf_t *from,
                                const fcn_limits_t *limits,
                                fcrd_conf_t *out_conf, apr_pool_t *pool,
                                fcache_error_t *error)
{
    url_t url;
    const char *db = NULL;
    fcrd_conf_t *conf = out_conf;
    *conf = (fcrd_conf_t){.access.limits = limits,
                          .sentinel_access.limits = limits};
    fcache_status_t status = read_topology(conf, from->options, error);
    if (status == FCACHE_OK) {
        status = parse_servers(conf, from, &url, pool, error);
    }
    if (status == FCACHE_OK) {
        status = choose("db", url.db, apr_table_get(from->options, "db"), &db,
                        error);
    }
    if (status == FCACHE_OK) {
        status = read_db(db, &conf->access.db, error);
    }
    if (status == FCACHE_OK && conf->topology == FCRD_CLUSTER &&
        conf->access.db > 0) {
        status = fcache_error_set(error, FCACHE_BAD_CONFIG,
                                  "redis: db=%s, but a cluster has 0 only", db);
    }
    if (status == FCACHE_OK) {
        status =
            read_login(from->options, "", &url, &conf->access, pool, error);
    }
    if (status == FCACHE_OK) {
        status = read_login(from->options, "sentinel-", NULL,
                            &conf->sentinel_access, pool, error);
    }
    if (status == FCACHE_OK) {
        status = read_tls(conf, from, pool, error);
    }
    if (status == FCACHE_OK) {
        status = read_max_value(conf, apr_table_get(from->options, "max-value"),
                                error);
    }
    conf->access.wants_master = conf->topology == FCRD_SENTINEL;
    conf->stays_local = must_stay_local(conf, from->options);
    return status;
}
