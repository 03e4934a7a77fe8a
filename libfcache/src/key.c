/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include "ascii.h"
#include "sha256.h"
#include "tuple.h"
#include "vary.h"
#include "wire.h"

#include <fcache/entry.h>

#define FIRST_CAPACITY 512
#define DIGEST_TEXT    FCACHE_BASE64URL_LEN(FCACHE_KEY_DIGEST_BYTES)

static int is_label_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int fcache_label_is_valid(fcache_bytes_t label)
{
    for (size_t i = 0; i < label.len; i++) {
        if (i == FCACHE_KEY_MAX_LABEL || !is_label_byte(label.ptr[i])) {
            return 0;
        }
    }
    return 1;
}

fcache_tuple_t *fcache_tuple_create(apr_pool_t *pool)
{
    fcache_tuple_t *tuple = apr_palloc(pool, sizeof(*tuple));
    char *ptr = apr_palloc(pool, FIRST_CAPACITY);
    if (!tuple || !ptr) {
        return NULL;
    }
    ptr[0] = FCI_CANONICAL_VERSION;
    *tuple = (fcache_tuple_t){pool, ptr, 1, FIRST_CAPACITY};
    return tuple;
}

static fcache_status_t reserve(fcache_tuple_t *tuple, size_t more)
{
    size_t capacity = tuple->capacity;
    while (capacity - tuple->len < more) {
        capacity *= 2;
    }
    if (capacity == tuple->capacity) {
        return FCACHE_OK;
    }
    char *ptr = apr_palloc(tuple->pool, capacity);
    if (!ptr) {
        return FCACHE_NO_MEMORY;
    }
    memcpy(ptr, tuple->ptr, tuple->len);
    tuple->ptr = ptr;
    tuple->capacity = capacity;
    return FCACHE_OK;
}

static void append(fcache_tuple_t *tuple, fcache_bytes_t bytes)
{
    if (bytes.len > 0) {
        memcpy(tuple->ptr + tuple->len, bytes.ptr, bytes.len);
        tuple->len += bytes.len;
    }
}

fcache_status_t fcache_tuple_add(fcache_tuple_t *tuple, const char *label,
                                 fcache_bytes_t value)
{
    fcache_bytes_t name = fcache_str(label);
    size_t room = FCACHE_KEY_MAX_CANONICAL - tuple->len;
    if (room < FCI_ELEMENT_HEAD || name.len > room - FCI_ELEMENT_HEAD ||
        value.len > room - FCI_ELEMENT_HEAD - name.len) {
        return FCACHE_TOO_LARGE;
    }
    fcache_status_t status =
        reserve(tuple, FCI_ELEMENT_HEAD + name.len + value.len);
    if (status != FCACHE_OK) {
        return status;
    }
    char lengths[FCI_ELEMENT_HEAD];
    fci_put(lengths, name.len, 2);
    fci_put(lengths + 2, value.len, 4);
    append(tuple, fcache_bytes(lengths, sizeof(lengths)));
    append(tuple, name);
    append(tuple, value);
    return FCACHE_OK;
}

int fcache_canonical_next(fcache_bytes_t canonical, size_t *offset,
                          fcache_bytes_t *out_label, fcache_bytes_t *out_value)
{
    if (canonical.len == 0 || canonical.ptr[0] != FCI_CANONICAL_VERSION ||
        *offset > canonical.len) {
        return -1;
    }
    size_t at = *offset == 0 ? 1 : *offset;
    size_t room = canonical.len - at;
    if (room == 0) {
        return 0;
    }
    if (room < FCI_ELEMENT_HEAD) {
        return -1;
    }
    const char *head = canonical.ptr + at;
    size_t label_len = (size_t)fci_get(head, 2);
    size_t value_len = (size_t)fci_get(head + 2, 4);
    room -= FCI_ELEMENT_HEAD;
    if (label_len > room || value_len > room - label_len) {
        return -1;
    }
    *out_label = fcache_bytes(head + FCI_ELEMENT_HEAD, label_len);
    *out_value = fcache_bytes(out_label->ptr + label_len, value_len);
    *offset = at + FCI_ELEMENT_HEAD + label_len + value_len;
    return 1;
}

static char *put_text(char *at, fcache_bytes_t bytes, char end)
{
    if (bytes.len > 0) {
        memcpy(at, bytes.ptr, bytes.len);
    }
    at[bytes.len] = end;
    return at + bytes.len + 1;
}

fcache_status_t fci_key_of(fcache_bytes_t canonical, fcache_bytes_t prefix,
                           fcache_bytes_t ns, fcache_key_t *out_key,
                           apr_pool_t *pool, fcache_error_t *error)
{
    if (!fcache_label_is_valid(prefix) || !fcache_label_is_valid(ns)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a prefix or namespace is at most %d of "
                                "[A-Za-z0-9._-]",
                                FCACHE_KEY_MAX_LABEL);
    }
    size_t len = prefix.len + 1 + ns.len + 1 + DIGEST_TEXT;
    char *name = apr_palloc(pool, len + 1);
    if (!name || !fci_sha256(canonical, out_key->digest)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a key");
    }
    char *ns_at = put_text(name, prefix, ':');
    char *digest_at = put_text(ns_at, ns, ':');
    fcache_base64url(fcache_bytes(out_key->digest, sizeof(out_key->digest)),
                     digest_at);
    name[len] = '\0';
    out_key->prefix = fcache_bytes(name, prefix.len);
    out_key->ns = fcache_bytes(ns_at, ns.len);
    out_key->name = fcache_bytes(name, len);
    out_key->canonical = canonical;
    return FCACHE_OK;
}

