/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_BEHIND_H
#define MFC_BEHIND_H

/*
 * A cache on a store that is far, for those who do not wait for it to write: what
 * is put, touched or deleted through it is queued, and OK. For MPMs with threads.
 */

#include "config.h"
#include "writes.h"

/* Before fork; the cache has those options but for its backend, which is in front
 * of that store. `name` is the store's. All live as long as the pool. */
fcache_status_t mfc_behind_create(const char *name, fcache_backend_t *store,
                                  const fcache_options_t *options,
                                  mfc_behind_t **out_behind, apr_pool_t *pool,
                                  fcache_error_t *error);

/* After the store's; 0 when there is not enough of something, and then it is not
 * to be used. */
int mfc_behind_child_init(mfc_behind_t *behind, apr_pool_t *pchild);

/* Any thread, after child_init. */
fcache_t *mfc_behind_cache(const mfc_behind_t *behind);
mfc_writes_t *mfc_behind_writes(const mfc_behind_t *behind);

#endif
