/* SPDX-License-Identifier: Apache-2.0 */
#include "vary.h"

#include "ascii.h"

#include <fcache/entry.h>

#define MAX_NAME_BYTES 256
#define MAX_ELEMENTS   32 /* of a list put in order; a longer one keeps its own */
#define FULL_WEIGHT    1000

/* ---- names --------------------------------------------------------------- */

/* Less, equal or greater than 0, as memcmp, letters in any case. */
static int compare(fcache_bytes_t a, fcache_bytes_t b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        int difference = (unsigned char)fci_lower(a.ptr[i]) -
                         (unsigned char)fci_lower(b.ptr[i]);
        if (difference != 0) {
            return difference;
        }
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* Into its place, unless it is there. 0 when there is no room. */
static int insert(fci_vary_t *vary, fcache_bytes_t name)
{
    size_t at = 0;
    while (at < vary->count && compare(vary->names[at], name) < 0) {
        at++;
    }
    if (at < vary->count && compare(vary->names[at], name) == 0) {
        return 1;
    }
    if (vary->count == FCACHE_VARY_MAX_NAMES) {
        vary->is_overfull = 1;
        return 0;
    }
    memmove(&vary->names[at + 1], &vary->names[at],
            (vary->count - at) * sizeof vary->names[0]);
    vary->names[at] = name;
    vary->count++;
    return 1;
}

int fci_vary_is_within(const fci_vary_t *inner, const fci_vary_t *outer)
{
    size_t at = 0;
    for (size_t i = 0; i < inner->count; i++) {
        while (at < outer->count &&
               compare(outer->names[at], inner->names[i]) < 0) {
            at++;
        }
        if (at == outer->count ||
            compare(outer->names[at], inner->names[i]) != 0) {
            return 0;
        }
    }
    return 1;
}

/* A proxy adds the client's address to X-Forwarded-For behind us: what the
 * origin chose by is not in the request that we see. */
static int is_any(fcache_bytes_t name)
{
    return fcache_bytes_equal(name, fcache_str("*")) ||
           fcache_bytes_equal_nocase(name, fcache_str("x-forwarded-for"));
}

fcache_reason_t fci_vary_collect(fcache_fields_t response_fields,
                                 fci_vary_t *out_vary)
{
    fcache_reason_t reason = FCACHE_REASON_NONE;
    fcache_list_t list;
    fcache_bytes_t name;
    out_vary->count = 0;
    out_vary->is_overfull = 0;
    fcache_list_init(&list, response_fields, "Vary");
    while (fcache_list_next(&list, &name)) {
        if (is_any(name)) {
            return FCACHE_REASON_VARY_ANY;
        }
        if (name.len > MAX_NAME_BYTES || !fcache_is_token(name) ||
            !insert(out_vary, name)) {
            reason = FCACHE_REASON_VARY_BAD;
        }
    }
    if (fcache_fields_get(response_fields, "Content-Encoding").len > 0 &&
        !insert(out_vary, fcache_str("accept-encoding"))) {
        reason = FCACHE_REASON_VARY_BAD;
    }
    return reason;
}

static fcache_status_t add_name(fcache_buf_t *out, fcache_bytes_t name)
{
    char lower[MAX_NAME_BYTES];
    for (size_t i = 0; i < name.len; i++) {
        lower[i] = fci_lower(name.ptr[i]);
    }
    return fcache_entry_list_add(out, fcache_bytes(lower, name.len));
}

fcache_status_t fcache_vary_names(fcache_fields_t response_fields,
                                  fcache_buf_t *out, fcache_reason_t *out_why)
{
    fci_vary_t vary;
    size_t old_len = out->len;
    fcache_reason_t why = fci_vary_collect(response_fields, &vary);
    fcache_status_t status = FCACHE_OK;
    if (why != FCACHE_REASON_NONE) {
        status = why == FCACHE_REASON_VARY_BAD && vary.is_overfull
                     ? FCACHE_TOO_LARGE
                     : FCACHE_BAD_INPUT;
    }
    for (size_t i = 0; i < vary.count && status == FCACHE_OK; i++) {
        status = add_name(out, vary.names[i]);
    }
    if (status != FCACHE_OK) {
        out->len = old_len;
        why = why == FCACHE_REASON_NONE ? FCACHE_REASON_VARY_BAD : why;
    }
    if (out_why) {
        *out_why = why;
    }
    return status;
}

/* ---- values: reading ----------------------------------------------------- */

/* Takes the next element off the list, without the blanks around it. Unlike
 * fcache_list_next() also an empty one: who sends it may get another answer. */
static int next(fcache_list_t *list, fcache_bytes_t *out_element)
{
    if (list->line == list->fields.count) {
        return 0;
    }
    fcache_bytes_t line = list->fields.items[list->line].value;
    size_t start = list->offset;
    size_t end = start;
    while (end < line.len && line.ptr[end] != ',') {
        end++;
    }
    *out_element =
        end > start
            ? fcache_bytes_trim(fcache_bytes(line.ptr + start, end - start))
            : fcache_str("");
    list->offset = end + 1;
    if (end == line.len) {
        list->line =
            fcache_fields_find(list->fields, list->name, list->line + 1);
        list->offset = 0;
    }
    return 1;
}

static int is_token_list(fcache_list_t list)
{
    fcache_bytes_t element;
    while (next(&list, &element)) {
        if (!fcache_is_token(element)) {
            return 0;
        }
    }
    return 1;
}

typedef struct weighted_t {
    fcache_bytes_t name;
    int weight; /* in thousandths */
} weighted_t;

/* "q=" qvalue (RFC 9110 §12.4.2) in thousandths, or -1. */
static int parse_weight(fcache_bytes_t text)
{
    int weight = 0;
    if (text.len < 3 || text.len > 7 || memcmp(text.ptr, "q=", 2) != 0 ||
        (text.ptr[2] != '0' && text.ptr[2] != '1') ||
        (text.len > 3 && text.ptr[3] != '.')) {
        return -1;
    }
    weight = (text.ptr[2] - '0') * FULL_WEIGHT;
    for (size_t i = 4, unit = 100; i < text.len; i++, unit /= 10) {
        if (!fci_is_digit(text.ptr[i])) {
            return -1;
        }
        weight += (text.ptr[i] - '0') * (int)unit;
    }
    return weight <= FULL_WEIGHT ? weight : -1;
}

/* A token, and its weight if it has one. 0 for whatever else it is: an origin may
 * read that otherwise than we would. */
static int parse_weighted(fcache_bytes_t element, weighted_t *out)
{
    const char *mark =
        element.len > 0 ? memchr(element.ptr, ';', element.len) : NULL;
    *out = (weighted_t){element, FULL_WEIGHT};
    if (mark) {
        size_t len = (size_t)(mark - element.ptr);
        out->name = fcache_bytes_trim(fcache_bytes(element.ptr, len));
        out->weight = parse_weight(
            fcache_bytes_trim(fcache_bytes(mark + 1, element.len - len - 1)));
    }
    return out->weight >= 0 && fcache_is_token(out->name);
}

static int goes_before(const weighted_t *a, const weighted_t *b)
{
    return a->weight != b->weight ? a->weight > b->weight
                                  : compare(a->name, b->name) < 0;
}

/* Heaviest first. 0 when there are too many or one cannot be read. */
static int sort(fcache_list_t list, weighted_t items[MAX_ELEMENTS],
                size_t *out_count)
{
    weighted_t item;
    fcache_bytes_t element;
    size_t count = 0;
    while (next(&list, &element)) {
        size_t at = count;
        if (!parse_weighted(element, &item) || count == MAX_ELEMENTS) {
            return 0;
        }
        while (at > 0 && goes_before(&item, &items[at - 1])) {
            items[at] = items[at - 1];
            at--;
        }
        items[at] = item;
        count++;
    }
    *out_count = count;
    return 1;
}

/* ---- values: writing ----------------------------------------------------- */

static fcache_status_t add_text(fcache_buf_t *out, fcache_bytes_t text,
                                int fold)
{
    size_t start = out->len;
    fcache_status_t status = fcache_buf_append(out, text);
    for (size_t i = start; fold && i < out->len; i++) {
        out->ptr[i] = fci_lower(out->ptr[i]);
    }
    return status;
}

static fcache_status_t add_comma(fcache_buf_t *out, size_t start)
{
    return out->len > start ? fcache_buf_append(out, fcache_str(","))
                            : FCACHE_OK;
}

/* As it came, lines joined as RFC 9110 §5.3 has it. */
static fcache_status_t add_raw(fcache_buf_t *out, fcache_list_t list)
{
    fcache_status_t status = FCACHE_OK;
    size_t line = list.line;
    while (line < list.fields.count && status == FCACHE_OK) {
        if (line != list.line) {
            status = fcache_buf_append(out, fcache_str(", "));
        }
        if (status == FCACHE_OK) {
            status = fcache_buf_append(
                out, fcache_bytes_trim(list.fields.items[line].value));
        }
        line = fcache_fields_find(list.fields, list.name, line + 1);
    }
    return status;
}

static fcache_status_t add_tokens(fcache_buf_t *out, fcache_list_t list)
{
    size_t start = out->len;
    fcache_status_t status = FCACHE_OK;
    fcache_bytes_t token;
    while (status == FCACHE_OK && next(&list, &token)) {
        status = add_comma(out, start);
        if (status == FCACHE_OK) {
            status = fcache_buf_append(out, token);
        }
    }
    return status;
}

static fcache_status_t add_weight(fcache_buf_t *out, int weight)
{
    char text[] = ";q=0.000";
    if (weight == FULL_WEIGHT) {
        return FCACHE_OK;
    }
    for (size_t i = 7; weight > 0 && i > 4; i--) {
        text[i] = (char)('0' + weight % 10);
        weight /= 10;
    }
    return fcache_buf_append(out, fcache_str(text));
}

static fcache_status_t add_by_weight(fcache_buf_t *out, fcache_list_t list,
                                     int fold)
{
    weighted_t items[MAX_ELEMENTS];
    size_t count;
    size_t start = out->len;
    fcache_status_t status = FCACHE_OK;
    if (!sort(list, items, &count)) {
        return add_raw(out, list);
    }
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = add_comma(out, start);
        if (status == FCACHE_OK) {
            status = add_text(out, items[i].name, fold);
        }
        if (status == FCACHE_OK) {
            status = add_weight(out, items[i].weight);
        }
    }
    return status;
}

