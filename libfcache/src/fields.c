/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/http.h>

#include "ascii.h"
#include "spans.h"

/* Index of the first line named `name`, from `from` on. */
static size_t find(fcache_fields_t fields, fcache_bytes_t name, size_t from)
{
    size_t i;
    for (i = from; i < fields.count; i++) {
        if (fields.items[i].name.len == name.len &&
            fcache_bytes_equal_nocase(fields.items[i].name, name)) {
            return i;
        }
    }
    return fields.count;
}

size_t fcache_fields_find(fcache_fields_t fields, const char *name, size_t from)
{
    return find(fields, fcache_str(name), from);
}

fcache_bytes_t fcache_fields_get(fcache_fields_t fields, const char *name)
{
    size_t i = fcache_fields_find(fields, name, 0);
    if (i == fields.count) {
        return fcache_bytes(NULL, 0);
    }
    fcache_bytes_t value = fcache_bytes_trim(fields.items[i].value);
    return value.ptr ? value : fcache_str("");
}

size_t fcache_fields_count(fcache_fields_t fields, const char *name)
{
    fcache_bytes_t wanted = fcache_str(name);
    size_t count = 0;
    size_t i = find(fields, wanted, 0);
    while (i < fields.count) {
        count++;
        i = find(fields, wanted, i + 1);
    }
    return count;
}

void fcache_list_init(fcache_list_t *list, fcache_fields_t fields,
                      const char *name)
{
    list->fields = fields;
    list->name = name;
    list->line = fcache_fields_find(fields, name, 0);
    list->offset = 0;
}

/* Where the quoted string that opens at `start` ends: behind its closing quote,
 * or at the end of the line when it has none. */
static size_t skip_quoted(fcache_bytes_t line, size_t start)
{
    size_t i = start + 1;
    while (i < line.len && line.ptr[i] != '"') {
        i += line.ptr[i] == '\\' ? 2 : 1;
    }
    return i < line.len ? i + 1 : line.len;
}

/* Where the element that starts at `start` ends: at a comma or the line's end.
 */
static size_t skip_element(fcache_bytes_t line, size_t start)
{
    size_t i = start;
    while (i < line.len && line.ptr[i] != ',') {
        i = line.ptr[i] == '"' ? skip_quoted(line, i) : i + 1;
    }
    return i;
}

int fcache_list_next(fcache_list_t *list, fcache_bytes_t *out_item)
{
    while (list->line < list->fields.count) {
        fcache_bytes_t line = list->fields.items[list->line].value;
        while (list->offset < line.len) {
            size_t start = list->offset;
            size_t end = skip_element(line, start);
            list->offset = end < line.len ? end + 1 : end;
            *out_item =
                fcache_bytes_trim(fcache_bytes(line.ptr + start, end - start));
            if (out_item->len > 0) {
                return 1;
            }
        }
        list->line =
            fcache_fields_find(list->fields, list->name, list->line + 1);
        list->offset = 0;
    }
    return 0;
}

int fcache_list_has(fcache_fields_t fields, const char *name, const char *token)
{
    fcache_bytes_t wanted = fcache_str(token);
    fcache_list_t list;
    fcache_bytes_t item;
    fcache_list_init(&list, fields, name);
    while (fcache_list_next(&list, &item)) {
        if (fcache_bytes_equal_nocase(item, wanted)) {
            return 1;
        }
    }
    return 0;
}

size_t fci_token_span(fcache_bytes_t bytes)
{
    size_t len = 0;
    while (len < bytes.len && fci_is_tchar(bytes.ptr[len])) {
        len++;
    }
    return len;
}

#define EIGHT UINT64_C(0x0101010101010101)

/* Is one of eight bytes a control character? HTAB and DEL are ones. */
static int has_control(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof(bytes));
    uint64_t del = bytes ^ (EIGHT * 0x7f);
    uint64_t below_space = (bytes - EIGHT * ' ') & ~bytes;
    uint64_t is_del = (del - EIGHT) & ~del;
    return ((below_space | is_del) & (EIGHT * 0x80)) != 0;
}

static int is_value_byte(char c)
{
    unsigned char byte = (unsigned char)c;
    return (byte >= ' ' && byte != 0x7f) || byte == '\t';
}

size_t fci_value_span(fcache_bytes_t bytes)
{
    size_t len = 0;
    while (bytes.len - len >= 8 && !has_control(bytes.ptr + len)) {
        len += 8;
    }
    while (len < bytes.len && is_value_byte(bytes.ptr[len])) {
        len++;
    }
    return len;
}

int fcache_is_token(fcache_bytes_t bytes)
{
    return bytes.len > 0 && fci_token_span(bytes) == bytes.len;
}

int fcache_is_field_value(fcache_bytes_t bytes)
{
    return fci_value_span(bytes) == bytes.len;
}

int fcache_delta_parse(fcache_bytes_t text, int64_t *out_seconds)
{
    int64_t seconds = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!fci_is_digit(text.ptr[i])) {
            return 0;
        }
        seconds = seconds * 10 + (text.ptr[i] - '0');
        if (seconds > FCACHE_DELTA_MAX) {
            seconds = FCACHE_DELTA_MAX;
        }
    }
    *out_seconds = seconds;
    return text.len > 0;
}
