/* SPDX-License-Identifier: Apache-2.0 */
#include "cc.h"

#include "sf.h"

/*
 * CDN-Cache-Control (RFC 9213), a dictionary of Structured Fields (RFC 9651
 * §4.2.2). One error anywhere and the field does not exist.
 */

static int read_member(fci_sf_t *text, fcache_cc_t *cc)
{
    fcache_bytes_t key;
    fci_argument_t value = {FCI_ARGUMENT_NONE, {NULL, 0}};
    int absent = 0;
    if (!fci_sf_key(text, &key)) {
        return 0;
    }
    if (fci_sf_take(text, '=') &&
        !(fci_sf_peek(text) == '(' ? fci_sf_inner_list(text, &value)
                                   : fci_sf_bare_item(text, &value, &absent))) {
        return 0;
    }
    if (!fci_sf_parameters(text)) {
        return 0;
    }
    if (value.kind == FCI_ARGUMENT_QUOTED && fci_cc_is_number(key)) {
        value.kind = FCI_ARGUMENT_BAD; /* not coerced (RFC 9213 §2.1) */
    }
    fci_cc_forget(cc, key); /* the last one counts (RFC 9651 §4.2.2) */
    if (!absent) {
        fci_cc_note(cc, key, value);
    }
    return 1;
}

/* One line: members with commas between them. */
static int read_members(fci_sf_t *text, fcache_cc_t *cc)
{
    do {
        fci_sf_skip_blanks(text);
        if (!read_member(text, cc)) {
            return 0;
        }
        fci_sf_skip_blanks(text);
    } while (fci_sf_take(text, ','));
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
        fci_sf_t text = {value.ptr, value.ptr + value.len};
        is_valid = read_members(&text, out_cc);
        line = fcache_fields_find(fields, name, line + 1);
    }
    return is_valid;
}
