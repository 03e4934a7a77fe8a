/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_HTTP_H
#define FCACHE_HTTP_H

/*
 * HTTP messages as the core sees them: borrowed views of what was received, no
 * server's structures. Everything here is pure: same input, same answer; any
 * thread; no allocation unless a pool is passed.
 */

#include <fcache/bytes.h>

#include <apr_pools.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FCACHE_US_PER_S  INT64_C(1000000)
#define FCACHE_DELTA_MAX INT64_C(2147483648) /* RFC 9111 §1.2.2 */

/* ---- fields -------------------------------------------------------------- */

typedef struct fcache_field_t {
    fcache_bytes_t name;
    fcache_bytes_t value; /* one line's value, blanks around it allowed */
} fcache_field_t;

/* All field lines in the order received; repeated names stay apart. */
typedef struct fcache_fields_t {
    const fcache_field_t *items;
    size_t count;
} fcache_fields_t;

/*
 * The first line of that name at index `from` or later: its index, or `count`
 * when there is none. Names compare without case.
 */
FCACHE_API size_t fcache_fields_find(fcache_fields_t fields, const char *name,
                                     size_t from);

/* The first line's trimmed value, or a view with ptr NULL when absent. */
FCACHE_API fcache_bytes_t fcache_fields_get(fcache_fields_t fields,
                                            const char *name);

/* How many lines have that name. */
FCACHE_API size_t fcache_fields_count(fcache_fields_t fields, const char *name);

/*
 * Walks the elements of a comma-separated list over all lines of one name
 * (RFC 9110 §5.6.1): quoted strings are kept whole, empty elements skipped.
 */
typedef struct fcache_list_t {
    fcache_fields_t fields;
    const char *name;
    size_t line;
    size_t offset;
} fcache_list_t;

FCACHE_API void fcache_list_init(fcache_list_t *list, fcache_fields_t fields,
                                 const char *name);

/* 1 and the trimmed element, or 0 at the end. */
FCACHE_API int fcache_list_next(fcache_list_t *list, fcache_bytes_t *out_item);

/* Is `token` (without case) an element of that list? */
FCACHE_API int fcache_list_has(fcache_fields_t fields, const char *name,
                               const char *token);

/* Is it a token of RFC 9110 §5.6.2? The empty string is not. */
FCACHE_API int fcache_is_token(fcache_bytes_t bytes);

/* Is it a field value without NUL, CR, LF or other controls but HTAB? */
FCACHE_API int fcache_is_field_value(fcache_bytes_t bytes);

/*
 * delta-seconds (RFC 9111 §1.2.2): digits only; anything larger answers
 * FCACHE_DELTA_MAX. 1 and the number, or 0 when it is not one.
 */
FCACHE_API int fcache_delta_parse(fcache_bytes_t text, int64_t *out_seconds);

/*
 * HTTP-date, the three forms of RFC 9110 §5.6.7 and nothing else; names and
 * zone in any case. `now_s` settles two-digit years. 1 and seconds since the
 * epoch (UTC), or 0.
 */
FCACHE_API int fcache_date_parse(fcache_bytes_t text, int64_t now_s,
                                 int64_t *out_s);

#define FCACHE_DATE_LEN 29
/* IMF-fixdate of a time in years 0 to 9999, with a NUL. */
FCACHE_API void fcache_date_format(int64_t time_s,
                                   char out[FCACHE_DATE_LEN + 1]);

/* ---- Cache-Control ------------------------------------------------------- */

#define FCACHE_CC_NO_STORE         (1u << 0)
#define FCACHE_CC_NO_CACHE         (1u << 1) /* without field names */
#define FCACHE_CC_NO_CACHE_OF      (1u << 2) /* no-cache="a, b" */
#define FCACHE_CC_PRIVATE          (1u << 3) /* without field names */
#define FCACHE_CC_PRIVATE_OF       (1u << 4) /* private="a, b" */
#define FCACHE_CC_PUBLIC           (1u << 5)
#define FCACHE_CC_MUST_REVALIDATE  (1u << 6)
#define FCACHE_CC_PROXY_REVALIDATE (1u << 7)
#define FCACHE_CC_MUST_UNDERSTAND  (1u << 8)
#define FCACHE_CC_NO_TRANSFORM     (1u << 9)
#define FCACHE_CC_ONLY_IF_CACHED   (1u << 10)
#define FCACHE_CC_IMMUTABLE        (1u << 11)

