/* SPDX-License-Identifier: Apache-2.0 */
#include "purge.h"

#include <fcache/entry.h>

#include <apr_time.h>
#include <openssl/evp.h>

#define COUNTER_LIFE_US (FCR_LIFE_US + INT64_C(24) * 3600 * 1000000)
#define DIGEST_BYTES    18
#define SCOPES_MAX      (3 + FCR_TAGS_MAX)

_Static_assert(FCR_FETCH_MAX >= 2 + 2 * SCOPES_MAX, "said in client.h");
_Static_assert(FCR_COUNTER_LEN == 10 + FCACHE_BASE64URL_LEN(DIGEST_BYTES),
               "said in purge.h");

/* ---- names --------------------------------------------------------------- */

fcache_bytes_t fcr_clock_name(void)
{
    return fcache_str("{fcache}clock");
}

/* Kind, length of the prefix, prefix, and the namespace or tag. */
static int digest_scope(const fcache_scope_t *scope, unsigned char *out)
{
    const int has_prefix = scope->kind != FCACHE_SCOPE_ALL;
    const unsigned char start[] = {
        (unsigned char)scope->kind,
        (unsigned char)(has_prefix ? scope->prefix.len : 0),
    };
    fcache_bytes_t rest = scope->kind == FCACHE_SCOPE_NAMESPACE ? scope->ns
                          : scope->kind == FCACHE_SCOPE_TAG
                              ? scope->tag
                              : (fcache_bytes_t){0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
               EVP_DigestUpdate(context, start, sizeof(start)) &&
               EVP_DigestUpdate(context, scope->prefix.ptr, start[1]) &&
               EVP_DigestUpdate(context, rest.ptr, rest.len) &&
               EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return done;
}

int fcr_counter_name(const fcache_scope_t *scope, int soft,
                     char out[FCR_COUNTER_LEN])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!digest_scope(scope, digest)) {
        return 0;
    }
    memcpy(out, soft ? "{fcache}s:" : "{fcache}h:", 10);
    fcache_base64url(fcache_bytes(digest, DIGEST_BYTES), out + 10);
    return 1;
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
    return text.len > 0 && *out <= FCR_CLOCK_MAX;
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
                            "there; delete it",
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

static fcache_status_t tick(fcr_purge_t *purge, const fcache_bytes_t *home,
                            const fcache_scope_t *scope, int soft,
                            fcn_deadline_t deadline, uint64_t *out_clock,
                            fcache_error_t *error)
{
    char name[FCR_COUNTER_LEN];
    uint64_t floor = next_clock(purge);
    *out_clock = floor;
    if (!fcr_counter_name(scope, soft, name)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for the name of a counter");
    }
    fcache_status_t status =
        purge->client->tick(purge->client_self, home, fcr_clock_name(),
                            fcache_bytes(name, sizeof(name)), floor,
                            COUNTER_LIFE_US, out_clock, deadline, error);
    if (status == FCACHE_OK &&
        (*out_clock < floor || *out_clock > FCR_CLOCK_MAX)) {
        status = fcache_error_set(error, FCACHE_PROTOCOL,
                                  "the store's clock did not move");
    }
    if (status != FCACHE_OK) {
        *out_clock = floor;
    }
    return status;
}

