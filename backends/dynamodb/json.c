/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#define MAX_DEPTH 16

/* Are its braces and brackets, outside of strings, of bounded depth, and are they,
 * colons and commas no more than that? */
static int is_small(fcache_bytes_t text, size_t max_parts)
{
    size_t parts = 0;
    int depth = 0;
    int in_string = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            parts++;
            if (++depth > MAX_DEPTH) {
                return 0;
            }
        } else if (c == ',' || c == ':') {
            parts++;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return parts <= max_parts;
}

json_t *fcd_json_parse(fcache_bytes_t text, size_t max_parts)
{
    if (text.len == 0 || !is_small(text, max_parts)) {
        return NULL;
    }
    return json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
}

fcache_bytes_t fcd_json_text(const json_t *json)
{
    return fcache_bytes(json_string_value(json), json_string_length(json));
}

fcache_bytes_t fcd_json_attribute(const json_t *item, const char *name,
                                  const char *type)
{
    return fcd_json_text(json_object_get(json_object_get(item, name), type));
}

int fcd_json_is_decimal(fcache_bytes_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
    }
    return text.len > 0 && text.len < 21;
}

int fcd_json_counter(const json_t *item, uint64_t *out_number)
{
    fcache_bytes_t text = fcd_json_attribute(item, "c", "N");
    uint64_t number = 0;
    int fits = fcd_json_is_decimal(text);
    for (size_t i = 0; fits && i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        fits = !__builtin_mul_overflow(number, UINT64_C(10), &number) &&
               !__builtin_add_overflow(number, digit, &number);
    }
    if (fits) {
        *out_number = number;
    }
    return fits;
}
