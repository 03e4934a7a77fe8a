/* SPDX-License-Identifier: Apache-2.0 */
#include "sf.h"

#include "ascii.h"

char fci_sf_peek(const fci_sf_t *text)
{
    return text->at < text->end ? *text->at : '\0';
}

int fci_sf_take(fci_sf_t *text, char c)
{
    if (text->at < text->end && *text->at == c) {
        text->at++;
        return 1;
    }
    return 0;
}

static void skip_spaces(fci_sf_t *text)
{
    while (fci_sf_take(text, ' ')) {
    }
}

void fci_sf_skip_blanks(fci_sf_t *text)
{
    while (text->at < text->end && fci_is_blank(*text->at)) {
        text->at++;
    }
}

static fcache_bytes_t taken_since(const fci_sf_t *text, const char *start)
{
    return fcache_bytes(start, (size_t)(text->at - start));
}

static int is_key_char(char c)
{
    return fci_is_lower(c) || fci_is_digit(c) || c == '_' || c == '-' ||
           c == '.' || c == '*';
}

int fci_sf_key(fci_sf_t *text, fcache_bytes_t *out_key)
{
    const char *start = text->at;
    if (!fci_is_lower(fci_sf_peek(text)) && fci_sf_peek(text) != '*') {
        return 0;
    }
    while (text->at < text->end && is_key_char(*text->at)) {
        text->at++;
    }
    *out_key = taken_since(text, start);
    return 1;
}

static size_t read_digits(fci_sf_t *text)
{
    const char *start = text->at;
    while (text->at < text->end && fci_is_digit(*text->at)) {
        text->at++;
    }
    return (size_t)(text->at - start);
}

/* An integer of up to 15 digits, or a decimal of 12 and 3. Only the former, and
 * only without a sign, is an argument. */
static int read_number(fci_sf_t *text, fci_argument_t *out)
{
    int is_negative = fci_sf_take(text, '-');
    const char *start = text->at;
    size_t whole = read_digits(text);
    out->kind = is_negative ? FCI_ARGUMENT_BAD : FCI_ARGUMENT_WORD;
    out->text = taken_since(text, start);
    if (fci_sf_take(text, '.')) {
        size_t fraction = read_digits(text);
        out->kind = FCI_ARGUMENT_BAD;
        return whole >= 1 && whole <= 12 && fraction >= 1 && fraction <= 3;
    }
    return whole >= 1 && whole <= 15;
}

int fci_sf_string(fci_sf_t *text, fci_argument_t *out)
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
            if (!fci_sf_take(text, '"') && !fci_sf_take(text, '\\')) {
                return 0;
            }
        } else if (c < ' ' || c > '~') {
            return 0;
        }
    }
    return 0;
}

static int read_token(fci_sf_t *text, fci_argument_t *out)
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

static int read_byte_sequence(fci_sf_t *text, fci_argument_t *out)
{
    text->at++; /* the colon */
    out->kind = FCI_ARGUMENT_BAD;
    while (text->at < text->end && is_base64(*text->at)) {
        text->at++;
    }
    return fci_sf_take(text, ':');
}

/* ?1 is a directive without an argument; ?0 says that it is not there. */
static int read_boolean(fci_sf_t *text, fci_argument_t *out, int *out_absent)
{
    text->at++; /* the question mark */
    out->kind = FCI_ARGUMENT_NONE;
    *out_absent = fci_sf_take(text, '0');
    return *out_absent || fci_sf_take(text, '1');
}

/* A time (RFC 9651 §3.3.7), an integer; no argument of ours. */
static int read_date(fci_sf_t *text, fci_argument_t *out)
{
    text->at++; /* the at sign */
    out->kind = FCI_ARGUMENT_BAD;
    (void)fci_sf_take(text, '-');
    size_t digits = read_digits(text);
    return digits >= 1 && digits <= 15;
}

/* What is read of a character in UTF-8. */
typedef struct utf8_t {
    uint32_t code;
    uint32_t least; /* that takes as many bytes */
    int missing;
} utf8_t;

