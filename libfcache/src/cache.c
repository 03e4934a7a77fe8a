/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache.h>

#include "cache_parts.h"

fcache_backend_t *fcache_backend_of(const fcache_t *cache)
{
    return cache->backend;
}

uint64_t fcache_epoch(const fcache_t *cache)
{
    return cache->ops->epoch ? cache->ops->epoch(cache->self) : 0;
}

/* ---- reading ------------------------------------------------------------- */

uint64_t fci_pieces_length(const fcache_bytes_t *pieces, size_t count)
{
    uint64_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    return len;
}

fcache_bytes_t fci_pieces_copy(const fcache_bytes_t *pieces, size_t count,
                               apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, fci_pieces_length(pieces, count) + 1);
    size_t len = 0;
    for (size_t i = 0; copy && i < count; i++) {
        if (pieces[i].len > 0) {
            memcpy(copy + len, pieces[i].ptr, pieces[i].len);
            len += pieces[i].len;
        }
    }
    return fcache_bytes(copy, len);
}

static fcache_status_t check_item(const fcache_item_t *item,
                                  const fcache_key_t *key, int64_t now_us,
                                  fcache_entry_t *out_entry,
                                  fcache_error_t *error)
{
    if (now_us >= item->dead_us) {
        return FCACHE_MISS;
    }
    fcache_status_t status = fcache_entry_decode(item->head, out_entry, error);
    if (status == FCACHE_UNSUPPORTED) {
        return FCACHE_MISS;
    }
    if (status != FCACHE_OK) {
        return status;
    }
    if (!fcache_bytes_equal(out_entry->canonical, key->canonical)) {
        return fcache_error_set(error, FCACHE_CORRUPT,
                                "entry of another key under %.*s",
                                (int)key->name.len, key->name.ptr);
    }
    if (fci_pieces_length(item->body, item->body_count) !=
        out_entry->body_len) {
        return fcache_error_set(error, FCACHE_CORRUPT,
                                "body of another length under %.*s",
                                (int)key->name.len, key->name.ptr);
    }
    return FCACHE_OK;
}

