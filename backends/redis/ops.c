/* SPDX-License-Identifier: Apache-2.0 */
#include "ops.h"

#include "route.h"

#include <apr_strings.h>

#include <stdlib.h>

#define US_PER_MS   1000
#define COUNTER_MAX 4096 /* bytes of a counter; what is longer is none */
#define REPLY_EXTRA 64   /* around a string: type, length, line ends */
#define DECIMAL_MAX 24

/*
 * Puts ARGV[2] in place of what begins with ARGV[1]; GETRANGE of nothing is the
 * empty string.
 */
static const char replace_script[] =
    "if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then "
    "return 0 end "
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) "
    "return 1";

/*
 * Clock KEYS[1] rises by one, and to ARGV[1] at least; the others become the same.
 * Numbers are compared as text, because those of Lua are doubles.
 * A clock that is no number is set to the floor, as one that was lost.
 * With ARGV[2] not if it is that already and the same as KEYS[2]: it was repaired.
 */
static const char tick_script[] =
    "local known = ARGV[2] "
    "local old = known and redis.pcall('GET', KEYS[1]) "
    "if type(old) == 'string' and old:find('^%d+$') and #old <= 16 and "
    "old == redis.pcall('GET', KEYS[2]) and "
    "(#old > #known or (#old == #known and old >= known)) then "
    "return old end "
    "redis.pcall('INCR', KEYS[1]) "
    "local now = redis.pcall('GET', KEYS[1]) "
    "local floor = ARGV[1] "
    "if type(now) ~= 'string' or not now:find('^%d+$') or #now > 16 or "
    "#now < #floor or (#now == #floor and now < floor) then "
    "redis.call('SET', KEYS[1], floor) "
    "now = floor end "
    "for i = 2, #KEYS do redis.call('SET', KEYS[i], now) end "
    "return now";

/* What is missing of KEYS[2] and on becomes what the clock KEYS[1] is. */
static const char seed_script[] =
    "local now = redis.pcall('GET', KEYS[1]) "
    "if type(now) ~= 'string' or not now:find('^%d+$') then return 0 end "
    "for i = 2, #KEYS do redis.call('SET', KEYS[i], now, 'NX') end "
    "return 1";

static unsigned slot_of(const fcrd_t *self, fcache_bytes_t name)
{
    return self->conf.topology == FCRD_CLUSTER ? fcrd_slot(name) : 0;
}

static fcache_status_t odd_reply(fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_PROTOCOL,
                            "a reply of another kind than the command has");
}

static fcache_bytes_t decimal(uint64_t value, char *space)
{
    return fcache_bytes(
        space,
        (size_t)apr_snprintf(space, DECIMAL_MAX, "%" APR_UINT64_T_FMT, value));
}

/* Whole milliseconds, rounded up. */
static fcache_bytes_t milliseconds(int64_t us, char *space)
{
    int64_t ms = us / US_PER_MS + (us % US_PER_MS > 0 ? 1 : 0);
    return decimal(ms > 0 ? (uint64_t)ms : 1, space);
}

/* ---- fetch --------------------------------------------------------------- */

/* One MGET for the names of the first one's slot, another one for the rest. In a
 * cluster those are an entry and the counters, which share a slot by their tag.
 * They are read at the same time, so that now and then the entry is newer than the
 * clock: a miss, as if the clock had been put back (see fcr_purge_holds), for one
 * round trip instead of two. */
static fcache_status_t plan_fetch(const fcrd_t *self,
                                  const fcache_bytes_t *names, size_t count,
                                  fcrd_call_t *calls, size_t *out_calls,
                                  size_t *part, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    *out_calls = 0;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        unsigned slot = slot_of(self, names[i]);
        size_t at = 0;
        while (at < *out_calls && calls[at].slot != slot) {
            at++;
        }
        if (at == FCRD_CALLS_MAX) {
            return fcache_error_set(error, FCACHE_BAD_INPUT,
                                    "names of more than %d slots",
                                    FCRD_CALLS_MAX);
        }
        if (at == *out_calls) {
            (*out_calls)++;
            calls[at] = (fcrd_call_t){.slot = slot};
            status = fcrd_command_init(&calls[at].command, count + 1, pool);
            if (status == FCACHE_OK) {
                status =
                    fcrd_command_add(&calls[at].command, fcache_str("MGET"));
            }
        }
        if (status == FCACHE_OK) {
            status = fcrd_command_add(&calls[at].command, names[i]);
        }
        part[i] = at;
    }
    return status;
}

