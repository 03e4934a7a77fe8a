/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <apr_strings.h>
#include <apr_time.h>

static int64_t after(int64_t seconds)
{
    return CONTRACT_NOW + seconds * FCACHE_US_PER_S;
}

static fcache_status_t add(contract_t *store, const fcache_key_t *key,
                           const char *body, int64_t ttl_s, int64_t now_us)
{
    fcache_bytes_t view;
    fcache_value_t value = contract_value(store, body, ttl_s, &view);
    return store->ops->add(store->self, key, &value, now_us, NULL, NULL);
}

void contract_what_is_absent_is_missed(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "absent");
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, ""), FCACHE_MISS);
    assert_int_equal(store->ops->del(store->self, &key, CONTRACT_NOW, NULL),
                     FCACHE_MISS);
    assert_int_equal(
        store->ops->touch(store->self, &key, after(9), CONTRACT_NOW, NULL),
        FCACHE_MISS);
}

void contract_what_is_put_is_got(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    fcache_item_t item;
    contract_put(store, &key, "one", 60);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "one"), FCACHE_OK);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "one"), FCACHE_OK);
    assert_int_equal(store->ops->get(store->self, &key, CONTRACT_NOW, NULL,
                                     &item, store->pool, NULL),
                     FCACHE_OK);
    assert_int_equal(item.dead_us, after(60));
    assert_int_equal(item.soft_purged, 0);
    if (item.pin) {
        store->ops->release(store->self, item.pin);
    }
}

void contract_put_replaces(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    contract_put(store, &key, "one", 60);
    contract_put(store, &key, "another, longer", 30);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "another, longer"),
                     FCACHE_OK);
    assert_int_equal(contract_get(store, &key, after(31), ""), FCACHE_MISS);
    contract_put(store, &key, "", 60);
    assert_int_equal(contract_get(store, &key, after(31), ""), FCACHE_OK);
}

void contract_keys_are_apart(void **state)
{
    enum { KEYS = 500 };
    contract_t *store = *state;
    for (int i = 0; i < KEYS; i++) {
        char *text = apr_psprintf(store->pool, "key %d", i);
        fcache_key_t key = contract_key(store, text);
        contract_put(store, &key, text, 60);
    }
    for (int i = 0; i < KEYS; i++) {
        char *text = apr_psprintf(store->pool, "key %d", i);
        fcache_key_t key = contract_key(store, text);
        ROW(i, "key");
        CHECK_INT(contract_get(store, &key, CONTRACT_NOW, text), FCACHE_OK);
    }
    fcache_key_t one = contract_key_in(store, store->prefix, "n", "same");
    fcache_key_t two = contract_key_in(store, store->prefix, "m", "same");
    fcache_key_t three =
        contract_key_in(store, store->other_prefix, "n", "same");
    contract_put(store, &one, "1", 60);
    contract_put(store, &two, "2", 60);
    contract_put(store, &three, "3", 60);
    assert_int_equal(contract_get(store, &one, CONTRACT_NOW, "1"), FCACHE_OK);
    assert_int_equal(contract_get(store, &two, CONTRACT_NOW, "2"), FCACHE_OK);
    assert_int_equal(contract_get(store, &three, CONTRACT_NOW, "3"), FCACHE_OK);
}

/* A name has the same length whatever was asked for, and the longest labels. */
void contract_long_canonical_keys_are_fine(void **state)
{
    contract_t *store = *state;
    char text[2001];
    char label[FCACHE_KEY_MAX_LABEL + 1];
    memset(text, 'u', sizeof(text) - 1);
    memset(label, 'L', sizeof(label) - 1);
    text[sizeof(text) - 1] = '\0';
    label[sizeof(label) - 1] = '\0';
    fcache_key_t key = contract_key_in(store, store->prefix, label, text);
    contract_put(store, &key, "long", 60);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "long"),
                     FCACHE_OK);
    text[0] = 'v';
    key = contract_key_in(store, store->prefix, label, text);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, ""), FCACHE_MISS);
}

void contract_add_is_for_the_first(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "lock");
    assert_int_equal(add(store, &key, "one", 10, CONTRACT_NOW), FCACHE_OK);
    assert_int_equal(add(store, &key, "two", 10, CONTRACT_NOW), FCACHE_EXISTS);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "one"), FCACHE_OK);
    assert_int_equal(add(store, &key, "late", 60, after(10)), FCACHE_OK);
    assert_int_equal(contract_get(store, &key, after(10), "late"), FCACHE_OK);
    assert_int_equal(store->ops->del(store->self, &key, after(10), NULL),
                     FCACHE_OK);
    assert_int_equal(add(store, &key, "again", 60, after(10)), FCACHE_OK);
}

void contract_deleted_is_gone(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    fcache_key_t other = contract_key(store, "b");
    contract_put(store, &key, "one", 60);
    contract_put(store, &other, "two", 60);
    assert_int_equal(store->ops->del(store->self, &key, CONTRACT_NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, ""), FCACHE_MISS);
    assert_int_equal(store->ops->del(store->self, &key, CONTRACT_NOW, NULL),
                     FCACHE_MISS);
    assert_int_equal(contract_get(store, &other, CONTRACT_NOW, "two"),
                     FCACHE_OK);
    contract_put(store, &key, "three", 60);
    assert_int_equal(contract_get(store, &key, CONTRACT_NOW, "three"),
                     FCACHE_OK);
}

void contract_items_die_at_their_time(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    contract_put(store, &key, "one", 10);
    assert_int_equal(contract_get(store, &key, after(10) - 1, "one"),
                     FCACHE_OK);
    assert_int_equal(contract_get(store, &key, after(10), ""), FCACHE_MISS);
    contract_put(store, &key, "two", 10);
    assert_int_equal(store->ops->del(store->self, &key, after(11), NULL),
                     FCACHE_MISS);
}

