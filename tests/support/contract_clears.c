/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <apr_strings.h>

#define MANY 200

static fcache_scope_t scope_of(const contract_t *store,
                               fcache_scope_kind_t kind, const char *ns,
                               const char *tag)
{
    return (fcache_scope_t){.kind = kind,
                            .prefix = fcache_str(store->prefix),
                            .ns = fcache_str(ns),
                            .tag = fcache_str(tag)};
}

static void clear_each(contract_t *store, const fcache_scope_t *scopes,
                       size_t count)
{
    fcache_error_t error = {""};
    if (store->ops->clear(store->self, scopes, count, &error) != FCACHE_OK) {
        fail_msg("clear: %s", error.text);
    }
}

static void clear(contract_t *store, fcache_scope_t scope, int soft)
{
    scope.soft = soft;
    clear_each(store, &scope, 1);
}

/* A length-prefixed list of tags from "a,b". */
static fcache_bytes_t tags_of(contract_t *store, const char *names)
{
    char *list = apr_palloc(store->pool, 3 * strlen(names) + 3);
    size_t len = 0;
    while (*names) {
        size_t name_len = strcspn(names, ",");
        list[len] = (char)name_len;
        list[len + 1] = 0;
        memcpy(list + len + 2, names, name_len);
        len += 2 + name_len;
        names += name_len + (names[name_len] == ',');
    }
    return fcache_bytes(list, len);
}

static void put_tagged(contract_t *store, const fcache_key_t *key,
                       const char *tags, uint64_t epoch)
{
    fcache_bytes_t view;
    fcache_value_t value = contract_value(store, "body", 60, &view);
    value.tags = tags_of(store, tags);
    value.epoch = epoch;
    assert_int_equal(
        store->ops->put(store->self, key, &value, CONTRACT_NOW, NULL),
        FCACHE_OK);
}

static int is_there(contract_t *store, const fcache_key_t *key)
{
    return contract_get(store, key, CONTRACT_NOW, "body") == FCACHE_OK;
}

/* 1 soft, 0 not; the item must be there. */
static int is_soft(contract_t *store, const fcache_key_t *key)
{
    fcache_item_t item;
    assert_int_equal(store->ops->get(store->self, key, CONTRACT_NOW, NULL,
                                     &item, store->pool, NULL),
                     FCACHE_OK);
    if (item.pin) {
        store->ops->release(store->self, item.pin);
    }
    return item.soft_purged;
}

void contract_clear_all(void **state)
{
    contract_t *store = *state;
    fcache_key_t a = contract_key(store, "a");
    fcache_key_t b = contract_key_in(store, store->other_prefix, "m", "b");
    contract_put(store, &a, "body", 60);
    contract_put(store, &b, "body", 60);
    clear(store, scope_of(store, FCACHE_SCOPE_ALL, "", ""), 0);
    assert_false(is_there(store, &a));
    assert_false(is_there(store, &b));
    contract_put(store, &a, "body", 60);
    assert_true(is_there(store, &a));
}

/* Not what only starts like it. */
void contract_clear_prefix(void **state)
{
    contract_t *store = *state;
    fcache_key_t a = contract_key_in(store, store->prefix, "n", "a");
    fcache_key_t b = contract_key_in(store, store->prefix, "", "b");
    fcache_key_t c = contract_key_in(store, store->other_prefix, "n", "c");
    contract_put(store, &a, "body", 60);
    contract_put(store, &b, "body", 60);
    contract_put(store, &c, "body", 60);
    clear(store, scope_of(store, FCACHE_SCOPE_PREFIX, "", ""), 0);
    assert_false(is_there(store, &a));
    assert_false(is_there(store, &b));
    assert_true(is_there(store, &c));
}

void contract_clear_namespace(void **state)
{
    contract_t *store = *state;
    const struct {
        fcache_key_t key;
        int stays;
    } rows[] = {
        {contract_key_in(store, store->prefix, "a", "1"), 0},
        {contract_key_in(store, store->prefix, "a", "2"), 0},
        {contract_key_in(store, store->prefix, "ab", "1"), 1},
        {contract_key_in(store, store->prefix, "", "1"), 1},
        {contract_key_in(store, store->prefix, "A", "1"), 1},
        {contract_key_in(store, store->other_prefix, "a", "1"), 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        contract_put(store, &rows[i].key, "body", 60);
    }
    clear(store, scope_of(store, FCACHE_SCOPE_NAMESPACE, "a", ""), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].key.name.ptr);
        CHECK_INT(is_there(store, &rows[i].key), rows[i].stays);
    }
    contract_put(store, &rows[0].key, "body", 60);
    assert_true(is_there(store, &rows[0].key));
}

