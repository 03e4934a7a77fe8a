/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_OPS_H
#define FCM_OPS_H

/* The rows of the vtable, see fcache/backend.h. */

#include "store.h"

/* UNAVAILABLE: child_init was not called in this process. */
fcache_status_t fcm_not_joined(const fcm_t *store, fcache_error_t *error);

/* reader.c */
fcache_status_t fcm_get(void *self, const fcache_key_t *key, int64_t now_us,
                        int64_t *until_us, fcache_item_t *out_item,
                        apr_pool_t *pool, fcache_error_t *error);
void fcm_count_answer(void *self, int answered);
void fcm_release_pin(void *self, void *pin);
fcache_status_t fcm_del(void *self, const fcache_key_t *key, int64_t now_us,
                        fcache_error_t *error);
fcache_status_t fcm_touch(void *self, const fcache_key_t *key, int64_t dead_us,
                          int64_t now_us, fcache_error_t *error);

/* writer.c */
fcache_status_t fcm_put(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        fcache_error_t *error);
fcache_status_t fcm_add(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        int64_t *until_us, fcache_error_t *error);
fcache_status_t fcm_begin(void *self, uint64_t size_hint,
                          fcache_backend_writer_t **out_writer,
                          apr_pool_t *pool, fcache_error_t *error);
fcache_status_t fcm_append(fcache_backend_writer_t *writer,
                           fcache_bytes_t bytes, fcache_error_t *error);
fcache_status_t fcm_commit(fcache_backend_writer_t *writer,
                           const fcache_key_t *key, const fcache_value_t *value,
                           int64_t now_us, fcache_error_t *error);
void fcm_abort(fcache_backend_writer_t *writer);

/* scan.c */
fcache_status_t fcm_list(void *self, int64_t now_us, fcache_listed_fn fn,
                         void *baton, fcache_error_t *error);
fcache_status_t fcm_stats(void *self, fcache_stats_t *out_stats,
                          fcache_error_t *error);

#endif
