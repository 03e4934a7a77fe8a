/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/url.h>

#include "ascii.h"

static int is_printable(fcache_bytes_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~') {
            return 0;
        }
    }
    return 1;
}

/* Takes what is before the first of those characters off the front. */
static fcache_bytes_t take_until(fcache_bytes_t *rest, const char *stop)
{
    fcache_bytes_t taken = {rest->ptr, 0};
    while (taken.len < rest->len && !strchr(stop, rest->ptr[taken.len])) {
        taken.len++;
    }
    *rest = fcache_bytes(rest->ptr + taken.len, rest->len - taken.len);
    return taken;
}

static int take_scheme(fcache_bytes_t *rest, fcache_bytes_t *out_scheme)
{
    static const char *const schemes[] = {"https", "http"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (rest->len > len + 3 &&
            fcache_bytes_equal_nocase(fcache_bytes(rest->ptr, len),
                                      fcache_str(schemes[i])) &&
            memcmp(rest->ptr + len, "://", 3) == 0) {
            *out_scheme = fcache_str(schemes[i]);
            *rest = fcache_bytes(rest->ptr + len + 3, rest->len - len - 3);
            return 1;
        }
    }
    return 0;
}

static int ends_with(fcache_bytes_t text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* Where the port begins, colon and all; colons in brackets are an address's. */
static size_t port_at(fcache_bytes_t authority)
{
    size_t at = authority.len;
    while (at > 0 && fci_is_digit(authority.ptr[at - 1])) {
        at--;
    }
    return at > 0 && authority.ptr[at - 1] == ':' ? at - 1 : authority.len;
}

static fcache_status_t canonical(fcache_bytes_t given, const char *own_port,
                                 fcache_bytes_t *out, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, given.len + 1);
    size_t name_len;
    size_t port_len;
    if (!text) {
        return FCACHE_NO_MEMORY;
    }
    for (size_t i = 0; i < given.len; i++) {
        text[i] = fci_lower(given.ptr[i]);
    }
    name_len = port_at(given);
    port_len = given.len - name_len;
    if (port_len == 1 || (port_len > 0 && ends_with(given, own_port) &&
                          port_len == strlen(own_port))) {
        port_len = 0;
    }
    memmove(text + name_len, given.ptr + name_len, port_len);
    if (name_len > 0 && text[name_len - 1] == '.') {
        memmove(text + name_len - 1, text + name_len, port_len);
        name_len--;
    }
    *out = fcache_bytes(text, name_len + port_len);
    return name_len > 0 ? FCACHE_OK : FCACHE_BAD_INPUT;
}

fcache_status_t fcache_url_parse(fcache_bytes_t text, fcache_url_t *out_url,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    fcache_bytes_t rest = text;
    fcache_bytes_t authority;
    if (!is_printable(text)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a URL is printable ASCII; escape the rest as "
                                "%%HH");
    }
    if (!take_scheme(&rest, &out_url->scheme)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a URL begins with http:// or https://");
    }
    authority = take_until(&rest, "/?#");
    if (authority.len == 0 || memchr(authority.ptr, '@', authority.len) ||
        canonical(authority, out_url->scheme.len == 5 ? ":443" : ":80",
                  &out_url->authority, pool) != FCACHE_OK) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "the URL needs a host, and no user");
    }
    out_url->path = take_until(&rest, "?#");
    if (out_url->path.len == 0) {
        out_url->path = fcache_str("/");
    }
    out_url->query = fcache_bytes(NULL, 0);
    if (rest.len > 0 && rest.ptr[0] == '?') {
        rest = fcache_bytes(rest.ptr + 1, rest.len - 1);
        out_url->query = take_until(&rest, "#");
    }
    return FCACHE_OK;
}
