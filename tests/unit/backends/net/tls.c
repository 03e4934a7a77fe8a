/* SPDX-License-Identifier: Apache-2.0 */

/* TLS against real servers with certificates of all kinds: what is wrong is
 * refused, sessions are resumed, and SIGPIPE kills nobody. */

#include "certs.h"
#include "pool.h"
#include "tls_peer.h"

#include <apr_strings.h>

/* ---- files ---- */

static char directory[] = "/tmp/fcache-tls-XXXXXX";
static cert_t ca, other_ca, good, expired, stranger, client;

static apr_pool_t *files; /* names of */

static const char *in_directory(const char *name)
{
    return apr_psprintf(files, "%s/%s", directory, name);
}

/* As a machine may be set up that still talks to old ones: what is refused here
 * is refused by us, not by OpenSSL's own rules. */
static void allow_everything(void)
{
    const char *path = in_directory("openssl.cnf");
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
    if (pool_setup(state) || !mkdtemp(directory)) {
        return -1;
    }
    files = *state;
    allow_everything();
    const char *alt = "DNS:cache.test,IP:127.0.0.1,IP:::1";
    ca = cert_make(&(subject_t){"an authority", NULL, 30, NULL});
    other_ca = cert_make(&(subject_t){"another", NULL, 30, NULL});
    good = cert_make(&(subject_t){"cache.test", alt, 30, &ca});
    expired = cert_make(&(subject_t){"cache.test", alt, -1, &ca});
    stranger = cert_make(&(subject_t){"cache.test", alt, 30, &other_ca});
    client = cert_make(&(subject_t){"client", "DNS:client", 30, &ca});
    cert_write(&ca, in_directory("ca"), 1, 0);
    cert_write(&client, in_directory("client"), 1, 1);
    cert_write(&client, in_directory("client.crt"), 1, 0);
    cert_write(&client, in_directory("client.key"), 0, 1);
    cert_write(&good, in_directory("other.key"), 0, 1);
    FILE *file = fopen(in_directory("nonsense"), "w");
    fputs("this is no certificate\n", file);
    fclose(file);
    return 0;
}

static int remove_certs(void **state)
{
    static const char *const names[] = {"ca",         "client",    "client.crt",
                                        "client.key", "other.key", "nonsense"};
    cert_t *all[] = {&ca, &other_ca, &good, &expired, &stranger, &client};
    for (size_t i = 0; i < COUNT(names); i++) {
        unlink(in_directory(names[i]));
        cert_free(all[i]);
    }
    unlink(in_directory("openssl.cnf"));
    rmdir(directory);
    return pool_teardown(state);
}

/* ---- clients ---- */

/* Options as name, value, ..., NULL. */
static fcache_status_t tls_of(const char *const *options, fcn_tls_t **out_tls,
                              apr_pool_t *pool, fcache_error_t *error)
{
    apr_table_t *table = apr_table_make(pool, 4);
    for (; options[0]; options += 2) {
        apr_table_set(table, options[0], options[1]);
    }
    return fcn_tls_create(table, out_tls, pool, error);
}

static fcn_tls_t *usual_tls(apr_pool_t *pool)
{
    fcn_tls_t *tls = NULL;
    const char *const options[] = {"tls-ca", in_directory("ca"), NULL};
    assert_int_equal(tls_of(options, &tls, pool, NULL), FCACHE_OK);
    return tls;
}

static fcache_status_t open_to(server_t *server, fcn_tls_t *tls,
                               const char *host, fcn_stream_t **out_stream,
                               fcache_error_t *error)
{
    return fcn_stream_open(&server->peer.address, tls, host,
                           fcn_deadline_in(60 * S), out_stream, error);
}

static fcache_status_t say(fcn_stream_t *stream, const char *text)
{
    const fcache_bytes_t piece = fcache_str(text);
    return fcn_stream_write(stream, &piece, 1, fcn_deadline_in(60 * S), NULL);
}

static fcache_status_t hear(fcn_stream_t *stream, char *back, size_t want)
{
    size_t len = 0;
    fcache_status_t status = FCACHE_OK;
    for (; want > 0 && status == FCACHE_OK; want -= len, back += len) {
        len = 0;
        status = fcn_stream_read(stream, back, want, &len,
                                 fcn_deadline_in(60 * S), NULL);
    }
    return status;
}

/* ---- who is trusted ---- */

typedef struct row_t {
    const char *name;
    const cert_t *cert;
    const char *host;
    const char *option, *value; /* besides tls-ca */
    fcache_status_t status;
    const char *said;
} row_t;

