/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

static int is_there(box_t *box, const char *name, int64_t now_us)
{
    fcache_item_t item;
    if (get_at(box, name, now_us, &item) != FCACHE_OK) {
        return 0;
    }
    if (item.pin) {
        ops->release(box->store, item.pin);
    }
    return 1;
}

/* Many times what the region holds: the store goes on, the newest are there.
 */
static void the_oldest_go_first(void **state)
{
    (void)state;
    const size_t sizes[] = {800, 1500, 5000, 17000, 100000};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        ROW(s, "size");
        box_t box = box_make("1M");
        int count = (int)(5000000 / (sizes[s] + 200));
        int kept = (int)(300000 / (sizes[s] + 200));
        for (int i = 0; i < count; i++) {
            apr_pool_t *outer = box.pool;
            apr_pool_create(&box.pool, outer);
            const char *name = apr_itoa(box.pool, i);
            CHECK_INT(put_body(&box, name, sizes[s], 1), FCACHE_OK);
            CHECK_INT(is_there(&box, name, NOW), 1);
            apr_pool_destroy(box.pool);
            box.pool = outer;
        }
        int found = 0;
        for (int i = count - kept; i < count; i++) {
            found += is_there(&box, apr_itoa(box.pool, i), NOW);
        }
        assert_in_range(found, kept * 9 / 10, kept);
        fcache_stats_t stats = stats_of(&box);
        assert_true(stats.evicted > 0);
        assert_int_equal(stats.refused, 0);
        assert_int_equal(stats.puts - stats.evicted, stats.entries);
        assert_in_range(stats.bytes_used, 1, stats.bytes_total);
        box_check(&box);
        box_close(&box);
    }
}

/* A segment of dead items goes before an older one of living. */
static void the_dead_go_before_the_old(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    for (int i = 0; i < 150; i++) {
        put_body(&box, apr_psprintf(box.pool, "old%d", i), 2000, 1);
    }
    char bytes[2000] = "";
    for (int i = 0; i < 150; i++) {
        fcache_bytes_t body = fcache_bytes(bytes, sizeof(bytes));
        fcache_key_t key =
            key_of("p", "n", apr_psprintf(box.pool, "dead%d", i), box.pool);
        fcache_value_t value = value_of(box.store, &body);
        value.dead_us = NOW + 1000;
        ops->put(box.store, &key, &value, NOW, NULL);
    }
    int64_t now = NOW + 2000;
    for (int i = 0; i < 250; i++) {
        fcache_bytes_t body = fcache_bytes(bytes, sizeof(bytes));
        fcache_key_t key =
            key_of("p", "n", apr_psprintf(box.pool, "new%d", i), box.pool);
        fcache_value_t value = value_of(box.store, &body);
        ops->put(box.store, &key, &value, now, NULL);
    }
    int old = 0;
    for (int i = 0; i < 150; i++) {
        old += is_there(&box, apr_psprintf(box.pool, "old%d", i), now);
    }
    assert_int_equal(old, 150);
    fcache_stats_t stats = stats_of(&box);
    assert_int_equal(stats.evicted, 0);
    assert_true(stats.expired > 100);
    box_close(&box);
}

/* One item that lives longer keeps its segments from going as dead ones, old as
 * they are. */
static void a_touch_is_known_to_the_segments(void **state)
{
    (void)state;
    const size_t sizes[] = {3000, 60000};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        box_t box = box_make("1M");
        int count = (int)(800000 / sizes[s]);
        for (int i = 0; i < count; i++) {
            put_body(&box, apr_psprintf(box.pool, "t%d", i), sizes[s], 1);
        }
        fcache_key_t key = key_of("p", "n", "t0", box.pool);
        assert_int_equal(ops->touch(box.store, &key, LATER + 1000, NOW, NULL),
                         FCACHE_OK);
        for (int i = 0; i < 150; i++) {
            char bytes[3000] = "";
            fcache_bytes_t body = fcache_bytes(bytes, sizeof(bytes));
            fcache_key_t other =
                key_of("p", "n", apr_psprintf(box.pool, "o%d", i), box.pool);
            fcache_value_t value = value_of(box.store, &body);
            value.dead_us = LATER + 1000;
            ops->put(box.store, &other, &value, LATER + 1, NULL);
        }
        assert_true(stats_of(&box).expired > 0);
        assert_true(is_there(&box, "t0", LATER + 1));
        box_close(&box);
    }
}

/* More items than the index has slots for. */
static void a_full_index_drops_the_least_asked_for(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    put_text(&box, "hot", "x");
    for (int i = 0; i < 8; i++) {
        assert_true(is_there(&box, "hot", NOW));
    }
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(put_text(&box, apr_itoa(box.pool, i), ""), FCACHE_OK);
        assert_true(is_there(&box, apr_itoa(box.pool, i), NOW));
    }
    assert_true(is_there(&box, "hot", NOW));
    fcache_stats_t stats = stats_of(&box);
    assert_in_range(stats.entries, 900, 1024);
    box_check(&box);
    box_close(&box);
}

/* What is half written is no victim, and is refused when all else is pinned. */
static void unfinished_bodies_keep_their_place(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_backend_writer_t *writers[16];
    char *bytes = malloc(100000);
    int taken = 0;
    fcache_status_t status = FCACHE_OK;
    body_fill(bytes, 100000, 5);
    while (taken < 16 && status == FCACHE_OK) {
        ops->begin(box.store, 0, &writers[taken], box.pool, NULL);
        status = ops->append(writers[taken], fcache_bytes(bytes, 100000),
                             &box.error);
        taken++;
    }
    assert_int_equal(status, FCACHE_NO_MEMORY);
    assert_int_equal(put_body(&box, "big", 50000, 1), FCACHE_NO_MEMORY);
    fcache_key_t key = key_of("p", "n", "w", box.pool);
    fcache_value_t value = value_of(box.store, NULL);
    value.body_count = 0;
    ops->abort(writers[--taken]);
    for (int i = 0; i < taken; i++) {
        assert_int_equal(ops->commit(writers[i], &key, &value, NOW, &box.error),
                         FCACHE_OK);
    }
    fcache_item_t item;
    assert_int_equal(get_at(&box, "w", NOW, &item), FCACHE_OK);
    assert_true(body_is(&item, 100000, 5));
    ops->release(box.store, item.pin);
    assert_int_equal(put_body(&box, "big", 50000, 1), FCACHE_OK);
    box_check(&box);
    free(bytes);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go_first),
        cmocka_unit_test(the_dead_go_before_the_old),
        cmocka_unit_test(a_touch_is_known_to_the_segments),
        cmocka_unit_test(a_full_index_drops_the_least_asked_for),
        cmocka_unit_test(unfinished_bodies_keep_their_place),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
