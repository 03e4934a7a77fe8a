/* SPDX-License-Identifier: Apache-2.0 */
/* The client on real servers: what its store relies on. */
#include "check.h"
#include "pool.h"

#include <memcached/client.h>
#include <remote/purge.h>

#include <apr_strings.h>
#include <apr_time.h>
#include <stdlib.h>
#include <unistd.h>

#define CLOCK "{fcache}clock"

typedef struct rig_t {
    apr_pool_t *pool;
    void *self;
    fcn_shared_t *shared;
    const char *prefix;
} rig_t;

static const fcr_client_ops_t *const ops = &fcmc_client;

static fcn_deadline_t soon(void)
{
    return fcn_deadline_in(INT64_C(10000000));
}

/* What fcache_backend_create makes of a URL. */
static fcache_backend_conf_t conf_of(apr_pool_t *pool, const char *url)
{
    apr_table_t *options = apr_table_make(pool, 8);
    char *text = apr_pstrdup(pool, url), *rest = strchr(text, '?'), *word;
    for (word = rest; word; word = rest) {
        *word++ = '\0';
        rest = strchr(word, '&');
        if (rest) {
            *rest = '\0';
        }
        char *value = strchr(word, '=');
        *value = '\0';
        apr_table_set(options, word, value + 1);
    }
    return (fcache_backend_conf_t){.name = "test",
                                   .scheme = "memcached",
                                   .location = strchr(text, ':') + 1,
                                   .options = options};
}

static rig_t rig_open(apr_pool_t *pool, const char *url)
{
    static int count;
    rig_t rig = {.pool = pool};
    fcache_error_t error = {""};
    fcache_backend_conf_t conf = conf_of(pool, url);
    fcn_limits_t *limits = apr_palloc(pool, sizeof(*limits));
    int is_local = 0;
    assert_int_equal(
        fcn_limits_parse(apr_table_make(pool, 1), NULL, limits, NULL),
        FCACHE_OK);
    limits->read_us = limits->connect_us = 5000000;
    fcache_status_t status =
        ops->create(&conf, limits, &rig.self, &is_local, pool, &error);
    if (status != FCACHE_OK) {
        print_error("%s: %s\n", url, error.text);
    }
    assert_int_equal(status, FCACHE_OK);
    assert_true(is_local);
    rig.prefix = apr_psprintf(pool, "t%d-%d", (int)getpid(), ++count);
    assert_int_equal(fcn_shared_open(rig.prefix, pool, &rig.shared, &error),
                     FCACHE_OK);
    assert_int_equal(ops->open(rig.self, rig.shared, &error), FCACHE_OK);
    assert_int_equal(ops->child_init(rig.self, pool, &error), FCACHE_OK);
    return rig;
}

static rig_t rig_of(void **state)
{
    return rig_open(*state, getenv("FCACHE_URL"));
}

static fcache_bytes_t name_of(const rig_t *rig, const char *text)
{
    return fcache_str(apr_psprintf(rig->pool, "%s:%s", rig->prefix, text));
}

static fcr_found_t fetch(const rig_t *rig, fcache_bytes_t name)
{
    fcr_found_t found;
    fcache_error_t error = {""};
    fcache_status_t status = ops->fetch(rig->self, name, &name, 1, &found,
                                        soon(), rig->pool, &error);
    if (status != FCACHE_OK) {
        print_error("%s\n", error.text);
    }
    assert_int_equal(status, FCACHE_OK);
    return found;
}

static fcache_status_t put(const rig_t *rig, const char *name,
                           const char *value, fcr_mode_t mode,
                           const fcr_found_t *old)
{
    const fcache_bytes_t pieces[] = {
        fcache_bytes(value, 1), {NULL, 0}, fcache_str(value + 1)};
    fcr_store_t item = {.name = name_of(rig, name),
                        .pieces = pieces,
                        .piece_count = 3,
                        .mode = mode,
                        .old = old,
                        .ttl_us = 60000000,
                        .now_us = apr_time_now()};
    return ops->store(rig->self, &item, soon(), NULL);
}

static void check_value(const rig_t *rig, const char *name, const char *value)
{
    fcr_found_t found = fetch(rig, name_of(rig, name));
    assert_int_equal(found.exists, value != NULL);
    if (value) {
        CHECK_TEXT(found.value, value);
    }
}

