/* SPDX-License-Identifier: Apache-2.0 */
#include "tick.h"

#include "../remote/counters.h"
#include "../remote/purge.h"

#include <apr_strings.h>
#include <apr_time.h>

#define MONTH_S INT64_C(2592000) /* memcached takes more for a date */

/* Two that tick at the same time make each other try again. */
#define TRIES  16
#define ROUNDS 4

#define STATE_MAX 64 /* bytes of a clock or counter */

/* A clear reaches one server after the other: who seems to have missed it is
 * looked at again. */
#define LOOKS  5
#define NAP_US 2000

uint32_t fcmc_exptime(int64_t ttl_us)
{
    int64_t seconds = ttl_us / 1000000 + (ttl_us % 1000000 > 0) + 1;
    return (uint32_t)(seconds < MONTH_S ? seconds : MONTH_S);
}

/* ---- one server ---- */

typedef struct state_t {
    int exists;
    uint64_t clock, cleared;
} state_t;

typedef struct tick_t {
    const fcache_bytes_t *names; /* clock, counters; of a repair one */
    size_t count;                /* of names */
    uint64_t floor;              /* at least so much */
    uint64_t target;             /* out: as it is */
    uint64_t cleared;            /* 0: a clear for all; or a repair */
    uint64_t known;              /* what was repaired is not below that */
    uint64_t met;                /* the counter as a repair found it first */
    int round;                   /* how often it was tried */
    apr_pool_t *pool;
} tick_t;

static uint64_t number_of(fcache_bytes_t text)
{
    uint64_t number = 0;
    int is_one = fcmc_number(text, &number) && fcr_clock_is_credible(number);
    return is_one ? number : 0;
}

static fcache_bytes_t first_word(fcache_bytes_t text)
{
    const char *end = text.len ? memchr(text.ptr, ' ', text.len) : NULL;
    return fcache_bytes(text.ptr, end ? (size_t)(end - text.ptr) : text.len);
}

fcache_bytes_t fcmc_clock_text(const fcr_found_t *found)
{
    fcache_bytes_t text = first_word(found->value);
    return found->exists && number_of(text) > 0 ? text : fcache_bytes(NULL, 0);
}

static state_t state_of(const fcr_found_t *found)
{
    fcache_bytes_t clock = first_word(found->value);
    size_t used = clock.len + (clock.len < found->value.len);
    if (!found->exists) {
        return (state_t){0};
    }
    return (state_t){1, number_of(clock),
                     number_of(fcache_bytes(found->value.ptr + used,
                                            found->value.len - used))};
}

/* Sets what was found to `text`, if it is as it was found. */
static fcmc_put_t change_of(fcache_bytes_t name, const fcr_found_t *found,
                            const fcache_bytes_t *text)
{
    return (fcmc_put_t){
        .mode = found->exists ? FCR_REPLACE : FCR_ADD,
        .name = name,
        .pieces = text,
        .piece_count = 1,
        .len = text->len,
        .cas = found->cas,
    };
}

/* Those that are below the target. */
static fcache_status_t set_counters(fcmc_conn_t *conn, const tick_t *tick,
                                    const fcr_found_t *found, uint64_t target)
{
    fcmc_put_t *puts = apr_palloc(tick->pool, tick->count * sizeof(*puts));
    fcache_bytes_t text =
        fcache_str(apr_psprintf(tick->pool, "%" APR_UINT64_T_FMT, target));
    size_t count = 0;
    for (size_t i = 1; i < tick->count; i++) {
        if (number_of(found[i].value) < target) {
            puts[count++] = change_of(tick->names[i], &found[i], &text);
        }
    }
    return conn->wire->put(conn, puts, count);
}

static fcache_status_t set_clock(fcmc_conn_t *conn, const tick_t *tick,
                                 const fcr_found_t *found, uint64_t target)
{
    fcache_bytes_t text = fcache_str(
        apr_psprintf(tick->pool, "%" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT,
                     target, tick->cleared ? tick->cleared : target));
    const fcmc_put_t put = change_of(tick->names[0], found, &text);
    return conn->wire->put(conn, &put, 1);
}

/* A counter that was evicted before the clock was raised may have been made anew
 * with the clock of before (seed.h): then again. */
static fcache_status_t look_back(fcmc_conn_t *conn, const tick_t *tick)
{
    fcr_found_t found[FCR_TICK_MAX];
    size_t count = tick->count - 1;
    fcache_status_t status = conn->wire->get(conn, &tick->names[1], count,
                                             STATE_MAX, found, tick->pool);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        if (found[i].exists && number_of(found[i].value) < tick->target) {
            status = FCACHE_EXISTS;
        }
    }
    return status;
}

static int is_repaired(const tick_t *tick, state_t state, uint64_t counter)
{
    return tick->cleared && state.clock > 0 && state.clock == counter &&
           state.clock >= tick->known && state.cleared >= tick->cleared;
}

/* Somebody may be between the counter and the clock. */
static int is_half_repaired(const tick_t *tick, state_t state, uint64_t counter)
{
    return tick->cleared && counter > state.clock && counter >= tick->known;
}

