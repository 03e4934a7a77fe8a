/* SPDX-License-Identifier: Apache-2.0 */
#include "cache_parts.h"

#include "fake_store.h"
#include "pool.h"
#include "responses.h"

#include <apr_strings.h>

typedef struct world_t {
    apr_pool_t *pool;
    fake_store_t *store;
    fcache_t *cache;
    fcache_key_t key;
    const char *coder;
    const char *vary; /* as a length-prefixed list */
} world_t;

#define BY_LANGUAGE                                                            \
    "\x0f\0"                                                                   \
    "accept-language"
#define AND_X_A                                                                \
    "\x03\0"                                                                   \
    "x-a"

static world_t make_world(apr_pool_t *pool, const char *coder)
{
    world_t world = {pool,  NULL,       NULL, response_key("/a", pool),
                     coder, BY_LANGUAGE};
    world.cache = fake_cache(pool, &world.store);
    return world;
}

static fcache_bytes_t vary_of(const world_t *world, const char *x_a)
{
    return x_a ? fcache_bytes(BY_LANGUAGE AND_X_A,
                              sizeof(BY_LANGUAGE AND_X_A) - 1)
               : fcache_bytes(world->vary, sizeof(BY_LANGUAGE) - 1);
}

static fcache_request_t request_of(const char *accepted, const char *x_a,
                                   apr_pool_t *pool)
{
    fcache_field_t *fields = apr_pcalloc(pool, 2 * sizeof(*fields));
    fields[0] =
        (fcache_field_t){fcache_str("Accept-Language"), fcache_str(accepted)};
    fields[1] = (fcache_field_t){fcache_str("X-A"), fcache_str(x_a)};
    return plain_request(fields, x_a ? 2 : 1);
}

static void store(world_t *world, const char *accepted, const char *x_a,
                  const char *block)
{
    fcache_request_t request = request_of(accepted, x_a, world->pool);
    fcache_entry_t entry = response_entry(60);
    entry.fields = fcache_str(block);
    assert_int_equal(response_store(world->cache, world->coder, &world->key,
                                    &entry, accepted, vary_of(world, x_a),
                                    &request, world->pool),
                     FCACHE_OK);
}

/* The body found, "" for none. */
static const char *look_at(world_t *world, const char *accepted,
                           const char *x_a, int64_t after_s)
{
    fcache_request_t request = request_of(accepted, x_a, world->pool);
    fcache_hit_t hit;
    const char *body = "";
    fcache_status_t status =
        fcache_lookup(world->cache, &world->key, &request,
                      RESPONSES_NOW + after_s * FCACHE_US_PER_S, NULL, &hit,
                      world->pool, NULL);
    if (status == FCACHE_OK) {
        assert_int_equal(hit.varied, 1);
        assert_int_equal(hit.entry.kind, FCACHE_ENTRY_RESPONSE);
        body = apr_pstrmemdup(world->pool, hit.body[0].ptr, hit.body[0].len);
        fcache_pin_release(world->cache, hit.pin);
    } else {
        assert_int_equal(status, FCACHE_MISS);
    }
    assert_int_equal(world->store->pins, 0);
    return body;
}

static const char *look(world_t *world, const char *accepted)
{
    return look_at(world, accepted, NULL, 0);
}

/* RFC 9111 §4.1: what is wanted most, in whatever company. */
static void by_language(void **state)
{
    static const char *const coders[] = {"http", "json"};
    for (size_t i = 0; i < COUNT(coders); i++) {
        world_t world = make_world(*state, coders[i]);
        store(&world, "en, de", NULL,
              "Content-Type: text/plain\r\nContent-Language: DE\r\n");
        assert_string_equal(look(&world, "en, de"), "en, de");
        assert_string_equal(look(&world, "fr;q=0.5, de"), "en, de");
        assert_string_equal(look(&world, "De"), "en, de");
        assert_string_equal(look(&world, "de, fr"), "");
        assert_string_equal(look(&world, "en"), "");
        assert_string_equal(look(&world, "de-CH, de;q=0.9"), "");
        assert_string_equal(look_at(&world, "de", NULL, 61), "");
    }
}

/* Index, variant, alias, and the variant that it names. */
static void all_gets_are_one_look_up(void **state)
{
    world_t world = make_world(*state, "http");
    store(&world, "en, de", NULL, "Content-Language: de\r\n");
    world.store->gets = world.store->look_ups = 0;
    assert_string_equal(look(&world, "de"), "en, de");
    assert_int_equal(world.store->gets, 4);
    assert_int_equal(world.store->look_ups, 1);
}