/* An entry of full size, and counters that are short: nothing else is there. */
static void limit_fetch(const fcrd_t *self, fcrd_call_t *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t names = calls[i].command.count - 1;
        calls[i].limits =
            (fcrd_limits_t){self->conf.max_value,
                            self->conf.max_value + REPLY_EXTRA +
                                names * (COUNTER_MAX + REPLY_EXTRA),
                            names};
    }
}

static fcache_status_t take_found(const fcrd_reply_t *reply,
                                  fcr_found_t *out_found, fcache_error_t *error)
{
    *out_found = (fcr_found_t){0};
    if (reply->type == FCRD_STRING) {
        out_found->exists = 1;
        out_found->value = reply->text;
    } else if (reply->type != FCRD_NIL) {
        return odd_reply(error);
    }
    return FCACHE_OK;
}

fcache_status_t fcrd_fetch(void *store, fcache_bytes_t home,
                           const fcache_bytes_t *names, size_t count,
                           fcr_found_t *out_found, fcn_deadline_t deadline,
                           apr_pool_t *pool, fcache_error_t *error)
{
    fcrd_t *self = store;
    fcrd_call_t calls[FCRD_CALLS_MAX];
    size_t next[FCRD_CALLS_MAX] = {0};
    size_t part[FCR_FETCH_MAX];
    size_t call_count;
    (void)home; /* there is one clock */
    if (count > FCR_FETCH_MAX) {
        return fcache_error_set(error, FCACHE_BAD_INPUT, "too many names");
    }
    fcache_status_t status =
        plan_fetch(self, names, count, calls, &call_count, part, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    limit_fetch(self, calls, call_count);
    status = fcrd_run(self, calls, call_count, deadline, pool, error);
    for (size_t i = 0; i < call_count && status == FCACHE_OK; i++) {
        if (calls[i].reply->type != FCRD_ARRAY ||
            calls[i].reply->count != calls[i].command.count - 1) {
            status = odd_reply(error);
        }
    }
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        const fcrd_reply_t *reply = calls[part[i]].reply;
        status =
            take_found(&reply->items[next[part[i]]++], &out_found[i], error);
    }
    return status;
}

/* ---- what changes one name or two of one slot ---------------------------- */

/* Words in a pool of their own, which the caller destroys. */
typedef struct change_t {
    apr_pool_t *pool;
    fcrd_call_t call;
} change_t;

static fcache_status_t change_begin(change_t *change, const fcrd_t *self,
                                    fcache_bytes_t name,
                                    const fcache_bytes_t *words, size_t count,
                                    fcache_error_t *error)
{
    change->call = (fcrd_call_t){.slot = slot_of(self, name),
                                 .limits = {REPLY_EXTRA, 2 * COUNTER_MAX, 0}};
    if (apr_pool_create(&change->pool, NULL) != APR_SUCCESS) {
        change->pool = NULL;
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a command");
    }
    fcache_status_t status =
        fcrd_command_init(&change->call.command, count, change->pool);
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = fcrd_command_add(&change->call.command, words[i]);
    }
    return status;
}

static void change_end(change_t *change)
{
    if (change->pool) {
        apr_pool_destroy(change->pool);
    }
}

static fcache_status_t change_run(change_t *change, fcrd_t *self,
                                  fcache_bytes_t name,
                                  const fcache_bytes_t *words, size_t count,
                                  fcn_deadline_t deadline,
                                  fcache_error_t *error)
{
    fcache_status_t status =
        change_begin(change, self, name, words, count, error);
    return status == FCACHE_OK
               ? fcrd_run(self, &change->call, 1, deadline, change->pool, error)
               : status;
}

