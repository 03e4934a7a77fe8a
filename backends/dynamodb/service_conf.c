/* SPDX-License-Identifier: Apache-2.0 */

/* The options that say where DynamoDB is. */

#include "service.h"

#include <apr_strings.h>

#include <stdlib.h>

#define REGION_MAX 32

static fcache_status_t parse_region(const apr_table_t *options,
                                    fcd_service_t *service, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    const char *region = apr_table_get(options, "region");
    region = region ? region : getenv("AWS_REGION");
    region = region ? region : getenv("AWS_DEFAULT_REGION");
    if (!region) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "dynamodb needs region=, eu-central-1 say");
    }
    size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || region[len] || len > REGION_MAX) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "region=%s: must be lower-case letters, digits "
                                "and '-', eu-central-1 say",
                                region);
    }
    service->region = apr_pstrdup(pool, region);
    return FCACHE_OK;
}

static const char *default_endpoint(const char *region, apr_pool_t *pool)
{
    const char *domain =
        strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    return apr_psprintf(pool, "https://dynamodb.%s.%s", region, domain);
}

static fcache_status_t refuse_endpoint(const char *text, const char *why,
                                       fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_BAD_CONFIG, "endpoint=%s: %s",
                            strchr(text, '@') ? "..." : text, why);
}

static fcache_status_t parse_endpoint(const apr_table_t *options,
                                      fcd_service_t *service, apr_pool_t *pool,
                                      fcache_error_t *error)
{
    const char *text = apr_table_get(options, "endpoint");
    const char *plain = apr_table_get(options, "plaintext");
    fcn_endpoint_t *endpoint = &service->endpoint;
    fcache_error_t why;
    text = text ? text : default_endpoint(service->region, pool);
    int is_tls = strncmp(text, "https://", 8) == 0;
    if (!is_tls && strncmp(text, "http://", 7) != 0) {
        return refuse_endpoint(text, "must be https:// and a host", error);
    }
    char *host = apr_pstrdup(pool, text + (is_tls ? 8 : 7));
    size_t len = strcspn(host, "/?#@");
    if (len == 0 || (host[len] && strcmp(host + len, "/") != 0)) {
        return refuse_endpoint(text, "must be a host and nothing else", error);
    }
    host[len] = '\0';
    uint16_t port = is_tls ? 443 : 80;
    if (fcn_endpoint_parse(host, port, endpoint, pool, &why) != FCACHE_OK) {
        return refuse_endpoint(text, why.text, error);
    }
    if (!endpoint->host) {
        return refuse_endpoint(text, "must be a host", error);
    }
    if (!is_tls && !fcn_endpoint_is_local(endpoint) &&
        !(plain && strcmp(plain, "on") == 0)) {
        return refuse_endpoint(text,
                               "http to another machine shows all to the "
                               "network: https, or plaintext=on",
                               error);
    }
    service->url = apr_psprintf(pool, "%s://%s/", is_tls ? "https" : "http",
                                endpoint->text);
    service->host = endpoint->port == port && !strchr(endpoint->host, ':')
                        ? endpoint->host
                        : endpoint->text;
    if (is_tls) {
        return fcd_trust_create(apr_table_get(options, "tls-ca"),
                                &service->trust, pool, error);
    }
    return FCACHE_OK;
}

static fcache_status_t refuse_options(const apr_table_t *options,
                                      fcache_error_t *error)
{
    static const char *const names[] = {"tls-cert", "tls-key", "tls-name",
                                        "tls-verify"};
    const char *plain = apr_table_get(options, "plaintext");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (apr_table_get(options, names[i])) {
            return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                    "%s: not for dynamodb, which knows tls-ca",
                                    names[i]);
        }
    }
    if (plain && strcmp(plain, "on") != 0 && strcmp(plain, "off") != 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "plaintext=%s: must be on or off", plain);
    }
    return FCACHE_OK;
}

fcache_status_t fcd_service_create(const apr_table_t *options,
                                   const fcn_limits_t *limits,
                                   fcd_service_t *out_service, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    fcache_status_t status = refuse_options(options, error);
    out_service->limits = limits;
    if (status == FCACHE_OK) {
        status = parse_region(options, out_service, pool, error);
    }
    if (status == FCACHE_OK) {
        status = fcd_http_start(pool, error);
    }
    if (status == FCACHE_OK) {
        status = parse_endpoint(options, out_service, pool, error);
    }
    if (status == FCACHE_OK) {
        status = fcd_source_parse(options, &out_service->source, pool, error);
    }
    if (status == FCACHE_OK) {
        /* as root, and told by `httpd -t`: later it would end the server */
        status =
            fcd_source_settle(&out_service->source, &out_service->first, error);
        out_service->has_first = status == FCACHE_OK;
    }
    return status == FCACHE_MISS ? FCACHE_OK : status;
}