void contract_clear_tag(void **state)
{
    contract_t *store = *state;
    const struct {
        fcache_key_t key;
        const char *tags;
        int stays;
    } rows[] = {
        {contract_key(store, "1"), "red", 0},
        {contract_key(store, "2"), "blue,red,green", 0},
        {contract_key(store, "3"), "blue", 1},
        {contract_key(store, "4"), "", 1},
        {contract_key(store, "5"), "redd,re", 1},
        {contract_key_in(store, store->prefix, "m", "1"), "red", 0},
        {contract_key_in(store, store->other_prefix, "n", "1"), "red", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        put_tagged(store, &rows[i].key, rows[i].tags,
                   store->ops->epoch(store->self));
    }
    clear(store, scope_of(store, FCACHE_SCOPE_TAG, "", "red"), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].tags);
        CHECK_INT(is_there(store, &rows[i].key), rows[i].stays);
    }
    put_tagged(store, &rows[0].key, "red", store->ops->epoch(store->self));
    assert_true(is_there(store, &rows[0].key));
}

void contract_soft_clear_leaves_it_stale(void **state)
{
    contract_t *store = *state;
    const fcache_scope_t scopes[] = {
        scope_of(store, FCACHE_SCOPE_ALL, "", ""),
        scope_of(store, FCACHE_SCOPE_PREFIX, "", ""),
        scope_of(store, FCACHE_SCOPE_NAMESPACE, "n", ""),
        scope_of(store, FCACHE_SCOPE_TAG, "", "red"),
    };
    fcache_key_t key = contract_key(store, "a");
    fcache_key_t other = contract_key_in(store, store->other_prefix, "m", "b");
    for (size_t i = 0; i < COUNT(scopes); i++) {
        ROW(i, "scope");
        put_tagged(store, &key, "red", store->ops->epoch(store->self));
        put_tagged(store, &other, "blue", store->ops->epoch(store->self));
        CHECK_INT(is_soft(store, &key), 0);
        clear(store, scopes[i], 1);
        CHECK_INT(is_soft(store, &key), 1);
        CHECK_INT(is_soft(store, &other), i == 0);
    }
    put_tagged(store, &key, "red", store->ops->epoch(store->self));
    assert_int_equal(is_soft(store, &key), 0);
}

void contract_hard_clear_beats_soft(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    fcache_scope_t ns = scope_of(store, FCACHE_SCOPE_NAMESPACE, "n", "");
    fcache_scope_t prefix = scope_of(store, FCACHE_SCOPE_PREFIX, "", "");
    contract_put(store, &key, "body", 60);
    clear(store, prefix, 1);
    clear(store, ns, 0);
    assert_false(is_there(store, &key));
    contract_put(store, &key, "body", 60);
    clear(store, ns, 0);
    clear(store, prefix, 1);
    assert_false(is_there(store, &key));
}

/* What was computed before a clear and stored after it is not served. */
void contract_older_than_a_clear_is_not_served(void **state)
{
    contract_t *store = *state;
    const fcache_scope_t scopes[] = {
        scope_of(store, FCACHE_SCOPE_ALL, "", ""),
        scope_of(store, FCACHE_SCOPE_PREFIX, "", ""),
        scope_of(store, FCACHE_SCOPE_NAMESPACE, "n", ""),
        scope_of(store, FCACHE_SCOPE_TAG, "", "red"),
    };
    fcache_key_t key = contract_key(store, "a");
    for (size_t i = 0; i < COUNT(scopes); i++) {
        uint64_t before = store->ops->epoch(store->self);
        ROW(i, "scope");
        clear(store, scopes[i], 0);
        put_tagged(store, &key, "red", before);
        CHECK_INT(is_there(store, &key), 0);
        put_tagged(store, &key, "red", store->ops->epoch(store->self));
        CHECK_INT(is_there(store, &key), 1);
        before = store->ops->epoch(store->self);
        clear(store, scopes[i], 1);
        put_tagged(store, &key, "red", before);
        CHECK_INT(is_soft(store, &key), 1);
    }
}

