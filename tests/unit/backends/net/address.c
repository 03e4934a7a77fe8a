/* SPDX-License-Identifier: Apache-2.0 */

/* Servers as text. */

#include "check.h"
#include "pool.h"

#include <net/address.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

typedef struct row_t {
    const char *text;
    const char *becomes; /* NULL: refused */
    const char *host;
    int family; /* 0: a name */
    int is_local;
} row_t;

static const row_t rows[] = {
    {"cache", "cache:6379", "cache", 0, 0},
    {"cache.example.org:7000", "cache.example.org:7000", "cache.example.org", 0,
     0},
    {"a_b-c.d:1", "a_b-c.d:1", "a_b-c.d", 0, 0},
    {"localhost", "localhost:6379", "localhost", 0, 1},
    {"LocalHost:1", "LocalHost:1", "LocalHost", 0, 1},
    {"localhost.example.org", "localhost.example.org:6379",
     "localhost.example.org", 0, 0},
    {"127.0.0.1", "127.0.0.1:6379", "127.0.0.1", AF_INET, 1},
    {"127.9.9.9:65535", "127.9.9.9:65535", "127.9.9.9", AF_INET, 1},
    {"128.0.0.1", "128.0.0.1:6379", "128.0.0.1", AF_INET, 0},
    {"0.0.0.0", "0.0.0.0:6379", "0.0.0.0", AF_INET, 0},
    {"127.1", "127.1:6379", "127.1", 0, 0}, /* only the resolver knows */
    {"[::1]", "[::1]:6379", "::1", AF_INET6, 1},
    {"[::1]:7000", "[::1]:7000", "::1", AF_INET6, 1},
    {"[2001:db8::1]:7000", "[2001:db8::1]:7000", "2001:db8::1", AF_INET6, 0},
    {"/run/redis.sock", "unix:/run/redis.sock", NULL, AF_UNIX, 1},
    {"", NULL, NULL, 0, 0},
    {":6379", NULL, NULL, 0, 0},
    {"cache:", NULL, NULL, 0, 0},
    {"cache:0", NULL, NULL, 0, 0},
    {"cache:65536", NULL, NULL, 0, 0},
    {"cache:99999999999999999999", NULL, NULL, 0, 0},
    {"cache:-1", NULL, NULL, 0, 0},
    {"cache:+1", NULL, NULL, 0, 0},
    {"cache: 1", NULL, NULL, 0, 0},
    {"cache:1x", NULL, NULL, 0, 0},
    {"cache 1", NULL, NULL, 0, 0},
    {"cache/1", NULL, NULL, 0, 0},
    {"user@cache", NULL, NULL, 0, 0},
    {"-cache", NULL, NULL, 0, 0},
    {"c\xc3\xa4"
     "che",
     NULL, NULL, 0, 0},
    {"a\r\nb", NULL, NULL, 0, 0},
    {"::1", NULL, NULL, 0, 0},
    {"2001:db8::1", NULL, NULL, 0, 0},
    {"[", NULL, NULL, 0, 0},
    {"[]", NULL, NULL, 0, 0},
    {"[::1", NULL, NULL, 0, 0},
    {"[::1]7000", NULL, NULL, 0, 0},
    {"[127.0.0.1]", NULL, NULL, 0, 0},
    {"[cache]:1", NULL, NULL, 0, 0},
};

static void servers_are_parsed(void **state)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].text);
        fcn_endpoint_t endpoint;
        fcn_address_t address;
        fcache_error_t error = {""};
        fcache_status_t status =
            fcn_endpoint_parse(rows[i].text, 6379, &endpoint, *state, &error);
        if (!rows[i].becomes) {
            CHECK_INT(status, FCACHE_BAD_CONFIG);
            CHECK_INT(strstr(error.text, "host:port") != NULL, 1);
            continue;
        }
        CHECK_INT(status, FCACHE_OK);
        CHECK_TEXT(fcache_str(endpoint.text), rows[i].becomes);
        CHECK_INT(endpoint.host != NULL, rows[i].host != NULL);
        CHECK_TEXT(fcache_str(endpoint.host ? endpoint.host : "-"),
                   rows[i].host ? rows[i].host : "-");
        CHECK_INT(fcn_endpoint_is_local(&endpoint), rows[i].is_local);
        CHECK_INT(fcn_endpoint_address(&endpoint, &address),
                  rows[i].family != 0);
        CHECK_INT(address.addr.ss_family, rows[i].family);
    }
}

static void long_ones_are_refused(void **state)
{
    char text[400];
    fcn_endpoint_t endpoint;
    fcn_address_t address;
    memset(text, 'a', sizeof(text));
    text[253] = '\0';
    assert_int_equal(fcn_endpoint_parse(text, 1, &endpoint, *state, NULL),
                     FCACHE_OK);
    text[253] = 'a';
    text[254] = '\0';
    assert_int_equal(fcn_endpoint_parse(text, 1, &endpoint, *state, NULL),
                     FCACHE_BAD_CONFIG);
    text[0] = '[';
    assert_int_equal(fcn_endpoint_parse(text, 1, &endpoint, *state, NULL),
                     FCACHE_BAD_CONFIG);
    text[0] = '/';
    text[108] = '\0';
    assert_int_equal(fcn_endpoint_parse(text, 1, &endpoint, *state, NULL),
                     FCACHE_BAD_CONFIG);
    text[107] = '\0';
    assert_int_equal(fcn_endpoint_parse(text, 1, &endpoint, *state, NULL),
                     FCACHE_OK);
    assert_true(fcn_endpoint_address(&endpoint, &address));
    const struct sockaddr_un *un = (const void *)&address.addr;
    assert_string_equal(un->sun_path, text);
}

static void numbers_have_their_bytes(void **state)
{
    fcn_endpoint_t endpoint;
    fcn_address_t address;
    fcn_endpoint_parse("127.0.0.2:258", 1, &endpoint, *state, NULL);
    assert_true(fcn_endpoint_address(&endpoint, &address));
    const struct sockaddr_in *v4 = (const void *)&address.addr;
    assert_int_equal(ntohl(v4->sin_addr.s_addr), 0x7f000002);
    assert_int_equal(ntohs(v4->sin_port), 258);
    assert_int_equal(address.len, sizeof(*v4));

    fcn_endpoint_parse("[::2]:258", 1, &endpoint, *state, NULL);
    assert_true(fcn_endpoint_address(&endpoint, &address));
    const struct sockaddr_in6 *v6 = (const void *)&address.addr;
    assert_int_equal(v6->sin6_addr.s6_addr[15], 2);
    assert_int_equal(ntohs(v6->sin6_port), 258);
    assert_int_equal(address.len, sizeof(*v6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(servers_are_parsed),
        pool_test(long_ones_are_refused),
        pool_test(numbers_have_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
