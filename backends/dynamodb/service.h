/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_SERVICE_H
#define FCD_SERVICE_H

/*
 * Talking to DynamoDB: a request is signed, sent by a connection of the pool, and
 * its errors are told apart. When the service says that our clock is wrong, it is
 * corrected for the whole process, and the request signed once more.
 */

#include "../net/node.h"
#include "credentials.h"
#include "http.h"
#include "reply.h"

typedef struct fcd_service_t {
    /* from create on */
    const char *region, *url, *host; /* "https://host:port/", "host" */
    fcn_endpoint_t endpoint;
    const fcn_limits_t *limits;
    fcd_trust_t *trust; /* NULL: http */
    fcd_source_t source;
    /* from open on */
    fcn_shared_t *shared;
    fcd_secret_t first; /* of environment or file */
    int has_first;
    /* in the process */
    fcn_node_t *node;
    fcd_credentials_t *credentials;
    _Atomic int64_t skew_s; /* their clock less ours */
} fcd_service_t;

/* Endpoint, region, trust and source from the options, and the credentials that are
 * on this machine, which only root may be able to read. BAD_CONFIG. */
fcache_status_t fcd_service_create(const apr_table_t *options,
                                   const fcn_limits_t *limits,
                                   fcd_service_t *out_service, apr_pool_t *pool,
                                   fcache_error_t *error);

/* In the process, when `shared` is set: pool, resolver, credentials' thread. No connection yet. */
fcache_status_t fcd_service_join(fcd_service_t *service, apr_pool_t *pool,
                                 fcache_error_t *error);

typedef struct fcd_exchange_t {
    const char *operation; /* "PutItem" */
    fcache_bytes_t body;
    fcache_buf_t *reply;
    fcn_deadline_t deadline;
    fcn_deadline_t again; /* fcd_exchange sends it again until then; at_us 0:
                           * until the deadline */
    int64_t read_us;      /* for something to go on; 0: as the limits say */
    /* Reads an answer of 200 while its connection is held, so that nonsense
     * counts against the server; may be NULL. */
    fcache_status_t (*read)(void *baton, fcache_bytes_t reply,
                            fcache_error_t *error);
    void *baton;
    fcd_failure_t failure; /* out: what the service said, if not OK */
} fcd_exchange_t;

/* OK, what the failure says, what read says, or a fault. Any thread. */
fcache_status_t fcd_service_call(fcd_service_t *service,
                                 fcd_exchange_t *exchange,
                                 fcache_error_t *error);

#endif
