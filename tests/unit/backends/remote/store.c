/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a remote store, where they do more than the contract can see. */
#include "remote_store.h"

#include "remote/counters.h"
#include "remote/purge.h"
#include "remote/store.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static fcache_stats_t stats_of(void *store)
{
    fcache_stats_t stats;
    assert_int_equal(fcr_stats(store, &stats, NULL), FCACHE_OK);
    return stats;
}

/* What lies under `name`, or under another one, as it would be tampered with. */
static void spoil(table_t *table, const char *name, int how, apr_pool_t *pool)
{
    const table_row_t *row = table_find(table, name, 0);
    char *copy = apr_pmemdup(pool, row->value, row->len);
    if (how == 0) { /* a bit */
        copy[row->len / 2] ^= 1;
    } else if (how == 1) { /* cut off */
        table_set(table, name, 0, fcache_bytes(copy, row->len - 1));
        return;
    } else if (how == 2) { /* not a record at all */
        table_set(table, name, 0, fcache_str("17"));
        return;
    } else if (how == 3) { /* of another name */
        row = table_find(table, "p:n:other", 0);
        copy = apr_pmemdup(pool, row->value, row->len);
    }
    table_set(table, name, 0, fcache_bytes(copy, row->len));
}

static void what_is_spoilt_is_a_fault_and_goes(void **state)
{
    apr_pool_t *pool = *state;
    for (int how = 0; how < 4; how++) {
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        fcache_key_t key = remote_key("a", pool);
        fcache_error_t error = {""};
        fcache_item_t item;
        ROW((size_t)how, "how");
        remote_put(store, "a", "x", pool);
        remote_put(store, "other", "x", pool);
        spoil(table, "p:n:a", how, pool);
        CHECK_INT(fcr_get(store, &key, NOW, NULL, &item, pool, &error),
                  FCACHE_CORRUPT);
        CHECK_INT(strstr(error.text, "p:n:a") != NULL, 1);
        CHECK_INT(fcr_get(store, &key, NOW, NULL, &item, pool, NULL),
                  FCACHE_CORRUPT);
        CHECK_INT(table->distrusts, 1);
        CHECK_INT(stats_of(store).faults, 2);
        CHECK_INT(stats_of(store).corrupt, 2);
        CHECK_INT(fcr_touch(store, &key, NOW + 2 * AFTER, NOW, NULL),
                  FCACHE_MISS);
        CHECK_INT(remote_add(store, "a", NULL, pool), FCACHE_OK);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_OK);
        spoil(table, "p:n:a", how, pool);
        CHECK_INT(fcr_del(store, &key, NOW, NULL), FCACHE_MISS);
        CHECK_INT(table_find(table, "p:n:a", 0) == NULL, 1);
        remote_put(store, "a", "x", pool);
        spoil(table, "p:n:a", how, pool);
        remote_put(store, "a", "x", pool);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_OK);
    }
}

/* F21: left for those who can read it. */
static void newer_versions_are_left_alone(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcache_key_t key = remote_key("a", pool);
    remote_put(store, "a", "x", pool);
    table_row_t *row = table_find(table, "p:n:a", 0);
    row->value[4] = 2;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_int_equal(remote_add(store, "a", NULL, pool), FCACHE_EXISTS);
    assert_int_equal(fcr_touch(store, &key, NOW + AFTER, NOW, NULL),
                     FCACHE_MISS);
    assert_ptr_equal(table_find(table, "p:n:a", 0), row);
    assert_int_equal(row->value[4], 2);
    assert_int_equal(stats_of(store).faults, 0);
    assert_int_equal(table->distrusts, 0);
    assert_int_equal(fcr_del(store, &key, NOW, NULL), FCACHE_OK);
    assert_null(table_find(table, "p:n:a", 0));
}

/* ---- add, with others at work -------------------------------------------- */

typedef struct other_t {
    table_t *table;
    void *store;
    apr_pool_t *pool;
    int drops;
} other_t;

static void meddle(void *baton)
{
    const other_t *other = baton;
    if (other->drops) {
        table_drop(other->table, "p:n:a", 0);
    } else {
        remote_put(other->store, "a", "", other->pool);
    }
}

/* The hook is set when the store is asked for what is in the way. */
static void arm(void *baton)
{
    other_t *other = baton;
    other->table->hook = meddle;
    other->table->hook_baton = other;
}

