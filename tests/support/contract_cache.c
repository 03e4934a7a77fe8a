/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"
#include "requests.h"

#include <apr_strings.h>

/* What the cache makes of a store: values, responses, variants. */

static const fcache_bytes_t none = {NULL, 0};
static const fcache_bytes_t vary_on_x = {"\x01\0x", 3};

static int64_t after(int64_t seconds)
{
    return CONTRACT_NOW + seconds * FCACHE_US_PER_S;
}

static fcache_entry_t entry_of(contract_t *store)
{
    fcache_entry_t entry = {
        .kind = FCACHE_ENTRY_RESPONSE,
        .status = 200,
        .generation = fcache_epoch(store->cache),
        .created_us = CONTRACT_NOW,
        .fresh_until_us = after(60),
        .stale_until_us = after(60),
        .fields = fcache_str("A: b\r\n"),
    };
    return entry;
}

/* A request whose field X is `x`. */
static fcache_request_t request_of(contract_t *store, const char *x)
{
    fcache_field_t *field = apr_palloc(store->pool, sizeof(*field));
    *field = (fcache_field_t){fcache_str("X"), fcache_str(x)};
    return plain_request(field, 1);
}

static void store_response(contract_t *store, const fcache_key_t *key,
                           const char *coder, const char *body,
                           fcache_bytes_t vary, const fcache_request_t *request)
{
    fcache_writer_t *writer = NULL;
    fcache_error_t error = {""};
    fcache_entry_t entry = entry_of(store);
    size_t half = strlen(body) / 2;
    assert_int_equal(fcache_writer_begin(store->cache, fcache_str(coder), 0,
                                         &writer, store->pool, NULL),
                     FCACHE_OK);
    assert_int_equal(
        fcache_writer_append(writer, fcache_bytes(body, half), NULL),
        FCACHE_OK);
    assert_int_equal(
        fcache_writer_append(writer, fcache_str(body + half), NULL), FCACHE_OK);
    if (fcache_writer_commit(writer, key, &entry, vary, request, CONTRACT_NOW,
                             &error) != FCACHE_OK) {
        fail_msg("commit: %s", error.text);
    }
}

/* Looks up; a hit must have that body. Answers the status, or EXISTS for a hit
 * that was softly purged. */
static fcache_status_t look(contract_t *store, const fcache_key_t *key,
                            const fcache_request_t *request, int64_t now_us,
                            const char *body)
{
    fcache_hit_t hit;
    fcache_error_t error = {""};
    fcache_status_t status = fcache_lookup(store->cache, key, request, now_us,
                                           NULL, &hit, store->pool, &error);
    if (fcache_status_is_fault(status)) {
        fail_msg("lookup: %s", error.text);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    fcache_item_t item = {.body = hit.body, .body_count = hit.body_count};
    CHECK_TEXT(contract_body(store, &item), body);
    CHECK_TEXT(hit.entry.fields, "A: b\r\n");
    fcache_pin_release(store->cache, hit.pin);
    return hit.soft_purged ? FCACHE_EXISTS : FCACHE_OK;
}

void contract_values_go_through_the_cache(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "value");
    fcache_scope_t scope = {.kind = FCACHE_SCOPE_TAG,
                            .prefix = fcache_str(store->prefix),
                            .tag = fcache_str("red"),
                            .soft = 1};
    fcache_bytes_t value;
    int64_t ttl_us = 0;
    uint64_t epoch = fcache_epoch(store->cache);
    assert_int_equal(fcache_put(store->cache, &key, fcache_bytes("a\0b", 3), 60,
                                fcache_bytes("\x03\0red", 5), epoch,
                                CONTRACT_NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_get(store->cache, &key, after(20), &value, &ttl_us,
                                store->pool, NULL),
                     FCACHE_OK);
    assert_true(fcache_bytes_equal(value, fcache_bytes("a\0b", 3)));
    assert_int_equal(ttl_us, 40 * FCACHE_US_PER_S);
    assert_int_equal(fcache_add(store->cache, &key, none, 60, none, epoch,
                                CONTRACT_NOW, NULL),
                     FCACHE_EXISTS);
    assert_int_equal(fcache_clear(store->cache, &scope, 1, NULL), FCACHE_OK);
    assert_int_equal(fcache_get(store->cache, &key, CONTRACT_NOW, &value, NULL,
                                store->pool, NULL),
                     FCACHE_MISS);
}

void contract_responses_go_through_the_cache(void **state)
{
    static const char *const coders[] = {"http", "json"};
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "response");
    for (size_t i = 0; i < COUNT(coders); i++) {
        ROW(i, coders[i]);
        store_response(store, &key, coders[i], coders[i], none, NULL);
        CHECK_INT(look(store, &key, NULL, after(59), coders[i]), FCACHE_OK);
        CHECK_INT(fcache_del(store->cache, &key, CONTRACT_NOW, NULL),
                  FCACHE_OK);
        CHECK_INT(look(store, &key, NULL, CONTRACT_NOW, ""), FCACHE_MISS);
        store_response(store, &key, coders[i], coders[i], none, NULL);
        CHECK_INT(look(store, &key, NULL, after(60), ""), FCACHE_MISS);
    }
}

