/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_OPS_H
#define FCRD_OPS_H

/* The calls of remote/client.h as Redis commands; `self` is a fcrd_t. */

#include "../remote/client.h"

fcache_status_t fcrd_fetch(void *self, fcache_bytes_t home,
                           const fcache_bytes_t *names, size_t count,
                           fcr_found_t *out_found, fcn_deadline_t deadline,
                           apr_pool_t *pool, fcache_error_t *error);
fcache_status_t fcrd_store(void *self, const fcr_store_t *store,
                           fcn_deadline_t deadline, fcache_error_t *error);
fcache_status_t fcrd_remove(void *self, fcache_bytes_t name,
                            fcn_deadline_t deadline, fcache_error_t *error);
fcache_status_t fcrd_tick(void *self, const fcr_repair_t *repair,
                          fcache_bytes_t clock, const fcache_bytes_t *counters,
                          size_t count, uint64_t floor, uint64_t *out_clock,
                          fcn_deadline_t deadline, fcache_error_t *error);
fcache_status_t fcrd_seed(void *self, fcache_bytes_t home, fcache_bytes_t clock,
                          const fcache_bytes_t *counters, size_t count,
                          fcn_deadline_t deadline, fcache_error_t *error);
void fcrd_distrust(void *self, fcache_bytes_t home);
fcache_status_t fcrd_walk(void *self, fcr_walk_fn fn, void *baton,
                          fcache_error_t *error);
fcache_status_t fcrd_census(void *self, fcr_census_t *out_census,
                            fcache_error_t *error);

#endif