static void add_is_for_the_first(void **state)
{
    apr_pool_t *pool = *state;
    for (int drops = 0; drops < 2; drops++) {
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        other_t other = {table, remote_host(table, "", pool), pool, drops};
        ROW((size_t)drops, "drops");
        remote_put(store, "a", "x", pool);
        CHECK_INT(remote_add(store, "a", NULL, pool), FCACHE_EXISTS);
        CHECK_INT(remote_clear_tag(store, "x", 0), FCACHE_OK);
        table->hook = arm; /* before ADD; the next is the look */
        table->hook_baton = &other;
        CHECK_INT(remote_add(store, "a", NULL, pool),
                  drops ? FCACHE_OK : FCACHE_EXISTS);
        CHECK_INT(remote_get(store, "a", pool), FCACHE_OK);
    }
}

static void arm_twice(void *baton)
{
    other_t *other = baton;
    other->table->hook = arm;
    other->table->hook_baton = other;
}

static void arm_thrice(void *baton)
{
    other_t *other = baton;
    other->table->hook = arm_twice;
    other->table->hook_baton = other;
}

/* Somebody else puts between the look and the replacing. */
static void add_replaces_what_it_saw(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    other_t other = {table, remote_host(table, "", pool), pool, 0};
    remote_put(store, "a", "x", pool);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    remote_get(other.store, "b", pool);
    /* ADD, entry and clock, counters, REPLACE */
    table->hook = arm_thrice;
    table->hook_baton = &other;
    table->stores = 0;
    assert_int_equal(remote_add(store, "a", NULL, pool), FCACHE_EXISTS);
    assert_int_equal(table->stores, 3);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
}

/* The answer to the first asking was lost with its connection. */
static void add_asked_twice_has_it(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    table->repeats = 1;
    assert_int_equal(remote_add(store, "a", NULL, pool), FCACHE_OK);
    assert_int_equal(remote_add(store, "a", NULL, pool), FCACHE_EXISTS);
}

/* ---- touch --------------------------------------------------------------- */

static void touching_keeps_what_was_purged_softly(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcache_key_t key = remote_key("a", pool);
    remote_put(store, "a", "x", pool);
    assert_int_equal(remote_clear_tag(store, "x", 1), FCACHE_OK);
    assert_int_equal(fcr_touch(store, &key, NOW + 2 * AFTER, NOW, NULL),
                     FCACHE_OK);
    table->fetches = 0;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_EXISTS);
    assert_int_equal(table->fetches, 1); /* it bears the present clock */
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
}

static void touching_loses_against_a_put(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    other_t other = {table, remote_host(table, "", pool), pool, 0};
    fcache_key_t key = remote_key("a", pool);
    fcache_item_t item;
    remote_put(store, "a", "", pool);
    remote_get(other.store, "b", pool);
    table->hook = arm; /* before the look; the next is the replacing */
    table->hook_baton = &other;
    assert_int_equal(fcr_touch(store, &key, NOW + 2 * AFTER, NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(fcr_get(store, &key, NOW, NULL, &item, pool, NULL),
                     FCACHE_OK);
    assert_int_equal(item.dead_us, NOW + AFTER);
}

/* ---- limits -------------------------------------------------------------- */

static void no_entry_outlives_the_counters(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcache_key_t key = remote_key("a", pool);
    fcache_bytes_t body = fcache_str("a");
    fcache_value_t value = remote_value("", fcr_epoch(store), &body, pool);
    fcache_item_t item;
    value.dead_us = NOW + 100 * DAY_US;
    assert_int_equal(fcr_put(store, &key, &value, NOW, NULL), FCACHE_OK);
    assert_int_equal(fcr_get(store, &key, NOW, NULL, &item, pool, NULL),
                     FCACHE_OK);
    assert_int_equal(item.dead_us, NOW + FCR_LIFE_US);
    assert_int_equal(table_find(table, "p:n:a", 0)->ttl_us, FCR_LIFE_US);
    assert_int_equal(fcr_touch(store, &key, NOW + 90 * DAY_US, NOW, NULL),
                     FCACHE_OK);
    assert_int_equal(table_find(table, "p:n:a", 0)->ttl_us, FCR_LIFE_US);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_OK);
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        const table_row_t *row = &table->rows[i];
        if (row->used && strncmp(row->name, "{fcache}h", 9) == 0) {
            assert_int_equal(row->ttl_us, 0); /* no end */
        }
    }
}

static void tags_are_a_list_of_few(void **state)
{
    char tags[FCR_TAGS_MAX + 2];
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcache_key_t key = remote_key("a", pool);
    fcache_bytes_t body = fcache_str("a");
    for (int i = 0; i <= FCR_TAGS_MAX; i++) {
        tags[i] = (char)('0' + i);
    }
    tags[FCR_TAGS_MAX + 1] = '\0';
    uint64_t epoch = fcr_epoch(store);
    assert_int_equal(remote_put_at(store, "a", tags, epoch, pool),
                     FCACHE_BAD_INPUT);
    assert_int_equal(remote_put_at(store, "a", tags + 1, epoch, pool),
                     FCACHE_OK);
    assert_int_equal(remote_clear_tag(store, "y", 0), FCACHE_OK);
    table->names = 0;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
    assert_int_equal(table->names, 2 + 2 * (3 + FCR_TAGS_MAX));
    fcache_value_t value = remote_value("", epoch, &body, pool);
    value.tags = fcache_bytes("\5\0x", 3);
    assert_int_equal(fcr_put(store, &key, &value, NOW, NULL), FCACHE_BAD_INPUT);
    assert_int_equal(stats_of(store).puts, 1);
}

