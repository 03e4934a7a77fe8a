/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <apr_strings.h>

/* Bytes that differ from place to place and from seed to seed. */
static fcache_bytes_t noise(contract_t *store, size_t len, uint32_t seed)
{
    char *bytes = apr_palloc(store->pool, len + 1);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (char)(seed >> 24);
    }
    return fcache_bytes(bytes, len);
}

static fcache_value_t value_of(contract_t *store, const fcache_bytes_t *pieces,
                               size_t count)
{
    fcache_bytes_t view;
    fcache_value_t value = contract_value(store, "", 60, &view);
    value.body = pieces;
    value.body_count = count;
    return value;
}

/* Gets and compares with `body`. */
static void check_body(contract_t *store, const fcache_key_t *key,
                       fcache_bytes_t body)
{
    fcache_item_t item;
    assert_int_equal(store->ops->get(store->self, key, CONTRACT_NOW, NULL,
                                     &item, store->pool, NULL),
                     FCACHE_OK);
    fcache_bytes_t got = contract_body(store, &item);
    CHECK_INT(got.len, body.len);
    CHECK_INT(fcache_bytes_equal(got, body), 1);
    if (item.pin) {
        store->ops->release(store->self, item.pin);
    }
}

void contract_bodies_are_bytes(void **state)
{
    static const size_t lens[] = {0,  1,    7,    8,     9,      63,
                                  64, 4095, 4096, 65536, 300001, 1000000};
    contract_t *store = *state;
    uint64_t max = store->ops->max_object(store->self);
    for (size_t i = 0; i < COUNT(lens) && lens[i] <= max; i++) {
        fcache_key_t key =
            contract_key(store, apr_psprintf(store->pool, "body %d", (int)i));
        fcache_bytes_t body = noise(store, lens[i], (uint32_t)i);
        fcache_value_t value = value_of(store, &body, 1);
        ROW(lens[i], "length");
        CHECK_INT(
            store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL),
            FCACHE_OK);
        check_body(store, &key, body);
    }
    fcache_key_t key = contract_key(store, "nul");
    fcache_bytes_t body = fcache_bytes("a\0\r\nb\0", 6);
    fcache_value_t value = value_of(store, &body, 1);
    store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL);
    check_body(store, &key, body);
}

void contract_pieces_are_put_together(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "pieces");
    fcache_bytes_t whole = noise(store, 10000, 3);
    const fcache_bytes_t pieces[] = {
        {whole.ptr, 1}, {whole.ptr + 1, 0},       {whole.ptr + 1, 4999},
        {NULL, 0},      {whole.ptr + 5000, 5000},
    };
    fcache_value_t value = value_of(store, pieces, COUNT(pieces));
    assert_int_equal(
        store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL),
        FCACHE_OK);
    check_body(store, &key, whole);
    value = value_of(store, NULL, 0);
    assert_int_equal(
        store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL),
        FCACHE_OK);
    check_body(store, &key, fcache_bytes("", 0));
}

/* And what was there before stays, or goes, but is never damaged. */
void contract_too_large_is_said(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "large");
    size_t max = (size_t)store->ops->max_object(store->self);
    fcache_bytes_t body = noise(store, max + 1, 5);
    fcache_value_t value = value_of(store, &body, 1);
    contract_put(store, &key, "small", 60);
    assert_int_equal(
        store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL),
        FCACHE_TOO_LARGE);
    contract_get(store, &key, CONTRACT_NOW, "small");
    body.len--;
    assert_int_equal(
        store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL),
        FCACHE_OK);
    check_body(store, &key, body);
}

/* What a get handed out stays as it was until it is released, whatever becomes
 * of the item. */
