/* SPDX-License-Identifier: Apache-2.0 */
/* A get as the plain libraries do it, blocking; each thread has a connection. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>

/* Connects to "redis" or "memcached" on this machine. 0: it does not answer. */
int bare_connect(const char *store, int port);

/* Puts the value that is got. 0: it was not taken. */
int bare_put(const char *value, size_t len);

/* The length of what was got, or -1. */
long bare_get(void);

#endif
