/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_ADDRESS_H
#define FCN_ADDRESS_H

/*
 * Where a server is. Names are looked up by a thread of the process, never by
 * one that serves a request: getaddrinfo has no deadline. Until the first answer
 * a name is UNAVAILABLE; when a later look-up fails, the old address stays.
 */

#include <fcache/backend.h>

#include <sys/socket.h>

typedef struct fcn_endpoint_t {
    const char *host; /* name or address, without brackets; NULL: unix socket */
    const char *path; /* of a unix socket, or NULL */
    uint16_t port;
    const char *text; /* "host:port", "[::1]:6379", "unix:/path" */
} fcn_endpoint_t;

typedef struct fcn_address_t {
    struct sockaddr_storage addr;
    socklen_t len;
} fcn_address_t;

/*
 * One "host", "host:port", "[v6]:port" or "/path". In the pool. BAD_CONFIG tells
 * what is wrong with the text.
 */
fcache_status_t fcn_endpoint_parse(const char *text, uint16_t default_port,
                                   fcn_endpoint_t *out_endpoint,
                                   apr_pool_t *pool, fcache_error_t *error);

/* Is it this machine: a unix socket, localhost, 127/8 or ::1? */
int fcn_endpoint_is_local(const fcn_endpoint_t *endpoint);

typedef struct fcn_resolver_t fcn_resolver_t;

/* One per process and store; its thread starts with the first name and outlives
 * nobody: the pool's cleanup does not wait for a look-up that hangs. */
fcache_status_t fcn_resolver_create(int64_t every_us,
                                    fcn_resolver_t **out_resolver,
                                    apr_pool_t *pool, fcache_error_t *error);

/* The address as known now; never waits. Any thread. */
fcache_status_t fcn_resolver_address(fcn_resolver_t *resolver,
                                     const fcn_endpoint_t *endpoint,
                                     fcn_address_t *out_address,
                                     fcache_error_t *error);

#endif
