/* SPDX-License-Identifier: Apache-2.0 */
#include "memcached/options.h"

#include "backend_url.h"
#include "check.h"
#include "pool.h"

#include <apr_strings.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static fcache_status_t read_url(const char *text, fcmc_t *store,
                                apr_pool_t *pool, fcache_error_t *error)
{
    fci_backend_url_t url;
    *store = (fcmc_t){.name = "test"};
    assert_int_equal(fci_backend_url_parse(text, NULL, &url, pool, error),
                     FCACHE_OK);
    fcache_backend_conf_t conf = {.name = "test",
                                  .scheme = url.scheme,
                                  .location = url.location,
                                  .options = url.options};
    return fcmc_options_read(&conf, store, pool, error);
}

static void urls_are_read(void **state)
{
    static const struct {
        const char *url, *servers;
        const fcmc_wire_t *wire;
        uint64_t max_item;
        int has_tls;
    } rows[] = {
        {"memcached://localhost", "localhost:11211 ", &fcmc_text, 0, 0},
        {"memcached://a.example,b.example:1,[::1]:2",
         "a.example:11211 b.example:1 [::1]:2 ", &fcmc_text, 0, 0},
        {"memcached:/run/m.sock", "unix:/run/m.sock ", &fcmc_text, 0, 0},
        {"memcached:///run/m.sock", "unix:/run/m.sock ", &fcmc_text, 0, 0},
        {"memcached://a?protocol=binary&max-item=8M", "a:11211 ", &fcmc_binary,
         8 << 20, 0},
        {"memcached://a?protocol=ascii&tls=on", "a:11211 ", &fcmc_text, 0, 1},
        {"memcached://a?tls=off", "a:11211 ", &fcmc_text, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcmc_t store;
        char servers[200] = "";
        fcache_error_t error = {""};
        ROW(i, rows[i].url);
        CHECK_INT(read_url(rows[i].url, &store, *state, &error), FCACHE_OK);
        for (size_t j = 0; j < store.count; j++) {
            size_t len = strlen(servers);
            snprintf(servers + len, sizeof(servers) - len, "%s ",
                     store.endpoints[j].text);
        }
        CHECK_TEXT(fcache_str(servers), rows[i].servers);
        CHECK_INT(store.wire == rows[i].wire, 1);
        CHECK_INT(store.max_item, rows[i].max_item);
        CHECK_INT(store.tls != NULL, rows[i].has_tls);
        CHECK_INT(store.credentials.len, 0);
    }
}

/* Each sentence names what is wrong, and what is allowed. */
static void bad_urls_are_told(void **state)
{
    static const struct {
        const char *url, *says, *says_too;
    } rows[] = {
        {"memcached:", "names no server", "HOST"},
        {"memcached://", "names no server", "HOST"},
        {"memcached://a:0", "a:0", ""},
        {"memcached://a,,b", "\"\"", "host:port"},
        {"memcached://a,", "\"\"", "host:port"},
        {"memcached://a,b,a:11211", "a:11211", "twice"},
        {"memcached://a?protocol=udp", "protocol=udp", "ascii or binary"},
        {"memcached://a?max-item=1", "max-item=1", "4K to 1G"},
        {"memcached://a?max-item=2G", "max-item=2G", "4K to 1G"},
        {"memcached://a?tls=yes", "tls=yes", "off or on"},
        {"memcached://a?tls-ca=/x", "tls-ca", "tls=on"},
        {"memcached://a?tls=on&tls-ca=/nowhere", "/nowhere", ""},
        {"memcached://a?user=u", "user", "password-file"},
        {"memcached://a?password-file=/x", "user", "password-file"},
        {"memcached://a?user=u&password-file=/x", "user=u", "protocol=binary"},
        {"memcached://a?user=u&password-file=/nowhere&protocol=binary",
         "password-file=/nowhere", "No such file"},
        {"memcached://a?user=u&password-file=/&protocol=binary",
         "password-file=/", "is no file"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcmc_t store;
        fcache_error_t error = {""};
        ROW(i, rows[i].url);
        CHECK_INT(read_url(rows[i].url, &store, *state, &error),
                  FCACHE_BAD_CONFIG);
        if (!strstr(error.text, rows[i].says) ||
            !strstr(error.text, rows[i].says_too)) {
            print_error("%s: %s\n", rows[i].url, error.text);
            fail();
        }
    }
}

static void there_is_an_end_of_servers(void **state)
{
    fcmc_t store;
    fcache_error_t error = {""};
    char *url = apr_pstrdup(*state, "memcached://h0");
    for (int i = 1; i < FCMC_SERVERS_MAX; i++) {
        url = apr_psprintf(*state, "%s,h%d", url, i);
    }
    assert_int_equal(read_url(url, &store, *state, &error), FCACHE_OK);
    assert_int_equal(store.count, FCMC_SERVERS_MAX);
    url = apr_pstrcat(*state, url, ",one-more", NULL);
    assert_int_equal(read_url(url, &store, *state, &error), FCACHE_BAD_CONFIG);
}

static void passwords_come_from_a_file(void **state)
{
    static const struct {
        const char *content;
        mode_t mode;
        fcache_status_t status;
    } rows[] = {
        {"secret\n", 0600, FCACHE_OK},
        {"secret", 0640, FCACHE_OK},
        {"secret\nmore\n", 0600, FCACHE_OK},
        {"", 0600, FCACHE_BAD_CONFIG},
        {"\n", 0600, FCACHE_BAD_CONFIG},
        {"secret\n", 0644, FCACHE_BAD_CONFIG},
        {"secret\n", 0602, FCACHE_BAD_CONFIG},
        {"secret\n", 0660, FCACHE_BAD_CONFIG},
    };
    char path[] = "/tmp/fcache-password-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    const char *url = apr_psprintf(
        *state, "memcached://a?protocol=binary&user=u&password-file=%s", path);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcmc_t store;
        fcache_error_t error = {""};
        size_t len = strlen(rows[i].content);
        ROW(i, rows[i].content);
        CHECK_INT(ftruncate(file, 0), 0);
        CHECK_INT(pwrite(file, rows[i].content, len, 0), len);
        CHECK_INT(fchmod(file, rows[i].mode), 0);
        CHECK_INT(read_url(url, &store, *state, &error), rows[i].status);
        if (rows[i].status == FCACHE_OK) {
            CHECK_INT(fcache_bytes_equal(store.credentials,
                                         fcache_bytes("\0u\0secret", 9)),
                      1);
        }
    }
    char long_line[600];
    memset(long_line, 'x', sizeof(long_line));
    assert_int_equal(fchmod(file, 0600), 0);
    assert_int_equal(pwrite(file, long_line, 513, 0), 513);
    fcmc_t store;
    assert_int_equal(read_url(url, &store, *state, NULL), FCACHE_BAD_CONFIG);
    close(file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(urls_are_read),
        pool_test(bad_urls_are_told),
        pool_test(there_is_an_end_of_servers),
        pool_test(passwords_come_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
