/* SPDX-License-Identifier: Apache-2.0 */
#include "ctx.h"

#include <ap_expr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_ssl.h>
#include <http_vhost.h>

/* ---- fields -------------------------------------------------------------- */

static size_t append(const apr_table_t *table, fcache_field_t *items)
{
    const apr_array_header_t *array = apr_table_elts(table);
    const apr_table_entry_t *entries = (const apr_table_entry_t *)array->elts;
    int i;

    for (i = 0; i < array->nelts; i++) {
        items[i].name = fcache_str(entries[i].key);
        items[i].value = fcache_str(entries[i].val);
    }
    return (size_t)array->nelts;
}

fcache_fields_t mfc_message_fields(const apr_table_t *table,
                                   const apr_table_t *extra, apr_pool_t *pool)
{
    size_t room = (size_t)apr_table_elts(table)->nelts +
                  (extra ? (size_t)apr_table_elts(extra)->nelts : 0);
    fcache_field_t *items = apr_palloc(pool, sizeof(*items) * (room + 1));
    fcache_fields_t fields = {items, 0};

    fields.count = append(table, items);
    if (extra != NULL) {
        fields.count += append(extra, items + fields.count);
    }
    return fields;
}

/* httpd keeps some fields beside the table until the last filter. */
static void put_beside(apr_table_t *table, const char *name, const char *value)
{
    if (value != NULL && apr_table_get(table, name) == NULL) {
        apr_table_setn(table, name, value);
    }
}

typedef struct since_t {
    const apr_table_t *before;
    apr_table_t *added;
} since_t;

static int add_new(void *baton, const char *name, const char *value)
{
    since_t *since = baton;
    const char *old = apr_table_get(since->before, name);

    if (old == NULL || strcmp(old, value) != 0) {
        apr_table_addn(since->added, name, value);
    }
    return 1;
}

/* What httpd had put there before the handler is not of the handler's answer:
 * it is for this client, and put there anew for the next. */
static const apr_table_t *since(request_rec *r, const apr_table_t *before)
{
    since_t since = {before, apr_table_make(r->pool, 4)};

    apr_table_do(add_new, &since, r->err_headers_out, NULL);
    return since.added;
}

fcache_fields_t mfc_message_response_fields(request_rec *r,
                                            const apr_table_t *before)
{
    apr_table_t *table = apr_table_copy(r->pool, r->headers_out);

    put_beside(table, "Content-Type", r->content_type);
    put_beside(table, "Content-Encoding", r->content_encoding);
    if (r->content_languages != NULL && r->content_languages->nelts > 0) {
        put_beside(table, "Content-Language",
                   apr_array_pstrcat(r->pool, r->content_languages, ','));
    }
    return mfc_message_fields(table, since(r, before), r->pool);
}

/* ---- the request --------------------------------------------------------- */

/* The request that the client sent, at the head of internal redirects. */
static const request_rec *first_of(const request_rec *r)
{
    while (r->prev != NULL) {
        r = r->prev;
    }
    return r;
}

static int is_default_port(const char *scheme, const char *port)
{
    return strcmp(port, strcmp(scheme, "https") == 0 ? "443" : "80") == 0;
}

/* Host in the one spelling that the key knows: lower case, no dot at the end of
 * the name, no port that is the scheme's own. */
static char *canonical_host(const request_rec *r, const char *scheme)
{
    const char *field = apr_table_get(r->headers_in, "Host");
    char *host = apr_pstrdup(r->pool, field         ? field
                                      : r->hostname ? r->hostname
                                                    : "");
    char *port = strrchr(host, ':');
    size_t len;

    ap_str_tolower(host);
    if (port != NULL && strchr(port, ']') == NULL) {
        *port++ = '\0';
    } else {
        port = NULL;
    }
    len = strlen(host);
    if (len > 0 && host[len - 1] == '.') {
        host[len - 1] = '\0';
    }
    if (port == NULL || *port == '\0' || is_default_port(scheme, port)) {
        return host;
    }
    return apr_pstrcat(r->pool, host, ":", port, NULL);
}

const char *mfc_message_url(const request_rec *r, const char *target)
{
    const char *scheme = ap_http_scheme(r);

    return apr_pstrcat(r->pool, scheme, "://", canonical_host(r, scheme),
                       target, NULL);
}

/* What is not in the key is not sent to the origin, other spellings of the host
 * among it (T6). */
