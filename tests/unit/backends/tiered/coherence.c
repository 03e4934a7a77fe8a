/* SPDX-License-Identifier: Apache-2.0 */
/* What is near is served as long as it is known to be good. */
#include "box.h"

static void what_is_near_asks_nobody(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    assert_int_equal(box_put(box, &key, "one", 60), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_string_equal(box_get(box, &key, at_ms(10)), "one");
    assert_int_equal(box->far->gets, 0);
    assert_int_equal(box->far->syncs, 1);
}

static void what_is_far_comes_near(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(box_get(box, &key, at_ms(i)), "one");
    }
    assert_int_equal(box->far->gets, 1);
}

static void a_clear_here_counts_at_once(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_scope_t red = {.kind = FCACHE_SCOPE_TAG,
                          .prefix = fcache_str("p"),
                          .tag = fcache_str("red"),
                          .soft = 1};
    others_put(box, &key, "one", 60);
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_int_equal(box->ops->clear(box->self, &red, 1, NULL), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(1)), "soft one");
    assert_string_equal(box_get(box, &key, at_ms(2)), "soft one");
    red.soft = 0;
    assert_int_equal(box->far->gets,
                     3); /* of what is stale, L2 may know more */
    assert_int_equal(box->ops->clear(box->self, &red, 1, NULL), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(3)), "MISS");
}

/* Others' clears are seen with the first get that is `sync` after the last
 * question, and not before. */
static void a_clear_there_counts_after_sync(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    others_clear(box, 0);
    assert_string_equal(box_get(box, &key, at_ms(999)), "one");
    assert_int_equal(box->far->syncs, 1);
    assert_string_equal(box_get(box, &key, at_ms(1000)), "MISS");
    assert_int_equal(box->far->syncs, 2);
}

static void a_clear_of_something_else_costs_one_get(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    const fcache_scope_t blue = {.kind = FCACHE_SCOPE_TAG,
                                 .prefix = fcache_str("p"),
                                 .tag = fcache_str("blue")};
    box_put(box, &key, "one", 60);
    box->far->ops->clear(box->far->truth, &blue, 1, NULL);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(box_get(box, &key, at_ms(i)), "one");
    }
    assert_int_equal(box->far->gets, 1);
}

/* Whoever set the clock back would otherwise have no question asked for as
 * long as it was set back. */
static void a_clock_set_back_asks_again(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    box_get(box, &key, at_ms(0));
    others_clear(box, 0);
    assert_string_equal(box_get(box, &key, at_ms(-500)), "one");
    assert_string_equal(box_get(box, &key, at_ms(-1000)), "MISS");
}

static void others_clear_it(box_t *box)
{
    others_clear(box, 0);
}

/* What L2 said may be older than the clear that it told of in the same breath. */
static void what_was_read_while_it_was_cleared_is_not_kept(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    box->far->after = others_clear_it;
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_string_equal(box_get(box, &key, at_ms(1)), "MISS");
}

static void what_was_computed_before_a_clear_is_not_served(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    const fcache_scope_t all = {.kind = FCACHE_SCOPE_ALL};
    fcache_bytes_t body = fcache_str("old");
    fcache_value_t value = box_value(&body, 60, box->ops->epoch(box->self));
    box->ops->clear(box->self, &all, 1, NULL);
    assert_int_equal(box->ops->put(box->self, &key, &value, NOW, NULL),
                     FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
}

static unsigned puts_near(const box_t *box)
{
    fcache_stats_t stats = {0};
    assert_int_equal(box->l1_ops->stats(box->l1, &stats, NULL), FCACHE_OK);
    return (unsigned)stats.puts;
}

/* Another server refreshed it meanwhile, or not yet. */
static void what_is_stale_is_asked_for(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_bytes_t body = fcache_str("one");
    fcache_value_t value = box_value(&body, 60, box->ops->epoch(box->self));
    value.fresh_until_us = box->far->fresh_until_us = at_ms(2000);
    assert_int_equal(box->ops->put(box->self, &key, &value, NOW, NULL),
                     FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(1999)), "one");
    assert_int_equal(box->far->gets, 0);
    unsigned puts = puts_near(box);
    for (int i = 1; i < 4; i++) {
        assert_string_equal(box_get(box, &key, at_ms(2000 + i)), "one");
        assert_int_equal(box->far->gets, i);
    }
    assert_int_equal(puts_near(box), puts); /* it is what we have */
    others_put(box, &key, "two", 60);
    box->far->fresh_until_us = at_ms(4000);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(box_get(box, &key, at_ms(3000 + i)), "two");
    }
    assert_int_equal(box->far->gets, 4);
    assert_int_equal(puts_near(box), puts + 1);
    assert_string_equal(box_get(box, &key, at_ms(4000)), "two");
    assert_int_equal(box->far->gets, 5);
    others_del(box, &key);
    assert_string_equal(box_get(box, &key, at_ms(4001)), "MISS");
}

