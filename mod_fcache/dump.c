/* SPDX-License-Identifier: Apache-2.0 */
/* httpd -t -D DUMP_FCACHE: the stores, and what stands where. */
#include "ctx.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <util_cfgtree.h>

static void tell_stores(apr_file_t *out)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    int i;

    apr_file_printf(out, "FCache stores:\n");
    for (i = 0; i < stores->nelts; i++) {
        const mfc_store_t *store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        apr_file_printf(out, "  %-16s %s (%s)\n", store->name,
                        fcache_backend_url(store->backend), store->defined);
    }
}

/* "<VirtualHost *:80> <Location /api>", outermost first; empty for none. */
static const char *sections_of(const ap_directive_t *node, apr_pool_t *pool)
{
    const char *text = "";

    for (node = node->parent; node != NULL; node = node->parent) {
        text = apr_pstrcat(pool, node->directive, " ", node->args,
                           *text ? " " : "", text, NULL);
    }
    return text;
}

static const ap_directive_t *after(const ap_directive_t *node)
{
    if (node->first_child != NULL) {
        return node->first_child;
    }
    while (node != NULL && node->next == NULL) {
        node = node->parent;
    }
    return node ? node->next : NULL;
}

/* FCacheBackend is told of above: its URL may hold what is secret. */
static int is_told(const ap_directive_t *node)
{
    return ap_cstr_casecmpn(node->directive, "FCache", 6) == 0 &&
           ap_cstr_casecmp(node->directive, "FCacheBackend") != 0;
}

static void tell_scopes(apr_file_t *out, apr_pool_t *pool)
{
    const ap_directive_t *node = ap_conftree;
    const char *last = NULL;

    apr_file_printf(out, "FCache scopes:\n");
    for (; node != NULL; node = after(node)) {
        const char *where;
        if (!is_told(node)) {
            continue;
        }
        where = sections_of(node, pool);
        if (last == NULL || strcmp(where, last) != 0) {
            apr_file_printf(out, "  %s\n", *where ? where : "server");
            last = where;
        }
        apr_file_printf(out, "    %s %s (%s:%d)\n", node->directive, node->args,
                        node->filename, node->line_num);
    }
}

void mfc_on_test_config(apr_pool_t *pconf, server_rec *main_server)
{
    apr_file_t *out;

    (void)main_server;
    if (!ap_exists_config_define("DUMP_FCACHE") ||
        apr_file_open_stdout(&out, pconf) != APR_SUCCESS) {
        return;
    }
    tell_stores(out);
    tell_scopes(out, pconf);
}
