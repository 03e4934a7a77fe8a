/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_REDIS_H
#define FCRD_REDIS_H

/*
 * Entries on Redis or Valkey servers: one, one of which sentinels know who is
 * master, or a cluster. A client for remote/remote.h. A tour, file by file:
 *
 *   command.c   a command as bytes, and scan.c, reply.c a reply from them: the
 *               codec, without a socket.
 *   error.c     what error replies mean.
 *   slot.c      slots of a cluster.
 *   conf.c      URL and options; password.c files of passwords.
 *   conn.c      a connection on which somebody has logged in.
 *   map.c       which server holds which slot; discover.c finds out.
 *   route.c     calls to the servers that the map names.
 *   ops.c       fetch, store, remove, tick; walk.c looks through all servers.
 *   client.c    its life, and the tables of the three schemes; redis.c stores.
 */

#include <fcache/backend.h>

extern const fcache_backend_ops_t fcache_redis_ops;
extern const fcache_backend_ops_t fcache_rediss_ops;
extern const fcache_backend_ops_t fcache_unix_ops;

#endif