static fcache_bytes_t authority(request_rec *r, const char *scheme)
{
    const char *field = apr_table_get(r->headers_in, "Host");
    const char *host = canonical_host(r, scheme);

    if (field != NULL && strcmp(field, host) != 0) {
        apr_table_setn(r->headers_in, "Host", host);
    }
    return fcache_str(host);
}

/* A body of non-zero length may come (RFC 9112 §6.3). */
static int has_body(const request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    if (apr_table_get(r->headers_in, "Transfer-Encoding") != NULL) {
        return 1;
    }
    return length != NULL && length[strspn(length, "0 \t")] != '\0';
}

/* Verified or not: handlers are told of it, and what they make of it nobody
 * knows. */
static int has_certificate(request_rec *r)
{
    const char *verified =
        ap_ssl_conn_is_ssl(r->connection)
            ? ap_ssl_var_lookup(r->pool, r->server, r->connection, r,
                                "SSL_CLIENT_VERIFY")
            : NULL;

    return verified != NULL && strcmp(verified, "NONE") != 0;
}

/* Is it known who asks, and not said by the key? */
static int is_authenticated(request_rec *r)
{
    if (r->user != NULL) {
        return !fcache_key_rules_has_user(mfc_conf_of(r)->key.rules);
    }
    return has_certificate(r);
}

/* Set when the query that is forwarded is not the one that is keyed. */
#define MAPPED_NOTE "fcache-mapped-query"

static unsigned oddities(request_rec *r, const char *target)
{
    unsigned flags = 0;

    if (has_body(r)) {
        flags |= FCACHE_REQUEST_HAS_BODY;
    }
    if (target[0] != '/' || strchr(target, '#') != NULL ||
        first_of(r)->parsed_uri.hostname != NULL ||
        apr_table_get(r->notes, MAPPED_NOTE) != NULL) {
        flags |= FCACHE_REQUEST_ODD_TARGET;
    }
    if (mfc_global()->many_vhosts && r->hostname != NULL &&
        !ap_matches_request_vhost(r, r->hostname, r->server->port)) {
        flags |= FCACHE_REQUEST_ODD_HOST;
    }
    if ((apr_table_get(r->headers_in, "Transfer-Encoding") != NULL &&
         apr_table_get(r->headers_in, "Content-Length") != NULL) ||
        apr_table_get(r->headers_in, "Trailer") != NULL) {
        flags |= FCACHE_REQUEST_ODD_FRAMING;
    }
    if (is_authenticated(r)) {
        flags |= FCACHE_REQUEST_AUTHENTICATED;
    }
    return flags;
}

/* fcache_attribute_fn: user, env and expr rules of FCacheKeyBuilder. */
static fcache_bytes_t attribute(void *baton, const char *what, const char *name,
                                apr_pool_t *pool)
{
    request_rec *r = baton;
    const mfc_conf_t *conf = mfc_conf_of(r);
    const char *value = NULL;

    (void)pool;
    if (strcmp(what, "user") == 0) {
        value = r->user;
    } else if (strcmp(what, "env") == 0) {
        value = apr_table_get(r->subprocess_env, name);
    } else if (strcmp(what, "expr") == 0 && conf->key.expressions != NULL) {
        const ap_expr_info_t *expression =
            apr_hash_get(conf->key.expressions, name, APR_HASH_KEY_STRING);
        const char *error = NULL;
        if (expression != NULL) {
            value = ap_expr_str_exec(r, expression, &error);
        }
    }
    return fcache_str(value);
}

/*
 * What a redirect inside of httpd led to is kept apart from what the client's
 * URL would find: a hit on that comes before the redirect, and so before the
 * target's access control (T33). No target that a client sends has a blank.
 */
static fcache_bytes_t redirected(const request_rec *r, fcache_bytes_t path)
{
    return fcache_str(apr_pstrcat(r->pool,
                                  apr_pstrmemdup(r->pool, path.ptr, path.len),
                                  " ", r->unparsed_uri, NULL));
}

/* The target's path and query, as they are or behind the authority of an
 * absolute form (RFC 9112 §3.2.2), which httpd has put into Host. */
static const char *path_of(const request_rec *r)
{
    const char *path =
        r->parsed_uri.hostname ? strstr(r->unparsed_uri, "://") : NULL;

    if (path == NULL) {
        return r->unparsed_uri;
    }
    path += 3;
    path += strcspn(path, "/?#");
    return *path == '/' ? path : apr_pstrcat(r->pool, "/", path, NULL);
}

