/* SPDX-License-Identifier: Apache-2.0 */
#include "cache_parts.h"
#include "tuple.h"

#include <apr_general.h>

/* ---- names --------------------------------------------------------------- */

/* -1, 0, 1 in byte order. */
static int compare(fcache_bytes_t a, fcache_bytes_t b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Puts `name` into the sorted `names` unless it is there; 0 when full. */
static int insert_name(fcache_bytes_t *names, size_t *count,
                       fcache_bytes_t name)
{
    size_t at = *count;
    while (at > 0 && compare(names[at - 1], name) > 0) {
        at--;
    }
    if (at > 0 && compare(names[at - 1], name) == 0) {
        return 1;
    }
    if (*count == FCACHE_VARY_MAX_NAMES) {
        return 0;
    }
    memmove(names + at + 1, names + at, (*count - at) * sizeof(*names));
    names[at] = name;
    ++*count;
    return 1;
}

static int insert_names(fcache_bytes_t *names, size_t *count,
                        fcache_bytes_t list)
{
    size_t offset = 0;
    fcache_bytes_t name;
    int more = fcache_entry_list_next(list, &offset, &name);
    while (more > 0) {
        if (!insert_name(names, count, name)) {
            return 0;
        }
        more = fcache_entry_list_next(list, &offset, &name);
    }
    return more == 0;
}

/* The sorted union of two lists, in the pool. */
static fcache_status_t unite(fcache_bytes_t old, fcache_bytes_t more,
                             fcache_bytes_t *out_list, apr_pool_t *pool,
                             fcache_error_t *error)
{
    fcache_bytes_t names[FCACHE_VARY_MAX_NAMES];
    size_t count = 0;
    if (!insert_names(names, &count, old) ||
        !insert_names(names, &count, more)) {
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "Vary of more than %d names in all",
                                FCACHE_VARY_MAX_NAMES);
    }
    fcache_buf_t list;
    fcache_buf_init(&list, FCACHE_ENTRY_MAX_HEAD);
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = fcache_entry_list_add(&list, names[i]);
    }
    fcache_bytes_t bytes = fcache_buf_bytes(&list);
    *out_list = fci_pieces_copy(&bytes, 1, pool);
    fcache_buf_fini(&list);
    return status == FCACHE_OK && !out_list->ptr ? FCACHE_NO_MEMORY : status;
}

/* ---- load ---------------------------------------------------------------- */

/* Takes over the index in `hit`; 0 when it is not a good one. */
static int read_index(const fcache_hit_t *hit, fci_index_t *index,
                      apr_pool_t *pool)
{
    fcache_bytes_t list = hit->entry.vary;
    fcache_bytes_t id;
    size_t offset = 0;
    fcache_bytes_t body = fci_pieces_copy(hit->body, hit->body_count, pool);
    if (fcache_entry_list_next(list, &offset, &id) <= 0 ||
        id.len != sizeof(index->id) || !body.ptr ||
        body.len > sizeof(index->digests) ||
        body.len % FCACHE_KEY_DIGEST_BYTES != 0) {
        return 0;
    }
    fcache_bytes_t names = fcache_bytes(list.ptr + offset, list.len - offset);
    index->names = fci_pieces_copy(&names, 1, pool);
    memcpy(index->id, id.ptr, sizeof(index->id));
    memcpy(index->digests, body.ptr, body.len);
    index->count = body.len / FCACHE_KEY_DIGEST_BYTES;
    index->generation = hit->entry.generation;
    index->exists = index->names.ptr != NULL;
    return index->exists;
}

/* What is there now; an entry of another kind, a damaged one or a fault of the
 * store count as no index. */
static void load(fcache_t *cache, const fcache_key_t *primary, int64_t now_us,
                 fci_index_t *index, apr_pool_t *pool)
{
    fcache_hit_t hit;
    *index = (fci_index_t){.exists = 0};
    if (fci_fetch(cache, primary, now_us, NULL, &hit, &index->dead_us, pool,
                  NULL) != FCACHE_OK) {
        return;
    }
    if (hit.entry.kind != FCACHE_ENTRY_VARY || !read_index(&hit, index, pool)) {
        *index = (fci_index_t){.exists = 0};
    }
    fcache_pin_release(cache, hit.pin);
}

fcache_status_t fci_index_load(fcache_t *cache, const fcache_key_t *primary,
                               fcache_bytes_t vary, int64_t now_us,
                               fci_index_t *out_index, apr_pool_t *pool,
                               fcache_error_t *error)
{
    fcache_bytes_t names = {NULL, 0};
    load(cache, primary, now_us, out_index, pool);
    if (!out_index->exists && vary.len == 0) {
        return FCACHE_MISS;
    }
    fcache_status_t status = unite(out_index->names, vary, &names, pool, error);
    if (status != FCACHE_OK ||
        (out_index->exists && fcache_bytes_equal(names, out_index->names))) {
        return status;
    }
    *out_index =
        (fci_index_t){.names = names, .generation = out_index->generation};
    if (apr_generate_random_bytes((unsigned char *)out_index->id,
                                  sizeof(out_index->id)) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "no random bytes for a Vary index");
    }
    return FCACHE_OK;
}