static void what_is_near_dies_soon(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    others_put(box, &key, "two", 60);
    assert_string_equal(box_get(box, &key, at_ms(9999)), "one");
    assert_string_equal(box_get(box, &key, at_ms(10000)), "two");
    others_del(box, &key);
    assert_string_equal(box_get(box, &key, at_ms(19999)), "two");
    assert_string_equal(box_get(box, &key, at_ms(20000)), "MISS");
}

static void its_end_is_that_of_the_far_one(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_item_t item;
    box_put(box, &key, "one", 60);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(box->ops->get(box->self, &key, at_ms(i), NULL, &item,
                                       box->pool, NULL),
                         FCACHE_OK);
        assert_int_equal(item.dead_us, NOW + 60 * FCACHE_US_PER_S);
        box->l1_ops->del(box->l1, &key, NOW, NULL);
    }
    box_put(box, &key, "two", 3);
    assert_string_equal(box_get(box, &key, at_ms(2999)), "two");
    assert_string_equal(box_get(box, &key, at_ms(3000)), "MISS");
}

static void touch_counts_at_once(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    assert_int_equal(box->ops->touch(box->self, &key, at_ms(2000), NOW, NULL),
                     FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(1999)), "one");
    assert_string_equal(box_get(box, &key, at_ms(2000)), "MISS");
}

/* Somebody who uses the near store for itself, or a tier before another L2. */
static void what_others_put_near_is_none_of_ours(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_bytes_t body = fcache_str("theirs");
    fcache_value_t value = box_value(&body, 60, 0);
    const char *heads[] = {"", "head", "FCT1 and more than thirty-two bytes"};
    for (size_t i = 0; i < COUNT(heads); i++) {
        ROW(i, heads[i]);
        value.head = fcache_str(heads[i]);
        value.epoch = box->l1_ops->epoch(box->l1);
        box->l1_ops->put(box->l1, &key, &value, NOW, NULL);
        assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
    }
    fcache_backend_t *far2 = box_open(
        box, apr_psprintf(box->pool, "far2-%d", box_count), "far:?x=1");
    assert_non_null(far2);
    fcache_backend_t *tier2 =
        box_open(box, apr_psprintf(box->pool, "other%d", box_count),
                 apr_psprintf(box->pool, "tiered:?l1=near%d&l2=far2-%d",
                              box_count, box_count));
    box_put(box, &key, "ours", 60);
    box->self = fcache_backend_self(tier2);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
}

/* 40 KB: handed out in place, from either. */
static void pins_go_back_where_they_came_from(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    char *big = apr_pcalloc(box->pool, 40001);
    fcache_stats_t near;
    fcache_stats_t far;
    memset(big, 'x', 40000);
    others_put(box, &key, big, 60);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(box_get(box, &key, at_ms(i)), big);
    }
    assert_int_equal(box->far->gets, 1);
    box->l1_ops->stats(box->l1, &near, NULL);
    box->far->ops->stats(box->far->truth, &far, NULL);
    assert_int_equal(near.pins, 0);
    assert_int_equal(far.pins, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        box_test(what_is_near_asks_nobody),
        box_test(what_is_far_comes_near),
        box_test(a_clear_here_counts_at_once),
        box_test(a_clear_there_counts_after_sync),
        box_test(a_clear_of_something_else_costs_one_get),
        box_test(a_clock_set_back_asks_again),
        box_test(what_was_read_while_it_was_cleared_is_not_kept),
        box_test(what_was_computed_before_a_clear_is_not_served),
        box_test(what_is_stale_is_asked_for),
        box_test(what_is_near_dies_soon),
        box_test(its_end_is_that_of_the_far_one),
        box_test(touch_counts_at_once),
        box_test(what_others_put_near_is_none_of_ours),
        box_test(pins_go_back_where_they_came_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
