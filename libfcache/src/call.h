/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_CALL_H
#define FCI_CALL_H

/* What the files of fcache_call() share: call.c decides, call_entry.c reads and
 * writes what is stored for a call, call_key.c makes its key. */

#include <fcache/call.h>
#include <fcache/flight.h>

/* One call while it is answered. */
typedef struct fci_call_t {
    fcache_t *cache;
    const fcache_call_t *spec;
    const fcache_arg_t *args;
    size_t count;
    const fcache_env_t *env;
    const fcache_coder_t *coder;
    void *value;
    fcache_call_report_t *report;
    apr_pool_t *pool;
    fcache_error_t *error; /* the function's */
    fcache_key_t key;
    int64_t until_us; /* the store is asked no longer: see fcache_lookup() */
} fci_call_t;

typedef enum fci_found_state_t {
    FCI_NOTHING,
    FCI_FRESH,
    FCI_STALE,       /* may be served while one computes */
    FCI_LAST_RESORT, /* may be served if computing fails */
    FCI_UNCACHEABLE  /* there is nothing to wait for */
} fci_found_state_t;

/* What is stored for a call. */
typedef struct fci_found_t {
    fci_found_state_t state;
    int is_negative;
    int is_put_back;      /* it is fresh only because computing failed */
    fcache_bytes_t bytes; /* the coder's, in the call's pool */
    int64_t cost_us;      /* what it took to compute */
    int64_t created_us;
    int64_t fresh_until_us;
    int64_t stale_until_us;
    uint64_t epoch;
} fci_found_t;

/* A computed value on its way in. */
typedef struct fci_result_t {
    const fcache_bytes_t *bytes; /* NULL: negative */
    int is_put_back;
    int64_t cost_us;
    int64_t fresh_until_us;
    int64_t stale_until_us;
    uint64_t epoch;
} fci_result_t;

/* A time span of a caller, between nothing and 68 years: sums of a few, and of
 * one and the time of day, do not overflow. */
int64_t fci_call_span(int64_t span_us);

int64_t fci_call_now(const fci_call_t *call);

/* Notes trouble with the cache, which the caller does not see. */
void fci_call_trouble(fci_call_t *call, fcache_status_t status,
                      const fcache_error_t *error);

/* Looks the key up; what is of no use is FCI_NOTHING, with the status that says
 * why. `scratch` is for what is not handed out. */
fcache_status_t fci_call_look(fci_call_t *call, fci_found_t *out_found,
                              apr_pool_t *scratch);

/* Stores it. */
fcache_status_t fci_call_store(fci_call_t *call, const fci_result_t *result,
                               int64_t now_us, fcache_error_t *error);

#endif
