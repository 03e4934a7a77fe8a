/* SPDX-License-Identifier: Apache-2.0 */
#include "cc.h"

#include "ascii.h"
#include "spans.h"

typedef enum kind_t {
    RESTRICTS, /* a flag that counts whatever its argument */
    PERMITS,   /* a flag that counts only without an argument */
    QUALIFIED, /* a flag that may be limited to named fields */
    NUMBER     /* delta-seconds */
} kind_t;

typedef struct directive_t {
    const char *name;
    kind_t kind;
    unsigned flag; /* for QUALIFIED that of the unqualified form */
    unsigned fields_flag;
    size_t member; /* offset in fcache_cc_t: a number or a list */
    int64_t bare;  /* a number's value without an argument */
    int64_t bad;   /* and with one that is none */
} directive_t;

#define MEMBER(name) offsetof(fcache_cc_t, name)

static const directive_t directives[] = {
    {"max-age", NUMBER, 0, 0, MEMBER(max_age_s), 0, 0},
    {"s-maxage", NUMBER, 0, 0, MEMBER(s_maxage_s), 0, 0},
    {"min-fresh", NUMBER, 0, 0, MEMBER(min_fresh_s), FCACHE_DELTA_MAX,
     FCACHE_DELTA_MAX},
    {"max-stale", NUMBER, 0, 0, MEMBER(max_stale_s), FCACHE_DELTA_MAX, 0},
    {"stale-while-revalidate", NUMBER, 0, 0, MEMBER(stale_while_revalidate_s),
     0, 0},
    {"stale-if-error", NUMBER, 0, 0, MEMBER(stale_if_error_s), 0, 0},
    {"no-cache", QUALIFIED, FCACHE_CC_NO_CACHE, FCACHE_CC_NO_CACHE_OF,
     MEMBER(no_cache_fields), 0, 0},
    {"private", QUALIFIED, FCACHE_CC_PRIVATE, FCACHE_CC_PRIVATE_OF,
     MEMBER(private_fields), 0, 0},
    {"no-store", RESTRICTS, FCACHE_CC_NO_STORE, 0, 0, 0, 0},
    {"must-revalidate", RESTRICTS, FCACHE_CC_MUST_REVALIDATE, 0, 0, 0, 0},
    {"proxy-revalidate", RESTRICTS, FCACHE_CC_PROXY_REVALIDATE, 0, 0, 0, 0},
    {"no-transform", RESTRICTS, FCACHE_CC_NO_TRANSFORM, 0, 0, 0, 0},
    {"only-if-cached", RESTRICTS, FCACHE_CC_ONLY_IF_CACHED, 0, 0, 0, 0},
    {"public", PERMITS, FCACHE_CC_PUBLIC, 0, 0, 0, 0},
    {"must-understand", PERMITS, FCACHE_CC_MUST_UNDERSTAND, 0, 0, 0, 0},
    {"immutable", PERMITS, FCACHE_CC_IMMUTABLE, 0, 0, 0, 0},
};

static const directive_t *find(fcache_bytes_t name)
{
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (fcache_bytes_equal_nocase(name, fcache_str(directives[i].name))) {
            return &directives[i];
        }
    }
    return NULL;
}

static int64_t *number_of(fcache_cc_t *cc, const directive_t *directive)
{
    return (int64_t *)(void *)((char *)cc + directive->member);
}

static fcache_bytes_t *list_of(fcache_cc_t *cc, const directive_t *directive)
{
    return (fcache_bytes_t *)(void *)((char *)cc + directive->member);
}

int fci_cc_is_number(fcache_bytes_t name)
{
    const directive_t *directive = find(name);
    return directive && directive->kind == NUMBER;
}

void fci_cc_init(fcache_cc_t *out_cc)
{
    *out_cc = (fcache_cc_t){.max_age_s = FCACHE_NO_DELTA,
                            .s_maxage_s = FCACHE_NO_DELTA,
                            .min_fresh_s = FCACHE_NO_DELTA,
                            .max_stale_s = FCACHE_NO_DELTA,
                            .stale_while_revalidate_s = FCACHE_NO_DELTA,
                            .stale_if_error_s = FCACHE_NO_DELTA};
}

static void note_number(fcache_cc_t *cc, const directive_t *directive,
                        fci_argument_t argument)
{
    int64_t *number = number_of(cc, directive);
    if (*number != FCACHE_NO_DELTA) {
        return;
    }
    if (argument.kind == FCI_ARGUMENT_NONE) {
        *number = directive->bare;
    } else if (argument.kind == FCI_ARGUMENT_BAD ||
               !fcache_delta_parse(argument.text, number)) {
        *number = directive->bad;
    }
}

/* Walks a borrowed list of field names. 1, 0 at the end, -1 for a bad name. */
static int next_name(fcache_bytes_t *list, fcache_bytes_t *out_name)
{
    while (list->len > 0) {
        const char *comma = memchr(list->ptr, ',', list->len);
        size_t len = comma ? (size_t)(comma - list->ptr) : list->len;
        size_t used = comma ? len + 1 : len;
        *out_name = fcache_bytes_trim(fcache_bytes(list->ptr, len));
        *list = fcache_bytes(list->ptr + used, list->len - used);
        if (out_name->len > 0) {
            return fcache_is_token(*out_name) ? 1 : -1;
        }
    }
    return 0;
}

