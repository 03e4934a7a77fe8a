/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_LIMIT 1000

typedef struct row_t {
    const char *key; /* lives in the JSON, and so does */
    const char *ns;
    json_t *json;
} row_t;

typedef struct listing_t {
    const ctl_t *ctl;
    const char *prefix; /* NULL for any */
    const char *ns;
    int more; /* all about an entry */
    long limit;
    int cut; /* there was more */
    apr_array_header_t *rows;
} listing_t;

static int is_wanted(const listing_t *listing, fcache_bytes_t name)
{
    fcache_bytes_t prefix = ctl_take_label(&name);
    fcache_bytes_t ns = ctl_take_label(&name);

    return (!listing->prefix ||
            fcache_bytes_equal(prefix, fcache_str(listing->prefix))) &&
           (!listing->ns || fcache_bytes_equal(ns, fcache_str(listing->ns)));
}

static int add_row(void *baton, const fcache_listed_t *item)
{
    listing_t *listing = baton;
    fcache_entry_t entry = {0};
    row_t row;

    if (!is_wanted(listing, item->name)) {
        return 0;
    }
    if (listing->limit && listing->rows->nelts >= listing->limit) {
        listing->cut = 1;
        return 1;
    }
    if (fcache_entry_decode(item->head, &entry, NULL) != FCACHE_OK) {
        entry = (fcache_entry_t){.created_us = listing->ctl->now_us,
                                 .fresh_until_us = item->dead_us};
    }
    entry.body_len = item->body_len;
    row.json = ctl_entry_row(listing->ctl, item->name, &entry,
                             item->soft_purged, listing->more);
    row.key = json_string_value(json_object_get(row.json, "key"));
    row.ns = json_string_value(json_object_get(row.json, "namespace"));
    APR_ARRAY_PUSH(listing->rows, row_t) = row;
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const row_t *left = a;
    const row_t *right = b;
    int order = strcmp(left->key, right->key);

    return order ? order : strcmp(left->ns, right->ns);
}

static json_t *sorted(apr_array_header_t *rows)
{
    json_t *array = json_array();
    void *elts = rows->elts;
    row_t *items = elts;

    qsort(items, (size_t)rows->nelts, sizeof(*items), by_key);
    for (int i = 0; i < rows->nelts; i++) {
        json_array_append_new(array, items[i].json);
    }
    return array;
}

ctl_exit_t ctl_ls(ctl_t *ctl)
{
    listing_t listing = {.ctl = ctl, .limit = DEFAULT_LIMIT};
    fcache_status_t status;
    ctl_exit_t code =
        ctl_number(ctl, "limit", NULL, 0, INT_MAX, &listing.limit);

    if (code != CTL_OK) {
        return code;
    }
    listing.prefix = ctl_option(ctl, "prefix");
    listing.ns = ctl_option(ctl, "namespace");
    listing.more = ctl_option(ctl, "long") || ctl_option(ctl, "json");
    listing.rows = apr_array_make(ctl->pool, 64, sizeof(row_t));
    status =
        fcache_list(ctl->cache, ctl->now_us, add_row, &listing, &ctl->error);
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, "ls");
    }
    code = ctl_print(ctl, sorted(listing.rows));
    if (listing.cut) {
        fprintf(stderr, "fcachectl: there are more; see --limit\n");
    }
    return code;
}
