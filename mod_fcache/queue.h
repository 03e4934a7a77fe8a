/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_QUEUE_H
#define MFC_QUEUE_H

/*
 * The requests of a process for one key: the first has a seat, the others wait
 * until it leaves. queue.c says how many may, and how long.
 */

#include <fcache/key.h>

/* How something that others wait for ended. */
typedef enum mfc_outcome_t {
    MFC_OUTCOME_NONE,   /* it has not, in time */
    MFC_OUTCOME_OVER,   /* look whether it is stored */
    MFC_OUTCOME_MARKED, /* it is not, and will not be */
    MFC_OUTCOME_FAILED  /* by a fault of the origin */
} mfc_outcome_t;

typedef enum mfc_place_t {
    MFC_PLACE_FIRST,
    MFC_PLACE_BEHIND, /* somebody to wait for */
    MFC_PLACE_MARKED  /* lately it was not stored */
} mfc_place_t;

void mfc_queue_child_init(apr_pool_t *pchild);

/* FIRST: with the number of its seat until then, or 0 when that is taken by
 * another key; to be left by that number, 0 included. */
mfc_place_t mfc_queue_enter(const fcache_key_t *key, int64_t now_us,
                            int64_t until_us, unsigned *out_number);
void mfc_queue_extend(const fcache_key_t *key, unsigned number,
                      int64_t since_us, int64_t until_us);
void mfc_queue_leave(const fcache_key_t *key, unsigned number,
                     mfc_outcome_t outcome, int64_t mark_until_us);
void mfc_queue_unmark(const fcache_key_t *key);

/* BEHIND: waits for the one in the seat; NONE when time is up before. */
mfc_outcome_t mfc_queue_wait(const fcache_key_t *key, int64_t give_up_us,
                             int64_t wait_us);

/* FIRST: a pause in waiting for what began then; 0 when there is to be none. */
int mfc_queue_sleep(int64_t since_us, int64_t wait_us, int64_t now_us,
                    int64_t pause_us);

#endif
