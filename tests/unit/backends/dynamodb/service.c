/* SPDX-License-Identifier: Apache-2.0 */
/* A service that has several addresses, of which some do not answer. */
#include "dynamodb/dynamodb.h"

#include "../net/names.h"
#include "../net/peer.h"
#include "pool.h"

#include <apr_strings.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

typedef struct rig_t {
    peer_t peer; /* at 127.0.0.1 only */
    fcn_limits_t limits;
    fcd_store_t store;
} rig_t;

/* Whoever has sent a body that ends with it. */
static void answer(peer_t *peer, int fd)
{
    char bytes[65536];
    while (peer_wait(peer, fd, -1)) {
        ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
        if (len <= 0) {
            return;
        }
        if (bytes[len - 1] == '}') {
            peer_send(fd, ANSWER, strlen(ANSWER));
        }
    }
}

/* The service's addresses are what the script says. */
static rig_t *rig_up(apr_pool_t *pool, const char *addresses)
{
    static int count;
    rig_t *rig = apr_pcalloc(pool, sizeof(*rig));
    apr_table_t *options = apr_table_make(pool, 4);
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "key", 1);
    set_script(addresses);
    rig->peer.serve = answer;
    peer_start(&rig->peer, NULL);
    apr_table_set(options, "region", "eu-central-1");
    apr_table_set(options, "credentials", "env");
    apr_table_set(options, "plaintext", "on");
    apr_table_set(options, "endpoint",
                  apr_psprintf(pool, "http://service.scripted:%d",
                               (int)peer_port(&rig->peer)));
    assert_int_equal(fcn_limits_parse(NULL, NULL, &rig->limits, NULL),
                     FCACHE_OK);
    rig->limits.connect_us = rig->limits.read_us = 10 * S;
    rig->limits.failures = 2;
    assert_int_equal(fcd_service_create(options, &rig->limits,
                                        &rig->store.service, pool, NULL),
                     FCACHE_OK);
    assert_int_equal(fcn_shared_open(apr_psprintf(pool, "service%d", ++count),
                                     pool, &rig->store.service.shared, NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_service_join(&rig->store.service, pool, NULL),
                     FCACHE_OK);
    return rig;
}

static fcache_status_t ask(rig_t *rig, int64_t us)
{
    fcache_buf_t reply;
    fcd_exchange_t exchange = {
        .operation = "GetItem",
        .body = fcache_str("{}"),
        .reply = &reply,
        .deadline = fcn_deadline_in(us),
    };
    fcache_buf_init(&reply, 1024);
    fcache_status_t status =
        fcd_service_call(&rig->store.service, &exchange, NULL);
    fcache_buf_fini(&reply);
    return status;
}

static uint64_t breaker(const rig_t *rig)
{
    fcache_stats_t stats = {0};
    fcn_shared_stats(rig->store.service.shared, &stats);
    return stats.breaker;
}

/* Of two failures the breaker would open. */
static void the_address_that_answers_is_used(void **state)
{
    static const char *const rows[] = {
        "127.0.0.1",
        "127.0.0.2,127.0.0.1",
        "::1,127.0.0.1",
        "127.0.0.2,127.0.0.3,::1,127.0.0.1",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i]);
        rig_t *rig = rig_up(*state, rows[i]);
        CHECK_INT(ask(rig, 60 * S), FCACHE_OK);
        CHECK_INT(ask(rig, 60 * S), FCACHE_OK);
        CHECK_INT(atomic_load(&rig->peer.connections), 1);
        CHECK_INT(breaker(rig), 0);
        peer_stop(&rig->peer);
    }
}

/* They are all asked once, and that is one failure. */
static void no_address_that_answers_is_a_failure(void **state)
{
    rig_t *rig = rig_up(*state, "127.0.0.2,127.0.0.3");
    assert_int_equal(ask(rig, 60 * S), FCACHE_UNAVAILABLE);
    assert_int_equal(breaker(rig), 0);
    assert_int_equal(ask(rig, 60 * S), FCACHE_UNAVAILABLE);
    assert_int_equal(breaker(rig), 2);
    peer_stop(&rig->peer);
}

/* Listens at 127.0.0.2, where nobody accepts: then nothing answers. 0 when somebody
 * has the port there. */
static size_t fill(int fds[], size_t most, uint16_t port)
{
    size_t count = 1;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct pollfd ready = {.events = POLLOUT};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fds[0], (void *)&where, sizeof(where)) != 0) {
        close(fds[0]);
        return 0;
    }
    assert_int_equal(listen(fds[0], 0), 0);
    do {
        assert_true(count < most);
        fds[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[count], (void *)&where, sizeof(where));
        ready.fd = fds[count++];
    } while (poll(&ready, 1, 200) > 0);
    return count;
}

/* A request has no time left for another, the next one has. */
static void an_address_that_is_silent_is_avoided(void **state)
{
    int fds[50];
    rig_t *rig = rig_up(*state, "127.0.0.2,127.0.0.1");
    size_t count = fill(fds, COUNT(fds), peer_port(&rig->peer));
    while (count == 0) {
        peer_stop(&rig->peer);
        rig = rig_up(*state, "127.0.0.2,127.0.0.1");
        count = fill(fds, COUNT(fds), peer_port(&rig->peer));
    }
    fcache_status_t status;
    do { /* until the name is known */
        status = ask(rig, 200 * MS);
    } while (status == FCACHE_UNAVAILABLE);
    assert_int_equal(status, FCACHE_TIMEOUT);
    assert_int_equal(ask(rig, 60 * S), FCACHE_OK);
    assert_int_equal(breaker(rig), 0);
    while (count > 0) {
        close(fds[--count]);
    }
    peer_stop(&rig->peer);
}

/* T27: what got what nobody stored there is not used again. */
static void whom_is_distrusted_is_connected_to_anew(void **state)
{
    rig_t *rig = rig_up(*state, "127.0.0.1");
    assert_int_equal(ask(rig, 60 * S), FCACHE_OK);
    fcd_client.distrust(&rig->store, fcache_str("p:n:a"));
    assert_int_equal(ask(rig, 60 * S), FCACHE_OK);
    assert_int_equal(atomic_load(&rig->peer.connections), 2);
    peer_stop(&rig->peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(the_address_that_answers_is_used),
        pool_test(no_address_that_answers_is_a_failure),
        pool_test(an_address_that_is_silent_is_avoided),
        pool_test(whom_is_distrusted_is_connected_to_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
