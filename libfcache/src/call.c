/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "cache_parts.h"

/*
 *   answer   look up: fresh -> serve
 *   fly      else lead, follow or go alone
 *   produce  compute; keep the result, or fall back on what is stored
 */

#define DEFAULT_LEASE_US (30 * FCACHE_US_PER_S)
#define MARK_US          (10 * FCACHE_US_PER_S) /* of what is not stored */
#define RETRY_US         FCACHE_US_PER_S        /* after computing failed */

static uint64_t random_of(const fci_call_t *call)
{
    return call->env->random ? call->env->random(call->env->baton) : 0;
}

/* ---- serving ------------------------------------------------------------- */

/* Hands out what was found; 0 when it is not what the coder says. */
static int serve(fci_call_t *call, fci_found_t *found,
                 fcache_call_source_t source, fcache_status_t *out_status)
{
    fcache_error_t error = {""};
    call->report->source = found->is_put_back ? FCACHE_CALL_STALE : source;
    call->report->fresh_until_us = found->fresh_until_us;
    if (found->is_negative) {
        *out_status = fcache_error_set(call->error, FCACHE_MISS,
                                       "there was none, says the cache");
        return 1;
    }
    fcache_status_t status = call->coder->decode(
        call->coder, found->bytes, call->value, call->pool, &error);
    if (status != FCACHE_OK) {
        fci_call_trouble(call, status, &error);
        found->state = FCI_NOTHING;
        return 0;
    }
    *out_status = FCACHE_OK;
    return 1;
}

/* Hands out what is stored though it is past, or was to be computed early. */
static int serve_old(fci_call_t *call, fci_found_t *found,
                     fcache_status_t *out_status)
{
    if (found->state == FCI_NOTHING || found->state == FCI_UNCACHEABLE) {
        return 0;
    }
    return serve(call, found,
                 found->state == FCI_FRESH ? FCACHE_CALL_CACHE
                                           : FCACHE_CALL_STALE,
                 out_status);
}

/* ---- computing ----------------------------------------------------------- */

static fcache_status_t run(const fci_call_t *call)
{
    call->report->source = FCACHE_CALL_COMPUTED;
    call->report->fresh_until_us = 0;
    return call->spec->fn(call->spec->baton, call->args, call->count,
                          call->value, call->pool, call->error);
}

static int64_t lifetime_of(const fci_call_t *call, fcache_status_t status)
{
    const fcache_call_t *spec = call->spec;
    int64_t ttl_us = spec->expire_us ? spec->expire_us : call->cache->expire_us;
    if (status == FCACHE_MISS) {
        ttl_us = spec->negative_us;
    } else if (spec->lifetime) {
        ttl_us = spec->lifetime(spec->baton, call->value);
    }
    ttl_us = fci_call_span(ttl_us);
    return spec->jitter_percent && call->env->random
               ? fcache_jitter(ttl_us, spec->jitter_percent, random_of(call))
               : ttl_us;
}

static fcache_status_t store(fci_call_t *call, fcache_status_t computed,
                             fci_result_t *result, int64_t now_us,
                             fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    fcache_bytes_t bytes;
    fcache_buf_t buf;
    fcache_buf_init(&buf, (size_t)call->cache->max_object_bytes);
    if (computed == FCACHE_OK) {
        status = call->coder->encode(call->coder, call->value, &buf, error);
        bytes = fcache_buf_bytes(&buf);
        result->bytes = &bytes;
    }
    if (status == FCACHE_OK) {
        status = fci_call_store(call, result, now_us, error);
    }
    result->bytes = NULL;
    fcache_buf_fini(&buf);
    return status;
}

/* Stores a result, or, as leader of others, that there is nothing to wait for. */
static void keep(fci_call_t *call, fcache_status_t computed,
                 fci_result_t *result, int64_t now_us, int is_leading)
{
    fcache_error_t error = {""};
    fcache_status_t status = FCACHE_TOO_LARGE;
    int64_t ttl_us = lifetime_of(call, computed);
    if (ttl_us > 0) {
        result->fresh_until_us = now_us + ttl_us;
        result->stale_until_us = result->fresh_until_us +
                                 fci_call_span(call->spec->stale_us) +
                                 fci_call_span(call->spec->stale_if_error_us);
        status = store(call, computed, result, now_us, &error);
        if (status == FCACHE_OK) {
            call->report->fresh_until_us = result->fresh_until_us;
        } else {
            fci_call_trouble(call, status, &error);
        }
    }
    if (is_leading &&
        (status == FCACHE_TOO_LARGE || status == FCACHE_BAD_INPUT)) {
        (void)fcache_flight_mark(call->cache, &call->key, MARK_US,
                                 result->epoch, now_us, NULL);
    }
}

