/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step 5 for what the origin is to be asked: of all who want the same, one
 * leads and asks, and the others follow. Who leads has a lock in the request's
 * store (fcache/flight.h); a store in memory makes that one per host, a remote
 * one one per fleet. Within a process queue.c has them wait for each other.
 *
 * Followers get what is stored, found by a look-up of their own: what is not
 * stored is shared with nobody (T23). What turned out not to be storable leaves
 * a mark in the lock's place, and nobody queues for it for a while. A leader
 * that fails frees them to try, one after the other. A leader that is dead is
 * noticed by the machine it was on, and by others when its lease is over.
 *
 * Nothing of this fails a request: who cannot wait asks the origin alone.
 */
#include "behind.h"
#include "ctx.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_US       (120 * FCACHE_US_PER_S)
#define LOCAL_MARK_US FCACHE_US_PER_S /* others may remove theirs */
#define BOOT_ID       "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN   36

typedef enum stage_t {
    STAGE_NEW,
    STAGE_WATCH, /* the lock is another process's */
    STAGE_FREED, /* it is nobody's any more, and we looked up again */
    STAGE_LEAD,
    STAGE_ALONE
} stage_t;

typedef struct mfc_flight_t {
    apr_pool_t *pool; /* the request's */
    stage_t stage;
    fcache_key_t key;
    fcache_flight_t core;
    unsigned number; /* of our seat in the queue, 0: none */
    int64_t since_us;
    int64_t give_up_us;
    int has_waited;
    int is_marked;       /* it is known not to be stored */
    int64_t may_lead_us; /* the store did not say in time whether the lock has
                            been ours since then; 0: it did */
    fcache_forward_t forward;
} mfc_flight_t;

/* Of this process: the machine, as far as pids go, and its own. */
static char machine[BOOT_ID_LEN + 24];
static char owner[sizeof(machine) + 24];

/* ---- who is alive -------------------------------------------------------- */

static int read_boot_id(char out[BOOT_ID_LEN + 1])
{
    FILE *file = fopen(BOOT_ID, "re");
    size_t len = file != NULL ? fread(out, 1, BOOT_ID_LEN, file) : 0;

    if (file != NULL) {
        fclose(file);
    }
    out[len] = '\0';
    return len == BOOT_ID_LEN;
}

void mfc_flight_child_init(void)
{
    char boot_id[BOOT_ID_LEN + 1];
    struct stat pids;

    owner[0] = '\0';
    if (read_boot_id(boot_id) && stat("/proc/self/ns/pid", &pids) == 0) {
        apr_snprintf(machine, sizeof(machine), "%s %lx ", boot_id,
                     (unsigned long)pids.st_ino);
        apr_snprintf(owner, sizeof(owner), "%s%ld", machine, (long)getpid());
    }
}

/* The pid of an owner on this machine, or 0. */
static pid_t pid_of(fcache_bytes_t name)
{
    size_t at = strlen(machine);
    pid_t pid = 0;

    if (owner[0] == '\0' || name.len <= at || name.len - at > 9 ||
        memcmp(name.ptr, machine, at) != 0) {
        return 0;
    }
    for (; at < name.len; at++) {
        if (name.ptr[at] < '0' || name.ptr[at] > '9') {
            return 0;
        }
        pid = pid * 10 + (name.ptr[at] - '0');
    }
    return pid;
}

