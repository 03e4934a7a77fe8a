/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_POLICY_H
#define FCACHE_POLICY_H

/*
 * What RFC 9111 and the operator's knobs say, as pure functions over explicit
 * inputs and `now`: may a request use the cache (admit), may a stored entry
 * answer it (decide), may a response be stored and for how long (judge), and
 * what do the client's validators make of it (condition). No I/O, no clock, no
 * allocation; any thread.
 */

#include <fcache/entry.h>
#include <fcache/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a request: the value of X-FCache. */
#define FCACHE_VERDICT_LIST(X)                                                 \
    X(BYPASS, "BYPASS")           /* the cache was not used */                 \
    X(MISS, "MISS")               /* the origin answered */                    \
    X(HIT, "HIT")                 /* a fresh stored answer */                  \
    X(STALE, "STALE")             /* a stale stored answer, as allowed */      \
    X(REVALIDATED, "REVALIDATED") /* stored answer, confirmed by the origin */ \
    X(ERROR, "ERROR")             /* only-if-cached without an entry */

typedef enum fcache_verdict_t {
#define X(name, text) FCACHE_VERDICT_##name,
    FCACHE_VERDICT_LIST(X)
#undef X
} fcache_verdict_t;

/*
 * Why. One list for admit, decide, judge and the module; docs/reasons.md has a
 * row for each (a guard compares). name, text
 */
#define FCACHE_REASON_LIST(X)                                                  \
    X(NONE, "none")                                                            \
    /* admit: why a request bypasses the cache */                              \
    X(ENV, "env-no-cache")                                                     \
    X(METHOD, "method")                                                        \
    X(METHOD_OVERRIDE, "method-override-header")                               \
    X(REQUEST_BODY, "request-body")                                            \
    X(BODY_TOO_LARGE, "request-body-too-large")                                \
    X(ODD_TARGET, "request-target")                                            \
    X(ODD_HOST, "unknown-host")                                                \
    X(ODD_FRAMING, "request-framing")                                          \
    X(CONNECTION_NAMES_FIELD, "connection-names-field")                        \
    X(REQUEST_NO_STORE, "request-no-store")                                    \
    X(UPGRADE, "upgrade")                                                      \
    X(KEY, "key-not-built")                                                    \
    /* decide: why a stored entry does or does not answer */                   \
    X(FRESH, "fresh")                                                          \
    X(COLLAPSED, "collapsed")                                                  \
    X(ABSENT, "absent")                                                        \
    X(VARY_MISS, "vary-miss")                                                  \
    X(EXPIRED, "expired")                                                      \
    X(SOFT_PURGED, "soft-purged")                                              \
    X(ENTRY_NO_CACHE, "response-no-cache")                                     \
    X(REQUEST_NO_CACHE, "request-no-cache")                                    \
    X(REQUEST_MAX_AGE, "request-max-age")                                      \
    X(REQUEST_MIN_FRESH, "request-min-fresh")                                  \
    X(REQUEST_MAX_STALE, "request-max-stale")                                  \
    X(RANGE, "range")                                                          \
    X(ENTRY_AUTHORIZATION, "authorization")                                    \
    X(ONLY_IF_CACHED, "only-if-cached")                                        \
    X(STALE_WHILE_REVALIDATE, "stale-while-revalidate")                        \
    X(STALE_IF_ERROR, "stale-if-error")                                        \
    X(UNCACHEABLE, "known-uncacheable")                                        \
    X(STORE_FAULT, "store-fault")                                              \
    /* judge: why a response is or is not stored */                            \
    X(STORED, "stored")                                                        \
    X(REFRESHED, "refreshed")                                                  \
    X(STATUS, "status")                                                        \
    X(ERROR_STATUS, "error-status")                                            \
    X(PARTIAL, "partial-content")                                              \
    X(RESPONSE_NO_STORE, "response-no-store")                                  \
    X(RESPONSE_PRIVATE, "response-private")                                    \
    X(AUTHORIZATION, "request-authorization")                                  \
    X(SET_COOKIE, "set-cookie")                                                \
    X(COOKIE, "request-cookie")                                                \
    X(VARY_ANY, "vary-any")                                                    \
    X(VARY_BAD, "vary-bad")                                                    \
    X(NO_LIFETIME, "no-lifetime")                                              \
    X(ALREADY_STALE, "already-stale")                                          \
    X(BAD_FIELDS, "bad-fields")                                                \
    X(UNEXPECTED_304, "unexpected-304")                                        \
    X(STORE_BUSY, "store-busy")                                                \
    X(STORE_LATE, "store-late")                                                \
    X(STORE_IF, "store-if")                                                    \
    X(TOO_LARGE, "too-large")                                                  \
    X(TRUNCATED, "truncated")                                                  \
    X(CLIENT_ABORT, "client-abort")                                            \
    X(HEAD_ANSWER, "head-answer")                                              \
    X(HEAD_DIFFERS, "head-differs")

