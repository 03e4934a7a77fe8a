/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>

#define DIGEST_TEXT FCACHE_BASE64URL_LEN(FCACHE_KEY_DIGEST_BYTES)

fcache_bytes_t ctl_prefix(const ctl_t *ctl)
{
    const char *prefix = ctl_option(ctl, "prefix");

    return fcache_str(prefix ? prefix : "fcache");
}

fcache_bytes_t ctl_namespace(const ctl_t *ctl)
{
    const char *ns = ctl_option(ctl, "namespace");

    return fcache_str(ns ? ns : "default");
}

const fcache_request_t *ctl_key_request(const ctl_key_t *key)
{
    return key->kind == CTL_KEY_URL ? &key->request : NULL;
}

/* ---- which kind ---------------------------------------------------------- */

/* prefix:namespace:digest; fills the views of the first two. */
static int split_name(const char *text, fcache_bytes_t *out_prefix,
                      fcache_bytes_t *out_ns)
{
    const char *first = strchr(text, ':');
    const char *second = first ? strchr(first + 1, ':') : NULL;

    if (!second) {
        return 0;
    }
    *out_prefix = fcache_bytes(text, (size_t)(first - text));
    *out_ns = fcache_bytes(first + 1, (size_t)(second - first - 1));
    return fcache_label_is_valid(*out_prefix) &&
           fcache_label_is_valid(*out_ns) && strlen(second + 1) == DIGEST_TEXT;
}

ctl_key_kind_t ctl_key_kind(const char *text)
{
    fcache_bytes_t prefix, ns;

    if (strncasecmp(text, "http://", 7) == 0 ||
        strncasecmp(text, "https://", 8) == 0) {
        return CTL_KEY_URL;
    }
    return split_name(text, &prefix, &ns) ? CTL_KEY_NAME : CTL_KEY_TEXT;
}

/* ---- a URL --------------------------------------------------------------- */

/* The authority without its port; a colon in brackets is an IPv6 address. */
static fcache_bytes_t host_of(fcache_bytes_t authority)
{
    size_t len = authority.len;

    while (len > 0 && apr_isdigit(authority.ptr[len - 1])) {
        len--;
    }
    if (len > 1 && authority.ptr[len - 1] == ':') {
        authority.len = len - 1;
    }
    return authority;
}

static ctl_exit_t parse_url(ctl_t *ctl, const char *text,
                            fcache_request_t *request)
{
    fcache_url_t url;
    fcache_status_t status =
        fcache_url_parse(fcache_str(text), &url, ctl->pool, &ctl->error);

    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, text);
    }
    request->scheme = url.scheme;
    request->authority = url.authority;
    request->vhost = host_of(url.authority);
    request->path = url.path;
    request->query = url.query;
    return CTL_OK;
}

static ctl_exit_t build_request(ctl_t *ctl, const char *url,
                                fcache_request_t *request)
{
    apr_array_header_t *fields =
        apr_array_make(ctl->pool, 8, sizeof(fcache_field_t));
    const char *method = ctl_option(ctl, "method");
    const char *vhost = ctl_option(ctl, "vhost");
    const void *elts;
    ctl_exit_t code = parse_url(ctl, url, request);

    if (code != CTL_OK) {
        return code;
    }
    request->method = fcache_str(method ? method : "GET");
    if (!fcache_is_token(request->method)) {
        return ctl_usage("'%s' is no method", method);
    }
    if (vhost) {
        request->vhost = fcache_str(vhost);
    }
    APR_ARRAY_PUSH(fields, fcache_field_t) =
        (fcache_field_t){fcache_str("Host"), request->authority};
    code = ctl_headers(ctl, fields);
    elts = fields->elts;
    request->fields.items = elts;
    request->fields.count = (size_t)fields->nelts;
    return code;
}

static ctl_exit_t parse_rules(ctl_t *ctl, fcache_key_rules_t **out_rules)
{
    const char *text = ctl_option(ctl, "rules");
    fcache_status_t status;
    char **words;
    size_t count = 0;

    *out_rules = NULL;
    if (!text) {
        return CTL_OK;
    }
    if (apr_tokenize_to_argv(text, &words, ctl->pool) != APR_SUCCESS) {
        return ctl_usage("cannot read the rules '%s'", text);
    }
    while (words[count]) {
        count++;
    }
    status = fcache_key_rules_parse((const char *const *)words, count,
                                    out_rules, ctl->pool, &ctl->error);
    return status == FCACHE_OK ? CTL_OK : ctl_failed(ctl, status, "--rules");
}

