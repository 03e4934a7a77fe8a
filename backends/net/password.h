/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_PASSWORD_H
#define FCN_PASSWORD_H

#include <fcache/backend.h>

/*
 * The first line of a file that others may not read and its group may not write;
 * it belongs to root or the caller. In the pool. BAD_CONFIG names the option, the
 * file and what is wrong with it; never its content.
 */
fcache_status_t fcn_password_read(const char *option, const char *path,
                                  const char **out_password, apr_pool_t *pool,
                                  fcache_error_t *error);

#endif
