/* SPDX-License-Identifier: Apache-2.0 */
#include "fieldblock.h"

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

int fci_fieldblock_is_valid(fcache_bytes_t block)
{
    size_t offset = 0;
    fcache_bytes_t name;
    fcache_bytes_t value;
    int more = next_line(block, &offset, &name, &value);
    while (more > 0) {
        if (!fcache_is_token(name) || !fcache_is_field_value(value)) {
            return 0;
        }
        more = next_line(block, &offset, &name, &value);
    }
    return more == 0;
}