fcache_status_t fcache_key_from_tuple(const fcache_tuple_t *tuple,
                                      fcache_bytes_t prefix, fcache_bytes_t ns,
                                      fcache_key_t *out_key, apr_pool_t *pool,
                                      fcache_error_t *error)
{
    char *copy = apr_palloc(pool, tuple->len);
    if (!copy) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a key");
    }
    memcpy(copy, tuple->ptr, tuple->len);
    return fci_key_of(fcache_bytes(copy, tuple->len), prefix, ns, out_key, pool,
                      error);
}

/* ---- variants ------------------------------------------------------------ */

#define VARY_LABEL     "vary:"
#define MAX_FIELD_NAME 256

/* Adds one selecting field: its normalised value, or nothing when absent. */
static fcache_status_t add_selector(fcache_tuple_t *tuple, fcache_bytes_t name,
                                    fcache_fields_t fields)
{
    char label[sizeof(VARY_LABEL) + MAX_FIELD_NAME] = VARY_LABEL;
    if (name.len == 0 || name.len > MAX_FIELD_NAME) {
        return FCACHE_BAD_INPUT;
    }
    memcpy(label + sizeof(VARY_LABEL) - 1, name.ptr, name.len);
    fcache_buf_t value;
    fcache_buf_init(&value, FCACHE_KEY_MAX_CANONICAL);
    fcache_status_t status = fci_vary_normalise(name, fields, &value);
    if (status == FCACHE_OK) {
        status = fcache_tuple_add(tuple, label, fcache_buf_bytes(&value));
    } else if (status == FCACHE_MISS) {
        status = FCACHE_OK;
    }
    fcache_buf_fini(&value);
    return status;
}

/* In small letters, as selecting values are. */
static fcache_status_t add_language(fcache_tuple_t *tuple,
                                    fcache_bytes_t language)
{
    char text[FCI_MAX_LANGUAGE];
    if (language.len > sizeof(text)) {
        return FCACHE_TOO_LARGE;
    }
    for (size_t i = 0; i < language.len; i++) {
        text[i] = fci_lower(language.ptr[i]);
    }
    return fcache_tuple_add(tuple, FCI_LABEL_LANGUAGE,
                            fcache_bytes(text, language.len));
}

/* `language`, if there is one, stands for Accept-Language. */
static fcache_status_t add_selectors(fcache_tuple_t *tuple,
                                     fcache_bytes_t names,
                                     fcache_fields_t fields,
                                     fcache_bytes_t language)
{
    size_t offset = 0;
    fcache_bytes_t name;
    int more = fcache_entry_list_next(names, &offset, &name);
    while (more > 0) {
        int is_replaced =
            language.ptr &&
            fcache_bytes_equal(name, fcache_str("accept-language"));
        fcache_status_t status = is_replaced
                                     ? add_language(tuple, language)
                                     : add_selector(tuple, name, fields);
        if (status != FCACHE_OK) {
            return status;
        }
        more = fcache_entry_list_next(names, &offset, &name);
    }
    return more == 0 ? FCACHE_OK : FCACHE_BAD_INPUT;
}

fcache_status_t fci_key_language(const fcache_key_t *primary,
                                 fcache_bytes_t index_id, fcache_bytes_t names,
                                 const fcache_request_t *request,
                                 fcache_bytes_t language, fcache_key_t *out_key,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    if (!tuple || reserve(tuple, primary->canonical.len) != FCACHE_OK) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a key");
    }
    tuple->len = 0;
    append(tuple, primary->canonical);
    fcache_status_t status =
        fcache_tuple_add(tuple, FCI_LABEL_VARIANT, index_id);
    if (status == FCACHE_OK) {
        status = add_selectors(tuple, names, request->fields, language);
    }
    if (status != FCACHE_OK) {
        return fcache_error_set(error, status, "the key of a variant: %s",
                                fcache_status_text(status));
    }
    return fci_key_of(fcache_bytes(tuple->ptr, tuple->len), primary->prefix,
                      primary->ns, out_key, pool, error);
}

fcache_status_t fcache_key_variant(const fcache_key_t *primary,
                                   fcache_bytes_t index_id,
                                   fcache_bytes_t names,
                                   const fcache_request_t *request,
                                   fcache_key_t *out_key, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    return fci_key_language(primary, index_id, names, request,
                            fcache_bytes(NULL, 0), out_key, pool, error);
}

fcache_status_t fci_key_primary(const fcache_key_t *variant,
                                fcache_key_t *out_key, apr_pool_t *pool,
                                fcache_error_t *error)
{
    size_t offset = 0;
    size_t start = 0;
    size_t primary_len = 0;
    fcache_bytes_t label;
    fcache_bytes_t value;
    while (fcache_canonical_next(variant->canonical, &offset, &label, &value) >
           0) {
        if (fcache_bytes_equal(label, fcache_str(FCI_LABEL_VARIANT))) {
            primary_len = start;
        }
        start = offset;
    }
    if (primary_len == 0) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "not the key of a variant");
    }
    return fci_key_of(fcache_bytes(variant->canonical.ptr, primary_len),
                      variant->prefix, variant->ns, out_key, pool, error);
}