static void what_is_too_large_is_not_sent(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "compress=off", pool);
    fcache_key_t key = remote_key("a", pool);
    uint64_t max = fcr_max_object(store);
    char *bytes = apr_pcalloc(pool, max + 1);
    fcache_bytes_t body = fcache_bytes(bytes, max + 1);
    fcache_value_t value = remote_value("", fcr_epoch(store), &body, pool);
    table->stores = 0;
    assert_int_equal(fcr_put(store, &key, &value, NOW, NULL), FCACHE_TOO_LARGE);
    body.len--;
    value.head = fcache_bytes(bytes, FCR_HEAD_ROOM + 1);
    assert_int_equal(fcr_put(store, &key, &value, NOW, NULL), FCACHE_TOO_LARGE);
    assert_int_equal(table->stores, 0);
    assert_int_equal(stats_of(store).refused, 2);
    value.head.len--;
    assert_int_equal(fcr_put(store, &key, &value, NOW, NULL), FCACHE_OK);
    assert_true(table_find(table, "p:n:a", 0)->len <= table->max_value);
}

/* ---- faults -------------------------------------------------------------- */

static void faults_are_told_and_counted(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    fcache_key_t key = remote_key("a", pool);
    fcache_item_t item;
    fcache_stats_t stats;
    fcache_error_t error = {""};
    uint64_t clock;
    remote_put(store, "a", "", pool);
    table->fail_fetch = FCACHE_TIMEOUT;
    table->fail_store = FCACHE_UNAVAILABLE;
    assert_int_equal(fcr_get(store, &key, NOW, NULL, &item, pool, &error),
                     FCACHE_TIMEOUT);
    assert_string_equal(error.text, "told to");
    assert_int_equal(fcr_del(store, &key, NOW, NULL), FCACHE_TIMEOUT);
    assert_int_equal(fcr_touch(store, &key, NOW, NOW, NULL), FCACHE_TIMEOUT);
    assert_int_equal(fcr_sync(store, NULL, &clock, NULL), FCACHE_TIMEOUT);
    assert_int_equal(remote_add(store, "a", NULL, pool), FCACHE_UNAVAILABLE);
    assert_int_equal(remote_put_at(store, "a", "", 1, pool),
                     FCACHE_UNAVAILABLE);
    assert_int_equal(stats_of(store).faults, 6);
    assert_int_equal(stats_of(store).puts, 1);
    table->fail_census = FCACHE_UNAVAILABLE;
    assert_int_equal(fcr_stats(store, &stats, NULL), FCACHE_UNAVAILABLE);
    assert_int_equal(stats.faults, 7);
    table->fail_fetch = FCACHE_OK;
    table->fail_remove = FCACHE_TIMEOUT;
    assert_int_equal(fcr_del(store, &key, NOW, NULL), FCACHE_TIMEOUT);
    assert_int_equal(remote_get(store, "a", pool), FCACHE_OK);
}

/* A request waits for a store that hangs once, not for its epoch too. */
static void what_failed_is_not_asked_at_once(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = remote_host(table, "", pool);
    table->fail_fetch = FCACHE_TIMEOUT;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_TIMEOUT);
    assert_int_equal(fcr_epoch(store), 0);
    assert_int_equal(table->fetches, 1);
    table->fail_fetch = FCACHE_OK;
    assert_int_equal(remote_get(store, "a", pool), FCACHE_MISS);
    assert_true(fcr_epoch(store) > 0);
}

static void who_has_not_joined_is_told(void **state)
{
    apr_pool_t *pool = *state;
    table_t *table = table_create(pool);
    void *store = NULL;
    fcache_key_t key = remote_key("a", pool);
    fcache_item_t item;
    fcache_stats_t stats;
    const fcache_backend_conf_t conf = {
        .name = "t", .scheme = "table", .location = ""};
    assert_int_equal(fcr_create(&table_client, &conf, &store, pool, NULL),
                     FCACHE_OK);
    assert_int_equal(fcr_child_init(store, pool, NULL), FCACHE_UNAVAILABLE);
    assert_int_equal(fcr_open(store, pool, NULL), FCACHE_OK);
    assert_int_equal(fcr_get(store, &key, NOW, NULL, &item, pool, NULL),
                     FCACHE_UNAVAILABLE);
    assert_int_equal(fcr_del(store, &key, NOW, NULL), FCACHE_UNAVAILABLE);
    assert_int_equal(fcr_stats(store, &stats, NULL), FCACHE_UNAVAILABLE);
    assert_int_equal(remote_clear_tag(store, "x", 0), FCACHE_UNAVAILABLE);
    assert_int_equal(fcr_epoch(store), 0);
    assert_int_equal(table->fetches + table->stores + table->ticks, 0);
}