void contract_epochs_only_grow(void **state)
{
    contract_t *store = *state;
    uint64_t last = store->ops->epoch(store->self);
    for (int i = 0; i < 10; i++) {
        clear(store, scope_of(store, FCACHE_SCOPE_NAMESPACE, "n", ""), i % 2);
        uint64_t next = store->ops->epoch(store->self);
        assert_true(next > last);
        last = next;
    }
}

/* ---- several at once ----------------------------------------------------- */

/* Hard and soft ones, of each kind. */
void contract_lists_clear_each_of_their_scopes(void **state)
{
    contract_t *store = *state;
    fcache_scope_t scopes[] = {
        scope_of(store, FCACHE_SCOPE_TAG, "", "red"),
        scope_of(store, FCACHE_SCOPE_TAG, "", "blue"),
        scope_of(store, FCACHE_SCOPE_NAMESPACE, "m", ""),
        scope_of(store, FCACHE_SCOPE_TAG, "", "green"),
        scope_of(store, FCACHE_SCOPE_NAMESPACE, "o", ""),
    };
    const struct {
        fcache_key_t key;
        const char *tags;
        const char *left; /* "fresh", "stale" or "" */
    } rows[] = {
        {contract_key(store, "1"), "red", ""},
        {contract_key(store, "2"), "blue", ""},
        {contract_key_in(store, store->prefix, "m", "3"), "", ""},
        {contract_key(store, "4"), "green", "stale"},
        {contract_key_in(store, store->prefix, "o", "5"), "", "stale"},
        {contract_key(store, "6"), "green,red", ""},
        {contract_key(store, "7"), "black", "fresh"},
        {contract_key_in(store, store->other_prefix, "m", "8"), "red,green",
         "fresh"},
    };
    scopes[3].soft = scopes[4].soft = 1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        put_tagged(store, &rows[i].key, rows[i].tags,
                   store->ops->epoch(store->self));
    }
    clear_each(store, scopes, COUNT(scopes));
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].tags);
        CHECK_INT(is_there(store, &rows[i].key), rows[i].left[0] != '\0');
        if (rows[i].left[0]) {
            CHECK_INT(is_soft(store, &rows[i].key), rows[i].left[0] == 's');
        }
    }
}

void contract_lists_name_scopes_twice(void **state)
{
    contract_t *store = *state;
    fcache_scope_t red = scope_of(store, FCACHE_SCOPE_TAG, "", "red");
    fcache_scope_t scopes[] = {red, red, red};
    fcache_key_t key = contract_key(store, "a");
    for (int hard = 0; hard < 2; hard++) {
        scopes[0].soft = scopes[1].soft = 1;
        scopes[2].soft = !hard;
        put_tagged(store, &key, "red", store->ops->epoch(store->self));
        clear_each(store, scopes, COUNT(scopes));
        assert_int_equal(is_there(store, &key), !hard);
        assert_true(hard || is_soft(store, &key));
        put_tagged(store, &key, "red", store->ops->epoch(store->self));
        assert_true(is_there(store, &key));
        assert_int_equal(is_soft(store, &key), 0);
    }
}

void contract_empty_lists_clear_nothing(void **state)
{
    contract_t *store = *state;
    fcache_key_t key = contract_key(store, "a");
    contract_put(store, &key, "body", 60);
    clear_each(store, NULL, 0);
    assert_true(is_there(store, &key));
    assert_int_equal(is_soft(store, &key), 0);
}

/* More than any request of a store holds; the last one counts too. */
void contract_lists_may_be_long(void **state)
{
    contract_t *store = *state;
    fcache_scope_t scopes[MANY];
    fcache_key_t first = contract_key(store, "first");
    fcache_key_t last = contract_key(store, "last");
    fcache_key_t other = contract_key(store, "other");
    for (size_t i = 0; i < MANY; i++) {
        scopes[i] =
            scope_of(store, FCACHE_SCOPE_TAG, "",
                     apr_psprintf(store->pool, "tag%" APR_SIZE_T_FMT, i));
    }
    put_tagged(store, &first, "tag0", store->ops->epoch(store->self));
    put_tagged(store, &last, apr_psprintf(store->pool, "tag%d", MANY - 1),
               store->ops->epoch(store->self));
    contract_put(store, &other, "body", 60);
    clear_each(store, scopes, MANY);
    assert_false(is_there(store, &first));
    assert_false(is_there(store, &last));
    assert_true(is_there(store, &other));
}
