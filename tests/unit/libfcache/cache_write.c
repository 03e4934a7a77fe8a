/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/cache.h>

#include "fake_store.h"
#include "pool.h"
#include "responses.h"

static const fcache_bytes_t no_vary = {NULL, 0};

static fcache_writer_t *begin(fcache_t *cache, apr_pool_t *pool)
{
    fcache_writer_t *writer = NULL;
    assert_int_equal(
        fcache_writer_begin(cache, fcache_str("http"), 0, &writer, pool, NULL),
        FCACHE_OK);
    return writer;
}

static void pieces_become_one_body(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    fcache_entry_t entry = response_entry(60);
    fcache_writer_t *writer = begin(cache, *state);
    fcache_hit_t hit;
    static const unsigned char zero[16];
    assert_int_equal(fcache_writer_append(writer, fcache_str("ab"), NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_writer_append(writer, fcache_bytes("\0", 1), NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_writer_append(writer, fcache_str(""), NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_writer_length(writer), 3);
    assert_int_equal(fcache_writer_commit(writer, &key, &entry, no_vary, NULL,
                                          RESPONSES_NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_lookup(cache, &key, NULL, RESPONSES_NOW, NULL, &hit,
                                   *state, NULL),
                     FCACHE_OK);
    assert_int_equal(hit.body[0].len, 3);
    assert_memory_equal(hit.body[0].ptr, "ab\0", 3);
    assert_memory_not_equal(hit.entry.body_digest, zero, 16);
    CHECK_TEXT(hit.entry.coder, "http");
    fcache_pin_release(cache, hit.pin);
}

static void coders_must_be_for_responses(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_writer_t *writer = NULL;
    assert_int_equal(
        fcache_writer_begin(cache, fcache_str("raw"), 0, &writer, *state, NULL),
        FCACHE_BAD_INPUT);
    assert_int_equal(fcache_writer_begin(cache, fcache_str("none"), 0, &writer,
                                         *state, NULL),
                     FCACHE_BAD_INPUT);
    assert_null(writer);
}

static void ceiling_is_kept(void **state)
{
    static char mib[1 << 20];
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    fcache_entry_t entry = response_entry(60);
    fcache_writer_t *writer = NULL;
    assert_int_equal(fcache_writer_begin(cache, fcache_str("http"),
                                         sizeof(mib) + 1, &writer, *state,
                                         NULL),
                     FCACHE_TOO_LARGE);
    assert_int_equal(fcache_writer_begin(cache, fcache_str("http"), sizeof(mib),
                                         &writer, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(
        fcache_writer_append(writer, fcache_bytes(mib, sizeof(mib)), NULL),
        FCACHE_OK);
    assert_int_equal(fcache_writer_append(writer, fcache_str("x"), NULL),
                     FCACHE_TOO_LARGE);
    assert_int_equal(fcache_writer_append(writer, fcache_str(""), NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(fcache_writer_commit(writer, &key, &entry, no_vary, NULL,
                                          RESPONSES_NOW, NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(store->puts, 0);
}

/* Sanitizers would find what an unfinished writer leaves behind. */
static void writers_end_with_their_pool(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    apr_pool_t *request = NULL;
    apr_pool_create(&request, *state);
    fcache_writer_append(begin(cache, request), fcache_str("lost"), NULL);
    fcache_writer_abort(begin(cache, request));
    apr_pool_destroy(request);
    assert_int_equal(store->puts, 0);
}

static void faults_of_the_store_end_the_writer(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    fcache_entry_t entry = response_entry(60);
    store->fail_put = FCACHE_UNAVAILABLE;
    assert_int_equal(
        response_store(cache, "http", &key, &entry, "b", no_vary, NULL, *state),
        FCACHE_UNAVAILABLE);
    store->fail_put = FCACHE_OK;
    entry.fields = fcache_str("A: b\r\n\r\n"); /* T14 */
    assert_int_equal(
        response_store(cache, "http", &key, &entry, "b", no_vary, NULL, *state),
        FCACHE_BAD_INPUT);
    assert_int_equal(store->puts, 1);
}

static void json_is_a_document_in_the_store(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    fcache_entry_t entry = response_entry(60);
    assert_int_equal(response_store(cache, "json", &key, &entry, "body",
                                    no_vary, NULL, *state),
                     FCACHE_OK);
    fake_item_t *item = fake_store_find(store, key.name);
    CHECK_TEXT(item->body, "{\"status\":200,\"fields\":[[\"Content-Type\","
                           "\"text/plain\"]],\"body\":\"body\"}");
    fcache_entry_t head;
    assert_int_equal(fcache_entry_decode(
                         fcache_bytes(item->head, item->head_len), &head, NULL),
                     FCACHE_OK);
    assert_int_equal(head.fields.len, 0);
    assert_int_equal(head.body_len, item->body.len);
    assert_int_equal(
        response_lookup(cache, &key, NULL, RESPONSES_NOW, "body", *state),
        FCACHE_OK);
    assert_int_equal(store->pins, 0);
}

/* A decoded hit needs no pin, so nothing of it may lie in the store. */
static void decoded_hits_outlive_the_item(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    fcache_entry_t entry = response_entry(60);
    fcache_hit_t hit;
    response_store(cache, "json", &key, &entry, "body", no_vary, NULL, *state);
    assert_int_equal(fcache_lookup(cache, &key, NULL, RESPONSES_NOW, NULL, &hit,
                                   *state, NULL),
                     FCACHE_OK);
    assert_null(hit.pin);
    fcache_del(cache, &key, RESPONSES_NOW, NULL);
    CHECK_TEXT(hit.entry.etag, "\"v\"");
    CHECK_TEXT(hit.entry.coder, "json");
    assert_true(fcache_bytes_equal(hit.entry.canonical, key.canonical));
    CHECK_TEXT(hit.body[0], "body");
}

/* The head's status counts, and a document must agree with it. */
static void json_and_head_must_agree(void **state)
{
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    fcache_entry_t entry = response_entry(60);
    fcache_hit_t hit;
    response_store(cache, "json", &key, &entry, "body", no_vary, NULL, *state);
    fake_item_t *item = fake_store_find(store, key.name);
    item->head[12] = (char)201;
    assert_int_equal(fcache_lookup(cache, &key, NULL, RESPONSES_NOW, NULL, &hit,
                                   *state, NULL),
                     FCACHE_CORRUPT);
    assert_int_equal(store->pins, 0);
}

/* A 304 renews the head and keeps the body, whatever the coder. */
static void refresh_keeps_the_body(void **state)
{
    static const char *const coders[] = {"http", "json"};
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    for (size_t i = 0; i < COUNT(coders); i++) {
        fcache_entry_t entry = response_entry(60);
        fcache_hit_t hit;
        ROW(i, coders[i]);
        response_store(cache, coders[i], &key, &entry, "body", no_vary, NULL,
                       *state);
        CHECK_INT(fcache_lookup(cache, &key, NULL, RESPONSES_NOW, NULL, &hit,
                                *state, NULL),
                  FCACHE_OK);
        fcache_entry_t renewed = hit.entry;
        renewed.fresh_until_us += 60 * FCACHE_US_PER_S;
        renewed.stale_until_us = renewed.fresh_until_us;
        CHECK_INT(fcache_refresh(cache, &hit, &renewed, RESPONSES_NOW, NULL),
                  FCACHE_OK);
        CHECK_INT(response_lookup(cache, &key, NULL,
                                  RESPONSES_NOW + 100 * FCACHE_US_PER_S, "body",
                                  *state),
                  FCACHE_OK);
    }
}

/* What is known not to be cacheable has no body and no coder's document. */
static void uncacheable_is_remembered(void **state)
{
    static const char *const coders[] = {"http", "json"};
    fake_store_t *store;
    fcache_t *cache = fake_cache(*state, &store);
    fcache_key_t key = response_key("/a", *state);
    for (size_t i = 0; i < COUNT(coders); i++) {
        fcache_entry_t entry = response_entry(60);
        fcache_hit_t hit;
        entry.kind = FCACHE_ENTRY_UNCACHEABLE;
        response_store(cache, coders[i], &key, &entry, "", no_vary, NULL,
                       *state);
        assert_int_equal(fcache_lookup(cache, &key, NULL, RESPONSES_NOW, NULL,
                                       &hit, *state, NULL),
                         FCACHE_OK);
        assert_int_equal(hit.entry.kind, FCACHE_ENTRY_UNCACHEABLE);
        assert_int_equal(hit.entry.body_len, 0);
        fcache_pin_release(cache, hit.pin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(pieces_become_one_body),
        pool_test(coders_must_be_for_responses),
        pool_test(ceiling_is_kept),
        pool_test(writers_end_with_their_pool),
        pool_test(faults_of_the_store_end_the_writer),
        pool_test(json_is_a_document_in_the_store),
        pool_test(decoded_hits_outlive_the_item),
        pool_test(json_and_head_must_agree),
        pool_test(refresh_keeps_the_body),
        pool_test(uncacheable_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
