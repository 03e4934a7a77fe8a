/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/flight.h>

#include "cache_parts.h"

#define FIRST_PAUSE_US INT64_C(2000)
#define LAST_PAUSE_US  INT64_C(100000)
#define MAX_WAIT_US    (3600 * FCACHE_US_PER_S)
#define LABEL          "flight"

static const fcache_bytes_t no_body = {"", 0};

static int64_t clamp(int64_t number, int64_t low, int64_t high)
{
    if (number < low) {
        return low;
    }
    return number > high ? high : number;
}

/* Short whatever the length of `key`, so that it always fits. */
static fcache_status_t lock_key(const fcache_key_t *key, fcache_key_t *out_lock,
                                apr_pool_t *pool, fcache_error_t *error)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_status_t status =
        tuple ? fcache_tuple_add(tuple, LABEL,
                                 fcache_bytes(key->digest, sizeof(key->digest)))
              : FCACHE_NO_MEMORY;
    if (status != FCACHE_OK) {
        return fcache_error_set(error, status, "the key of a lock: %s",
                                fcache_status_text(status));
    }
    return fcache_key_from_tuple(tuple, key->prefix, key->ns, out_lock, pool,
                                 error);
}

static fcache_flight_role_t try_to_lead(fcache_t *cache,
                                        fcache_flight_t *flight, int64_t now_us,
                                        fcache_error_t *error)
{
    const fcache_entry_t lock = {
        .kind = FCACHE_ENTRY_VALUE,
        .generation = fcache_epoch(cache),
        .created_us = now_us,
        .fresh_until_us = now_us + flight->lease_us,
        .stale_until_us = now_us + flight->lease_us,
        .date_s = now_us / FCACHE_US_PER_S,
        .coder = fcache_str("raw"),
        .body_len = flight->owner.len,
    };
    fci_adding_t adding = {cache, flight->until_us};
    flight->status = fci_store(fci_store_add, &adding, &flight->lock, &lock,
                               &flight->owner, 1, now_us, error);
    if (flight->status == FCACHE_OK) {
        flight->held_until_us = lock.stale_until_us;
        return FCACHE_FLIGHT_LEAD;
    }
    return flight->status == FCACHE_EXISTS && flight->left_us > 0
               ? FCACHE_FLIGHT_FOLLOW
               : FCACHE_FLIGHT_ALONE;
}

fcache_flight_role_t
fcache_flight_begin(fcache_t *cache, const fcache_key_t *key,
                    const fcache_flight_options_t *options, int64_t now_us,
                    fcache_flight_t *out_flight, apr_pool_t *pool,
                    fcache_error_t *error)
{
    int64_t wait = clamp(options->wait_us, 0, MAX_WAIT_US);
    *out_flight = (fcache_flight_t){
        .role = FCACHE_FLIGHT_ALONE,
        .lease_us = clamp(options->lease_us, 1, MAX_WAIT_US),
        .give_up_us = now_us + wait,
        .left_us = wait,
        .pause_us = FIRST_PAUSE_US,
        .owner = options->owner,
        .until_us = options->until_us,
    };
    out_flight->status = lock_key(key, &out_flight->lock, pool, error);
    if (out_flight->status == FCACHE_OK) {
        out_flight->role = try_to_lead(cache, out_flight, now_us, error);
    }
    return out_flight->role;
}

/* ---- following ----------------------------------------------------------- */