typedef enum fcache_reason_t {
#define X(name, text) FCACHE_REASON_##name,
    FCACHE_REASON_LIST(X)
#undef X
        FCACHE_REASON_COUNT
} fcache_reason_t;

/* Static strings; out-of-range numbers give "?". */
FCACHE_API const char *fcache_verdict_text(fcache_verdict_t verdict);
FCACHE_API const char *fcache_reason_text(fcache_reason_t reason);

/* ---- the operator's knobs ------------------------------------------------ */

typedef enum fcache_set_cookie_t {
    FCACHE_SET_COOKIE_REFUSE, /* a response with Set-Cookie is not stored */
    FCACHE_SET_COOKIE_STRIP,  /* stored without the field */
    FCACHE_SET_COOKIE_STORE
} fcache_set_cookie_t;

typedef enum fcache_request_control_t {
    FCACHE_REQUEST_CONTROL_HONOR,       /* RFC 9111 §5.2.1 */
    FCACHE_REQUEST_CONTROL_IGNORE,      /* clients cannot steer the cache */
    FCACHE_REQUEST_CONTROL_REFRESH_ONLY /* only no-cache counts */
} fcache_request_control_t;

/* The lifetime of answers with that status when the origin gives none. */
typedef struct fcache_status_ttl_t {
    int status; /* 404, or 4 for 4xx */
    int64_t ttl_s;
} fcache_status_ttl_t;

/*
 * All times in seconds. fcache_policy_init() gives the safe defaults written
 * behind each; the arrays are borrowed and must outlive the policy.
 */
typedef struct fcache_policy_t {
    int64_t default_ttl_s; /* -1: origin's lifetime or none */
    int64_t force_ttl_s;   /* -1: off; else replaces what the origin says */
    int64_t max_ttl_s;     /* 86400 (T16) */
    const fcache_status_ttl_t *status_ttls;
    size_t status_ttl_count;
    const fcache_bytes_t *methods; /* GET (HEAD goes with it); case matters */
    size_t method_count;
    const int *error_statuses; /* NULL: 404 and 410 */
    size_t error_status_count;
    fcache_set_cookie_t set_cookie;           /* REFUSE (T9) */
    int authorization_never;                  /* 0: RFC 9111 §3.5 (T8) */
    fcache_request_control_t request_control; /* HONOR */
    int heuristic;                            /* 1: RFC 9111 §4.2.2 */
    int ignore_bad_age; /* 0: what is no number, and of several lines the
                           oldest, makes stale (T16); else RFC 9111 §5.1 */
    int partial;        /* 0: a 206 is not stored (T10); else as range.h says */
    int64_t stale_while_revalidate_s; /* 0: where the response says nothing */
    int64_t stale_if_error_s;         /* 0: likewise */
    int64_t max_stale_s; /* 86400: cap on serving stale, 0 for never (T19) */
    int refreshes;  /* 1: whoever serves stale meanwhile refreshes the entry */
    int64_t keep_s; /* 3600: how long a stale entry is kept, to be revalidated
                       or for when the origin is unreachable */
} fcache_policy_t;

FCACHE_API void fcache_policy_init(fcache_policy_t *out_policy);

/* ---- admit --------------------------------------------------------------- */

/*
 * May this request use the cache at all? NONE, or why it bypasses it: method,
 * override headers (T2), GET with a body (T3), odd targets and hosts (T4, T6),
 * odd framing (T13), Connection naming a field (T18), no-store.
 */
FCACHE_API fcache_reason_t fcache_admit(const fcache_policy_t *policy,
                                        const fcache_request_t *request);

/*
 * Is it one of the safe methods of the IANA registry (RFC 9110 §9.2.1, QUERY of
 * RFC 10008 among them)? A response of success to any other, an unknown one
 * too, invalidates what is stored for its URL (RFC 9111 §4.4).
 */
FCACHE_API int fcache_method_is_safe(fcache_bytes_t method);

/*
 * Does the client forbid to forward a request that bypasses the cache, as
 * fcache_decide() says it of others? only-if-cached wants a stored response or 504
 * (RFC 9111 §5.2.1.7), but an unsafe method is written through (§4).
 */
FCACHE_API int fcache_forbids_origin(const fcache_policy_t *policy,
                                     const fcache_request_t *request);

/* ---- decide -------------------------------------------------------------- */

#define FCACHE_PLAN_LIST(X)                                                    \
    X(HIT, "serve the entry")                                                  \
    X(HIT_STALE, "serve the stale entry, refresh in the background")           \
    X(REVALIDATE, "ask the origin whether the entry is still good")            \
    X(MISS, "ask the origin")    /* as the client did */                       \
    X(ONLY_CACHED, "answer 504") /* RFC 9111 §5.2.1.7 */

