/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_LIMITS_H
#define FCN_LIMITS_H

/*
 * The options that every store beyond this machine's memory takes, one list:
 * the struct, the defaults, the parser and the documentation's table come from
 * it. Times are microseconds.
 */

#include <fcache/backend.h>

/* field, option, 't' time 'n' number, default, least, most, what it is */
#define FCN_LIMITS_LIST(X)                                                     \
    X(connect_us, "connect", 't', 50000, 1000, 10000000,                       \
      "longest wait for a connection, with TLS")                               \
    X(read_us, "read", 't', 50000, 1000, 10000000,                             \
      "longest wait for a reply to begin or go on")                            \
    X(lookup_us, "lookup", 't', 80000, 1000, 30000000,                         \
      "longest time for a whole look-up, or for an add, connecting included")  \
    X(store_us, "store", 't', 250000, 1000, 30000000,                          \
      "longest time for storing an entry, or for a clear of any length")       \
    X(wait_us, "wait", 't', 5000, 0, 1000000,                                  \
      "longest wait for a free connection, when all are in use")               \
    X(pool, "pool", 'n', 64, 1, 1024,                                          \
      "most connections to a server, for each process")                        \
    X(idle_us, "idle", 't', 60000000, 1000000, 86400000000,                    \
      "how long an unused connection is kept")                                 \
    X(life_us, "life", 't', 300000000, 1000000, 86400000000,                   \
      "how long a connection is used at all, give or take 20 %")               \
    X(failures, "failures", 'n', 3, 1, 1000,                                   \
      "failures in a row that open the breaker")                               \
    X(window_us, "window", 't', 10000000, 100000, 3600000000,                  \
      "how long requests are counted for `window-failures`")                   \
    X(window_requests, "window-requests", 'n', 20, 1, 1000000,                 \
      "requests of a window from which on `window-failures` counts")           \
    X(window_failures, "window-failures", 'n', 50, 1, 100,                     \
      "failures in 100 requests of a window that open the breaker")            \
    X(successes, "successes", 'n', 2, 1, 1000,                                 \
      "successes in a row that close the breaker")                             \
    X(open_us, "open", 't', 1000000, 10000, 3600000000,                        \
      "how long the breaker is open at first; doubled each time it fails")     \
    X(open_max_us, "open-max", 't', 30000000, 10000, 3600000000,               \
      "how long the breaker is open at most")                                  \
    X(retries, "retries", 'n', 10, 0, 100,                                     \
      "requests in 100 that may be made again on a new connection")            \
    X(resolve_us, "resolve", 't', 30000000, 1000000, 3600000000,               \
      "time between two looks for the addresses of a name")

typedef struct fcn_limits_t {
#define X(field, option, kind, value, least, most, text) int64_t field;
    FCN_LIMITS_LIST(X)
#undef X
} fcn_limits_t;

/*
 * Defaults, then what `options` says. `defaults` (NULL: those above) are for a
 * store with others. BAD_CONFIG names the option, its value and what is allowed.
 */
fcache_status_t fcn_limits_parse(const apr_table_t *options,
                                 const fcn_limits_t *defaults,
                                 fcn_limits_t *out_limits,
                                 fcache_error_t *error);

/* Is it an option of this list? */
int fcn_limits_has(const char *option);

#endif
