/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_WRITES_H
#define MFC_WRITES_H

/*
 * What this process is yet to write into a store. Each write is copied and queued,
 * and threads of its own do them; those of one thread in the order it asked, and
 * none that has waited for longer than a second. Any thread, without waiting for
 * the store.
 */

#include <fcache/backend.h>

#include <apr_portable.h>

typedef struct mfc_writes_t mfc_writes_t;

/* What came of the writes of one thread. */
typedef struct mfc_receipt_t {
    struct mfc_receipt_t *next;
    apr_os_thread_t owner;
    unsigned pending;
    fcache_status_t status; /* of the first but deletes that failed, or OK */
    fcache_error_t error;   /* its sentence */
} mfc_receipt_t;

/* After fork, for as long as pchild lives: when that ends, what is queued is still
 * written for half a second at most. NULL when there is not enough of something. */
mfc_writes_t *mfc_writes_create(const fcache_backend_ops_t *ops, void *self,
                                apr_pool_t *pchild);

/* As the store's rows of that name; OK when it is queued, UNAVAILABLE when there
 * is no room, NO_MEMORY. */
fcache_status_t mfc_writes_put(mfc_writes_t *writes, const fcache_key_t *key,
                               const fcache_value_t *value, int64_t now_us,
                               fcache_error_t *error);
fcache_status_t mfc_writes_touch(mfc_writes_t *writes, const fcache_key_t *key,
                                 int64_t dead_us, int64_t now_us,
                                 fcache_error_t *error);
fcache_status_t mfc_writes_del(mfc_writes_t *writes, const fcache_key_t *key,
                               int64_t now_us, fcache_error_t *error);

/* As _del(), of what `is_so` says yes to then, in the thread that writes. It gets
 * data, which outlives all writes, a copy of the key, now_us as it is here, and a
 * pool for the while. */
typedef int (*mfc_writes_is_fn)(void *data, const fcache_key_t *key,
                                int64_t now_us, apr_pool_t *pool);
fcache_status_t mfc_writes_del_if(mfc_writes_t *writes, const fcache_key_t *key,
                                  mfc_writes_is_fn is_so, void *data,
                                  int64_t now_us, fcache_error_t *error);

/* Is there room for what the calling thread has of one more answer? */
int mfc_writes_has_room(mfc_writes_t *writes);

/* Notes what the calling thread writes from now on, until it closes. */
void mfc_writes_open(mfc_writes_t *writes, mfc_receipt_t *out_receipt);

/* Waits until all of it is done, but not beyond until_us. OK; what went wrong,
 * with receipt->error; or MISS: some is still to be done. */
fcache_status_t mfc_writes_close(mfc_writes_t *writes, mfc_receipt_t *receipt,
                                 int64_t until_us);

#endif
