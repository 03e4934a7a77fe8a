/* SPDX-License-Identifier: Apache-2.0 */
#include "cache_parts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/*
 * A body on its way in. It goes straight into the store when the store takes
 * pieces and the coder leaves the body as it is, else it is gathered here.
 */
struct fcache_writer_t {
    fcache_t *cache;
    const fcache_coder_t *coder;
    apr_pool_t *pool;
    fcache_backend_writer_t *draft; /* in the store, or NULL */
    fcache_buf_t buf;
    XXH3_state_t *hash;
    uint64_t length;
    uint64_t max_bytes;
    int failed;
    fcache_bytes_t language; /* of the response, at commit */
};

static void put_digest(XXH128_hash_t hash, unsigned char out[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(out, canonical.digest, sizeof(canonical.digest));
}

/* ---- storing a head ------------------------------------------------------ */

fcache_status_t fci_store(fci_store_fn store, void *baton,
                          const fcache_key_t *key, const fcache_entry_t *entry,
                          const fcache_bytes_t *body, size_t body_count,
                          int64_t now_us, fcache_error_t *error)
{
    fcache_entry_t whole = *entry;
    fcache_buf_t head;
    fcache_buf_init(&head, FCACHE_ENTRY_MAX_HEAD);
    whole.canonical = key->canonical;
    fcache_status_t status = fcache_entry_encode(&whole, &head, error);
    if (status == FCACHE_OK) {
        fcache_value_t value = {
            .head = fcache_buf_bytes(&head),
            .body = body,
            .body_count = body_count,
            .epoch = entry->generation,
            .fresh_until_us = entry->fresh_until_us,
            .dead_us = entry->stale_until_us,
            .tags = entry->tags,
        };
        status = store(baton, key, &value, now_us, error);
    }
    fcache_buf_fini(&head);
    return status;
}

fcache_status_t fci_store_put(void *baton, const fcache_key_t *key,
                              const fcache_value_t *value, int64_t now_us,
                              fcache_error_t *error)
{
    fcache_t *cache = baton;
    return cache->ops->put(cache->self, key, value, now_us, error);
}

static fcache_status_t store_draft(void *baton, const fcache_key_t *key,
                                   const fcache_value_t *value, int64_t now_us,
                                   fcache_error_t *error)
{
    fcache_writer_t *writer = baton;
    fcache_backend_writer_t *draft = writer->draft;
    writer->draft = NULL;
    return writer->cache->ops->commit(draft, key, value, now_us, error);
}

/* ---- gathering ----------------------------------------------------------- */

static void release(fcache_writer_t *writer)
{
    if (writer->draft) {
        writer->cache->ops->abort(writer->draft);
        writer->draft = NULL;
    }
    fcache_buf_fini(&writer->buf);
    XXH3_freeState(writer->hash);
    writer->hash = NULL;
    writer->failed = 1;
}

static apr_status_t release_with_pool(void *baton)
{
    release(baton);
    return APR_SUCCESS;
}

static uint64_t max_object(const fcache_t *cache)
{
    uint64_t max = cache->max_object_bytes;
    uint64_t store_max =
        cache->ops->max_object ? cache->ops->max_object(cache->self) : max;
    return store_max < max ? store_max : max;
}

static fcache_status_t too_large(const fcache_writer_t *writer,
                                 fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_TOO_LARGE, "body above %llu bytes",
                            (unsigned long long)writer->max_bytes);
}

static fcache_status_t start(fcache_writer_t *writer, uint64_t size_hint,
                             fcache_error_t *error)
{
    const fcache_backend_ops_t *ops = writer->cache->ops;
    if (size_hint > writer->max_bytes) {
        return too_large(writer, error);
    }
    fcache_buf_init(&writer->buf, (size_t)writer->max_bytes);
    writer->hash = XXH3_createState();
    if (!writer->hash || XXH3_128bits_reset(writer->hash) != XXH_OK) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a writer");
    }
    if (writer->coder->in_place && ops->begin) {
        return ops->begin(writer->cache->self, size_hint, &writer->draft,
                          writer->pool, error);
    }
    return FCACHE_OK;
}

