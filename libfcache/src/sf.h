/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_SF_H
#define FCI_SF_H

/*
 * Structured Fields (RFC 9651 §4.2): each call takes what it reads off the front
 * of the text. Those that can fail answer 0 for a syntax error, after which the
 * whole field does not exist.
 */

#include "cc.h"

typedef struct fci_sf_t {
    const char *at;
    const char *end;
} fci_sf_t;

/* The next character, NUL at the end. */
char fci_sf_peek(const fci_sf_t *text);

/* Takes that character if it is next. */
int fci_sf_take(fci_sf_t *text, char c);

/* Takes SP and HTAB. */
void fci_sf_skip_blanks(fci_sf_t *text);

int fci_sf_key(fci_sf_t *text, fcache_bytes_t *out_key);

/* At a quote: what the quotes enclose, with its backslashes. */
int fci_sf_string(fci_sf_t *text, fci_argument_t *out);

/* *out_absent: it is ?0. */
int fci_sf_bare_item(fci_sf_t *text, fci_argument_t *out, int *out_absent);

/* Checked and ignored. */
int fci_sf_parameters(fci_sf_t *text);

/* At a bracket; nothing that we know takes one. */
int fci_sf_inner_list(fci_sf_t *text, fci_argument_t *out);

#endif
