/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS against servers with certificates of all kinds, and servers that speak no
 * HTTP. The name of the host is never looked up. */
#include "../net/tls_peer.h"
#include "pool.h"

#include <dynamodb/http.h>

#include <apr_strings.h>
#include <sys/resource.h>

#define ANSWER                                                                 \
    "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 18:36:51 GMT\r\n"               \
    "Content-Length: 2\r\n\r\n{}"

static char directory[] = "/tmp/fcache-https-XXXXXX";
static cert_t ca, other_ca, good, expired, stranger;

static const char *in_directory(apr_pool_t *pool, const char *name)
{
    return apr_psprintf(pool, "%s/%s", directory, name);
}

/* As a machine that still talks to old ones: what is refused is refused by us. */
static void allow_everything(const char *path)
{
    FILE *file = fopen(path, "w");
    fputs("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
          "system_default = weak\n[weak]\nMinProtocol = TLSv1\n"
          "CipherString = DEFAULT:@SECLEVEL=0\n",
          file);
    fclose(file);
    setenv("OPENSSL_CONF", path, 1);
}

static int make_certs(void **state)
{
    const char *alt = "DNS:cache.test";
    if (pool_setup(state) || !mkdtemp(directory)) {
        return -1;
    }
    allow_everything(in_directory(*state, "openssl.cnf"));
    ca = cert_make(&(subject_t){"an authority", NULL, 30, NULL});
    other_ca = cert_make(&(subject_t){"another", NULL, 30, NULL});
    good = cert_make(&(subject_t){"cache.test", alt, 30, &ca});
    expired = cert_make(&(subject_t){"cache.test", alt, -1, &ca});
    stranger = cert_make(&(subject_t){"cache.test", alt, 30, &other_ca});
    cert_write(&ca, in_directory(*state, "ca"), 1, 0);
    return 0;
}

static int remove_certs(void **state)
{
    cert_t *all[] = {&ca, &other_ca, &good, &expired, &stranger};
    for (size_t i = 0; i < COUNT(all); i++) {
        cert_free(all[i]);
    }
    unlink(in_directory(*state, "ca"));
    unlink(in_directory(*state, "openssl.cnf"));
    rmdir(directory);
    return pool_teardown(state);
}

/* Shakes hands, and says what the peer's baton is to each request. */
typedef struct https_t {
    peer_t peer;
    SSL_CTX *context;
    const char *answer; /* NULL: ends at once */
} https_t;

static void serve(peer_t *peer, int fd)
{
    char bytes[4096];
    size_t len;
    https_t *server = peer->baton;
    SSL *ssl = SSL_new(server->context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        while (server->answer && peer_wait(peer, fd, -1) &&
               SSL_read_ex(ssl, bytes, sizeof(bytes), &len)) {
            SSL_write(ssl, server->answer, (int)strlen(server->answer));
        }
    }
    SSL_free(ssl);
}