/* Also by the store's own clock, wherever in its second it is. */
void contract_items_live_to_their_time(void **state)
{
    contract_t *store = *state;
    for (int i = 0; i < 12; i++) {
        fcache_key_t key =
            contract_key(store, apr_psprintf(store->pool, "life %d", i));
        apr_time_t start = apr_time_now();
        contract_put(store, &key, "one", 1);
        apr_sleep(100 * 1000);
        fcache_status_t status = contract_get(store, &key, CONTRACT_NOW, "one");
        assert_true(status == FCACHE_OK ||
                    apr_time_now() - start > FCACHE_US_PER_S);
    }
}

void contract_touch_moves_the_end(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    contract_put(store, &key, "one", 10);
    assert_int_equal(
        store->ops->touch(store->self, &key, after(60), CONTRACT_NOW, NULL),
        FCACHE_OK);
    assert_int_equal(contract_get(store, &key, after(59), "one"), FCACHE_OK);
    assert_int_equal(
        store->ops->touch(store->self, &key, after(5), CONTRACT_NOW, NULL),
        FCACHE_OK);
    assert_int_equal(contract_get(store, &key, after(4), "one"), FCACHE_OK);
    assert_int_equal(contract_get(store, &key, after(5), ""), FCACHE_MISS);
    assert_int_equal(
        store->ops->touch(store->self, &key, after(90), after(5), NULL),
        FCACHE_MISS);
}

/* ---- listing ------------------------------------------------------------- */

typedef struct listing_t {
    const contract_t *store;
    unsigned seen; /* one bit an item of ours */
    unsigned calls;
    int stop;
} listing_t;

static int note(void *baton, const fcache_listed_t *item)
{
    listing_t *listing = baton;
    size_t prefix_len = strlen(listing->store->prefix);
    listing->calls++;
    if (item->name.len <= prefix_len + 1 ||
        memcmp(item->name.ptr, listing->store->prefix, prefix_len) != 0 ||
        item->name.ptr[prefix_len] != ':') {
        return listing->stop;
    }
    assert_int_equal(item->body_len, 1);
    assert_true(item->dead_us > CONTRACT_NOW);
    assert_int_equal(item->head.len, sizeof("the head of x") - 1);
    unsigned bit = 1u << (item->head.ptr[item->head.len - 1] - 'a');
    assert_int_equal(listing->seen & bit, 0);
    listing->seen |= bit;
    return listing->stop;
}

int contract_lists_nothing;

/* 1 when there is something to look at. */
static int list(contract_t *store, int64_t now_us, listing_t *listing)
{
    fcache_error_t error = {""};
    fcache_status_t status =
        store->ops->list(store->self, now_us, note, listing, &error);
    assert_int_equal(status,
                     contract_lists_nothing ? FCACHE_UNSUPPORTED : FCACHE_OK);
    assert_true(!contract_lists_nothing || error.text[0]);
    return status == FCACHE_OK;
}

void contract_what_is_listed_is_there(void **state)
{
    static const char *const bodies[] = {"a", "b", "c", "d"};
    contract_t *store = *state;
    listing_t listing = {store, 0, 0, 0};
    fcache_key_t keys[COUNT(bodies)];
    for (size_t i = 0; i < COUNT(bodies); i++) {
        keys[i] = contract_key(store, bodies[i]);
        contract_put(store, &keys[i], bodies[i], 60);
    }
    contract_put(store, &keys[1], "b", 90);
    store->ops->del(store->self, &keys[2], CONTRACT_NOW, NULL);
    contract_put(store, &keys[3], "d", 5);
    int lists = list(store, after(6), &listing);
    assert_int_equal(listing.seen, lists ? 3 : 0);
}

void contract_listing_stops_when_told(void **state)
{
    contract_t *store = *state;
    listing_t listing = {store, 0, 0, 1};
    fcache_key_t a = contract_key(store, "a");
    fcache_key_t b = contract_key(store, "b");
    contract_put(store, &a, "a", 60);
    contract_put(store, &b, "b", 60);
    int lists = list(store, CONTRACT_NOW, &listing);
    assert_int_equal(listing.calls, lists ? 1 : 0);
}

void contract_counters_count(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    fcache_stats_t before;
    fcache_stats_t now;
    assert_int_equal(store->ops->stats(store->self, &before, NULL), FCACHE_OK);
    contract_get(store, &key, CONTRACT_NOW, "");
    contract_put(store, &key, "one", 60);
    contract_get(store, &key, CONTRACT_NOW, "one");
    contract_get(store, &key, CONTRACT_NOW, "one");
    assert_int_equal(store->ops->stats(store->self, &now, NULL), FCACHE_OK);
    assert_int_equal(now.misses - before.misses, 0);
    assert_int_equal(now.hits - before.hits, 0);
    store->ops->count(store->self, 1);
    store->ops->count(store->self, 1);
    store->ops->count(store->self, 0);
    assert_int_equal(store->ops->stats(store->self, &now, NULL), FCACHE_OK);
    assert_int_equal(now.misses - before.misses, 1);
    assert_int_equal(now.hits - before.hits, 2);
    assert_int_equal(now.puts - before.puts, 1);
    store->ops->del(store->self, &key, CONTRACT_NOW, NULL);
    assert_int_equal(store->ops->stats(store->self, &now, NULL), FCACHE_OK);
    assert_int_equal(now.deletes - before.deletes, 1);
    assert_int_equal(now.pins, 0);
    assert_int_equal(now.faults, before.faults);
}