/* ---- store --------------------------------------------------------------- */

/* The pieces as one; `*out_copy` is to be freed. */
static fcache_status_t gather(const fcr_store_t *store, uint64_t max_value,
                              fcache_bytes_t *out_value, fcache_buf_t *out_copy,
                              fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    fcache_buf_init(out_copy, (size_t)max_value);
    if (store->piece_count == 1 && store->pieces[0].len <= max_value) {
        *out_value = store->pieces[0];
        return FCACHE_OK;
    }
    for (size_t i = 0; i < store->piece_count && status == FCACHE_OK; i++) {
        status = fcache_buf_append(out_copy, store->pieces[i]);
    }
    *out_value = fcache_buf_bytes(out_copy);
    return status == FCACHE_OK
               ? FCACHE_OK
               : fcache_error_set(error, status,
                                  "a value of more than max-value=%llu bytes",
                                  (unsigned long long)max_value);
}

static fcache_status_t set(fcrd_t *self, const fcr_store_t *store,
                           fcache_bytes_t value, fcache_bytes_t ttl_ms,
                           fcn_deadline_t deadline, fcache_error_t *error)
{
    change_t change;
    const fcache_bytes_t words[] = {
        fcache_str("SET"), store->name, value,
        fcache_str("PX"),  ttl_ms,      fcache_str("NX")};
    size_t count = store->mode == FCR_ADD ? 6 : 5;
    fcache_status_t status =
        change_run(&change, self, store->name, words, count, deadline, error);
    if (status == FCACHE_OK && change.call.reply->type == FCRD_NIL) {
        status = FCACHE_EXISTS;
    } else if (status == FCACHE_OK && !fcrd_reply_is(change.call.reply, "OK")) {
        status = odd_reply(error);
    }
    change_end(&change);
    return status;
}

static fcache_status_t replace(fcrd_t *self, const fcr_store_t *store,
                               fcache_bytes_t value, fcache_bytes_t ttl_ms,
                               fcn_deadline_t deadline, fcache_error_t *error)
{
    change_t change;
    fcache_bytes_t stamp = store->old->value;
    stamp.len = stamp.len < FCR_STAMP_BYTES ? stamp.len : FCR_STAMP_BYTES;
    const fcache_bytes_t words[] = {fcache_str("EVAL"),
                                    fcache_str(replace_script),
                                    fcache_str("1"),
                                    store->name,
                                    stamp,
                                    value,
                                    ttl_ms};
    fcache_status_t status =
        change_run(&change, self, store->name, words, 7, deadline, error);
    if (status == FCACHE_OK && change.call.reply->type != FCRD_INTEGER) {
        status = odd_reply(error);
    } else if (status == FCACHE_OK && change.call.reply->integer == 0) {
        status = FCACHE_EXISTS;
    }
    change_end(&change);
    return status;
}

fcache_status_t fcrd_store(void *store_self, const fcr_store_t *store,
                           fcn_deadline_t deadline, fcache_error_t *error)
{
    fcrd_t *self = store_self;
    fcache_buf_t copy;
    fcache_bytes_t value;
    char space[DECIMAL_MAX];
    fcache_bytes_t ttl_ms = milliseconds(store->ttl_us, space);
    fcache_status_t status =
        gather(store, self->conf.max_value, &value, &copy, error);
    if (status == FCACHE_OK) {
        status = store->mode == FCR_REPLACE
                     ? replace(self, store, value, ttl_ms, deadline, error)
                     : set(self, store, value, ttl_ms, deadline, error);
    }
    fcache_buf_fini(&copy);
    return status;
}

/* ---- remove, tick, seed -------------------------------------------------------- */

