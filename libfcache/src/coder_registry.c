/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/coder.h>

#include "coders/coders.h"

#include <fcache/entry.h>

#include <apr_strings.h>

typedef struct row_t {
    const fcache_coder_t *coder;
    struct row_t *next;
} row_t;

struct fcache_coders_t {
    apr_pool_t *pool;
    row_t *first;
    row_t **end;
};

static const fcache_coder_t *const builtin[] = {
    &fci_coder_http,
    &fci_coder_json,
    &fci_coder_raw,
};

static fcache_status_t push(fcache_coders_t *coders,
                            const fcache_coder_t *coder)
{
    row_t *row = apr_palloc(coders->pool, sizeof(*row));
    if (!row) {
        return FCACHE_NO_MEMORY;
    }
    *row = (row_t){coder, NULL};
    *coders->end = row;
    coders->end = &row->next;
    return FCACHE_OK;
}

fcache_coders_t *fcache_coders_create(apr_pool_t *pool)
{
    fcache_coders_t *coders = apr_palloc(pool, sizeof(*coders));
    if (!coders) {
        return NULL;
    }
    *coders = (fcache_coders_t){pool, NULL, &coders->first};
    for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
        if (push(coders, builtin[i]) != FCACHE_OK) {
            return NULL;
        }
    }
    return coders;
}

static int is_name_valid(fcache_bytes_t name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-')) {
            return 0;
        }
    }
    return name.len > 0 && name.len <= FCACHE_ENTRY_MAX_CODER;
}

fcache_status_t fcache_coder_register(fcache_coders_t *coders,
                                      const fcache_coder_t *coder,
                                      fcache_error_t *error)
{
    fcache_bytes_t name = fcache_str(coder->name);
    if (!is_name_valid(name) || !coder->encode || !coder->decode ||
        (coder->kind != FCACHE_CODER_RESPONSE &&
         coder->kind != FCACHE_CODER_VALUE)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a coder needs a name of 1 to %d of "
                                "[a-z0-9._-], a kind, encode and decode",
                                FCACHE_ENTRY_MAX_CODER);
    }
    if (fcache_coder_find(coders, name)) {
        return fcache_error_set(error, FCACHE_EXISTS,
                                "there is a coder '%s' already", coder->name);
    }
    fcache_status_t status = push(coders, coder);
    return fcache_error_set(error, status, "%s", fcache_status_text(status));
}

const fcache_coder_t *fcache_coder_find(const fcache_coders_t *coders,
                                        fcache_bytes_t name)
{
    for (const row_t *row = coders->first; row; row = row->next) {
        if (fcache_bytes_equal(fcache_str(row->coder->name), name)) {
            return row->coder;
        }
    }
    return NULL;
}

const char *fcache_coders_names(const fcache_coders_t *coders, apr_pool_t *pool)
{
    const char *text = "";
    for (const row_t *row = coders->first; row; row = row->next) {
        text = apr_pstrcat(pool, text, *text ? ", " : "", row->coder->name,
                           (char *)NULL);
    }
    return text;
}
