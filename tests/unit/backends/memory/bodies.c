/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <memory/segment.h>

static unsigned count_state(box_t *box, fcm_state_t state)
{
    const fcm_region_t *region = &box->store->region;
    unsigned count = 0;
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        count +=
            fcm_word_state(atomic_load(&fcm_head(region, i)->word)) == state;
    }
    return count;
}

static void release(box_t *box, fcache_item_t *item)
{
    if (item->pin) {
        ops->release(box->store, item->pin);
    }
}

/* Sizes around what changes the way a body is kept: copied or pinned, half a
 * segment, whole segments, the largest. Segments of 1M have 16K, of 64M 64K. */
static const size_t sizes[] = {0,     1,      100,    8191,  8192,  8193,
                               16383, 16384,  16385,  24575, 24576, 24577,
                               32768, 32769,  65535,  65536, 65537, 98303,
                               98304, 104857, 104858, 200000};

static void check_size(box_t *box, size_t size, size_t max)
{
    fcache_item_t item;
    fcache_status_t status = put_body(box, "a", size, size);
    if (size > max) {
        assert_int_equal(status, FCACHE_TOO_LARGE);
        return;
    }
    assert_int_equal(status, FCACHE_OK);
    assert_int_equal(get_at(box, "a", NOW, &item), FCACHE_OK);
    assert_true(body_is(&item, size, size));
    CHECK_TEXT(item.head, "HEAD");
    assert_int_equal(item.pin != NULL, size > 16384);
    release(box, &item);
    box_check(box);
}

static void sizes_up_to_the_largest(void **state)
{
    (void)state;
    const char *regions[] = {"1M", "3M", "64M"};
    for (size_t r = 0; r < COUNT(regions); r++) {
        box_t box = box_make(regions[r]);
        size_t max = (size_t)ops->max_object(box.store);
        assert_int_equal(max, box.store->size / 10);
        for (size_t i = 0; i < COUNT(sizes); i++) {
            ROW(i, regions[r]);
            check_size(&box, sizes[i], max);
        }
        check_size(&box, max, max);
        check_size(&box, max + 1, max);
        assert_int_equal(stats_of(&box).pins, 0);
        assert_int_equal(stats_of(&box).entries, 1);
        del(&box, "a");
        assert_int_equal(count_state(&box, FCM_EXTENT), 0);
        box_close(&box);
    }
}

/* ---- piece by piece ---- */

static fcache_status_t write_pieces(box_t *box, const char *name, size_t size,
                                    size_t piece, uint64_t hint)
{
    char *bytes = malloc(size + 1);
    fcache_backend_writer_t *writer = NULL;
    fcache_status_t status =
        ops->begin(box->store, hint, &writer, box->pool, &box->error);
    body_fill(bytes, size, size);
    for (size_t at = 0; status == FCACHE_OK && at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        status =
            ops->append(writer, fcache_bytes(bytes + at, len), &box->error);
    }
    if (status == FCACHE_OK) {
        fcache_key_t key = key_of("p", "n", name, box->pool);
        fcache_value_t value = value_of(box->store, NULL);
        value.body_count = 0;
        status = ops->commit(writer, &key, &value, NOW, &box->error);
    } else if (writer) {
        ops->abort(writer);
    }
    free(bytes);
    return status;
}

static void bodies_in_pieces(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 777, 8192, 16384, 100000};
    box_t box = box_make("1M");
    size_t max = (size_t)ops->max_object(box.store);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t p = sizes[i] > 20000; p < COUNT(pieces); p++) {
            ROW(i, "pieces");
            fcache_item_t item;
            fcache_status_t status =
                write_pieces(&box, "w", sizes[i], pieces[p], 0);
            CHECK_INT(status, sizes[i] > max ? FCACHE_TOO_LARGE : FCACHE_OK);
            if (status == FCACHE_OK) {
                assert_int_equal(get_at(&box, "w", NOW, &item), FCACHE_OK);
                assert_true(body_is(&item, sizes[i], sizes[i]));
                release(&box, &item);
            }
        }
    }
    assert_int_equal(write_pieces(&box, "w", 10, 10, max + 1),
                     FCACHE_TOO_LARGE);
    assert_int_equal(count_state(&box, FCM_TAKEN), 0);
    box_check(&box);
    box_close(&box);
}

/* Nothing of an unfinished body is seen or kept, also when only its pool goes.
 */
static void abort_frees(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    char bytes[50000];
    body_fill(bytes, sizeof(bytes), 1);
    for (int with_pool = 0; with_pool < 2; with_pool++) {
        fcache_backend_writer_t *writer;
        apr_pool_t *pool;
        apr_pool_create(&pool, box.pool);
        unsigned free = count_state(&box, FCM_FREE);
        ops->begin(box.store, 0, &writer, pool, NULL);
        ops->append(writer, fcache_bytes(bytes, sizeof(bytes)), NULL);
        assert_int_equal(count_state(&box, FCM_TAKEN), 3);
        if (!with_pool) {
            ops->abort(writer);
        }
        apr_pool_destroy(pool);
        assert_int_equal(count_state(&box, FCM_TAKEN), 0);
        assert_int_equal(count_state(&box, FCM_FREE), free);
    }
    box_close(&box);
}

