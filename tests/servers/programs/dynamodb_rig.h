/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DYNAMODB_RIG_H
#define TESTS_DYNAMODB_RIG_H

/* The client on the server that FCACHE_URL names, and that server's faults; see
 * servers/dynamodb/proxy.py. */

#include "check.h"
#include "pool.h"

#include <dynamodb/dynamodb.h>

typedef struct rig_t {
    apr_pool_t *pool;
    void *self;
    fcd_store_t *store; /* the same */
    fcn_limits_t limits;
    fcn_shared_t *shared;
    const char *prefix; /* of its names */
    const char *server; /* "http://127.0.0.1:port" of FCACHE_URL */
} rig_t;

/* Opens the client; `change` is a list of option, value, ..., NULL that replaces
 * options of the URL ("" takes one away). NULL: none, and the server's faults are
 * taken back. Limits are far off. */
rig_t *rig_open(apr_pool_t *pool, const char *const *change);

/* Tells the server; what it has seen since the last time, as JSON text. */
const char *rig_control(const rig_t *rig, const char *json);

fcn_deadline_t rig_soon(void);
fcache_bytes_t rig_name(const rig_t *rig, const char *text);

/* One name; `out_error` may be NULL. */
fcache_status_t rig_fetch(const rig_t *rig, const char *name,
                          fcr_found_t *out_found, fcache_error_t *out_error);

/* Clears one counter; the value that it has then. */
uint64_t rig_tick(const rig_t *rig, const char *counter, uint64_t floor);

/* A value of FCR_STAMP_BYTES of `stamp` and then `text`. */
fcache_status_t rig_put(const rig_t *rig, const char *name, char stamp,
                        const char *text, fcr_mode_t mode,
                        const fcr_found_t *old, fcache_error_t *out_error);

/* The value is of that stamp and text; `text` NULL: there is none. */
void rig_check(const rig_t *rig, const char *name, char stamp,
               const char *text);

#endif
