/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_CACHE_STATUS_H
#define FCACHE_CACHE_STATUS_H

/*
 * Cache-Status (RFC 9211): what a cache tells the client of how it handled the
 * request, as a member of a Structured Fields list (RFC 9651). Never the key,
 * nor anything that the request or the origin sent. Pure; any thread.
 */

#include <fcache/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a request went forward (RFC 9211 §2.2); NONE when it did not. */
#define FCACHE_FORWARD_LIST(X)                                                 \
    X(NONE, "")                                                                \
    X(BYPASS, "bypass")       /* the cache was told not to handle it */        \
    X(METHOD, "method")       /* its method has to be forwarded */             \
    X(URI_MISS, "uri-miss")   /* nothing is stored for the URI */              \
    X(VARY_MISS, "vary-miss") /* what is stored differs in Vary's fields */    \
    X(MISS, "miss")           /* nothing stored may be used */                 \
    X(REQUEST, "request")     /* fresh, but the request wants the origin's */  \
    X(STALE, "stale")         /* stored, but stale */                          \
    X(PARTIAL, "partial")     /* stored, but not all that is asked for */

typedef enum fcache_forward_t {
#define X(name, text) FCACHE_FORWARD_##name,
    FCACHE_FORWARD_LIST(X)
#undef X
} fcache_forward_t;

/* Static strings; "" for NONE, "?" out of range. */
FCACHE_API const char *fcache_forward_text(fcache_forward_t forward);

/* Why a request goes forward that bypasses the cache for that reason, or, when
 * `bypass` is NONE, for which this was decided. */
FCACHE_API fcache_forward_t
fcache_forward_of(fcache_reason_t bypass, const fcache_decision_t *decision);

#define FCACHE_CACHE_STATUS_MAX_NAME 64 /* bytes before serialising */
#define FCACHE_CACHE_STATUS_NAME_LEN (2 * FCACHE_CACHE_STATUS_MAX_NAME + 2)
#define FCACHE_CACHE_STATUS_LEN      512

/*
 * Serialises the name of a cache: a token as it is, else a string in quotes.
 * Its length, without a NUL; 0 when it is empty, too long or not of printable
 * ASCII.
 */
FCACHE_API size_t fcache_cache_status_name(
    fcache_bytes_t name, char out[FCACHE_CACHE_STATUS_NAME_LEN]);

typedef struct fcache_cache_status_t {
    fcache_bytes_t name;      /* serialised, borrowed */
    int is_hit;               /* answered without asking anybody */
    fcache_forward_t forward; /* NONE for hits and for answers made here */
    int forward_status;       /* of the next server's answer, 0: none came */
    int has_ttl;
    int64_t ttl_s;    /* freshness left, negative when stale */
    int is_stored;    /* what was forwarded for is in the store now */
    int is_collapsed; /* it waited for another request's answer */
    fcache_reason_t detail;
} fcache_cache_status_t;

/* Writes the list's member, its length without a NUL; parameters that do not
 * apply are left out. */
FCACHE_API size_t fcache_cache_status_format(
    const fcache_cache_status_t *status, char out[FCACHE_CACHE_STATUS_LEN]);

/* Is that line of the field a list of tokens and strings with parameters? Else
 * a member behind it is lost too, for what has an error anywhere is not there
 * (RFC 9651 §4.2). Any thread. */
FCACHE_API int fcache_cache_status_is_list(fcache_bytes_t line);

#ifdef __cplusplus
}
#endif
#endif
