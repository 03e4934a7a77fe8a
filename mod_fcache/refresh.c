/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stale-while-revalidate (RFC 5861 §3): who is served a stale entry has it
 * refreshed behind, once all bytes have been sent.
 *
 * At most one refresh for each entry is under way: among the threads of a child
 * by its table of places, among all users of a store by a lock in it, if it can
 * add. A refresh that stores nothing leaves the lock for RETRY_S, so that an
 * origin in trouble is not asked by every hit. Who finds no free place or the
 * lock taken leaves it at that; the next one to be served stale tries again.
 *
 * Where the MPM has threads, each refresh has one of its own. Where it has none
 * (prefork), modules may not bear a second one, and the child itself refreshes
 * when the client's connection has ended, which is then not kept alive. Either
 * way half of what serves clients is left to them.
 *
 * When the child exits, the sockets of origins that are still waited for are
 * shut, and the threads joined: no thread outlives what it uses.
 */
#include "ctx.h"

#include <ap_mpm.h>
#include <apr_portable.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <scoreboard.h>

#include <sys/socket.h>

APLOG_USE_MODULE(fcache);

#define PLACES  16
#define LEASE_S 60 /* of the lock: a child that dies holds others up so long */
#define RETRY_S 5

/* A refresh under way. */
typedef struct place_t {
    int is_busy; /* this, digest and origin under the mutex */
    unsigned char digest[FCACHE_KEY_DIGEST_BYTES];
    apr_os_sock_t origin; /* the socket that is waited for, or -1 */

    apr_pool_t *pool; /* of all below; ends with the refresh */
    request_rec *r;   /* the repeated one */
    fcache_t *cache;
    fcache_key_t lock;
    int is_locked; /* in the store too */

    apr_thread_t *thread; /* the last one here, to be joined */
    apr_pool_t *thread_pool;
} place_t;

typedef struct crew_t {
    apr_thread_mutex_t *mutex;
    int is_threaded;
    int count; /* of the places in use by this MPM */
    int is_leaving;
    place_t places[PLACES];
} crew_t;

/* Of this process; NULL in one that serves nothing. */
static crew_t *crew;

/* ---- places -------------------------------------------------------------- */

static place_t *find_place(const unsigned char *digest)
{
    place_t *found = NULL;
    int i;

    for (i = 0; i < crew->count; i++) {
        place_t *place = &crew->places[i];
        if (!place->is_busy) {
            found = found ? found : place;
        } else if (memcmp(place->digest, digest, sizeof(place->digest)) == 0) {
            return NULL;
        }
    }
    return found;
}

/* NULL when that key has one already, when all are taken, and at the end. */
static place_t *take_place(const unsigned char *digest)
{
    place_t *place = NULL;

    apr_thread_mutex_lock(crew->mutex);
    if (!crew->is_leaving) {
        place = find_place(digest);
    }
    if (place != NULL) {
        memcpy(place->digest, digest, sizeof(place->digest));
        place->is_busy = 1;
        place->origin = -1;
    }
    apr_thread_mutex_unlock(crew->mutex);
    return place;
}

/* The caller destroys the pool, if there is one. */
static apr_pool_t *give_place(place_t *place)
{
    apr_pool_t *pool = place->pool;

    place->pool = NULL;
    apr_thread_mutex_lock(crew->mutex);
    place->is_busy = 0;
    place->origin = -1;
    apr_thread_mutex_unlock(crew->mutex);
    return pool;
}

static void leave_place(place_t *place)
{
    apr_pool_t *pool = give_place(place);

    if (pool != NULL) {
        apr_pool_destroy(pool);
    }
}

static void join(place_t *place)
{
    apr_status_t status;

    if (place->thread != NULL) {
        apr_thread_join(&status, place->thread);
        apr_pool_destroy(place->thread_pool);
        place->thread = NULL;
    }
}

static int is_leaving(void)
{
    int leaving;

    apr_thread_mutex_lock(crew->mutex);
    leaving = crew->is_leaving;
    apr_thread_mutex_unlock(crew->mutex);
    return leaving;
}

apr_pool_t *mfc_pool_create(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        return NULL;
    }
    if (apr_pool_create_ex(&pool, NULL, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

/* ---- the lock in the store ----------------------------------------------- */

static int lock_key(const fcache_key_t *key, fcache_key_t *out_lock,
                    apr_pool_t *pool)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);

    return tuple != NULL &&
           fcache_tuple_add(tuple, "refresh", key->name) == FCACHE_OK &&
           fcache_key_from_tuple(tuple, key->prefix, key->ns, out_lock, pool,
                                 NULL) == FCACHE_OK;
}

/* A store that cannot add has no lock: there each child is on its own. */
static int lock(place_t *place)
{
    fcache_bytes_t none = {NULL, 0};
    fcache_status_t status =
        fcache_add(place->cache, &place->lock, fcache_str("1"), LEASE_S, none,
                   fcache_epoch(place->cache), apr_time_now(), NULL);

    place->is_locked = status == FCACHE_OK;
    return place->is_locked || status == FCACHE_UNSUPPORTED;
}