/* ---- heads ---- */

static void large_heads(void **state)
{
    (void)state;
    box_t box = box_make("64M");
    char *head = malloc(70000);
    const size_t heads[] = {1000, 40000, 60000, 65000, 70000};
    body_fill(head, 70000, 7);
    for (size_t i = 0; i < COUNT(heads); i++) {
        fcache_item_t item;
        char bytes[32768];
        body_fill(bytes, sizeof(bytes), 9);
        fcache_bytes_t body = fcache_bytes(bytes, sizeof(bytes));
        fcache_key_t key = key_of("p", "n", "h", box.pool);
        fcache_value_t value = value_of(box.store, &body);
        value.head = fcache_bytes(head, heads[i]);
        fcache_status_t status =
            ops->put(box.store, &key, &value, NOW, &box.error);
        assert_int_equal(status,
                         heads[i] > 65400 ? FCACHE_TOO_LARGE : FCACHE_OK);
        assert_int_equal(get_at(&box, "h", NOW, &item), FCACHE_OK);
        if (status == FCACHE_OK) {
            assert_true(fcache_bytes_equal(item.head, value.head));
        }
        assert_true(body_is(&item, sizeof(bytes), 9));
        release(&box, &item);
    }
    box_check(&box);
    free(head);
    box_close(&box);
}

/* ---- pins ---- */

static void pins_outlive_everything(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_item_t small;
    fcache_item_t large;
    put_body(&box, "small", 17000, 1);
    put_body(&box, "large", 90000, 2);
    assert_int_equal(get_at(&box, "small", NOW, &small), FCACHE_OK);
    assert_int_equal(get_at(&box, "large", NOW, &large), FCACHE_OK);
    assert_non_null(small.pin);
    assert_non_null(large.pin);
    assert_true(large.body_count > 1);
    assert_int_equal(stats_of(&box).pins, 2);
    del(&box, "small");
    put_body(&box, "large", 90000, 3);
    for (int i = 0; i < 3000; i++) {
        put_body(&box, apr_itoa(box.pool, i % 700), 3000, (uint64_t)i);
        if (i % 100 == 0) {
            put_body(&box, "other", 60000, (uint64_t)i);
        }
    }
    assert_true(stats_of(&box).evicted > 100);
    assert_true(body_is(&small, 17000, 1));
    assert_true(body_is(&large, 90000, 2));
    box_check(&box);
    ops->release(box.store, small.pin);
    ops->release(box.store, large.pin);
    assert_int_equal(stats_of(&box).pins, 0);
    for (int i = 0; i < 1000; i++) {
        put_body(&box, apr_itoa(box.pool, i), 3000, (uint64_t)i);
    }
    assert_int_equal(count_state(&box, FCM_LIMBO), 0);
    box_close(&box);
}

/* Slow readers of different bodies can hold a quarter of the store, then bodies
 * are copied out. Readers of the same body hold it once. */
static void pins_have_a_bound(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    fcache_item_t items[60];
    unsigned pinned = 0;
    for (int i = 0; i < 60; i++) {
        const char *name = apr_itoa(box.pool, i);
        assert_int_equal(put_body(&box, name, 17000, (uint64_t)i), FCACHE_OK);
        assert_int_equal(get_at(&box, name, NOW, &items[i]), FCACHE_OK);
        pinned += items[i].pin != NULL;
    }
    uint32_t limit = box.store->region.geo.segment_count / 4;
    assert_in_range(pinned, limit / 4, limit);
    for (int i = 0; i < 60; i++) {
        assert_true(body_is(&items[i], 17000, (uint64_t)i));
        release(&box, &items[i]);
    }
    assert_int_equal(get_at(&box, "59", NOW, &items[0]), FCACHE_OK);
    for (int i = 1; i < 60; i++) {
        assert_int_equal(get_at(&box, "59", NOW, &items[i]), FCACHE_OK);
        assert_non_null(items[i].pin);
    }
    box_close(&box);
}

/* A pin that is none of ours is left alone. */
static void foreign_pins(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    uint64_t other = 42;
    ops->release(box.store, NULL);
    ops->release(box.store, &other);
    assert_int_equal(other, 42);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_up_to_the_largest),
        cmocka_unit_test(bodies_in_pieces),
        cmocka_unit_test(abort_frees),
        cmocka_unit_test(large_heads),
        cmocka_unit_test(pins_outlive_everything),
        cmocka_unit_test(pins_have_a_bound),
        cmocka_unit_test(foreign_pins),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
