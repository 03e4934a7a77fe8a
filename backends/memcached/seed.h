/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_SEED_H
#define FCMC_SEED_H

/*
 * Counters that were evicted, or never set, made with the clock's value. Memcached
 * has no act on two items, so a seedling is put first, which counts as no counter;
 * then the clock is read, and the seedling replaced by its cas. A clear that came
 * between has replaced it before. Any thread.
 */

#include "fleet.h"

/* See fcr_client_ops_t. */
fcache_status_t fcmc_seed(fcmc_server_t *server, fcache_bytes_t clock,
                          const fcache_bytes_t *counters, size_t count,
                          fcn_deadline_t deadline, fcache_error_t *error);

/* A seedling is nothing that was found. */
void fcmc_counter_found(fcache_bytes_t name, fcr_found_t *found);

#endif
