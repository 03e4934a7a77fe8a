/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_HTTP_H
#define FCD_HTTP_H

/*
 * One HTTP/1.1 connection by libcurl, with deadlines: no redirects, no proxies,
 * no cookies, no .netrc, http and https only, TLS 1.2 at least and verified.
 * Names are not looked up here: getaddrinfo has no deadline.
 */

#include "../net/address.h"
#include "../net/deadline.h"
#include "sigv4.h"
#include "trust.h"

#include <apr_pools.h>

#include <stdatomic.h>

#define FCD_HEADER_MAX 8192 /* a field, its name included */

/* Starts libcurl; undone with the pool, counted. Any thread. */
fcache_status_t fcd_http_start(apr_pool_t *pool, fcache_error_t *error);

typedef struct fcd_http_t fcd_http_t;

/*
 * A connection to be, on the heap: the first call connects. `trust` NULL: plain
 * HTTP and nothing else. `address` is where the host of the URLs is; NULL: they
 * have addresses for hosts. One thread at a time.
 */
fcache_status_t fcd_http_create(const fcd_trust_t *trust,
                                const fcn_endpoint_t *endpoint,
                                const fcn_address_t *address,
                                fcd_http_t **out_http, fcache_error_t *error);

/* NULL is fine. */
void fcd_http_close(fcd_http_t *http);

typedef struct fcd_call_t {
    const char *method; /* GET, PUT, POST */
    const char *url;
    const fcd_header_t *headers;
    size_t header_count;
    fcache_bytes_t body; /* of a POST */
    fcache_buf_t *reply; /* emptied first; its ceiling is the answer's */
    int64_t connect_us, read_us; /* to connect; for something to go on */
    fcn_deadline_t deadline;
    const atomic_int *cancelled; /* gives up when it is set; may be NULL */
} fcd_call_t;

typedef struct fcd_answer_t {
    long status;
    int64_t date_s; /* of the Date field; 0: none that is one */
} fcd_answer_t;

/*
 * OK is an answer, whatever its status. TIMEOUT; UNAVAILABLE: refused, closed,
 * cancelled; PROTOCOL: no HTTP, above the ceiling, or TLS that does not verify;
 * NO_MEMORY, also for no more files. BAD_INPUT: a header field of ours that cannot
 * be one.
 */
fcache_status_t fcd_http_call(fcd_http_t *http, const fcd_call_t *call,
                              fcd_answer_t *out_answer, fcache_error_t *error);

/* The address that the last call could not connect to, TLS included; NULL when it
 * could. Borrowed. */
const fcn_address_t *fcd_http_unreachable(const fcd_http_t *http);

#endif