static void modes_of_a_put(void **state)
{
    rig_t rig = rig_of(state);
    check_value(&rig, "a", NULL);
    assert_int_equal(put(&rig, "a", "one", FCR_ADD, NULL), FCACHE_OK);
    assert_int_equal(put(&rig, "a", "two", FCR_ADD, NULL), FCACHE_EXISTS);
    check_value(&rig, "a", "one");
    fcr_found_t old = fetch(&rig, name_of(&rig, "a"));
    assert_int_equal(put(&rig, "a", "three", FCR_SET, NULL), FCACHE_OK);
    assert_int_equal(put(&rig, "a", "four", FCR_REPLACE, &old), FCACHE_EXISTS);
    check_value(&rig, "a", "three");
    old = fetch(&rig, name_of(&rig, "a"));
    assert_int_equal(put(&rig, "a", "five", FCR_REPLACE, &old), FCACHE_OK);
    check_value(&rig, "a", "five");
    assert_int_equal(ops->remove(rig.self, name_of(&rig, "a"), soon(), NULL),
                     FCACHE_OK);
    assert_int_equal(ops->remove(rig.self, name_of(&rig, "a"), soon(), NULL),
                     FCACHE_MISS);
    assert_int_equal(put(&rig, "a", "six", FCR_REPLACE, &old), FCACHE_EXISTS);
    check_value(&rig, "a", NULL);
}

static void many_names_at_once(void **state)
{
    rig_t rig = rig_of(state);
    fcache_bytes_t names[FCR_FETCH_MAX];
    fcr_found_t found[FCR_FETCH_MAX];
    char longest[FCR_NAME_MAX + 1] = "";
    memset(longest, 'x', FCR_NAME_MAX);
    names[0] = fcache_str(longest);
    for (int i = 1; i < FCR_FETCH_MAX; i++) {
        char *name = apr_psprintf(rig.pool, "%s:%0*d", rig.prefix, 180, i);
        names[i] = fcache_str(name);
    }
    assert_int_equal(ops->fetch(rig.self, names[0], names, FCR_FETCH_MAX, found,
                                soon(), rig.pool, NULL),
                     FCACHE_OK);
    for (int i = 0; i < FCR_FETCH_MAX; i++) {
        assert_false(found[i].exists);
    }
}

static void what_is_no_name_stays_here(void **state)
{
    rig_t rig = rig_of(state);
    char too_long[FCR_NAME_MAX + 2] = "";
    memset(too_long, 'x', FCR_NAME_MAX + 1);
    const char *const bad[] = {"",      "a b",   "a\r\nflush_all\r\n",
                               "a\x01", "a\x80", too_long};
    fcr_found_t found;
    for (size_t i = 0; i < COUNT(bad); i++) {
        fcache_bytes_t name = fcache_str(bad[i]);
        ROW(i, bad[i]);
        CHECK_INT(ops->fetch(rig.self, name, &name, 1, &found, soon(), rig.pool,
                             NULL),
                  FCACHE_BAD_INPUT);
        CHECK_INT(ops->remove(rig.self, name, soon(), NULL), FCACHE_BAD_INPUT);
    }
}

static fcache_status_t put_of(const rig_t *rig, size_t len)
{
    char *bytes = apr_palloc(rig->pool, len);
    memset(bytes, 'v', len);
    fcache_bytes_t piece = fcache_bytes(bytes, len);
    fcr_store_t item = {.name = name_of(rig, "large"),
                        .pieces = &piece,
                        .piece_count = 1,
                        .ttl_us = 60000000,
                        .now_us = apr_time_now()};
    fcache_error_t error = {""};
    fcache_status_t status = ops->store(rig->self, &item, soon(), &error);
    assert_true(status == FCACHE_OK || error.text[0]);
    return status;
}

/* The servers are asked for their limit; what is told fits, and more is refused
 * before it is sent, or by the server when it was told wrong. */
static void too_large_is_told(void **state)
{
    rig_t rig = rig_of(state);
    size_t most = (size_t)ops->max_value(rig.self);
    assert_in_range(most, 1000000, 1 << 20);
    assert_int_equal(put_of(&rig, most), FCACHE_OK);
    assert_int_equal(fetch(&rig, name_of(&rig, "large")).value.len, most);
    assert_int_equal(put_of(&rig, most + 1), FCACHE_TOO_LARGE);
    const char *url = getenv("FCACHE_URL");
    rig_t lied_to =
        rig_open(*state, apr_psprintf(rig.pool, "%s%cmax-item=2M", url,
                                      strchr(url, '?') ? '&' : '?'));
    assert_int_equal(put_of(&lied_to, most), FCACHE_OK);
    assert_int_equal(put_of(&lied_to, most + 10000), FCACHE_TOO_LARGE);
    assert_int_equal(put_of(&lied_to, most), FCACHE_OK);
}

