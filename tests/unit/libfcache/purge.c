/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/purge.h>

#include <fcache/tags.h>

#include "check.h"

#include <apr_general.h>

#define NOW (INT64_C(1700000000) * FCACHE_US_PER_S)
#define P(kind, value)                                                         \
    {                                                                          \
        FCACHE_PURGE_##kind, {value, sizeof(value) - 1}, {"p", 1}, 0           \
    }

static apr_pool_t *pool;
static fcache_t *cache;

static fcache_key_t key_of(const char *text)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_key_t key;
    fcache_tuple_add(tuple, "key", fcache_str(text));
    assert_int_equal(fcache_key_from_tuple(tuple, fcache_str("p"),
                                           fcache_str("n"), &key, pool, NULL),
                     FCACHE_OK);
    return key;
}

/* A value with tag t, of the URL http://h/x?q. */
static fcache_key_t put(void)
{
    fcache_key_t key = key_of("k");
    fcache_buf_t tags;
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    fcache_tags_add_words(&tags, fcache_str("t u"));
    fcache_tags_add_url(&tags, fcache_str("h"), fcache_str("/x"),
                        fcache_str("q"));
    assert_int_equal(fcache_put(cache, &key, fcache_str("v"), 60,
                                fcache_buf_bytes(&tags), fcache_epoch(cache),
                                NOW, NULL),
                     FCACHE_OK);
    fcache_buf_fini(&tags);
    return key;
}

static int is_there(const fcache_key_t *key)
{
    fcache_bytes_t value;
    return fcache_get(cache, key, NOW, &value, NULL, pool, NULL) == FCACHE_OK;
}

static void each_kind(void **state)
{
    static const struct {
        fcache_purge_t purge;
        int is_hit;
    } rows[] = {
        {P(URL, "http://H:80/x?q#f"), 1},
        {P(URL, "https://h/x?q"), 1},
        {P(URL, "http://h/x"), 0},
        {P(URL, "http://h2/x?q"), 0},
        {P(TAG, "t"), 1},
        {P(TAG, "u"), 1},
        {P(TAG, "T"), 0},
        {P(NAMESPACE, "n"), 1},
        {P(NAMESPACE, "m"), 0},
        {P(PREFIX, ""), 1},
        {P(ALL, ""), 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int soft = 0; soft < 2; soft++) {
            fcache_key_t key = put();
            fcache_purge_t purge = rows[i].purge;
            ROW(i, fcache_purge_kind_text(purge.kind));
            purge.soft = soft;
            CHECK_INT(fcache_purge(cache, &purge, 1, NOW, NULL, pool, NULL),
                      FCACHE_OK);
            CHECK_INT(is_there(&key), !rows[i].is_hit);
            fcache_hit_t hit;
            fcache_status_t found =
                fcache_lookup(cache, &key, NULL, NOW, NULL, &hit, pool, NULL);
            CHECK_INT(found, rows[i].is_hit && !soft ? FCACHE_MISS : FCACHE_OK);
            if (found == FCACHE_OK) {
                CHECK_INT(hit.soft_purged, rows[i].is_hit);
                fcache_pin_release(cache, hit.pin);
            }
        }
    }
}

static void a_prefix_keeps_others(void **state)
{
    fcache_key_t key = put();
    fcache_purge_t rows[] = {P(TAG, "t"), P(NAMESPACE, "n"), P(PREFIX, ""),
                             P(URL, "http://h/x?q")};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, fcache_purge_kind_text(rows[i].kind));
        rows[i].prefix = fcache_str("other");
        CHECK_INT(fcache_purge(cache, &rows[i], 1, NOW, NULL, pool, NULL),
                  FCACHE_OK);
        CHECK_INT(is_there(&key), 1);
    }
}

static void a_key(void **state)
{
    fcache_key_t key = put();
    fcache_purge_t purge = P(KEY, "");
    (void)state;
    purge.value = key.name;
    assert_int_equal(fcache_purge(cache, &purge, 1, NOW, NULL, pool, NULL),
                     FCACHE_OK);
    assert_false(is_there(&key));
    assert_int_equal(fcache_purge(cache, &purge, 1, NOW, NULL, pool, NULL),
                     FCACHE_MISS);
    purge.soft = 1;
    assert_int_equal(fcache_purge(cache, &purge, 1, NOW, NULL, pool, NULL),
                     FCACHE_BAD_INPUT);
}

static void nonsense(void **state)
{
    fcache_purge_t rows[] = {
        P(URL, "/x"),
        P(URL, "http://h/ä"),
        P(TAG, ""),
        P(TAG, "a b"),
        P(TAG, "url h /x?q"),
        P(NAMESPACE, ""),
        P(NAMESPACE, "a:b"),
        P(KEY, ""),
        P(KEY, "a:b:c"),
        P(KEY, "p:n:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        P(KEY, "p:n:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"),
        P(KEY, "p n:m:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        {FCACHE_PURGE_COUNT, {"x", 1}, {"p", 1}, 0},
        {FCACHE_PURGE_PREFIX, {NULL, 0}, {"a b", 3}, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error = {""};
        ROW(i, rows[i].value.ptr);
        CHECK_INT(fcache_purge(cache, &rows[i], 1, NOW, NULL, pool, &error),
                  FCACHE_BAD_INPUT);
        CHECK_INT(error.text[0] != '\0', 1);
    }
}

static void words(void **state)
{
    (void)state;
    for (int i = 0; i < FCACHE_PURGE_COUNT; i++) {
        fcache_purge_kind_t kind;
        const char *text = fcache_purge_kind_text((fcache_purge_kind_t)i);
        assert_true(fcache_purge_kind_parse(fcache_str(text), &kind));
        assert_int_equal(kind, i);
    }
    fcache_purge_kind_t kind;
    assert_false(fcache_purge_kind_parse(fcache_str("URL"), &kind));
    assert_false(fcache_purge_kind_parse(fcache_str(""), &kind));
    assert_string_equal(fcache_purge_kind_text(FCACHE_PURGE_COUNT), "?");
}

static int set_up(void **state)
{
    fcache_options_t options = {0};
    fcache_backends_t *kinds;
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    kinds = fcache_backends_create(pool);
    fcache_backends_add_builtin(kinds);
    options.coders = fcache_coders_create(pool);
    return fcache_backend_create(kinds, "purge", "memory:?size=8M", NULL,
                                 &options.backend, pool, NULL) ||
           fcache_backend_open(options.backend, pool, NULL) ||
           fcache_backend_child_init(options.backend, pool, NULL) ||
           fcache_create(&options, &cache, pool, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind), cmocka_unit_test(a_prefix_keeps_others),
        cmocka_unit_test(a_key),     cmocka_unit_test(nonsense),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
