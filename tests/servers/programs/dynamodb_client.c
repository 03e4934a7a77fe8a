/* SPDX-License-Identifier: Apache-2.0 */
/* The client on a real server: what its store relies on. */
#include "dynamodb_rig.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <stdlib.h>

static void what_is_put_is_got(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig_check(rig, "a", 's', NULL);
    assert_int_equal(rig_put(rig, "a", 's', "text", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "a", 's', "text");
    assert_int_equal(rig_put(rig, "a", 't', "", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "a", 't', "");
}

static void names_are_data(void **state)
{
    const char *const names[] = {"\"},{", "\\", "@$'", "{}[]:,#"};
    rig_t *rig = rig_open(*state, NULL);
    for (size_t i = 0; i < COUNT(names); i++) {
        ROW(i, names[i]);
        CHECK_INT(rig_put(rig, names[i], 'a', names[i], FCR_SET, NULL, NULL),
                  FCACHE_OK);
        rig_check(rig, names[i], 'a', names[i]);
    }
}

static void add_is_for_the_first(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    assert_int_equal(rig_put(rig, "l", 'a', "1", FCR_ADD, NULL, NULL),
                     FCACHE_OK);
    assert_int_equal(rig_put(rig, "l", 'b', "2", FCR_ADD, NULL, NULL),
                     FCACHE_EXISTS);
    rig_check(rig, "l", 'a', "1");
}

/* The service deletes what has expired within days: until then it is there. */
static void add_replaces_what_has_expired(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    char stamp[FCR_STAMP_BYTES] = "old";
    fcache_bytes_t piece = fcache_bytes(stamp, sizeof(stamp));
    fcr_store_t item = {
        .name = rig_name(rig, "l"),
        .pieces = &piece,
        .piece_count = 1,
        .ttl_us = INT64_C(1000000),
        .now_us = apr_time_now() - INT64_C(10000000),
    };
    assert_int_equal(fcd_client.store(rig->self, &item, rig_soon(), NULL),
                     FCACHE_OK);
    assert_int_equal(rig_put(rig, "l", 'b', "2", FCR_ADD, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "l", 'b', "2");
}

static void replace_is_for_what_was_fetched(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found;
    rig_put(rig, "r", 'a', "1", FCR_SET, NULL, NULL);
    assert_int_equal(rig_fetch(rig, "r", &found, NULL), FCACHE_OK);
    assert_int_equal(rig_put(rig, "r", 'b', "2", FCR_REPLACE, &found, NULL),
                     FCACHE_OK);
    assert_int_equal(rig_put(rig, "r", 'c', "3", FCR_REPLACE, &found, NULL),
                     FCACHE_EXISTS);
    rig_check(rig, "r", 'b', "2");
    fcd_client.remove(rig->self, rig_name(rig, "r"), rig_soon(), NULL);
    assert_int_equal(rig_put(rig, "r", 'c', "3", FCR_REPLACE, &found, NULL),
                     FCACHE_EXISTS);
    rig_check(rig, "r", 'c', NULL);
}

static void removed_is_gone(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcache_bytes_t name = rig_name(rig, "d");
    rig_put(rig, "d", 'a', "1", FCR_SET, NULL, NULL);
    assert_int_equal(fcd_client.remove(rig->self, name, rig_soon(), NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_client.remove(rig->self, name, rig_soon(), NULL),
                     FCACHE_MISS);
    rig_check(rig, "d", 'a', NULL);
}

/* The largest that fits does, what is larger is not sent. */
static void too_large_is_said(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    size_t largest = fcd_client.max_value(rig->self) - FCR_STAMP_BYTES;
    char *text = apr_palloc(rig->pool, largest + 2);
    fcache_error_t error = {""};
    memset(text, 'x', largest + 1);
    text[largest] = '\0';
    assert_int_equal(rig_put(rig, "big", 'a', text, FCR_SET, NULL, &error),
                     FCACHE_OK);
    rig_check(rig, "big", 'a', text);
    rig_control(rig, "{}");
    text[largest] = 'x';
    text[largest + 1] = '\0';
    assert_int_equal(rig_put(rig, "big", 'b', text, FCR_SET, NULL, &error),
                     FCACHE_TOO_LARGE);
    assert_non_null(strstr(error.text, "DynamoDB item"));
    assert_null(strstr(rig_control(rig, "{}"), "PutItem"));
}

/* More than a batch, in any order, some missing. */
static void many_are_fetched(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcache_bytes_t names[FCR_FETCH_MAX];
    fcr_found_t found[FCR_FETCH_MAX];
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = apr_psprintf(rig->pool, "m%d", (int)i);
        names[i] = rig_name(rig, name);
        if (i % 7 == 0) {
            rig_put(rig, name, 'm', name, FCR_SET, NULL, NULL);
        }
    }
    assert_int_equal(fcd_client.fetch(rig->self, names[0], names, COUNT(names),
                                      found, rig_soon(), rig->pool, NULL),
                     FCACHE_OK);
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = apr_psprintf(rig->pool, "m%d", (int)i);
        ROW(i, name);
        CHECK_INT(found[i].exists, i % 7 == 0);
        if (found[i].exists) {
            CHECK_TEXT(fcache_bytes(found[i].value.ptr + FCR_STAMP_BYTES,
                                    found[i].value.len - FCR_STAMP_BYTES),
                       name);
        }
    }
}

/* Tags may repeat, keys of a batch may not. */
static void repeated_names_are_fetched(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcache_bytes_t names[] = {rig_name(rig, "x"), rig_name(rig, "y"),
                              rig_name(rig, "x"), rig_name(rig, "y"),
                              rig_name(rig, "x")};
    fcr_found_t found[COUNT(names)];
    rig_put(rig, "x", 'x', "1", FCR_SET, NULL, NULL);
    assert_int_equal(fcd_client.fetch(rig->self, names[0], names, COUNT(names),
                                      found, rig_soon(), rig->pool, NULL),
                     FCACHE_OK);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(found[i].exists, i % 2 == 0);
    }
}

/* ---- the table ----------------------------------------------------------- */

typedef struct seen_t {
    const rig_t *rig;
    int ours, counters, stop_after;
} seen_t;

static int see(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    seen_t *seen = baton;
    size_t len = strlen(seen->rig->prefix);
    if (name.len > len && memcmp(name.ptr, seen->rig->prefix, len) == 0) {
        seen->ours += value.len > FCR_STAMP_BYTES;
        seen->counters += memcmp(name.ptr + len, ":c", 2) == 0;
    }
    return seen->stop_after > 0 && seen->ours == seen->stop_after;
}

/* dynalite's pages are of 1 MB too. */
static void walks_see_all_pages(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    seen_t seen = {.rig = rig};
    size_t len = 300000;
    char *text = apr_palloc(rig->pool, len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    for (int i = 0; i < 8; i++) {
        rig_put(rig, apr_psprintf(rig->pool, "w%d", i), 'w', text, FCR_SET,
                NULL, NULL);
    }
    rig_tick(rig, "c", 1);
    rig_control(rig, "{}");
    assert_int_equal(fcd_client.walk(rig->self, see, &seen, NULL), FCACHE_OK);
    assert_int_equal(seen.ours, 8);
    assert_int_equal(seen.counters, 0);
    assert_non_null(strstr(rig_control(rig, "{}"), "\"Scan\", \"Scan\""));
    seen = (seen_t){.rig = rig, .stop_after = 3};
    assert_int_equal(fcd_client.walk(rig->self, see, &seen, NULL), FCACHE_OK);
    assert_int_equal(seen.ours, 3);
}

static rig_t *rig_of_table(apr_pool_t *pool, const char *name)
{
    rig_t *rig = rig_open(pool, NULL);
    rig->store->table_name = name;
    rig->store->table = fcache_str(name);
    return rig;
}

static void a_missing_table_is_named_and_made(void **state)
{
    rig_t *rig =
        rig_of_table(*state, apr_psprintf(*state, "fcache-%d", (int)getpid()));
    fcr_census_t census;
    fcr_found_t found;
    fcache_error_t error = {""};
    assert_int_equal(rig_fetch(rig, "a", &found, &error), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(error.text, "fcachectl init"));
    assert_int_equal(fcd_client.setup(rig->self, &error), FCACHE_OK);
    assert_non_null(strstr(rig_control(rig, "{}"), "\"UpdateTimeToLive\""));
    assert_int_equal(rig_put(rig, "a", 'a', "1", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_client.setup(rig->self, &error), FCACHE_OK);
    rig_check(rig, "a", 'a', "1");
    assert_int_equal(fcd_client.census(rig->self, &census, NULL), FCACHE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(what_is_put_is_got),
        pool_test(names_are_data),
        pool_test(add_is_for_the_first),
        pool_test(add_replaces_what_has_expired),
        pool_test(replace_is_for_what_was_fetched),
        pool_test(removed_is_gone),
        pool_test(too_large_is_said),
        pool_test(many_are_fetched),
        pool_test(repeated_names_are_fetched),
        pool_test(walks_see_all_pages),
        pool_test(a_missing_table_is_named_and_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
