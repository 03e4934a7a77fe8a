/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/entry.h>

#include "fieldblock.h"
#include "wire.h"

#include <fcache/http.h>
#include <fcache/key.h>

/* The layout of docs/entry-format.md: a fixed part, then the sections. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_KIND = 5,
    AT_FLAGS = 6,
    AT_HEAD_LEN = 8,
    AT_STATUS = 12,
    AT_RESERVED = 14,
    AT_GENERATION = 16,
    AT_CREATED = 24,
    AT_FRESH_UNTIL = 32,
    AT_STALE_UNTIL = 40,
    AT_DATE = 48,
    AT_BODY_LEN = 56,
    AT_BODY_DIGEST = 64,
    AT_INITIAL_AGE = 80,
    AT_WHILE_REVALIDATE = 84,
    AT_IF_ERROR = 88,
    AT_SECTION_LENGTHS = 92,
    SECTIONS = 8,
    FIXED = AT_SECTION_LENGTHS + 4 * SECTIONS
};

#define MAGIC       "FCE1"
#define FLAGS_KNOWN 0x3fu
#define VARY_ID_LEN 16
#define LIST_HEAD   2
/* Far beyond year 9999, near enough for sums of times to stay in 64 bits. */
#define MAX_TIME_US (INT64_C(1) << 60)
#define MAX_DATE_S  (INT64_C(1) << 38)

/* ---- length-prefixed lists ----------------------------------------------- */

fcache_status_t fcache_entry_list_add(fcache_buf_t *list, fcache_bytes_t item)
{
    char head[LIST_HEAD];
    size_t before = list->len;
    if (item.len > UINT16_MAX) {
        return FCACHE_TOO_LARGE;
    }
    fci_put(head, item.len, LIST_HEAD);
    fcache_status_t status =
        fcache_buf_append(list, fcache_bytes(head, LIST_HEAD));
    if (status == FCACHE_OK) {
        status = fcache_buf_append(list, item);
    }
    if (status != FCACHE_OK) {
        list->len = before;
    }
    return status;
}

int fcache_entry_list_next(fcache_bytes_t list, size_t *offset,
                           fcache_bytes_t *out_item)
{
    if (*offset >= list.len) {
        return *offset == list.len ? 0 : -1;
    }
    size_t room = list.len - *offset;
    if (room < LIST_HEAD) {
        return -1;
    }
    const char *at = list.ptr + *offset;
    size_t len = (size_t)fci_get(at, LIST_HEAD);
    if (len > room - LIST_HEAD) {
        return -1;
    }
    *out_item = fcache_bytes(at + LIST_HEAD, len);
    *offset += LIST_HEAD + len;
    return 1;
}

/* How many elements, -1 when there are more than `max`, an empty one, or the
 * list is malformed. */
static int list_count(fcache_bytes_t list, int max)
{
    size_t offset = 0;
    fcache_bytes_t item;
    int count = 0;
    int more = fcache_entry_list_next(list, &offset, &item);
    while (more > 0) {
        count++;
        if (count > max || item.len == 0) {
            return -1;
        }
        more = fcache_entry_list_next(list, &offset, &item);
    }
    return more == 0 ? count : -1;
}

/* ---- what both directions check ------------------------------------------ */

/* A VARY entry lists its id and at least one name, any other nothing. */
static int is_vary_valid(const fcache_entry_t *entry)
{
    size_t offset = 0;
    fcache_bytes_t id;
    if (entry->kind != FCACHE_ENTRY_VARY) {
        return entry->vary.len == 0;
    }
    return list_count(entry->vary, 1 + FCACHE_VARY_MAX_NAMES) >= 2 &&
           fcache_entry_list_next(entry->vary, &offset, &id) > 0 &&
           id.len == VARY_ID_LEN;
}

static int is_coder_valid(fcache_bytes_t coder)
{
    return coder.len <= FCACHE_ENTRY_MAX_CODER &&
           (coder.len == 0 || fcache_is_token(coder));
}

static int is_time_valid(int64_t time_us)
{
    return time_us >= -MAX_TIME_US && time_us <= MAX_TIME_US;
}

static int is_span_valid(int64_t span_s)
{
    return span_s >= 0 && span_s <= FCACHE_DELTA_MAX;
}

