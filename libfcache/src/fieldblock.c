/* SPDX-License-Identifier: Apache-2.0 */
#include "fieldblock.h"
#include "spans.h"

#include <fcache/entry.h>
#include <fcache/http.h>

/* Cuts the line at *offset; 0 at the end, -1 when it is no field line. */
static int next_line(fcache_bytes_t block, size_t *offset, fcache_bytes_t *name,
                     fcache_bytes_t *value)
{
    if (*offset >= block.len) {
        return 0;
    }
    const char *at = block.ptr + *offset;
    size_t room = block.len - *offset;
    const char *colon = memchr(at, ':', room);
    const char *end = memchr(at, '\r', room);
    if (!colon || !end || end < colon + 2 || colon[1] != ' ' ||
        (size_t)(end - at) + 2 > room || end[1] != '\n') {
        return -1;
    }
    *name = fcache_bytes(at, (size_t)(colon - at));
    *value = fcache_bytes(colon + 2, (size_t)(end - colon) - 2);
    *offset += (size_t)(end - at) + 2;
    return 1;
}

fcache_status_t fcache_fieldblock_add(fcache_buf_t *block, fcache_bytes_t name,
                                      fcache_bytes_t value)
{
    fcache_bytes_t trimmed = fcache_bytes_trim(value);
    size_t before = block->len;
    if (!fcache_is_token(name) || !fcache_is_field_value(trimmed)) {
        return FCACHE_BAD_INPUT;
    }
    const fcache_bytes_t parts[] = {name, fcache_bytes(": ", 2), trimmed,
                                    fcache_bytes("\r\n", 2)};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        fcache_status_t status = fcache_buf_append(block, parts[i]);
        if (status != FCACHE_OK) {
            block->len = before;
            return status;
        }
    }
    return FCACHE_OK;
}

int fcache_fieldblock_next(fcache_bytes_t block, size_t *offset,
                           fcache_bytes_t *out_name, fcache_bytes_t *out_value)
{
    return next_line(block, offset, out_name, out_value) > 0;
}

/* How long the line at the start is, 0 when it is none. */
static size_t line_length(fcache_bytes_t rest)
{
    size_t colon = fci_token_span(rest);
    if (colon == 0 || rest.len - colon < 4 ||
        memcmp(rest.ptr + colon, ": ", 2) != 0) {
        return 0;
    }
    size_t value = colon + 2;
    size_t end = value + fci_value_span(
                             fcache_bytes(rest.ptr + value, rest.len - value));
    return rest.len - end >= 2 && memcmp(rest.ptr + end, "\r\n", 2) == 0
               ? end + 2
               : 0;
}

int fci_fieldblock_is_valid(fcache_bytes_t block)
{
    size_t at = 0;
    while (at < block.len) {
        size_t len = line_length(fcache_bytes(block.ptr + at, block.len - at));
        if (len == 0) {
            return 0;
        }
        at += len;
    }
    return 1;
}
