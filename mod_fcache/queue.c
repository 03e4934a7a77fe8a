/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who of this process asks about a key, and who waits for that one. Of the
 * requests of a process for one key the first has the seat: it leads, or it
 * follows the leader of another process by looking at the store. All others wait
 * until it leaves, so that a store is asked by one per process, however many
 * there are.
 *
 * A key has one seat that it may take, by its digest. Is that taken by another
 * key, then the request goes on without: it looks at the store itself.
 *
 * A waiting request has a worker. As long as what it waits for has not taken
 * longer than the scope's wait, that costs nothing: asked itself, the origin
 * would hold the worker as long. What drags on longer than that, with an origin
 * that is slow or a leader that may be dead, is waited for by a quarter of the
 * child's workers at most; the others go on alone. In a child that has one
 * worker (prefork), it is only while three quarters of the children are idle.
 */
#include "queue.h"

#include "ctx.h"

#include <ap_mpm.h>
#include <apr_atomic.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#define SEATS 256

/* All but the first two under the mutex, which is never held across I/O. */
typedef struct seat_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *left;
    unsigned char digest[FCACHE_KEY_DIGEST_BYTES];
    unsigned last;         /* number of the last to take it */
    unsigned holder;       /* its number, 0: free */
    int64_t since_us;      /* what it waits for, or does, began */
    int64_t until_us;      /* nobody believes in it after */
    mfc_outcome_t outcome; /* of who left last */
    int64_t mark_until_us; /* digest is known not to be stored */
} seat_t;

/* Of this process. */
static seat_t seats[SEATS];
static apr_uint32_t waiting;
static apr_uint32_t may_drag;
static int is_threaded;
static int is_ready;

static seat_t *seat_of(const fcache_key_t *key)
{
    return &seats[key->digest[0] % SEATS];
}

static int is_about(const seat_t *seat, const fcache_key_t *key)
{
    return memcmp(seat->digest, key->digest, sizeof(seat->digest)) == 0;
}

/* ---- taking and leaving -------------------------------------------------- */

static void take(seat_t *seat, const fcache_key_t *key, int64_t now_us,
                 int64_t until_us)
{
    memcpy(seat->digest, key->digest, sizeof(seat->digest));
    seat->last = seat->last + 1 ? seat->last + 1 : 1;
    seat->holder = seat->last;
    seat->since_us = now_us;
    seat->until_us = until_us;
    seat->outcome = MFC_OUTCOME_OVER;
    seat->mark_until_us = 0;
}

mfc_place_t mfc_queue_enter(const fcache_key_t *key, int64_t now_us,
                            int64_t until_us, unsigned *out_number)
{
    seat_t *seat = seat_of(key);
    mfc_place_t place = MFC_PLACE_FIRST;

    *out_number = 0;
    if (!is_ready) {
        return MFC_PLACE_FIRST;
    }
    apr_thread_mutex_lock(seat->mutex);
    if (is_about(seat, key) && now_us < seat->mark_until_us) {
        place = MFC_PLACE_MARKED;
    } else if (seat->holder == 0 || now_us >= seat->until_us) {
        take(seat, key, now_us, until_us);
        *out_number = seat->holder;
    } else if (is_about(seat, key)) {
        place = MFC_PLACE_BEHIND;
    }
    apr_thread_mutex_unlock(seat->mutex);
    return place;
}

void mfc_queue_extend(const fcache_key_t *key, unsigned number,
                      int64_t since_us, int64_t until_us)
{
    seat_t *seat = seat_of(key);

    if (number == 0) {
        return;
    }
    apr_thread_mutex_lock(seat->mutex);
    if (seat->holder == number) {
        if (until_us < seat->until_us) { /* for whom others sleep too long */
            apr_thread_cond_broadcast(seat->left);
        }
        seat->since_us = since_us;
        seat->until_us = until_us;
    }
    apr_thread_mutex_unlock(seat->mutex);
}