/* Others need not fail one after the other: for a moment it is served again. */
static void put_back(fci_call_t *call, const fci_found_t *found, int64_t now_us)
{
    int64_t until_us = now_us + RETRY_US;
    const fci_result_t again = {
        .bytes = &found->bytes,
        .is_put_back = 1,
        .cost_us = found->cost_us,
        .fresh_until_us =
            until_us < found->stale_until_us ? until_us : found->stale_until_us,
        .stale_until_us = found->stale_until_us,
        .epoch = found->epoch,
    };
    (void)fci_call_store(call, &again, now_us, NULL);
}

static fcache_status_t produce(fci_call_t *call, fci_found_t *found,
                               int is_leading)
{
    int64_t started_us = fci_call_now(call);
    fci_result_t result = {.epoch = fcache_epoch(call->cache)};
    fcache_status_t status = run(call);
    fcache_status_t served = FCACHE_OK;
    int64_t now_us = fci_call_now(call);
    if (status == FCACHE_OK || status == FCACHE_MISS) {
        result.cost_us = now_us - started_us;
        keep(call, status, &result, now_us, is_leading);
        return status;
    }
    int is_past = found->state != FCI_FRESH;
    fcache_error_t failure = {"computing failed"};
    if (call->error) {
        failure = *call->error;
    }
    if (!serve_old(call, found, &served)) {
        call->report->source = FCACHE_CALL_COMPUTED;
        return status;
    }
    fci_call_trouble(call, status, &failure);
    if (is_leading && is_past && !found->is_negative) {
        put_back(call, found, now_us);
    }
    return served;
}

/* ---- single flight ------------------------------------------------------- */

/* As leader: another may have stored it between our look-up and the lock. */
static fcache_status_t lead(fci_call_t *call, fci_found_t *found,
                            fcache_flight_t *flight, apr_pool_t *scratch)
{
    fci_found_t again;
    fcache_status_t status = FCACHE_OK;
    (void)fci_call_look(call, &again, scratch);
    int is_news =
        again.state == FCI_FRESH &&
        (found->state == FCI_NOTHING || again.created_us != found->created_us ||
         again.fresh_until_us != found->fresh_until_us);
    if (!is_news || !serve(call, &again, FCACHE_CALL_WAITED, &status)) {
        status = produce(call, found, 1);
    }
    fcache_flight_end(call->cache, flight, fci_call_now(call));
    return status;
}

/* Waits for what the leader makes: 1 when it was handed out. */
static int follow(fci_call_t *call, fci_found_t *found, fcache_flight_t *flight,
                  apr_pool_t *scratch, fcache_status_t *out_status)
{
    fcache_error_t error = {""};
    while (flight->role == FCACHE_FLIGHT_FOLLOW) {
        fci_found_t again;
        call->env->wait(
            call->env->baton,
            fcache_flight_pause(flight, random_of(call), fci_call_now(call)));
        apr_pool_clear(scratch);
        call->until_us = 0;
        (void)fci_call_look(call, &again, scratch);
        if (again.state == FCI_FRESH &&
            serve(call, &again, FCACHE_CALL_WAITED, out_status)) {
            return 1;
        }
        if (again.state == FCI_UNCACHEABLE) {
            *found = again;
            flight->role = FCACHE_FLIGHT_ALONE;
            return 0;
        }
        (void)fcache_flight_retry(call->cache, flight, fci_call_now(call),
                                  &error);
    }
    return 0;
}

static fcache_status_t fly(fci_call_t *call, fci_found_t *found,
                           apr_pool_t *scratch)
{
    const fcache_call_t *spec = call->spec;
    fcache_flight_t flight;
    fcache_error_t error = {""};
    fcache_status_t status = FCACHE_OK;
    /* Whoever has something to hand out does not wait for better. */
    int has_some = found->state == FCI_FRESH || found->state == FCI_STALE;
    int64_t wait_us = has_some || !call->env->wait ? 0 : spec->wait_us;
    if (!has_some && wait_us <= 0) {
        return produce(call, found, 0);
    }
    const fcache_flight_options_t options = {
        .wait_us = wait_us,
        .lease_us = spec->lease_us > 0 ? spec->lease_us : DEFAULT_LEASE_US,
        .until_us = &call->until_us,
    };
    (void)fcache_flight_begin(call->cache, &call->key, &options,
                              fci_call_now(call), &flight, call->pool, &error);
    if (flight.status != FCACHE_OK && flight.status != FCACHE_EXISTS) {
        fci_call_trouble(call, flight.status, &error);
    }
    if (follow(call, found, &flight, scratch, &status)) {
        return status;
    }
    if (flight.role == FCACHE_FLIGHT_LEAD) {
        return lead(call, found, &flight, scratch);
    }
    return has_some && serve_old(call, found, &status)
               ? status
               : produce(call, found, 0);
}

