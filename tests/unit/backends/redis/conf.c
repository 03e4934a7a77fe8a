/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/conf.h"

#include "backend_url.h"
#include "check.h"
#include "pool.h"

#include <apr_strings.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static fcache_status_t parse(const char *text, fcrd_conf_t *conf,
                             apr_pool_t *pool, fcache_error_t *error)
{
    static const fcn_limits_t limits = {.connect_us = 1};
    fci_backend_url_t url;
    assert_int_equal(fci_backend_url_parse(text, NULL, &url, pool, error),
                     FCACHE_OK);
    fcache_backend_conf_t from = {.name = "test",
                                  .scheme = url.scheme,
                                  .location = url.location,
                                  .options = url.options};
    return fcrd_conf_parse(&from, &limits, conf, pool, error);
}

static void urls_are_read(void **state)
{
    static const struct {
        const char *url, *seeds, *user, *password;
        unsigned db;
        fcrd_topology_t topology;
        int is_local, stays_local;
    } rows[] = {
        {"redis://localhost", "localhost:6379", NULL, NULL, 0, FCRD_SINGLE, 1,
         1},
        {"redis://cache.example:7000/3", "cache.example:7000", NULL, NULL, 3,
         FCRD_SINGLE, 0, 0},
        {"redis://cache.example/?db=3", "cache.example:6379", NULL, NULL, 3,
         FCRD_SINGLE, 0, 0},
        {"redis://:pw@[::1]:7000", "[::1]:7000", NULL, "pw", 0, FCRD_SINGLE, 1,
         1},
        {"redis://me:p%40w%2f%25@h", "h:6379", "me", "p@w/%", 0, FCRD_SINGLE, 0,
         0},
        {"redis://me:a@b@h", "h:6379", "me", "a@b", 0, FCRD_SINGLE, 0, 0},
        {"redis://h?user=me&password=pw", "h:6379", "me", "pw", 0, FCRD_SINGLE,
         0, 0},
        {"redis://a,b:1?cluster=on", "a:6379 b:1", NULL, NULL, 0, FCRD_CLUSTER,
         0, 0},
        {"redis://127.0.0.1,127.0.0.1:1?cluster=on",
         "127.0.0.1:6379 127.0.0.1:1", NULL, NULL, 0, FCRD_CLUSTER, 1, 1},
        {"redis://127.0.0.1?cluster=on&integrity=off", "127.0.0.1:6379", NULL,
         NULL, 0, FCRD_CLUSTER, 1, 0},
        {"redis://127.0.0.1?cluster=on&secret-file=/s", "127.0.0.1:6379", NULL,
         NULL, 0, FCRD_CLUSTER, 1, 0},
        {"redis://127.0.0.1,h?cluster=on", "127.0.0.1:6379 h:6379", NULL, NULL,
         0, FCRD_CLUSTER, 0, 0},
        {"redis://s1,s2:5/2?sentinel=main", "s1:26379 s2:5", NULL, NULL, 2,
         FCRD_SENTINEL, 0, 0},
        {"redis://h?cluster=off", "h:6379", NULL, NULL, 0, FCRD_SINGLE, 0, 0},
        {"unix:/run/redis.sock?db=2&password=pw", "unix:/run/redis.sock", NULL,
         "pw", 2, FCRD_SINGLE, 1, 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_conf_t conf;
        fcache_error_t error = {""};
        const char *seeds = "";
        ROW(i, rows[i].url);
        CHECK_INT(parse(rows[i].url, &conf, *state, &error), FCACHE_OK);
        for (size_t j = 0; j < conf.seed_count; j++) {
            seeds = apr_pstrcat(*state, seeds, j > 0 ? " " : "",
                                conf.seeds[j].text, (char *)NULL);
        }
        CHECK_TEXT(fcache_str(seeds), rows[i].seeds);
        CHECK_TEXT(fcache_str(conf.access.user),
                   rows[i].user ? rows[i].user : "");
        CHECK_TEXT(fcache_str(conf.access.password),
                   rows[i].password ? rows[i].password : "");
        CHECK_INT(conf.access.db, rows[i].db);
        CHECK_INT(conf.topology, rows[i].topology);
        CHECK_INT(conf.is_local, rows[i].is_local);
        CHECK_INT(conf.stays_local, rows[i].stays_local);
        CHECK_INT(conf.access.wants_master, rows[i].topology == FCRD_SENTINEL);
        CHECK_INT(conf.max_value, 8 << 20);
    }
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *url, *says;
    } rows[] = {
        {"redis:localhost", "redis://host:port/db"},
        {"redis://", "no server"},
        {"redis://a,b", "cluster=on or sentinel=NAME"},
        {"redis://a:0", "port"},
        {"redis://a:x", "port"},
        {"redis://a/x", "db=x"},
        {"redis://a/-1", "db=-1"},
        {"redis://a/1x", "db=1x"},
        {"redis://a/1048576", "db=1048576"},
        {"redis://a/1?db=1", "db is given in the URL and as an option"},
        {"redis://a/1?cluster=on", "a cluster has 0 only"},
        {"redis://a?cluster=yes", "cluster=yes"},
        {"redis://a?cluster=on&sentinel=m", "exclude"},
        {"redis://a?sentinel-user=u", "no sentinel=NAME"},
        {"redis://a?sentinel-password-file=/f", "no sentinel=NAME"},
        {"redis://u:p@a?user=v", "user is given"},
        {"redis://u:p@a?password=v", "password is given"},
        {"redis://u:p@a?password-file=/v", "password-file are given"},
        {"redis://u@a", "password-file"},
        {"redis://u:%zz@a", "escape"},
        {"redis://u:%00@a", "escape"},
        {"redis://a?password-file=/nowhere/at/all", "/nowhere/at/all"},
        {"redis://a?password-file=/dev/null", "/dev/null"},
        {"redis://a?tls-ca=/ca", "rediss:// only"},
        {"unix:/s?tls-verify=off", "rediss:// only"},
        {"redis://a?max-value=1K", "max-value=1K"},
        {"redis://a?max-value=1G", "max-value=1G"},
        {"redis://a?max-value=many", "max-value=many"},
        {"unix:redis.sock", "unix:/path"},
        {"unix:/s?cluster=on", "unix:/path"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_conf_t conf;
        fcache_error_t error = {""};
        ROW(i, rows[i].url);
        CHECK_INT(parse(rows[i].url, &conf, *state, &error), FCACHE_BAD_CONFIG);
        if (!strstr(error.text, rows[i].says)) {
            fail_msg("%s: %s", rows[i].url, error.text);
        }
    }
}

static void passwords_are_not_told(void **state)
{
    static const char *const rows[] = {
        "redis://u:hunter2%zz@a",
        "redis:u:hunter2@a",
        "redis://u:hunter2@a:x",
        "redis://u:hunter2@a,b",
        "redis://a?password=hunter2&user=u&db=x",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_conf_t conf;
        fcache_error_t error = {""};
        ROW(i, rows[i]);
        CHECK_INT(parse(rows[i], &conf, *state, &error), FCACHE_BAD_CONFIG);
        assert_null(strstr(error.text, "hunter2"));
    }
}

static void too_many_servers(void **state)
{
    fcrd_conf_t conf;
    fcache_error_t error = {""};
    const char *url = "redis://a";
    for (int i = 0; i < 32; i++) {
        url = apr_pstrcat(*state, url, ",a", (char *)NULL);
    }
    CHECK_INT(parse(apr_pstrcat(*state, url, "?cluster=on", (char *)NULL),
                    &conf, *state, &error),
              FCACHE_BAD_CONFIG);
    assert_non_null(strstr(error.text, "more than 32"));
}

static void password_files(void **state)
{
    static const struct {
        const char *content;
        mode_t mode;
        const char *password; /* NULL: refused */
    } rows[] = {
        {"secret\n", 0600, "secret"},
        {"secret", 0400, "secret"},
        {"two words\nanother line\n", 0600, "two words"},
        {"secret\n", 0640, "secret"},
        {"secret\n", 0604, NULL},
        {"secret\n", 0660, NULL},
        {"secret\n", 0602, NULL},
        {"", 0600, NULL},
        {"\nsecret\n", 0600, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_conf_t conf;
        fcache_error_t error = {""};
        char path[] = "/tmp/fcache-password-XXXXXX";
        int fd = mkstemp(path);
        ROW(i, rows[i].content);
        assert_true(fd >= 0);
        size_t len = strlen(rows[i].content);
        assert_int_equal(write(fd, rows[i].content, len), len);
        assert_int_equal(fchmod(fd, rows[i].mode), 0);
        close(fd);
        const char *url = apr_pstrcat(
            *state, "redis://u@a?password-file=", path, (char *)NULL);
        fcache_status_t status = parse(url, &conf, *state, &error);
        unlink(path);
        CHECK_INT(status, rows[i].password ? FCACHE_OK : FCACHE_BAD_CONFIG);
        if (rows[i].password) {
            CHECK_TEXT(fcache_str(conf.access.password), rows[i].password);
        } else {
            assert_non_null(strstr(error.text, path));
            assert_null(strstr(error.text, "secret"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(urls_are_read),          pool_test(what_is_wrong_is_named),
        pool_test(passwords_are_not_told), pool_test(too_many_servers),
        pool_test(password_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
