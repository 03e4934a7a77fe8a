/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/error.h"

#include "check.h"

static fcrd_reply_t error_of(const char *text)
{
    return (fcrd_reply_t){.type = FCRD_ERROR, .text = fcache_str(text)};
}

/* F22, with texts as Redis 7.0.15 sends them. */
static void errors_have_a_meaning(void **state)
{
    static const struct {
        const char *text;
        fcache_status_t status;
        int is_ill;
        fcrd_remedy_t remedy;
    } rows[] = {
        {"LOADING Redis is loading the dataset in memory", FCACHE_UNAVAILABLE,
         1, FCRD_NONE},
        {"READONLY You can't write against a read only replica.",
         FCACHE_UNAVAILABLE, 1, FCRD_REMAP},
        {"MOVED 3999 127.0.0.1:6381", FCACHE_UNAVAILABLE, 0, FCRD_MOVED},
        {"ASK 3999 127.0.0.1:6381", FCACHE_UNAVAILABLE, 0, FCRD_ASK},
        {"CLUSTERDOWN The cluster is down", FCACHE_UNAVAILABLE, 0, FCRD_REMAP},
        {"CLUSTERDOWN Hash slot not served", FCACHE_UNAVAILABLE, 0, FCRD_REMAP},
        {"OOM command not allowed when used memory > 'maxmemory'.",
         FCACHE_TOO_LARGE, 0, FCRD_NONE},
        {"NOAUTH Authentication required.", FCACHE_UNAVAILABLE, 1, FCRD_NONE},
        {"WRONGPASS invalid username-password pair or user is disabled.",
         FCACHE_UNAVAILABLE, 1, FCRD_NONE},
        {"NOPERM this user has no permissions to run the 'get' command",
         FCACHE_UNAVAILABLE, 0, FCRD_NONE},
        {"BUSY Redis is busy running a script.", FCACHE_UNAVAILABLE, 1,
         FCRD_NONE},
        {"MASTERDOWN Link with MASTER is down", FCACHE_UNAVAILABLE, 1,
         FCRD_REMAP},
        {"TRYAGAIN Multiple keys request during rehashing of slot",
         FCACHE_UNAVAILABLE, 0, FCRD_NONE},
        {"MISCONF Redis is configured to save RDB snapshots",
         FCACHE_UNAVAILABLE, 0, FCRD_NONE},
        {"NOREPLICAS Not enough good replicas to write.", FCACHE_UNAVAILABLE, 0,
         FCRD_NONE},
        {"WRONGTYPE Operation against a key holding the wrong kind of value",
         FCACHE_PROTOCOL, 0, FCRD_NONE},
        /* of a script, before Redis 7 */
        {"ERR Error running script (call to f_0): @user_script:1: -OOM command "
         "not allowed",
         FCACHE_TOO_LARGE, 0, FCRD_NONE},
        {"ERR Error running script (call to f_0): @user_script:1: -READONLY "
         "You can't",
         FCACHE_UNAVAILABLE, 1, FCRD_REMAP},
        {"ERR max number of clients reached", FCACHE_PROTOCOL, 1, FCRD_REMAP},
        {"ERR", FCACHE_PROTOCOL, 1, FCRD_REMAP},
        {"", FCACHE_PROTOCOL, 1, FCRD_REMAP},
        {"OOMX", FCACHE_PROTOCOL, 1, FCRD_REMAP},
        {"ERR : -", FCACHE_PROTOCOL, 1, FCRD_REMAP},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_reply_t reply = error_of(rows[i].text);
        const fcrd_meaning_t *meaning = fcrd_meaning(&reply);
        ROW(i, rows[i].text);
        CHECK_INT(meaning->status, rows[i].status);
        CHECK_INT(meaning->is_ill, rows[i].is_ill);
        CHECK_INT(meaning->remedy, rows[i].remedy);
    }
}

static void redirects_are_read(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned slot, port;
    } rows[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", 3999, 6381},
        {"ASK 0 redis-2.example:1", "redis-2.example", 0, 1},
        {"MOVED 16383 2001:db8::1:6379", "2001:db8::1", 16383, 6379},
        {"MOVED 5 :6379", "", 5, 6379},
    };
    static const char *const bad[] = {
        "MOVED",
        "MOVED ",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 host",
        "MOVED 1 host:",
        "MOVED 1 host:0",
        "MOVED 1 host:65536",
        "MOVED 1 host:99999999999999999999",
        "MOVED 1 host:1x",
        "MOVED 16384 host:1",
        "MOVED -1 host:1",
        "MOVED  1 host:1",
        "MOVED 4294967296 host:1",
    };
    unsigned slot;
    uint16_t port;
    fcache_bytes_t host;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_reply_t reply = error_of(rows[i].text);
        ROW(i, rows[i].text);
        CHECK_INT(fcrd_redirect_parse(&reply, &slot, &host, &port), 1);
        CHECK_INT(slot, rows[i].slot);
        CHECK_INT(port, rows[i].port);
        CHECK_TEXT(host, rows[i].host);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        fcrd_reply_t reply = error_of(bad[i]);
        ROW(i, bad[i]);
        CHECK_INT(fcrd_redirect_parse(&reply, &slot, &host, &port), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_a_meaning),
        cmocka_unit_test(redirects_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