static const row_t rows[] = {
    {"a name", &good, "cache.test", NULL, NULL, FCACHE_OK, ""},
    {"an address", &good, "127.0.0.1", NULL, NULL, FCACHE_OK, ""},
    {"a longer address", &good, "::1", NULL, NULL, FCACHE_OK, ""},
    {"wrong name", &good, "other.test", NULL, NULL, FCACHE_PROTOCOL,
     "TLS: hostname mismatch"},
    {"wrong address", &good, "127.0.0.2", NULL, NULL, FCACHE_PROTOCOL,
     "TLS: IP address mismatch"},
    {"expired", &expired, "cache.test", NULL, NULL, FCACHE_PROTOCOL,
     "TLS: certificate has expired"},
    {"unknown authority", &stranger, "cache.test", NULL, NULL, FCACHE_PROTOCOL,
     "TLS: unable to get local issuer certificate"},
    {"another name", &good, "127.0.0.2", "tls-name", "cache.test", FCACHE_OK,
     ""},
    {"another wrong name", &good, "cache.test", "tls-name", "other.test",
     FCACHE_PROTOCOL, "TLS: hostname mismatch"},
    {"unverified", &stranger, "other.test", "tls-verify", "off", FCACHE_OK, ""},
    {"verified", &stranger, "cache.test", "tls-verify", "on", FCACHE_PROTOCOL,
     "TLS: unable to get local issuer certificate"},
};

static void who_is_trusted(void **state) /* F25 */
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        fcn_tls_t *tls = NULL;
        fcn_stream_t *stream = NULL;
        fcache_error_t error = {""};
        const char *const options[] = {"tls-ca", in_directory("ca"),
                                       rows[i].option, rows[i].value, NULL};
        server_t server = {.greets = 0};
        server_up(&server, rows[i].cert, 0);
        assert_int_equal(tls_of(options, &tls, *state, NULL), FCACHE_OK);
        CHECK_INT(open_to(&server, tls, rows[i].host, &stream, &error),
                  rows[i].status);
        CHECK_TEXT(fcache_str(error.text), rows[i].said);
        CHECK_INT(stream != NULL, rows[i].status == FCACHE_OK);
        fcn_stream_close(stream);
        server_down(&server);
    }
}

static void old_versions_are_refused(void **state)
{
    static const struct {
        int version;
        fcache_status_t status;
    } versions[] = {{TLS1_1_VERSION, FCACHE_PROTOCOL},
                    {TLS1_2_VERSION, FCACHE_OK},
                    {TLS1_3_VERSION, FCACHE_OK}};
    fcn_tls_t *tls = usual_tls(*state);
    for (size_t i = 0; i < COUNT(versions); i++) {
        char back[5];
        fcn_stream_t *stream = NULL;
        server_t server = {.greets = 0};
        server_up(&server, &good, versions[i].version);
        assert_int_equal(open_to(&server, tls, "cache.test", &stream, NULL),
                         versions[i].status);
        if (stream) {
            assert_int_equal(say(stream, "hello"), FCACHE_OK);
            assert_int_equal(hear(stream, back, 5), FCACHE_OK);
            assert_memory_equal(back, "hello", 5);
        }
        fcn_stream_close(stream);
        server_down(&server);
    }
}

/* With TLS 1.3 a client hears of its refusal when it first reads. */
static void clients_have_certificates(void **state)
{
    const char *const sets[][7] = {
        {"tls-ca", in_directory("ca"), NULL},
        {"tls-ca", in_directory("ca"), "tls-cert", in_directory("client"),
         NULL},
        {"tls-ca", in_directory("ca"), "tls-cert", in_directory("client.crt"),
         "tls-key", in_directory("client.key"), NULL},
    };
    for (size_t i = 0; i < COUNT(sets); i++) {
        char back[5];
        fcn_tls_t *tls = NULL;
        fcn_stream_t *stream = NULL;
        server_t server = {.greets = 0};
        server_up(&server, &good, 0);
        SSL_CTX_set_verify(server.context,
                           SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           NULL);
        SSL_CTX_load_verify_file(server.context, in_directory("ca"));
        assert_int_equal(tls_of(sets[i], &tls, *state, NULL), FCACHE_OK);
        assert_int_equal(open_to(&server, tls, "cache.test", &stream, NULL),
                         FCACHE_OK);
        (void)say(stream, "hello");
        assert_int_equal(hear(stream, back, 5),
                         i == 0 ? FCACHE_PROTOCOL : FCACHE_OK);
        fcn_stream_close(stream);
        server_down(&server);
    }
}

/* ---- those that speak no TLS ---- */

static void speak_plainly(peer_t *peer, int fd)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    peer_send(fd, text, sizeof(text) - 1);
    (void)peer_wait(peer, -1, -1);
}

