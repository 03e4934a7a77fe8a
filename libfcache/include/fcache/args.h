/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_ARGS_H
#define FCACHE_ARGS_H

/*
 * The arguments of a call whose result is cached, and how they come into its
 * key: each with its type, so that 1, 1u, 1.0, true, "1" and the bytes "1" are
 * six calls; none and null differ too. Long bytes go in as their SHA-256.
 */

#include <fcache/key.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FCACHE_ARG_MAX_PLAIN 512 /* bytes; longer ones as a digest */

/* name, label in the key */
#define FCACHE_ARG_LIST(X)                                                     \
    X(NONE, "null")                                                            \
    X(INT, "int")                                                              \
    X(UINT, "uint")                                                            \
    X(DOUBLE, "double")                                                        \
    X(BOOL, "bool")                                                            \
    X(BYTES, "bytes")                                                          \
    X(STRING, "string")

typedef enum fcache_arg_kind_t {
#define X(name, label) FCACHE_ARG_##name,
    FCACHE_ARG_LIST(X)
#undef X
} fcache_arg_kind_t;

/* One argument; `kind` says which one is meant. Bytes are borrowed. */
typedef struct fcache_arg_t {
    fcache_arg_kind_t kind;
    union {
        int64_t integer;
        uint64_t natural;
        double real;
        int truth;
        fcache_bytes_t bytes; /* of BYTES and STRING */
    } as;
} fcache_arg_t;

static inline fcache_arg_t fcache_arg_null(void)
{
    fcache_arg_t arg;
    arg.kind = FCACHE_ARG_NONE;
    arg.as.natural = 0;
    return arg;
}

static inline fcache_arg_t fcache_arg_int(int64_t integer)
{
    fcache_arg_t arg;
    arg.kind = FCACHE_ARG_INT;
    arg.as.integer = integer;
    return arg;
}

static inline fcache_arg_t fcache_arg_uint(uint64_t natural)
{
    fcache_arg_t arg;
    arg.kind = FCACHE_ARG_UINT;
    arg.as.natural = natural;
    return arg;
}

/* All its bits count: 0.0 and -0.0 are two calls. */
static inline fcache_arg_t fcache_arg_double(double real)
{
    fcache_arg_t arg;
    arg.kind = FCACHE_ARG_DOUBLE;
    arg.as.real = real;
    return arg;
}

static inline fcache_arg_t fcache_arg_bool(int truth)
{
    fcache_arg_t arg;
    arg.kind = FCACHE_ARG_BOOL;
    arg.as.truth = truth;
    return arg;
}

static inline fcache_arg_t fcache_arg_bytes(fcache_bytes_t bytes)
{
    fcache_arg_t arg;
    arg.kind = FCACHE_ARG_BYTES;
    arg.as.bytes = bytes;
    return arg;
}

/* A C string; NULL is the null argument. */
static inline fcache_arg_t fcache_arg_str(const char *text)
{
    fcache_arg_t arg = fcache_arg_null();
    if (text) {
        arg.kind = FCACHE_ARG_STRING;
        arg.as.bytes = fcache_str(text);
    }
    return arg;
}

/* Adds them in their order. TOO_LARGE when the key would pass its ceiling,
 * BAD_INPUT for a kind that there is not. Any thread. */
FCACHE_API fcache_status_t fcache_args_add(fcache_tuple_t *tuple,
                                           const fcache_arg_t *args,
                                           size_t count, fcache_error_t *error);

/*
 * Builds the key of a call in its own way: adds to an empty tuple all that the
 * result depends on, in place of module, function and arguments. Any answer but
 * OK makes the call compute without the cache. Any thread.
 */
typedef fcache_status_t (*fcache_call_key_fn)(void *baton, const char *module,
                                              const char *function,
                                              const fcache_arg_t *args,
                                              size_t count,
                                              fcache_tuple_t *tuple,
                                              fcache_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