static void https_up(https_t *server, const cert_t *cert, int max_version)
{
    server->context = SSL_CTX_new(TLS_server_method());
    server->peer.serve = serve;
    server->peer.baton = server;
    SSL_CTX_use_certificate(server->context, cert->x509);
    SSL_CTX_use_PrivateKey(server->context, cert->key);
    if (max_version) {
        SSL_CTX_set_security_level(server->context, 0);
        SSL_CTX_set_min_proto_version(server->context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(server->context, max_version);
    }
    peer_start(&server->peer, NULL);
}

typedef struct https_row_t {
    const char *what;
    const cert_t *cert;
    const char *host, *scheme;
    int max_version;
    const char *answer;
    fcache_status_t status;
} https_row_t;

static const https_row_t rows[] = {
    {"good", &good, "cache.test", "https", 0, ANSWER, FCACHE_OK},
    {"TLS 1.2", &good, "cache.test", "https", TLS1_2_VERSION, ANSWER,
     FCACHE_OK},
    {"TLS 1.1", &good, "cache.test", "https", TLS1_1_VERSION, ANSWER,
     FCACHE_PROTOCOL},
    {"expired", &expired, "cache.test", "https", 0, ANSWER, FCACHE_PROTOCOL},
    {"unknown authority", &stranger, "cache.test", "https", 0, ANSWER,
     FCACHE_PROTOCOL},
    {"another's name", &good, "other.test", "https", 0, ANSWER,
     FCACHE_PROTOCOL},
    {"plain http where https is due", &good, "cache.test", "http", 0, ANSWER,
     FCACHE_PROTOCOL},
    /* while we still write, which must not raise SIGPIPE */
    {"ends at once", &good, "cache.test", "https", 0, NULL, FCACHE_UNAVAILABLE},
    {"no HTTP", &good, "cache.test", "https", 0, "hello\r\n\r\n",
     FCACHE_PROTOCOL},
    {"too long", &good, "cache.test", "https", 0,
     "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n1234567890"
     "12345678901234567890",
     FCACHE_PROTOCOL},
};

/* What the server reads, or, if it reads nothing, more than is on the way. */
static fcache_bytes_t body_for(const https_row_t *row, apr_pool_t *pool)
{
    size_t len = row->answer ? 2 : (size_t)16 << 20;
    char *bytes = apr_palloc(pool, len);
    memset(bytes, 'x', len);
    return fcache_bytes(bytes, len);
}

/* Twice, so that the connection is used again. */
static void ask(const https_row_t *row, const https_t *server,
                const fcd_trust_t *trust, apr_pool_t *pool)
{
    fcd_http_t *http = NULL;
    fcache_buf_t reply;
    const fcn_endpoint_t endpoint = {.host = row->host,
                                     .port = peer_port(&server->peer)};
    fcd_call_t call = {
        .method = "POST",
        .url = apr_psprintf(pool, "%s://%s:%d/", row->scheme, row->host,
                            (int)endpoint.port),
        .body = body_for(row, pool),
        .reply = &reply,
        .connect_us = 5 * S,
        .read_us = 5 * S,
        .deadline = fcn_deadline_in(10 * S),
    };
    fcache_buf_init(&reply, 16);
    CHECK_INT(
        fcd_http_create(trust, &endpoint, &server->peer.address, &http, NULL),
        FCACHE_OK);
    for (int i = 0; i < 2; i++) {
        fcd_answer_t answer = {0};
        CHECK_INT(fcd_http_call(http, &call, &answer, NULL), row->status);
        if (row->status != FCACHE_OK) {
            break;
        }
        CHECK_INT(answer.status, 200);
        CHECK_INT(answer.date_s, 1795372611);
        CHECK_TEXT(fcache_buf_bytes(&reply), "{}");
    }
    fcd_http_close(http);
    fcache_buf_fini(&reply);
}

static void only_the_right_server_is_talked_to(void **state)
{
    fcd_trust_t *trust = NULL;
    assert_int_equal(fcd_http_start(*state, NULL), FCACHE_OK);
    assert_int_equal(
        fcd_trust_create(in_directory(*state, "ca"), &trust, *state, NULL),
        FCACHE_OK);
    for (size_t i = 0; i < COUNT(rows); i++) {
        https_t server = {.answer = rows[i].answer};
        ROW(i, rows[i].what);
        https_up(&server, rows[i].cert, rows[i].max_version);
        ask(&rows[i], &server, trust, *state);
        CHECK_INT(atomic_load(&server.peer.connections),
                  strcmp(rows[i].scheme, "http") ? 1 : 0);
        peer_stop(&server.peer);
        SSL_CTX_free(server.context);
    }
}

/* Nobody listens there, or this machine has no IPv6; both are found out. */
static void addresses_in_brackets_are_connected_to(void **state)
{
    fcd_http_t *http = NULL;
    fcache_buf_t reply;
    fcn_endpoint_t endpoint;
    fcn_address_t address;
    fcd_answer_t answer = {0};
    fcd_call_t call = {
        .method = "POST",
        .url = "http://[::1]:1/",
        .body = fcache_str("{}"),
        .reply = &reply,
        .connect_us = 5 * S,
        .read_us = 5 * S,
        .deadline = fcn_deadline_in(10 * S),
    };
    fcache_buf_init(&reply, 16);
    assert_int_equal(fcd_http_start(*state, NULL), FCACHE_OK);
    assert_int_equal(fcn_endpoint_parse("[::1]:1", 80, &endpoint, *state, NULL),
                     FCACHE_OK);
    assert_true(fcn_endpoint_address(&endpoint, &address));
    assert_int_equal(fcd_http_create(NULL, &endpoint, &address, &http, NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_http_call(http, &call, &answer, NULL),
                     FCACHE_UNAVAILABLE);
    fcd_http_close(http);
    fcache_buf_fini(&reply);
}

/* What this process is short of is not the service's failure. */
static void no_more_files_is_not_unavailable(void **state)
{
    fcd_http_t *http = NULL;
    fcache_buf_t reply;
    fcd_answer_t answer = {0};
    struct rlimit before;
    peer_t peer = {.serve = NULL};
    peer_listen(&peer, NULL, 1);
    const fcn_endpoint_t endpoint = {.host = "cache.test",
                                     .port = peer_port(&peer)};
    fcd_call_t call = {
        .method = "GET",
        .url =
            apr_psprintf(*state, "http://cache.test:%d/", (int)endpoint.port),
        .reply = &reply,
        .connect_us = 5 * S,
        .read_us = 5 * S,
        .deadline = fcn_deadline_in(10 * S),
    };
    fcache_buf_init(&reply, 16);
    assert_int_equal(fcd_http_start(*state, NULL), FCACHE_OK);
    assert_int_equal(
        fcd_http_create(NULL, &endpoint, &peer.address, &http, NULL),
        FCACHE_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    fcache_status_t status = fcd_http_call(http, &call, &answer, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, FCACHE_NO_MEMORY);
    assert_null(fcd_http_unreachable(http));
    close(peer.listen_fd);
    assert_int_equal(fcd_http_call(http, &call, &answer, NULL),
                     FCACHE_UNAVAILABLE);
    assert_non_null(fcd_http_unreachable(http));
    fcd_http_close(http);
    fcache_buf_fini(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_server_is_talked_to),
        cmocka_unit_test(addresses_in_brackets_are_connected_to),
        cmocka_unit_test(no_more_files_is_not_unavailable),
    };
    return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
