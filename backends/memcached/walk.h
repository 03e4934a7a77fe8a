/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_WALK_H
#define FCMC_WALK_H

/* What lies on the servers, for people: waits for seconds, not milliseconds. */

#include "fleet.h"

/* All names, by `lru_crawler metadump`, which memcached has in its text protocol
 * only: UNSUPPORTED with SASL. Servers that are down are left out. */
fcache_status_t fcmc_walk(fcmc_t *store, fcr_walk_fn fn, void *baton,
                          fcache_error_t *error);

/* Sums over the servers that answer; a fault when none does. */
fcache_status_t fcmc_census(fcmc_t *store, fcr_census_t *out_census,
                            fcache_error_t *error);

#endif