/* ---- values -------------------------------------------------------------- */

/*
 * What is folded here an origin must not tell apart, or one client chooses what
 * others get (T1, RFC 9111 §4.1). So only what the field's own syntax makes equal,
 * and only of values that are wholly of that syntax; all others select as they
 * came, Accept among them, where origins go by the order of equals.
 */
typedef enum form_t {
    FORM_UNKNOWN, /* a list, if it is one of nothing but tokens */
    FORM_SINGLE,
    FORM_WEIGHTED,
    FORM_LANGUAGES /* weighted, in any case */
} form_t;

static const struct {
    const char *name;
    form_t form;
} forms[] = {
    {"accept-charset", FORM_WEIGHTED},
    {"accept-encoding", FORM_WEIGHTED},
    {"accept-language", FORM_LANGUAGES},
    {"authorization", FORM_SINGLE},
    {"content-type", FORM_SINGLE},
    {"cookie", FORM_SINGLE},
    {"from", FORM_SINGLE},
    {"host", FORM_SINGLE},
    {"origin", FORM_SINGLE},
    {"proxy-authorization", FORM_SINGLE},
    {"referer", FORM_SINGLE},
    {"sec-fetch-dest", FORM_SINGLE},
    {"sec-fetch-mode", FORM_SINGLE},
    {"sec-fetch-site", FORM_SINGLE},
    {"sec-fetch-user", FORM_SINGLE},
    {"user-agent", FORM_SINGLE},
};