static const char *wrong_numbers(const fcache_entry_t *entry)
{
    if (entry->kind < FCACHE_ENTRY_RESPONSE ||
        entry->kind > FCACHE_ENTRY_ALIAS) {
        return "kind";
    }
    if (entry->flags & ~FLAGS_KNOWN) {
        return "flags";
    }
    if (entry->status > 999 ||
        entry->status < (entry->kind == FCACHE_ENTRY_RESPONSE ? 100 : 0)) {
        return "status";
    }
    if (!is_time_valid(entry->created_us) ||
        !is_time_valid(entry->fresh_until_us) ||
        !is_time_valid(entry->stale_until_us) ||
        entry->stale_until_us < entry->fresh_until_us ||
        entry->date_s < -MAX_DATE_S || entry->date_s > MAX_DATE_S) {
        return "time";
    }
    if (!is_span_valid(entry->initial_age_s) ||
        !is_span_valid(entry->stale_while_revalidate_s) ||
        !is_span_valid(entry->stale_if_error_s)) {
        return "age or stale window";
    }
    return NULL;
}

static const char *wrong_sections(const fcache_entry_t *entry)
{
    if (!is_coder_valid(entry->coder)) {
        return "coder";
    }
    if (!is_vary_valid(entry)) {
        return "vary list";
    }
    if (list_count(entry->tags, FCACHE_ENTRY_MAX_TAGS) < 0) {
        return "tag list";
    }
    if (!fcache_is_field_value(entry->reason) ||
        !fcache_is_field_value(entry->etag) ||
        !fcache_is_field_value(entry->last_modified)) {
        return "reason or validator";
    }
    if (!fci_fieldblock_is_valid(entry->fields)) {
        return "field block";
    }
    return NULL;
}

/* NULL or the part that no entry may have. */
static const char *wrong_part(const fcache_entry_t *entry)
{
    const char *wrong = wrong_numbers(entry);
    return wrong ? wrong : wrong_sections(entry);
}

/* The sections in the order in which they lie. */
static void sections_of(fcache_entry_t *entry, fcache_bytes_t *out[SECTIONS])
{
    out[0] = &entry->canonical;
    out[1] = &entry->vary;
    out[2] = &entry->tags;
    out[3] = &entry->coder;
    out[4] = &entry->reason;
    out[5] = &entry->etag;
    out[6] = &entry->last_modified;
    out[7] = &entry->fields;
}

/* ---- encode -------------------------------------------------------------- */

static void put_fixed(const fcache_entry_t *entry, size_t head_len, char *out)
{
    memcpy(out + AT_MAGIC, MAGIC, 4);
    out[AT_VERSION] = FCACHE_ENTRY_VERSION;
    out[AT_KIND] = (char)entry->kind;
    fci_put(out + AT_FLAGS, entry->flags, 2);
    fci_put(out + AT_HEAD_LEN, head_len, 4);
    fci_put(out + AT_STATUS, (uint64_t)entry->status, 2);
    fci_put(out + AT_RESERVED, 0, 2);
    fci_put(out + AT_GENERATION, entry->generation, 8);
    fci_put(out + AT_CREATED, (uint64_t)entry->created_us, 8);
    fci_put(out + AT_FRESH_UNTIL, (uint64_t)entry->fresh_until_us, 8);
    fci_put(out + AT_STALE_UNTIL, (uint64_t)entry->stale_until_us, 8);
    fci_put(out + AT_DATE, (uint64_t)entry->date_s, 8);
    fci_put(out + AT_BODY_LEN, entry->body_len, 8);
    memcpy(out + AT_BODY_DIGEST, entry->body_digest,
           sizeof(entry->body_digest));
    fci_put(out + AT_INITIAL_AGE, (uint64_t)entry->initial_age_s, 4);
    fci_put(out + AT_WHILE_REVALIDATE,
            (uint64_t)entry->stale_while_revalidate_s, 4);
    fci_put(out + AT_IF_ERROR, (uint64_t)entry->stale_if_error_s, 4);
}

static fcache_status_t put_head(const char *fixed,
                                fcache_bytes_t *const sections[SECTIONS],
                                fcache_buf_t *out)
{
    fcache_status_t status = fcache_buf_append(out, fcache_bytes(fixed, FIXED));
    for (size_t i = 0; i < SECTIONS && status == FCACHE_OK; i++) {
        status = fcache_buf_append(out, *sections[i]);
    }
    return status;
}

