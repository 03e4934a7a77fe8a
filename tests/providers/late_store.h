/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LATE_STORE_H
#define TESTS_LATE_STORE_H

#include <fcache/backend.h>

extern const fcache_backend_ops_t late_store_ops;
extern const fcache_backend_ops_t deaf_store_ops;
extern const fcache_backend_ops_t mute_store_ops;

#endif
