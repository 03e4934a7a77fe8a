/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcc 12's ThreadSanitizer does not know pthread_mutex_clocklock: it takes the
 * mutex for unlocked and sees races that are none. It does know
 * pthread_mutex_timedlock, which here stands in for it, in its builds only.
 */
#if defined(__SANITIZE_THREAD__)
#include <pthread.h>
#include <time.h>

#define NS_PER_S 1000000000LL

static long long now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
                            const struct timespec *until)
{
    long long left = until->tv_sec * NS_PER_S + until->tv_nsec - now_ns(clock);
    long long end = now_ns(CLOCK_REALTIME) + left;
    struct timespec real = {.tv_sec = end / NS_PER_S,
                            .tv_nsec = end % NS_PER_S};
    return pthread_mutex_timedlock(mutex, &real);
}
#endif
