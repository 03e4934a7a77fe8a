/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_STORED_FIELDS_H
#define FCI_STORED_FIELDS_H

/* Which fields of a response an entry keeps, and what a 304 makes of them. */

#include <fcache/policy.h>

#define FCI_MAX_FIELDS 100 /* of a stored response (T14) */

/*
 * The fields of a stored response as a 304 changes them (RFC 9111 §3.2), by
 * views into both, in `space` for at most `capacity`; a longer result is cut
 * there. Date and Age are those of the 304 or absent: it starts the age anew.
 */
fcache_fields_t fci_fields_merge(const fcache_policy_t *policy,
                                 fcache_bytes_t stored_block,
                                 fcache_fields_t update, fcache_field_t *space,
                                 size_t capacity);

#endif