/* Everything that lies where `home` does is gone from now on, for all. */
static fcache_status_t mend(fcr_purge_t *purge, fcache_bytes_t home,
                            fcr_moment_t moment, fcn_deadline_t deadline,
                            fcache_error_t *error)
{
    const fcache_scope_t all = {.kind = FCACHE_SCOPE_ALL};
    uint64_t clock;
    if (atomic_load(&purge->shared->clocks[moment.clock_no]) != moment.seen) {
        return FCACHE_MISS; /* another thread has done it meanwhile */
    }
    fcache_status_t status =
        tick(purge, &home, &all, 0, deadline, &clock, error);
    if (status != FCACHE_OK) {
        return status;
    }
    note_clock(purge, moment.clock_no, clock);
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

/* All scopes that the record is in; 0 when its tags are no good. */
static size_t scopes_of(const fcr_subject_t *subject,
                        fcache_scope_t scopes[SCOPES_MAX])
{
    size_t count = 0;
    size_t offset = 0;
    fcache_bytes_t tag;
    scopes[count++] = (fcache_scope_t){.kind = FCACHE_SCOPE_ALL};
    scopes[count++] = (fcache_scope_t){.kind = FCACHE_SCOPE_PREFIX,
                                       .prefix = subject->prefix};
    scopes[count++] = (fcache_scope_t){.kind = FCACHE_SCOPE_NAMESPACE,
                                       .prefix = subject->prefix,
                                       .ns = subject->ns};
    int more = fcache_entry_list_next(subject->tags, &offset, &tag);
    while (more > 0 && count < SCOPES_MAX) {
        scopes[count++] = (fcache_scope_t){
            .kind = FCACHE_SCOPE_TAG, .prefix = subject->prefix, .tag = tag};
        more = fcache_entry_list_next(subject->tags, &offset, &tag);
    }
    return more == 0 ? count : 0;
}

/* Hard and soft counter of each scope, one behind the other. */
static int name_counters(const fcache_scope_t *scopes, size_t count,
                         fcache_bytes_t *names, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, 2 * count * FCR_COUNTER_LEN);
    for (size_t i = 0; i < 2 * count; i++) {
        if (!fcr_counter_name(&scopes[i / 2], i % 2 == 1, text)) {
            return 0;
        }
        names[i] = fcache_bytes(text, FCR_COUNTER_LEN);
        text += FCR_COUNTER_LEN;
    }
    return 1;
}

/* The highest of the hard ones and of the soft ones; a counter that is not there
 * was never set. */
static fcache_status_t highest(const fcache_bytes_t *names,
                               const fcr_found_t *found, size_t count,
                               uint64_t out[2], fcache_error_t *error)
{
    out[0] = out[1] = 0;
    for (size_t i = 0; i < 2 * count; i++) {
        uint64_t value;
        fcache_status_t status =
            read_number(names[i], &found[i], &value, error);
        if (status != FCACHE_OK) {
            return status;
        }
        out[i % 2] = value > out[i % 2] ? value : out[i % 2];
    }
    return FCACHE_OK;
}

static fcache_status_t read_counters(fcr_purge_t *purge,
                                     const fcr_subject_t *subject,
                                     fcn_deadline_t deadline, int *out_soft,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcache_scope_t scopes[SCOPES_MAX];
    fcache_bytes_t names[2 * SCOPES_MAX];
    fcr_found_t found[2 * SCOPES_MAX];
    uint64_t purged[2];
    size_t count = scopes_of(subject, scopes);
    if (count == 0) {
        return fcache_error_set(error, FCACHE_CORRUPT, "%.*s: no list of tags",
                                (int)subject->name.len, subject->name.ptr);
    }
    if (!name_counters(scopes, count, names, pool)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for the names of counters");
    }
    memset(found, 0, 2 * count * sizeof(found[0]));
    fcache_status_t status =
        purge->client->fetch(purge->client_self, subject->name, names,
                             2 * count, found, deadline, pool, error);
    if (status == FCACHE_OK) {
        status = highest(names, found, count, purged, error);
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
        if (subject->epoch <= FCR_CLOCK_MAX) {
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
        read_counters(purge, subject, deadline, out_soft, pool, error);
    if (status == FCACHE_OK) {
        fcr_memo_keep(purge->memo, key, clock, *out_soft);
    }
    return status;
}

/* ---- clearing ------------------------------------------------------------ */

fcache_status_t fcr_purge_clear(fcr_purge_t *purge, const fcache_scope_t *scope,
                                int soft, fcn_deadline_t deadline,
                                fcache_error_t *error)
{
    uint64_t clock;
    fcache_status_t status =
        tick(purge, NULL, scope, soft, deadline, &clock, error);
    if (status == FCACHE_OK) {
        raise_to(&purge->shared->clock, clock);
    }
    if (status == FCACHE_OK || !soft) {
        for (size_t i = 0; i < FCN_CLOCKS; i++) {
            raise_to(&purge->shared->clocks[i], clock);
        }
    }
    return status;
}
