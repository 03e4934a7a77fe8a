/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_STATUS_H
#define FCACHE_STATUS_H

/*
 * How every call answers. A miss is not a fault: OK, MISS, EXISTS and TOO_LARGE
 * are ordinary answers, BAD_* are the caller's mistake, and the rest are faults
 * of a store or of the machine, which a cache turns into a miss and counts.
 */

#if defined(_WIN32)
#error "libfcache needs POSIX"
#endif
#define FCACHE_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* name, is a fault, text */
#define FCACHE_STATUS_LIST(X)                                                  \
    X(OK, 0, "ok")                                                             \
    X(MISS, 0, "not found")                                                    \
    X(EXISTS, 0, "already there")                                              \
    X(TOO_LARGE, 0, "too large")                                               \
    X(UNSUPPORTED, 0, "not supported here")                                    \
    X(BAD_CONFIG, 0, "bad configuration")                                      \
    X(BAD_INPUT, 0, "bad input")                                               \
    X(UNAVAILABLE, 1, "store unavailable")                                     \
    X(TIMEOUT, 1, "store timed out")                                           \
    X(CORRUPT, 1, "entry corrupt")                                             \
    X(PROTOCOL, 1, "store protocol error")                                     \
    X(NO_MEMORY, 1, "out of memory")

typedef enum fcache_status_t {
#define X(name, fault, text) FCACHE_##name,
    FCACHE_STATUS_LIST(X)
#undef X
} fcache_status_t;

/*
 * Where a call puts the sentence that says what went wrong. The caller owns it
 * and may pass NULL wherever one is taken. `text` is always NUL-terminated and
 * is meaningful only after a status other than OK.
 */
typedef struct fcache_error_t {
    char text[256];
} fcache_error_t;

/* "OK", "MISS", ...; a static string. Any thread. */
FCACHE_API const char *fcache_status_name(fcache_status_t status);

/* "ok", "not found", ...; a static string. Any thread. */
FCACHE_API const char *fcache_status_text(fcache_status_t status);

/* Is it a fault, which a cache counts and treats as a miss? Any thread. */
FCACHE_API int fcache_status_is_fault(fcache_status_t status);

/* Writes the sentence (cut to fit) if `error` is not NULL; answers `status`. */
FCACHE_API fcache_status_t fcache_error_set(fcache_error_t *error,
                                            fcache_status_t status,
                                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
#endif