fcache_status_t fcrd_remove(void *store, fcache_bytes_t name,
                            fcn_deadline_t deadline, fcache_error_t *error)
{
    change_t change;
    const fcache_bytes_t words[] = {fcache_str("UNLINK"), name};
    fcache_status_t status =
        change_run(&change, store, name, words, 2, deadline, error);
    if (status == FCACHE_OK && change.call.reply->type != FCRD_INTEGER) {
        status = odd_reply(error);
    } else if (status == FCACHE_OK && change.call.reply->integer == 0) {
        status = FCACHE_MISS;
    }
    change_end(&change);
    return status;
}

static fcache_status_t read_clock(const fcrd_reply_t *reply,
                                  uint64_t *out_clock, fcache_error_t *error)
{
    uint64_t clock = 0;
    if (reply->type != FCRD_STRING || reply->text.len == 0 ||
        reply->text.len > 18) {
        return odd_reply(error);
    }
    for (size_t i = 0; i < reply->text.len; i++) {
        char c = reply->text.ptr[i];
        if (c < '0' || c > '9') {
            return odd_reply(error);
        }
        clock = clock * 10 + (uint64_t)(c - '0');
    }
    *out_clock = clock;
    return FCACHE_OK;
}

fcache_status_t fcrd_tick(void *store, const fcr_repair_t *repair,
                          fcache_bytes_t clock, const fcache_bytes_t *counters,
                          size_t count, uint64_t floor, uint64_t *out_clock,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    change_t change;
    char count_space[DECIMAL_MAX], floor_space[DECIMAL_MAX],
        known_space[DECIMAL_MAX];
    fcache_bytes_t words[6 + FCR_TICK_MAX] = {
        fcache_str("EVAL"), fcache_str(tick_script),
        decimal(count + 1, count_space), clock};
    size_t used = 4 + count;
    memcpy(&words[4], counters, count * sizeof(*counters));
    words[used++] = decimal(floor, floor_space);
    if (repair) {
        words[used++] = decimal(repair->known, known_space);
    }
    fcache_status_t status =
        change_run(&change, store, clock, words, used, deadline, error);
    if (status == FCACHE_TOO_LARGE) {
        status = FCACHE_UNAVAILABLE; /* a purge that is refused has failed */
    }
    if (status == FCACHE_OK) {
        status = read_clock(change.call.reply, out_clock, error);
    }
    change_end(&change);
    return status;
}

fcache_status_t fcrd_seed(void *store, fcache_bytes_t home,
                          fcache_bytes_t clock, const fcache_bytes_t *counters,
                          size_t count, fcn_deadline_t deadline,
                          fcache_error_t *error)
{
    change_t change;
    char count_space[DECIMAL_MAX];
    fcache_bytes_t words[4 + FCR_FETCH_MAX] = {
        fcache_str("EVAL"), fcache_str(seed_script),
        decimal(count + 1, count_space), clock};
    (void)home; /* there is one clock */
    if (count > FCR_FETCH_MAX) {
        return fcache_error_set(error, FCACHE_BAD_INPUT, "too many names");
    }
    memcpy(&words[4], counters, count * sizeof(*counters));
    fcache_status_t status =
        change_run(&change, store, clock, words, 4 + count, deadline, error);
    if (status == FCACHE_OK && change.call.reply->type != FCRD_INTEGER) {
        status = odd_reply(error);
    }
    int has_no_room = status == FCACHE_TOO_LARGE;
    if (has_no_room ||
        (status == FCACHE_OK && change.call.reply->integer == 0)) {
        status = FCACHE_MISS;
    }
    change_end(&change);
    return status;
}

/* ---- distrust ------------------------------------------------------------ */

/* It was read of the entry's server and of the counters'. */
void fcrd_distrust(void *store, fcache_bytes_t home)
{
    fcrd_t *self = store;
    const fcache_bytes_t names[] = {home, fcache_str("{fcache}")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fcrd_server_t *server =
            fcrd_map_take(&self->map, slot_of(self, names[i]));
        if (server) {
            fcn_node_flush(server->node);
        }
        fcrd_map_release(&self->map, server);
    }
}
