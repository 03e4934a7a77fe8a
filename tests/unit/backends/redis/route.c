/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a call when the server answers oddly, late or not at all: a
 * server that says what the test tells it, and counts who comes. */
#include "redis/client.h"
#include "redis/route.h"

#include "../net/peer.h"
#include "pool.h"

#include <apr_strings.h>

#define FOUND(text) "*1\r\n" text
#define VALUE       "$5\r\nvalue\r\n"

typedef struct rig_t {
    peer_t peer;
    apr_pool_t *pool;
    fcn_limits_t limits;
    const fcr_client_ops_t *ops;
    fcrd_t *self;
    const char *_Atomic say;  /* to whatever is asked; "": nothing */
    const char *_Atomic then; /* after 60 ms, or NULL */
    _Atomic int hang_up;      /* after that */
    _Atomic int asked;
} rig_t;

static void say(peer_t *peer, int fd)
{
    rig_t *rig = peer->baton;
    char bytes[65536];
    while (peer_wait(peer, fd, -1)) {
        if (recv(fd, bytes, sizeof(bytes), 0) <= 0) {
            return;
        }
        atomic_fetch_add(&rig->asked, 1);
        const char *text = atomic_load(&rig->say);
        const char *then = atomic_load(&rig->then);
        int hang_up = atomic_load(&rig->hang_up);
        peer_send(fd, text, strlen(text));
        if (then && peer_wait(peer, -1, 60 * MS)) {
            peer_send(fd, then, strlen(then));
        }
        if (hang_up) {
            return;
        }
    }
}

static int setup(void **state)
{
    static int count;
    void *pool = NULL;
    fcn_shared_t *shared;
    int is_local;
    if (pool_setup(&pool)) {
        return -1;
    }
    rig_t *rig = apr_pcalloc(pool, sizeof(*rig));
    rig->pool = pool;
    rig->peer.serve = say;
    rig->peer.baton = rig;
    rig->say = FOUND(VALUE);
    peer_start(&rig->peer, NULL);
    apr_table_t *options = apr_table_make(pool, 2);
    fcn_limits_parse(options, NULL, &rig->limits, NULL);
    rig->limits.connect_us = rig->limits.lookup_us = 10 * S;
    rig->limits.read_us = 10 * S;
    rig->ops = fcrd_client("redis");
    fcache_backend_conf_t conf = {
        .name = "test",
        .scheme = "redis",
        .location =
            apr_psprintf(pool, "//127.0.0.1:%d", (int)peer_port(&rig->peer)),
        .options = options};
    *state = rig;
    return rig->ops->create(&conf, &rig->limits, (void **)&rig->self, &is_local,
                            pool, NULL) == FCACHE_OK &&
                   fcn_shared_open(apr_psprintf(pool, "route%d", ++count), pool,
                                   &shared, NULL) == FCACHE_OK &&
                   rig->ops->open(rig->self, shared, NULL) == FCACHE_OK &&
                   rig->ops->child_init(rig->self, pool, NULL) == FCACHE_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    rig_t *rig = *state;
    void *pool = rig->pool;
    peer_stop(&rig->peer);
    return pool_teardown(&pool);
}

#define rig_test(function)                                                     \
    cmocka_unit_test_setup_teardown(function, setup, teardown)

static fcache_status_t fetch(rig_t *rig, fcr_found_t *out_found)
{
    fcache_bytes_t name = fcache_str("a:b:c");
    return rig->ops->fetch(rig->self, name, &name, 1, out_found,
                           fcn_deadline_in(10 * S), rig->pool, NULL);
}

static fcache_status_t store(rig_t *rig)
{
    fcache_bytes_t value = fcache_str("value");
    fcr_store_t what = {.name = fcache_str("a:b:c"),
                        .pieces = &value,
                        .piece_count = 1,
                        .ttl_us = S};
    return rig->ops->store(rig->self, &what, fcn_deadline_in(10 * S), NULL);
}

/* F22, and what is no reply to MGET: the answer, and whether the connection is
 * used again. */
