/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

#include <errno.h>
#include <time.h>

int fcm_lock_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    int rc = pthread_mutexattr_init(&attr);
    if (rc) {
        return rc;
    }
    rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (!rc) {
        rc = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    if (!rc) {
        rc = pthread_mutex_init(mutex, &attr);
    }
    pthread_mutexattr_destroy(&attr);
    return rc;
}

/* The thread sanitizer does not know pthread_mutex_clocklock. */
#if defined(__SANITIZE_THREAD__)
#define WAIT_CLOCK             CLOCK_REALTIME
#define wait_lock(mutex, when) pthread_mutex_timedlock(mutex, when)
#else
#define WAIT_CLOCK             CLOCK_MONOTONIC
#define wait_lock(mutex, when) pthread_mutex_clocklock(mutex, WAIT_CLOCK, when)
#endif

static fcm_locked_t settle(pthread_mutex_t *mutex, int rc)
{
    if (rc == 0) {
        return FCM_LOCK_HELD;
    }
    if (rc == EOWNERDEAD && !pthread_mutex_consistent(mutex)) {
        return FCM_LOCK_INHERITED;
    }
    return FCM_LOCK_BUSY;
}

fcm_locked_t fcm_lock_try(pthread_mutex_t *mutex)
{
    return settle(mutex, pthread_mutex_trylock(mutex));
}

fcm_locked_t fcm_lock_wait(pthread_mutex_t *mutex)
{
    int rc = pthread_mutex_trylock(mutex);
    if (rc == EBUSY) {
        struct timespec until;
        clock_gettime(WAIT_CLOCK, &until);
        until.tv_nsec += FCM_LOCK_WAIT_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        rc = wait_lock(mutex, &until);
    }
    return settle(mutex, rc);
}

void fcm_lock_drop(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}
