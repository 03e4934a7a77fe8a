/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stores on mod_status's page: for people as a table with a column for each
 * store, for programs (?auto) as lines "FCache-NAME-Key: value". The keys are the
 * names in fcache/stats.h. Without mod_status nobody calls.
 */
#include "ctx.h"

#include <apr_lib.h>
#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <mod_status.h>

typedef struct seen_t {
    const mfc_store_t *store;
    fcache_stats_t stats;
    fcache_error_t error; /* empty: all was counted */
} seen_t;

typedef struct row_t {
    const char *name;
    const char *text;
    size_t offset;
} row_t;

static const row_t rows[] = {
#define X(name, kind, text) {#name, text, offsetof(fcache_stats_t, name)},
    FCACHE_STATS_LIST(X)
#undef X
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint64_t value_of(const seen_t *seen, const row_t *row)
{
    const char *stats = (const char *)&seen->stats;
    uint64_t value;

    memcpy(&value, stats + row->offset, sizeof(value));
    return value;
}

static seen_t *look(request_rec *r, int *out_count)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    seen_t *all = apr_pcalloc(r->pool, sizeof(*all) * (size_t)stores->nelts);
    int i;

    for (i = 0; i < stores->nelts; i++) {
        seen_t *seen = &all[i];
        seen->store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (seen->store->cache == NULL) {
            apr_cpystrn(seen->error.text, "not used by this process",
                        sizeof(seen->error.text));
        } else if (fcache_stats(seen->store->cache, &seen->stats,
                                &seen->error) == FCACHE_OK) {
            seen->error.text[0] = '\0';
        }
    }
    *out_count = stores->nelts;
    return all;
}

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

static void tell_program(request_rec *r, const seen_t *seen)
{
    const char *name = seen->store->name;
    size_t i;

    ap_rprintf(r, "FCache-%s-Store: %s\n", name,
               fcache_backend_url(seen->store->backend));
    if (seen->error.text[0]) {
        ap_rprintf(r, "FCache-%s-Error: %s\n", name, seen->error.text);
    }
    for (i = 0; i < ROWS; i++) {
        ap_rprintf(r, "FCache-%s-%s: %" APR_UINT64_T_FMT "\n", name,
                   key_of(rows[i].name, r->pool), value_of(seen, &rows[i]));
    }
}

/* ---- for people ---------------------------------------------------------- */

static void tell_people(request_rec *r, const seen_t *all, int count)
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
    for (i = 0; i < ROWS; i++) {
        ap_rprintf(r, "</tr>\n<tr><td>%s</td>",
                   ap_escape_html(r->pool, rows[i].text));
        for (j = 0; j < count; j++) {
            ap_rprintf(r, "<td align=\"right\">%" APR_UINT64_T_FMT "</td>",
                       value_of(&all[j], &rows[i]));
        }
    }
    ap_rputs("</tr></table>\n", r);
}

static int on_status(request_rec *r, int flags)
{
    int count;
    const seen_t *all = look(r, &count);
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
