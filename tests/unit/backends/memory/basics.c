/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

static void put_get_replace_delete(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    assert_string_equal(get_text(&box, "a"), "-");
    assert_int_equal(put_text(&box, "a", "one"), FCACHE_OK);
    assert_string_equal(get_text(&box, "a"), "one");
    assert_int_equal(put_text(&box, "a", "two"), FCACHE_OK);
    assert_string_equal(get_text(&box, "a"), "two");
    assert_string_equal(get_text(&box, "b"), "-");
    assert_int_equal(del(&box, "a"), FCACHE_OK);
    assert_int_equal(del(&box, "a"), FCACHE_MISS);
    assert_string_equal(get_text(&box, "a"), "-");

    fcache_stats_t stats = stats_of(&box);
    CHECK_INT(stats.puts, 2);
    CHECK_INT(stats.hits, 0); /* whoever asked counts */
    CHECK_INT(stats.misses, 0);
    CHECK_INT(stats.deletes, 1);
    CHECK_INT(stats.entries, 0);
    CHECK_INT(stats.bytes_used, 0);
    CHECK_INT(stats.processes, 1);
    box_check(&box);
    box_close(&box);
}

static void empty_parts(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_key_t key = key_of("", "", "x", box.pool);
    fcache_value_t value = {.dead_us = LATER, .epoch = 1};
    fcache_item_t item;
    assert_int_equal(ops->put(box.store, &key, &value, NOW, NULL), FCACHE_OK);
    assert_int_equal(
        ops->get(box.store, &key, NOW, NULL, &item, box.pool, &box.error),
        FCACHE_OK);
    assert_int_equal(item.body_count, 0);
    assert_int_equal(item.head.len, 0);
    box_close(&box);
}

static void add_only_once(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_bytes_t body = fcache_str("first");
    fcache_key_t key = key_of("p", "n", "a", box.pool);
    fcache_value_t value = value_of(box.store, &body);
    assert_int_equal(ops->add(box.store, &key, &value, NOW, NULL, NULL),
                     FCACHE_OK);
    assert_int_equal(ops->add(box.store, &key, &value, NOW, NULL, NULL),
                     FCACHE_EXISTS);
    /* one that is past its time does not count */
    assert_int_equal(ops->add(box.store, &key, &value, LATER, NULL, NULL),
                     FCACHE_OK);
    box_close(&box);
}

static void time_passes(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_item_t item;
    put_text(&box, "a", "x");
    assert_int_equal(get_at(&box, "a", LATER - 1, &item), FCACHE_OK);
    assert_int_equal(item.dead_us, LATER);
    fcache_key_t key = key_of("p", "n", "a", box.pool);
    assert_int_equal(ops->touch(box.store, &key, LATER + 10, NOW, &box.error),
                     FCACHE_OK);
    assert_int_equal(get_at(&box, "a", LATER + 9, &item), FCACHE_OK);
    assert_int_equal(get_at(&box, "a", LATER + 10, &item), FCACHE_MISS);
    assert_int_equal(ops->touch(box.store, &key, LATER + 99, NOW, &box.error),
                     FCACHE_MISS);
    assert_int_equal(stats_of(&box).expired, 1);
    box_close(&box);
}

/* ---- clears ---- */

typedef struct clear_row_t {
    const char *text;
    fcache_scope_kind_t kind;
    const char *prefix;
    const char *ns;
    const char *tag;
    const char *left; /* which of the items below are left */
} clear_row_t;

typedef struct tagged_t {
    const char *prefix;
    const char *ns;
    const char *tags;
} tagged_t;

/* a b c d e, by their order */
static const tagged_t tagged[] = {
    {"p", "n", "\1\0t"}, {"p", "m", "\1\0t"}, {"q", "n", "\1\0t"},
    {"p", "n", "\1\0u"}, {"pn", "", "\1\0u"},
};

static const clear_row_t clears[] = {
    {"all", FCACHE_SCOPE_ALL, "", "", "", ""},
    {"prefix", FCACHE_SCOPE_PREFIX, "p", "", "", "ce"},
    {"namespace", FCACHE_SCOPE_NAMESPACE, "p", "n", "", "bce"},
    {"tag of a prefix", FCACHE_SCOPE_TAG, "p", "", "t", "cde"},
    {"unknown prefix", FCACHE_SCOPE_PREFIX, "x", "", "", "abcde"},
    {"unknown tag", FCACHE_SCOPE_TAG, "q", "", "u", "abcde"},
};