/* ---- the whole ----------------------------------------------------------- */

static int is_early(const fci_call_t *call, const fci_found_t *found)
{
    return call->spec->early_percent > 0 && call->env->random &&
           !found->is_put_back &&
           fcache_early_is_due(found->fresh_until_us, found->cost_us,
                               call->spec->early_percent, random_of(call),
                               fci_call_now(call));
}

static fcache_status_t answer(fci_call_t *call, apr_pool_t *scratch)
{
    fci_found_t found;
    fcache_status_t status = FCACHE_OK;
    fcache_status_t looked = fci_call_look(call, &found, scratch);
    int is_hit = found.state == FCI_FRESH && !is_early(call, &found) &&
                 serve(call, &found, FCACHE_CALL_CACHE, &status);
    fci_count(call->cache, is_hit ? FCACHE_OK : FCACHE_MISS);
    if (is_hit) {
        return status;
    }
    /* A store that fails is not asked for a lock too. */
    int is_silent = fcache_status_is_fault(looked) && looked != FCACHE_CORRUPT;
    return is_silent || found.state == FCI_UNCACHEABLE
               ? produce(call, &found, 0)
               : fly(call, &found, scratch);
}

static int is_on(const fcache_t *cache, const fcache_call_t *call)
{
    return cache && !call->disabled &&
           __atomic_load_n(&cache->enabled, __ATOMIC_RELAXED);
}

static fcache_status_t check(const fcache_call_t *call, const fcache_env_t *env,
                             const fcache_coder_t *coder, fcache_error_t *error)
{
    const char *lack = NULL;
    if (!call->module || !call->function || !call->fn) {
        lack = "a module, a function's name and a function";
    } else if (!env || !env->now) {
        lack = "an env with a clock";
    } else if (coder && coder->kind != FCACHE_CODER_VALUE) {
        lack = "a coder for values";
    }
    return lack ? fcache_error_set(error, FCACHE_BAD_INPUT,
                                   "a cached call needs %s", lack)
                : FCACHE_OK;
}

fcache_status_t fcache_call(fcache_t *cache, const fcache_call_t *call,
                            const fcache_arg_t *args, size_t count,
                            const fcache_env_t *env, void *out_value,
                            fcache_call_report_t *out_report, apr_pool_t *pool,
                            fcache_error_t *error)
{
    fcache_call_report_t unseen = {0};
    fcache_error_t trouble = {""};
    apr_pool_t *scratch = NULL;
    fci_call_t state = {
        .cache = cache,
        .spec = call,
        .args = args,
        .count = count,
        .env = env,
        .coder = call->coder || !cache ? call->coder : cache->coder,
        .value = out_value,
        .report = out_report ? out_report : &unseen,
        .pool = pool,
        .error = error,
    };
    *state.report = (fcache_call_report_t){.source = FCACHE_CALL_COMPUTED};
    fcache_status_t status = check(call, env, state.coder, error);
    if (status != FCACHE_OK || !is_on(cache, call)) {
        return status == FCACHE_OK ? run(&state) : status;
    }
    status =
        fcache_call_key(cache, call, args, count, &state.key, pool, &trouble);
    if (status == FCACHE_OK && apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        status = fcache_error_set(&trouble, FCACHE_NO_MEMORY,
                                  "no memory for a look-up");
    }
    if (status != FCACHE_OK) {
        fci_call_trouble(&state, status, &trouble);
        return run(&state);
    }
    status = answer(&state, scratch);
    apr_pool_destroy(scratch);
    return status;
}

const char *fcache_call_source_text(fcache_call_source_t source)
{
    static const char *const texts[] = {
#define X(name, text) text,
        FCACHE_CALL_SOURCE_LIST(X)
#undef X
    };
    return (size_t)source < sizeof(texts) / sizeof(texts[0]) ? texts[source]
                                                             : "";
}
