/* SPDX-License-Identifier: Apache-2.0 */
#include "cache_parts.h"
#include "tuple.h"
#include "vary.h"

/* Languages: the answer in the one language that a client wants before all
 * others answers it, whatever else it would take (RFC 9111 §4.1). An alias lies
 * below the index, under a key made of the answer's Content-Language in place
 * of Accept-Language; its body is the canonical key of the variant. What has come
 * there since may be in another language: who follows an alias looks. An origin
 * may put what it was asked with into its answer, so only requests for nothing but
 * languages have aliases: nobody chooses what others read. */

#define ACCEPT_LANGUAGE "accept-language"

static int is_by_language(fcache_bytes_t names)
{
    size_t offset = 0;
    fcache_bytes_t name;
    while (fcache_entry_list_next(names, &offset, &name) > 0) {
        if (fcache_bytes_equal(name, fcache_str(ACCEPT_LANGUAGE))) {
            return 1;
        }
    }
    return 0;
}

fcache_bytes_t fci_language_of(fcache_bytes_t block)
{
    fcache_bytes_t found = {NULL, 0};
    fcache_bytes_t name;
    fcache_bytes_t value;
    size_t offset = 0;
    while (fcache_fieldblock_next(block, &offset, &name, &value) == 1) {
        if (!fcache_bytes_equal_nocase(name, fcache_str("Content-Language"))) {
            continue;
        }
        if (found.ptr || !fcache_is_token(value)) {
            return fcache_bytes(NULL, 0);
        }
        found = value;
    }
    return found;
}

static fcache_status_t put_alias(fcache_t *cache, const fci_variant_t *variant,
                                 const fcache_key_t *key, int64_t now_us,
                                 fcache_error_t *error)
{
    const fcache_entry_t *entry = variant->entry;
    fcache_entry_t alias = {
        .kind = FCACHE_ENTRY_ALIAS,
        .generation = entry->generation,
        .created_us = entry->created_us,
        .fresh_until_us = entry->stale_until_us,
        .stale_until_us = entry->stale_until_us,
        .date_s = entry->date_s,
        .body_len = variant->key->canonical.len,
    };
    return fci_store(fci_store_put, cache, key, &alias,
                     &variant->key->canonical, 1, now_us, error);
}

fcache_status_t fci_language_note(fcache_t *cache, const fci_variant_t *variant,
                                  int64_t now_us, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fci_index_t *index = variant->index;
    fcache_key_t key;
    if (variant->language.len == 0 ||
        variant->language.len > FCI_MAX_LANGUAGE ||
        !is_by_language(index->names) ||
        !fci_vary_is_languages(variant->request->fields)) {
        return FCACHE_OK;
    }
    fcache_status_t status = fci_key_language(
        variant->primary, fcache_bytes(index->id, sizeof(index->id)),
        index->names, variant->request, variant->language, &key, pool, error);
    if (status == FCACHE_OK) {
        status = put_alias(cache, variant, &key, now_us, error);
    }
    return status == FCACHE_OK
               ? fci_index_note(cache, variant->primary, index, &key,
                                variant->entry, now_us, error)
               : status;
}

/* The variant that the alias under `key` names. */
static fcache_status_t follow(fcache_t *cache, const fcache_key_t *key,
                              int64_t now_us, int64_t *until_us,
                              fcache_hit_t *out_hit, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fcache_key_t variant;
    fcache_status_t status =
        fci_fetch(cache, key, now_us, until_us, out_hit, NULL, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    fcache_bytes_t canonical =
        fci_pieces_copy(out_hit->body, out_hit->body_count, pool);
    int is_alias = out_hit->entry.kind == FCACHE_ENTRY_ALIAS;
    fcache_pin_release(cache, out_hit->pin);
    out_hit->pin = NULL;
    if (!is_alias || !canonical.ptr) {
        return fcache_error_set(error, FCACHE_CORRUPT,
                                "not an alias where a language's should be");
    }
    status = fci_key_of(canonical, key->prefix, key->ns, &variant, pool, error);
    return status == FCACHE_OK ? fci_fetch(cache, &variant, now_us, until_us,
                                           out_hit, NULL, pool, error)
                               : status;
}

fcache_status_t fci_language_fetch(fcache_t *cache, const fcache_hit_t *index,
                                   const fcache_request_t *request,
                                   int64_t now_us, int64_t *until_us,
                                   fcache_hit_t *out_hit, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    fcache_bytes_t list = index->entry.vary;
    char language[FCI_MAX_LANGUAGE];
    fcache_bytes_t id;
    fcache_key_t key;
    size_t offset = 0;
    size_t len = fci_vary_language(request->fields, language);
    if (len == 0 || fcache_entry_list_next(list, &offset, &id) <= 0) {
        return FCACHE_MISS;
    }
    fcache_bytes_t names = fcache_bytes(list.ptr + offset, list.len - offset);
    if (!is_by_language(names)) {
        return FCACHE_MISS;
    }
    fcache_status_t status =
        fci_key_language(&index->key, id, names, request,
                         fcache_bytes(language, len), &key, pool, error);
    return status == FCACHE_OK
               ? follow(cache, &key, now_us, until_us, out_hit, pool, error)
               : FCACHE_MISS;
}

int fci_language_is_wanted(fcache_bytes_t block,
                           const fcache_request_t *request)
{
    char language[FCI_MAX_LANGUAGE];
    size_t len = fci_vary_language(request->fields, language);
    return fcache_bytes_equal_nocase(fci_language_of(block),
                                     fcache_bytes(language, len));
}