/* The lock stays for a while unless there is no need, or no reason, to wait. */
static void unlock(place_t *place, int is_done)
{
    fcache_bytes_t none = {NULL, 0};

    if (!place->is_locked) {
        return;
    }
    if (is_done) {
        fcache_del(place->cache, &place->lock, apr_time_now(), NULL);
    } else {
        fcache_put(place->cache, &place->lock, fcache_str("1"), RETRY_S, none,
                   fcache_epoch(place->cache), apr_time_now(), NULL);
    }
}

/* ---- refreshing ---------------------------------------------------------- */

/* Told once the place is free, and the lock let go or left for RETRY_S. */
static void perform(place_t *place)
{
    request_rec *r = place->r;
    mfc_ctx_t *ctx = mfc_ctx_of(r);
    int status = ap_invoke_handler(r);
    apr_pool_t *pool;

    if (status == OK || status == DONE) {
        ap_finalize_request_protocol(r);
    }
    mfc_later_run(r, ctx);
    unlock(place, ctx->reason == FCACHE_REASON_STORED ||
                      ctx->reason == FCACHE_REASON_REFRESHED ||
                      ctx->reason == FCACHE_REASON_FRESH || is_leaving());
    pool = give_place(place);
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "FC0106: refreshed behind: %s %s key=%s status=%d",
                  fcache_verdict_text(ctx->verdict),
                  fcache_reason_text(ctx->reason), ctx->key.name.ptr,
                  status == OK || status == DONE ? r->status : status);
    apr_pool_destroy(pool);
}

static void *APR_THREAD_FUNC run_thread(apr_thread_t *thread, void *data)
{
    place_t *place = data;

    place->r->connection->current_thread = thread;
    perform(place);
    return NULL;
}

int mfc_idle_children(int *out_children)
{
    int idle = 0;
    int i;

    *out_children = 0;
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, out_children);
    for (i = 0; i < *out_children; i++) {
        const worker_score *score = ap_get_scoreboard_worker_from_indexes(i, 0);
        idle += score != NULL &&
                (score->status == SERVER_READY || score->status == SERVER_DEAD);
    }
    return idle;
}

/* Half of the children at most are busy, so that refreshes never use up what
 * clients need. */
static int can_be_spared(void)
{
    int children;
    int idle = mfc_idle_children(&children);

    return idle >= children / 2;
}

/* The client's connection is over. */
static apr_status_t run_here(void *data)
{
    place_t *place = data;

    if (is_leaving() || !can_be_spared()) {
        unlock(place, 1);
        leave_place(place);
    } else {
        perform(place);
    }
    return APR_SUCCESS;
}

static int start_thread(place_t *place)
{
    join(place);
    place->thread_pool = mfc_pool_create();
    if (place->thread_pool == NULL) {
        return 0;
    }
    if (apr_thread_create(&place->thread, NULL, run_thread, place,
                          place->thread_pool) != APR_SUCCESS) {
        apr_pool_destroy(place->thread_pool);
        place->thread = NULL;
        return 0;
    }
    return 1;
}

static int start_place(place_t *place, const request_rec *r,
                       const mfc_ctx_t *ctx)
{
    place->r = mfc_repeat_create(r, &ctx->key, place, place->pool);
    if (place->r == NULL) {
        return 0;
    }
    mfc_ctx_of(place->r)->early_of_us = ctx->early_of_us;
    if (crew->is_threaded) {
        return start_thread(place);
    }
    apr_pool_cleanup_register(r->connection->pool, place, run_here,
                              apr_pool_cleanup_null);
    return 1;
}

void mfc_refresh_start(request_rec *r, const mfc_ctx_t *ctx)
{
    fcache_key_t key;
    place_t *place;

    if (!ctx->refresh_due || r->connection->aborted ||
        !lock_key(&ctx->hit.key, &key, r->pool)) {
        return;
    }
    place = take_place(key.digest);
    if (place == NULL) {
        return;
    }
    place->cache = ctx->cache;
    place->pool = mfc_pool_create();
    if (place->pool == NULL ||
        !lock_key(&ctx->hit.key, &place->lock, place->pool) || !lock(place)) {
        leave_place(place);
    } else if (!start_place(place, r, ctx)) {
        unlock(place, 0);
        leave_place(place);
    }
}

/* ---- what the path of a request asks ------------------------------------- */

int mfc_refresh_can(const request_rec *r)
{
    return crew != NULL && r->method_number == M_GET && r->prev == NULL &&
           (crew->is_threaded || r->connection->master == NULL) &&
           !mfc_repeat_is(r->connection);
}