static uint64_t above(uint64_t value, uint64_t least)
{
    return value >= least ? value + 1 : least;
}

/* What somebody else began since we look is brought to its end. */
static uint64_t target_of(const tick_t *tick, state_t state, uint64_t counter)
{
    uint64_t target = above(state.clock, tick->floor);
    if (is_half_repaired(tick, state, counter) && counter != tick->met) {
        return counter;
    }
    return tick->cleared ? above(counter, target) : target;
}

/* Gives who may be at it some time. EXISTS: look again. */
static fcache_status_t await_other(tick_t *tick, state_t state,
                                   uint64_t counter)
{
    if (tick->round == 0) {
        tick->met = counter;
    }
    if (!is_half_repaired(tick, state, counter) || counter != tick->met ||
        tick->round >= LOOKS) {
        return FCACHE_OK;
    }
    apr_sleep(NAP_US);
    return FCACHE_EXISTS;
}

static int is_without_cas(const fcr_found_t *found, size_t count)
{
    size_t i = 0;
    while (i < count && (!found[i].exists || found[i].cas)) {
        i++;
    }
    return i < count;
}

/*
 * The counters first, then the clock, and that only if it has not moved since it
 * was read: whoever sees the new clock sees the counters too, and no epoch that was
 * given out before is above them. A counter that was set in vain is ahead of the
 * clock for a moment, which makes too much old and never too little.
 */
static fcache_status_t tick_once(fcmc_conn_t *conn, tick_t *tick)
{
    fcr_found_t found[1 + FCR_TICK_MAX];
    fcache_status_t status = conn->wire->get(conn, tick->names, tick->count,
                                             STATE_MAX, found, tick->pool);
    if (status != FCACHE_OK) {
        return status;
    }
    if (is_without_cas(found, tick->count)) {
        return fcache_error_set(conn->error, FCACHE_PROTOCOL,
                                "%s runs without cas (-C), which purges need",
                                conn->server);
    }
    state_t state = state_of(&found[0]);
    uint64_t counter = number_of(found[1].value);
    tick->target = state.clock;
    if (is_repaired(tick, state, counter)) {
        return FCACHE_OK;
    }
    status = await_other(tick, state, counter);
    if (status != FCACHE_OK) {
        return status;
    }
    uint64_t target = target_of(tick, state, counter);
    status = set_counters(conn, tick, found, target);
    if (status == FCACHE_OK) {
        status = set_clock(conn, tick, &found[0], target);
    }
    tick->target = target;
    return status == FCACHE_OK ? look_back(conn, tick) : status;
}

