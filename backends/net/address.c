/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <apr_strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define HOST_MAX     253 /* RFC 1035 section 2.3.4, as text */
#define PATH_MAX_LEN (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static const char host_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

/* So much may be shown: neither what has an '@' nor what is behind a host's colon
 * and no port, as it may be a password whose host was forgotten. */
static size_t shown_len(const char *text)
{
    size_t host = strcspn(text, ":");
    size_t digits = text[host] ? strspn(text + host + 1, "0123456789") : 0;
    if (strchr(text, '@')) {
        return 0;
    }
    int is_port = text[host] && digits <= 5 && !text[host + 1 + digits];
    return strchr("[/", *text) || is_port ? strlen(text) : host;
}

static fcache_status_t bad(const char *text, const char *why,
                           fcache_error_t *error)
{
    size_t len = shown_len(text);
    return fcache_error_set(error, FCACHE_BAD_CONFIG,
                            "server \"%.*s%s\": %s; there are host, host:port, "
                            "[address]:port and /path",
                            (int)(len < 80 ? len : 80), text,
                            text[len] ? "..." : "", why);
}

/* ":6379" to its end, or nothing. */
static int parse_port(const char *text, uint16_t *port)
{
    if (!*text) {
        return 1;
    }
    size_t len = strlen(text + 1);
    if (*text != ':' || len == 0 || len > 5 ||
        text[1 + strspn(text + 1, "0123456789")]) {
        return 0;
    }
    long number = strtol(text + 1, NULL, 10);
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

static fcache_status_t parse_path(const char *text,
                                  fcn_endpoint_t *out_endpoint,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    if (strlen(text) > PATH_MAX_LEN) {
        return bad(text, "a path has at most 107 bytes", error);
    }
    out_endpoint->path = apr_pstrdup(pool, text);
    out_endpoint->text = apr_pstrcat(pool, "unix:", text, NULL);
    return FCACHE_OK;
}

static fcache_status_t parse_v6(const char *text, fcn_endpoint_t *out_endpoint,
                                apr_pool_t *pool, fcache_error_t *error)
{
    struct in6_addr parsed;
    const char *end = strchr(text, ']');
    if (!end || end - text > HOST_MAX) {
        return bad(text, "a ] is missing", error);
    }
    out_endpoint->host =
        apr_pstrmemdup(pool, text + 1, (apr_size_t)(end - text - 1));
    if (inet_pton(AF_INET6, out_endpoint->host, &parsed) != 1) {
        return bad(text, "no IPv6 address is in the brackets", error);
    }
    if (!parse_port(end + 1, &out_endpoint->port)) {
        return bad(text, "a port is a number from 1 to 65535", error);
    }
    out_endpoint->text = apr_psprintf(pool, "[%s]:%u", out_endpoint->host,
                                      (unsigned)out_endpoint->port);
    return FCACHE_OK;
}

static fcache_status_t parse_host(const char *text,
                                  fcn_endpoint_t *out_endpoint,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    size_t len = strspn(text, host_characters);
    if (len == 0 || len > HOST_MAX || text[0] == '-') {
        return bad(text, "this is no host", error);
    }
    if (text[len] == ':' && strchr(text + len + 1, ':')) {
        return bad(text, "an IPv6 address needs brackets", error);
    }
    if (text[len] && text[len] != ':') {
        return bad(text, "this is no host", error);
    }
    if (!parse_port(text + len, &out_endpoint->port)) {
        return bad(text, "a port is a number from 1 to 65535", error);
    }
    out_endpoint->host = apr_pstrmemdup(pool, text, len);
    out_endpoint->text = apr_psprintf(pool, "%s:%u", out_endpoint->host,
                                      (unsigned)out_endpoint->port);
    return FCACHE_OK;
}

fcache_status_t fcn_endpoint_parse(const char *text, uint16_t default_port,
                                   fcn_endpoint_t *out_endpoint,
                                   apr_pool_t *pool, fcache_error_t *error)
{
    memset(out_endpoint, 0, sizeof(*out_endpoint));
    if (text[0] == '/') {
        return parse_path(text, out_endpoint, pool, error);
    }
    out_endpoint->port = default_port;
    if (text[0] == '[') {
        return parse_v6(text, out_endpoint, pool, error);
    }
    return parse_host(text, out_endpoint, pool, error);
}

static void set_unix(const char *path, fcn_address_t *out_address)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&out_address->addr;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, strlen(path) + 1);
    out_address->len = sizeof(*un);
}

int fcn_endpoint_address(const fcn_endpoint_t *endpoint,
                         fcn_address_t *out_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&out_address->addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&out_address->addr;
    memset(out_address, 0, sizeof(*out_address));
    if (endpoint->path) {
        set_unix(endpoint->path, out_address);
    } else if (inet_pton(AF_INET, endpoint->host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(endpoint->port);
        out_address->len = sizeof(*v4);
    } else if (inet_pton(AF_INET6, endpoint->host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(endpoint->port);
        out_address->len = sizeof(*v6);
    }
    return out_address->len > 0;
}

int fcn_endpoint_is_local(const fcn_endpoint_t *endpoint)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (endpoint->path || !strcasecmp(endpoint->host, "localhost")) {
        return 1;
    }
    if (inet_pton(AF_INET, endpoint->host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, endpoint->host, &v6) == 1 &&
           IN6_IS_ADDR_LOOPBACK(&v6);
}