void mfc_queue_leave(const fcache_key_t *key, unsigned number,
                     mfc_outcome_t outcome, int64_t mark_until_us)
{
    seat_t *seat = seat_of(key);

    if (number == 0) {
        return;
    }
    apr_thread_mutex_lock(seat->mutex);
    if (seat->holder == number) {
        seat->holder = 0;
        seat->outcome = outcome;
        seat->mark_until_us = mark_until_us;
        apr_thread_cond_broadcast(seat->left);
    }
    apr_thread_mutex_unlock(seat->mutex);
}

void mfc_queue_unmark(const fcache_key_t *key)
{
    seat_t *seat = seat_of(key);

    if (!is_ready) {
        return;
    }
    apr_thread_mutex_lock(seat->mutex);
    if (is_about(seat, key)) {
        seat->mark_until_us = 0;
    }
    apr_thread_mutex_unlock(seat->mutex);
}

/* ---- waiting ------------------------------------------------------------- */

/* `mine` of those who wait are the caller. */
static int is_room(unsigned mine)
{
    int children;
    int idle;

    if (is_threaded) {
        return apr_atomic_read32(&waiting) + 1 - mine <= may_drag;
    }
    idle = mfc_idle_children(&children);
    return idle >= children - children / 4;
}

/* How long may it be waited for what began then? */
static int64_t allowance(int64_t since_us, int64_t wait_us, int64_t now_us,
                         int64_t left_us, unsigned mine)
{
    int64_t young_us = since_us + wait_us - now_us;

    if (young_us >= left_us || is_room(mine)) {
        return left_us;
    }
    return young_us > 0 ? young_us : 0;
}

int mfc_queue_sleep(int64_t since_us, int64_t wait_us, int64_t now_us,
                    int64_t pause_us)
{
    int64_t us = allowance(since_us, wait_us, now_us, pause_us, 0);

    if (us <= 0) {
        return 0;
    }
    apr_atomic_inc32(&waiting);
    apr_sleep(us);
    apr_atomic_dec32(&waiting);
    return 1;
}

/* With the mutex. Only what has been slept counts, whatever the clock says. */
static mfc_outcome_t await(seat_t *seat, const fcache_key_t *key,
                           int64_t give_up_us, int64_t wait_us)
{
    unsigned holder = seat->holder;
    int64_t left_us = wait_us;
    int64_t now_us = apr_time_now();

    while (seat->holder == holder && holder != 0 && is_about(seat, key)) {
        int64_t us = give_up_us - now_us;
        int64_t alive_us = seat->until_us - now_us;
        us = us < left_us ? us : left_us;
        us = allowance(seat->since_us, wait_us, now_us, us, 1);
        if (us <= 0) {
            return MFC_OUTCOME_NONE;
        }
        if (alive_us <= 0) {
            return MFC_OUTCOME_OVER;
        }
        us = us < alive_us ? us : alive_us;
        if (apr_thread_cond_timedwait(seat->left, seat->mutex, us) !=
            APR_SUCCESS) {
            left_us -= us;
        }
        now_us = apr_time_now();
    }
    return is_about(seat, key) ? seat->outcome : MFC_OUTCOME_OVER;
}

mfc_outcome_t mfc_queue_wait(const fcache_key_t *key, int64_t give_up_us,
                             int64_t wait_us)
{
    seat_t *seat = seat_of(key);
    mfc_outcome_t outcome;

    apr_atomic_inc32(&waiting);
    apr_thread_mutex_lock(seat->mutex);
    outcome = await(seat, key, give_up_us, wait_us);
    apr_thread_mutex_unlock(seat->mutex);
    apr_atomic_dec32(&waiting);
    return outcome;
}

/* ---- the life of a child ------------------------------------------------- */

void mfc_queue_child_init(apr_pool_t *pchild)
{
    int threaded = AP_MPMQ_NOT_SUPPORTED;
    int threads = 1;
    int i;

    ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    is_threaded = threaded != AP_MPMQ_NOT_SUPPORTED;
    may_drag = threads > 4 ? (apr_uint32_t)threads / 4 : 1;
    for (i = 0; i < SEATS; i++) {
        if (apr_thread_mutex_create(&seats[i].mutex, APR_THREAD_MUTEX_DEFAULT,
                                    pchild) != APR_SUCCESS ||
            apr_thread_cond_create(&seats[i].left, pchild) != APR_SUCCESS) {
            return;
        }
    }
    is_ready = 1;
}