static void hang_up(peer_t *peer, int fd)
{
    (void)peer_wait(peer, fd, -1);
}

static void handshakes_end(void **state)
{
    static const struct {
        void (*serve)(peer_t *peer, int fd);
        int64_t us;
        fcache_status_t status;
    } peers[] = {{peer_is_silent, 50 * MS, FCACHE_TIMEOUT},
                 {speak_plainly, 60 * S, FCACHE_PROTOCOL},
                 {hang_up, 60 * S, FCACHE_UNAVAILABLE}};
    fcn_tls_t *tls = usual_tls(*state);
    for (size_t i = 0; i < COUNT(peers); i++) {
        fcn_stream_t *stream = NULL;
        peer_t peer = {.serve = peers[i].serve};
        peer_start(&peer, NULL);
        assert_int_equal(fcn_stream_open(&peer.address, tls, "cache.test",
                                         fcn_deadline_in(peers[i].us), &stream,
                                         NULL),
                         peers[i].status);
        assert_null(stream);
        peer_stop(&peer);
    }
}

/* ---- bytes ---- */

static void bytes_come_back(void **state)
{
    enum { SIZE = 50000, SMALL = 300 };
    static char bytes[SIZE], back[SIZE];
    fcache_bytes_t pieces[SMALL + 3];
    fcn_stream_t *stream = NULL;
    server_t server = {.greets = 0};
    server_up(&server, &good, 0);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * 7 + i / 251);
    }
    /* small ones, an empty one, one larger than a record, and the rest */
    for (size_t i = 0; i < SMALL; i++) {
        pieces[i] = fcache_bytes(bytes + i * 60, 60);
    }
    pieces[SMALL] = fcache_bytes(NULL, 0);
    pieces[SMALL + 1] = fcache_bytes(bytes + SMALL * 60, 20000);
    pieces[SMALL + 2] =
        fcache_bytes(bytes + SMALL * 60 + 20000, SIZE - 20000 - SMALL * 60);
    assert_int_equal(
        open_to(&server, usual_tls(*state), "cache.test", &stream, NULL),
        FCACHE_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(fcn_stream_write(stream, pieces, SMALL + 3,
                                          fcn_deadline_in(60 * S), NULL),
                         FCACHE_OK);
        assert_int_equal(hear(stream, back, SIZE), FCACHE_OK);
        assert_memory_equal(back, bytes, SIZE);
        assert_true(fcn_stream_is_quiet(stream));
    }
    fcn_stream_close(stream);
    server_down(&server);
}

/* An end without a goodbye is an end, not an answer; and no SIGPIPE, which is as
 * it is by default. */
static void ends_are_seen(void **state)
{
    fcn_tls_t *tls = usual_tls(*state);
    for (int is_rude = 0; is_rude < 2; is_rude++) {
        char back[3];
        fcn_stream_t *stream = NULL;
        fcache_status_t status = FCACHE_OK;
        server_t server = {.is_rude = is_rude};
        server_up(&server, &good, 0);
        assert_int_equal(open_to(&server, tls, "cache.test", &stream, NULL),
                         FCACHE_OK);
        assert_int_equal(say(stream, "end"), FCACHE_OK);
        assert_int_equal(hear(stream, back, 3), FCACHE_UNAVAILABLE);
        assert_false(fcn_stream_is_quiet(stream));
        for (int i = 0; i < 100 && status == FCACHE_OK; i++) {
            status = say(stream, "more");
            usleep(1000);
        }
        assert_int_equal(status, FCACHE_UNAVAILABLE);
        fcn_stream_close(stream);
        server_down(&server);
    }
}

/* Tickets are TLS's own; bytes and an end are not. */
static void unasked_bytes_are_seen(void **state)
{
    fcn_tls_t *tls = usual_tls(*state);
    for (size_t greets = 0; greets < 6; greets += 5) {
        char back[4];
        fcn_stream_t *stream = NULL;
        server_t server = {.greets = greets};
        server_up(&server, &good, TLS1_3_VERSION);
        assert_int_equal(open_to(&server, tls, "cache.test", &stream, NULL),
                         FCACHE_OK);
        if (greets) {
            while (fcn_stream_is_quiet(stream)) { /* until it has come */
                usleep(1000);
            }
        } else {
            assert_true(fcn_stream_is_quiet(stream));
            assert_int_equal(say(stream, "ping"), FCACHE_OK);
            assert_int_equal(hear(stream, back, 4), FCACHE_OK);
            assert_true(fcn_stream_is_quiet(stream));
            assert_int_equal(say(stream, "end"), FCACHE_OK);
            while (fcn_stream_is_quiet(stream)) {
                usleep(1000);
            }
        }
        fcn_stream_close(stream);
        server_down(&server);
    }
}

