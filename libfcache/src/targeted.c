/* SPDX-License-Identifier: Apache-2.0 */
#include "cc.h"

#include "ascii.h"

/*
 * CDN-Cache-Control (RFC 9213), a dictionary of Structured Fields (RFC 8941
 * §4.2.2). One error anywhere and the field does not exist. Each read_* takes
 * what it reads off the front of the text and answers 0 for a syntax error.
 */

typedef struct text_t {
    const char *at;
    const char *end;
} text_t;

static char peek(const text_t *text)
{
    return text->at < text->end ? *text->at : '\0';
}

static int take(text_t *text, char c)
{
    if (text->at < text->end && *text->at == c) {
        text->at++;
        return 1;
    }
    return 0;
}

static void skip_spaces(text_t *text)
{
    while (take(text, ' ')) {
    }
}

static void skip_blanks(text_t *text)
{
    while (text->at < text->end && fci_is_blank(*text->at)) {
        text->at++;
    }
}

static fcache_bytes_t taken_since(const text_t *text, const char *start)
{
    return fcache_bytes(start, (size_t)(text->at - start));
}

static int is_key_char(char c)
{
    return fci_is_lower(c) || fci_is_digit(c) || c == '_' || c == '-' ||
           c == '.' || c == '*';
}

static int read_key(text_t *text, fcache_bytes_t *out_key)
{
    const char *start = text->at;
    if (!fci_is_lower(peek(text)) && peek(text) != '*') {
        return 0;
    }
    while (text->at < text->end && is_key_char(*text->at)) {
        text->at++;
    }
    *out_key = taken_since(text, start);
    return 1;
}

static size_t read_digits(text_t *text)
{
    const char *start = text->at;
    while (text->at < text->end && fci_is_digit(*text->at)) {
        text->at++;
    }
    return (size_t)(text->at - start);
}

/* An integer of up to 15 digits, or a decimal of 12 and 3. Only the former, and
 * only without a sign, is an argument. */
static int read_number(text_t *text, fci_argument_t *out)
{
    int is_negative = take(text, '-');
    const char *start = text->at;
    size_t whole = read_digits(text);
    out->kind = is_negative ? FCI_ARGUMENT_BAD : FCI_ARGUMENT_WORD;
    out->text = taken_since(text, start);
    if (take(text, '.')) {
        size_t fraction = read_digits(text);
        out->kind = FCI_ARGUMENT_BAD;
        return whole >= 1 && whole <= 12 && fraction >= 1 && fraction <= 3;
    }
    return whole >= 1 && whole <= 15;
}

static int read_string(text_t *text, fci_argument_t *out)
{
    text->at++; /* the quote */
    const char *start = text->at;
    out->kind = FCI_ARGUMENT_QUOTED;
    while (text->at < text->end) {
        char c = *text->at++;
        if (c == '"') {
            out->text = fcache_bytes(start, (size_t)(text->at - 1 - start));
            return 1;
        }
        if (c == '\\') {
            if (!take(text, '"') && !take(text, '\\')) {
                return 0;
            }
        } else if (c < ' ' || c > '~') {
            return 0;
        }
    }
    return 0;
}

static int read_token(text_t *text, fci_argument_t *out)
{
    const char *start = text->at;
    while (text->at < text->end &&
           (fci_is_tchar(*text->at) || *text->at == ':' || *text->at == '/')) {
        text->at++;
    }
    out->kind = FCI_ARGUMENT_WORD;
    out->text = taken_since(text, start);
    return 1;
}

static int is_base64(char c)
{
    return fci_is_lower(fci_lower(c)) || fci_is_digit(c) || c == '+' ||
           c == '/' || c == '=';
}

static int read_byte_sequence(text_t *text, fci_argument_t *out)
{
    text->at++; /* the colon */
    out->kind = FCI_ARGUMENT_BAD;
    while (text->at < text->end && is_base64(*text->at)) {
        text->at++;
    }
    return take(text, ':');
}

/* ?1 is a directive without an argument; ?0 says that it is not there. */
static int read_boolean(text_t *text, fci_argument_t *out, int *out_absent)
{
    text->at++; /* the question mark */
    out->kind = FCI_ARGUMENT_NONE;
    *out_absent = take(text, '0');
    return *out_absent || take(text, '1');
}

static int read_bare_item(text_t *text, fci_argument_t *out, int *out_absent)
{
    char c = peek(text);
    *out_absent = 0;
    if (c == '-' || fci_is_digit(c)) {
        return read_number(text, out);
    }
    if (c == '"') {
        return read_string(text, out);
    }
    if (c == '*' || fci_is_lower(fci_lower(c))) {
        return read_token(text, out);
    }
    if (c == ':') {
        return read_byte_sequence(text, out);
    }
    return c == '?' && read_boolean(text, out, out_absent);
}

/* Parameters are ignored (RFC 9213 §2.1), but must be well formed. */
static int read_parameters(text_t *text)
{
    while (take(text, ';')) {
        fcache_bytes_t key;
        fci_argument_t value;
        int absent;
        skip_spaces(text);
        if (!read_key(text, &key) ||
            (take(text, '=') && !read_bare_item(text, &value, &absent))) {
            return 0;
        }
    }
    return 1;
}

static int read_inner_list(text_t *text, fci_argument_t *out)
{
    text->at++; /* the bracket */
    out->kind = FCI_ARGUMENT_BAD;
    while (text->at < text->end) {
        fci_argument_t item;
        int absent;
        skip_spaces(text);
        if (take(text, ')')) {
            return 1;
        }
        if (!read_bare_item(text, &item, &absent) || !read_parameters(text) ||
            (peek(text) != ' ' && peek(text) != ')')) {
            return 0;
        }
    }
    return 0;
}

static int read_member(text_t *text, fcache_cc_t *cc)
{
    fcache_bytes_t key;
    fci_argument_t value = {FCI_ARGUMENT_NONE, {NULL, 0}};
    int absent = 0;
    if (!read_key(text, &key)) {
        return 0;
    }
    if (take(text, '=') &&
        !(peek(text) == '(' ? read_inner_list(text, &value)
                            : read_bare_item(text, &value, &absent))) {
        return 0;
    }
    if (!read_parameters(text)) {
        return 0;
    }
    if (value.kind == FCI_ARGUMENT_QUOTED && fci_cc_is_number(key)) {
        value.kind = FCI_ARGUMENT_BAD; /* not coerced (RFC 9213 §2.1) */
    }
    fci_cc_forget(cc, key); /* the last one counts (RFC 8941 §4.2.2) */
    if (!absent) {
        fci_cc_note(cc, key, value);
    }
    return 1;
}

/* One line: members with commas between them. */
static int read_members(text_t *text, fcache_cc_t *cc)
{
    do {
        skip_blanks(text);
        if (!read_member(text, cc)) {
            return 0;
        }
        skip_blanks(text);
    } while (take(text, ','));
    return text->at == text->end;
}

int fcache_cc_parse_targeted(fcache_fields_t fields, fcache_cc_t *out_cc)
{
    static const char name[] = "CDN-Cache-Control";
    size_t line = fcache_fields_find(fields, name, 0);
    int is_valid = line < fields.count;
    fci_cc_init(out_cc);
    while (is_valid && line < fields.count) {
        fcache_bytes_t value = fields.items[line].value;
        if (value.len == 0) {
            return 0;
        }
        text_t text = {value.ptr, value.ptr + value.len};
        is_valid = read_members(&text, out_cc);
        line = fcache_fields_find(fields, name, line + 1);
    }
    return is_valid;
}
