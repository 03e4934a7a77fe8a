/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_JSON_PARTS_H
#define FCI_JSON_PARTS_H

/* What coders that write JSON share. */

#include <fcache/coder.h>

#include <jansson.h>

/* Bytes as a string of base64 (RFC 4648 §4), or NULL without memory; at most
 * INT_MAX / 2 of them. */
json_t *fci_json_base64(fcache_bytes_t bytes);

/* For json_dump_callback(): appends to a fcache_buf_t. */
int fci_json_append(const char *bytes, size_t len, void *baton);

/* A copy of a string, with a NUL behind it; ptr NULL without memory. */
fcache_bytes_t fci_json_copy_text(const json_t *text, apr_pool_t *pool);

/* The bytes, ptr NULL when `text` is not base64 with its padding. */
fcache_bytes_t fci_json_copy_base64(const json_t *text, apr_pool_t *pool);

/* Refuses deep nesting before the parser, which recurses, sees it. */
int fci_json_is_shallow(fcache_bytes_t bytes, int max_depth);

#endif
