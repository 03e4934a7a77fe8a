/* SPDX-License-Identifier: Apache-2.0 */
#include "purge.h"
#include "counters.h"

#include <apr_time.h>

/* ---- names --------------------------------------------------------------- */

fcache_bytes_t fcr_clock_name(void)
{
    return fcache_str("{fcache}clock");
}

/* ---- numbers ------------------------------------------------------------- */

static void raise_to(_Atomic uint64_t *cell, uint64_t value)
{
    uint64_t seen = atomic_load(cell);
    while (seen < value && !atomic_compare_exchange_weak(cell, &seen, value)) {
    }
}

static void note_clock(fcr_purge_t *purge, uint32_t clock_no, uint64_t clock)
{
    raise_to(&purge->shared->clocks[clock_no], clock);
    raise_to(&purge->shared->clock, clock);
}

int fcr_clock_is_credible(uint64_t clock)
{
    return clock <= FCR_CLOCK_MAX &&
           clock <= (uint64_t)apr_time_now() + FCR_AHEAD_US;
}

/* Decimal text; 0 for anything else. */
static int parse_number(fcache_bytes_t text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || *out > FCR_CLOCK_MAX) {
            return 0;
        }
        *out = *out * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return text.len > 0 && fcr_clock_is_credible(*out);
}

static fcache_status_t read_number(fcache_bytes_t name,
                                   const fcr_found_t *found, uint64_t *out,
                                   fcache_error_t *error)
{
    *out = 0;
    if (!found->exists || parse_number(found->value, out)) {
        return FCACHE_OK;
    }
    return fcache_error_set(error, FCACHE_PROTOCOL,
                            "%.*s in the store is not a number that was put "
                            "there, or far ahead of this server's time; "
                            "delete it",
                            (int)name.len, name.ptr);
}

/* The time, or one further when that has been. */
static uint64_t next_clock(const fcr_purge_t *purge)
{
    uint64_t next = atomic_load(&purge->shared->clock) + 1;
    for (size_t i = 0; i < FCN_CLOCKS; i++) {
        uint64_t seen = atomic_load(&purge->shared->clocks[i]);
        next = seen >= next ? seen + 1 : next;
    }
    uint64_t time_us = (uint64_t)apr_time_now();
    return time_us > next ? time_us : next;
}

/* ---- the clock ----------------------------------------------------------- */

fcr_moment_t fcr_purge_moment(const fcr_purge_t *purge, fcache_bytes_t home)
{
    uint32_t clock_no =
        purge->client->clock_of
            ? purge->client->clock_of(purge->client_self, home) % FCN_CLOCKS
            : 0;
    return (fcr_moment_t){clock_no,
                          atomic_load(&purge->shared->clocks[clock_no])};
}

uint64_t fcr_purge_epoch(const fcr_purge_t *purge)
{
    return atomic_load(&purge->shared->clock);
}

/* The counters of scopes, each once. */
static fcache_status_t name_counters(const fcache_scope_t *scopes, size_t count,
                                     char space[][FCR_COUNTER_MAX],
                                     fcache_bytes_t *out_names,
                                     size_t *out_count, fcache_error_t *error)
{
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        fcache_bytes_t name = fcr_counter_name(&scopes[i], space[i]);
        size_t at = 0;
        if (name.len == 0) {
            return fcache_error_set(error, FCACHE_NO_MEMORY,
                                    "no memory for the name of a counter");
        }
        while (at < *out_count && !fcache_bytes_equal(out_names[at], name)) {
            at++;
        }
        out_names[at] = name;
        *out_count += at == *out_count;
    }
    return FCACHE_OK;
}

/* Of at most FCR_TICK_MAX scopes. */
static fcache_status_t tick(fcr_purge_t *purge, const fcr_repair_t *repair,
                            const fcache_scope_t *scopes, size_t count,
                            fcn_deadline_t deadline, uint64_t *out_clock,
                            fcache_error_t *error)
{
    char space[FCR_TICK_MAX][FCR_COUNTER_MAX];
    fcache_bytes_t names[FCR_TICK_MAX];
    uint64_t floor = next_clock(purge);
    uint64_t least = repair ? repair->known : floor;
    fcache_status_t status =
        name_counters(scopes, count, space, names, &count, error);
    if (status == FCACHE_OK) {
        status = purge->client->tick(purge->client_self, repair,
                                     fcr_clock_name(), names, count, floor,
                                     out_clock, deadline, error);
    }
    if (status == FCACHE_OK &&
        (*out_clock < least || !fcr_clock_is_credible(*out_clock))) {
        status =
            fcache_error_set(error, FCACHE_PROTOCOL,
                             "{fcache}clock in the store did not move, or is "
                             "far ahead of this server's time; delete it");
    }
    if (status != FCACHE_OK) {
        *out_clock = floor;
    }
    return status;
}