typedef enum fcache_plan_t {
#define X(name, text) FCACHE_PLAN_##name,
    FCACHE_PLAN_LIST(X)
#undef X
} fcache_plan_t;

/* For people; "?" out of range. */
FCACHE_API const char *fcache_plan_text(fcache_plan_t plan);

typedef struct fcache_decision_t {
    fcache_plan_t plan;
    fcache_reason_t reason;
    int64_t age_s; /* current age, when there is an entry; never rounded up */
    int64_t ttl_s; /* freshness left, negative when stale */
    int64_t stale_if_error_s; /* what the request allows in an error beyond the
                                 entry (RFC 5861 §4), or FCACHE_NO_DELTA */
} fcache_decision_t;

/*
 * RFC 9111 §4: does `entry` (NULL when nothing is stored) answer `request` at
 * `now_us`? The key and Vary have matched already. `soft_purged`: the store
 * says the entry was purged softly, so it counts as stale.
 */
FCACHE_API fcache_decision_t fcache_decide(const fcache_policy_t *policy,
                                           const fcache_entry_t *entry,
                                           int soft_purged,
                                           const fcache_request_t *request,
                                           int64_t now_us);

/* Why a stale entry would be served. */
typedef enum fcache_stale_t {
    FCACHE_STALE_REFRESHING, /* a refresh is under way (RFC 5861 §3) */
    FCACHE_STALE_ERROR, /* the origin answered 500, 502, 503 or 504 (§4) */
    FCACHE_STALE_UNREACHABLE /* it gave no answer at all (RFC 9111 §4.2.4) */
} fcache_stale_t;

/*
 * The one predicate for serving stale (RFC 9111 §4.2.4, RFC 5861): may `entry`
 * be served at `now_us` although stale? Never past must-revalidate,
 * proxy-revalidate, s-maxage or no-cache, nor past max_stale_s (T19). Whether it
 * answers the request at all, fcache_decide() has said: it does where the reason
 * is EXPIRED or SOFT_PURGED.
 */
FCACHE_API int fcache_may_serve_stale(const fcache_policy_t *policy,
                                      const fcache_entry_t *entry,
                                      fcache_stale_t cause, int64_t now_us);

/* ---- judge --------------------------------------------------------------- */

typedef enum fcache_ruling_t {
    FCACHE_RULING_STORE,
    FCACHE_RULING_REFRESH, /* a 304 for our validators: renew the entry */
    FCACHE_RULING_NO_STORE,
    FCACHE_RULING_SERVE_STALE /* the origin failed, the entry may answer */
} fcache_ruling_t;

typedef struct fcache_judgement_t {
    fcache_ruling_t ruling;
    fcache_reason_t reason;
    int64_t initial_age_s;  /* RFC 9111 §4.2.3 corrected_initial_age */
    int64_t fresh_until_us; /* freshness ends here */
    int64_t stale_until_us; /* nothing is served or revalidated past here */
    int64_t stale_while_revalidate_s; /* for the entry, 0 none */
    int64_t stale_if_error_s;
    unsigned entry_flags; /* FCACHE_ENTRY_* that follow from the response */
    size_t vary_count;    /* names in Vary; their values are for the key */
} fcache_judgement_t;

/*
 * RFC 9111 §3: may `response` to `request` be stored? `stored` is the entry
 * being revalidated with validators that we added, else NULL. Order of tests:
 * status, no-store, private, Authorization, cookies, Vary, fields, lifetime.
 *
 * A 304 is judged by the stored fields as it changes them (RFC 9111 §3.2).
 * NO_STORE for a 304 with `stored`: the entry answers this once and is then
 * dropped, so that the response is fetched anew; UNEXPECTED_304 means that it is
 * not about this entry (T15).
 */
FCACHE_API fcache_judgement_t fcache_judge(const fcache_policy_t *policy,
                                           const fcache_request_t *request,
                                           const fcache_response_t *response,
                                           const fcache_entry_t *stored,
                                           int64_t now_us);

/*
 * RFC 9111 §4.3.5: what a 200 to HEAD says about `stored`, the 200 that would
 * answer the GET. REFRESH when a validator and all else that it says match;
 * NO_STORE with HEAD_DIFFERS when something does not, and `stored` is to be
 * dropped; with HEAD_ANSWER when it says nothing of it, for an equal length
 * alone does not tell that nothing changed; with another reason when the answer
 * may not be stored.
 */
FCACHE_API fcache_judgement_t fcache_judge_head(
    const fcache_policy_t *policy, const fcache_request_t *request,
    const fcache_response_t *response, const fcache_entry_t *stored,
    int64_t now_us);