static uint64_t number_at(const rig_t *rig, fcache_bytes_t home,
                          fcache_bytes_t name)
{
    fcr_found_t found;
    assert_int_equal(
        ops->fetch(rig->self, home, &name, 1, &found, soon(), rig->pool, NULL),
        FCACHE_OK);
    return found.exists ? strtoull(apr_pstrmemdup(rig->pool, found.value.ptr,
                                                  found.value.len),
                                   NULL, 10)
                        : 0;
}

/* Clock and counter stand alike on every server. */
static void ticks_reach_all(void **state)
{
    rig_t rig = rig_of(state);
    fcache_bytes_t clock = fcache_str(CLOCK), counter = name_of(&rig, "count");
    uint64_t before = 0, now = 0;
    for (int i = 0; i < 3; i++) {
        fcache_error_t error = {""};
        assert_int_equal(ops->tick(rig.self, NULL, clock, &counter, 1, 1000,
                                   &now, soon(), &error),
                         FCACHE_OK);
        assert_true(now > before && now >= 1000);
        before = now;
        for (int j = 0; j < 20; j++) {
            fcache_bytes_t home =
                name_of(&rig, apr_psprintf(rig.pool, "%d", j));
            assert_int_equal(number_at(&rig, home, clock), now);
            assert_int_equal(number_at(&rig, home, counter), now);
        }
    }
    fcr_repair_t repair = {name_of(&rig, "1"), now + 1};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ops->tick(rig.self, &repair, clock, &counter, 1,
                                   before + 500 + i, &now, soon(), NULL),
                         FCACHE_OK);
        assert_int_equal(now, before + 500);
        assert_int_equal(number_at(&rig, repair.home, clock), now);
    }
}

/* What no clear has put there: one that followed it would have no room left. */
static void an_absurd_clock_is_set_anew(void **state)
{
    rig_t rig = rig_of(state);
    fcache_bytes_t clock = fcache_str(CLOCK), counter = name_of(&rig, "count");
    fcache_bytes_t absurd = fcache_str("9007199254740991 9007199254740991");
    const fcr_store_t item = {.name = clock,
                              .pieces = &absurd,
                              .piece_count = 1,
                              .mode = FCR_SET,
                              .ttl_us = 600000000,
                              .now_us = apr_time_now()};
    uint64_t now = 0;
    assert_int_equal(ops->store(rig.self, &item, soon(), NULL), FCACHE_OK);
    assert_int_equal(
        ops->tick(rig.self, NULL, clock, &counter, 1, 1000, &now, soon(), NULL),
        FCACHE_OK);
    assert_true(fcr_clock_is_credible(now));
    assert_int_equal(number_at(&rig, clock, clock), now);
}

static int count_ours(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    rig_t *rig = baton;
    size_t len = strlen(rig->prefix);
    assert_int_equal(value.len, 0);
    assert_true(name.len > 0 && name.ptr[0] != '{');
    if (name.len > len && !memcmp(name.ptr, rig->prefix, len) &&
        name.ptr[len] == ':') {
        check_value(
            rig,
            apr_pstrmemdup(rig->pool, name.ptr + len + 1, name.len - len - 1),
            "value");
        rig->shared->hits++;
    }
    return 0;
}

static void names_are_walked(void **state)
{
    rig_t rig = rig_of(state);
    fcr_census_t census;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(put(&rig,
                             apr_psprintf(rig.pool, "%d:%%25 {%d}~", i, i) + 0,
                             "value", FCR_SET, NULL),
                         FCACHE_BAD_INPUT);
        assert_int_equal(put(&rig, apr_psprintf(rig.pool, "%d:%%25{%d}~", i, i),
                             "value", FCR_SET, NULL),
                         FCACHE_OK);
    }
    fcache_error_t error = {""};
    fcache_status_t status = ops->walk(rig.self, count_ours, &rig, &error);
    if (strstr(getenv("FCACHE_URL"), "user=")) {
        assert_int_equal(status, FCACHE_UNSUPPORTED);
        assert_non_null(strstr(error.text, "SASL"));
    } else {
        assert_int_equal(status, FCACHE_OK);
        assert_int_equal(rig.shared->hits, 50);
    }
    assert_int_equal(ops->census(rig.self, &census, &error), FCACHE_OK);
    assert_true(census.entries >= 50 && census.bytes_used > 50 * 50);
    assert_true(census.bytes_total >= 64 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(modes_of_a_put),
        pool_test(many_names_at_once),
        pool_test(what_is_no_name_stays_here),
        pool_test(too_large_is_told),
        pool_test(ticks_reach_all),
        pool_test(an_absurd_clock_is_set_anew),
        pool_test(names_are_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