fcache_status_t fcache_entry_encode(const fcache_entry_t *entry,
                                    fcache_buf_t *out, fcache_error_t *error)
{
    fcache_entry_t views = *entry;
    fcache_bytes_t *sections[SECTIONS];
    char fixed[FIXED];
    size_t head_len = FIXED;
    size_t before = out->len;
    const char *wrong = wrong_part(entry);
    if (wrong) {
        return fcache_error_set(error, FCACHE_BAD_INPUT, "entry with a bad %s",
                                wrong);
    }
    sections_of(&views, sections);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (sections[i]->len > FCACHE_ENTRY_MAX_HEAD - head_len) {
            return fcache_error_set(error, FCACHE_TOO_LARGE,
                                    "entry head above %u bytes",
                                    FCACHE_ENTRY_MAX_HEAD);
        }
        head_len += sections[i]->len;
        fci_put(fixed + AT_SECTION_LENGTHS + 4 * i, sections[i]->len, 4);
    }
    put_fixed(entry, head_len, fixed);
    fcache_status_t status = put_head(fixed, sections, out);
    if (status != FCACHE_OK) {
        out->len = before;
        return fcache_error_set(error, status, "entry head: %s",
                                fcache_status_text(status));
    }
    return FCACHE_OK;
}

/* ---- decode -------------------------------------------------------------- */

static fcache_status_t corrupt(fcache_error_t *error, const char *what)
{
    return fcache_error_set(error, FCACHE_CORRUPT, "entry with a bad %s", what);
}

static void get_fixed(const char *head, fcache_entry_t *out_entry)
{
    *out_entry = (fcache_entry_t){
        .kind = (fcache_entry_kind_t)(unsigned char)head[AT_KIND],
        .flags = (unsigned)fci_get(head + AT_FLAGS, 2),
        .status = (int)fci_get(head + AT_STATUS, 2),
        .generation = fci_get(head + AT_GENERATION, 8),
        .created_us = (int64_t)fci_get(head + AT_CREATED, 8),
        .fresh_until_us = (int64_t)fci_get(head + AT_FRESH_UNTIL, 8),
        .stale_until_us = (int64_t)fci_get(head + AT_STALE_UNTIL, 8),
        .date_s = (int64_t)fci_get(head + AT_DATE, 8),
        .body_len = fci_get(head + AT_BODY_LEN, 8),
        .initial_age_s = (int64_t)fci_get(head + AT_INITIAL_AGE, 4),
        .stale_while_revalidate_s =
            (int64_t)fci_get(head + AT_WHILE_REVALIDATE, 4),
        .stale_if_error_s = (int64_t)fci_get(head + AT_IF_ERROR, 4),
    };
    memcpy(out_entry->body_digest, head + AT_BODY_DIGEST,
           sizeof(out_entry->body_digest));
}

/* Cuts the sections; they must fill the head exactly. */
static int cut_sections(fcache_bytes_t head, fcache_entry_t *entry)
{
    fcache_bytes_t *sections[SECTIONS];
    size_t at = FIXED;
    sections_of(entry, sections);
    for (size_t i = 0; i < SECTIONS; i++) {
        size_t len = (size_t)fci_get(head.ptr + AT_SECTION_LENGTHS + 4 * i, 4);
        if (len > head.len - at) {
            return 0;
        }
        *sections[i] = fcache_bytes(head.ptr + at, len);
        at += len;
    }
    return at == head.len;
}

fcache_status_t fcache_entry_decode(fcache_bytes_t head,
                                    fcache_entry_t *out_entry,
                                    fcache_error_t *error)
{
    if (head.len <= AT_VERSION || memcmp(head.ptr, MAGIC, 4) != 0) {
        return corrupt(error, "magic");
    }
    if ((unsigned char)head.ptr[AT_VERSION] > FCACHE_ENTRY_VERSION) {
        return fcache_error_set(
            error, FCACHE_UNSUPPORTED, "entry of version %d, newer than %d",
            (unsigned char)head.ptr[AT_VERSION], FCACHE_ENTRY_VERSION);
    }
    if (head.ptr[AT_VERSION] != FCACHE_ENTRY_VERSION) {
        return corrupt(error, "version");
    }
    if (head.len < FIXED || head.len > FCACHE_ENTRY_MAX_HEAD ||
        fci_get(head.ptr + AT_HEAD_LEN, 4) != head.len ||
        fci_get(head.ptr + AT_RESERVED, 2) != 0) {
        return corrupt(error, "length");
    }
    get_fixed(head.ptr, out_entry);
    if (!cut_sections(head, out_entry)) {
        return corrupt(error, "section");
    }
    const char *wrong = wrong_part(out_entry);
    return wrong ? corrupt(error, wrong) : FCACHE_OK;
}