/*
 * Is this field of a response kept in an entry? Not the hop-by-hop ones, those
 * named by the response's Connection, no-cache= or private=, Set-Cookie under
 * STRIP, Age, nor X-FCache (RFC 9111 §3.1). `cc` is that of the
 * response.
 */
FCACHE_API int fcache_field_is_stored(const fcache_policy_t *policy,
                                      fcache_fields_t fields,
                                      const fcache_cc_t *cc,
                                      fcache_bytes_t name);

/*
 * May a 304 change that stored field (RFC 9111 §3.2)? Not what describes the
 * stored body (Content-Length, -Encoding, -Range, -MD5, -Digest) or ETag (T15),
 * nor what is never stored. Set-Cookie changes only where it is stored at all.
 */
FCACHE_API int fcache_field_is_updated(fcache_bytes_t name);

#define FCACHE_MAX_FIELDS 100 /* of a stored response (T14) */

/*
 * The fields of a stored response (its block) as those of a 304 to `request`
 * change them (RFC 9111 §3.2): views into both, written to `space` for
 * `capacity` of them; a longer result is cut there. Date and Age are those of
 * the 304 or absent, for it starts the age anew. Of a 304 to cookies, where a 200
 * would not have been stored, only what caching needs is taken (T9, T15). Of one
 * with another entity tag than the stored one nothing but Date and Age: it confirms
 * what we asked about, and describes something else (RFC 9111 §4.3.4). This is what
 * judge looks at.
 */
FCACHE_API fcache_fields_t fcache_fields_merge(const fcache_policy_t *policy,
                                               const fcache_request_t *request,
                                               fcache_bytes_t stored_block,
                                               fcache_fields_t update,
                                               fcache_field_t *space,
                                               size_t capacity);

/* Does the 304 bear another entity tag than the stored response? W/ apart. */
FCACHE_API int fcache_is_of_another(fcache_bytes_t stored_block,
                                    fcache_fields_t update);

/*
 * Would a response like the stored one, of which this is the block of fields, be
 * refused for the Cookie of `request`, as it does not say that it is for all
 * (T9)? Then to renew it is to ask without. Any thread.
 */
FCACHE_API int fcache_cookie_is_refused(const fcache_policy_t *policy,
                                        const fcache_request_t *request,
                                        fcache_bytes_t stored_block);

/*
 * The names that select among this URL's responses (RFC 9111 §4.1), appended to
 * `out` as a length-prefixed list (fcache_entry_list_add): all lines of Vary,
 * lower-case, sorted, each once, and accept-encoding when there is a
 * Content-Encoding (T17). BAD_INPUT with VARY_ANY for '*' and X-Forwarded-For,
 * to which a proxy adds what is not in the request, or with VARY_BAD for a bad
 * name; TOO_LARGE with VARY_BAD past FCACHE_VARY_MAX_NAMES or the ceiling of
 * `out`: such a response is not stored (T12). `out_why` may be NULL.
 */
FCACHE_API fcache_status_t fcache_vary_names(fcache_fields_t response_fields,
                                             fcache_buf_t *out,
                                             fcache_reason_t *out_why);

/* ---- condition ----------------------------------------------------------- */

/*
 * What the client's If-None-Match or If-Modified-Since make of a stored 200
 * (RFC 9110 §13.2.2; If-None-Match first, weak comparison, lists, "*"):
 * 304, or 200 to send it whole. Only GET and HEAD are asked about. An entity
 * tag's `suffix` ("-gzip", put there by a filter behind us) is ignored when the
 * request's tag ends in it inside of the quotes; NULL for none.
 */
FCACHE_API int fcache_condition(fcache_bytes_t etag,
                                fcache_bytes_t last_modified, int64_t date_s,
                                fcache_fields_t request_fields,
                                const char *suffix);

/* Are they the same entity tag, weak or strong comparison (RFC 9110 §8.8.3.2)?
 * Bad tags never match. */
FCACHE_API int fcache_etag_matches(fcache_bytes_t a, fcache_bytes_t b,
                                   int weak);

#define FCACHE_ETAG_LEN 24
/*
 * A strong entity tag with its quotes and a NUL, from SHA-256 of Content-Type,
 * Content-Encoding and the body: equal on every host (RFC 9110 §8.8.3).
 */
typedef struct fcache_etag_t fcache_etag_t;
/* NULL when out of memory. Freed with the pool. */
FCACHE_API fcache_etag_t *fcache_etag_create(fcache_bytes_t content_type,
                                             fcache_bytes_t content_encoding,
                                             apr_pool_t *pool);
FCACHE_API void fcache_etag_update(fcache_etag_t *etag, fcache_bytes_t body);
/* Once; the empty string should anything have failed. */
FCACHE_API void fcache_etag_final(fcache_etag_t *etag,
                                  char out[FCACHE_ETAG_LEN + 1]);

#ifdef __cplusplus
}
#endif
#endif
