/* SPDX-License-Identifier: Apache-2.0 */
#include "vary.h"

#include "ascii.h"

#include <fcache/entry.h>

#define MAX_NAME_BYTES 256
#define MAX_ELEMENTS                                                           \
    32 /* of a list put in order; a longer one keeps its own                   \
        */
#define FULL_WEIGHT 1000

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
        if (fcache_bytes_equal(name, fcache_str("*"))) {
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

/* ---- values: weights ----------------------------------------------------- */

/* Takes what stands before the next ';' outside of quotes off *text. */
static int take_part(fcache_bytes_t *text, fcache_bytes_t *out_part)
{
    size_t i = 0;
    int is_quoted = 0;
    if (text->len == 0) {
        return 0;
    }
    while (i < text->len && (is_quoted || text->ptr[i] != ';')) {
        if (text->ptr[i] == '"') {
            is_quoted = !is_quoted;
        } else if (is_quoted && text->ptr[i] == '\\' && i + 1 < text->len) {
            i++;
        }
        i++;
    }
    size_t used = i < text->len ? i + 1 : i;
    *out_part = fcache_bytes_trim(fcache_bytes(text->ptr, i));
    *text = fcache_bytes(text->ptr + used, text->len - used);
    return 1;
}

static int is_weight(fcache_bytes_t part)
{
    return part.len >= 2 && fci_lower(part.ptr[0]) == 'q' && part.ptr[1] == '=';
}

/* qvalue (RFC 9110 §12.4.2) in thousandths, or -1. */
static int parse_weight(fcache_bytes_t part)
{
    const char *text = part.ptr + 2;
    size_t len = part.len - 2;
    int weight = 0;
    if (len == 0 || len > 5 || (text[0] != '0' && text[0] != '1') ||
        (len > 1 && text[1] != '.')) {
        return -1;
    }
    weight = (text[0] - '0') * FULL_WEIGHT;
    for (size_t i = 2, unit = 100; i < len; i++, unit /= 10) {
        if (!fci_is_digit(text[i])) {
            return -1;
        }
        weight += (text[i] - '0') * (int)unit;
    }
    return weight <= FULL_WEIGHT ? weight : -1;
}

/* The element's weight, 1 without one, or -1. */
static int weight_of(fcache_bytes_t element)
{
    fcache_bytes_t part;
    int weight = FULL_WEIGHT;
    while (take_part(&element, &part)) {
        if (is_weight(part)) {
            weight = parse_weight(part);
        }
    }
    return weight;
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

/* The elements in their order, blanks around them gone. */
static fcache_status_t add_in_order(fcache_buf_t *out, fcache_list_t list,
                                    int fold)
{
    size_t start = out->len;
    fcache_status_t status = FCACHE_OK;
    fcache_bytes_t element;
    while (status == FCACHE_OK && fcache_list_next(&list, &element)) {
        status = add_comma(out, start);
        if (status == FCACHE_OK) {
            status = add_text(out, element, fold);
        }
    }
    return status;
}

typedef struct weighted_t {
    fcache_bytes_t element;
    int weight;
} weighted_t;

static int goes_before(const weighted_t *a, const weighted_t *b)
{
    return a->weight != b->weight ? a->weight > b->weight
                                  : compare(a->element, b->element) < 0;
}

/* Heaviest first. 0 when there are too many or a weight is bad. */
static int sort(fcache_list_t list, weighted_t items[MAX_ELEMENTS],
                size_t *out_count)
{
    weighted_t item;
    size_t count = 0;
    while (fcache_list_next(&list, &item.element)) {
        size_t at = count;
        item.weight = weight_of(item.element);
        if (item.weight < 0 || count == MAX_ELEMENTS) {
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

static fcache_status_t add_weight(fcache_buf_t *out, int weight)
{
    char text[] = ";q=0.000";
    for (size_t i = 7; weight > 0 && i > 4; i--) {
        text[i] = (char)('0' + weight % 10);
        weight /= 10;
    }
    return fcache_buf_append(out, fcache_str(text));
}

/* Its parts without blanks, the first one folded, then its weight if not 1. */
static fcache_status_t add_weighted(fcache_buf_t *out, const weighted_t *item,
                                    int fold)
{
    fcache_bytes_t rest = item->element;
    fcache_bytes_t part;
    fcache_status_t status = FCACHE_OK;
    int is_first = 1;
    while (status == FCACHE_OK && take_part(&rest, &part)) {
        if (is_weight(part)) {
            continue;
        }
        if (!is_first) {
            status = fcache_buf_append(out, fcache_str(";"));
        }
        if (status == FCACHE_OK) {
            status = add_text(out, part, fold || is_first);
        }
        is_first = 0;
    }
    return status == FCACHE_OK && item->weight < FULL_WEIGHT
               ? add_weight(out, item->weight)
               : status;
}

static fcache_status_t add_by_weight(fcache_buf_t *out, fcache_list_t list,
                                     int fold)
{
    weighted_t items[MAX_ELEMENTS];
    size_t count;
    size_t start = out->len;
    fcache_status_t status = FCACHE_OK;
    if (!sort(list, items, &count)) {
        return add_in_order(out, list, fold);
    }
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = add_comma(out, start);
        if (status == FCACHE_OK) {
            status = add_weighted(out, &items[i], fold);
        }
    }
    return status;
}

/* ---- values: Accept-Encoding (T17) --------------------------------------- */

static const struct {
    const char *name, *alias;
} codings[] = {
    {"br", NULL},       {"deflate", NULL}, {"gzip", "x-gzip"},
    {"identity", NULL}, {"zstd", NULL},    {"*", NULL},
};
#define CODINGS       (sizeof codings / sizeof codings[0])
#define ALL_CODINGS   ((1u << CODINGS) - 1)
#define ONLY_IDENTITY (1u << 3)

/* The bit of a coding, all of them for "*", 0 for one we do not know. */
static unsigned coding_bit(fcache_bytes_t name)
{
    if (fcache_bytes_equal(name, fcache_str("*"))) {
        return ALL_CODINGS;
    }
    for (size_t i = 0; i < CODINGS; i++) {
        if (fcache_bytes_equal_nocase(name, fcache_str(codings[i].name)) ||
            (codings[i].alias &&
             fcache_bytes_equal_nocase(name, fcache_str(codings[i].alias)))) {
            return 1u << i;
        }
    }
    return 0;
}

/* Which codings the client takes (RFC 9110 §12.5.3). 0 when that cannot be made
 * out, or one is not known: the origin may know it. */
static int accepted_codings(fcache_list_t list, unsigned *out)
{
    unsigned named = 0;
    unsigned refused = 0;
    unsigned others = ONLY_IDENTITY; /* those that "*" or its absence gives */
    fcache_bytes_t element;
    while (fcache_list_next(&list, &element)) {
        int weight = weight_of(element);
        fcache_bytes_t name = {NULL, 0};
        (void)take_part(&element, &name);
        unsigned bit = coding_bit(name);
        if (weight < 0 || !fcache_is_token(name) || (bit == 0 && weight > 0)) {
            return 0;
        }
        if (bit == ALL_CODINGS) {
            others = weight > 0 ? ALL_CODINGS : 0;
        } else {
            named |= bit;
            refused |= weight > 0 ? 0 : bit;
        }
    }
    *out = (named | others) & ~refused;
    return 1;
}

static fcache_status_t add_codings(fcache_buf_t *out, fcache_list_t list)
{
    unsigned accepted = 0;
    size_t start = out->len;
    fcache_status_t status = FCACHE_OK;
    if (!accepted_codings(list, &accepted)) {
        return add_in_order(out, list, 1);
    }
    for (size_t i = 0; i < CODINGS && status == FCACHE_OK; i++) {
        if (accepted & 1u << i) {
            status = add_comma(out, start);
            if (status == FCACHE_OK) {
                status = fcache_buf_append(out, fcache_str(codings[i].name));
            }
        }
    }
    return status;
}

/* ---- values -------------------------------------------------------------- */

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
    if (fcache_bytes_equal_nocase(name, fcache_str("accept-encoding"))) {
        return add_codings(out, list);
    }
    if (fcache_bytes_equal_nocase(name, fcache_str("accept-language")) ||
        fcache_bytes_equal_nocase(name, fcache_str("accept-charset"))) {
        return add_by_weight(out, list, 1);
    }
    if (fcache_bytes_equal_nocase(name, fcache_str("accept"))) {
        return add_by_weight(out, list, 0);
    }
    return add_in_order(out, list, 0);
}

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
    fcache_bytes_t part;
    fcache_list_init(&list, fields, "Accept-Language");
    while (fcache_list_next(&list, &element)) {
        if (!take_part(&element, &part) || !is_language_range(part)) {
            return 0;
        }
        while (take_part(&element, &part)) {
            if (!is_weight(part) || parse_weight(part) < 0) {
                return 0;
            }
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
    fcache_bytes_t language = {NULL, 0};
    (void)take_part(&items[0].element, &language);
    if (!fcache_is_token(language) || language.len > FCI_MAX_LANGUAGE ||
        fcache_bytes_equal(language, fcache_str("*"))) {
        return 0;
    }
    for (size_t i = 0; i < language.len; i++) {
        out[i] = fci_lower(language.ptr[i]);
    }
    return language.len;
}
