/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_CODER_H
#define FCACHE_CODER_H

/*
 * A coder turns a value into bytes and back. Two kinds of value: an HTTP
 * response (what FCacheCoder names) and an application's value of a type that
 * the coder defines. A coder is a file and one row in the registry; another
 * module or program registers its own with fcache_coder_register().
 *
 *   http   response  the body as it is, served in place (the default)
 *   json   response  one JSON document: status, fields, body; for readers in
 *                    other languages and for eyes
 *   raw    value     bytes as they are (fcache_bytes_t)
 */

#include <fcache/bytes.h>

#include <apr_pools.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fcache_coder_kind_t {
    FCACHE_CODER_RESPONSE, /* value is fcache_response_value_t */
    FCACHE_CODER_VALUE     /* value is what the coder says */
} fcache_coder_kind_t;

/* An HTTP response as a value. Views are borrowed. */
typedef struct fcache_response_value_t {
    int status;
    fcache_bytes_t fields; /* a field block, see entry.h */
    fcache_bytes_t body;
} fcache_response_value_t;

typedef struct fcache_coder_t fcache_coder_t;
struct fcache_coder_t {
    const char *name; /* [a-z0-9._-]{1,15}, kept in every entry */
    fcache_coder_kind_t kind;
    int in_place; /* the stored bytes are the body itself: decode not needed */
    /* Appends the bytes. Any thread. */
    fcache_status_t (*encode)(const fcache_coder_t *coder, const void *value,
                              fcache_buf_t *out, fcache_error_t *error);
    /* Fills *out_value; what it points to is `bytes` or lives in the pool.
     * `bytes` are hostile: CORRUPT, never a crash. Any thread. */
    fcache_status_t (*decode)(const fcache_coder_t *coder, fcache_bytes_t bytes,
                              void *out_value, apr_pool_t *pool,
                              fcache_error_t *error);
    void *baton; /* the coder's own */
};

typedef struct fcache_coders_t fcache_coders_t;

/* A registry with the built-in coders, in the pool. Fill it before threads
 * start; after that it is only read. */
FCACHE_API fcache_coders_t *fcache_coders_create(apr_pool_t *pool);

/* Adds one (borrowed, must outlive the registry). EXISTS, BAD_INPUT for a name
 * or kind that is not valid. */
FCACHE_API fcache_status_t fcache_coder_register(fcache_coders_t *coders,
                                                 const fcache_coder_t *coder,
                                                 fcache_error_t *error);

/* The coder of that name or NULL. */
FCACHE_API const fcache_coder_t *
fcache_coder_find(const fcache_coders_t *coders, fcache_bytes_t name);

/* "http, json, raw": the names, for error texts. In the pool. */
FCACHE_API const char *fcache_coders_names(const fcache_coders_t *coders,
                                           apr_pool_t *pool);

#ifdef __cplusplus
}
#endif
#endif