static form_t form_of(fcache_bytes_t name)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (fcache_bytes_equal_nocase(name, fcache_str(forms[i].name))) {
            return forms[i].form;
        }
    }
    return FORM_UNKNOWN;
}

fcache_status_t fci_vary_normalise(fcache_bytes_t name, fcache_fields_t fields,
                                   fcache_buf_t *out)
{
    char text[MAX_NAME_BYTES + 1];
    fcache_list_t list;
    if (name.len > MAX_NAME_BYTES) {
        return FCACHE_TOO_LARGE;
    }
    if (name.len > 0) {
        memcpy(text, name.ptr, name.len);
    }
    text[name.len] = '\0';
    fcache_list_init(&list, fields, text);
    if (list.line == fields.count) {
        return FCACHE_MISS;
    }
    switch (form_of(name)) {
    case FORM_WEIGHTED:
        return add_by_weight(out, list, 0);
    case FORM_LANGUAGES:
        return add_by_weight(out, list, 1);
    case FORM_SINGLE:
        return add_raw(out, list);
    case FORM_UNKNOWN:
        break;
    }
    return is_token_list(list) ? add_tokens(out, list) : add_raw(out, list);
}

/* ---- languages ----------------------------------------------------------- */

/* language-range (RFC 4647 §2.1), as near as matters here. */
static int is_language_range(fcache_bytes_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = fci_lower(text.ptr[i]);
        if (!fci_is_lower(c) && !fci_is_digit(c) && c != '-') {
            return fcache_bytes_equal(text, fcache_str("*"));
        }
    }
    return text.len > 0 && text.len <= FCI_MAX_LANGUAGE;
}

int fci_vary_is_languages(fcache_fields_t fields)
{
    fcache_list_t list;
    fcache_bytes_t element;
    weighted_t item;
    fcache_list_init(&list, fields, "Accept-Language");
    while (next(&list, &element)) {
        if (!parse_weighted(element, &item) || !is_language_range(item.name)) {
            return 0;
        }
    }
    return 1;
}

size_t fci_vary_language(fcache_fields_t fields, char out[FCI_MAX_LANGUAGE])
{
    weighted_t items[MAX_ELEMENTS];
    fcache_list_t list;
    size_t count = 0;
    fcache_list_init(&list, fields, "Accept-Language");
    if (!sort(list, items, &count) || count == 0 || items[0].weight == 0 ||
        (count > 1 && items[1].weight == items[0].weight)) {
        return 0;
    }
    fcache_bytes_t language = items[0].name;
    if (language.len > FCI_MAX_LANGUAGE ||
        fcache_bytes_equal(language, fcache_str("*"))) {
        return 0;
    }
    for (size_t i = 0; i < language.len; i++) {
        out[i] = fci_lower(language.ptr[i]);
    }
    return language.len;
}