fcache_status_t fcache_writer_begin(fcache_t *cache, fcache_bytes_t coder,
                                    uint64_t size_hint,
                                    fcache_writer_t **out_writer,
                                    apr_pool_t *pool, fcache_error_t *error)
{
    const fcache_coder_t *found = fcache_coder_find(cache->coders, coder);
    if (!found || found->kind != FCACHE_CODER_RESPONSE) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "no coder '%.*s' for responses", (int)coder.len,
                                coder.ptr ? coder.ptr : "");
    }
    fcache_writer_t *writer = apr_palloc(pool, sizeof(*writer));
    if (!writer) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a writer");
    }
    *writer = (fcache_writer_t){
        .cache = cache,
        .coder = found,
        .pool = pool,
        .max_bytes = max_object(cache),
    };
    fcache_status_t status = start(writer, size_hint, error);
    if (status != FCACHE_OK) {
        release(writer);
        return status;
    }
    apr_pool_cleanup_register(pool, writer, release_with_pool,
                              apr_pool_cleanup_null);
    *out_writer = writer;
    return FCACHE_OK;
}

fcache_status_t fcache_writer_append(fcache_writer_t *writer,
                                     fcache_bytes_t bytes,
                                     fcache_error_t *error)
{
    if (writer->failed) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a writer that failed before");
    }
    fcache_status_t status = FCACHE_OK;
    if (bytes.len > writer->max_bytes - writer->length) {
        status = too_large(writer, error);
    } else if (writer->draft) {
        status = writer->cache->ops->append(writer->draft, bytes, error);
    } else {
        status = fcache_buf_append(&writer->buf, bytes);
        fcache_error_set(error, status, "body: %s", fcache_status_text(status));
    }
    writer->failed = status != FCACHE_OK;
    if (!writer->failed && bytes.len > 0) {
        writer->length += bytes.len;
        XXH3_128bits_update(writer->hash, bytes.ptr, bytes.len);
    }
    return status;
}

uint64_t fcache_writer_length(const fcache_writer_t *writer)
{
    return writer->length;
}

void fcache_writer_abort(fcache_writer_t *writer)
{
    apr_pool_cleanup_kill(writer->pool, writer, release_with_pool);
    release(writer);
}

/* ---- commit -------------------------------------------------------------- */

/* Replaces `body` by the coder's document and moves status and fields of the
 * head into it. */
static fcache_status_t encode_body(const fcache_coder_t *coder,
                                   fcache_entry_t *head, fcache_buf_t *body,
                                   fcache_error_t *error)
{
    fcache_response_value_t value = {head->status, head->fields,
                                     fcache_buf_bytes(body)};
    fcache_buf_t document;
    fcache_buf_init(&document, body->max_bytes);
    fcache_status_t status = coder->encode(coder, &value, &document, error);
    if (status != FCACHE_OK) {
        fcache_buf_fini(&document);
        return status;
    }
    fcache_buf_fini(body);
    *body = document;
    head->fields = fcache_bytes(NULL, 0);
    head->body_len = document.len;
    put_digest(XXH3_128bits(document.ptr, document.len), head->body_digest);
    return FCACHE_OK;
}

static fcache_status_t finish_body(fcache_writer_t *writer,
                                   fcache_entry_t *head, fcache_error_t *error)
{
    head->coder = fcache_str(writer->coder->name);
    head->vary = fcache_bytes(NULL, 0);
    head->body_len = writer->length;
    put_digest(XXH3_128bits_digest(writer->hash), head->body_digest);
    return writer->coder->in_place || head->kind != FCACHE_ENTRY_RESPONSE
               ? FCACHE_OK
               : encode_body(writer->coder, head, &writer->buf, error);
}

static fcache_status_t store_body(fcache_writer_t *writer,
                                  const fcache_key_t *key,
                                  const fcache_entry_t *head, int64_t now_us,
                                  fcache_error_t *error)
{
    if (writer->draft) {
        return fci_store(store_draft, writer, key, head, NULL, 0, now_us,
                         error);
    }
    fcache_bytes_t body = fcache_buf_bytes(&writer->buf);
    return fci_store(fci_store_put, writer->cache, key, head, &body, 1, now_us,
                     error);
}

