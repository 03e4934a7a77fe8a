/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_TICK_H
#define FCMC_TICK_H

/* The invalidation clocks of the servers; the rules are in remote.h, what becomes
 * of a server that missed a clear is in fleet.h. Any thread. */

#include "fleet.h"

/* A clear: see fcr_client_ops_t. */
fcache_status_t fcmc_tick(fcmc_t *store, const fcache_bytes_t *home,
                          fcache_bytes_t clock, fcache_bytes_t counter,
                          uint64_t floor, int64_t ttl_us, uint64_t *out_clock,
                          fcn_deadline_t deadline, fcache_error_t *error);

/* The server's clock; 0 when it has none, or one that is no number. */
fcache_status_t fcmc_clock_read(fcmc_server_t *server, fcn_deadline_t deadline,
                                uint64_t *out_clock);

/* Another server's clock stands so: a server whose own is below missed a clear. */
void fcmc_clock_saw(const fcmc_server_t *server, uint64_t clock);

/* The highest that its clock must have reached. */
uint64_t fcmc_clock_seen(const fcmc_server_t *server);

/* A clock that was found below what had been seen before it was read is as good as
 * lost: then nothing was found. */
void fcmc_clock_doubt(fcache_bytes_t name, uint64_t seen, fcr_found_t *found);

/* A life as memcached counts it: seconds, rounded up, from now up to 30 days, and
 * since 1970 beyond. */
uint32_t fcmc_exptime(int64_t ttl_us, int64_t now_us);

#endif
