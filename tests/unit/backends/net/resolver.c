/* SPDX-License-Identifier: Apache-2.0 */

/* Names that hang, fail and change their mind, and those of the real resolver. */

#include "check.h"
#include "names.h"
#include "pool.h"

#include <net/address.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#define S INT64_C(1000000)

static fcn_resolver_t *resolver_of(apr_pool_t *pool, int64_t every_us,
                                   int64_t patience_us)
{
    fcn_resolver_t *resolver = NULL;
    fcn_limits_t limits;
    assert_int_equal(fcn_limits_parse(NULL, NULL, &limits, NULL), FCACHE_OK);
    limits.resolve_us = every_us;
    limits.connect_us = patience_us;
    assert_int_equal(fcn_resolver_create(&limits, &resolver, pool, NULL),
                     FCACHE_OK);
    return resolver;
}

static const char *look(fcn_resolver_t *resolver, const char *name,
                        int64_t wait_us, apr_pool_t *pool)
{
    static char text[INET6_ADDRSTRLEN];
    fcn_endpoint_t endpoint;
    fcn_address_t address;
    assert_int_equal(fcn_endpoint_parse(name, 7, &endpoint, pool, NULL),
                     FCACHE_OK);
    fcache_status_t status = fcn_resolver_address(
        resolver, &endpoint, fcn_deadline_in(wait_us), &address, NULL);
    if (status != FCACHE_OK) {
        return fcache_status_name(status);
    }
    const struct sockaddr_in *v4 = (const void *)&address.addr;
    const struct sockaddr_in6 *v6 = (const void *)&address.addr;
    int is_v4 = address.addr.ss_family == AF_INET;
    assert_int_equal(ntohs(is_v4 ? v4->sin_port : v6->sin6_port), 7);
    inet_ntop(address.addr.ss_family,
              is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, text,
              sizeof(text));
    return text;
}

/* Until it is so, which ctest's time limit ends. */
static void look_until(fcn_resolver_t *resolver, const char *name,
                       const char *wanted, apr_pool_t *pool)
{
    while (strcmp(look(resolver, name, 0, pool), wanted) != 0) {
        usleep(1000);
    }
}

static void numbers_need_no_thread(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 30 * S, 60 * S);
    int before = asked;
    assert_string_equal(look(resolver, "127.0.0.1", 0, *state), "127.0.0.1");
    assert_string_equal(look(resolver, "[::1]", 0, *state), "::1");
    assert_int_equal(asked, before);
}

static void a_first_look_up_is_waited_for(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 30 * S, 60 * S);
    set_script("192.0.2.1");
    assert_string_equal(look(resolver, "a.scripted", 60 * S, *state),
                        "192.0.2.1");
    set_script("fail");
    assert_string_equal(look(resolver, "b.scripted", 60 * S, *state),
                        "UNAVAILABLE");
}

/* What hangs is waited for by the first ones only, and stops nobody's end. */
static void a_hanging_look_up_holds_up_nobody(void **state)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, *state);
    fcn_resolver_t *resolver = resolver_of(pool, 30 * S, 50000);
    set_script("hang");
    int64_t start_us = fcn_clock_us();
    for (int i = 0; i < 1000; i++) {
        assert_string_equal(look(resolver, "a.scripted", 60 * S, pool),
                            "UNAVAILABLE");
    }
    while (!hanging) {
        usleep(1000);
    }
    apr_pool_destroy(pool); /* it still hangs */
    assert_true(fcn_clock_us() - start_us < 20 * S);
    assert_int_equal(hanging, 1);
    set_script("fail"); /* the thread ends, and frees what it had */
}

static void another_name_is_found_later(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 1, 60 * S);
    set_script("192.0.2.1");
    assert_string_equal(look(resolver, "a.scripted", 60 * S, *state),
                        "192.0.2.1");
    set_script("192.0.2.2");
    look_until(resolver, "a.scripted", "192.0.2.2", *state);
}

static void a_failure_keeps_the_old_address(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 1, 60 * S);
    set_script("192.0.2.1");
    assert_string_equal(look(resolver, "a.scripted", 60 * S, *state),
                        "192.0.2.1");
    set_script("fail");
    for (int until = asked + 50; asked < until;) {
        assert_string_equal(look(resolver, "a.scripted", 0, *state),
                            "192.0.2.1");
    }
    set_script("hang");
    while (!hanging) {
        usleep(1000);
    }
    assert_string_equal(look(resolver, "a.scripted", 0, *state), "192.0.2.1");
    set_script("fail");
}

