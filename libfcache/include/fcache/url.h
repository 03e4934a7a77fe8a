/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_URL_H
#define FCACHE_URL_H

/* URLs that people write, in the parts that keys and tags are made of. */

#include <fcache/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Views into the text, but for the authority, which is in the pool. */
typedef struct fcache_url_t {
    fcache_bytes_t scheme;    /* "http" or "https" */
    fcache_bytes_t authority; /* lower case, no dot at the end of the name, no
                                 port that is the scheme's own */
    fcache_bytes_t path;      /* as it stands, or "/" */
    fcache_bytes_t query;     /* without the mark; ptr NULL for none */
} fcache_url_t;

/* An http or https URL; its fragment is left out. BAD_INPUT says why it is not
 * one: no host, a user, or what is not printable ASCII. Any thread. */
FCACHE_API fcache_status_t fcache_url_parse(fcache_bytes_t text,
                                            fcache_url_t *out_url,
                                            apr_pool_t *pool,
                                            fcache_error_t *error);

/*
 * What a reference means next to `base`, of which the path begins with "/"
 * (RFC 3986 §5.2, dot segments and all). The path is a view or in the pool.
 * BAD_INPUT when that is no http or https URL. Any thread.
 */
FCACHE_API fcache_status_t fcache_url_resolve(const fcache_url_t *base,
                                              fcache_bytes_t reference,
                                              fcache_url_t *out_url,
                                              apr_pool_t *pool,
                                              fcache_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