fcache_status_t fcache_flight_look(fcache_t *cache,
                                   const fcache_flight_t *flight,
                                   int64_t now_us, fcache_holder_t *out_holder,
                                   apr_pool_t *pool, fcache_error_t *error)
{
    fcache_hit_t hit;
    fcache_status_t status =
        fci_fetch(cache, &flight->lock, now_us, flight->until_us, &hit, NULL,
                  pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    *out_holder = (fcache_holder_t){
        .is_mark = hit.entry.kind == FCACHE_ENTRY_UNCACHEABLE,
        .since_us = hit.entry.created_us,
        .owner = fci_pieces_copy(hit.body, hit.body_count, pool),
    };
    fcache_pin_release(cache, hit.pin);
    return out_holder->owner.ptr ? FCACHE_OK : FCACHE_NO_MEMORY;
}

/* Who takes it holds a lock on the lock, and looks again before. */
void fcache_flight_void(fcache_t *cache, const fcache_flight_t *flight,
                        fcache_bytes_t owner, int64_t now_us, apr_pool_t *pool)
{
    const fcache_flight_options_t options = {.lease_us = FCACHE_US_PER_S,
                                             .until_us = flight->until_us};
    fcache_flight_t taking;
    fcache_holder_t holder;
    if (fcache_flight_begin(cache, &flight->lock, &options, now_us, &taking,
                            pool, NULL) != FCACHE_FLIGHT_LEAD) {
        return;
    }
    if (fcache_flight_look(cache, flight, now_us, &holder, pool, NULL) ==
            FCACHE_OK &&
        !holder.is_mark && fcache_bytes_equal(holder.owner, owner)) {
        (void)fcache_del(cache, &flight->lock, now_us, NULL);
    }
    fcache_flight_end(cache, &taking, now_us);
}

int64_t fcache_flight_pause(fcache_flight_t *flight, uint64_t random,
                            int64_t now_us)
{
    int64_t pause =
        flight->pause_us + (int64_t)(random % (uint64_t)(flight->pause_us / 4));
    int64_t left = clamp(flight->give_up_us - now_us, 1, flight->left_us);
    flight->pause_us = clamp(flight->pause_us / 2 * 3, 0, LAST_PAUSE_US);
    pause = clamp(pause, 1, left);
    flight->left_us -= pause;
    return pause;
}

fcache_flight_role_t fcache_flight_retry(fcache_t *cache,
                                         fcache_flight_t *flight,
                                         int64_t now_us, fcache_error_t *error)
{
    if (now_us >= flight->give_up_us) {
        flight->left_us = 0;
    }
    flight->role = try_to_lead(cache, flight, now_us, error);
    return flight->role;
}

/* ---- ending -------------------------------------------------------------- */

void fcache_flight_end(fcache_t *cache, fcache_flight_t *flight, int64_t now_us)
{
    if (flight->role == FCACHE_FLIGHT_LEAD && now_us < flight->held_until_us) {
        (void)fcache_del(cache, &flight->lock, now_us, NULL);
    }
    flight->role = FCACHE_FLIGHT_ALONE;
}

fcache_status_t fcache_flight_mark(fcache_t *cache, const fcache_key_t *key,
                                   int64_t ttl_us, uint64_t epoch,
                                   int64_t now_us, fcache_error_t *error)
{
    const fcache_entry_t mark = {
        .kind = FCACHE_ENTRY_UNCACHEABLE,
        .generation = epoch,
        .created_us = now_us,
        .fresh_until_us = now_us + ttl_us,
        .stale_until_us = now_us + ttl_us,
        .date_s = now_us / FCACHE_US_PER_S,
    };
    if (ttl_us <= 0 || ttl_us > FCACHE_DELTA_MAX * FCACHE_US_PER_S) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a mark that lives %lld us", (long long)ttl_us);
    }
    return fci_store(fci_store_put, cache, key, &mark, &no_body, 1, now_us,
                     error);
}

void fcache_flight_end_marked(fcache_t *cache, fcache_flight_t *flight,
                              int64_t ttl_us, int64_t now_us)
{
    if (flight->role == FCACHE_FLIGHT_LEAD &&
        fcache_flight_mark(cache, &flight->lock, ttl_us, fcache_epoch(cache),
                           now_us, NULL) != FCACHE_OK) {
        fcache_flight_end(cache, flight, now_us);
    }
    flight->role = FCACHE_FLIGHT_ALONE;
}

void fcache_flight_unmark(fcache_t *cache, const fcache_key_t *key,
                          int64_t now_us, apr_pool_t *pool)
{
    fcache_key_t lock;
    if (lock_key(key, &lock, pool, NULL) == FCACHE_OK) {
        (void)fcache_del(cache, &lock, now_us, NULL);
    }
}

/* ---- spreading refreshes over time --------------------------------------- */

int64_t fcache_jitter(int64_t ttl_us, unsigned percent, uint64_t random)
{
    int64_t span = ttl_us / 100 * (percent > 100 ? 100 : percent);
    return span > 0 ? ttl_us - (int64_t)(random % (uint64_t)span) : ttl_us;
}

/* -ln(u) of a u in (0,1] made of the bits, to within a hundredth: the leading
 * zeros count whole halvings, and log2(1+x) is nearly x + 0.3445 x (1-x). */
static double exponential(uint64_t random)
{
    unsigned zeros = (unsigned)__builtin_clzll(random | 1);
    double x = (double)((random | 1) << zeros << 1) / 18446744073709551616.0;
    double log2_u = x + 0.3445 * x * (1 - x) - (zeros + 1);
    return -log2_u * 0.6931471805599453;
}

int fcache_early_is_due(int64_t fresh_until_us, int64_t cost_us,
                        unsigned percent, uint64_t random, int64_t now_us)
{
    double ahead_us = (double)clamp(cost_us, 0, MAX_WAIT_US) * percent / 100 *
                      exponential(random);
    return percent > 0 && (double)now_us + ahead_us >= (double)fresh_until_us;
}