static fcache_key_t tagged_key(size_t i, apr_pool_t *pool)
{
    const char name[] = {(char)('a' + i), '\0'};
    return key_of(tagged[i].prefix, tagged[i].ns, name, pool);
}

static void put_tagged(box_t *box, size_t i, uint64_t epoch)
{
    fcache_bytes_t body = fcache_str("x");
    fcache_key_t key = tagged_key(i, box->pool);
    fcache_value_t value = value_of(box->store, &body);
    value.tags = fcache_bytes(tagged[i].tags, 3);
    value.epoch = epoch;
    assert_int_equal(ops->put(box->store, &key, &value, NOW, &box->error),
                     FCACHE_OK);
}

/* Letters of what is there, or of what is there and not stale. */
static const char *present(box_t *box, int fresh)
{
    char *letters = apr_pcalloc(box->pool, COUNT(tagged) + 1);
    for (size_t i = 0; i < COUNT(tagged); i++) {
        fcache_item_t item;
        fcache_key_t key = tagged_key(i, box->pool);
        if (ops->get(box->store, &key, NOW, NULL, &item, box->pool, NULL) ==
                FCACHE_OK &&
            !(fresh && item.soft_purged)) {
            letters[strlen(letters)] = (char)('a' + i);
        }
    }
    return letters;
}

static void clears_hit_their_scope(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(clears); i++) {
        ROW(i, clears[i].text);
        box_t box = box_make("1M");
        fcache_scope_t scope = {clears[i].kind, fcache_str(clears[i].prefix),
                                fcache_str(clears[i].ns),
                                fcache_str(clears[i].tag), 1};
        uint64_t before = ops->epoch(box.store);
        for (size_t j = 0; j < COUNT(tagged); j++) {
            put_tagged(&box, j, before);
        }
        assert_string_equal(present(&box, 1), "abcde");
        ops->clear(box.store, &scope, 1, NULL);
        assert_string_equal(present(&box, 0), "abcde");
        assert_string_equal(present(&box, 1), clears[i].left);
        scope.soft = 0;
        ops->clear(box.store, &scope, 1, NULL);
        assert_string_equal(present(&box, 0), clears[i].left);

        /* what was computed before a clear is not served after it */
        for (size_t j = 0; j < COUNT(tagged); j++) {
            put_tagged(&box, j, before);
        }
        assert_string_equal(present(&box, 0), clears[i].left);
        for (size_t j = 0; j < COUNT(tagged); j++) {
            put_tagged(&box, j, ops->epoch(box.store));
        }
        assert_string_equal(present(&box, 1), "abcde");
        assert_int_equal(stats_of(&box).clears, 2);
        box_check(&box);
        box_close(&box);
    }
}

/* Writes clear tags of their URLs all the time: what bears others stays, but for
 * the few that share both cells with two of them (with one cell: 60). */
static void clears_of_other_tags_hit_little(void **state)
{
    enum { TAGS = 2048, FEW = 16 };
    (void)state;
    box_t box = box_make("16M");
    uint64_t epoch = ops->epoch(box.store);
    int lost = 0;
    for (int i = 0; i < TAGS; i++) {
        fcache_bytes_t body = fcache_str("x");
        fcache_key_t key = key_of("p", "n", apr_itoa(box.pool, i), box.pool);
        fcache_value_t value = value_of(box.store, &body);
        value.tags =
            fcache_bytes(apr_psprintf(box.pool, "%c%ct%04d", 5, 0, i), 7);
        value.epoch = epoch;
        assert_int_equal(ops->put(box.store, &key, &value, NOW, NULL),
                         FCACHE_OK);
    }
    for (int i = 0; i < TAGS; i++) {
        const fcache_scope_t scope = {
            FCACHE_SCOPE_TAG, fcache_str("p"), fcache_str(""),
            fcache_str(apr_psprintf(box.pool, "u%04d", i)), 0};
        ops->clear(box.store, &scope, 1, NULL);
    }
    for (int i = 0; i < TAGS; i++) {
        fcache_item_t item;
        fcache_key_t key = key_of("p", "n", apr_itoa(box.pool, i), box.pool);
        lost += ops->get(box.store, &key, NOW, NULL, &item, box.pool, NULL) !=
                FCACHE_OK;
    }
    assert_in_range(lost, 0, FEW);
    box_close(&box);
}