static int is_dead(fcache_bytes_t name)
{
    pid_t pid = pid_of(name);

    return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

/* ---- who takes part ------------------------------------------------------ */

/* Is what somebody else stores meanwhile an answer to this request? */
static int can_be_shared(const mfc_ctx_t *ctx)
{
    switch ((int)ctx->decision.reason) {
    case FCACHE_REASON_ABSENT:
    case FCACHE_REASON_VARY_MISS:
    case FCACHE_REASON_RANGE: /* a part is stored, and the whole is wanted */
        return 1;
    case FCACHE_REASON_EXPIRED:
    case FCACHE_REASON_SOFT_PURGED: /* unless it always is: */
        return ctx->hit.entry.fresh_until_us > ctx->hit.entry.created_us;
    default:
        return 0;
    }
}

/* As long as nothing is stored nobody can ask for others with these. */
static int asks_for_itself(const request_rec *r)
{
    return apr_table_get(r->headers_in, "Range") != NULL ||
           apr_table_get(r->headers_in, "If-Match") != NULL ||
           apr_table_get(r->headers_in, "If-Unmodified-Since") != NULL;
}

/* What has no answer that is stored leads nobody. */
static int takes_part(const request_rec *r, const mfc_ctx_t *ctx)
{
    return ctx->conf->lock.wait_us > 0 && !r->header_only &&
           !mfc_repeat_is(r->connection) &&
           (ctx->decision.plan == FCACHE_PLAN_REVALIDATE ||
            (ctx->decision.plan == FCACHE_PLAN_MISS && !asks_for_itself(r))) &&
           can_be_shared(ctx);
}

/* With Vary: of the variant. */
static const fcache_key_t *key_of(const mfc_ctx_t *ctx)
{
    return ctx->hit.varied || ctx->found == FCACHE_OK ? &ctx->hit.key
                                                      : &ctx->key;
}

static mfc_flight_t *flight_of(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_flight_t *flight = ctx->flight;

    if (flight == NULL) {
        flight = apr_pcalloc(r->pool, sizeof(*flight));
        flight->pool = r->pool;
        flight->give_up_us = apr_time_now() + ctx->conf->lock.wait_us;
        flight->forward = fcache_forward_of(ctx->bypass, &ctx->decision);
        flight->key = *key_of(ctx);
        ctx->flight = flight;
    } else if (memcmp(flight->key.digest, key_of(ctx)->digest,
                      sizeof(flight->key.digest)) != 0) {
        mfc_flight_end(ctx, MFC_OUTCOME_OVER);
        flight->stage = STAGE_NEW;
        flight->key = *key_of(ctx);
    }
    return flight;
}

/* ---- ending -------------------------------------------------------------- */

static void leave(mfc_flight_t *flight, mfc_outcome_t outcome)
{
    int64_t mark_until_us =
        outcome == MFC_OUTCOME_MARKED ? apr_time_now() + LOCAL_MARK_US : 0;

    mfc_queue_leave(&flight->key, flight->number, outcome, mark_until_us);
    flight->number = 0;
}

/* Of this process, by whoever asked for it then? */
static int is_ours(void *cache, const fcache_key_t *lock, int64_t since_us,
                   apr_pool_t *pool)
{
    const fcache_flight_t flight = {.lock = *lock};
    fcache_holder_t holder;

    return fcache_flight_look(cache, &flight, apr_time_now(), &holder, pool,
                              NULL) == FCACHE_OK &&
           !holder.is_mark && holder.since_us == since_us &&
           fcache_bytes_equal(holder.owner, fcache_str(owner));
}

/* The lock, if it is ours. The store is slow: where there are threads that write,
 * nobody waits for it. */
static void give_back(mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    const fcache_key_t *lock = &flight->core.lock;
    int64_t since_us = flight->may_lead_us;

    flight->may_lead_us = 0;
    if (ctx->behind != NULL) {
        mfc_writes_del_if(mfc_behind_writes(ctx->behind), lock, is_ours,
                          ctx->cache, since_us, NULL);
    } else if (is_ours(ctx->cache, lock, since_us, flight->pool)) {
        fcache_del(ctx->cache, lock, since_us, NULL);
    }
}

void mfc_flight_end(mfc_ctx_t *ctx, mfc_outcome_t outcome)
{
    mfc_flight_t *flight = ctx->flight;

    if (flight == NULL) {
        return;
    }
    if (flight->stage == STAGE_LEAD) {
        flight->stage = STAGE_ALONE;
        if (outcome == MFC_OUTCOME_MARKED) {
            fcache_flight_end_marked(mfc_writing(ctx), &flight->core, MARK_US,
                                     apr_time_now());
        } else {
            fcache_flight_end(mfc_writing(ctx), &flight->core, apr_time_now());
        }
    } else if (flight->may_lead_us > 0) {
        give_back(ctx, flight);
    }
    leave(flight, outcome);
}

void mfc_flight_stored(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_flight_t *flight = ctx->flight;

    if (flight != NULL && flight->is_marked) {
        flight->is_marked = 0;
        mfc_queue_unmark(&flight->key);
        fcache_flight_unmark(mfc_writing(ctx), &flight->key, apr_time_now(),
                             r->pool);
    }
    mfc_flight_end(ctx, MFC_OUTCOME_OVER);
}

/* Did it fail, so that the next may fare better? */
static mfc_outcome_t outcome_of(const request_rec *r, fcache_reason_t reason)
{
    switch ((int)reason) {
    case FCACHE_REASON_TRUNCATED:
        return MFC_OUTCOME_FAILED;
    case FCACHE_REASON_CLIENT_ABORT:
    case FCACHE_REASON_STORE_BUSY:
    case FCACHE_REASON_STORE_LATE:
    case FCACHE_REASON_STORE_FAULT:
        return MFC_OUTCOME_OVER;
    default:
        return r->status >= 500 || r->status == HTTP_TOO_MANY_REQUESTS
                   ? MFC_OUTCOME_FAILED
                   : MFC_OUTCOME_MARKED;
    }
}

void mfc_flight_refused(const request_rec *r, mfc_ctx_t *ctx,
                        fcache_reason_t reason)
{
    mfc_flight_end(ctx, outcome_of(r, reason));
}

/* ---- following ----------------------------------------------------------- */

static int go_alone(mfc_flight_t *flight)
{
    flight->stage = STAGE_ALONE;
    leave(flight, MFC_OUTCOME_OVER);
    return 0;
}

static int go_unqueued(mfc_flight_t *flight)
{
    flight->is_marked = 1;
    flight->stage = STAGE_ALONE;
    leave(flight, MFC_OUTCOME_MARKED);
    return 0;
}

/* Somebody refreshes it: it is served to whom it would be, could he do so. */
static int serve_meanwhile(mfc_ctx_t *ctx)
{
    fcache_policy_t policy = ctx->policy;
    fcache_decision_t decision;

    if (ctx->found != FCACHE_OK) {
        return 0;
    }
    policy.refreshes = 1;
    decision = fcache_decide(&policy, &ctx->hit.entry, ctx->hit.soft_purged,
                             &ctx->request, apr_time_now());
    if (decision.plan != FCACHE_PLAN_HIT_STALE) {
        return 0;
    }
    ctx->decision = decision;
    ctx->age_s = decision.age_s;
    ctx->ttl_s = decision.ttl_s;
    return 1;
}

/* What a try to lead came to: 1 to look up (once more). */
static int tried(mfc_flight_t *flight, int64_t now_us)
{
    if (flight->core.role == FCACHE_FLIGHT_LEAD) {
        flight->stage = STAGE_LEAD;
        mfc_queue_extend(&flight->key, flight->number, apr_time_now(),
                         flight->core.held_until_us);
        return 1;
    }
    flight->may_lead_us = flight->core.status == FCACHE_TIMEOUT ? now_us : 0;
    flight->stage =
        flight->core.role == FCACHE_FLIGHT_FOLLOW ? STAGE_WATCH : STAGE_ALONE;
    return 0;
}

uint64_t mfc_random(void)
{
    uint64_t bits = 0;

    (void)apr_generate_random_bytes((unsigned char *)&bits, sizeof(bits));
    return bits;
}

/* When it began, by our clock. */
static int64_t began(const mfc_flight_t *flight, int64_t since_us)
{
    return since_us > 0 && since_us < flight->since_us ? since_us
                                                       : flight->since_us;
}

/* What the store is asked after it has a time of its own. */
static void will_wait(mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    flight->has_waited = 1;
    ctx->until_us = 0;
}

/* Looks at the lock of another process until it is free or time is up. */
static int watch(request_rec *r, mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    int64_t now_us = apr_time_now();
    fcache_holder_t holder;

    while (now_us < flight->give_up_us && flight->core.left_us > 0) {
        fcache_status_t status = fcache_flight_look(
            ctx->cache, &flight->core, now_us, &holder, r->pool, NULL);
        if (status != FCACHE_OK) {
            flight->stage = STAGE_FREED;
            return status == FCACHE_MISS ? 1 : go_alone(flight);
        }
        if (holder.is_mark) {
            return go_unqueued(flight);
        }
        if (is_dead(holder.owner)) {
            fcache_flight_void(ctx->cache, &flight->core, holder.owner, now_us,
                               r->pool);
        } else if (serve_meanwhile(ctx)) {
            return go_alone(flight);
        }
        flight->since_us = began(flight, holder.since_us);
        mfc_queue_extend(&flight->key, flight->number, flight->since_us,
                         flight->give_up_us);
        will_wait(ctx, flight);
        if (!mfc_queue_sleep(
                flight->since_us, ctx->conf->lock.wait_us, now_us,
                fcache_flight_pause(&flight->core, mfc_random(), now_us))) {
            return go_alone(flight);
        }
        now_us = apr_time_now();
    }
    return go_alone(flight);
}

/* First of this process. */
static int begin(request_rec *r, mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    int64_t now_us = apr_time_now();
    const fcache_flight_options_t options = {
        .wait_us = flight->give_up_us - now_us,
        .lease_us = ctx->conf->lock.lease_us,
        .owner = fcache_str(owner),
        .until_us = &ctx->until_us,
    };

    flight->since_us = now_us;
    fcache_flight_begin(ctx->cache, &flight->key, &options, now_us,
                        &flight->core, r->pool, NULL);
    if (tried(flight, now_us)) {
        return 1;
    }
    return flight->stage == STAGE_WATCH ? watch(r, ctx, flight)
                                        : go_alone(flight);
}

static int follow(mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    if (serve_meanwhile(ctx)) {
        return go_alone(flight);
    }
    will_wait(ctx, flight);
    switch (mfc_queue_wait(&flight->key, flight->give_up_us,
                           ctx->conf->lock.wait_us)) {
    case MFC_OUTCOME_NONE:
        return go_alone(flight);
    case MFC_OUTCOME_MARKED:
        return go_unqueued(flight);
    case MFC_OUTCOME_FAILED:
        return !mfc_stale_decide(ctx);
    case MFC_OUTCOME_OVER:
        break;
    }
    return 1;
}

static int enter(request_rec *r, mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    int64_t now_us = apr_time_now();

    if (now_us >= flight->give_up_us) {
        return go_alone(flight);
    }
    switch (mfc_queue_enter(&flight->key, now_us, flight->give_up_us,
                            &flight->number)) {
    case MFC_PLACE_MARKED:
        return go_unqueued(flight);
    case MFC_PLACE_BEHIND:
        return follow(ctx, flight);
    case MFC_PLACE_FIRST:
        break;
    }
    return begin(r, ctx, flight);
}

/* Another may have led between our look-up and the lock. */
static int retry(request_rec *r, mfc_ctx_t *ctx, mfc_flight_t *flight)
{
    int64_t now_us = apr_time_now();

    fcache_flight_retry(ctx->cache, &flight->core, now_us, NULL);
    if (tried(flight, now_us)) {
        return 1;
    }
    return flight->stage == STAGE_WATCH ? watch(r, ctx, flight)
                                        : go_alone(flight);
}

int mfc_flight_turn(request_rec *r, mfc_ctx_t *ctx)
{
    mfc_flight_t *flight;

    if (!takes_part(r, ctx)) {
        mfc_flight_end(ctx, MFC_OUTCOME_OVER);
        return 0;
    }
    flight = flight_of(r, ctx);
    switch (flight->stage) {
    case STAGE_NEW:
        return enter(r, ctx, flight);
    case STAGE_FREED:
        return retry(r, ctx, flight);
    case STAGE_WATCH:
    case STAGE_LEAD:
    case STAGE_ALONE:
        break;
    }
    return 0;
}

int mfc_flight_leads(const mfc_ctx_t *ctx)
{
    return ctx->flight != NULL && ctx->flight->stage == STAGE_LEAD;
}

int mfc_flight_is_collapsed(const mfc_ctx_t *ctx, fcache_forward_t *out_forward)
{
    if (ctx->flight == NULL || !ctx->flight->has_waited) {
        return 0;
    }
    *out_forward = ctx->flight->forward;
    return 1;
}