#define FCACHE_NO_DELTA INT64_C(-1) /* the directive is not there */

/*
 * One Cache-Control field, all its lines together (RFC 9111 §5.2). A directive
 * with an argument that cannot be parsed counts as the most careful reading: a
 * lifetime of 0, max-stale of 0. Of a repeated directive the first counts.
 */
typedef struct fcache_cc_t {
    unsigned flags;
    int64_t max_age_s; /* FCACHE_NO_DELTA when absent, likewise below */
    int64_t s_maxage_s;
    int64_t min_fresh_s;
    int64_t max_stale_s;              /* FCACHE_DELTA_MAX without an argument */
    int64_t stale_while_revalidate_s; /* RFC 5861 §3 */
    int64_t stale_if_error_s;         /* RFC 5861 §4 */
    fcache_bytes_t no_cache_fields;   /* inside of the quotes, borrowed */
    fcache_bytes_t private_fields;
} fcache_cc_t;

/* Parses all lines of Cache-Control. Cannot fail. */
FCACHE_API void fcache_cc_parse(fcache_fields_t fields, fcache_cc_t *out_cc);

/*
 * Parses CDN-Cache-Control (RFC 9213), a Structured Fields dictionary. 1 when
 * it is present and valid, so that it replaces Cache-Control and Expires;
 * 0 when it is absent or to be ignored.
 */
FCACHE_API int fcache_cc_parse_targeted(fcache_fields_t fields,
                                        fcache_cc_t *out_cc);

/* The directives that hold for us: those of CDN-Cache-Control when it is valid,
 * else of Cache-Control. 1 when they are targeted ones. */
FCACHE_API int fcache_cc_of_response(fcache_fields_t fields,
                                     fcache_cc_t *out_cc);

/* ---- messages ------------------------------------------------------------ */

#define FCACHE_REQUEST_HAS_BODY    (1u << 0) /* a body of non-zero length */
#define FCACHE_REQUEST_ODD_TARGET  (1u << 1) /* not origin-form, or has '#' */
#define FCACHE_REQUEST_ODD_HOST    (1u << 2) /* no vhost of that name */
#define FCACHE_REQUEST_ODD_FRAMING (1u << 3) /* CL and TE, or trailers */

/* The server knows who asks, by whatever means, and the key does not say it: as
 * with Authorization (RFC 9111 §3.5). */
#define FCACHE_REQUEST_AUTHENTICATED (1u << 4)

/* A value only the server knows: `what` is "user", "env" or "expr". */
typedef fcache_bytes_t (*fcache_attribute_fn)(void *baton, const char *what,
                                              const char *name,
                                              apr_pool_t *pool);

/* A request. All views are borrowed from the caller for the call. */
typedef struct fcache_request_t {
    fcache_bytes_t vhost;       /* configured name of the virtual host */
    fcache_bytes_t scheme;      /* "http" or "https" */
    fcache_bytes_t authority;   /* validated Host, lower case, odd port kept */
    fcache_bytes_t method;      /* as received, case matters */
    fcache_bytes_t path;        /* raw, as received, up to '?' */
    fcache_bytes_t query;       /* raw, behind '?'; ptr NULL without '?' */
    fcache_bytes_t body_digest; /* SHA-256 of the body, or empty */
    fcache_fields_t fields;
    unsigned flags;
    fcache_attribute_fn attribute; /* may be NULL */
    void *attribute_baton;
} fcache_request_t;

/* A response as the origin sent it. */
typedef struct fcache_response_t {
    int status;
    fcache_fields_t fields;
    int64_t request_us;  /* when the request was sent (RFC 9111 §4.2.3) */
    int64_t response_us; /* when the response came */
} fcache_response_t;

#ifdef __cplusplus
}
#endif
#endif