fcache_status_t fci_fetch(fcache_t *cache, const fcache_key_t *key,
                          int64_t now_us, int64_t *until_us,
                          fcache_hit_t *out_hit, int64_t *out_dead_us,
                          apr_pool_t *pool, fcache_error_t *error)
{
    fcache_item_t item = {.pin = NULL};
    *out_hit = (fcache_hit_t){.key = *key};
    fcache_status_t status =
        cache->ops->get(cache->self, key, now_us, until_us, &item, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    status = check_item(&item, key, now_us, &out_hit->entry, error);
    if (status != FCACHE_OK) {
        fcache_pin_release(cache, item.pin);
        return status;
    }
    out_hit->body = item.body;
    out_hit->body_count = item.body_count;
    out_hit->soft_purged = item.soft_purged;
    out_hit->pin = item.pin;
    if (out_dead_us) {
        *out_dead_us = item.dead_us;
    }
    return FCACHE_OK;
}

void fci_count(const fcache_t *cache, fcache_status_t status)
{
    if (cache->ops->count) {
        cache->ops->count(cache->self, status == FCACHE_OK);
    }
}

/* The key of the variant that `request` selects below that index. */
static fcache_status_t variant_key(const fcache_hit_t *index,
                                   const fcache_request_t *request,
                                   fcache_key_t *out_key, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    fcache_bytes_t list = index->entry.vary;
    fcache_bytes_t id;
    size_t offset = 0;
    if (fcache_entry_list_next(list, &offset, &id) <= 0) {
        return fcache_error_set(error, FCACHE_CORRUPT, "Vary index without id");
    }
    fcache_status_t status = fcache_key_variant(
        &index->key, id, fcache_bytes(list.ptr + offset, list.len - offset),
        request, out_key, pool, error);
    return status == FCACHE_TOO_LARGE ? FCACHE_MISS : status;
}

/* *out_by_language: it is not of the same Accept-Language. */
static fcache_status_t fetch_variant(fcache_t *cache,
                                     const fcache_request_t *request,
                                     int64_t now_us, int64_t *until_us,
                                     fcache_hit_t *hit, int *out_by_language,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcache_hit_t index = *hit;
    fcache_key_t key;
    fcache_status_t status = variant_key(&index, request, &key, pool, error);
    hit->pin = NULL;
    if (status == FCACHE_OK) {
        status =
            fci_fetch(cache, &key, now_us, until_us, hit, NULL, pool, error);
    }
    *out_by_language = status == FCACHE_MISS;
    if (*out_by_language) {
        status = fci_language_fetch(cache, &index, request, now_us, until_us,
                                    hit, pool, error);
    }
    fcache_pin_release(cache, index.pin);
    if (status == FCACHE_OK && (hit->entry.kind == FCACHE_ENTRY_VARY ||
                                hit->entry.kind == FCACHE_ENTRY_ALIAS)) {
        fcache_pin_release(cache, hit->pin);
        hit->pin = NULL;
        status = fcache_error_set(error, FCACHE_CORRUPT,
                                  "Vary index below a Vary index");
    }
    hit->varied = 1;
    return status;
}

/*
 * Makes fields and body out of a response that its coder wrote, all in the
 * pool: what a coder answers may point into what it was given.
 */
static fcache_status_t decode_response(const fcache_coder_t *coder,
                                       fcache_hit_t *hit, apr_pool_t *pool,
                                       fcache_error_t *error)
{
    fcache_response_value_t value = {0, {NULL, 0}, {NULL, 0}};
    fcache_bytes_t bytes = fci_pieces_copy(hit->body, hit->body_count, pool);
    fcache_bytes_t *body = apr_palloc(pool, sizeof(*body));
    if (!bytes.ptr || !body) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory to decode a response");
    }
    fcache_status_t status = coder->decode(coder, bytes, &value, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (value.status != hit->entry.status) {
        return fcache_error_set(error, FCACHE_CORRUPT,
                                "head and document differ in status");
    }
    *body = value.body;
    hit->body = body;
    hit->body_count = 1;
    hit->entry.fields = value.fields;
    hit->entry.body_len = value.body.len;
    memset(hit->entry.body_digest, 0, sizeof(hit->entry.body_digest));
    return FCACHE_OK;
}

/* Copies what the head's views point at, so that the pin is not needed. */
static fcache_status_t copy_head(fcache_entry_t *entry, apr_pool_t *pool,
                                 fcache_error_t *error)
{
    fcache_bytes_t *const views[] = {
        &entry->coder,  &entry->canonical, &entry->tags,
        &entry->reason, &entry->etag,      &entry->last_modified,
    };
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        *views[i] = fci_pieces_copy(views[i], 1, pool);
        if (!views[i]->ptr) {
            return fcache_error_set(error, FCACHE_NO_MEMORY,
                                    "no memory to decode a response");
        }
    }
    return FCACHE_OK;
}

/* Callers see plain fields and body, whatever the coder. */
static fcache_status_t open_response(fcache_t *cache, fcache_hit_t *hit,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    if (hit->entry.kind != FCACHE_ENTRY_RESPONSE) {
        return FCACHE_OK;
    }
    const fcache_coder_t *coder =
        fcache_coder_find(cache->coders, hit->entry.coder);
    if (coder && coder->kind == FCACHE_CODER_RESPONSE && coder->in_place) {
        return FCACHE_OK;
    }
    fcache_status_t status = FCACHE_MISS; /* a coder that we do not have */
    if (coder) {
        status = coder->kind == FCACHE_CODER_RESPONSE
                     ? decode_response(coder, hit, pool, error)
                     : fcache_error_set(error, FCACHE_CORRUPT,
                                        "response with the coder of a value");
    }
    if (status == FCACHE_OK) {
        status = copy_head(&hit->entry, pool, error);
    }
    fcache_pin_release(cache, hit->pin);
    hit->pin = NULL;
    return status;
}

