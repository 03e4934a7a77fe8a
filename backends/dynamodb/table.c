/* SPDX-License-Identifier: Apache-2.0 */

/* The table as a whole: listing it, describing it, making it. */

#include "dynamodb.h"

#include "request.h"

#include <time.h>

#define SHORT_MAX 65536
/* A page is at most 1 MB of items, which takes longer than what requests wait
 * for. */
#define PAGE_MAX  (2u * 1024 * 1024)
#define PAGE_US   INT64_C(10000000)
#define MAKING_US INT64_C(120000000)
#define POLL_NS   300000000

/* ---- walk ---------------------------------------------------------------- */

static fcache_status_t walk_page(fcd_store_t *store, fcr_walk_fn fn,
                                 void *baton, fcache_buf_t *after,
                                 fcache_error_t *error)
{
    fcache_buf_t body;
    fcache_buf_t reply;
    fcache_bytes_t next = {NULL, 0};
    apr_pool_t *pool = NULL;
    fcd_exchange_t exchange = {
        .operation = "Scan",
        .reply = &reply,
        .deadline = fcn_deadline_in(PAGE_US),
        .read_us = PAGE_US,
    };
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory");
    }
    fcache_buf_init(&body, SHORT_MAX);
    fcache_buf_init(&reply, PAGE_MAX);
    fcache_status_t status =
        fcd_request_scan(store->table, fcache_buf_bytes(after), &body);
    status = fcd_exchange(store, &exchange, &body, status, error);
    if (status == FCACHE_OK) {
        status = fcd_reply_scan(fcache_buf_bytes(&reply), fn, baton, &next,
                                pool, error);
    }
    after->len = 0;
    if (status == FCACHE_OK) {
        status = fcache_buf_append(after, next);
    }
    fcache_buf_fini(&reply);
    apr_pool_destroy(pool);
    return status;
}

fcache_status_t fcd_walk(void *self, fcr_walk_fn fn, void *baton,
                         fcache_error_t *error)
{
    fcd_store_t *store = self;
    fcache_buf_t after; /* the last name of the page before */
    fcache_status_t status;
    fcache_buf_init(&after, 4096);
    do {
        status = walk_page(store, fn, baton, &after, error);
    } while (status == FCACHE_OK && after.len > 0);
    fcache_buf_fini(&after);
    return status;
}

/* ---- census -------------------------------------------------------------- */

static fcache_status_t read_table(void *baton, fcache_bytes_t reply,
                                  fcache_error_t *error)
{
    return fcd_reply_table(reply, baton, error);
}

/* `out_remedy` (may be NULL) tells a table that is not there. */
static fcache_status_t describe(fcd_store_t *store, fcn_deadline_t deadline,
                                fcd_table_t *out_table,
                                fcd_remedy_t *out_remedy, fcache_error_t *error)
{
    fcache_buf_t body;
    fcache_buf_t reply;
    fcd_exchange_t exchange = {
        .operation = "DescribeTable",
        .reply = &reply,
        .deadline = deadline,
        .read_us = PAGE_US,
        .read = read_table,
        .baton = out_table,
    };
    fcache_buf_init(&body, SHORT_MAX);
    fcache_buf_init(&reply, SHORT_MAX);
    fcache_status_t status = fcd_request_describe(store->table, &body);
    status = fcd_exchange(store, &exchange, &body, status, error);
    if (out_remedy) {
        *out_remedy = exchange.failure.remedy;
    }
    fcache_buf_fini(&reply);
    return status;
}

/* As the service counts, every six hours; counters of clears are items too. */
fcache_status_t fcd_census(void *self, fcr_census_t *out_census,
                           fcache_error_t *error)
{
    fcd_table_t table = {0};
    fcd_store_t *store = self;
    fcache_status_t status =
        describe(store, fcn_deadline_in(store->service.limits->store_us),
                 &table, NULL, error);
    out_census->entries = table.items;
    out_census->bytes_used = table.bytes;
    return status;
}

/* ---- setup --------------------------------------------------------------- */

static fcache_status_t change(fcd_store_t *store, const char *operation,
                              fcache_buf_t *body, fcache_status_t built,
                              fcache_error_t *error)
{
    fcache_buf_t reply;
    fcd_exchange_t exchange = {
        .operation = operation,
        .reply = &reply,
        .deadline = fcn_deadline_in(PAGE_US),
        .read_us = PAGE_US,
    };
    fcache_buf_init(&reply, SHORT_MAX);
    fcache_status_t status = fcd_exchange(store, &exchange, body, built, error);
    fcache_buf_fini(&reply);
    return status;
}

static fcache_status_t make(fcd_store_t *store, fcache_error_t *error)
{
    fcache_buf_t body;
    fcache_buf_init(&body, SHORT_MAX);
    fcache_status_t status = fcd_request_create(store->table, &body);
    status = change(store, "CreateTable", &body, status, error);
    return status == FCACHE_EXISTS ? FCACHE_OK : status;
}

static fcache_status_t wait_until_active(fcd_store_t *store,
                                         fcd_table_t *out_table,
                                         fcache_error_t *error)
{
    const struct timespec pause = {0, POLL_NS};
    fcn_deadline_t end = fcn_deadline_in(MAKING_US);
    fcache_status_t status;
    fcd_remedy_t remedy;
    for (;;) {
        status = describe(store, fcn_deadline_in(PAGE_US), out_table, &remedy,
                          error);
        if ((status != FCACHE_OK && remedy != FCD_REMEDY_TABLE) ||
            (status == FCACHE_OK && out_table->is_active)) {
            return status;
        }
        if (fcn_deadline_left_ms(end) == 0) {
            return fcache_error_set(error, FCACHE_TIMEOUT,
                                    "the table \"%.100s\" is still being made",
                                    store->table_name);
        }
        nanosleep(&pause, NULL);
    }
}

/* Has the service delete what has expired. That it does already is no error,
 * though it is one to the service. */
static fcache_status_t let_expire(fcd_store_t *store, fcache_error_t *error)
{
    fcache_buf_t body;
    fcache_error_t why = {""};
    fcache_buf_init(&body, SHORT_MAX);
    fcache_status_t status = fcd_request_expiry(store->table, &body);
    status = change(store, "UpdateTimeToLive", &body, status, &why);
    return status == FCACHE_OK || status == FCACHE_EXISTS
               ? FCACHE_OK
               : fcache_error_set(error, status,
                                  "the table \"%.100s\" is there, but items "
                                  "are not deleted when they expire: %s",
                                  store->table_name, why.text);
}

fcache_status_t fcd_setup(void *self, fcache_error_t *error)
{
    fcd_store_t *store = self;
    fcd_table_t table = {0};
    fcache_status_t status = make(store, error);
    if (status == FCACHE_OK) {
        status = wait_until_active(store, &table, error);
    }
    if (status == FCACHE_OK && !table.has_our_key) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "the table \"%.100s\" has another key than n, "
                                "a string",
                                store->table_name);
    }
    return status == FCACHE_OK ? let_expire(store, error) : status;
}
