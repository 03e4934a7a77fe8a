/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_CONF_H
#define FCRD_CONF_H

/*
 * What URL and options say of a Redis store:
 *
 *   redis://[user:password@]host[:port][,host2...][/db]
 *   rediss://...   the same with TLS
 *   unix:/path
 */

#include "conn.h"

typedef enum fcrd_topology_t {
    FCRD_SINGLE,
    FCRD_SENTINEL, /* the seeds are sentinels */
    FCRD_CLUSTER   /* the seeds are some of its servers */
} fcrd_topology_t;

typedef struct fcrd_conf_t {
    fcrd_topology_t topology;
    fcn_endpoint_t *seeds;
    size_t seed_count;
    int is_local;    /* all seeds are on this machine */
    int stays_local; /* and whoever they name must be, too: see conf.c */
    const char *master_name; /* that sentinels know */
    uint64_t max_value;
    fcrd_access_t access, sentinel_access;
} fcrd_conf_t;

/* Options of a Redis store beside those of net, TLS and remote. */
extern const char *const fcrd_options[];

/* In the pool; limits are borrowed. Reads password files; no network. BAD_CONFIG
 * names the option, its value and what is allowed. */
fcache_status_t fcrd_conf_parse(const fcache_backend_conf_t *conf,
                                const fcn_limits_t *limits,
                                fcrd_conf_t *out_conf, apr_pool_t *pool,
                                fcache_error_t *error);

#endif