/* ---- sessions ---- */

static void visit(server_t *server, fcn_tls_t *tls, const char *host)
{
    char back[4];
    fcn_stream_t *stream = NULL;
    assert_int_equal(open_to(server, tls, host, &stream, NULL), FCACHE_OK);
    assert_int_equal(say(stream, "ping"), FCACHE_OK);
    assert_int_equal(hear(stream, back, 4), FCACHE_OK);
    fcn_stream_close(stream);
}

static void sessions_are_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < COUNT(versions); i++) {
        fcn_tls_t *tls = usual_tls(*state);
        server_t server = {.greets = 0};
        server_up(&server, &good, versions[i]);
        for (int j = 0; j < 5; j++) {
            visit(&server, tls, "cache.test");
            assert_int_equal(server.resumed, j);
        }
        visit(&server, tls, "127.0.0.1"); /* was not verified under that */
        assert_int_equal(server.resumed, 4);
        server_down(&server);
    }
}

typedef struct visitor_t {
    server_t *server;
    fcn_tls_t *tls;
} visitor_t;

static void *visit_often(void *data)
{
    const visitor_t *visitor = data;
    for (int i = 0; i < 20; i++) {
        visit(visitor->server, visitor->tls, "cache.test");
    }
    return NULL;
}

static void threads_share_sessions(void **state)
{
    pthread_t ids[8];
    server_t server = {.greets = 0};
    server_up(&server, &good, 0);
    visitor_t visitor = {&server, usual_tls(*state)};
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_int_equal(pthread_create(&ids[i], NULL, visit_often, &visitor),
                         0);
    }
    for (size_t i = 0; i < COUNT(ids); i++) {
        pthread_join(ids[i], NULL);
    }
    assert_true(server.resumed > 100);
    server_down(&server);
}

/* ---- options ---- */

static void options_are_checked(void **state)
{
    const struct {
        const char *option, *value, *second, *value2, *said;
    } bad[] = {
        {"tls-ca", in_directory("missing"), NULL, NULL, "No such file"},
        {"tls-ca", "nonsense", NULL, NULL, "tls-ca=/"},
        {"tls-cert", "nonsense", NULL, NULL, "tls-cert=/"},
        {"tls-cert", "client.crt", NULL, NULL, "tls-key=/"},
        {"tls-cert", "client.crt", "tls-key", "other.key", "mismatch"},
        {"tls-cert", "client.crt", "tls-key", "missing", "tls-key=/"},
        {"tls-key", "client.key", NULL, NULL, "without tls-cert"},
        {"tls-verify", "maybe", NULL, NULL,
         "tls-verify=maybe is not on or off"},
        {"tls-name", "", NULL, NULL, "tls-name= is not"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ROW(i, bad[i].option);
        int is_file = !strcmp(bad[i].option, "tls-ca") ||
                      !strcmp(bad[i].option, "tls-cert") ||
                      !strcmp(bad[i].option, "tls-key");
        const char *options[5] = {bad[i].option, bad[i].value, bad[i].second,
                                  bad[i].value2, NULL};
        if (is_file && options[1][0] != '/') {
            options[1] = in_directory(options[1]);
        }
        if (options[2]) {
            options[3] = in_directory(options[3]);
        }
        fcn_tls_t *tls = NULL;
        fcache_error_t error = {""};
        CHECK_INT(tls_of(options, &tls, *state, &error), FCACHE_BAD_CONFIG);
        if (!strstr(error.text, bad[i].said)) {
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, error.text,
                     bad[i].said);
        }
        assert_true(fcn_tls_has(bad[i].option));
    }
    assert_false(fcn_tls_has("tls"));
}

static void the_default_is_the_systems(void **state)
{
    fcn_tls_t *tls = NULL;
    const char *const options[] = {NULL};
    assert_int_equal(tls_of(options, &tls, *state, NULL), FCACHE_OK);
    const char *const a_directory[] = {"tls-ca", directory, NULL};
    assert_int_equal(tls_of(a_directory, &tls, *state, NULL), FCACHE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_trusted),
        cmocka_unit_test(old_versions_are_refused),
        cmocka_unit_test(clients_have_certificates),
        cmocka_unit_test(handshakes_end),
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(ends_are_seen),
        cmocka_unit_test(unasked_bytes_are_seen),
        cmocka_unit_test(sessions_are_resumed),
        cmocka_unit_test(threads_share_sessions),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(the_default_is_the_systems),
    };
    return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
