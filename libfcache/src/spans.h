/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_SPANS_H
#define FCI_SPANS_H

#include <fcache/bytes.h>

/* How many bytes from the start may stand in a token (RFC 9110 §5.6.2). */
size_t fci_token_span(fcache_bytes_t bytes);

/* How many may stand in a field value: no controls but HTAB (§5.5). */
size_t fci_value_span(fcache_bytes_t bytes);

#endif