/* ---- note ---------------------------------------------------------------- */

static int is_listed(const fci_index_t *index, const fcache_key_t *variant)
{
    for (size_t i = 0; i < index->count; i++) {
        if (memcmp(index->digests[i], variant->digest,
                   FCACHE_KEY_DIGEST_BYTES) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Deletes the oldest variant, named by its digest only. */
static void drop_oldest(fcache_t *cache, const fcache_key_t *primary,
                        fci_index_t *index, int64_t now_us)
{
    char name[2 * FCACHE_KEY_MAX_LABEL + 2 +
              FCACHE_BASE64URL_LEN(FCACHE_KEY_DIGEST_BYTES) + 1];
    fcache_key_t key = *primary;
    size_t text_at =
        primary->name.len - FCACHE_BASE64URL_LEN(FCACHE_KEY_DIGEST_BYTES);
    memcpy(key.digest, index->digests[0], sizeof(key.digest));
    memcpy(name, primary->name.ptr, primary->name.len + 1);
    fcache_base64url(fcache_bytes(key.digest, sizeof(key.digest)),
                     name + text_at);
    key.name.ptr = name;
    key.canonical = fcache_bytes(NULL, 0);
    fcache_del(cache, &key, now_us, NULL);
    index->count--;
    memmove(index->digests[0], index->digests[1],
            index->count * FCACHE_KEY_DIGEST_BYTES);
}

static void list_variant(fcache_t *cache, const fcache_key_t *primary,
                         fci_index_t *index, const fcache_key_t *variant,
                         int64_t now_us)
{
    if (index->count == FCACHE_VARY_MAX_VARIANTS) {
        drop_oldest(cache, primary, index, now_us);
    }
    memcpy(index->digests[index->count++], variant->digest,
           FCACHE_KEY_DIGEST_BYTES);
}

static fcache_status_t put_index(fcache_t *cache, const fcache_key_t *primary,
                                 const fci_index_t *index, int64_t now_us,
                                 fcache_error_t *error)
{
    fcache_bytes_t body =
        fcache_bytes(index->digests, index->count * FCACHE_KEY_DIGEST_BYTES);
    fcache_buf_t list;
    fcache_buf_init(&list, FCACHE_ENTRY_MAX_HEAD);
    fcache_status_t status = fcache_entry_list_add(
        &list, fcache_bytes(index->id, sizeof(index->id)));
    if (status == FCACHE_OK) {
        status = fcache_buf_append(&list, index->names);
    }
    if (status == FCACHE_OK) {
        fcache_entry_t entry = {
            .kind = FCACHE_ENTRY_VARY,
            .generation = index->generation,
            .created_us = now_us,
            .fresh_until_us = index->dead_us,
            .stale_until_us = index->dead_us,
            .date_s = now_us / FCACHE_US_PER_S,
            .vary = fcache_buf_bytes(&list),
            .body_len = body.len,
        };
        status = fci_store(fci_store_put, cache, primary, &entry, &body, 1,
                           now_us, error);
    }
    fcache_buf_fini(&list);
    return status;
}

fcache_status_t fci_index_note(fcache_t *cache, const fcache_key_t *primary,
                               fci_index_t *index, const fcache_key_t *variant,
                               const fcache_entry_t *entry, int64_t now_us,
                               fcache_error_t *error)
{
    int is_known = index->exists && is_listed(index, variant);
    int is_longer = entry->stale_until_us > index->dead_us;
    if (is_longer) {
        index->dead_us = entry->stale_until_us;
    }
    if (is_known && !is_longer) {
        return FCACHE_OK;
    }
    if (is_known && fcache_touch(cache, primary, index->dead_us, now_us,
                                 NULL) == FCACHE_OK) {
        return FCACHE_OK;
    }
    if (!is_known) {
        list_variant(cache, primary, index, variant, now_us);
    }
    if (entry->generation > index->generation) {
        index->generation = entry->generation;
    }
    return put_index(cache, primary, index, now_us, error);
}

fcache_status_t fci_index_extend(fcache_t *cache, const fcache_key_t *variant,
                                 int64_t dead_us, int64_t now_us,
                                 fcache_error_t *error)
{
    apr_pool_t *pool = NULL;
    fcache_key_t primary;
    fci_index_t index;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory to keep a Vary index");
    }
    fcache_status_t status = fci_key_primary(variant, &primary, pool, error);
    if (status == FCACHE_OK) {
        load(cache, &primary, now_us, &index, pool);
        if (index.exists && index.dead_us < dead_us) {
            status = fcache_touch(cache, &primary, dead_us, now_us, error);
        }
    }
    apr_pool_destroy(pool);
    return status;
}
