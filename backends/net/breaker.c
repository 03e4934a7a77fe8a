/* SPDX-License-Identifier: Apache-2.0 */
#include "shared.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A server that nobody asks any more: its breaker says nothing. */
#define FORGOTTEN_US 600000000

/* Atomics only: whoever dies between two of them leaves at worst a count that is
 * off by one, and a probe that ends by itself. */

/* ---- opening and closing ---- */

static int64_t open_time(const fcn_limits_t *limits, uint32_t openings,
                         int64_t now_us)
{
    int64_t us = limits->open_us;
    for (uint32_t i = 0; i < openings && us < limits->open_max_us; i++) {
        us *= 2;
    }
    us = us < limits->open_max_us ? us : limits->open_max_us;
    int64_t percent =
        (int64_t)(XXH3_64bits_withSeed(&now_us, sizeof(now_us), openings) % 21);
    return us / 100 * (75 + percent);
}

/* Of many who see it fail, one opens it. */
static int open_from(fcn_cell_t *cell, const fcn_limits_t *limits, int64_t seen,
                     int64_t now_us)
{
    uint32_t openings = atomic_load(&cell->openings);
    int64_t until_us = now_us + open_time(limits, openings, now_us);
    if (!atomic_compare_exchange_strong(&cell->open_until_us, &seen,
                                        until_us)) {
        return 0;
    }
    atomic_store(&cell->openings, openings < 32 ? openings + 1 : openings);
    atomic_store(&cell->successes, 0);
    atomic_store(&cell->probe_until_us, 0);
    return 1;
}

static void shut(fcn_cell_t *cell, int64_t now_us)
{
    atomic_store(&cell->failures, 0);
    atomic_store(&cell->openings, 0);
    atomic_store(&cell->successes, 0);
    atomic_store(&cell->probe_until_us, 0);
    atomic_store(&cell->window_us, now_us);
    atomic_store(&cell->window_ops, 0);
    atomic_store(&cell->window_failures, 0);
    atomic_store(&cell->open_until_us, 0);
}

/* ---- asking ---- */

int fcn_breaker_is_up(const fcn_cell_t *cell, int64_t now_us)
{
    int64_t open_until_us = atomic_load(&cell->open_until_us);
    return !open_until_us || (now_us >= open_until_us &&
                              now_us >= atomic_load(&cell->probe_until_us));
}

fcn_gate_t fcn_breaker_ask(fcn_cell_t *cell, const fcn_limits_t *limits,
                           int64_t now_us)
{
    int64_t open_until_us = atomic_load(&cell->open_until_us);
    if (!open_until_us) {
        return FCN_GATE_CLOSED;
    }
    int64_t probe_until_us = atomic_load(&cell->probe_until_us);
    if (now_us < open_until_us || now_us < probe_until_us) {
        return FCN_GATE_OPEN;
    }
    /* longer than any request takes: only one that died leaves it to pass */
    int64_t until_us = now_us + 2 * (limits->connect_us + limits->lookup_us +
                                     limits->store_us);
    return atomic_compare_exchange_strong(&cell->probe_until_us,
                                          &probe_until_us, until_us)
               ? FCN_GATE_PROBE
               : FCN_GATE_OPEN;
}

int fcn_breaker_state(const fcn_cell_t *cell, int64_t now_us)
{
    int64_t open_until_us = atomic_load(&cell->open_until_us);
    if (!open_until_us || now_us - open_until_us > FORGOTTEN_US) {
        return 0;
    }
    return now_us < open_until_us ? 2 : 1;
}

/* ---- telling ---- */

fcn_outcome_t fcn_outcome_of(fcache_status_t status)
{
    switch (status) {
    case FCACHE_TIMEOUT:
    case FCACHE_UNAVAILABLE:
    case FCACHE_PROTOCOL:
        return FCN_FAILED;
    case FCACHE_NO_MEMORY:
        return FCN_UNKNOWN;
    case FCACHE_OK:
    case FCACHE_MISS:
    case FCACHE_EXISTS:
    case FCACHE_TOO_LARGE:
    case FCACHE_UNSUPPORTED:
    case FCACHE_BAD_CONFIG:
    case FCACHE_BAD_INPUT:
    case FCACHE_CORRUPT:
        break;
    }
    return FCN_ANSWERED;
}

/* Did so large a part of enough fail within the window? */
static int window_is_bad(fcn_cell_t *cell, const fcn_limits_t *limits,
                         int failed, int64_t now_us)
{
    int64_t start_us = atomic_load(&cell->window_us);
    if (now_us - start_us > limits->window_us &&
        atomic_compare_exchange_strong(&cell->window_us, &start_us, now_us)) {
        atomic_store(&cell->window_ops, 0);
        atomic_store(&cell->window_failures, 0);
    }
    uint32_t ops = atomic_fetch_add(&cell->window_ops, 1) + 1;
    if (!failed) {
        return 0;
    }
    int64_t failures = (int64_t)atomic_fetch_add(&cell->window_failures, 1) + 1;
    return ops >= limits->window_requests &&
           failures * 100 >= ops * limits->window_failures;
}

static int tell_closed(fcn_cell_t *cell, const fcn_limits_t *limits, int failed,
                       int64_t now_us)
{
    int bad = window_is_bad(cell, limits, failed, now_us);
    if (!failed) {
        if (atomic_load(&cell->failures)) {
            atomic_store(&cell->failures, 0);
        }
        return 0;
    }
    bad |= atomic_fetch_add(&cell->failures, 1) + 1 >= limits->failures;
    return bad && open_from(cell, limits, 0, now_us);
}

static void tell_probe(fcn_cell_t *cell, const fcn_limits_t *limits,
                       fcn_outcome_t outcome, int64_t open_until_us,
                       int64_t now_us)
{
    if (outcome == FCN_FAILED) {
        (void)open_from(cell, limits, open_until_us, now_us);
        return;
    }
    if (outcome == FCN_ANSWERED &&
        atomic_fetch_add(&cell->successes, 1) + 1 >= limits->successes) {
        shut(cell, now_us);
        return;
    }
    atomic_store(&cell->probe_until_us, 0);
}

int fcn_breaker_tell(fcn_cell_t *cell, const fcn_limits_t *limits,
                     fcn_gate_t gate, fcn_outcome_t outcome, int64_t now_us)
{
    int64_t open_until_us = atomic_load(&cell->open_until_us);
    if (gate == FCN_GATE_PROBE && open_until_us) {
        tell_probe(cell, limits, outcome, open_until_us, now_us);
    } else if (gate != FCN_GATE_OPEN && outcome != FCN_UNKNOWN &&
               !open_until_us) {
        return tell_closed(cell, limits, outcome == FCN_FAILED, now_us);
    }
    return 0;
}
