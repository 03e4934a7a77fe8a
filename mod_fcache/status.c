/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stores on mod_status's page: for people as a table with a column for each
 * store, for programs (?auto) as lines "FCache-NAME-Key: value". The keys are the
 * names in fcache/stats.h. Without mod_status nobody calls.
 */
#include "admin.h"

#include <apr_lib.h>
#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <mod_status.h>

/* ---- for programs -------------------------------------------------------- */

/* "bytes_used" -> "BytesUsed". */
static const char *key_of(const char *name, apr_pool_t *pool)
{
    char *key = apr_pstrdup(pool, name);
    char *out = key;
    const char *c;

    for (c = name; *c != '\0'; c++) {
        if (*c != '_') {
            *out++ = c == name || c[-1] == '_' ? (char)apr_toupper(*c) : *c;
        }
    }
    *out = '\0';
    return key;
}

static void tell_program(request_rec *r, const mfc_seen_t *seen)
{
    const char *name = seen->store->name;
    size_t i;

    ap_rprintf(r, "FCache-%s-Store: %s\n", name,
               fcache_backend_url(seen->store->backend));
    if (seen->error.text[0]) {
        ap_rprintf(r, "FCache-%s-Error: %s\n", name, seen->error.text);
    }
    for (i = 0; i < mfc_number_count; i++) {
        ap_rprintf(r, "FCache-%s-%s: %" APR_UINT64_T_FMT "\n", name,
                   key_of(mfc_numbers[i].name, r->pool),
                   mfc_number_of(seen, &mfc_numbers[i]));
    }
}

/* ---- for people ---------------------------------------------------------- */

static void tell_people(request_rec *r, const mfc_seen_t *all, int count)
{
    size_t i;
    int j;

    ap_rputs("<hr />\n<h1>FCache</h1>\n<table border=\"0\"><tr><th></th>", r);
    for (j = 0; j < count; j++) {
        ap_rprintf(r, "<th>%s</th>",
                   ap_escape_html(r->pool, all[j].store->name));
    }
    ap_rputs("</tr>\n<tr><td>store</td>", r);
    for (j = 0; j < count; j++) {
        ap_rprintf(
            r, "<td>%s<br />%s</td>",
            ap_escape_html(r->pool, fcache_backend_url(all[j].store->backend)),
            ap_escape_html(r->pool, all[j].error.text));
    }
    for (i = 0; i < mfc_number_count; i++) {
        ap_rprintf(r, "</tr>\n<tr><td>%s</td>",
                   ap_escape_html(r->pool, mfc_numbers[i].text));
        for (j = 0; j < count; j++) {
            ap_rprintf(r, "<td align=\"right\">%" APR_UINT64_T_FMT "</td>",
                       mfc_number_of(&all[j], &mfc_numbers[i]));
        }
    }
    ap_rputs("</tr></table>\n", r);
}

static int on_status(request_rec *r, int flags)
{
    int count;
    const mfc_seen_t *all = mfc_stores_look(r, &count);
    int i;

    if (!(flags & AP_STATUS_SHORT)) {
        tell_people(r, all, count);
        return OK;
    }
    for (i = 0; i < count; i++) {
        tell_program(r, &all[i]);
    }
    return OK;
}

void mfc_status_hook(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, on_status, NULL, NULL, APR_HOOK_MIDDLE);
}
