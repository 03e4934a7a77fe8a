/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/json_parts.h"

#include <openssl/evp.h>
#include <stdlib.h>

json_t *fci_json_base64(fcache_bytes_t bytes)
{
    size_t len = (bytes.len + 2) / 3 * 4;
    unsigned char *text = malloc(len + 1);
    if (!text) {
        return NULL;
    }
    EVP_EncodeBlock(text, (const unsigned char *)bytes.ptr, (int)bytes.len);
    json_t *json = json_stringn_nocheck((const char *)text, len);
    free(text);
    return json;
}

int fci_json_append(const char *bytes, size_t len, void *baton)
{
    return fcache_buf_append(baton, fcache_bytes(bytes, len)) == FCACHE_OK ? 0
                                                                           : -1;
}

fcache_bytes_t fci_json_copy_text(const json_t *text, apr_pool_t *pool)
{
    size_t len = json_string_length(text);
    char *copy = apr_palloc(pool, len + 1);
    if (copy) {
        memcpy(copy, json_string_value(text), len + 1);
    }
    return fcache_bytes(copy, copy ? len : 0);
}

fcache_bytes_t fci_json_copy_base64(const json_t *text, apr_pool_t *pool)
{
    const char *in = json_string_value(text);
    size_t len = json_string_length(text);
    if (!in || len % 4 != 0) {
        return fcache_bytes(NULL, 0);
    }
    size_t padding = 0;
    while (padding < 2 && padding < len && in[len - 1 - padding] == '=') {
        padding++;
    }
    unsigned char *out = apr_palloc(pool, len / 4 * 3 + 1);
    if (!out || memchr(in, '=', len - padding) ||
        EVP_DecodeBlock(out, (const unsigned char *)in, (int)len) !=
            (int)(len / 4 * 3)) {
        return fcache_bytes(NULL, 0);
    }
    return fcache_bytes(out, len / 4 * 3 - padding);
}

int fci_json_is_shallow(fcache_bytes_t bytes, int max_depth)
{
    int depth = 0;
    int in_string = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '[' || c == '{')) {
            depth++;
        } else if (!in_string && (c == ']' || c == '}')) {
            depth--;
        }
        if (depth > max_depth) {
            return 0;
        }
    }
    return 1;
}
