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

/* Path and query, not the fragment. */
static void take_rest(fcache_bytes_t rest, fcache_url_t *out_url)
{
    out_url->path = take_until(&rest, "?#");
    out_url->query = fcache_bytes(NULL, 0);
    if (rest.len > 0 && rest.ptr[0] == '?') {
        rest = fcache_bytes(rest.ptr + 1, rest.len - 1);
        out_url->query = take_until(&rest, "#");
    }
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
    take_rest(rest, out_url);
    if (out_url->path.len == 0) {
        out_url->path = fcache_str("/");
    }
    return FCACHE_OK;
}

/* ---- references ---------------------------------------------------------- */

/* "scheme:" (RFC 3986 §3.1) */
static int has_scheme(fcache_bytes_t text)
{
    size_t i = 0;
    while (i < text.len && (fci_is_lower(fci_lower(text.ptr[i])) ||
                            (i > 0 && text.ptr[i] != '\0' &&
                             strchr("0123456789+-.", text.ptr[i])))) {
        i++;
    }
    return i > 0 && i < text.len && text.ptr[i] == ':';
}

static int begins_with(fcache_bytes_t text, const char *start)
{
    size_t len = strlen(start);
    return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

static size_t without_last_segment(const char *path, size_t len)
{
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    return len;
}

/* Behind what `out` has of the path, up to and with its last "/". */
static size_t add_segments(char *out, size_t len, fcache_bytes_t rest)
{
    while (rest.len > 0) {
        fcache_bytes_t segment = take_until(&rest, "/");
        int is_last = rest.len == 0;
        if (fcache_bytes_equal(segment, fcache_str(".."))) {
            len = without_last_segment(out, len > 1 ? len - 1 : len);
        } else if (!fcache_bytes_equal(segment, fcache_str("."))) {
            memcpy(out + len, segment.ptr, segment.len);
            len += segment.len;
            if (!is_last) {
                out[len++] = '/';
            }
        }
        rest = is_last ? rest : fcache_bytes(rest.ptr + 1, rest.len - 1);
    }
    return len;
}

/* RFC 3986 §5.2.3, §5.2.4 */
static fcache_bytes_t merge(fcache_bytes_t base, fcache_bytes_t path,
                            apr_pool_t *pool)
{
    char *out = apr_palloc(pool, base.len + path.len + 1);
    size_t len = 1;
    if (!out) {
        return fcache_bytes(NULL, 0);
    }
    out[0] = '/';
    if (path.ptr[0] != '/') {
        base.len = without_last_segment(base.ptr, base.len);
        len = add_segments(out, len, fcache_bytes(base.ptr + 1, base.len - 1));
        return fcache_bytes(out, add_segments(out, len, path));
    }
    path = fcache_bytes(path.ptr + 1, path.len - 1);
    return fcache_bytes(out, add_segments(out, len, path));
}

static fcache_status_t parse_absolute(const fcache_url_t *base,
                                      fcache_bytes_t reference,
                                      fcache_url_t *out_url, apr_pool_t *pool,
                                      fcache_error_t *error)
{
    char *text;
    size_t len = base->scheme.len;
    if (has_scheme(reference)) {
        return fcache_url_parse(reference, out_url, pool, error);
    }
    text = apr_palloc(pool, len + 1 + reference.len);
    if (!text) {
        return FCACHE_NO_MEMORY;
    }
    memcpy(text, base->scheme.ptr, len);
    text[len] = ':';
    memcpy(text + len + 1, reference.ptr, reference.len);
    return fcache_url_parse(fcache_bytes(text, len + 1 + reference.len),
                            out_url, pool, error);
}

fcache_status_t fcache_url_resolve(const fcache_url_t *base,
                                   fcache_bytes_t reference,
                                   fcache_url_t *out_url, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    if (!is_printable(reference) || !begins_with(base->path, "/")) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a reference is printable ASCII");
    }
    if (has_scheme(reference) || begins_with(reference, "//")) {
        status = parse_absolute(base, reference, out_url, pool, error);
    } else {
        *out_url = *base;
        take_rest(reference, out_url);
        if (out_url->path.len == 0) {
            out_url->path = base->path;
            out_url->query = out_url->query.ptr ? out_url->query : base->query;
            return FCACHE_OK;
        }
    }
    if (status == FCACHE_OK) {
        out_url->path = merge(base->path, out_url->path, pool);
        status = out_url->path.ptr ? FCACHE_OK : FCACHE_NO_MEMORY;
    }
    return status;
}
