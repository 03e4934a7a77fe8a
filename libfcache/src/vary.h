/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_VARY_H
#define FCI_VARY_H

/* What Vary selects by: normalised request values (RFC 9111 §4.1). */

#include <fcache/http.h>

/*
 * Appends the value that `name` (lower case) has in the request, all its lines
 * as one, in the form in which equal meanings have equal bytes. OK when the
 * field is there, even if empty; MISS, with nothing appended, when it is
 * absent: an absent field matches only an absent one. TOO_LARGE and NO_MEMORY
 * as fcache_buf_append.
 */
fcache_status_t fci_vary_normalise(fcache_bytes_t name, fcache_fields_t fields,
                                   fcache_buf_t *out);

#endif
