/* SPDX-License-Identifier: Apache-2.0 */
#include "backend_url.h"

#include "ascii.h"

#include <apr_strings.h>

/* ---- parse --------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (fci_is_digit(c)) {
        return c - '0';
    }
    c = fci_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes in place; 0 for a bad escape or a NUL. */
static int decode_percent(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        char c = *in;
        if (c == '%') {
            int high = hex_digit(in[1]);
            int low = high < 0 ? -1 : hex_digit(in[2]);
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

/* Lower-cases in place; 0 unless it is [a-z0-9_-]+ then. */
static int lower_name(char *name)
{
    for (char *c = name; *c; c++) {
        *c = fci_lower(*c);
        if (!((*c >= 'a' && *c <= 'z') || fci_is_digit(*c) || *c == '_' ||
              *c == '-')) {
            return 0;
        }
    }
    return *name != '\0';
}

/* What an error may show: the name of an option, but nothing that may be the rest
 * of a password, when a '?' or '&' in it was not written as %3F or %26. */
static const char *shown(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return name[len] ? "..." : name;
}

static fcache_status_t add_option(apr_table_t *options, char *name,
                                  const char *value, fcache_error_t *error)
{
    if (!lower_name(name)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "'%s' is not an option's name", shown(name));
    }
    if (apr_table_get(options, name)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "option '%s' is given twice", name);
    }
    apr_table_set(options, name, value);
    return FCACHE_OK;
}

/* One `option=value` of the URL. */
static fcache_status_t parse_option(apr_table_t *options, char *text,
                                    fcache_error_t *error)
{
    char *equals = strchr(text, '=');
    if (!equals) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "option '%s' has no value", shown(text));
    }
    *equals = '\0';
    if (!decode_percent(equals + 1)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "option '%s' has a bad %%-escape", shown(text));
    }
    return add_option(options, text, equals + 1, error);
}

static fcache_status_t parse_options(apr_table_t *options, char *text,
                                     fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    while (text && *text && status == FCACHE_OK) {
        char *ampersand = strchr(text, '&');
        if (ampersand) {
            *ampersand = '\0';
        }
        status = parse_option(options, text, error);
        text = ampersand ? ampersand + 1 : NULL;
    }
    return status;
}

typedef struct merge_t {
    apr_table_t *options;
    apr_pool_t *pool;
    fcache_status_t status;
    fcache_error_t *error;
} merge_t;

static int merge_option(void *baton, const char *name, const char *value)
{
    merge_t *merge = baton;
    merge->status = add_option(merge->options, apr_pstrdup(merge->pool, name),
                               value, merge->error);
    return merge->status == FCACHE_OK;
}

/* "//user:pass" of a password with a '?': the rest, and the '@', are behind it. */
static int is_cut_off(const char *location, const char *options)
{
    const char *colon = strchr(location, ':');
    return strncmp(location, "//", 2) == 0 && colon && !strchr(location, '@') &&
           options && strchr(options, '@') &&
           (!colon[1] || colon[1 + strspn(colon + 1, "0123456789,")]);
}

fcache_status_t fci_backend_url_parse(const char *text, const apr_table_t *more,
                                      fci_backend_url_t *out_url,
                                      apr_pool_t *pool, fcache_error_t *error)
{
    char *scheme = apr_pstrdup(pool, text);
    char *colon = strchr(scheme, ':');
    if (!colon || colon == scheme) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "a store's URL is scheme:location?option=value"
                                ", not '%.100s'",
                                shown(scheme));
    }
    *colon = '\0';
    char *question = strchr(colon + 1, '?');
    if (question) {
        *question = '\0';
    }
    if (is_cut_off(colon + 1, question ? question + 1 : NULL)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "a '?' in a URL's user or password is written "
                                "%%3F");
    }
    *out_url = (fci_backend_url_t){scheme, colon + 1, apr_table_make(pool, 8)};
    fcache_status_t status =
        parse_options(out_url->options, question ? question + 1 : NULL, error);
    if (status == FCACHE_OK && more) {
        merge_t merge = {out_url->options, pool, FCACHE_OK, error};
        apr_table_do(merge_option, &merge, more, (char *)NULL);
        status = merge.status;
    }
    return status;
}

/* ---- format -------------------------------------------------------------- */

static int is_secret(const char *name)
{
    return strstr(name, "password") || strstr(name, "secret") ||
           strstr(name, "token");
}

/* The location; of `//user:password@host` without ':password'. */
static const char *without_password(const char *location, apr_pool_t *pool)
{
    const char *at = strrchr(location, '@');
    size_t slashes = strspn(location, "/");
    const char *colon = strchr(location + slashes, ':');
    if (!at || !colon || colon > at) {
        return location;
    }
    return apr_pstrcat(
        pool, apr_pstrmemdup(pool, location, (size_t)(colon - location)), at,
        (char *)NULL);
}

static const char *encode_percent(const char *text, apr_pool_t *pool)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        "-._~/:,@";
    static const char digits[] = "0123456789ABCDEF";
    char *start = apr_palloc(pool, 3 * strlen(text) + 1);
    char *out = start;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(plain, *text)) {
            *out++ = *text;
        } else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    *out = '\0';
    return start;
}

/* An option's value; one that is the URL of a store itself has no secrets
 * either. NULL for one that looks like it and is none. */
static const char *without_secrets(const char *value, apr_pool_t *pool)
{
    fci_backend_url_t url = {"", "", NULL};
    if (!strchr(value, ':') || !strpbrk(value, "@?")) {
        return value;
    }
    return fci_backend_url_parse(value, NULL, &url, pool, NULL) == FCACHE_OK
               ? fci_backend_url_format(&url, pool)
               : NULL;
}

typedef struct format_t {
    apr_pool_t *pool;
    const char *text;
    char separator;
} format_t;

static int format_option(void *baton, const char *name, const char *value)
{
    format_t *format = baton;
    value = is_secret(name) ? NULL : without_secrets(value, format->pool);
    if (value) {
        format->text = apr_psprintf(format->pool, "%s%c%s=%s", format->text,
                                    format->separator, name,
                                    encode_percent(value, format->pool));
        format->separator = '&';
    }
    return 1;
}

const char *fci_backend_url_format(const fci_backend_url_t *url,
                                   apr_pool_t *pool)
{
    format_t format = {pool,
                       apr_pstrcat(pool, url->scheme, ":",
                                   without_password(url->location, pool),
                                   (char *)NULL),
                       '?'};
    apr_table_do(format_option, &format, url->options, (char *)NULL);
    return format.text;
}
