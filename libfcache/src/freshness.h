/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_FRESHNESS_H
#define FCI_FRESHNESS_H

/* Age and lifetime of a response as the origin states them (RFC 9111 §4.2). */

#include <fcache/policy.h>

/* `us` moved by `seconds`, which may be negative; stops at the type's ends. */
int64_t fci_us_add(int64_t us, int64_t seconds);

/* Whole seconds from `from_us` to `to_us`, rounded down, never negative. */
int64_t fci_seconds_between(int64_t from_us, int64_t to_us);

/* corrected_initial_age of RFC 9111 §4.2.3, at most FCACHE_DELTA_MAX. */
int64_t fci_initial_age(const fcache_policy_t *policy, fcache_fields_t fields,
                        int64_t request_us, int64_t response_us);

/* The lifetime that s-maxage, max-age or Expires give (RFC 9111 §4.2.1), 0 for
 * one that cannot be parsed, FCACHE_NO_DELTA for none. Without `expires` that
 * field does not count (RFC 9213 §2.2). */
int64_t fci_explicit_lifetime(fcache_fields_t fields, const fcache_cc_t *cc,
                              int expires, int64_t response_us);

/* A tenth of the time since Last-Modified (RFC 9111 §4.2.2), or
 * FCACHE_NO_DELTA. */
int64_t fci_heuristic_lifetime(fcache_fields_t fields, int64_t response_us);

/* How long an entry of these flags may be served stale when `window_s` is what
 * somebody allows: up to max_stale_s, 0 for never. */
int64_t fci_stale_window(const fcache_policy_t *policy, unsigned entry_flags,
                         int64_t window_s);

#endif
