/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

/* What fuzz targets share. A target aborts when what must hold does not. */

#include <fcache/http.h>

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* Takes a line off the front of *text, without its '\n'. */
static inline fcache_bytes_t fuzz_line(fcache_bytes_t *text)
{
    const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    size_t used = end ? len + 1 : len;
    fcache_bytes_t line = fcache_bytes(text->ptr, len);
    if (text->len > 0) {
        *text = fcache_bytes(text->ptr + used, text->len - used);
    }
    return line;
}

/* Lines up to an empty one as fields "Name: value", at most `capacity`. */
static inline fcache_fields_t
fuzz_fields(fcache_bytes_t *text, fcache_field_t *space, size_t capacity)
{
    fcache_fields_t fields = {space, 0};
    while (text->len > 0 && fields.count < capacity) {
        fcache_bytes_t line = fuzz_line(text);
        const char *colon =
            line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
        size_t len = colon ? (size_t)(colon - line.ptr) : line.len;
        if (line.len == 0) {
            break;
        }
        space[fields.count].name = fcache_bytes(line.ptr, len);
        space[fields.count].value =
            colon ? fcache_bytes(colon + 1, line.len - len - 1)
                  : fcache_bytes(NULL, 0);
        fields.count++;
    }
    return fields;
}

/* Every line as a value of the field `name`. */
static inline fcache_fields_t fuzz_values(fcache_bytes_t text, const char *name,
                                          fcache_field_t *space,
                                          size_t capacity)
{
    fcache_fields_t fields = {space, 0};
    while (text.len > 0 && fields.count < capacity) {
        space[fields.count].name = fcache_str(name);
        space[fields.count].value = fuzz_line(&text);
        fields.count++;
    }
    return fields;
}

#endif