fcache_status_t fcache_lookup_again(fcache_t *cache, const fcache_key_t *key,
                                    const fcache_request_t *request,
                                    int64_t now_us, int64_t *until_us,
                                    fcache_hit_t *out_hit, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    int by_language = 0;
    int64_t own_until_us = 0;
    if (!until_us) {
        until_us = &own_until_us;
    }
    fcache_status_t status =
        fci_fetch(cache, key, now_us, until_us, out_hit, NULL, pool, error);
    if (status == FCACHE_OK && out_hit->entry.kind == FCACHE_ENTRY_VARY &&
        request) {
        status = fetch_variant(cache, request, now_us, until_us, out_hit,
                               &by_language, pool, error);
    }
    if (status == FCACHE_OK) {
        status = open_response(cache, out_hit, pool, error);
    }
    if (status == FCACHE_OK && by_language &&
        !fci_language_is_wanted(out_hit->entry.fields, request)) {
        fcache_pin_release(cache, out_hit->pin);
        out_hit->pin = NULL;
        status = FCACHE_MISS;
    }
    return status;
}

fcache_status_t fcache_lookup(fcache_t *cache, const fcache_key_t *key,
                              const fcache_request_t *request, int64_t now_us,
                              int64_t *until_us, fcache_hit_t *out_hit,
                              apr_pool_t *pool, fcache_error_t *error)
{
    fcache_status_t status = fcache_lookup_again(
        cache, key, request, now_us, until_us, out_hit, pool, error);
    fci_count(cache, status);
    return status;
}

void fcache_pin_release(fcache_t *cache, void *pin)
{
    if (pin && cache->ops->release) {
        cache->ops->release(cache->self, pin);
    }
}

/* ---- forgetting and looking ---------------------------------------------- */

static fcache_status_t unsupported(const fcache_t *cache, const char *what,
                                   fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_UNSUPPORTED, "store '%s:' cannot %s",
                            cache->ops->scheme, what);
}

fcache_status_t fcache_del(fcache_t *cache, const fcache_key_t *key,
                           int64_t now_us, fcache_error_t *error)
{
    return cache->ops->del ? cache->ops->del(cache->self, key, now_us, error)
                           : unsupported(cache, "delete", error);
}

fcache_status_t fcache_touch(fcache_t *cache, const fcache_key_t *key,
                             int64_t dead_us, int64_t now_us,
                             fcache_error_t *error)
{
    return cache->ops->touch
               ? cache->ops->touch(cache->self, key, dead_us, now_us, error)
               : unsupported(cache, "touch", error);
}

static int is_scope_valid(const fcache_scope_t *scope)
{
    switch (scope->kind) {
    case FCACHE_SCOPE_ALL:
        return 1;
    case FCACHE_SCOPE_PREFIX:
        return fcache_label_is_valid(scope->prefix);
    case FCACHE_SCOPE_NAMESPACE:
        return fcache_label_is_valid(scope->prefix) &&
               fcache_label_is_valid(scope->ns);
    case FCACHE_SCOPE_TAG:
        return fcache_label_is_valid(scope->prefix) && scope->tag.len > 0 &&
               scope->tag.len <= UINT16_MAX;
    }
    return 0;
}

fcache_status_t fcache_clear(fcache_t *cache, const fcache_scope_t *scopes,
                             size_t count, fcache_error_t *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_scope_valid(&scopes[i])) {
            return fcache_error_set(error, FCACHE_BAD_INPUT,
                                    "not a prefix, namespace or tag to clear");
        }
    }
    return cache->ops->clear
               ? cache->ops->clear(cache->self, scopes, count, error)
               : unsupported(cache, "clear", error);
}

fcache_status_t fcache_list(fcache_t *cache, int64_t now_us,
                            fcache_listed_fn fn, void *baton,
                            fcache_error_t *error)
{
    return cache->ops->list
               ? cache->ops->list(cache->self, now_us, fn, baton, error)
               : unsupported(cache, "list", error);
}

fcache_status_t fcache_stats(fcache_t *cache, fcache_stats_t *out_stats,
                             fcache_error_t *error)
{
    return cache->ops->stats ? cache->ops->stats(cache->self, out_stats, error)
                             : unsupported(cache, "count", error);
}

fcache_status_t fcache_check(fcache_t *cache, fcache_error_t *error)
{
    return cache->ops->check ? cache->ops->check(cache->self, error)
                             : unsupported(cache, "check itself", error);
}
