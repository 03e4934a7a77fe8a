/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_OPTIONS_H
#define FCMC_OPTIONS_H

/* The URL `memcached://HOST[:PORT],...` or `memcached:/PATH`, and the options. */

#include "fleet.h"

/* Options of this store alone; NULL-terminated. */
extern const char *const fcmc_options[];

/* Fills what is configured; reads the password's file. BAD_CONFIG names the
 * option, its value and what is allowed. */
fcache_status_t fcmc_options_read(const fcache_backend_conf_t *conf,
                                  fcmc_t *store, apr_pool_t *pool,
                                  fcache_error_t *error);

#endif
