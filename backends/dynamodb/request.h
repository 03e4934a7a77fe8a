/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_REQUEST_H
#define FCD_REQUEST_H

/*
 * The bodies of our requests. An item of the table is
 *
 *   n  S  the name, the table's only key
 *   s  B  the first FCR_STAMP_BYTES of a value, by which REPLACE knows it
 *   v  B  the rest of it
 *   c  N  in place of s and v: a counter's number
 *   t  N  seconds since the epoch, when the service may delete it
 *
 * Each function appends to `out`; TOO_LARGE past its ceiling, NO_MEMORY. What is
 * filled in is escaped. Pure; any thread.
 */

#include "../remote/client.h"

/* What one BatchGetItem or transaction may name. */
#define FCD_BATCH_MAX 100

/* BatchGetItem of those names whose flag in `pending` is set, strongly
 * consistent. At most FCD_BATCH_MAX are. */
fcache_status_t fcd_request_fetch(fcache_bytes_t table,
                                  const fcache_bytes_t *names,
                                  const unsigned char *pending, size_t count,
                                  fcache_buf_t *out);

/* PutItem of `value`, which is store's pieces in one. */
fcache_status_t fcd_request_put(fcache_bytes_t table, const fcr_store_t *store,
                                fcache_bytes_t value, fcache_buf_t *out);

/* DeleteItem that fails its condition when there is none. */
fcache_status_t fcd_request_delete(fcache_bytes_t table, fcache_bytes_t name,
                                   fcache_buf_t *out);

/* UpdateItem that adds one to the clock, if it is at least `floor`, */
fcache_status_t fcd_request_step(fcache_bytes_t table, fcache_bytes_t clock,
                                 uint64_t floor, fcache_buf_t *out);

/* or lifts it to `floor`, if it is below or not there; */
fcache_status_t fcd_request_lift(fcache_bytes_t table, fcache_bytes_t clock,
                                 uint64_t floor, fcache_buf_t *out);

/* or sets it or a counter to `value`, if it is still `old` or not there; */
fcache_status_t fcd_request_swap(fcache_bytes_t table, fcache_bytes_t name,
                                 uint64_t old, uint64_t value,
                                 fcache_buf_t *out);

/* and that sets a counter, unless it is higher already. */
fcache_status_t fcd_request_count(fcache_bytes_t table, fcache_bytes_t counter,
                                  uint64_t value, fcache_buf_t *out);

/* TransactWriteItems that sets clock and counters, unless one of them is there or
 * further already, and tells those; at most FCR_TICK_MAX counters. */
fcache_status_t fcd_request_counts(fcache_bytes_t table, fcache_bytes_t clock,
                                   const fcache_bytes_t *counters, size_t count,
                                   uint64_t value, fcache_buf_t *out);

/* TransactGetItems of FCD_BATCH_MAX at most, all different. */
fcache_status_t fcd_request_counters(fcache_bytes_t table,
                                     const fcache_bytes_t *names, size_t count,
                                     fcache_buf_t *out);

/* Scan of all entries behind the item `after` (len 0: from the start). */
fcache_status_t fcd_request_scan(fcache_bytes_t table, fcache_bytes_t after,
                                 fcache_buf_t *out);

/* DescribeTable, CreateTable, UpdateTimeToLive. */
fcache_status_t fcd_request_describe(fcache_bytes_t table, fcache_buf_t *out);
fcache_status_t fcd_request_create(fcache_bytes_t table, fcache_buf_t *out);
fcache_status_t fcd_request_expiry(fcache_bytes_t table, fcache_buf_t *out);

#endif
