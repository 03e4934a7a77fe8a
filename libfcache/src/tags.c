/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/tags.h>

#include "ascii.h"
#include "sf.h"

#define MAX_URL_TAG (16 * 1024)

/* ---- lists --------------------------------------------------------------- */

fcache_status_t fcache_tags_add(fcache_buf_t *tags, fcache_bytes_t tag)
{
    fcache_bytes_t list = fcache_buf_bytes(tags);
    fcache_bytes_t other;
    size_t offset = 0;
    int count = 0;
    if (tag.len == 0) {
        return FCACHE_BAD_INPUT;
    }
    while (fcache_entry_list_next(list, &offset, &other) > 0) {
        if (fcache_bytes_equal(other, tag)) {
            return FCACHE_OK;
        }
        count++;
    }
    return count < FCACHE_ENTRY_MAX_TAGS ? fcache_entry_list_add(tags, tag)
                                         : FCACHE_TOO_LARGE;
}

fcache_status_t fcache_tags_add_list(fcache_buf_t *tags, fcache_bytes_t list)
{
    fcache_status_t status = FCACHE_OK;
    fcache_bytes_t tag;
    size_t offset = 0;
    int more = fcache_entry_list_next(list, &offset, &tag);
    while (more > 0 && status == FCACHE_OK) {
        status = fcache_tags_add(tags, tag);
        more = fcache_entry_list_next(list, &offset, &tag);
    }
    return more < 0 ? FCACHE_CORRUPT : status;
}

/* ---- plain tags ---------------------------------------------------------- */

static int is_separator(char c)
{
    return c == ',' || fci_is_blank(c);
}

static int is_plain_byte(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && c != ',';
}

int fcache_tag_is_plain(fcache_bytes_t tag)
{
    for (size_t i = 0; i < tag.len; i++) {
        if (!is_plain_byte(tag.ptr[i])) {
            return 0;
        }
    }
    return tag.len > 0 && tag.len <= FCACHE_TAG_MAX_BYTES;
}

static fcache_status_t add_plain(fcache_buf_t *tags, fcache_bytes_t tag)
{
    if (tag.len > FCACHE_TAG_MAX_BYTES) {
        return FCACHE_TOO_LARGE;
    }
    return fcache_tag_is_plain(tag) ? fcache_tags_add(tags, tag)
                                    : FCACHE_BAD_INPUT;
}

fcache_status_t fcache_tags_add_words(fcache_buf_t *tags, fcache_bytes_t words)
{
    fcache_status_t status = FCACHE_OK;
    size_t at = 0;
    while (at < words.len && status == FCACHE_OK) {
        size_t start = at;
        while (at < words.len && !is_separator(words.ptr[at])) {
            at++;
        }
        if (at > start) {
            status =
                add_plain(tags, fcache_bytes(words.ptr + start, at - start));
        }
        at++;
    }
    return status;
}

fcache_status_t fcache_tags_add_field(fcache_buf_t *tags,
                                      fcache_fields_t fields, const char *name)
{
    fcache_status_t status = FCACHE_OK;
    size_t line = fcache_fields_find(fields, name, 0);
    while (line < fields.count && status == FCACHE_OK) {
        status = fcache_tags_add_words(tags, fields.items[line].value);
        line = fcache_fields_find(fields, name, line + 1);
    }
    return status;
}

/* ---- groups -------------------------------------------------------------- */

/* Where groups go, and as whose. */
typedef struct groups_t {
    fcache_buf_t *tags;
    fcache_bytes_t scheme;
    fcache_bytes_t authority;
    fcache_status_t status;
} groups_t;

/* What a string's quotes enclose, without backslashes. */
static fcache_status_t append_unescaped(fcache_buf_t *out, fcache_bytes_t text)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < text.len && status == FCACHE_OK; i++) {
        if (text.ptr[i] == '\\') {
            i++; /* another follows: the parser has seen to that */
        }
        status = fcache_buf_append(out, fcache_bytes(text.ptr + i, 1));
    }
    return status;
}

static void append(fcache_buf_t *out, fcache_bytes_t text,
                   fcache_status_t *status)
{
    if (*status == FCACHE_OK) {
        *status = fcache_buf_append(out, text);
    }
}

/* "group SCHEME AUTHORITY NAME": only the name may hold blanks. */
static void add_group(groups_t *groups, fcache_bytes_t name)
{
    fcache_buf_t tag;
    if (groups->status != FCACHE_OK) {
        return;
    }
    fcache_buf_init(&tag, 2 * FCACHE_TAG_MAX_BYTES);
    append(&tag, fcache_str("group "), &groups->status);
    append(&tag, groups->scheme, &groups->status);
    append(&tag, fcache_str(" "), &groups->status);
    append(&tag, groups->authority, &groups->status);
    append(&tag, fcache_str(" "), &groups->status);
    if (groups->status == FCACHE_OK) {
        groups->status = append_unescaped(&tag, name);
    }
    if (groups->status == FCACHE_OK) {
        groups->status = fcache_tags_add(groups->tags, fcache_buf_bytes(&tag));
    }
    fcache_buf_fini(&tag);
}

/* One line; the first time only to see whether it is one. */
static int read_groups(fcache_bytes_t line, groups_t *groups)
{
    fci_sf_t text = {line.ptr, line.ptr + line.len};
    if (line.len == 0) {
        return 0;
    }
    do {
        fci_argument_t name;
        fci_sf_skip_blanks(&text);
        if (fci_sf_peek(&text) != '"' || !fci_sf_string(&text, &name) ||
            !fci_sf_parameters(&text)) {
            return 0;
        }
        if (groups) {
            add_group(groups, name.text);
        }
        fci_sf_skip_blanks(&text);
    } while (fci_sf_take(&text, ','));
    return text.at == text.end;
}

static int read_all(fcache_fields_t fields, const char *name, groups_t *groups)
{
    int is_valid = 1;
    size_t line = fcache_fields_find(fields, name, 0);
    while (is_valid && line < fields.count) {
        is_valid =
            read_groups(fcache_bytes_trim(fields.items[line].value), groups);
        line = fcache_fields_find(fields, name, line + 1);
    }
    return is_valid;
}

fcache_status_t fcache_tags_add_groups(fcache_buf_t *tags,
                                       fcache_fields_t fields, const char *name,
                                       fcache_bytes_t scheme,
                                       fcache_bytes_t authority)
{
    groups_t groups = {tags, scheme, authority, FCACHE_OK};
    if (read_all(fields, name, NULL)) {
        read_all(fields, name, &groups);
    }
    return groups.status;
}

/* ---- URLs ---------------------------------------------------------------- */

fcache_status_t fcache_tags_add_url(fcache_buf_t *tags,
                                    fcache_bytes_t authority,
                                    fcache_bytes_t path, fcache_bytes_t query)
{
    fcache_status_t status = FCACHE_OK;
    fcache_buf_t tag;
    fcache_buf_init(&tag, MAX_URL_TAG);
    append(&tag, fcache_str("url "), &status);
    append(&tag, authority, &status);
    append(&tag, fcache_str(" "), &status);
    append(&tag, path, &status);
    if (query.ptr) {
        append(&tag, fcache_str("?"), &status);
        append(&tag, query, &status);
    }
    if (status == FCACHE_OK) {
        status = fcache_tags_add(tags, fcache_buf_bytes(&tag));
    }
    fcache_buf_fini(&tag);
    return status;
}