/* The body that is written is the one that is pinned under the same key. */
void contract_refreshed_from_its_own_pin(void **state)
{
    static const char *const coders[] = {"http", "json"};
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "refreshed");
    for (size_t i = 0; i < COUNT(coders); i++) {
        fcache_hit_t hit;
        ROW(i, coders[i]);
        store_response(store, &key, coders[i], "the body", none, NULL);
        CHECK_INT(fcache_lookup(store->cache, &key, NULL, CONTRACT_NOW, NULL,
                                &hit, store->pool, NULL),
                  FCACHE_OK);
        fcache_entry_t renewed = hit.entry;
        renewed.fresh_until_us = after(600);
        renewed.stale_until_us = after(600);
        CHECK_INT(
            fcache_refresh(store->cache, &hit, &renewed, CONTRACT_NOW, NULL),
            FCACHE_OK);
        fcache_pin_release(store->cache, hit.pin);
        CHECK_INT(look(store, &key, NULL, after(599), "the body"), FCACHE_OK);
    }
}

void contract_unfinished_responses_leave_nothing(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "unfinished");
    for (int i = 0; i < 200; i++) {
        fcache_writer_t *writer = NULL;
        apr_pool_t *request = NULL;
        char body[20000];
        memset(body, i, sizeof(body));
        apr_pool_create(&request, store->pool);
        assert_int_equal(fcache_writer_begin(store->cache, fcache_str("http"),
                                             0, &writer, request, NULL),
                         FCACHE_OK);
        assert_int_equal(fcache_writer_append(
                             writer, fcache_bytes(body, sizeof(body)), NULL),
                         FCACHE_OK);
        apr_pool_destroy(request);
    }
    assert_int_equal(look(store, &key, NULL, CONTRACT_NOW, ""), FCACHE_MISS);
}

/* RFC 9111 §4.1 */
void contract_variants_go_through_the_cache(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "varied");
    fcache_request_t a = request_of(store, "a");
    fcache_request_t b = request_of(store, "b");
    fcache_request_t c = request_of(store, "c");
    store_response(store, &key, "http", "for a", vary_on_x, &a);
    store_response(store, &key, "json", "for b", vary_on_x, &b);
    assert_int_equal(look(store, &key, &a, CONTRACT_NOW, "for a"), FCACHE_OK);
    assert_int_equal(look(store, &key, &b, CONTRACT_NOW, "for b"), FCACHE_OK);
    assert_int_equal(look(store, &key, &c, CONTRACT_NOW, ""), FCACHE_MISS);
    assert_int_equal(fcache_del(store->cache, &key, CONTRACT_NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(look(store, &key, &a, CONTRACT_NOW, ""), FCACHE_MISS);
    assert_int_equal(look(store, &key, &b, CONTRACT_NOW, ""), FCACHE_MISS);
}

static void clear_namespace(contract_t *store, int soft)
{
    fcache_scope_t scope = {.kind = FCACHE_SCOPE_NAMESPACE,
                            .prefix = fcache_str(store->prefix),
                            .ns = fcache_str("n"),
                            .soft = soft};
    assert_int_equal(fcache_clear(store->cache, &scope, 1, NULL), FCACHE_OK);
}

void contract_variants_are_cleared_with_the_rest(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "varied");
    fcache_request_t a = request_of(store, "a");
    store_response(store, &key, "http", "for a", vary_on_x, &a);
    clear_namespace(store, 0);
    assert_int_equal(look(store, &key, &a, CONTRACT_NOW, ""), FCACHE_MISS);
    store_response(store, &key, "http", "new", vary_on_x, &a);
    assert_int_equal(look(store, &key, &a, CONTRACT_NOW, "new"), FCACHE_OK);
}

/* Each variant is as fresh as itself; the index has no say in it. */
void contract_variants_renew_after_a_soft_clear(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "varied");
    fcache_request_t a = request_of(store, "a");
    fcache_request_t b = request_of(store, "b");
    store_response(store, &key, "http", "for a", vary_on_x, &a);
    store_response(store, &key, "http", "for b", vary_on_x, &b);
    clear_namespace(store, 1);
    assert_int_equal(look(store, &key, &a, CONTRACT_NOW, "for a"),
                     FCACHE_EXISTS);
    store_response(store, &key, "http", "new a", vary_on_x, &a);
    assert_int_equal(look(store, &key, &a, CONTRACT_NOW, "new a"), FCACHE_OK);
    assert_int_equal(look(store, &key, &b, CONTRACT_NOW, "for b"),
                     FCACHE_EXISTS);
}