void contract_pins_keep_what_they_pin(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "pinned");
    fcache_bytes_t body = noise(store, 50000, 7);
    fcache_value_t value = value_of(store, &body, 1);
    fcache_item_t item;
    assert_int_equal(
        store->ops->put(store->self, &key, &value, CONTRACT_NOW, NULL),
        FCACHE_OK);
    assert_int_equal(store->ops->get(store->self, &key, CONTRACT_NOW, NULL,
                                     &item, store->pool, NULL),
                     FCACHE_OK);
    contract_put(store, &key, "replaced", 60);
    store->ops->del(store->self, &key, CONTRACT_NOW, NULL);
    for (int i = 0; i < 600; i++) {
        char *text = apr_psprintf(store->pool, "other %d", i);
        fcache_key_t other = contract_key(store, text);
        fcache_bytes_t filler = noise(store, 50000, (uint32_t)i);
        fcache_value_t more = value_of(store, &filler, 1);
        store->ops->put(store->self, &other, &more, CONTRACT_NOW, NULL);
    }
    assert_true(fcache_bytes_equal(contract_body(store, &item), body));
    if (item.pin) {
        store->ops->release(store->self, item.pin);
    }
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, ""), FCACHE_MISS);
}

/* ---- writers ------------------------------------------------------------- */

static fcache_backend_writer_t *begin(contract_t *store, uint64_t hint)
{
    fcache_backend_writer_t *writer = NULL;
    assert_int_equal(
        store->ops->begin(store->self, hint, &writer, store->pool, NULL),
        FCACHE_OK);
    return writer;
}

/* Writes `body` in pieces of `step` and commits. */
static fcache_status_t write_body(contract_t *store, const fcache_key_t *key,
                                  fcache_bytes_t body, size_t step,
                                  uint64_t hint)
{
    fcache_backend_writer_t *writer = begin(store, hint);
    fcache_value_t value = value_of(store, NULL, 0);
    for (size_t at = 0; at < body.len; at += step) {
        size_t len = body.len - at < step ? body.len - at : step;
        fcache_status_t status =
            store->ops->append(writer, fcache_bytes(body.ptr + at, len), NULL);
        if (status != FCACHE_OK) {
            store->ops->abort(writer);
            return status;
        }
    }
    return store->ops->commit(writer, key, &value, CONTRACT_NOW, NULL);
}

void contract_writers_of_known_length(void **state)
{
    static const size_t lens[] = {0, 1, 5000, 700000};
    contract_t *store = *state;
    for (size_t i = 0; i < COUNT(lens); i++) {
        fcache_key_t key = contract_key(store, "written");
        fcache_bytes_t body = noise(store, lens[i], (uint32_t)i);
        ROW(lens[i], "length");
        CHECK_INT(write_body(store, &key, body, 8192, lens[i]), FCACHE_OK);
        check_body(store, &key, body);
    }
}

/* The hint is a hint: none, too small, too large. */
void contract_writers_of_unknown_length(void **state)
{
    static const struct {
        size_t len, step;
        uint64_t hint;
    } rows[] = {
        {300000, 1000, 0}, {300000, 300000, 0}, {300000, 7, 10},
        {10, 3, 300000},   {0, 1, 5000},
    };
    contract_t *store = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_key_t key = contract_key(store, "written");
        fcache_bytes_t body = noise(store, rows[i].len, (uint32_t)i);
        ROW(i, "hint");
        CHECK_INT(write_body(store, &key, body, rows[i].step, rows[i].hint),
                  FCACHE_OK);
        check_body(store, &key, body);
    }
}

/* What is written and given up does not use up the store. */
void contract_writers_can_give_up(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "written");
    fcache_bytes_t body = noise(store, 200000, 1);
    contract_put(store, &key, "before", 60);
    for (int i = 0; i < 300; i++) {
        fcache_backend_writer_t *writer = begin(store, 0);
        assert_int_equal(store->ops->append(writer, body, NULL), FCACHE_OK);
        store->ops->abort(writer);
    }
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "before"),
                     FCACHE_OK);
    assert_int_equal(write_body(store, &key, body, 1000, 0), FCACHE_OK);
    check_body(store, &key, body);
}

void contract_unfinished_is_not_seen(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "written");
    fcache_bytes_t body = noise(store, 100000, 1);
    fcache_value_t value = value_of(store, NULL, 0);
    fcache_backend_writer_t *writer = begin(store, body.len);
    assert_int_equal(store->ops->append(writer, body, NULL), FCACHE_OK);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, ""), FCACHE_MISS);
    contract_put(store, &key, "meanwhile", 60);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "meanwhile"),
                     FCACHE_OK);
    assert_int_equal(
        store->ops->commit(writer, &key, &value, CONTRACT_NOW, NULL),
        FCACHE_OK);
    check_body(store, &key, body);
}
