/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_DYNAMODB_H
#define FCD_DYNAMODB_H

/*
 * Items in a DynamoDB table: `dynamodb://TABLE?region=...`. A tour:
 *
 *   request.c   what is asked, as JSON; the layout of an item
 *   reply.c     what is answered; failure.c what errors mean
 *   sigv4.c     signatures
 *   secret.c, source.c, credentials.c   whose they are, and keeping them fresh
 *   http.c, trust.c, service.c   connections, TLS, one exchange
 *   transaction.c   clock and counters in one act
 *   items.c, clock.c, table.c   the rows of remote/client.h
 */

#include "service.h"

#include "../remote/client.h"

/* An item may have 400 KB with the names of its attributes; some is for the
 * name and the numbers beside the value. */
#define FCD_ITEM_MAX  409600
#define FCD_VALUE_MAX (FCD_ITEM_MAX - 256)

typedef struct fcd_store_t {
    fcd_service_t service;
    fcache_bytes_t table;
    const char *table_name;
    _Atomic int lacks_transactions; /* a service that is not Amazon's */
} fcd_store_t;

/* One exchange: `body`, which `status` says was built or not, is sent and freed;
 * sent again while another's transaction has the item, TIMEOUT when the deadline
 * comes. FCACHE_UNAVAILABLE names what makes a table that is missing. */
fcache_status_t fcd_exchange(fcd_store_t *store, fcd_exchange_t *exchange,
                             fcache_buf_t *body, fcache_status_t status,
                             fcache_error_t *error);

/* Somebody is in the way: waits for half of the pause to all of it, the next one
 * is twice as long. 0 when the deadline would pass. */
#define FCD_PAUSE_MS 5
int fcd_pause(int *pause_ms, fcn_deadline_t deadline);

/*
 * Sets clock and counters to one value, `floor` or above what was there, in one
 * act (transaction.c). EXISTS: not so, as somebody else is at it all the time;
 * UNSUPPORTED: the service knows no transactions.
 */
fcache_status_t fcd_set_at_once(fcd_store_t *store, fcache_bytes_t clock,
                                const fcache_bytes_t *counters, size_t count,
                                uint64_t floor, uint64_t *out_clock,
                                fcn_deadline_t deadline, fcache_error_t *error);

/* The rows: transaction.c, */
fcache_status_t fcd_fetch_counters(void *self, fcache_bytes_t home,
                                   const fcache_bytes_t *names, size_t count,
                                   fcr_found_t *out_found,
                                   fcn_deadline_t deadline, apr_pool_t *pool,
                                   fcache_error_t *error);
/* items.c, */
fcache_status_t fcd_fetch(void *self, fcache_bytes_t home,
                          const fcache_bytes_t *names, size_t count,
                          fcr_found_t *out_found, fcn_deadline_t deadline,
                          apr_pool_t *pool, fcache_error_t *error);
fcache_status_t fcd_store(void *self, const fcr_store_t *store,
                          fcn_deadline_t deadline, fcache_error_t *error);
fcache_status_t fcd_remove(void *self, fcache_bytes_t name,
                           fcn_deadline_t deadline, fcache_error_t *error);
/* clock.c, */
fcache_status_t fcd_tick(void *self, const fcr_repair_t *repair,
                         fcache_bytes_t clock, const fcache_bytes_t *counters,
                         size_t count, uint64_t floor, uint64_t *out_clock,
                         fcn_deadline_t deadline, fcache_error_t *error);
/* table.c. */
fcache_status_t fcd_walk(void *self, fcr_walk_fn fn, void *baton,
                         fcache_error_t *error);
fcache_status_t fcd_census(void *self, fcr_census_t *out_census,
                           fcache_error_t *error);
fcache_status_t fcd_setup(void *self, fcache_error_t *error);

extern const fcr_client_ops_t fcd_client;
extern const fcache_backend_ops_t fcache_dynamodb_ops;

#endif
