/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCMC_MEMCACHED_H
#define FCMC_MEMCACHED_H

/*
 * The store on Memcached servers. A tour, file by file:
 *
 *   ring.c     which server a name lies on: libmemcached's ketama.
 *   conn.c     a connection to one server: bytes, lines, exact reads.
 *   text.c     requests and replies of the text protocol.
 *   binary.c   the same in the binary protocol, and SASL.
 *   fleet.c    the servers: pools, ejection, what a server that returns missed.
 *   tick.c     the clocks of the servers.
 *   walk.c     names and numbers of all servers.
 *   options.c  URL and options.
 *   client.c   the rows of ../remote/client.h, made of these.
 *
 * libmemcached chooses the server and no more. It is not given a reply to read:
 * version 1.1.4 takes a length of 2^64 - 2 or a line `VERSION` to be the end of
 * the process, and a binary reply may be longer than the array it copies it to.
 * Its waits are for one read each, so a server that sends a byte now and then
 * would hold a request for as long as it likes.
 */

#include <fcache/backend.h>

extern const fcache_backend_ops_t fcache_memcached_ops;

#endif