/* Under `primary` itself, or as one of its variants and then in its index. */
static fcache_status_t place(fcache_writer_t *writer,
                             const fcache_key_t *primary,
                             const fcache_entry_t *head, fcache_bytes_t vary,
                             const fcache_request_t *request, int64_t now_us,
                             fcache_error_t *error)
{
    fci_index_t index;
    fcache_key_t key;
    fcache_status_t status =
        request ? fci_index_load(writer->cache, primary, vary, now_us, &index,
                                 writer->pool, error)
                : FCACHE_MISS;
    if (status == FCACHE_MISS) {
        return store_body(writer, primary, head, now_us, error);
    }
    if (status == FCACHE_OK) {
        status = fcache_key_variant(
            primary, fcache_bytes(index.id, sizeof(index.id)), index.names,
            request, &key, writer->pool, error);
    }
    if (status == FCACHE_OK) {
        status = store_body(writer, &key, head, now_us, error);
    }
    if (status == FCACHE_OK) {
        status = fci_index_note(writer->cache, primary, &index, &key, head,
                                now_us, error);
    }
    if (status == FCACHE_OK) {
        fci_variant_t variant = {primary, &index,           &key,
                                 head,    writer->language, request};
        status = fci_language_note(writer->cache, &variant, now_us,
                                   writer->pool, error);
    }
    return status;
}

fcache_status_t fcache_writer_commit(fcache_writer_t *writer,
                                     const fcache_key_t *key,
                                     const fcache_entry_t *entry,
                                     fcache_bytes_t vary,
                                     const fcache_request_t *request,
                                     int64_t now_us, fcache_error_t *error)
{
    fcache_entry_t head = *entry;
    fcache_status_t status = FCACHE_OK;
    if (writer->failed || (vary.len > 0 && !request)) {
        status = fcache_error_set(error, FCACHE_BAD_INPUT,
                                  "a writer that failed, or Vary without the "
                                  "request");
        goto done;
    }
    writer->language = fci_language_of(entry->fields);
    status = finish_body(writer, &head, error);
    if (status == FCACHE_OK) {
        status = place(writer, key, &head, vary, request, now_us, error);
    }
done:
    fcache_writer_abort(writer);
    return status;
}

/* ---- refresh ------------------------------------------------------------- */

static fcache_status_t gather(const fcache_hit_t *hit, fcache_buf_t *body)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < hit->body_count && status == FCACHE_OK; i++) {
        status = fcache_buf_append(body, hit->body[i]);
    }
    return status;
}

/* A hit's body is decoded; its coder has to write it again. */
static fcache_status_t put_encoded(fcache_t *cache, const fcache_coder_t *coder,
                                   const fcache_hit_t *hit,
                                   fcache_entry_t *head, int64_t now_us,
                                   fcache_error_t *error)
{
    fcache_buf_t body;
    fcache_buf_init(&body, (size_t)max_object(cache));
    fcache_status_t status = gather(hit, &body);
    if (status == FCACHE_OK) {
        status = encode_body(coder, head, &body, error);
    }
    if (status == FCACHE_OK) {
        fcache_bytes_t bytes = fcache_buf_bytes(&body);
        status = fci_store(fci_store_put, cache, &hit->key, head, &bytes, 1,
                           now_us, error);
    }
    fcache_buf_fini(&body);
    return status;
}

fcache_status_t fcache_refresh(fcache_t *cache, const fcache_hit_t *hit,
                               const fcache_entry_t *entry, int64_t now_us,
                               fcache_error_t *error)
{
    fcache_entry_t head = *entry;
    const fcache_coder_t *coder =
        fcache_coder_find(cache->coders, hit->entry.coder);
    fcache_status_t status = FCACHE_OK;
    head.coder = hit->entry.coder;
    head.vary = hit->entry.vary;
    head.body_len = hit->entry.body_len;
    memcpy(head.body_digest, hit->entry.body_digest, sizeof(head.body_digest));
    if (coder && !coder->in_place) {
        status = put_encoded(cache, coder, hit, &head, now_us, error);
    } else {
        status = fci_store(fci_store_put, cache, &hit->key, &head, hit->body,
                           hit->body_count, now_us, error);
    }
    if (status == FCACHE_OK && hit->varied) {
        status = fci_index_extend(cache, &hit->key, head.stale_until_us, now_us,
                                  error);
    }
    return status;
}
