/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: httpd gets what `get` put into BARE_STORE at BARE_PORT before it
 * sends an answer. What a hit in shared memory then takes is about the least that
 * a hit in that store can.
 */
#define _GNU_SOURCE
#include "bare.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

typedef ssize_t (*writev_fn_t)(int fd, const struct iovec *pieces, int count);

static writev_fn_t next;

__attribute__((constructor)) static void find_next(void)
{
    next = (writev_fn_t)dlsym(RTLD_NEXT, "writev");
}

static void connect_once(void)
{
    static _Thread_local int is_connected;

    if (is_connected) {
        return;
    }
    const char *store = getenv("BARE_STORE");
    const char *port = getenv("BARE_PORT");
    if (!store || !port || !bare_connect(store, (int)strtol(port, NULL, 10))) {
        abort();
    }
    is_connected = 1;
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    static const char line[] = "HTTP/1.1 200";

    if (count > 0 && pieces[0].iov_len >= sizeof(line) &&
        memcmp(pieces[0].iov_base, line, sizeof(line) - 1) == 0) {
        connect_once();
        if (bare_get() < 0) {
            abort();
        }
    }
    return next(fd, pieces, count);
}
