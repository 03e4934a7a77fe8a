/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <apr_strings.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SESSIONS 64

/* Records in a row that hold nothing for us, before a stream counts as broken. */
#define EMPTY_MAX 16

/* The last session with a server: one that resumes it has its secret, so it is
 * the server whose certificate was verified. */
typedef struct session_t {
    uintptr_t server;
    SSL_SESSION *session;
} session_t;

struct fcn_tls_t {
    SSL_CTX *context;
    BIO_METHOD *socket_method;
    const char *name; /* in place of the host's, or NULL */
    int is_verified;
    pthread_mutex_t mutex; /* of the sessions */
    session_t sessions[SESSIONS];
};

static const char *const options_known[] = {"tls-ca", "tls-cert", "tls-key",
                                            "tls-name", "tls-verify"};

int fcn_tls_has(const char *option)
{
    for (size_t i = 0; i < sizeof(options_known) / sizeof(char *); i++) {
        if (!strcasecmp(option, options_known[i])) {
            return 1;
        }
    }
    return 0;
}

/* ---- the socket below: OpenSSL's own would raise SIGPIPE ---- */

static int bio_fd(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    BIO_clear_retry_flags(bio);
    ssize_t sent = send(bio_fd(bio), bytes, (size_t)len, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_retry_write(bio);
    }
    return (int)sent;
}

static int bio_read(BIO *bio, char *buffer, int capacity)
{
    BIO_clear_retry_flags(bio);
    ssize_t got = recv(bio_fd(bio), buffer, (size_t)capacity, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_retry_read(bio);
    }
    return (int)got;
}

static long bio_ctrl(BIO *bio, int command, long number, void *data)
{
    (void)bio;
    (void)number;
    (void)data;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "fcache socket");
    if (method) {
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}

/* ---- sessions ---- */

static uintptr_t server_of(const char *name, const fcn_address_t *address)
{
    uint64_t hash = XXH3_64bits(name, strlen(name));
    return (uintptr_t)XXH3_64bits_withSeed(&address->addr, address->len, hash);
}

static void use_session(fcn_tls_t *tls, SSL *ssl, uintptr_t server)
{
    session_t *last = &tls->sessions[server % SESSIONS];
    pthread_mutex_lock(&tls->mutex);
    if (last->session && last->server == server) {
        SSL_set_session(ssl, last->session);
    }
    pthread_mutex_unlock(&tls->mutex);
}

/* 1: the session is ours now. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    fcn_tls_t *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    uintptr_t server = (uintptr_t)SSL_get_app_data(ssl);
    session_t *last = &tls->sessions[server % SESSIONS];
    pthread_mutex_lock(&tls->mutex);
    SSL_SESSION_free(last->session);
    last->session = session;
    last->server = server;
    pthread_mutex_unlock(&tls->mutex);
    return 1;
}

/* ---- options ---- */

static fcache_status_t bad_file(const char *option, const char *path,
                                fcache_error_t *error)
{
    char why[120];
    unsigned long code = ERR_peek_last_error();
    ERR_error_string_n(code, why, sizeof(why));
    if (ERR_GET_LIB(code) == ERR_LIB_SYS) {
        snprintf(why, sizeof(why), "%s", strerror(ERR_GET_REASON(code)));
    }
    ERR_clear_error();
    return fcache_error_set(error, FCACHE_BAD_CONFIG,
                            "%s=%.100s is no good: %s", option, path, why);
}

static fcache_status_t read_ca(SSL_CTX *context, const char *path,
                               fcache_error_t *error)
{
    struct stat st;
    if (!path) {
        return SSL_CTX_set_default_verify_paths(context)
                   ? FCACHE_OK
                   : bad_file("tls-ca", "(the system's)", error);
    }
    if (stat(path, &st)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG, "tls-ca=%.100s: %s",
                                path, strerror(errno));
    }
    int ok = S_ISDIR(st.st_mode) ? SSL_CTX_load_verify_dir(context, path)
                                 : SSL_CTX_load_verify_file(context, path);
    return ok ? FCACHE_OK : bad_file("tls-ca", path, error);
}

static fcache_status_t read_cert(SSL_CTX *context, const char *cert,
                                 const char *key, fcache_error_t *error)
{
    if (!cert && !key) {
        return FCACHE_OK;
    }
    if (!cert) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tls-key=%.100s is given without tls-cert",
                                key);
    }
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1) {
        return bad_file("tls-cert", cert, error);
    }
    key = key ? key : cert; /* one file may hold both */
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return bad_file("tls-key", key, error);
    }
    return FCACHE_OK;
}

static fcache_status_t read_options(fcn_tls_t *tls, const apr_table_t *options,
                                    apr_pool_t *pool, fcache_error_t *error)
{
    const char *verify = apr_table_get(options, "tls-verify");
    const char *name = apr_table_get(options, "tls-name");
    tls->is_verified = !verify || strcasecmp(verify, "off") != 0;
    if (verify && tls->is_verified && strcasecmp(verify, "on") != 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tls-verify=%.80s is not on or off", verify);
    }
    if (name && (!name[0] || strlen(name) > 253)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tls-name=%.80s is not a server's name", name);
    }
    tls->name = name ? apr_pstrdup(pool, name) : NULL;
    fcache_status_t status =
        read_ca(tls->context, apr_table_get(options, "tls-ca"), error);
    return status == FCACHE_OK
               ? read_cert(tls->context, apr_table_get(options, "tls-cert"),
                           apr_table_get(options, "tls-key"), error)
               : status;
}

