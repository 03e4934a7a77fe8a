/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

/* Lists over the lines of a section: elements lie inside of their lines. */

static void check_list(fcache_fields_t fields, fcache_bytes_t name,
                       const uint8_t *data, size_t size)
{
    char text[64];
    fcache_list_t list;
    fcache_bytes_t item;
    size_t bytes = 0;
    if (name.len >= sizeof text || memchr(name.ptr, '\0', name.len)) {
        return;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    MUST(fcache_fields_count(fields, text) > 0);
    fcache_list_init(&list, fields, text);
    while (fcache_list_next(&list, &item)) {
        const char *start = (const char *)data;
        MUST(item.len > 0);
        MUST(item.ptr >= start && item.ptr + item.len <= start + size);
        MUST(fcache_bytes_equal(item, fcache_bytes_trim(item)));
        bytes += item.len;
    }
    MUST(bytes <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcache_field_t space[32];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_fields_t fields = fuzz_fields(&text, space, 32);
    for (size_t i = 0; i < fields.count; i++) {
        int64_t seconds;
        if (fields.items[i].name.len > 0) {
            check_list(fields, fields.items[i].name, data, size);
        }
        if (fcache_delta_parse(fields.items[i].value, &seconds)) {
            MUST(seconds >= 0 && seconds <= FCACHE_DELTA_MAX);
        }
        (void)fcache_is_token(fields.items[i].name);
        (void)fcache_is_field_value(fields.items[i].value);
    }
    return 0;
}
