/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody purges without permission (T20). httpd decides who has it; an operator
 * who forgot to say so is told at start, as far as the configuration shows it.
 * What it does not show (.htaccess, a later section that grants all, handlers set
 * by rewriting) is found out with the request: the access control is asked what it
 * would do with a stranger, and must not let him in.
 */
#include "admin.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <http_ssl.h>
#include <util_cfgtree.h>

APLOG_USE_MODULE(fcache);

#define STRANGER "192.0.2.1" /* nobody's address (RFC 5737) */

static int is(const char *a, const char *b)
{
    return ap_cstr_casecmp(a, b) == 0;
}

/* ---- at start ------------------------------------------------------------ */

/* Are the arguments those words, however they are quoted and spaced? */
static int args_are(const char *args, const char *const *words, size_t count)
{
    apr_pool_t *pool = mfc_global()->pool;
    size_t i;

    for (i = 0; i < count; i++) {
        if (!is(ap_getword_conf(pool, &args), words[i])) {
            return 0;
        }
    }
    return *args == '\0';
}

static int opens_purges(const ap_directive_t *node)
{
    static const char *const admin[] = {"fcache-admin"};
    static const char *const on[] = {"on"};

    return (is(node->directive, "SetHandler") &&
            args_are(node->args, admin, 1)) ||
           (is(node->directive, "FCachePurge") && args_are(node->args, on, 1));
}

static int keeps_out(const ap_directive_t *node)
{
    static const char *const granted[] = {"all", "granted"};
    const char *args = node->args;
    const char *first = ap_getword_conf(mfc_global()->pool, &args);

    return is(node->directive, "Require") &&
           !args_are(node->args, granted, 2) && !is(first, "not") &&
           !is(first, "method") && !is(first, "ssl");
}

/* The node that follows in the order of the file, not leaving `top` and not
 * entering sections that `enters` does not want. */
static const ap_directive_t *after(const ap_directive_t *node,
                                   const ap_directive_t *top,
                                   int (*enters)(const ap_directive_t *))
{
    if (node->first_child != NULL && enters(node)) {
        return node->first_child;
    }
    while (node != NULL && node != top && node->next == NULL) {
        node = node->parent;
    }
    return node == NULL || node == top ? NULL : node->next;
}

static int is_any(const ap_directive_t *node)
{
    (void)node;
    return 1;
}

/* <RequireAny> and its kin are of the section that they stand in. */
static int is_of_section(const ap_directive_t *node)
{
    return ap_cstr_casecmpn(node->directive, "<Require", 8) == 0;
}

/* Does the section say who may come in? */
static int is_guarded(const ap_directive_t *section)
{
    const ap_directive_t *node = section ? section->first_child : NULL;

    while (node != NULL && !keeps_out(node)) {
        node = after(node, section, is_of_section);
    }
    return node != NULL;
}

int mfc_auth_check(void)
{
    const ap_directive_t *node = ap_conftree;

    while (node != NULL) {
        if (opens_purges(node) && !is_guarded(node->parent)) {
            ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL,
                         "FC0006: %s:%d: %s \"%s\": anybody could purge; "
                         "allowed: beside a Require, in the same section, that "
                         "is not \"all granted\"",
                         node->filename, node->line_num, node->directive,
                         node->args);
            return 0;
        }
        node = after(node, NULL, is_any);
    }
    return 1;
}

/* ---- with each request --------------------------------------------------- */

static const struct ap_logconf silent = {NULL, APLOG_EMERG};

/* Has the client said by TLS who it is? */
static int has_certificate(const request_rec *r, apr_pool_t *pool)
{
    const char *verified = ap_ssl_var_lookup(pool, r->server, r->connection,
                                             NULL, "SSL_CLIENT_VERIFY");

    return verified != NULL && *verified && !is(verified, "NONE");
}

/* It is over TLS as the client's is, but no certificate comes over it. */
static conn_rec *strange_connection(const request_rec *r, apr_pool_t *pool)
{
    conn_rec *c = apr_pmemdup(pool, r->connection, sizeof(*c));

    c->pool = pool;
    if (has_certificate(r, pool)) {
        c->conn_config = ap_create_conn_config(pool);
    }
    c->notes = apr_table_make(pool, 1);
    c->log = &silent;
    c->client_ip = apr_pstrdup(pool, STRANGER);
    c->remote_host = apr_pstrdup(pool, ""); /* has no name, do not ask */
    if (apr_sockaddr_info_get(&c->client_addr, STRANGER, APR_UNSPEC, 0, 0,
                              pool) != APR_SUCCESS) {
        return NULL;
    }
    return c;
}

/* The same request as a stranger would make it. */
static request_rec *strange_request(const request_rec *of, apr_pool_t *pool)
{
    request_rec *r = apr_pmemdup(pool, of, sizeof(*of));
    const char *query = strchr(of->unparsed_uri, '?');

    r->pool = pool;
    r->connection = strange_connection(of, pool);
    r->request_config = ap_create_request_config(pool);
    r->headers_in = apr_table_make(pool, 1);
    r->headers_out = apr_table_make(pool, 1);
    r->err_headers_out = apr_table_make(pool, 1);
    r->subprocess_env = apr_table_make(pool, 1);
    r->notes = apr_table_make(pool, 1);
    r->log = &silent;
    r->user = NULL;
    r->ap_auth_type = NULL;
    r->args = NULL;
    r->parsed_uri.query = NULL;
    if (query != NULL) {
        r->unparsed_uri = apr_pstrmemdup(
            pool, of->unparsed_uri, (apr_size_t)(query - of->unparsed_uri));
    }
    r->main = r->prev = r->next = NULL;
    if (r->connection != NULL) {
        r->useragent_addr = r->connection->client_addr;
        r->useragent_ip = r->connection->client_ip;
        r->useragent_host = NULL;
    }
    return r;
}

int mfc_auth_is_open(request_rec *r)
{
    apr_pool_t *pool;
    request_rec *stranger;
    int is_open = 1;

    if (ap_satisfies(r) == SATISFY_ANY ||
        apr_pool_create(&pool, r->pool) != APR_SUCCESS) {
        return 1;
    }
    stranger = strange_request(r, pool);
    if (stranger->connection != NULL) {
        is_open = ap_run_access_checker_ex(stranger) == OK;
    }
    apr_pool_destroy(pool);
    if (is_open) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "FC0108: refused: without a Require that keeps strangers "
                      "out, anybody could purge");
    }
    return is_open;
}

int mfc_auth_is_foreign(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");

    return site != NULL && !is(site, "same-origin") && !is(site, "none");
}