/* 0 when no character can go on so (RFC 3629 §4). */
static int add_byte(utf8_t *utf8, unsigned byte)
{
    if (utf8->missing > 0) {
        utf8->code = utf8->code << 6 | (byte & 0x3f);
        utf8->missing--;
        return (byte & 0xc0) == 0x80 &&
               (utf8->missing > 0 ||
                (utf8->code >= utf8->least && utf8->code <= 0x10ffff &&
                 (utf8->code < 0xd800 || utf8->code > 0xdfff)));
    }
    if (byte < 0x80) {
        return 1;
    }
    utf8->missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    utf8->least = byte >= 0xf0 ? 0x10000 : byte >= 0xe0 ? 0x800 : 0x80;
    utf8->code = byte & (0x3fu >> utf8->missing);
    return byte >= 0xc0 && byte < 0xf8;
}

static int take_hex(fci_sf_t *text, unsigned *out)
{
    static const char digits[] = "0123456789abcdef";
    char c = fci_sf_peek(text);
    const char *at = c ? strchr(digits, c) : NULL;
    if (!at) {
        return 0;
    }
    text->at++;
    *out = *out << 4 | (unsigned)(at - digits);
    return 1;
}

/* A string for people (RFC 9651 §3.3.8); no argument of ours. */
static int read_display_string(fci_sf_t *text, fci_argument_t *out)
{
    utf8_t utf8 = {0, 0, 0};
    text->at++; /* the percent sign */
    out->kind = FCI_ARGUMENT_BAD;
    if (!fci_sf_take(text, '"')) {
        return 0;
    }
    while (text->at < text->end) {
        char c = *text->at++;
        unsigned byte = 0;
        if (c == '"') {
            return utf8.missing == 0;
        }
        if (c < ' ' || c > '~') {
            return 0;
        }
        if (c != '%') {
            byte = (unsigned)c;
        } else if (!take_hex(text, &byte) || !take_hex(text, &byte)) {
            return 0;
        }
        if (!add_byte(&utf8, byte)) {
            return 0;
        }
    }
    return 0;
}

int fci_sf_bare_item(fci_sf_t *text, fci_argument_t *out, int *out_absent)
{
    char c = fci_sf_peek(text);
    *out_absent = 0;
    if (c == '-' || fci_is_digit(c)) {
        return read_number(text, out);
    }
    if (c == '"') {
        return fci_sf_string(text, out);
    }
    if (c == '*' || fci_is_lower(fci_lower(c))) {
        return read_token(text, out);
    }
    if (c == ':') {
        return read_byte_sequence(text, out);
    }
    if (c == '@') {
        return read_date(text, out);
    }
    if (c == '%') {
        return read_display_string(text, out);
    }
    return c == '?' && read_boolean(text, out, out_absent);
}

/* Parameters are ignored (RFC 9213 §2.1), but must be well formed. */
int fci_sf_parameters(fci_sf_t *text)
{
    while (fci_sf_take(text, ';')) {
        fcache_bytes_t key;
        fci_argument_t value;
        int absent;
        skip_spaces(text);
        if (!fci_sf_key(text, &key) ||
            (fci_sf_take(text, '=') &&
             !fci_sf_bare_item(text, &value, &absent))) {
            return 0;
        }
    }
    return 1;
}

int fci_sf_inner_list(fci_sf_t *text, fci_argument_t *out)
{
    text->at++; /* the bracket */
    out->kind = FCI_ARGUMENT_BAD;
    while (text->at < text->end) {
        fci_argument_t item;
        int absent;
        skip_spaces(text);
        if (fci_sf_take(text, ')')) {
            return 1;
        }
        if (!fci_sf_bare_item(text, &item, &absent) ||
            !fci_sf_parameters(text) ||
            (fci_sf_peek(text) != ' ' && fci_sf_peek(text) != ')')) {
            return 0;
        }
    }
    return 0;
}
