/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the parent's that its children share. A process may die at any
 * instruction, so nothing is locked: a slot is counted odd while it is written,
 * and who reads leaves out what was written meanwhile.
 */
#include "admin.h"

#include <apr_atomic.h>
#include <apr_shm.h>

#define PURGES_PER_S 100
#define SAMPLE_S     5

typedef struct recent_slot_t {
    apr_uint32_t turn; /* 0: never written; odd: being written */
    mfc_recent_t recent;
} recent_slot_t;

typedef struct sample_slot_t {
    apr_uint32_t turn;
    mfc_sample_t sample;
} sample_slot_t;

typedef struct shared_t {
    apr_uint32_t admitted; /* second << 8 | purges in it */
    apr_uint32_t sampled;  /* SAMPLE_S since the epoch, of the last sample */
    apr_uint32_t next;     /* recent */
    apr_uint32_t next_sample;
    recent_slot_t recent[MFC_RECENT];
    sample_slot_t history[MFC_HISTORY];
} shared_t;

/* Set before fork, read by all threads. */
static shared_t *shared;

apr_status_t mfc_shared_create(apr_pool_t *pool)
{
    apr_shm_t *shm;
    apr_status_t status = apr_shm_create(&shm, sizeof(*shared), NULL, pool);

    if (status == APR_SUCCESS) {
        shared = apr_shm_baseaddr_get(shm);
        memset(shared, 0, sizeof(*shared));
    }
    return status;
}

int mfc_shared_admit(apr_time_t now)
{
    apr_uint32_t second = (apr_uint32_t)apr_time_sec(now) & 0xffffff;
    apr_uint32_t old;
    apr_uint32_t count;

    do {
        old = apr_atomic_read32(&shared->admitted);
        count = old >> 8 == second ? old & 0xff : 0;
        if (count >= PURGES_PER_S) {
            return 0;
        }
    } while (apr_atomic_cas32(&shared->admitted, second << 8 | (count + 1),
                              old) != old);
    return 1;
}

/* ---- slots --------------------------------------------------------------- */

static void write_slot(apr_uint32_t *turn, void *to, const void *from,
                       size_t size)
{
    apr_uint32_t old = apr_atomic_read32(turn);

    if ((old & 1) || apr_atomic_cas32(turn, old + 1, old) != old) {
        return; /* another one is at it, or died there */
    }
    memcpy(to, from, size);
    apr_atomic_set32(turn, old + 2);
}

static int read_slot(apr_uint32_t *turn, const void *from, void *to,
                     size_t size)
{
    apr_uint32_t before = apr_atomic_read32(turn);

    memcpy(to, from, size);
    return before != 0 && !(before & 1) &&
           apr_atomic_cas32(turn, before, before) == before;
}

void mfc_shared_note(const mfc_recent_t *recent)
{
    apr_uint32_t at = apr_atomic_inc32(&shared->next) % MFC_RECENT;
    recent_slot_t *slot = &shared->recent[at];

    write_slot(&slot->turn, &slot->recent, recent, sizeof(*recent));
}

size_t mfc_shared_recent(mfc_recent_t out[MFC_RECENT])
{
    apr_uint32_t next = apr_atomic_read32(&shared->next);
    size_t count = 0;
    apr_uint32_t i;

    for (i = 1; i <= MFC_RECENT; i++) {
        recent_slot_t *slot = &shared->recent[(next - i) % MFC_RECENT];
        count += (size_t)read_slot(&slot->turn, &slot->recent, &out[count],
                                   sizeof(*out));
    }
    return count;
}

void mfc_shared_sample(const mfc_sample_t *sample)
{
    apr_uint32_t now = (apr_uint32_t)(apr_time_sec(sample->when) / SAMPLE_S);
    apr_uint32_t last = apr_atomic_read32(&shared->sampled);
    sample_slot_t *slot;

    if (last == now || apr_atomic_cas32(&shared->sampled, now, last) != last) {
        return;
    }
    slot =
        &shared->history[apr_atomic_inc32(&shared->next_sample) % MFC_HISTORY];
    write_slot(&slot->turn, &slot->sample, sample, sizeof(*sample));
}

size_t mfc_shared_history(mfc_sample_t out[MFC_HISTORY])
{
    apr_uint32_t next = apr_atomic_read32(&shared->next_sample);
    size_t count = 0;
    apr_uint32_t i;

    for (i = 0; i < MFC_HISTORY; i++) {
        sample_slot_t *slot = &shared->history[(next + i) % MFC_HISTORY];
        count += (size_t)read_slot(&slot->turn, &slot->sample, &out[count],
                                   sizeof(*out));
    }
    return count;
}
