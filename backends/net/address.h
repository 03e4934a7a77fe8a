/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_ADDRESS_H
#define FCN_ADDRESS_H

/*
 * Where a server is. Names are looked up by a thread of the process, never by
 * one that serves a request: getaddrinfo has no deadline. A name's first look-up
 * is waited for, briefly; when a later one fails, the old addresses stay.
 */

#include "deadline.h"
#include "limits.h"

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

/* Its address, when it is a number or a path and no name: else 0. */
int fcn_endpoint_address(const fcn_endpoint_t *endpoint,
                         fcn_address_t *out_address);

/* ---- names --------------------------------------------------------------- */

#define FCN_NAMES     256 /* of a resolver; others are UNAVAILABLE */
#define FCN_ADDRESSES 8   /* of a name; the rest is ignored */

typedef struct fcn_resolver_t fcn_resolver_t;

/* One per process and store, made after fork; limits are copied. Its thread
 * starts with the first name. The pool's cleanup waits for nothing. */
fcache_status_t fcn_resolver_create(const fcn_limits_t *limits,
                                    fcn_resolver_t **out_resolver,
                                    apr_pool_t *pool, fcache_error_t *error);

/*
 * The address as known now. Only a name's first look-up is waited for: until the
 * deadline, and until connect_us after it began at most. UNAVAILABLE when there
 * is none. Any thread.
 */
fcache_status_t fcn_resolver_address(fcn_resolver_t *resolver,
                                     const fcn_endpoint_t *endpoint,
                                     fcn_deadline_t deadline,
                                     fcn_address_t *out_address,
                                     fcache_error_t *error);

/* This one does not answer; from now on the name's next is handed out, and its
 * addresses are looked for again soon. How many it has: 0 for what is no name.
 * Any thread. */
int fcn_resolver_avoid(fcn_resolver_t *resolver, const fcn_endpoint_t *endpoint,
                       const fcn_address_t *address);

/* The server is not asked, as it has not answered: it may have moved, so its name
 * is looked for again soon, at most once a second. Any thread. */
void fcn_resolver_doubt(fcn_resolver_t *resolver,
                        const fcn_endpoint_t *endpoint);

#endif
