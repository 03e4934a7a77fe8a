/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHECTL_HTTP_H
#define FCACHECTL_HTTP_H

/* Requests with libcurl, which the caller has started (curl_global_init). */

#include "fcachectl.h"

#include <curl/curl.h>

/* The fields as curl takes them, to be freed also after 0: no memory. */
int ctl_http_headers(fcache_fields_t fields, struct curl_slist **out_list,
                     apr_pool_t *pool);

/* A handle for GET of http and https URLs exactly as they are: without proxies,
 * redirects and passwords from elsewhere; servers prove who they are by the
 * system's certificates, or those of $SSL_CERT_FILE. The headers are borrowed.
 * NULL: no memory. */
CURL *ctl_http_create(struct curl_slist *headers, int64_t timeout_us);

#endif
