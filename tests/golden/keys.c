/* SPDX-License-Identifier: Apache-2.0 */
/* A change here makes every shared store cold, and hosts of a fleet in the
 * middle of an upgrade disagree. */
#include <fcache/key.h>

#include "golden.h"
#include "pool.h"

static fcache_request_t request_of(const json_t *one, apr_pool_t *pool)
{
    const json_t *text = json_object_get(one, "request");
    fcache_request_t request = {
        .vhost = golden_text(text, "vhost"),
        .scheme = golden_text(text, "scheme"),
        .authority = golden_text(text, "authority"),
        .method = golden_text(text, "method"),
        .path = golden_text(text, "path"),
        .query = golden_text(text, "query"),
        .body_digest = golden_hex(text, "body_digest", pool),
        .fields = golden_fields(text, "fields", pool),
    };
    return request;
}

static const fcache_key_rules_t *rules_of(const json_t *one, apr_pool_t *pool)
{
    const json_t *words = json_object_get(one, "rules");
    const char *texts[16];
    size_t count = json_array_size(words);
    fcache_key_rules_t *rules = NULL;
    assert_true(count <= COUNT(texts));
    for (size_t i = 0; i < count; i++) {
        texts[i] = json_string_value(json_array_get(words, i));
    }
    assert_int_equal(fcache_key_rules_parse(texts, count, &rules, pool, NULL),
                     FCACHE_OK);
    return rules;
}

static fcache_key_t key_of_tuple(const json_t *one, apr_pool_t *pool)
{
    const json_t *list = json_object_get(one, "tuple");
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_key_t key;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const json_t *value = json_array_get(pair, 1);
        assert_int_equal(
            fcache_tuple_add(tuple, json_string_value(json_array_get(pair, 0)),
                             fcache_bytes(json_string_value(value),
                                          json_string_length(value))),
            FCACHE_OK);
    }
    assert_int_equal(fcache_key_from_tuple(tuple, golden_text(one, "prefix"),
                                           golden_text(one, "namespace"), &key,
                                           pool, NULL),
                     FCACHE_OK);
    return key;
}

static fcache_key_t key_of_request(const json_t *one, apr_pool_t *pool)
{
    fcache_request_t request = request_of(one, pool);
    fcache_key_t key;
    assert_int_equal(fcache_key_build(rules_of(one, pool), NULL, NULL,
                                      golden_text(one, "prefix"),
                                      golden_text(one, "namespace"), &request,
                                      &key, pool, NULL),
                     FCACHE_OK);
    if (json_object_get(one, "vary_id")) {
        fcache_key_t primary = key;
        assert_int_equal(fcache_key_variant(&primary,
                                            golden_hex(one, "vary_id", pool),
                                            golden_hex(one, "vary_names", pool),
                                            &request, &key, pool, NULL),
                         FCACHE_OK);
    }
    return key;
}

static void check(const json_t *one, apr_pool_t *pool)
{
    fcache_key_t key = json_object_get(one, "tuple")
                           ? key_of_tuple(one, pool)
                           : key_of_request(one, pool);
    ROW(0, golden_why(one));
    golden_check_hex(one, "canonical", key.canonical, pool);
    golden_check_hex(one, "digest",
                     fcache_bytes(key.digest, sizeof(key.digest)), pool);
    CHECK_INT(fcache_bytes_equal(key.name, golden_text(one, "name")), 1);
    CHECK_INT(fcache_bytes_equal(
                  fcache_str(fcache_canonical_format(key.canonical, pool)),
                  golden_text(one, "text")),
              1);
}

static void keys_stay_as_they_are(void **state)
{
    golden_each("keys", check, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(keys_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
