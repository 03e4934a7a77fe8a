/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#define MAX_DEPTH 16

/* Are its braces and brackets, outside of strings, of bounded depth? */
static int is_shallow(fcache_bytes_t text)
{
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
            if (++depth > MAX_DEPTH) {
                return 0;
            }
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 1;
}

json_t *fcd_json_parse(fcache_bytes_t text)
{
    if (text.len == 0 || !is_shallow(text)) {
        return NULL;
    }
    return json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
}

fcache_bytes_t fcd_json_text(const json_t *json)
{
    return fcache_bytes(json_string_value(json), json_string_length(json));
}
