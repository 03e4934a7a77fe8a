/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <apr_hash.h>
#include <apr_strings.h>

#define NAMESPACES_MAX 1000 /* names in a store come from whoever may write */

typedef struct holding_t {
    fcache_bytes_t prefix;
    fcache_bytes_t ns;
    int64_t entries;
    int64_t stale;
    int64_t bytes;
} holding_t;

typedef struct holdings_t {
    const ctl_t *ctl;
    apr_hash_t *by_name; /* "prefix:namespace" -> holding_t */
    holding_t others;    /* those that come too late */
} holdings_t;

static holding_t *holding_of(holdings_t *holdings, fcache_bytes_t name)
{
    apr_pool_t *pool = holdings->ctl->pool;
    fcache_bytes_t rest = name;
    fcache_bytes_t prefix = ctl_take_label(&rest);
    fcache_bytes_t ns = ctl_take_label(&rest);
    size_t len = prefix.len + 1 + ns.len;
    holding_t *holding;
    const char *copy;

    if (len > name.len) {
        return &holdings->others;
    }
    holding = apr_hash_get(holdings->by_name, name.ptr, (apr_ssize_t)len);
    if (!holding && apr_hash_count(holdings->by_name) >= NAMESPACES_MAX) {
        return &holdings->others;
    }
    if (!holding) {
        copy = apr_pmemdup(pool, name.ptr, len);
        holding = apr_pcalloc(pool, sizeof(*holding));
        holding->prefix = fcache_bytes(copy, prefix.len);
        holding->ns = fcache_bytes(copy + prefix.len + 1, ns.len);
        apr_hash_set(holdings->by_name, copy, (apr_ssize_t)len, holding);
    }
    return holding;
}

static int add(void *baton, const fcache_listed_t *item)
{
    holdings_t *holdings = baton;
    holding_t *holding = holding_of(holdings, item->name);
    fcache_entry_t entry = {0};

    holding->entries++;
    holding->bytes += (int64_t)(item->head.len + item->body_len);
    if (fcache_entry_decode(item->head, &entry, NULL) == FCACHE_OK &&
        ctl_entry_is_stale(&entry, item->soft_purged, holdings->ctl->now_us)) {
        holding->stale++;
    }
    return 0;
}

static json_t *row(const ctl_t *ctl, const holding_t *holding)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I}", "prefix",
                     ctl_json_bytes(ctl, holding->prefix), "namespace",
                     ctl_json_bytes(ctl, holding->ns), "entries",
                     (json_int_t)holding->entries, "stale",
                     (json_int_t)holding->stale, "bytes",
                     (json_int_t)holding->bytes);
}

fcache_status_t ctl_holdings(ctl_t *ctl, json_t **out_rows)
{
    holdings_t holdings = {.ctl = ctl, .by_name = apr_hash_make(ctl->pool)};
    fcache_status_t status;
    apr_hash_index_t *at;

    holdings.others.prefix = fcache_str("(other)");
    holdings.others.ns = fcache_str("(other)");
    status = fcache_list(ctl->cache, ctl->now_us, add, &holdings, &ctl->error);
    *out_rows = json_array();
    for (at = apr_hash_first(ctl->pool, holdings.by_name); at;
         at = apr_hash_next(at)) {
        json_array_append_new(*out_rows, row(ctl, apr_hash_this_val(at)));
    }
    if (holdings.others.entries > 0) {
        json_array_append_new(*out_rows, row(ctl, &holdings.others));
    }
    return status;
}
