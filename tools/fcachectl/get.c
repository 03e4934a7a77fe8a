/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <apr_strings.h>

#include <stdio.h>

/* What is shown, copied out of the store. */
typedef struct shown_t {
    json_t *info;
    fcache_entry_kind_t kind;
    const char *head; /* of a response: status line, fields, empty line */
    fcache_bytes_t body;
} shown_t;

static fcache_bytes_t copy(const fcache_bytes_t *pieces, size_t count,
                           apr_pool_t *pool)
{
    size_t len = 0;
    char *bytes, *end;

    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    bytes = end = apr_palloc(pool, len + 1);
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len) {
            memcpy(end, pieces[i].ptr, pieces[i].len);
            end += pieces[i].len;
        }
    }
    return fcache_bytes(bytes, len);
}

static json_t *fields_json(const ctl_t *ctl, fcache_bytes_t block)
{
    json_t *fields = json_array();
    fcache_bytes_t name, value;
    size_t offset = 0;

    while (fcache_fieldblock_next(block, &offset, &name, &value)) {
        json_array_append_new(
            fields, json_pack("{s:o, s:o}", "name", ctl_json_bytes(ctl, name),
                              "value", ctl_json_bytes(ctl, value)));
    }
    return fields;
}

static const char *head_text(const fcache_entry_t *entry, apr_pool_t *pool)
{
    const char *reason =
        apr_pstrmemdup(pool, entry->reason.ptr, entry->reason.len);
    const char *fields =
        apr_pstrmemdup(pool, entry->fields.ptr, entry->fields.len);

    return apr_psprintf(pool, "HTTP %d%s%s\r\n%s\r\n", entry->status,
                        *reason ? " " : "", reason, fields);
}

static void show_entry(ctl_t *ctl, const fcache_hit_t *hit, shown_t *out_shown)
{
    const fcache_entry_t *entry = &hit->entry;

    out_shown->kind = entry->kind;
    out_shown->info =
        ctl_entry_row(ctl, hit->key.name, entry, hit->soft_purged, 1);
    out_shown->body = copy(hit->body, hit->body_count, ctl->pool);
    if (entry->kind == FCACHE_ENTRY_RESPONSE) {
        json_object_set_new(out_shown->info, "fields",
                            fields_json(ctl, entry->fields));
        out_shown->head = head_text(entry, ctl->pool);
    } else if (entry->kind == FCACHE_ENTRY_VARY) {
        json_object_set_new(out_shown->info, "vary",
                            ctl_entry_vary_names(entry));
    }
}

/* The body as a JSON string when it is UTF-8, else as base64url. */
static void add_body(json_t *info, fcache_bytes_t body, apr_pool_t *pool)
{
    json_t *text = json_stringn(body.ptr, body.len);
    size_t len = FCACHE_BASE64URL_LEN(body.len);
    char *encoded;

    if (text) {
        json_object_set_new(info, "body", text);
        return;
    }
    encoded = apr_palloc(pool, len + 1);
    fcache_base64url(body, encoded);
    json_object_set_new(info, "body_base64url", json_stringn(encoded, len));
}

static ctl_exit_t print_shown(ctl_t *ctl, shown_t *shown)
{
    int whole = !ctl_option(ctl, "head");

    if (whole && ctl_option(ctl, "json")) {
        add_body(shown->info, shown->body, ctl->pool);
    } else if (whole && (shown->kind == FCACHE_ENTRY_RESPONSE ||
                         shown->kind == FCACHE_ENTRY_VALUE)) {
        fputs(shown->head ? shown->head : "", stdout);
        fwrite(shown->body.ptr, 1, shown->body.len, stdout);
        json_decref(shown->info);
        return CTL_OK;
    }
    return ctl_print(ctl, shown->info);
}

ctl_exit_t ctl_get(ctl_t *ctl)
{
    const char *text = ctl->args[0];
    shown_t shown = {0};
    fcache_hit_t hit = {0};
    fcache_status_t status;
    ctl_key_t key;
    ctl_exit_t code = ctl_key(ctl, text, &key);

    if (code != CTL_OK) {
        return code;
    }
    status = fcache_lookup(ctl->cache, &key.key, ctl_key_request(&key),
                           ctl->now_us, NULL, &hit, ctl->pool, &ctl->error);
    if (status == FCACHE_MISS && hit.varied) {
        fprintf(stderr, "fcachectl: %s: no variant for these headers\n", text);
        return CTL_NOT_FOUND;
    }
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, text);
    }
    show_entry(ctl, &hit, &shown);
    fcache_pin_release(ctl->cache, hit.pin);
    return print_shown(ctl, &shown);
}