static fcache_status_t tick_server(fcmc_conn_t *conn, void *baton)
{
    tick_t *tick = baton;
    fcache_status_t status = FCACHE_EXISTS;
    for (tick->round = 0; tick->round < TRIES && status == FCACHE_EXISTS;
         tick->round++) {
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

static fcache_status_t read_found(fcmc_conn_t *conn, void *baton)
{
    reading_t *reading = baton;
    fcache_bytes_t name = fcr_clock_name();
    return conn->wire->get(conn, &name, 1, STATE_MAX, &reading->found,
                           reading->pool);
}

static fcache_status_t read_state(fcmc_server_t *server,
                                  fcn_deadline_t deadline, state_t *out_state,
                                  apr_pool_t *pool)
{
    reading_t reading = {{0}, pool};
    fcache_status_t status =
        fcmc_talk(server, read_found, &reading, deadline, NULL);
    *out_state = status == FCACHE_OK ? state_of(&reading.found) : (state_t){0};
    return status;
}

void fcmc_clock_found(const fcmc_server_t *server, fcache_bytes_t name,
                      fcr_found_t *found)
{
    if (!found->exists || !fcache_bytes_equal(name, fcr_clock_name())) {
        return;
    }
    if (state_of(found).cleared < atomic_load(&server->owes)) {
        *found = (fcr_found_t){0};
    } else {
        found->value = first_word(found->value);
    }
}

/* ---- all servers ---- */

typedef struct sweep_t {
    fcmc_server_t *first; /* of `count` in a row */
    size_t count;
    uint64_t values[FCMC_SERVERS_MAX]; /* 0: failed */
    fcache_status_t status;            /* of the first that failed */
    fcache_error_t *error;
} sweep_t;

/* The highest of all that can be asked. */
static state_t read_all(fcmc_t *store, fcn_deadline_t deadline,
                        apr_pool_t *pool)
{
    state_t highest = {0};
    for (size_t i = 0; i < store->count; i++) {
        state_t state;
        if (read_state(&store->servers[i],
                       fcn_deadline_share(deadline, 2 * (store->count - i)),
                       &state, pool) != FCACHE_OK) {
            continue;
        }
        if (state.clock > highest.clock) {
            highest.clock = state.clock;
        }
        if (state.cleared > highest.cleared) {
            highest.cleared = state.cleared;
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
        one.floor = tick->target;
        fcache_error_t error = {""};
        if (sweep->values[i] >= tick->target) {
            continue;
        }
        fcache_status_t status =
            fcmc_talk(&sweep->first[i], tick_server, &one,
                      fcn_deadline_share(deadline, sweep->count - i), &error);
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

/* One that has lost its clock is told of the last clear, of which it has nothing
 * left to lose. */
static fcache_status_t repair_one(fcmc_server_t *server, uint64_t cleared,
                                  tick_t *tick, fcn_deadline_t deadline,
                                  fcache_error_t *error)
{
    uint64_t owes = atomic_load(&server->owes);
    tick->cleared = cleared > owes ? cleared : owes;
    tick->cleared += tick->cleared == 0;
    return fcmc_talk(server, tick_server, tick, deadline, error);
}

static fcache_status_t clear_all(fcmc_t *store, uint64_t highest, tick_t *tick,
                                 fcn_deadline_t deadline, fcache_error_t *error)
{
    sweep_t sweep = {
        .first = store->servers, .count = store->count, .error = error};
    tick->target = above(highest, tick->floor);
    for (int i = 0; i < ROUNDS && sweep.status == FCACHE_OK &&
                    !all_are_at(&sweep, tick->target);
         i++) {
        tick_all(&sweep, tick, deadline);
    }
    return sweep.status == FCACHE_OK && !all_are_at(&sweep, tick->target)
               ? fcache_error_set(error, FCACHE_UNAVAILABLE,
                                  "memcached: too many clears at a time")
               : sweep.status;
}

fcache_status_t fcmc_tick(fcmc_t *store, const fcr_repair_t *repair,
                          fcache_bytes_t clock, const fcache_bytes_t *counters,
                          size_t count, uint64_t floor, uint64_t *out_clock,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    state_t highest = {0};
    fcache_bytes_t names[1 + FCR_TICK_MAX] = {clock};
    tick_t tick = {.names = names,
                   .count = 1 + count,
                   .floor = floor ? floor : 1,
                   .known = repair ? repair->known : 0};
    memcpy(&names[1], counters, count * sizeof(*counters));
    if (apr_pool_create(&tick.pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "memcached: no memory for a clear");
    }
    if (store->count > 1) {
        highest = read_all(store, deadline, tick.pool);
    }
    fcache_status_t status =
        repair ? repair_one(fcmc_fleet_of(store, repair->home), highest.cleared,
                            &tick, deadline, error)
               : clear_all(store, highest.clock, &tick, deadline, error);
    apr_pool_destroy(tick.pool);
    *out_clock = tick.target;
    return status;
}

/* ---- comparing ---- */

static void raise_to(_Atomic uint64_t *number, uint64_t value)
{
    uint64_t old = atomic_load(number);
    while (old < value && !atomic_compare_exchange_weak(number, &old, value)) {
    }
}

/* A server that has no clock: all it may have is gone. */
static void adopt(fcmc_server_t *server, uint64_t cleared,
                  fcn_deadline_t deadline, apr_pool_t *pool)
{
    const fcache_scope_t all = {.kind = FCACHE_SCOPE_ALL};
    char space[FCR_COUNTER_MAX];
    const fcache_bytes_t names[] = {fcr_clock_name(),
                                    fcr_counter_name(&all, space)};
    tick_t tick = {
        .names = names, .count = 2, .floor = (uint64_t)apr_time_now()};
    if (apr_pool_create(&tick.pool, pool) == APR_SUCCESS && names[1].len > 0 &&
        repair_one(server, cleared, &tick, deadline, NULL) == FCACHE_OK) {
        raise_to(&server->store->shared->clock, tick.target);
    }
}

static void look_again(fcmc_server_t *server, uint64_t cleared,
                       fcn_deadline_t deadline, apr_pool_t *pool)
{
    state_t state = {0};
    fcache_status_t status = read_state(server, deadline, &state, pool);
    for (int i = 1; i < LOOKS && status == FCACHE_OK && state.cleared < cleared;
         i++) {
        apr_sleep(NAP_US);
        status = read_state(server, deadline, &state, pool);
    }
    atomic_store(&server->owes, state.cleared < cleared ? cleared : 0);
}

static void compare_all(fcmc_server_t *server, fcn_deadline_t deadline,
                        apr_pool_t *pool)
{
    fcmc_t *store = server->store;
    state_t highest = read_all(store, deadline, pool);
    raise_to(&store->shared->clock, highest.clock);
    for (size_t i = 0; i < store->count; i++) {
        state_t state;
        fcmc_server_t *one = &store->servers[i];
        if (read_state(one, deadline, &state, pool) == FCACHE_OK &&
            !state.exists) {
            adopt(one, highest.cleared, deadline, pool);
        }
    }
    look_again(server, highest.cleared, deadline, pool);
}

void fcmc_compare(fcmc_server_t *server, fcn_deadline_t deadline)
{
    uint32_t faults = atomic_load(&server->faults);
    apr_pool_t *pool = NULL;
    if (server->store->count == 1 ||
        atomic_load(&server->compared) == faults + 1 ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return;
    }
    compare_all(server, deadline, pool);
    apr_pool_destroy(pool);
    atomic_store(&server->compared, faults + 1);
}
