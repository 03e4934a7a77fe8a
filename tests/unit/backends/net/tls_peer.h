/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NET_TLS_PEER_H
#define TESTS_NET_TLS_PEER_H

/* A TLS server of OpenSSL's, that echoes. */

#include "certs.h"
#include "peer.h"

#include <openssl/ssl.h>

typedef struct server_t {
    peer_t peer;
    SSL_CTX *context;
    size_t greets; /* bytes said before anything is asked */
    int is_rude;   /* ends without a goodbye */
    _Atomic int resumed, refused;
} server_t;

/* What comes goes back; a client may say "end". */
static inline void echo_tls(peer_t *peer, int fd)
{
    char bytes[20000];
    size_t len;
    server_t *server = peer->baton;
    SSL *ssl = SSL_new(server->context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) {
        atomic_fetch_add(&server->refused, 1);
        SSL_free(ssl);
        return;
    }
    atomic_fetch_add(&server->resumed, SSL_session_reused(ssl));
    if (server->greets) {
        SSL_write(ssl, "hello", (int)server->greets);
    }
    while ((SSL_pending(ssl) || peer_wait(peer, fd, -1)) &&
           SSL_read_ex(ssl, bytes, sizeof(bytes), &len) &&
           (len < 3 || memcmp(bytes, "end", 3) != 0)) {
        SSL_write_ex(ssl, bytes, len, &len);
    }
    if (!server->is_rude) {
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static inline void server_up(server_t *server, const cert_t *cert,
                             int max_version)
{
    server->context = SSL_CTX_new(TLS_server_method());
    server->peer.serve = echo_tls;
    server->peer.baton = server;
    assert_int_equal(SSL_CTX_use_certificate(server->context, cert->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server->context, cert->key), 1);
    if (max_version) {
        SSL_CTX_set_security_level(server->context, 0);
        SSL_CTX_set_min_proto_version(server->context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(server->context, max_version);
    }
    peer_start(&server->peer, NULL);
}

static inline void server_down(server_t *server)
{
    peer_stop(&server->peer);
    SSL_CTX_free(server->context);
}

#endif
