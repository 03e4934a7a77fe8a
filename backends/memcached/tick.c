/* SPDX-License-Identifier: Apache-2.0 */
#include "tick.h"

#include <apr_time.h>

#define CLOCK "{fcache}clock"

#define MONTH_S INT64_C(2592000) /* memcached takes more for a date */

/* Two that tick at the same time make each other try again. */
#define TRIES  16
#define ROUNDS 4

uint32_t fcmc_exptime(int64_t ttl_us, int64_t now_us)
{
    int64_t seconds = ttl_us / 1000000 + (ttl_us % 1000000 > 0);
    if (seconds <= MONTH_S) {
        return (uint32_t)(seconds > 0 ? seconds : 1);
    }
    int64_t date = now_us / 1000000 + 1 + seconds;
    return date > INT32_MAX ? (uint32_t)MONTH_S : (uint32_t)date;
}

/* ---- one server ---- */

typedef struct tick_t {
    fcache_bytes_t names[2]; /* clock, counter */
    uint64_t target;         /* in: at least; out: as it was set */
    uint32_t counter_exptime;
    apr_pool_t *pool;
} tick_t;

static uint64_t value_of(const fcr_found_t *found)
{
    uint64_t number = 0;
    return found->exists && fcmc_number(found->value, &number) &&
                   number <= FCR_CLOCK_MAX
               ? number
               : 0;
}

/* Sets what was found to `value`, if it is as it was found. */
static fcache_status_t change(fcmc_conn_t *conn, fcache_bytes_t name,
                              const fcr_found_t *found, uint64_t value,
                              uint32_t exptime)
{
    char text[FCMC_DECIMAL_MAX];
    fcache_bytes_t piece = fcmc_decimal(value, text);
    fcmc_put_t put = {
        .mode = found->exists ? FCR_REPLACE : FCR_ADD,
        .name = name,
        .pieces = &piece,
        .piece_count = 1,
        .len = piece.len,
        .cas = found->cas,
        .exptime = exptime,
    };
    return conn->wire->put(conn, &put);
}

/*
 * The counter first, then the clock, and that only if it has not moved since it
 * was read: whoever sees the new clock sees the counter too, and no epoch that was
 * given out before is above the counter. A counter that was set in vain is ahead
 * of the clock for a moment, which makes too much old and never too little.
 */
static fcache_status_t tick_once(fcmc_conn_t *conn, tick_t *tick)
{
    fcr_found_t found[2];
    fcache_status_t status = conn->wire->get(
        conn, tick->names, 2, FCMC_DECIMAL_MAX, found, tick->pool);
    if (status != FCACHE_OK) {
        return status;
    }
    if ((found[0].exists && !found[0].cas) ||
        (found[1].exists && !found[1].cas)) {
        return fcache_error_set(conn->error, FCACHE_PROTOCOL,
                                "%s runs without cas (-C), which purges need",
                                conn->server);
    }
    uint64_t clock = value_of(&found[0]);
    uint64_t target = tick->target > clock ? tick->target : clock + 1;
    if (value_of(&found[1]) < target) {
        status = change(conn, tick->names[1], &found[1], target,
                        tick->counter_exptime);
    }
    if (status == FCACHE_OK) {
        status = change(conn, tick->names[0], &found[0], target, 0);
    }
    tick->target = target;
    return status;
}

static fcache_status_t tick_server(fcmc_conn_t *conn, void *baton)
{
    tick_t *tick = baton;
    fcache_status_t status = FCACHE_EXISTS;
    for (int i = 0; i < TRIES && status == FCACHE_EXISTS; i++) {
        apr_pool_clear(tick->pool);
        status = tick_once(conn, tick);
    }
    if (status == FCACHE_EXISTS || status == FCACHE_TOO_LARGE) {
        return fcache_error_set(conn->error, FCACHE_UNAVAILABLE,
                                "%s: its clock could not be set", conn->server);
    }
    return status;
}

typedef struct reading_t {
    fcr_found_t found;
    apr_pool_t *pool;
} reading_t;

static fcache_status_t read_clock(fcmc_conn_t *conn, void *baton)
{
    reading_t *reading = baton;
    fcache_bytes_t name = fcache_str(CLOCK);
    return conn->wire->get(conn, &name, 1, FCMC_DECIMAL_MAX, &reading->found,
                           reading->pool);
}

fcache_status_t fcmc_clock_read(fcmc_server_t *server, fcn_deadline_t deadline,
                                uint64_t *out_clock)
{
    reading_t reading = {0};
    if (apr_pool_create(&reading.pool, NULL) != APR_SUCCESS) {
        return FCACHE_NO_MEMORY;
    }
    fcache_status_t status =
        fcmc_talk(server, read_clock, &reading, deadline, NULL);
    *out_clock = status == FCACHE_OK ? value_of(&reading.found) : 0;
    apr_pool_destroy(reading.pool);
    return status;
}