static ctl_exit_t key_of_url(ctl_t *ctl, const char *url, ctl_key_t *out_key)
{
    fcache_key_rules_t *rules;
    fcache_status_t status;
    ctl_exit_t code = build_request(ctl, url, &out_key->request);

    if (code == CTL_OK) {
        code = parse_rules(ctl, &rules);
    }
    if (code != CTL_OK) {
        return code;
    }
    status = fcache_key_build(rules, NULL, NULL, ctl_prefix(ctl),
                              ctl_namespace(ctl), &out_key->request,
                              &out_key->key, ctl->pool, &ctl->error);
    return status == FCACHE_OK ? CTL_OK : ctl_failed(ctl, status, url);
}

/* ---- a tuple ------------------------------------------------------------- */

static ctl_exit_t key_of_text(ctl_t *ctl, const char *text, ctl_key_t *out_key)
{
    fcache_tuple_t *tuple = fcache_tuple_create(ctl->pool);
    fcache_status_t status = fcache_tuple_add(tuple, "key", fcache_str(text));

    if (status == FCACHE_OK) {
        status =
            fcache_key_from_tuple(tuple, ctl_prefix(ctl), ctl_namespace(ctl),
                                  &out_key->key, ctl->pool, &ctl->error);
    }
    return status == FCACHE_OK ? CTL_OK : ctl_failed(ctl, status, text);
}

/* The tuple that a canonical key was made of. */
static fcache_status_t tuple_of(fcache_bytes_t canonical,
                                fcache_tuple_t **out_tuple, apr_pool_t *pool)
{
    fcache_status_t status = FCACHE_OK;
    fcache_bytes_t label, value;
    size_t offset = 0;
    int more;

    *out_tuple = fcache_tuple_create(pool);
    for (;;) {
        more = fcache_canonical_next(canonical, &offset, &label, &value);
        if (more <= 0 || status != FCACHE_OK) {
            break;
        }
        status = fcache_tuple_add(
            *out_tuple, apr_pstrmemdup(pool, label.ptr, label.len), value);
    }
    return more < 0 ? FCACHE_CORRUPT : status;
}

/* ---- a stored name ------------------------------------------------------- */

/* A store finds things by key, and a name is only the key's digest: the entry
 * is looked for in the list, and its canonical key gives the key. */
typedef struct search_t {
    fcache_bytes_t name;
    fcache_bytes_t canonical;
    fcache_status_t status;
    apr_pool_t *pool;
} search_t;

static int match_name(void *baton, const fcache_listed_t *item)
{
    search_t *search = baton;
    fcache_entry_t entry;

    if (!fcache_bytes_equal(item->name, search->name)) {
        return 0;
    }
    search->status = fcache_entry_decode(item->head, &entry, NULL);
    if (search->status == FCACHE_OK) {
        search->canonical = fcache_bytes(
            apr_pmemdup(search->pool, entry.canonical.ptr, entry.canonical.len),
            entry.canonical.len);
    }
    return 1;
}

static ctl_exit_t key_of_name(ctl_t *ctl, const char *name, ctl_key_t *out_key)
{
    search_t search = {fcache_str(name), {NULL, 0}, FCACHE_MISS, ctl->pool};
    fcache_bytes_t prefix = {NULL, 0};
    fcache_bytes_t ns = {NULL, 0};
    fcache_tuple_t *tuple;
    fcache_status_t status;

    split_name(name, &prefix, &ns);
    status =
        fcache_list(ctl->cache, ctl->now_us, match_name, &search, &ctl->error);
    if (status == FCACHE_OK) {
        status = search.status;
    }
    if (status == FCACHE_OK) {
        status = tuple_of(search.canonical, &tuple, ctl->pool);
    }
    if (status == FCACHE_OK) {
        status = fcache_key_from_tuple(tuple, prefix, ns, &out_key->key,
                                       ctl->pool, &ctl->error);
    }
    if (status == FCACHE_OK &&
        !fcache_bytes_equal(out_key->key.name, search.name)) {
        status = fcache_error_set(&ctl->error, FCACHE_CORRUPT,
                                  "the entry holds another key");
    }
    return status == FCACHE_OK ? CTL_OK : ctl_failed(ctl, status, name);
}

ctl_exit_t ctl_key(ctl_t *ctl, const char *text, ctl_key_t *out_key)
{
    memset(out_key, 0, sizeof(*out_key));
    out_key->kind = ctl_key_kind(text);
    switch (out_key->kind) {
    case CTL_KEY_URL:
        return key_of_url(ctl, text, out_key);
    case CTL_KEY_NAME:
        return key_of_name(ctl, text, out_key);
    case CTL_KEY_TEXT:
        break;
    }
    return key_of_text(ctl, text, out_key);
}