/* ---- contexts ---- */

static apr_status_t let_go(void *data)
{
    fcn_tls_t *tls = data;
    for (size_t i = 0; i < SESSIONS; i++) {
        SSL_SESSION_free(tls->sessions[i].session);
    }
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->socket_method);
    pthread_mutex_destroy(&tls->mutex);
    return APR_SUCCESS;
}

/* An encrypted key is no good; OpenSSL would ask the terminal. */
static int no_password(char *buffer, int size, int is_write, void *data)
{
    (void)buffer;
    (void)size;
    (void)is_write;
    (void)data;
    return 0;
}

static void set_up(fcn_tls_t *tls)
{
    SSL_CTX *context = tls->context;
    SSL_CTX_set_app_data(context, tls);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    /* one record a step: a peer that sends only TLS's own cannot keep us */
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT |
                                                SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
}

fcache_status_t fcn_tls_create(const apr_table_t *options, fcn_tls_t **out_tls,
                               apr_pool_t *pool, fcache_error_t *error)
{
    fcn_tls_t *tls = apr_pcalloc(pool, sizeof(*tls));
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->socket_method = socket_method();
    pthread_mutex_init(&tls->mutex, NULL);
    apr_pool_cleanup_register(pool, tls, let_go, apr_pool_cleanup_null);
    if (!tls->context || !tls->socket_method) {
        ERR_clear_error();
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for TLS");
    }
    set_up(tls);
    fcache_status_t status = read_options(tls, options, pool, error);
    SSL_CTX_set_verify(tls->context,
                       tls->is_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       NULL);
    *out_tls = tls;
    return status;
}

/* ---- connections ---- */

static int is_number(const char *name)
{
    struct in6_addr bytes;
    return inet_pton(AF_INET, name, &bytes) == 1 ||
           inet_pton(AF_INET6, name, &bytes) == 1;
}

/* Whom the certificate must name; SNI has no numbers (RFC 6066 section 3). */
static int set_name(SSL *ssl, const char *name)
{
    if (is_number(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
    }
    char server[256]; /* OpenSSL's macro takes no const */
    snprintf(server, sizeof(server), "%s", name);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, server);
}

SSL *fcn_tls_start(fcn_tls_t *tls, int fd, const char *host,
                   const fcn_address_t *address)
{
    const char *name = tls->name ? tls->name : host;
    uintptr_t server = server_of(name, address);
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = BIO_new(tls->socket_method);
    if (!ssl || !bio || !set_name(ssl, name)) {
        ERR_clear_error();
        SSL_free(ssl);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, (void *)server);
    SSL_set_connect_state(ssl);
    use_session(tls, ssl, server);
    return ssl;
}

static fcn_want_t want(SSL *ssl, int result)
{
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
        return FCN_DONE;
    case SSL_ERROR_WANT_READ:
        return FCN_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return FCN_WANT_WRITE;
    case SSL_ERROR_SSL:
        return ERR_GET_REASON(ERR_peek_error()) ==
                       SSL_R_UNEXPECTED_EOF_WHILE_READING
                   ? FCN_ENDED
                   : FCN_REFUSED;
    default: /* a goodbye, or the socket's */
        return FCN_ENDED;
    }
}

fcn_want_t fcn_tls_handshake(SSL *ssl)
{
    ERR_clear_error();
    return want(ssl, SSL_do_handshake(ssl));
}

fcn_want_t fcn_tls_read(SSL *ssl, char *buffer, size_t capacity,
                        size_t *out_len)
{
    ERR_clear_error();
    return want(ssl, SSL_read_ex(ssl, buffer, capacity, out_len));
}

fcn_want_t fcn_tls_write(SSL *ssl, const char *bytes, size_t len,
                         size_t *out_len)
{
    ERR_clear_error();
    return want(ssl, SSL_write_ex(ssl, bytes, len, out_len));
}

/* Session tickets may wait to be read: they are TLS's own. */
int fcn_tls_is_quiet(SSL *ssl)
{
    char byte;
    size_t len;
    for (int i = 0; i < EMPTY_MAX; i++) {
        if (recv(bio_fd(SSL_get_rbio(ssl)), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <
            0) {
            return errno == EAGAIN && !SSL_has_pending(ssl);
        }
        ERR_clear_error();
        if (want(ssl, SSL_peek_ex(ssl, &byte, 1, &len)) != FCN_WANT_READ) {
            return 0;
        }
    }
    return 0;
}

void fcn_tls_explain(SSL *ssl, char *text, size_t size)
{
    long verified = SSL_get_verify_result(ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(text, size, "%s",
             verified != X509_V_OK ? X509_verify_cert_error_string(verified)
             : reason              ? reason
                                   : "no reason given");
    ERR_clear_error();
}

void fcn_tls_stop(SSL *ssl, int politely)
{
    if (politely) {
        (void)SSL_shutdown(ssl);
    }
    ERR_clear_error();
    SSL_free(ssl);
}
