/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NET_PEER_H
#define TESTS_NET_PEER_H

/* A server whose behaviour is a function, called for each connection in a thread
 * of its own. */

#include "check.h"

#include <net/stream.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MS INT64_C(1000)
#define S  INT64_C(1000000)

typedef struct peer_t peer_t;
struct peer_t {
    void (*serve)(peer_t *peer, int fd);
    size_t number; /* for serve */
    void *baton;   /* for serve */
    int listen_fd;
    fcn_address_t address;
    pthread_t thread;
    int stop[2]; /* a pipe; its end stops the thread, and what it waits in */
    _Atomic int connections, busy;
};

/* The peer has read or must end: 0 when it must end. */
static inline int peer_wait(peer_t *peer, int fd, int64_t us)
{
    struct pollfd fds[] = {{.fd = peer->stop[0], .events = POLLIN},
                           {.fd = fd, .events = POLLIN}};
    (void)poll(fds, fd < 0 ? 1 : 2, us < 0 ? -1 : (int)(us / 1000));
    return fds[0].revents == 0;
}

typedef struct visit_t {
    peer_t *peer;
    int fd;
} visit_t;

static inline void *peer_visit(void *data)
{
    visit_t visit = *(visit_t *)data;
    sigset_t pipe_only; /* the server's own affair, not what is tested */
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
    free(data);
    visit.peer->serve(visit.peer, visit.fd);
    close(visit.fd);
    atomic_fetch_sub(&visit.peer->busy, 1);
    return NULL;
}

static inline void *peer_run(void *data)
{
    peer_t *peer = data;
    while (peer_wait(peer, peer->listen_fd, -1)) {
        pthread_t thread;
        visit_t *visit = malloc(sizeof(*visit));
        *visit = (visit_t){peer, accept(peer->listen_fd, NULL, NULL)};
        atomic_fetch_add(&peer->connections, 1);
        atomic_fetch_add(&peer->busy, 1);
        if (pthread_create(&thread, NULL, peer_visit, visit)) {
            abort();
        }
        pthread_detach(thread);
    }
    while (atomic_load(&peer->busy) > 0) {
        usleep(100);
    }
    return NULL;
}

static inline void peer_listen(peer_t *peer, const char *unix_path, int queue)
{
    struct sockaddr_in *v4 = (void *)&peer->address.addr;
    struct sockaddr_un *un = (void *)&peer->address.addr;
    const int on = 1;
    if (unix_path) {
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof(un->sun_path), "%s", unix_path);
        peer->address.len = sizeof(*un);
    } else {
        v4->sin_family = AF_INET;
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        peer->address.len = sizeof(*v4);
    }
    peer->listen_fd =
        socket(peer->address.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(peer->listen_fd >= 0);
    setsockopt(peer->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(peer->listen_fd,
                          (struct sockaddr *)&peer->address.addr,
                          peer->address.len),
                     0);
    assert_int_equal(listen(peer->listen_fd, queue), 0);
    assert_int_equal(getsockname(peer->listen_fd,
                                 (struct sockaddr *)&peer->address.addr,
                                 &peer->address.len),
                     0);
}

static inline void peer_start(peer_t *peer, const char *unix_path)
{
    peer_listen(peer, unix_path, 64);
    assert_int_equal(pipe(peer->stop), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

static inline void peer_stop(peer_t *peer)
{
    close(peer->stop[1]);
    pthread_join(peer->thread, NULL);
    close(peer->stop[0]);
    close(peer->listen_fd);
}

static inline uint16_t peer_port(const peer_t *peer)
{
    const struct sockaddr_in *v4 = (const void *)&peer->address.addr;
    return ntohs(v4->sin_port);
}

/* ---- behaviours ---- */

static inline void peer_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
}

static inline void peer_is_silent(peer_t *peer, int fd)
{
    (void)fd;
    (void)peer_wait(peer, -1, -1);
}

/* What comes goes back. */
static inline void peer_echoes(peer_t *peer, int fd)
{
    char bytes[4096];
    while (peer_wait(peer, fd, -1)) {
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        if (got <= 0) {
            return;
        }
        peer_send(fd, bytes, (size_t)got);
    }
}

#endif
