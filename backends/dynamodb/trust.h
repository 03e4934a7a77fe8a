/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_TRUST_H
#define FCD_TRUST_H

/*
 * The certificates that an HTTPS server is checked against. Read once: curl on
 * its own reads them anew for each connection, which takes longer than the rest
 * of it.
 */

#include <fcache/bytes.h>

#include <apr_pools.h>
#include <curl/curl.h>

typedef struct fcd_trust_t fcd_trust_t;

/* Those of the file or directory `ca`, or, if it is NULL, of the system.
 * BAD_CONFIG names the file. Lives as long as the pool. */
fcache_status_t fcd_trust_create(const char *ca, fcd_trust_t **out_trust,
                                 apr_pool_t *pool, fcache_error_t *error);

/* Makes the handle verify by them, name included, with TLS 1.2 at least. 1, or 0
 * when curl refuses. The trust must outlive the handle. Any thread. */
int fcd_trust_set(const fcd_trust_t *trust, CURL *easy);

#endif
