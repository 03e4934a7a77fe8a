/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/range.h>

#include "ascii.h"

#include <fcache/policy.h>

/* Positions have at most so many digits: no sum of two overflows. */
#define MAX_DIGITS 17

/* ---- reading: each takes what it reads off the front of *text ------------ */

static int take(fcache_bytes_t *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c) {
        return 0;
    }
    *text = fcache_bytes(text->ptr + 1, text->len - 1);
    return 1;
}

static int take_position(fcache_bytes_t *text, int64_t *out)
{
    int64_t position = 0;
    size_t len = 0;
    while (len < text->len && fci_is_digit(text->ptr[len])) {
        if (len == MAX_DIGITS) {
            return 0;
        }
        position = position * 10 + (text->ptr[len++] - '0');
    }
    *out = position;
    *text = fcache_bytes(text->ptr + len, text->len - len);
    return len > 0;
}

/* "bytes" in any case and what separates it from the rest. */
static int take_unit(fcache_bytes_t *text, char separator)
{
    static const char unit[] = "bytes";
    size_t len = sizeof(unit) - 1;
    if (text->len < len ||
        !fcache_bytes_equal_nocase(fcache_bytes(text->ptr, len),
                                   fcache_str(unit))) {
        return 0;
    }
    *text = fcache_bytes(text->ptr + len, text->len - len);
    return take(text, separator);
}

/* ---- Content-Range (RFC 9110 §14.4) -------------------------------------- */

int fcache_part_parse(fcache_bytes_t text, fcache_part_t *out_part)
{
    fcache_part_t part = {0, 0, -1};
    text = fcache_bytes_trim(text);
    if (!take_unit(&text, ' ') || !take_position(&text, &part.first) ||
        !take(&text, '-') || !take_position(&text, &part.last) ||
        !take(&text, '/')) {
        return 0;
    }
    if (!take(&text, '*') && !take_position(&text, &part.complete)) {
        return 0;
    }
    *out_part = part;
    return text.len == 0 && part.first <= part.last &&
           (part.complete < 0 || part.last < part.complete);
}

static char *put_position(char *out, int64_t position)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + position % 10);
        position /= 10;
    } while (position > 0);
    memcpy(out, digits + at, sizeof digits - at);
    return out + (sizeof digits - at);
}

void fcache_part_format(const fcache_part_t *part, char out[FCACHE_PART_LEN])
{
    static const char unit[] = "bytes ";
    memcpy(out, unit, sizeof unit);
    out = put_position(out + sizeof(unit) - 1, part->first);
    *out++ = '-';
    out = put_position(out, part->last);
    *out++ = '/';
    if (part->complete < 0) {
        *out++ = '*';
    } else {
        out = put_position(out, part->complete);
    }
    *out = '\0';
}

/* ---- Range (RFC 9110 §14.1.2) -------------------------------------------- */

/* first-last, first-, or -length of the end. */
typedef struct range_t {
    int64_t first; /* -1: not given */
    int64_t last;  /* -1: not given; without first a length */
} range_t;

/* A field with a single range, the only one. */
static int read_range(fcache_fields_t fields, range_t *out)
{
    fcache_bytes_t text = fcache_fields_get(fields, "Range");
    range_t range = {-1, -1};
    if (fcache_fields_count(fields, "Range") != 1 || !take_unit(&text, '=')) {
        return 0;
    }
    text = fcache_bytes_trim(text);
    int has_first = text.len > 0 && text.ptr[0] != '-';
    if ((has_first && !take_position(&text, &range.first)) ||
        !take(&text, '-')) {
        return 0;
    }
    if ((text.len > 0 || !has_first) && !take_position(&text, &range.last)) {
        return 0;
    }
    *out = range;
    return text.len == 0 &&
           (!has_first || range.last < 0 || range.first <= range.last);
}

/* ---- answering ----------------------------------------------------------- */

static int read_stored(const fcache_entry_t *entry, fcache_part_t *out)
{
    fcache_bytes_t name;
    fcache_bytes_t value;
    size_t offset = 0;
    while (fcache_fieldblock_next(entry->fields, &offset, &name, &value) == 1) {
        if (fcache_bytes_equal_nocase(name, fcache_str("Content-Range"))) {
            return fcache_part_parse(value, out);
        }
    }
    return 0;
}

/* RFC 9110 §13.1.5; a date is not taken for a strong validator. */
static int is_same(const fcache_entry_t *entry, fcache_fields_t fields)
{
    fcache_bytes_t tag = fcache_fields_get(fields, "If-Range");
    return !tag.ptr || fcache_etag_matches(tag, entry->etag, 0);
}

/* The range in positions, when the part's length of the whole tells them. */
static int settle(const fcache_part_t *stored, range_t range,
                  fcache_part_t *out)
{
    int64_t end = stored->complete - 1;
    *out = (fcache_part_t){range.first, range.last, stored->complete};
    if (range.first >= 0 && range.last >= 0) {
        out->last =
            stored->complete >= 0 && end < range.last ? end : range.last;
        return 1;
    }
    if (stored->complete < 0) {
        return 0;
    }
    if (range.first < 0) {
        out->first =
            range.last > stored->complete ? 0 : stored->complete - range.last;
    }
    out->last = end;
    return 1;
}

int fcache_part_answers(const fcache_entry_t *entry,
                        fcache_fields_t request_fields, fcache_part_t *out_part,
                        uint64_t *out_offset)
{
    fcache_part_t stored;
    range_t range;
    if (!read_range(request_fields, &range) ||
        !is_same(entry, request_fields) || !read_stored(entry, &stored) ||
        !settle(&stored, range, out_part)) {
        return 0;
    }
    uint64_t said = (uint64_t)(stored.last - stored.first) + 1;
    if (entry->body_len == 0 || entry->body_len > said) {
        return 0;
    }
    int64_t there = stored.first + (int64_t)entry->body_len - 1;
    int is_open = range.first >= 0 && range.last < 0;
    if (is_open && stored.last == stored.complete - 1) {
        out_part->last = there;
    }
    if (out_part->first < stored.first) {
        return 0;
    }
    *out_offset = (uint64_t)(out_part->first - stored.first);
    return out_part->first <= out_part->last && out_part->last <= there;
}