/* Everything that lies where `home` does is gone from now on, for all; or from
 * before now, if another host has done it meanwhile. */
static fcache_status_t mend(fcr_purge_t *purge, fcache_bytes_t home,
                            fcr_moment_t moment, fcn_deadline_t deadline,
                            fcache_error_t *error)
{
    const fcache_scope_t all = {.kind = FCACHE_SCOPE_ALL};
    const fcr_repair_t repair = {home, moment.seen};
    uint64_t clock;
    if (atomic_load(&purge->shared->clocks[moment.clock_no]) != moment.seen) {
        return FCACHE_MISS; /* another thread has done it meanwhile */
    }
    fcache_status_t status =
        tick(purge, &repair, &all, 1, deadline, &clock, error);
    if (status != FCACHE_OK) {
        return status;
    }
    note_clock(purge, moment.clock_no, clock);
    fcr_marks_forget(purge->shared, moment.clock_no);
    return FCACHE_MISS;
}

fcache_status_t fcr_purge_clock(fcr_purge_t *purge, fcache_bytes_t home,
                                fcr_moment_t moment, const fcr_found_t *clock,
                                fcn_deadline_t deadline, uint64_t *out_clock,
                                fcache_error_t *error)
{
    fcache_status_t status =
        read_number(fcr_clock_name(), clock, out_clock, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (!clock->exists || *out_clock < moment.seen) {
        return mend(purge, home, moment, deadline, error);
    }
    note_clock(purge, moment.clock_no, *out_clock);
    return FCACHE_OK;
}

/* ---- records ------------------------------------------------------------- */

static fcache_status_t counters_of(const fcr_subject_t *subject,
                                   fcr_counters_t *out, fcache_error_t *error)
{
    const fcr_scopes_t scopes = {subject->prefix, subject->ns, subject->tags};
    return fcr_counters_of(&scopes, out, error);
}

/* One that is not there was lost, and may have been anything; or never set, in a
 * store that loses none. */
static fcache_status_t read_counter(const fcr_purge_t *purge,
                                    fcache_bytes_t name,
                                    const fcr_found_t *found, uint64_t *out,
                                    fcache_error_t *error)
{
    if (!found->exists && purge->client->seed) {
        *out = UINT64_MAX;
        return FCACHE_OK;
    }
    return read_number(name, found, out, error);
}

/* The highest of the hard ones and of the soft ones. */
static fcache_status_t highest(fcr_purge_t *purge, uint32_t clock_no,
                               const fcr_counters_t *counters,
                               const fcr_found_t *found, uint64_t out[2],
                               fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    out[0] = out[1] = 0;
    for (size_t i = 0; i < 2 * counters->count && status == FCACHE_OK; i++) {
        uint64_t value = 0;
        status =
            read_counter(purge, counters->names[i], &found[i], &value, error);
        out[i % 2] = value > out[i % 2] ? value : out[i % 2];
    }
    for (size_t i = 0; i < counters->count; i++) {
        fcr_mark(purge->shared, clock_no, counters->marks[i],
                 found[2 * i].exists && found[2 * i + 1].exists);
    }
    return status;
}

static fcache_status_t read_counters(fcr_purge_t *purge,
                                     const fcr_subject_t *subject,
                                     fcr_moment_t moment,
                                     fcn_deadline_t deadline, int *out_soft,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcr_counters_t counters;
    fcr_found_t found[2 * FCR_SCOPES_MAX];
    const fcr_client_ops_t *client = purge->client;
    uint64_t purged[2];
    fcache_status_t status = counters_of(subject, &counters, error);
    if (status != FCACHE_OK) {
        return status;
    }
    memset(found, 0, 2 * counters.count * sizeof(found[0]));
    status = (client->fetch_counters ? client->fetch_counters : client->fetch)(
        purge->client_self, subject->name, counters.names, 2 * counters.count,
        found, deadline, pool, error);
    if (status == FCACHE_OK) {
        status =
            highest(purge, moment.clock_no, &counters, found, purged, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    *out_soft = purged[1] > subject->epoch;
    return purged[0] > subject->epoch ? FCACHE_MISS : FCACHE_OK;
}

fcache_status_t fcr_purge_holds(fcr_purge_t *purge,
                                const fcr_subject_t *subject,
                                fcr_moment_t moment, uint64_t clock,
                                fcn_deadline_t deadline, int *out_soft,
                                apr_pool_t *pool, fcache_error_t *error)
{
    *out_soft = 0;
    if (subject->epoch > clock && !purge->client->clock_of) {
        /* The one clock was there once: it has been put back. The next to ask
         * finds it behind. */
        if (fcr_clock_is_credible(subject->epoch)) {
            note_clock(purge, moment.clock_no, subject->epoch);
        }
        return FCACHE_MISS;
    }
    if (subject->epoch >= clock) {
        return FCACHE_OK;
    }
    fcr_memo_key_t key = fcr_memo_key(purge->memo, moment.clock_no,
                                      subject->name, subject->stamp);
    if (fcr_memo_find(purge->memo, key, clock, out_soft)) {
        return FCACHE_OK;
    }
    fcache_status_t status =
        read_counters(purge, subject, moment, deadline, out_soft, pool, error);
    if (status == FCACHE_OK) {
        fcr_memo_keep(purge->memo, key, clock, *out_soft);
    }
    return status;
}

/* ---- counters ------------------------------------------------------------ */

fcache_status_t fcr_purge_seed(fcr_purge_t *purge, const fcr_subject_t *subject,
                               int64_t now_us, fcn_deadline_t deadline,
                               fcache_error_t *error)
{
    fcr_counters_t counters;
    fcache_bytes_t unknown[2 * FCR_SCOPES_MAX];
    size_t count = 0;
    uint32_t clock_no = fcr_purge_moment(purge, subject->name).clock_no;
    if (!purge->client->seed) {
        return FCACHE_OK;
    }
    fcache_status_t status = counters_of(subject, &counters, error);
    if (status != FCACHE_OK) {
        return status;
    }
    fcr_marks_age(purge->shared, clock_no, now_us);
    for (size_t i = 0; i < counters.count; i++) {
        if (!fcr_marked(purge->shared, clock_no, counters.marks[i])) {
            unknown[count++] = counters.names[2 * i];
            unknown[count++] = counters.names[2 * i + 1];
        }
    }
    if (count == 0) {
        return FCACHE_OK;
    }
    status =
        purge->client->seed(purge->client_self, subject->name, fcr_clock_name(),
                            unknown, count, deadline, error);
    for (size_t i = 0; i < counters.count && status == FCACHE_OK; i++) {
        fcr_mark(purge->shared, clock_no, counters.marks[i], 1);
    }
    return status == FCACHE_MISS ? FCACHE_OK : status;
}

/* ---- clearing ------------------------------------------------------------ */

static int is_any_hard(const fcache_scope_t *scopes, size_t count)
{
    size_t i = 0;
    while (i < count && scopes[i].soft) {
        i++;
    }
    return i < count;
}

/* At most FCR_TICK_MAX. */
static fcache_status_t clear(fcr_purge_t *purge, const fcache_scope_t *scopes,
                             size_t count, int is_hard, fcn_deadline_t deadline,
                             fcache_error_t *error)
{
    uint64_t clock;
    fcache_status_t status =
        tick(purge, NULL, scopes, count, deadline, &clock, error);
    if (status == FCACHE_OK) {
        raise_to(&purge->shared->clock, clock);
    }
    if (status == FCACHE_OK || is_hard) {
        for (size_t i = 0; i < FCN_CLOCKS; i++) {
            raise_to(&purge->shared->clocks[i], clock);
        }
    }
    return status;
}

fcache_status_t fcr_purge_clear(fcr_purge_t *purge,
                                const fcache_scope_t *scopes, size_t count,
                                fcn_deadline_t deadline, fcache_error_t *error)
{
    const int is_hard = is_any_hard(scopes, count);
    fcache_status_t status = FCACHE_OK;
    while (count > 0 && status == FCACHE_OK) {
        size_t some = count < FCR_TICK_MAX ? count : FCR_TICK_MAX;
        status = clear(purge, scopes, some, is_hard, deadline, error);
        scopes += some;
        count -= some;
    }
    return status;
}
