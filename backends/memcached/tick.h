/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_TICK_H
#define FCMC_TICK_H

/*
 * The invalidation clocks of the servers; the rules are in remote.h, why nothing
 * purged comes back is in fleet.h. What lies under the clock's name is two numbers:
 * the clock, and what it was set to by the last clear that was for all servers.
 * The former may differ between servers, as one that lost its clock gets a new one
 * alone; by the latter one sees who missed a clear. Any thread.
 */

#include "fleet.h"

/* A clear or a repair: see fcr_client_ops_t. */
fcache_status_t fcmc_tick(fcmc_t *store, const fcr_repair_t *repair,
                          fcache_bytes_t clock, const fcache_bytes_t *counters,
                          size_t count, uint64_t floor, uint64_t *out_clock,
                          fcn_deadline_t deadline, fcache_error_t *error);

/*
 * Before a server's answers are believed: have all servers been compared since it
 * failed last, or this process began? If not they are asked, those that can be.
 * One that missed a clear owes it from then on, and one without a clock gets one,
 * with which all it has from before is gone.
 */
void fcmc_compare(fcmc_server_t *server, fcn_deadline_t deadline);

/* The clock in what was found under its name, in decimal; empty: there is none. */
fcache_bytes_t fcmc_clock_text(const fcr_found_t *found);

/* Makes a clock that was found what remote.h knows: a number, or nothing where the
 * server owes a clear. */
void fcmc_clock_found(const fcmc_server_t *server, fcache_bytes_t name,
                      fcr_found_t *found);

/* A life as memcached counts it: its seconds, of which the one that runs is the
 * first and may end at once. No shorter than `ttl_us`, but for 30 days at most. */
uint32_t fcmc_exptime(int64_t ttl_us);

#endif
