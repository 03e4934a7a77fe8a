/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_BACKEND_URL_H
#define FCI_BACKEND_URL_H

/* The URL of a store: `scheme:location?option=value&option=value`. */

#include <fcache/backend.h>

typedef struct fci_backend_url_t {
    const char *scheme;
    const char *location;
    apr_table_t *options; /* lower-case names, decoded values */
} fci_backend_url_t;

/* Parses and adds `more` (may be NULL). BAD_CONFIG names what is wrong. */
fcache_status_t fci_backend_url_parse(const char *text, const apr_table_t *more,
                                      fci_backend_url_t *out_url,
                                      apr_pool_t *pool, fcache_error_t *error);

/* The URL again, without passwords and secrets. */
const char *fci_backend_url_format(const fci_backend_url_t *url,
                                   apr_pool_t *pool);

#endif