void mfc_message_request(request_rec *r, mfc_ctx_t *ctx)
{
    const char *target = path_of(first_of(r));
    const char *query = strchr(target, '?');
    const char *scheme = ap_http_scheme(r);
    fcache_request_t *request = &ctx->request;

    memset(request, 0, sizeof(*request));
    request->vhost = fcache_str(r->server->server_hostname);
    request->scheme = fcache_str(scheme);
    request->authority = authority(r, scheme);
    request->method = fcache_str(r->method);
    if (query == NULL) {
        request->path = fcache_str(target);
    } else {
        request->path = fcache_bytes(target, (size_t)(query - target));
        request->query = fcache_str(query + 1);
    }
    if (r->prev != NULL) {
        request->path = redirected(r, request->path);
    }
    request->fields = mfc_message_fields(r->headers_in, NULL, r->pool);
    request->flags = oddities(r, target);
    request->attribute = attribute;
    request->attribute_baton = r;
}

/* ---- the forwarded query ------------------------------------------------- */

#define REQUEST_LINE_NOTE "fcache-request-line"

/* "GET /path?old HTTP/1.1" with another query. */
static const char *request_line(request_rec *r, const char *target)
{
    const char *protocol = strrchr(r->the_request, ' ');

    return apr_pstrcat(r->pool, r->method, " ", target, protocol, NULL);
}

static void rewrite(request_rec *r, fcache_bytes_t query)
{
    size_t path_len = strcspn(r->unparsed_uri, "?");

    r->args = query.ptr ? apr_pstrmemdup(r->pool, query.ptr, query.len) : NULL;
    r->parsed_uri.query = r->args;
    r->unparsed_uri =
        apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, r->unparsed_uri, path_len),
                    r->args ? "?" : "", r->args, NULL);
    if (apr_table_get(r->notes, REQUEST_LINE_NOTE) == NULL) {
        apr_table_setn(r->notes, REQUEST_LINE_NOTE, r->the_request);
    }
    r->the_request = apr_pstrdup(r->pool, request_line(r, r->unparsed_uri));
}

static int is_same(fcache_bytes_t one, fcache_bytes_t other)
{
    return fcache_bytes_equal(one, other) &&
           (one.ptr == NULL) == (other.ptr == NULL);
}

/* The URL that a request was mapped to before the rules were known: with nocanon
 * it ends in the raw query, else that is in r->args alone. */
static int is_mapped_raw(const request_rec *r)
{
    return r->proxyreq != PROXYREQ_NONE && r->filename != NULL &&
           apr_table_get(r->notes, "proxy-nocanon") != NULL;
}

/* The length of that URL up to the '?' of its query, or 0 if it does not end in
 * that. */
static size_t mapped_len(const request_rec *r, fcache_bytes_t query)
{
    size_t len = strlen(r->filename);
    size_t tail = query.len + 1;

    return len > tail && r->filename[len - tail] == '?' &&
                   memcmp(r->filename + len - query.len, query.ptr,
                          query.len) == 0
               ? len - tail
               : 0;
}

/* Forwards `query` in place of what was received. 0 if that cannot be, for it
 * was made into something else already. */
static int replace(request_rec *r, fcache_bytes_t received,
                   fcache_bytes_t query)
{
    size_t len = 0;

    if (!is_same(fcache_str(r->args), received)) {
        return 0;
    }
    if (is_mapped_raw(r)) {
        len = mapped_len(r, received);
        if (len == 0) {
            return 0;
        }
    }
    rewrite(r, query);
    if (len > 0) {
        r->filename =
            apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, r->filename, len),
                        r->args ? "?" : "", r->args, NULL);
    }
    return 1;
}

/* What is not in the key is not sent to the origin: a query that the key rules
 * cut or sort is forwarded so, or nothing is cached (T4). */
int mfc_on_translate(request_rec *r)
{
    const mfc_conf_t *conf = mfc_conf_of(r);
    const char *mark = strchr(r->unparsed_uri, '?');
    fcache_request_t request;
    fcache_bytes_t query;

    if (!conf->enable || conf->key.rules == NULL || r->main != NULL ||
        mark == NULL) {
        return DECLINED;
    }
    memset(&request, 0, sizeof(request));
    request.query = fcache_str(mark + 1);
    query = fcache_key_rules_query(conf->key.rules, &request, r->pool);
    if (!is_same(query, request.query) && !replace(r, request.query, query)) {
        apr_table_setn(r->notes, MAPPED_NOTE, "1");
    }
    return DECLINED;
}

void mfc_message_restore(request_rec *r)
{
    const char *line = apr_table_get(r->notes, REQUEST_LINE_NOTE);

    if (line != NULL) {
        r->the_request = apr_pstrdup(r->pool, line);
    }
}