static void an_epoch_from_elsewhere_is_oldest(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    const fcache_scope_t scope = {.kind = FCACHE_SCOPE_ALL};
    put_tagged(&box, 0, 1000);
    assert_string_equal(present(&box, 1), "a");
    ops->clear(box.store, &scope, 1, NULL);
    assert_string_equal(present(&box, 0), "");
    box_close(&box);
}

/* More namespaces than the table has room for: clears may hit too much, never
 * too little. */
static void a_full_table_of_namespaces(void **state)
{
    (void)state;
    box_t box = box_make("8M");
    for (int i = 0; i < 6000; i++) {
        char ns[16];
        snprintf(ns, sizeof(ns), "n%d", i);
        fcache_bytes_t body = fcache_str("x");
        fcache_key_t key = key_of("p", ns, "k", box.pool);
        fcache_value_t value = value_of(box.store, &body);
        fcache_item_t item;
        ops->put(box.store, &key, &value, NOW, NULL);
        assert_int_equal(
            ops->get(box.store, &key, NOW, NULL, &item, box.pool, NULL),
            FCACHE_OK);
        if (i % 10 == 0) {
            const fcache_scope_t scope = {
                FCACHE_SCOPE_NAMESPACE, key.prefix, key.ns, {NULL, 0}, 0};
            ops->clear(box.store, &scope, 1, NULL);
            assert_int_equal(
                ops->get(box.store, &key, NOW, NULL, &item, box.pool, NULL),
                FCACHE_MISS);
        }
    }
    box_close(&box);
}

/* ---- listing ---- */

static int count_listed(void *baton, const fcache_listed_t *item)
{
    int *count = baton;
    assert_int_equal(item->name.len, 6);
    CHECK_TEXT(item->head, "HEAD");
    assert_int_equal(item->body_len, 3);
    assert_int_equal(item->dead_us, LATER);
    return ++*count == 4;
}

static void list_yields_the_living(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    for (int i = 10; i < 13; i++) {
        put_text(&box, apr_itoa(box.pool, i), "abc");
    }
    int count = 0;
    ops->list(box.store, NOW, count_listed, &count, NULL);
    assert_int_equal(count, 3);
    count = 0;
    ops->list(box.store, LATER, count_listed, &count, NULL);
    assert_int_equal(count, 0);
    put_text(&box, "13", "abc");
    put_text(&box, "14", "abc");
    ops->list(box.store, NOW, count_listed, &count, NULL);
    assert_int_equal(count, 4);
    box_close(&box);
}

static void bad_input(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_bytes_t body = fcache_str("x");
    fcache_key_t key = key_of("p", "n", "a", box.pool);
    fcache_value_t value = value_of(box.store, &body);
    value.tags = fcache_bytes("\5\0t", 3);
    assert_int_equal(ops->put(box.store, &key, &value, NOW, &box.error),
                     FCACHE_BAD_INPUT);
    value = value_of(box.store, &body);
    value.head = fcache_bytes(NULL, SIZE_MAX);
    assert_int_equal(ops->put(box.store, &key, &value, NOW, &box.error),
                     FCACHE_TOO_LARGE);
    value = value_of(box.store, &body);
    body.len = SIZE_MAX;
    assert_int_equal(ops->put(box.store, &key, &value, NOW, &box.error),
                     FCACHE_TOO_LARGE);
    key.name.len = 0;
    assert_int_equal(ops->put(box.store, &key, &value, NOW, &box.error),
                     FCACHE_TOO_LARGE);
    body.len = 1;
    assert_int_equal(ops->put(box.store, &key, &value, NOW, &box.error),
                     FCACHE_BAD_INPUT);
    box_check(&box);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_get_replace_delete),
        cmocka_unit_test(empty_parts),
        cmocka_unit_test(add_only_once),
        cmocka_unit_test(time_passes),
        cmocka_unit_test(clears_hit_their_scope),
        cmocka_unit_test(clears_of_other_tags_hit_little),
        cmocka_unit_test(an_epoch_from_elsewhere_is_oldest),
        cmocka_unit_test(a_full_table_of_namespaces),
        cmocka_unit_test(list_yields_the_living),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
