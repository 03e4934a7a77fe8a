/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Clearing. The clock is read, the counter set to a value above it, and the clock
 * raised to that value or, if somebody else raised it meanwhile, one further. So
 * nobody sees a clock that is raised while the counter is not.
 */

#include "dynamodb.h"

#include "request.h"

#include <stdlib.h>

#define SHORT_MAX 65536
#define RACES_MAX 16 /* others may raise it between two of our requests */

typedef struct raised_t {
    uint64_t clock;
} raised_t;

static fcache_status_t read_raised(void *baton, fcache_bytes_t reply,
                                   fcache_error_t *error)
{
    return fcd_reply_clock(reply, &((raised_t *)baton)->clock, error);
}

static fcache_status_t update(fcd_store_t *store, fcache_buf_t *body,
                              fcache_status_t built, raised_t *raised,
                              fcn_deadline_t deadline, fcache_error_t *error)
{
    fcache_buf_t reply;
    fcd_exchange_t exchange = {
        .operation = "UpdateItem",
        .reply = &reply,
        .deadline = deadline,
        .read = raised ? read_raised : NULL,
        .baton = raised,
    };
    fcache_buf_init(&reply, SHORT_MAX);
    fcache_status_t status = fcd_exchange(store, &exchange, body, built, error);
    fcache_buf_fini(&reply);
    return status;
}

/* To `floor`, or one further where it is there already. */
static fcache_status_t raise_clock(fcd_store_t *store, fcache_bytes_t clock,
                                   uint64_t floor, uint64_t *out_clock,
                                   fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    raised_t raised = {0};
    fcache_status_t status = FCACHE_EXISTS;
    for (int i = 0; status == FCACHE_EXISTS && i < RACES_MAX; i++) {
        fcache_buf_t body;
        fcache_buf_init(&body, SHORT_MAX);
        status = i % 2 == 0
                     ? fcd_request_lift(store->table, clock, floor, &body)
                     : fcd_request_step(store->table, clock, floor, &body);
        status = update(store, &body, status, &raised, deadline, error);
    }
    *out_clock = raised.clock;
    return status == FCACHE_EXISTS
               ? fcache_error_set(error, FCACHE_UNAVAILABLE,
                                  "too many raise the clock at once")
               : status;
}

/* 0 when there is none, or it is no number. */
static fcache_status_t read_clock(fcd_store_t *store, fcache_bytes_t clock,
                                  uint64_t *out_clock, fcn_deadline_t deadline,
                                  fcache_error_t *error)
{
    fcr_found_t found = {0};
    char text[24] = "";
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory");
    }
    fcache_status_t status =
        fcd_fetch(store, clock, &clock, 1, &found, deadline, pool, error);
    if (status == FCACHE_OK && found.exists && found.value.len < sizeof(text)) {
        memcpy(text, found.value.ptr, found.value.len);
        *out_clock = strtoull(text, NULL, 10);
    }
    apr_pool_destroy(pool);
    return status;
}

fcache_status_t fcd_tick(void *self, const fcache_bytes_t *home,
                         fcache_bytes_t clock, fcache_bytes_t counter,
                         uint64_t floor, uint64_t *out_clock,
                         fcn_deadline_t deadline, fcache_error_t *error)
{
    fcd_store_t *store = self;
    fcache_buf_t body;
    uint64_t old = 0;
    (void)home; /* the table has one clock */
    fcache_status_t status = read_clock(store, clock, &old, deadline, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (old >= FCR_CLOCK_MAX) {
        return fcache_error_set(error, FCACHE_PROTOCOL,
                                "a clock that is no time");
    }
    uint64_t value = old + 1 > floor ? old + 1 : floor;
    fcache_buf_init(&body, SHORT_MAX);
    status = fcd_request_count(store->table, counter, value, &body);
    status = update(store, &body, status, NULL, deadline, error);
    if (status != FCACHE_OK && status != FCACHE_EXISTS) {
        return status; /* EXISTS: a later clear set it further */
    }
    return raise_clock(store, clock, value, out_clock, deadline, error);
}
