/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

static const char *kind_text(fcache_entry_kind_t kind)
{
    switch (kind) {
    case FCACHE_ENTRY_RESPONSE:
        return "response";
    case FCACHE_ENTRY_VARY:
        return "vary";
    case FCACHE_ENTRY_VALUE:
        return "value";
    case FCACHE_ENTRY_UNCACHEABLE:
        return "uncacheable";
    case FCACHE_ENTRY_ALIAS:
        return "alias";
    }
    return "unknown";
}

/* Whole seconds, rounded down. */
static int64_t seconds(int64_t us)
{
    int64_t s = us / FCACHE_US_PER_S;

    return us % FCACHE_US_PER_S < 0 ? s - 1 : s;
}

fcache_bytes_t ctl_take_label(fcache_bytes_t *name)
{
    const char *colon = memchr(name->ptr, ':', name->len);
    size_t len = colon ? (size_t)(colon - name->ptr) : name->len;
    fcache_bytes_t part = fcache_bytes(name->ptr, len);

    *name = fcache_bytes(name->ptr + len + (colon != NULL),
                         name->len - len - (colon != NULL));
    return part;
}

int ctl_entry_is_stale(const fcache_entry_t *entry, int soft_purged,
                       int64_t now_us)
{
    return soft_purged || entry->fresh_until_us <= now_us;
}

static json_t *list_json(const ctl_t *ctl, fcache_bytes_t list)
{
    json_t *array = json_array();
    fcache_bytes_t item;
    size_t offset = 0;

    while (fcache_entry_list_next(list, &offset, &item) == 1) {
        json_array_append_new(array, ctl_json_bytes(ctl, item));
    }
    return array;
}

json_t *ctl_entry_row(const ctl_t *ctl, fcache_bytes_t name,
                      const fcache_entry_t *entry, int soft_purged, int more)
{
    int64_t left = seconds(entry->fresh_until_us - ctl->now_us);
    int64_t age =
        entry->initial_age_s + seconds(ctl->now_us - entry->created_us);
    fcache_bytes_t rest = name;
    json_t *row;

    ctl_take_label(&rest);
    row = json_pack(
        "{s:I, s:I, s:s, s:s, s:o, s:I, s:o}", "age_s",
        (json_int_t)(age > 0 ? age : 0), "ttl_s",
        (json_int_t)(soft_purged && left > 0 ? 0 : left), "state",
        ctl_entry_is_stale(entry, soft_purged, ctl->now_us) ? "stale" : "fresh",
        "kind", kind_text(entry->kind), "status",
        entry->status ? json_integer(entry->status) : json_null(), "size",
        (json_int_t)entry->body_len, "namespace",
        ctl_json_bytes(ctl, ctl_take_label(&rest)));
    if (more) {
        json_object_set_new(row, "name", ctl_json_bytes(ctl, name));
        json_object_set_new(row, "etag", ctl_json_bytes(ctl, entry->etag));
        json_object_set_new(row, "tags", list_json(ctl, entry->tags));
        json_object_set_new(row, "coder", ctl_json_bytes(ctl, entry->coder));
    }
    json_object_set_new(
        row, "key",
        json_string(fcache_canonical_format(entry->canonical, ctl->pool)));
    return row;
}

json_t *ctl_entry_vary_names(const fcache_entry_t *index)
{
    json_t *array = json_array();
    fcache_bytes_t item;
    size_t offset = 0;

    if (fcache_entry_list_next(index->vary, &offset, &item) != 1) {
        return array; /* the index's id comes first */
    }
    while (fcache_entry_list_next(index->vary, &offset, &item) == 1) {
        json_array_append_new(array, json_stringn(item.ptr, item.len));
    }
    return array;
}
