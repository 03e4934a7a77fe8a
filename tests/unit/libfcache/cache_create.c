/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/call.h>

#include "calling.h"

static void bad_options_are_named(void **state)
{
    static char long_prefix[FCACHE_KEY_MAX_LABEL + 2];
    memset(long_prefix, 'a', FCACHE_KEY_MAX_LABEL + 1);
    fake_store_t *store;
    fcache_t *other = fake_cache(*state, &store);
    const struct {
        fcache_options_t options;
        const char *text;
    } rows[] = {
        {{.prefix = "p"}, "either one that is open or a URL"},
        {{.backend = fcache_backend_of(other), .store = "memory:"},
         "either one that is open or a URL"},
        {{.store = "nothing:"}, "no kind of store 'nothing:', there are: "},
        {{.store = "memory:?size=7"}, "size"},
        {{.store = "memory:", .prefix = "a b"}, "prefix 'a b'"},
        {{.store = "memory:", .prefix = long_prefix}, "at most 64"},
        {{.store = "memory:", .expire_us = -1}, "expire_us -1"},
        {{.store = "memory:", .expire_us = INT64_MAX}, "expire_us"},
        {{.store = "memory:", .coder = "http"}, "coder 'http' is none for"},
        {{.store = "memory:", .coder = "nix"}, "there are: http, json, raw"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_t *cache = NULL;
        fcache_error_t error = {""};
        ROW(i, rows[i].text);
        CHECK_INT(fcache_create(&rows[i].options, &cache, *state, &error),
                  FCACHE_BAD_CONFIG);
        CHECK_INT(strstr(error.text, rows[i].text) != NULL, 1);
        CHECK_INT(cache == NULL, 1);
    }
}

static fcache_t *created(const fcache_options_t *options, apr_pool_t *pool)
{
    fcache_t *cache = NULL;
    fcache_error_t error = {""};
    if (fcache_create(options, &cache, pool, &error) != FCACHE_OK) {
        fail_msg("%s", error.text);
    }
    return cache;
}

static void one_call_sets_all(void **state)
{
    const fcache_options_t options = {
        .store = "memory:?size=2M", .prefix = "app", .expire_us = SECONDS(5)};
    calling_t *t = calling_of(state);
    t->cache = created(&options, *state);
    t->call.expire_us = 0;
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(t->report.fresh_until_us, SECONDS(1005));
    CALL_IS(t, "value 1", CACHE);
    fcache_key_t key = calling_key(t);
    CHECK_TEXT(key.prefix, "app");
    CHECK_TEXT(key.ns, "n");
    fcache_destroy(t->cache);
    fcache_destroy(NULL);
}

static void caches_are_apart(void **state)
{
    const fcache_options_t options = {.store = "memory:?size=2M"};
    const fcache_options_t off = {.store = "memory:?size=2M", .disabled = 1};
    calling_t *t = calling_of(state);
    fcache_t *one = created(&options, *state);
    fcache_t *two = created(&options, *state);
    t->cache = one;
    CALL_IS(t, "value 1", COMPUTED);
    t->cache = two;
    CALL_IS(t, "value 2", COMPUTED);
    t->cache = created(&off, *state);
    CALL_IS(t, "value 3", COMPUTED);
    CALL_IS(t, "value 4", COMPUTED);
    t->cache = one;
    CALL_IS(t, "value 1", CACHE);
    fcache_destroy(one);
    t->cache = two;
    CALL_IS(t, "value 2", CACHE);
}

static void two_prefixes_share_one_store(void **state)
{
    calling_t *t = calling_of(state);
    const fcache_options_t options = {.backend = fcache_backend_of(t->cache),
                                      .prefix = "two"};
    CALL_IS(t, "value 1", COMPUTED);
    t->cache = created(&options, *state);
    CALL_IS(t, "value 2", COMPUTED);
    fcache_destroy(t->cache); /* not the store */
    CHECK_INT(t->store->puts, 2);
}

static void reset_begins_anew(void **state)
{
    const fcache_options_t options = {.store = "memory:?size=2M"};
    const fcache_options_t later = {.store = "memory:?size=2M",
                                    .prefix = "later"};
    const fcache_options_t wrong = {.store = "memory:", .prefix = "?"};
    calling_t *t = calling_of(state);
    t->cache = created(&options, *state);
    CALL_IS(t, "value 1", COMPUTED);
    CHECK_INT(fcache_reset(t->cache, &wrong, NULL), FCACHE_BAD_CONFIG);
    CALL_IS(t, "value 1", CACHE);
    CHECK_INT(fcache_reset(t->cache, &later, NULL), FCACHE_OK);
    CALL_IS(t, "value 2", COMPUTED);
    fcache_key_t key = calling_key(t);
    CHECK_TEXT(key.prefix, "later");
    CHECK_INT(fcache_reset(t->cache, &options, NULL), FCACHE_OK);
    CALL_IS(t, "value 3", COMPUTED);
}

static void processes_join_by_themselves(void **state)
{
    const fcache_options_t options = {.store = "memory:?size=2M", .forks = 1};
    calling_t *t = calling_of(state);
    t->cache = created(&options, *state);
    CHECK_INT(fcache_child_init(t->cache, *state, NULL), FCACHE_OK);
    CALL_IS(t, "value 1", COMPUTED);
    CALL_IS(t, "value 1", CACHE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(bad_options_are_named),
        pool_test(one_call_sets_all),
        pool_test(caches_are_apart),
        pool_test(two_prefixes_share_one_store),
        pool_test(reset_begins_anew),
        pool_test(processes_join_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
