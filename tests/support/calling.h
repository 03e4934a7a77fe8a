/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CALLING_H
#define TESTS_CALLING_H

/* A cached function on a fake store, with time moved by hand. */

#include <fcache/call.h>
#include <fcache/flight.h>

#include "check.h"
#include "fake_store.h"
#include "pool.h"

#include <apr_strings.h>

#define SECONDS(n) ((n)*FCACHE_US_PER_S)

typedef struct calling_t {
    fake_store_t *store;
    fcache_t *cache;
    apr_pool_t *pool;
    fcache_env_t env;
    fcache_call_t call;
    int64_t now_us;
    int64_t waited_us;
    uint64_t random;

    /* what the function does */
    fcache_status_t answers;
    int64_t takes_us;
    unsigned runs;

    /* what the last call answered */
    fcache_bytes_t value;
    fcache_call_report_t report;
    fcache_error_t error;

    void (*while_waiting)(struct calling_t *calling);
} calling_t;

static inline int64_t calling_now(void *baton)
{
    return ((calling_t *)baton)->now_us;
}

static inline void calling_wait(void *baton, int64_t pause_us)
{
    calling_t *calling = baton;
    calling->now_us += pause_us;
    calling->waited_us += pause_us;
    if (calling->while_waiting) {
        calling->while_waiting(calling);
    }
}

static inline uint64_t calling_random(void *baton)
{
    return ((calling_t *)baton)->random;
}

/* "value N", the N counting its runs. */
static inline fcache_status_t calling_fn(void *baton, const fcache_arg_t *args,
                                         size_t count, void *out_value,
                                         apr_pool_t *pool,
                                         fcache_error_t *error)
{
    calling_t *calling = baton;
    fcache_bytes_t *value = out_value;
    (void)args, (void)count;
    calling->runs++;
    calling->now_us += calling->takes_us;
    *value = fcache_str(apr_psprintf(pool, "value %u", calling->runs));
    return fcache_error_set(error, calling->answers, "no: run %u",
                            calling->runs);
}

static inline calling_t *calling_of(void **state)
{
    calling_t *calling = apr_pcalloc(*state, sizeof(*calling));
    calling->pool = *state;
    calling->cache = fake_cache(*state, &calling->store);
    calling->now_us = SECONDS(1000);
    calling->env =
        (fcache_env_t){calling_now, calling_wait, calling_random, calling};
    calling->call = (fcache_call_t){.module = "m",
                                    .function = "f",
                                    .fn = calling_fn,
                                    .baton = calling,
                                    .ns = "n",
                                    .expire_us = SECONDS(10)};
    return calling;
}

static inline fcache_status_t calling_do(calling_t *calling)
{
    const fcache_arg_t args[] = {fcache_arg_int(1)};
    calling->error.text[0] = '\0';
    return fcache_call(calling->cache, &calling->call, args, 1, &calling->env,
                       &calling->value, &calling->report, calling->pool,
                       &calling->error);
}

static inline fcache_key_t calling_key(calling_t *calling)
{
    const fcache_arg_t args[] = {fcache_arg_int(1)};
    fcache_key_t key;
    assert_int_equal(fcache_call_key(calling->cache, &calling->call, args, 1,
                                     &key, calling->pool, NULL),
                     FCACHE_OK);
    return key;
}

/* Another one leads what it is about to compute. */
static inline fcache_flight_t calling_led(calling_t *calling)
{
    const fcache_flight_options_t options = {.lease_us = SECONDS(30)};
    const fcache_key_t key = calling_key(calling);
    fcache_flight_t leader;
    assert_int_equal(fcache_flight_begin(calling->cache, &key, &options,
                                         calling->now_us, &leader,
                                         calling->pool, NULL),
                     FCACHE_FLIGHT_LEAD);
    return leader;
}

/* Calls, and it must be OK with that value from there. */
#define CALL_IS(calling, text, from)                                           \
    do {                                                                       \
        CHECK_INT(calling_do(calling), FCACHE_OK);                             \
        CHECK_TEXT((calling)->value, text);                                    \
        CHECK_INT((calling)->report.source, FCACHE_CALL_##from);               \
    } while (0)

#endif
