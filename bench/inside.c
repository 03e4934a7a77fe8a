/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: httpd gets what `get` put into BARE_STORE at BARE_PORT before it
 * sends an answer. What a hit in shared memory then takes is the least that a hit
 * in that store can.
 */
#define _GNU_SOURCE
#include "bare.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

typedef ssize_t (*writev_fn_t)(int fd, const struct iovec *pieces, int count);

static void get_once(void)
{
    static _Thread_local int is_connected;
    const char *store = getenv("BARE_STORE");
    const char *port = getenv("BARE_PORT");

    if (!is_connected) {
        is_connected =
            store && port && bare_connect(store, (int)strtol(port, NULL, 10));
    }
    if (!is_connected || bare_get() < 0) {
        abort();
    }
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    static const char line[] = "HTTP/1.1 200";
    writev_fn_t next = (writev_fn_t)dlsym(RTLD_NEXT, "writev");

    if (count > 0 && pieces[0].iov_len >= sizeof(line) &&
        memcmp(pieces[0].iov_base, line, sizeof(line) - 1) == 0) {
        get_once();
    }
    return next(fd, pieces, count);
}
