/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Clearing. Clock and counters are set in one act (transaction.c); where that
 * cannot be, the clock is read, the counters are set to a value above it, and the
 * clock is raised to that value or, if somebody else raised it meanwhile, one
 * further: so nobody sees a clock that is raised while a counter is not. Of those
 * who repair a lost clock only one gets to set the counter, and then all the clock
 * to the same.
 */

#include "dynamodb.h"

#include "request.h"

#include <apr_time.h>

#include <stdlib.h>

#define SHORT_MAX 65536
#define RACES_MAX 16 /* others may raise it between two of our requests */

/* Who is between the counter and the clock is given some time. */
#define LOOKS  8
#define NAP_US 5000

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
static uint64_t number_of(const fcr_found_t *found)
{
    char text[24] = "";
    if (found->exists && found->value.len < sizeof(text)) {
        memcpy(text, found->value.ptr, found->value.len);
    }
    return strtoull(text, NULL, 10);
}

typedef struct pair_t {
    uint64_t clock, counter;
} pair_t;

static fcache_status_t read_pair(fcd_store_t *store,
                                 const fcache_bytes_t names[2], pair_t *out,
                                 fcn_deadline_t deadline, fcache_error_t *error)
{
    fcr_found_t found[2] = {{0}};
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory");
    }
    fcache_status_t status =
        fcd_fetch(store, names[0], names, 2, found, deadline, pool, error);
    *out = (pair_t){number_of(&found[0]), number_of(&found[1])};
    apr_pool_destroy(pool);
    if (status == FCACHE_OK &&
        (out->clock >= FCR_CLOCK_MAX || out->counter >= FCR_CLOCK_MAX)) {
        status =
            fcache_error_set(error, FCACHE_PROTOCOL, "a clock that is no time");
    }
    return status;
}

static uint64_t above(uint64_t value, uint64_t least)
{
    return value >= least ? value + 1 : least;
}

static fcache_status_t set_counter(fcd_store_t *store, fcache_bytes_t counter,
                                   uint64_t value, fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    fcache_buf_t body;
    fcache_buf_init(&body, SHORT_MAX);
    fcache_status_t status =
        fcd_request_count(store->table, counter, value, &body);
    status = update(store, &body, status, NULL, deadline, error);
    /* EXISTS: a later clear set it further */
    return status == FCACHE_EXISTS ? FCACHE_OK : status;
}

static fcache_status_t set_in_order(fcd_store_t *store, fcache_bytes_t clock,
                                    const fcache_bytes_t *counters,
                                    size_t count, uint64_t floor,
                                    uint64_t *out_clock,
                                    fcn_deadline_t deadline,
                                    fcache_error_t *error)
{
    const fcache_bytes_t names[] = {clock, counters[0]};
    pair_t pair = {0};
    fcache_status_t status = read_pair(store, names, &pair, deadline, error);
    uint64_t value = above(pair.clock, floor);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = set_counter(store, counters[i], value, deadline, error);
    }
    return status == FCACHE_OK
               ? raise_clock(store, clock, value, out_clock, deadline, error)
               : status;
}

static fcache_status_t clear(fcd_store_t *store, fcache_bytes_t clock,
                             const fcache_bytes_t *counters, size_t count,
                             uint64_t floor, uint64_t *out_clock,
                             fcn_deadline_t deadline, fcache_error_t *error)
{
    fcache_status_t status = fcd_set_at_once(store, clock, counters, count,
                                             floor, out_clock, deadline, error);
    return status == FCACHE_EXISTS || status == FCACHE_UNSUPPORTED
               ? set_in_order(store, clock, counters, count, floor, out_clock,
                              deadline, error)
               : status;
}

/* ---- repairing ----------------------------------------------------------- */

typedef struct repair_t {
    fcd_store_t *store;
    const fcache_bytes_t *names; /* clock, counter */
    uint64_t known, floor;
    uint64_t met; /* the counter as it was found first */
    fcn_deadline_t deadline;
    fcache_error_t *error;
} repair_t;

static int is_repaired(const repair_t *repair, pair_t pair)
{
    return pair.clock > 0 && pair.clock >= repair->known &&
           pair.clock == pair.counter;
}

/* Somebody may be between the counter and the clock. */
static int is_half_repaired(const repair_t *repair, pair_t pair)
{
    return pair.counter > pair.clock && pair.counter >= repair->known;
}

static fcache_status_t swap(const repair_t *repair, fcache_bytes_t name,
                            uint64_t old, uint64_t value)
{
    fcache_buf_t body;
    fcache_buf_init(&body, SHORT_MAX);
    fcache_status_t status =
        fcd_request_swap(repair->store->table, name, old, value, &body);
    return update(repair->store, &body, status, NULL, repair->deadline,
                  repair->error);
}

/* EXISTS when somebody else was faster. What he began since we look is brought to
 * its end. */
static fcache_status_t set_pair(const repair_t *repair, pair_t pair,
                                uint64_t *out_clock)
{
    fcache_status_t status = FCACHE_OK;
    *out_clock = pair.counter;
    if (!is_half_repaired(repair, pair) || pair.counter == repair->met) {
        *out_clock = above(pair.counter, above(pair.clock, repair->floor));
        status = swap(repair, repair->names[1], pair.counter, *out_clock);
    }
    return status == FCACHE_OK
               ? swap(repair, repair->names[0], pair.clock, *out_clock)
               : status;
}

static fcache_status_t repair_once(repair_t *repair, int round,
                                   uint64_t *out_clock)
{
    pair_t pair = {0};
    fcache_status_t status = read_pair(repair->store, repair->names, &pair,
                                       repair->deadline, repair->error);
    *out_clock = pair.clock;
    if (status != FCACHE_OK || is_repaired(repair, pair)) {
        return status;
    }
    if (round == 0) {
        repair->met = pair.counter;
    }
    if (is_half_repaired(repair, pair) && pair.counter == repair->met &&
        round < LOOKS) {
        apr_sleep(NAP_US);
        return FCACHE_EXISTS;
    }
    return set_pair(repair, pair, out_clock);
}

static fcache_status_t repair_clock(repair_t *repair, uint64_t *out_clock)
{
    fcache_status_t status = FCACHE_EXISTS;
    for (int i = 0; status == FCACHE_EXISTS && i < RACES_MAX; i++) {
        status = repair_once(repair, i, out_clock);
    }
    return status == FCACHE_EXISTS
               ? fcache_error_set(repair->error, FCACHE_UNAVAILABLE,
                                  "too many repair the clock at once")
               : status;
}

fcache_status_t fcd_tick(void *self, const fcr_repair_t *repair,
                         fcache_bytes_t clock, const fcache_bytes_t *counters,
                         size_t count, uint64_t floor, uint64_t *out_clock,
                         fcn_deadline_t deadline, fcache_error_t *error)
{
    const fcache_bytes_t names[] = {clock, counters[0]};
    if (!repair) {
        return clear(self, clock, counters, count, floor, out_clock, deadline,
                     error);
    }
    repair_t one = {.store = self,
                    .names = names,
                    .known = repair->known,
                    .floor = floor,
                    .deadline = deadline,
                    .error = error};
    return repair_clock(&one, out_clock);
}
