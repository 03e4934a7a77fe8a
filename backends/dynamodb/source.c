/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <apr_strings.h>

#include <stdlib.h>

#define CONTAINER_HOST "http://169.254.170.2"
#define IMDS_URL       "http://169.254.169.254"

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static fcache_status_t parse_kind(const char *text, fcd_source_kind_t *out_kind,
                                  fcache_error_t *error)
{
    static const char *const names[] = {
        [FCD_SOURCE_AUTO] = "auto", [FCD_SOURCE_ENV] = "env",
        [FCD_SOURCE_FILE] = "file", [FCD_SOURCE_CONTAINER] = "container",
        [FCD_SOURCE_IMDS] = "imds",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out_kind = (fcd_source_kind_t)i;
            return FCACHE_OK;
        }
    }
    return fcache_error_set(error, FCACHE_BAD_CONFIG,
                            "credentials=%s: must be env, file, container, "
                            "imds or auto",
                            text);
}

/* The host of an http URL is one of these, with or without a port. */
int fcd_source_may_ask(const char *url)
{
    static const char *const hosts[] = {
        "127.0.0.1",       "localhost",       "[::1]",
        "169.254.170.2",   "169.254.170.23",  "[fd00:ec2::23]",
        "169.254.169.254", "[fd00:ec2::254]",
    };
    fcache_bytes_t rest = fcache_str(url);
    if (strncmp(url, "http://", 7) != 0) {
        return 0;
    }
    rest = fcache_bytes(rest.ptr + 7, strcspn(rest.ptr + 7, "/?#"));
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t len = strlen(hosts[i]);
        if (rest.len >= len && memcmp(rest.ptr, hosts[i], len) == 0 &&
            (rest.len == len || (rest.ptr[len] == ':' &&
                                 strspn(rest.ptr + len + 1, "0123456789") ==
                                     rest.len - len - 1))) {
            return 1;
        }
    }
    return 0;
}

static int is_printable(const char *text)
{
    while (*text > ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

static fcache_status_t parse_container(fcd_source_t *source, apr_pool_t *pool,
                                       fcache_error_t *error)
{
    const char *path = env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token = env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *file = env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *url = path ? apr_pstrcat(pool, CONTAINER_HOST, path, NULL)
                           : apr_pstrdup(pool, full);
    if (url && (!fcd_source_may_ask(url) || !is_printable(url))) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG,
            "AWS_CONTAINER_CREDENTIALS_%s_URI: must be http, to this machine "
            "or to an address of AWS's container agents",
            path ? "RELATIVE" : "FULL");
    }
    source->container = url;
    source->token = apr_pstrdup(pool, token);
    source->token_file = apr_pstrdup(pool, file);
    return FCACHE_OK;
}

fcache_status_t fcd_source_parse(const apr_table_t *options,
                                 fcd_source_t *out_source, apr_pool_t *pool,
                                 fcache_error_t *error)
{
    const char *kind = apr_table_get(options, "credentials");
    const char *profile = apr_table_get(options, "profile");
    const char *file = apr_table_get(options, "credentials-file");
    const char *imds = apr_table_get(options, "imds");
    const char *home = env("HOME");
    const char *disabled = env("AWS_EC2_METADATA_DISABLED");
    memset(out_source, 0, sizeof(*out_source));
    if (kind && parse_kind(kind, &out_source->kind, error) != FCACHE_OK) {
        return FCACHE_BAD_CONFIG;
    }
    if (imds && (!fcd_source_may_ask(imds) || !is_printable(imds) ||
                 strcspn(imds + 7, "/?#") != strlen(imds + 7))) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "imds=%s: must be http://HOST:PORT of this "
                                "machine or of AWS's metadata",
                                strchr(imds, '@') ? "..." : imds);
    }
    profile = profile ? profile : env("AWS_PROFILE");
    file = file ? file : env("AWS_SHARED_CREDENTIALS_FILE");
    out_source->profile = apr_pstrdup(pool, profile ? profile : "default");
    out_source->file = apr_pstrdup(pool, file);
    if (!file && home) {
        out_source->file = apr_pstrcat(pool, home, "/.aws/credentials", NULL);
    }
    out_source->imds = apr_pstrdup(pool, imds ? imds : IMDS_URL);
    out_source->imds_disabled = disabled && strcasecmp(disabled, "true") == 0;
    return parse_container(out_source, pool, error);
}

static fcache_status_t from_environment(fcd_secret_t *out_secret,
                                        fcache_error_t *error)
{
    fcache_error_t why;
    fcache_status_t status = fcd_secret_set(
        fcache_str(env("AWS_ACCESS_KEY_ID")),
        fcache_str(env("AWS_SECRET_ACCESS_KEY")),
        fcache_str(env("AWS_SESSION_TOKEN")), 0, out_secret, &why);
    return status == FCACHE_OK
               ? status
               : fcache_error_set(error, FCACHE_BAD_CONFIG,
                                  "credentials of the environment: %s",
                                  why.text);
}

/* Nothing of what AUTO would take. */
static fcache_status_t settle_remote(fcd_source_t *source,
                                     fcache_error_t *error)
{
    if (source->kind == FCD_SOURCE_AUTO) {
        source->kind =
            source->container ? FCD_SOURCE_CONTAINER : FCD_SOURCE_IMDS;
    }
    if (source->kind == FCD_SOURCE_CONTAINER && !source->container) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "credentials=container: neither "
                                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
                                "..._FULL_URI is set");
    }
    if (source->kind == FCD_SOURCE_IMDS && source->imds_disabled) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "no credentials: neither in the environment, "
                                "nor in a file, nor of a container, and "
                                "AWS_EC2_METADATA_DISABLED is true");
    }
    return FCACHE_MISS;
}

fcache_status_t fcd_source_settle(fcd_source_t *source,
                                  fcd_secret_t *out_secret,
                                  fcache_error_t *error)
{
    int is_auto = source->kind == FCD_SOURCE_AUTO;
    if (source->kind == FCD_SOURCE_ENV ||
        (is_auto && env("AWS_ACCESS_KEY_ID"))) {
        source->kind = FCD_SOURCE_ENV;
        return from_environment(out_secret, error);
    }
    if (source->kind == FCD_SOURCE_FILE || is_auto) {
        fcd_source_t file = *source;
        file.kind = FCD_SOURCE_FILE;
        fcache_status_t status =
            fcd_source_load(&file, NULL, out_secret, error);
        if (status == FCACHE_OK || !is_auto) {
            source->kind = FCD_SOURCE_FILE;
            return status == FCACHE_OK ? status : FCACHE_BAD_CONFIG;
        }
    }
    return settle_remote(source, error);
}
