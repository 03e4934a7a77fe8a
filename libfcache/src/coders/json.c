/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/coders.h"

#include "coders/json_parts.h"

#include <fcache/entry.h>

#include <jansson.h>

/*
 * {"status":200,"fields":[["Name","value"],...],"body":"text"}
 *
 * Bytes that are not UTF-8, or hold a NUL, go as base64 (RFC 4648 §4): a body
 * as "body_base64" instead of "body", a value as {"base64":"..."}.
 */

#define MAX_BYTES (64u * 1024 * 1024) /* of a document and what it holds */
#define MAX_DEPTH 4                   /* of its arrays and objects */

/* ---- encode -------------------------------------------------------------- */

/* A JSON string, or NULL when it cannot be one. */
static json_t *text_of(fcache_bytes_t bytes)
{
    if (bytes.len > 0 && memchr(bytes.ptr, '\0', bytes.len)) {
        return NULL;
    }
    return json_stringn(bytes.len ? bytes.ptr : "", bytes.len);
}

static json_t *field_of(fcache_bytes_t name, fcache_bytes_t value)
{
    json_t *text = text_of(value);
    if (!text) {
        text = json_pack("{s:o}", "base64", fci_json_base64(value));
    }
    return json_pack("[s%,o]", name.ptr, name.len, text);
}

static json_t *fields_of(fcache_bytes_t block)
{
    json_t *fields = json_array();
    size_t offset = 0;
    fcache_bytes_t name;
    fcache_bytes_t value;
    while (fcache_fieldblock_next(block, &offset, &name, &value)) {
        if (json_array_append_new(fields, field_of(name, value)) != 0) {
            json_decref(fields);
            return NULL;
        }
    }
    return fields;
}

static json_t *document_of(const fcache_response_value_t *response)
{
    const char *label = "body";
    json_t *body = text_of(response->body);
    if (!body) {
        label = "body_base64";
        body = fci_json_base64(response->body);
    }
    return json_pack("{s:i,s:o,s:o}", "status", response->status, "fields",
                     fields_of(response->fields), label, body);
}

static fcache_status_t encode(const fcache_coder_t *coder, const void *value,
                              fcache_buf_t *out, fcache_error_t *error)
{
    const fcache_response_value_t *response = value;
    (void)coder;
    if (response->body.len > MAX_BYTES) {
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "body too large for a JSON document");
    }
    json_t *document = document_of(response);
    if (!document) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a JSON document");
    }
    size_t before = out->len;
    int failed =
        json_dump_callback(document, fci_json_append, out, JSON_COMPACT);
    json_decref(document);
    if (failed) {
        out->len = before;
        return fcache_error_set(error, FCACHE_TOO_LARGE,
                                "JSON document above %zu bytes",
                                out->max_bytes);
    }
    return FCACHE_OK;
}

/* ---- decode -------------------------------------------------------------- */

/* A string, or {"base64":"..."}; ptr NULL for anything else. */
static fcache_bytes_t copy_value(const json_t *json, apr_pool_t *pool)
{
    return json_is_string(json)
               ? fci_json_copy_text(json, pool)
               : fci_json_copy_base64(json_object_get(json, "base64"), pool);
}

static int read_field(const json_t *field, fcache_buf_t *block,
                      apr_pool_t *pool)
{
    const json_t *name = json_array_get(field, 0);
    fcache_bytes_t value = copy_value(json_array_get(field, 1), pool);
    return json_is_string(name) && value.ptr && json_array_size(field) == 2 &&
           fcache_fieldblock_add(
               block,
               fcache_bytes(json_string_value(name), json_string_length(name)),
               value) == FCACHE_OK;
}

static int read_fields(const json_t *fields, fcache_bytes_t *out_block,
                       apr_pool_t *pool)
{
    fcache_buf_t block;
    int is_good = json_is_array(fields);
    fcache_buf_init(&block, FCACHE_ENTRY_MAX_HEAD);
    for (size_t i = 0; is_good && i < json_array_size(fields); i++) {
        is_good = read_field(json_array_get(fields, i), &block, pool);
    }
    char *copy = apr_palloc(pool, block.len + 1);
    is_good = is_good && copy;
    if (is_good && block.len > 0) {
        memcpy(copy, block.ptr, block.len);
    }
    *out_block = fcache_bytes(copy, block.len);
    fcache_buf_fini(&block);
    return is_good;
}

static int read_document(const json_t *document, fcache_response_value_t *out,
                         apr_pool_t *pool)
{
    json_int_t status = json_integer_value(json_object_get(document, "status"));
    const json_t *text = json_object_get(document, "body");
    const json_t *base64 = json_object_get(document, "body_base64");
    if (status < 100 || status > 999 || json_object_size(document) != 3) {
        return 0;
    }
    out->status = (int)status;
    out->body = json_is_string(text) ? fci_json_copy_text(text, pool)
                                     : fci_json_copy_base64(base64, pool);
    return out->body.ptr &&
           read_fields(json_object_get(document, "fields"), &out->fields, pool);
}

static fcache_status_t decode(const fcache_coder_t *coder, fcache_bytes_t bytes,
                              void *out_value, apr_pool_t *pool,
                              fcache_error_t *error)
{
    json_t *document = NULL;
    int is_good = 0;
    (void)coder;
    if (bytes.len <= MAX_BYTES && fci_json_is_shallow(bytes, MAX_DEPTH)) {
        document = json_loadb(bytes.len ? bytes.ptr : "", bytes.len,
                              JSON_REJECT_DUPLICATES, NULL);
    }
    if (document) {
        is_good = read_document(document, out_value, pool);
        json_decref(document);
    }
    return is_good ? FCACHE_OK
                   : fcache_error_set(error, FCACHE_CORRUPT,
                                      "not a JSON document of a response");
}

const fcache_coder_t fci_coder_json = {
    "json", FCACHE_CODER_RESPONSE, 0, encode, decode, NULL,
};