static int is_name_list(fcache_bytes_t list)
{
    fcache_bytes_t name;
    int names = 0;
    int found = next_name(&list, &name);
    while (found > 0) {
        names++;
        found = next_name(&list, &name);
    }
    return found == 0 && names > 0;
}

/* Once limited to fields; any doubt, or a second one, makes it unlimited. */
static void note_qualified(fcache_cc_t *cc, const directive_t *directive,
                           fci_argument_t argument)
{
    int is_limited = (argument.kind == FCI_ARGUMENT_WORD ||
                      argument.kind == FCI_ARGUMENT_QUOTED) &&
                     is_name_list(argument.text) &&
                     !(cc->flags & directive->fields_flag);
    if (is_limited) {
        cc->flags |= directive->fields_flag;
        *list_of(cc, directive) = argument.text;
    } else {
        cc->flags |= directive->flag;
    }
}

void fci_cc_note(fcache_cc_t *cc, fcache_bytes_t name, fci_argument_t argument)
{
    const directive_t *directive = find(name);
    if (!directive) {
        return;
    }
    switch (directive->kind) {
    case NUMBER:
        note_number(cc, directive, argument);
        break;
    case QUALIFIED:
        note_qualified(cc, directive, argument);
        break;
    case PERMITS:
        if (argument.kind == FCI_ARGUMENT_NONE) {
            cc->flags |= directive->flag;
        }
        break;
    case RESTRICTS:
        cc->flags |= directive->flag;
        break;
    }
}

void fci_cc_forget(fcache_cc_t *cc, fcache_bytes_t name)
{
    const directive_t *directive = find(name);
    if (!directive) {
        return;
    }
    cc->flags &= ~(directive->flag | directive->fields_flag);
    if (directive->kind == NUMBER) {
        *number_of(cc, directive) = FCACHE_NO_DELTA;
    } else if (directive->kind == QUALIFIED) {
        *list_of(cc, directive) = fcache_bytes(NULL, 0);
    }
}

/* What stands behind the name: nothing, "=token" or "=quoted-string". */
static fci_argument_t parse_argument(fcache_bytes_t rest)
{
    fci_argument_t argument = {FCI_ARGUMENT_NONE, {NULL, 0}};
    if (rest.len == 0) {
        return argument;
    }
    argument.kind = FCI_ARGUMENT_BAD;
    if (rest.ptr[0] != '=') {
        return argument;
    }
    argument.text = fcache_bytes(rest.ptr + 1, rest.len - 1);
    if (fcache_is_token(argument.text)) {
        argument.kind = FCI_ARGUMENT_WORD;
    } else if (argument.text.len >= 2 && argument.text.ptr[0] == '"' &&
               memchr(argument.text.ptr + 1, '"', argument.text.len - 1) ==
                   argument.text.ptr + argument.text.len - 1) {
        argument.kind = FCI_ARGUMENT_QUOTED;
        argument.text =
            fcache_bytes(argument.text.ptr + 1, argument.text.len - 2);
    }
    return argument;
}

/* Does it end inside of a quoted string? */
static int is_open(fcache_bytes_t item)
{
    int is_quoted = 0;
    for (size_t i = 0; i < item.len; i++) {
        if (item.ptr[i] == '"') {
            is_quoted = !is_quoted;
        } else if (is_quoted && item.ptr[i] == '\\') {
            i++;
        }
    }
    return is_quoted;
}

/* A quote that is never closed hides nothing that restricts. */
static void note_hidden(fcache_cc_t *cc, fcache_bytes_t item)
{
    const char *end = item.ptr + item.len;
    const char *comma = memchr(item.ptr, ',', item.len);
    while (comma) {
        fcache_bytes_t rest = fcache_bytes_trim(
            fcache_bytes(comma + 1, (size_t)(end - comma) - 1));
        const directive_t *directive =
            find(fcache_bytes(rest.ptr, fci_token_span(rest)));
        if (directive && directive->kind != PERMITS) {
            cc->flags |= directive->flag;
        }
        comma = rest.len > 0 ? memchr(rest.ptr, ',', rest.len) : NULL;
    }
}

void fcache_cc_parse(fcache_fields_t fields, fcache_cc_t *out_cc)
{
    fcache_list_t list;
    fcache_bytes_t item;
    fci_cc_init(out_cc);
    fcache_list_init(&list, fields, "Cache-Control");
    while (fcache_list_next(&list, &item)) {
        size_t len = fci_token_span(item);
        fci_argument_t argument =
            parse_argument(fcache_bytes(item.ptr + len, item.len - len));
        fci_cc_note(out_cc, fcache_bytes(item.ptr, len), argument);
        if (argument.kind == FCI_ARGUMENT_BAD && is_open(item)) {
            note_hidden(out_cc, item);
        }
    }
}

int fcache_cc_of_response(fcache_fields_t fields, fcache_cc_t *out_cc)
{
    int is_targeted = fcache_cc_parse_targeted(fields, out_cc);
    if (!is_targeted) {
        fcache_cc_parse(fields, out_cc);
    }
    return is_targeted;
}

static int is_listed(fcache_bytes_t list, fcache_bytes_t wanted)
{
    fcache_bytes_t name;
    while (next_name(&list, &name) > 0) {
        if (fcache_bytes_equal_nocase(name, wanted)) {
            return 1;
        }
    }
    return 0;
}

int fci_cc_names_field(const fcache_cc_t *cc, fcache_bytes_t name)
{
    return is_listed(cc->no_cache_fields, name) ||
           is_listed(cc->private_fields, name);
}