static void raise_to(_Atomic uint64_t *number, uint64_t value)
{
    uint64_t old = atomic_load(number);
    while (old < value && !atomic_compare_exchange_weak(number, &old, value)) {
    }
}

static _Atomic uint64_t *seen_of(const fcmc_server_t *server)
{
    const fcmc_t *store = server->store;
    return &store->shared->clocks[server - store->servers];
}

uint64_t fcmc_clock_seen(const fcmc_server_t *server)
{
    return atomic_load(seen_of(server));
}

void fcmc_clock_doubt(fcache_bytes_t name, uint64_t seen, fcr_found_t *found)
{
    if (fcache_bytes_equal(name, fcache_str(CLOCK)) && value_of(found) < seen) {
        *found = (fcr_found_t){0};
    }
}

void fcmc_clock_saw(const fcmc_server_t *server, uint64_t clock)
{
    raise_to(seen_of(server), clock);
    raise_to(&server->store->shared->clock, clock);
}

/* ---- all servers ---- */

typedef struct sweep_t {
    fcmc_server_t *first; /* of `count` in a row */
    size_t count;
    uint64_t values[FCMC_SERVERS_MAX]; /* 0: failed */
    fcache_status_t status;            /* of the first that failed */
    fcache_error_t *error;
} sweep_t;

/* No server may use up the time of those behind it. */
static fcn_deadline_t share(fcn_deadline_t deadline, size_t left)
{
    int64_t now_us = fcn_clock_us();
    int64_t us = deadline.at_us > now_us ? deadline.at_us - now_us : 0;
    return fcn_deadline_in(us / (int64_t)left);
}

/* The highest clock of all that can be asked. */
static uint64_t read_all(const sweep_t *sweep, fcn_deadline_t deadline)
{
    uint64_t highest = 0;
    for (size_t i = 0; i < sweep->count; i++) {
        uint64_t clock = 0;
        if (fcmc_clock_read(&sweep->first[i],
                            share(deadline, 2 * (sweep->count - i)),
                            &clock) == FCACHE_OK &&
            clock > highest) {
            highest = clock;
        }
    }
    return highest;
}

/* Those behind the target; it becomes the highest value there is. */
static void tick_all(sweep_t *sweep, tick_t *tick, fcn_deadline_t deadline)
{
    uint64_t highest = tick->target;
    for (size_t i = 0; i < sweep->count; i++) {
        tick_t one = *tick;
        fcache_error_t error = {""};
        if (sweep->values[i] >= tick->target) {
            continue;
        }
        fcache_status_t status =
            fcmc_talk(&sweep->first[i], tick_server, &one,
                      share(deadline, sweep->count - i), &error);
        sweep->values[i] = status == FCACHE_OK ? one.target : 0;
        if (status == FCACHE_OK) {
            highest = one.target > highest ? one.target : highest;
        } else if (sweep->status == FCACHE_OK) {
            sweep->status =
                fcache_error_set(sweep->error, status,
                                 "not cleared on all servers: %s", error.text);
        }
    }
    tick->target = highest;
}

static int all_are_at(const sweep_t *sweep, uint64_t value)
{
    for (size_t i = 0; i < sweep->count; i++) {
        if (sweep->values[i] != value) {
            return 0;
        }
    }
    return 1;
}

fcache_status_t fcmc_tick(fcmc_t *store, const fcache_bytes_t *home,
                          fcache_bytes_t clock, fcache_bytes_t counter,
                          uint64_t floor, int64_t ttl_us, uint64_t *out_clock,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    tick_t tick = {.names = {clock, counter},
                   .target = floor ? floor : 1,
                   .counter_exptime = fcmc_exptime(ttl_us, apr_time_now())};
    sweep_t sweep = {.first =
                         home ? fcmc_fleet_of(store, *home) : store->servers,
                     .count = home ? 1 : store->count,
                     .error = error};
    if (apr_pool_create(&tick.pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "memcached: no memory for a clear");
    }
    if (sweep.count > 1) {
        uint64_t highest = read_all(&sweep, deadline);
        tick.target = tick.target > highest ? tick.target : highest + 1;
    }
    for (int i = 0; i < ROUNDS && sweep.status == FCACHE_OK &&
                    !all_are_at(&sweep, tick.target);
         i++) {
        tick_all(&sweep, &tick, deadline);
    }
    if (sweep.status == FCACHE_OK && !all_are_at(&sweep, tick.target)) {
        sweep.status = fcache_error_set(error, FCACHE_UNAVAILABLE,
                                        "memcached: too many clears at a time");
    }
    apr_pool_destroy(tick.pool);
    *out_clock = tick.target;
    return sweep.status;
}