/* Soon, however seldom others are looked for. */
static void a_first_failure_is_mended(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 3600 * S, 60 * S);
    set_script("fail");
    assert_string_equal(look(resolver, "a.scripted", 60 * S, *state),
                        "UNAVAILABLE");
    set_script("192.0.2.1");
    look_until(resolver, "a.scripted", "192.0.2.1", *state);
}

static void what_does_not_answer_is_avoided(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 1, 60 * S);
    fcn_endpoint_t endpoint;
    fcn_address_t first, second;
    set_script("2001:db8::1,192.0.2.1");
    fcn_endpoint_parse("a.scripted", 7, &endpoint, *state, NULL);
    assert_int_equal(fcn_resolver_address(resolver, &endpoint,
                                          fcn_deadline_in(60 * S), &first,
                                          NULL),
                     FCACHE_OK);
    assert_int_equal(fcn_resolver_avoid(resolver, &endpoint, &first), 2);
    assert_string_equal(look(resolver, "a.scripted", 0, *state), "192.0.2.1");
    /* told again by somebody slower: nothing changes, nor by look-ups */
    assert_int_equal(fcn_resolver_avoid(resolver, &endpoint, &first), 2);
    for (int until = asked + 50; asked < until;) {
        assert_string_equal(look(resolver, "a.scripted", 0, *state),
                            "192.0.2.1");
    }
    fcn_resolver_address(resolver, &endpoint, fcn_deadline_in(0), &second,
                         NULL);
    assert_int_equal(fcn_resolver_avoid(resolver, &endpoint, &second), 2);
    assert_string_equal(look(resolver, "a.scripted", 0, *state), "2001:db8::1");
    fcn_endpoint_parse("127.0.0.1", 7, &endpoint, *state, NULL);
    assert_int_equal(fcn_resolver_avoid(resolver, &endpoint, &first), 0);
}

/* However seldom others are looked for. */
static void what_does_not_answer_is_looked_for_again(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 3600 * S, 60 * S);
    fcn_endpoint_t endpoint;
    fcn_address_t address;
    fcn_endpoint_parse("a.scripted", 7, &endpoint, *state, NULL);
    set_script("192.0.2.1");
    assert_int_equal(fcn_resolver_address(resolver, &endpoint,
                                          fcn_deadline_in(60 * S), &address,
                                          NULL),
                     FCACHE_OK);
    set_script("192.0.2.2");
    assert_int_equal(fcn_resolver_avoid(resolver, &endpoint, &address), 1);
    look_until(resolver, "a.scripted", "192.0.2.2", *state);
    set_script("192.0.2.3");
    fcn_resolver_doubt(resolver, &endpoint);
    look_until(resolver, "a.scripted", "192.0.2.3", *state);
    fcn_endpoint_parse("127.0.0.1", 7, &endpoint, *state, NULL);
    fcn_resolver_doubt(resolver, &endpoint); /* is no name */
}

static void names_have_a_ceiling(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 30 * S, 60 * S);
    char name[32];
    set_script("192.0.2.1");
    for (int i = 0; i < FCN_NAMES; i++) {
        snprintf(name, sizeof(name), "n%d.scripted", i);
        assert_string_equal(look(resolver, name, 60 * S, *state), "192.0.2.1");
    }
    assert_string_equal(look(resolver, "more.scripted", 60 * S, *state),
                        "UNAVAILABLE");
    assert_string_equal(look(resolver, "n0.scripted", 0, *state), "192.0.2.1");
    set_script("fail");
}

/* The real resolver. */
static void localhost_is_found(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 30 * S, 60 * S);
    const char *found = look(resolver, "localhost", 60 * S, *state);
    assert_true(!strcmp(found, "127.0.0.1") || !strcmp(found, "::1"));
}

/* RFC 6761 section 6.4: no such name. How long that takes is the network's
 * business, and not ours. */
static void a_name_that_is_none(void **state)
{
    fcn_resolver_t *resolver = resolver_of(*state, 30 * S, 50000);
    int64_t start_us = fcn_clock_us();
    for (int i = 0; i < 100; i++) {
        assert_string_equal(look(resolver, "none.invalid", 60 * S, *state),
                            "UNAVAILABLE");
    }
    assert_true(fcn_clock_us() - start_us < 20 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(numbers_need_no_thread),
        pool_test(a_first_look_up_is_waited_for),
        pool_test(a_hanging_look_up_holds_up_nobody),
        pool_test(another_name_is_found_later),
        pool_test(a_failure_keeps_the_old_address),
        pool_test(a_first_failure_is_mended),
        pool_test(what_does_not_answer_is_avoided),
        pool_test(what_does_not_answer_is_looked_for_again),
        pool_test(names_have_a_ceiling),
        pool_test(localhost_is_found),
        pool_test(a_name_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