/* ---- options ------------------------------------------------------------- */

static void options_are_known(void **state)
{
    static const struct {
        const char *location, *name, *value, *says;
    } rows[] = {
        {"", "table", "1", NULL},
        {"", "pool", "3", NULL},
        {"", "tls-name", "x", NULL},
        {"", "compress", "off", NULL},
        {"", "pol", "3", "pol"},
        {"", "pol", "3", "table, secret-file, integrity"},
        {"", "pol", "3", "retries, resolve, tls-"},
        {"", "pool", "many", "pool=many"},
        {"far", "pool", "3", "fcachectl secret > FILE"},
        {"far", "integrity", "off", NULL},
    };
    apr_pool_t *pool = *state;
    table_create(pool);
    for (size_t i = 0; i < COUNT(rows); i++) {
        apr_table_t *options = apr_table_make(pool, 1);
        fcache_error_t error = {""};
        void *self;
        apr_table_set(options, rows[i].name, rows[i].value);
        const fcache_backend_conf_t conf = {.name = "t",
                                            .scheme = "table",
                                            .location = rows[i].location,
                                            .options = options};
        ROW(i, error.text);
        CHECK_INT(fcr_create(&table_client, &conf, &self, pool, &error),
                  rows[i].says ? FCACHE_BAD_CONFIG : FCACHE_OK);
        CHECK_INT(!rows[i].says || strstr(error.text, rows[i].says), 1);
    }
}

/* ---- listing ------------------------------------------------------------- */

static int count_items(void *baton, const fcache_listed_t *item)
{
    int *counts = baton;
    assert_int_equal(item->body_len, 1);
    CHECK_TEXT(item->head, "head");
    counts[item->name.ptr[item->name.len - 1] - 'a'] += 1 + item->soft_purged;
    return 0;
}

static void only_what_is_good_is_listed(void **state)
{
    apr_pool_t *pool = *state;
    for (int i = 0; i < 4; i++) {
        int counts[26] = {0};
        table_t *table = table_create(pool);
        void *store = remote_host(table, "", pool);
        table->walks_twice = i & 1;
        table->walks_values = i & 2;
        ROW((size_t)i, "walk");
        remote_put(store, "a", "", pool);
        remote_put(store, "b", "x", pool);
        remote_put(store, "c", "y", pool);
        remote_put(store, "d", "", pool);
        remote_put(store, "other", "", pool);
        spoil(table, "p:n:d", 2, pool);
        table_drop(table, "p:n:other", 0);
        table_set(table, "somebody else's", 0, fcache_str("1"));
        table_set(table, "a:b", 0, fcache_str("1"));
        table_set(table, "a b:c:d", 0, fcache_str("1"));
        CHECK_INT(remote_clear_tag(store, "x", 0), FCACHE_OK);
        CHECK_INT(remote_clear_tag(store, "y", 1), FCACHE_OK);
        CHECK_INT(fcr_list(store, NOW, count_items, counts, NULL), FCACHE_OK);
        CHECK_INT(counts[0], 1);
        CHECK_INT(counts[1], 0);
        CHECK_INT(counts[2], 2);
        CHECK_INT(counts[3], 0);
        table->fail_fetch = FCACHE_TIMEOUT;
        CHECK_INT(fcr_list(store, NOW, count_items, counts, NULL),
                  FCACHE_TIMEOUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(what_is_spoilt_is_a_fault_and_goes),
        pool_test(newer_versions_are_left_alone),
        pool_test(add_is_for_the_first),
        pool_test(add_replaces_what_it_saw),
        pool_test(add_asked_twice_has_it),
        pool_test(touching_keeps_what_was_purged_softly),
        pool_test(touching_loses_against_a_put),
        pool_test(no_entry_outlives_the_counters),
        pool_test(tags_are_a_list_of_few),
        pool_test(what_is_too_large_is_not_sent),
        pool_test(faults_are_told_and_counted),
        pool_test(what_failed_is_not_asked_at_once),
        pool_test(who_has_not_joined_is_told),
        pool_test(options_are_known),
        pool_test(only_what_is_good_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