static void answers(void **state)
{
    static const struct {
        const char *say;
        fcache_status_t status;
        int is_kept;
    } rows[] = {
        {FOUND(VALUE), FCACHE_OK, 1},
        {FOUND("$-1\r\n"), FCACHE_OK, 1},
        {"-LOADING Redis is loading\r\n", FCACHE_UNAVAILABLE, 0},
        {"-READONLY You can't\r\n", FCACHE_UNAVAILABLE, 0},
        {"-MASTERDOWN Link\r\n", FCACHE_UNAVAILABLE, 0},
        {"-BUSY Redis\r\n", FCACHE_UNAVAILABLE, 0},
        {"-NOAUTH Authentication\r\n", FCACHE_UNAVAILABLE, 0},
        {"-WRONGPASS invalid\r\n", FCACHE_UNAVAILABLE, 0},
        {"-MOVED 1 127.0.0.1:1\r\n", FCACHE_UNAVAILABLE, 1},
        {"-ASK 1 127.0.0.1:1\r\n", FCACHE_UNAVAILABLE, 1},
        {"-TRYAGAIN Multiple\r\n", FCACHE_UNAVAILABLE, 1},
        {"-CLUSTERDOWN The cluster\r\n", FCACHE_UNAVAILABLE, 0},
        {"-NOPERM this user\r\n", FCACHE_UNAVAILABLE, 1},
        {"-OOM command\r\n", FCACHE_TOO_LARGE, 1},
        {"-ERR max number of clients reached\r\n", FCACHE_PROTOCOL, 0},
        {"+OK\r\n", FCACHE_PROTOCOL, 1},
        {":1\r\n", FCACHE_PROTOCOL, 1},
        {"*0\r\n", FCACHE_PROTOCOL, 1},
        {FOUND(":5\r\n"), FCACHE_PROTOCOL, 1},
        {"*2\r\n" VALUE VALUE, FCACHE_PROTOCOL, 0},
        {FOUND(VALUE) FOUND(VALUE), FCACHE_PROTOCOL, 0},
        {FOUND(VALUE) "x", FCACHE_PROTOCOL, 0},
        {FOUND(VALUE) "+OK\r\n", FCACHE_PROTOCOL, 0},
        {"HTTP/1.1 200 OK\r\n", FCACHE_PROTOCOL, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcr_found_t found;
        rig_t *rig;
        ROW(i, rows[i].say);
        assert_int_equal(setup((void **)&rig), 0);
        rig->say = rows[i].say;
        CHECK_INT(fetch(rig, &found), rows[i].status);
        rig->say = FOUND(VALUE);
        CHECK_INT(fetch(rig, &found), FCACHE_OK);
        CHECK_TEXT(found.value, "value");
        CHECK_INT(rig->peer.connections, rows[i].is_kept ? 1 : 2);
        teardown((void **)&rig);
    }
    (void)state;
}

static void a_full_server_is_no_failure(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    rig->say = "-OOM command not allowed\r\n";
    for (int i = 0; i < 50; i++) {
        assert_int_equal(store(rig), FCACHE_TOO_LARGE);
    }
    rig->say = FOUND(VALUE);
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    assert_int_equal(rig->peer.connections, 1);
}

static void an_ill_server_is_left_alone(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    rig->say = "-LOADING Redis is loading\r\n";
    for (int i = 0; i < 50; i++) {
        assert_int_equal(fetch(rig, &found), FCACHE_UNAVAILABLE);
    }
    assert_int_equal(rig->asked, rig->limits.failures);
}

/* T27: a reply that comes too late belongs to nobody. */
static void late_replies_are_nobodys(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    rig->limits.read_us = 20 * MS;
    rig->say = "";
    rig->then = FOUND("$5\r\nfirst\r\n");
    assert_int_equal(fetch(rig, &found), FCACHE_TIMEOUT);
    rig->limits.read_us = 10 * S;
    rig->then = NULL;
    rig->say = FOUND("$6\r\nsecond\r\n");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fetch(rig, &found), FCACHE_OK);
        CHECK_TEXT(found.value, "second");
    }
    assert_int_equal(rig->peer.connections, 2);
}

static void unasked_replies_are_nobodys(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    rig->then = FOUND("$7\r\nunasked\r\n");
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    usleep(150 * MS);
    rig->then = NULL;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fetch(rig, &found), FCACHE_OK);
        CHECK_TEXT(found.value, "value");
    }
    assert_int_equal(rig->peer.connections, 2);
}

static void half_a_reply_is_none(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    rig->say = "*1\r\n$5\r\nval";
    rig->hang_up = 1;
    assert_int_equal(fetch(rig, &found), FCACHE_UNAVAILABLE);
    rig->hang_up = 0;
    rig->say = FOUND("$2\r\nue\r\n");
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    CHECK_TEXT(found.value, "ue");
}

/* The server hangs up on the second request, before it answers: that is asked
 * again, once, on a new connection. */
static void closed_unseen_is_asked_again(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    rig->say = "";
    rig->hang_up = 1;
    assert_int_equal(fetch(rig, &found), FCACHE_UNAVAILABLE);
    assert_int_equal(rig->asked, 3);
    assert_int_equal(rig->peer.connections, 2);
}

/* T27: who got what nobody stored there goes on with new connections. */
static void whom_is_distrusted_is_connected_to_anew(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found;
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    assert_int_equal(rig->peer.connections, 1);
    rig->ops->distrust(rig->self, fcache_str("a:b:c"));
    assert_int_equal(fetch(rig, &found), FCACHE_OK);
    assert_int_equal(rig->peer.connections, 2);
}

static void too_many_names_are_not_asked_for(void **state)
{
    rig_t *rig = *state;
    fcr_found_t found[FCR_FETCH_MAX + 1];
    fcache_bytes_t names[FCR_FETCH_MAX + 1];
    for (size_t i = 0; i < COUNT(names); i++) {
        names[i] = fcache_str("n");
    }
    assert_int_equal(rig->ops->fetch(rig->self, names[0], names, COUNT(names),
                                     found, fcn_deadline_in(S), rig->pool,
                                     NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(rig->asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        rig_test(a_full_server_is_no_failure),
        rig_test(an_ill_server_is_left_alone),
        rig_test(late_replies_are_nobodys),
        rig_test(unasked_replies_are_nobodys),
        rig_test(half_a_reply_is_none),
        rig_test(closed_unseen_is_asked_again),
        rig_test(whom_is_distrusted_is_connected_to_anew),
        rig_test(too_many_names_are_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
