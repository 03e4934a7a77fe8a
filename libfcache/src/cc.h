/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_CC_H
#define FCI_CC_H

/* Cache directives (RFC 9111 §5.2), whatever field they came in. */

#include <fcache/http.h>

typedef enum fci_argument_kind_t {
    FCI_ARGUMENT_NONE,   /* no argument */
    FCI_ARGUMENT_WORD,   /* a token or a number */
    FCI_ARGUMENT_QUOTED, /* text is what the quotes enclose */
    FCI_ARGUMENT_BAD     /* cannot be parsed */
} fci_argument_kind_t;

typedef struct fci_argument_t {
    fci_argument_kind_t kind;
    fcache_bytes_t text;
} fci_argument_t;

/* No directive seen yet. */
void fci_cc_init(fcache_cc_t *out_cc);

/* Notes a directive, which counts unless an earlier one of its name did.
 * Unknown ones are ignored (RFC 9111 §5.2.3). */
void fci_cc_note(fcache_cc_t *cc, fcache_bytes_t name, fci_argument_t argument);

/* As if that directive had not been seen. */
void fci_cc_forget(fcache_cc_t *cc, fcache_bytes_t name);

/* Does the directive take a number? */
int fci_cc_is_number(fcache_bytes_t name);

/* Is `name` in the list of a qualified no-cache or private? */
int fci_cc_names_field(const fcache_cc_t *cc, fcache_bytes_t name);

#endif
