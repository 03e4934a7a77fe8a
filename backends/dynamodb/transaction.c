/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Clock and counters in one act. A transaction's items change one after the other,
 * and a BatchGetItem may see some of them new and some old: the new clock without
 * its counters. So who has seen the clock reads the counters by a transaction too,
 * which the service refuses while another's has one of them, and which begins when
 * that of the clock has: it finds them as that has set them.
 */

#include "dynamodb.h"

#include "request.h"

#define REQUEST_MAX (FCD_BATCH_MAX * 2048)
#define REPLY_MAX   65536
#define RACES_MAX   16

_Static_assert(FCR_TICK_MAX + 1 <= FCD_BATCH_MAX, "a tick is a transaction");

/* UNSUPPORTED is remembered: who knows no transactions writes in order, and that
 * is as good to read without them. */
static fcache_status_t transact(fcd_store_t *store, fcd_exchange_t *exchange,
                                fcache_buf_t *body, fcache_status_t built,
                                fcache_error_t *error)
{
    fcache_buf_t reply;
    fcache_buf_init(&reply, REPLY_MAX);
    exchange->reply = &reply;
    fcache_status_t status = fcd_exchange(store, exchange, body, built, error);
    fcache_buf_fini(&reply);
    if (status == FCACHE_UNSUPPORTED) {
        atomic_store(&store->lacks_transactions, 1);
    }
    return status;
}

/* ---- setting ------------------------------------------------------------- */

/* EXISTS: one is there already, out_failure->highest, or somebody else is at it. */
static fcache_status_t set_once(fcd_store_t *store, fcache_bytes_t clock,
                                const fcache_bytes_t *counters, size_t count,
                                uint64_t value, fcd_failure_t *out_failure,
                                fcn_deadline_t again, fcn_deadline_t deadline,
                                fcache_error_t *error)
{
    fcache_buf_t body;
    fcd_exchange_t exchange = {
        .operation = "TransactWriteItems",
        .deadline = deadline,
        .again = again,
    };
    fcache_buf_init(&body, REQUEST_MAX);
    fcache_status_t status =
        fcd_request_counts(store->table, clock, counters, count, value, &body);
    status = transact(store, &exchange, &body, status, error);
    *out_failure = exchange.failure;
    return exchange.failure.remedy == FCD_REMEDY_AGAIN ? FCACHE_EXISTS : status;
}

/* Others are waited for half of the time; the rest is for what does without. */
fcache_status_t fcd_set_at_once(fcd_store_t *store, fcache_bytes_t clock,
                                const fcache_bytes_t *counters, size_t count,
                                uint64_t floor, uint64_t *out_clock,
                                fcn_deadline_t deadline, fcache_error_t *error)
{
    const fcn_deadline_t half = fcn_deadline_share(deadline, 2);
    uint64_t value = floor;
    fcd_failure_t failure;
    if (atomic_load(&store->lacks_transactions)) {
        return FCACHE_UNSUPPORTED;
    }
    for (int i = 0; i < RACES_MAX; i++) {
        *out_clock = value;
        fcache_status_t status = set_once(store, clock, counters, count, value,
                                          &failure, half, deadline, error);
        if (status != FCACHE_EXISTS || failure.highest < value) {
            return status;
        }
        if (failure.highest >= FCR_CLOCK_MAX) {
            return fcache_error_set(error, FCACHE_PROTOCOL,
                                    "a clock that is no time");
        }
        value = failure.highest + 1;
    }
    return FCACHE_EXISTS;
}

/* ---- reading ------------------------------------------------------------- */

/* Of one request. */
typedef struct reading_t {
    const fcache_bytes_t *names;
    size_t count;
    fcr_found_t *found;
    apr_pool_t *pool;
} reading_t;

static fcache_status_t read_counters(void *baton, fcache_bytes_t reply,
                                     fcache_error_t *error)
{
    const reading_t *reading = baton;
    return fcd_reply_counters(reply, reading->names, reading->count,
                              reading->found, reading->pool, error);
}

static fcache_status_t read_at_once(fcd_store_t *store, reading_t *reading,
                                    fcn_deadline_t deadline,
                                    fcache_error_t *error)
{
    fcache_buf_t body;
    fcd_exchange_t exchange = {
        .operation = "TransactGetItems",
        .deadline = deadline,
        .read = read_counters,
        .baton = reading,
    };
    if (atomic_load(&store->lacks_transactions)) {
        return FCACHE_UNSUPPORTED;
    }
    fcache_buf_init(&body, REQUEST_MAX);
    fcache_status_t status = fcd_request_counters(store->table, reading->names,
                                                  reading->count, &body);
    status = transact(store, &exchange, &body, status, error);
    return status == FCACHE_EXISTS
               ? fcache_error_set(error, FCACHE_PROTOCOL,
                                  "DynamoDB refuses to read counters")
               : status;
}

fcache_status_t fcd_fetch_counters(void *self, fcache_bytes_t home,
                                   const fcache_bytes_t *names, size_t count,
                                   fcr_found_t *out_found,
                                   fcn_deadline_t deadline, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t at = 0; status == FCACHE_OK && at < count;) {
        reading_t reading = {
            .names = names + at,
            .count = count - at < FCD_BATCH_MAX ? count - at : FCD_BATCH_MAX,
            .found = out_found + at,
            .pool = pool,
        };
        status = read_at_once(self, &reading, deadline, error);
        at += reading.count;
    }
    return status == FCACHE_UNSUPPORTED
               ? fcd_fetch(self, home, names, count, out_found, deadline, pool,
                           error)
               : status;
}