/* What was chosen for the very same field goes first. */
static void the_same_field_goes_first(void **state)
{
    world_t world = make_world(*state, "http");
    store(&world, "en, de", NULL, "Content-Language: de\r\n");
    store(&world, "de", NULL, "Content-Language: en\r\n");
    assert_string_equal(look(&world, "de"), "de");
    assert_string_equal(look(&world, "de, fr;q=0.1"), "en, de");
    assert_string_equal(look(&world, "en, fr;q=0.1"), "de");
}

/* T12: the other fields select as before. */
static void other_fields_select(void **state)
{
    world_t world = make_world(*state, "http");
    store(&world, "en, de", "1", "Content-Language: de\r\n");
    assert_string_equal(look_at(&world, "de", "1", 0), "en, de");
    assert_string_equal(look_at(&world, "de", "2", 0), "");
    assert_string_equal(look_at(&world, "de", NULL, 0), "");
}

/* An answer in several languages, in none, or in what is no language is nobody's
 * first wish. */
static void one_language_only(void **state)
{
    static const char *const blocks[] = {
        "Content-Language: de, en\r\n",
        "Content-Language: de\r\nContent-Language: en\r\n",
        "Content-Language: \r\n",
        "Content-Type: text/plain\r\n",
    };
    for (size_t i = 0; i < COUNT(blocks); i++) {
        world_t world = make_world(*state, "http");
        store(&world, "en, de", NULL, blocks[i]);
        assert_string_equal(look(&world, "de"), "");
        assert_string_equal(look(&world, "en, de"), "en, de");
    }
}

static void an_alias_to_nothing_is_a_miss(void **state)
{
    world_t world = make_world(*state, "http");
    fcache_request_t request = request_of("en, de", NULL, *state);
    fcache_hit_t hit;
    store(&world, "en, de", NULL, "Content-Language: de\r\n");
    assert_int_equal(fcache_lookup(world.cache, &world.key, &request,
                                   RESPONSES_NOW, NULL, &hit, *state, NULL),
                     FCACHE_OK);
    fcache_pin_release(world.cache, hit.pin);
    assert_int_equal(fcache_del(world.cache, &hit.key, RESPONSES_NOW, NULL),
                     FCACHE_OK);
    assert_string_equal(look(&world, "de"), "");
}

/* What is stored where the alias leads to may be in another language by now. */
static void the_language_is_looked_at(void **state)
{
    static const char *const coders[] = {"http", "json"};
    for (size_t i = 0; i < COUNT(coders); i++) {
        world_t world = make_world(*state, coders[i]);
        store(&world, "en, de", NULL, "Content-Language: de\r\n");
        store(&world, "en, de", NULL, "Content-Language: en\r\n");
        assert_string_equal(look(&world, "de"), "");
        assert_string_equal(look(&world, "en"), "en, de");
    }
}

/* What else than languages a client sends may be in the answer (T12). */
static void only_languages_are_asked_with(void **state)
{
    static const char *const asked[] = {
        "<script>, de",
        "de, en;q=0.5;x=<script>",
        "de, en;q=<script>",
        "de, \"x\"",
    };
    static const char *const plain[] = {"de, *;q=0.1", "de-CH-1996, de;q=0.9"};
    for (size_t i = 0; i < COUNT(asked); i++) {
        world_t world = make_world(*state, "http");
        store(&world, asked[i], NULL, "Content-Language: de\r\n");
        assert_string_equal(look(&world, "de"), "");
        assert_string_equal(look(&world, asked[i]), asked[i]);
    }
    for (size_t i = 0; i < COUNT(plain); i++) {
        world_t world = make_world(*state, "http");
        store(&world, plain[i], NULL, "Content-Language: de\r\n");
        assert_string_equal(look(&world, "de"), plain[i]);
    }
}

/* They count among the variants, so there is an end of them (T12). */
static void aliases_are_few(void **state)
{
    world_t world = make_world(*state, "http");
    for (int i = 0; i < 100; i++) {
        store(&world, apr_psprintf(*state, "x-%d, en", i), NULL,
              apr_psprintf(*state, "Content-Language: x-%d\r\n", i));
    }
    size_t used = 0;
    for (size_t i = 0; i < FAKE_MAX_ITEMS; i++) {
        used += world.store->items[i].used != 0;
    }
    assert_in_range(used, FCACHE_VARY_MAX_VARIANTS,
                    FCACHE_VARY_MAX_VARIANTS + 1);
    assert_string_equal(look(&world, "x-99"), "x-99, en");
    assert_string_equal(look(&world, "x-1"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(by_language),
        pool_test(all_gets_are_one_look_up),
        pool_test(the_same_field_goes_first),
        pool_test(other_fields_select),
        pool_test(one_language_only),
        pool_test(an_alias_to_nothing_is_a_miss),
        pool_test(the_language_is_looked_at),
        pool_test(only_languages_are_asked_with),
        pool_test(aliases_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