void mfc_refresh_early(request_rec *r, mfc_ctx_t *ctx)
{
    const fcache_entry_t *entry = &ctx->hit.entry;
    int64_t ahead_us;

    if (ctx->conf->early_percent == 0 || !ctx->policy.refreshes ||
        ctx->is_collapsed || entry->fresh_until_us <= entry->created_us) {
        return;
    }
    ahead_us = (entry->fresh_until_us - entry->created_us) / 100 *
               (int64_t)ctx->conf->early_percent;
    if (fcache_early_is_due(entry->fresh_until_us, ahead_us, 100, mfc_random(),
                            ctx->started_us)) {
        ctx->early_of_us = entry->fresh_until_us;
        mfc_refresh_promise(r, ctx);
    }
}

void mfc_refresh_promise(request_rec *r, mfc_ctx_t *ctx)
{
    ctx->refresh_due = 1;
    ctx->without_cookies = fcache_cookie_is_refused(&ctx->policy, &ctx->request,
                                                    ctx->hit.entry.fields);
    if (!crew->is_threaded) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}

/* The origin has other content now, or none: not when it has failed, and not
 * when its answer is only for the client that was repeated. */
static int is_over(int status, fcache_reason_t reason)
{
    return (status < 400 || status == HTTP_NOT_FOUND || status == HTTP_GONE) &&
           reason != FCACHE_REASON_AUTHORIZATION &&
           reason != FCACHE_REASON_COOKIE && reason != FCACHE_REASON_SET_COOKIE;
}

/* A client of whom nothing is known asked for what was stale, and it is not one
 * of many answers that the URL may have: the content, or that there is none. */
static int is_of_anybody(const request_rec *r, const mfc_ctx_t *ctx)
{
    fcache_reason_t why = ctx->decision.reason;

    return (why == FCACHE_REASON_EXPIRED || why == FCACHE_REASON_SOFT_PURGED ||
            why == FCACHE_REASON_ENTRY_NO_CACHE) &&
           (r->status == HTTP_OK || r->status == HTTP_NOT_FOUND ||
            r->status == HTTP_GONE) &&
           !r->header_only &&
           !(ctx->request.flags & FCACHE_REQUEST_AUTHENTICATED) &&
           apr_table_get(r->headers_in, "Authorization") == NULL &&
           apr_table_get(r->headers_in, "Cookie") == NULL;
}

void mfc_refresh_supersede(const request_rec *r, const mfc_ctx_t *ctx)
{
    if (ctx->found == FCACHE_OK &&
        (mfc_repeat_is(r->connection) || is_of_anybody(r, ctx)) &&
        is_over(r->status, ctx->judgement.reason)) {
        fcache_del(ctx->cache, &ctx->hit.key, ctx->answered_us, NULL);
    }
}

void mfc_refresh_watch(const request_rec *r, conn_rec *origin)
{
    place_t *place = mfc_repeat_owner(r->connection);
    apr_os_sock_t fd;

    if (place == NULL ||
        apr_os_sock_get(&fd, ap_get_conn_socket(origin)) != APR_SUCCESS) {
        return;
    }
    apr_thread_mutex_lock(crew->mutex);
    place->origin = fd;
    if (crew->is_leaving) {
        shutdown(fd, SHUT_RDWR);
    }
    apr_thread_mutex_unlock(crew->mutex);
}

/* ---- the life of a child ------------------------------------------------- */

static apr_status_t leave(void *data)
{
    int i;

    (void)data;
    apr_thread_mutex_lock(crew->mutex);
    crew->is_leaving = 1;
    for (i = 0; i < crew->count; i++) {
        if (crew->places[i].is_busy && crew->places[i].origin >= 0) {
            shutdown(crew->places[i].origin, SHUT_RDWR);
        }
    }
    apr_thread_mutex_unlock(crew->mutex);
    for (i = 0; i < crew->count; i++) {
        join(&crew->places[i]);
    }
    return APR_SUCCESS;
}

/* Half of the threads at most, so that refreshes never use up what clients
 * need: mod_proxy has as many connections to an origin as a child threads. */
static int count_places(void)
{
    int threads = 0;

    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads) != APR_SUCCESS ||
        threads < 4) {
        return 1;
    }
    return threads / 2 < PLACES ? threads / 2 : PLACES;
}

void mfc_refresh_child_init(apr_pool_t *pchild)
{
    int threaded = AP_MPMQ_NOT_SUPPORTED;

    ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
    crew = apr_pcalloc(pchild, sizeof(*crew));
    crew->is_threaded = threaded != AP_MPMQ_NOT_SUPPORTED;
    crew->count = crew->is_threaded ? count_places() : 1;
    /* nested: a signal may end a child of prefork wherever it is */
    if (apr_thread_mutex_create(&crew->mutex, APR_THREAD_MUTEX_NESTED,
                                pchild) != APR_SUCCESS) {
        crew = NULL;
        return;
    }
    apr_pool_pre_cleanup_register(pchild, NULL, leave);
}
