/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_VARY_H
#define FCI_VARY_H

/* What Vary selects by: names, and normalised request values (RFC 9111 §4.1).
 */

#include <fcache/key.h>
#include <fcache/policy.h>

/* Names as the response spells them, sorted without case, each once. */
typedef struct fci_vary_t {
    fcache_bytes_t names[FCACHE_VARY_MAX_NAMES];
    size_t count;
    int is_overfull; /* one more had no room */
} fci_vary_t;

/* Are all of the one among those of the other? */
int fci_vary_is_within(const fci_vary_t *inner, const fci_vary_t *outer);

/* What fcache_vary_names() appends. NONE, VARY_ANY (also for X-Forwarded-For), or
 * VARY_BAD also for too many names. */
fcache_reason_t fci_vary_collect(fcache_fields_t response_fields,
                                 fci_vary_t *out_vary);

/*
 * Appends the value that `name` (lower case) has in the request, all its lines
 * as one, in the form in which equal meanings have equal bytes; what is not
 * wholly of the field's syntax as it came. OK when the field is there, even if
 * empty; MISS, with nothing appended, when it is absent: an absent field matches
 * only an absent one. TOO_LARGE and NO_MEMORY as fcache_buf_append.
 */
fcache_status_t fci_vary_normalise(fcache_bytes_t name, fcache_fields_t fields,
                                   fcache_buf_t *out);

#define FCI_MAX_LANGUAGE 64 /* bytes of a language tag */

/* The language that the request wants before all others (RFC 9110 §12.5.4), in
 * small letters; its length, or 0 when there is not one. */
size_t fci_vary_language(fcache_fields_t fields, char out[FCI_MAX_LANGUAGE]);

/* Is all that Accept-Language says languages and their weights? */
int fci_vary_is_languages(fcache_fields_t fields);

#endif
