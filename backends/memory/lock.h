/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_LOCK_H
#define FCM_LOCK_H

/*
 * Robust mutexes between processes. Sections are a few instructions; whoever
 * cannot get in for FCM_LOCK_WAIT_MS (a stopped process holds it) gives up: a
 * cache that waits is worse than one that misses.
 */

#include "layout.h"

#ifndef FCM_LOCK_WAIT_MS
#define FCM_LOCK_WAIT_MS 100
#endif

/* A place at which a test lets the process die; nothing otherwise. */
#ifndef FC_POINT
#define FC_POINT(what) ((void)0)
#endif

typedef enum fcm_locked_t {
    FCM_LOCK_BUSY,     /* not ours */
    FCM_LOCK_HELD,     /* ours */
    FCM_LOCK_INHERITED /* ours, its owner died in it */
} fcm_locked_t;

/* 0, or what pthread_mutex_init says. */
int fcm_lock_init(pthread_mutex_t *mutex);

fcm_locked_t fcm_lock_try(pthread_mutex_t *mutex);
fcm_locked_t fcm_lock_wait(pthread_mutex_t *mutex);
void fcm_lock_drop(pthread_mutex_t *mutex);

#endif
