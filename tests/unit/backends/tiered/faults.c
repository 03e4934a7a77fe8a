/* SPDX-License-Identifier: Apache-2.0 */
/* L2 fails: L1 alone serves and takes. */
#include "box.h"

static void far_fails(box_t *box, fcache_status_t status)
{
    box->far->fails = status;
}

static void what_is_near_is_served_for_its_life(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_key_t other = box_key(box, "b");
    box_put(box, &key, "one", 60);
    others_put(box, &other, "two", 60);
    far_fails(box, FCACHE_TIMEOUT);
    for (int64_t ms = 0; ms < 10000; ms += 700) {
        assert_string_equal(box_get(box, &key, at_ms(ms)), "one");
    }
    assert_string_equal(box_get(box, &key, at_ms(10000)), "MISS");
    assert_string_equal(box_get(box, &other, at_ms(0)), "MISS");
}

/* Without waiting for L2 each time that it is silent. */
static void what_is_stale_is_served_without_it(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box->far->fresh_until_us = at_ms(1);
    others_put(box, &key, "one", 60);
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    far_fails(box, FCACHE_TIMEOUT);
    box->far->gets = box->far->syncs = 0;
    for (int i = 1; i < 9; i++) {
        assert_string_equal(box_get(box, &key, at_ms(i)), "one");
    }
    assert_int_equal(box->far->syncs + box->far->gets, 1);
    far_fails(box, FCACHE_CORRUPT);
    assert_string_equal(box_get(box, &key, at_ms(1010)), "one");
    assert_string_equal(box_get(box, &key, at_ms(1011)), "one");
    assert_int_equal(box->far->gets, 2);
    far_fails(box, FCACHE_OK);
    others_put(box, &key, "two", 60);
    box->far->fresh_until_us = at_ms(9000);
    assert_string_equal(box_get(box, &key, at_ms(1012)), "two");
}

/* A get that finds L2 silent waits for it once. */
static void one_trip_fails_per_get(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    others_clear(box, 0);
    box->ops->sync(box->self, NULL, &(uint64_t){0}, NULL);
    box->far->syncs = 0;
    far_fails(box, FCACHE_TIMEOUT);
    assert_string_equal(box_get(box, &key, at_ms(5000)), "MISS");
    assert_int_equal(box->far->syncs + box->far->gets, 1);
}

/* Also the first one of a server: nobody asks for the epoch before. */
static void one_trip_fails_at_first(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_backend_t *far =
        box_open(box, apr_psprintf(box->pool, "cold-far%d", box_count), "far:");
    fcache_backend_t *tier =
        box_open(box, apr_psprintf(box->pool, "cold%d", box_count),
                 apr_psprintf(box->pool, "tiered:?l1=near%d&l2=cold-far%d",
                              box_count, box_count));
    box->far = fcache_backend_self(far);
    box->self = fcache_backend_self(tier);
    far_fails(box, FCACHE_TIMEOUT);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
    assert_int_equal(box->far->syncs + box->far->gets, 1);
}

/* One question per interval, not one per get. */
static void a_dead_store_is_asked_once_in_a_while(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    far_fails(box, FCACHE_UNAVAILABLE);
    for (int64_t ms = 0; ms < 3000; ms += 10) {
        box_get(box, &key, at_ms(ms));
    }
    assert_int_equal(box->far->syncs, 3);
    assert_int_equal(box->far->gets, 0);
}

static void what_is_put_is_near(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    far_fails(box, FCACHE_UNAVAILABLE);
    assert_int_equal(box_put(box, &key, "one", 60), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    far_fails(box, FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(10000)), "MISS");
}

/* What waited for L2 in vain does not wait once more to put; whoever gets finds out
 * when it is back. */
static void a_silent_store_is_not_put_into(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    far_fails(box, FCACHE_TIMEOUT);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
    assert_int_equal(box_put(box, &key, "one", 60), FCACHE_OK);
    assert_int_equal(box->far->puts, 0);
    assert_string_equal(box_get(box, &key, at_ms(1)), "one");
    far_fails(box, FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(1001)), "one");
    assert_int_equal(box_put(box, &key, "two", 60), FCACHE_OK);
    assert_int_equal(box->far->puts, 1);
    assert_string_equal(box_get(box, &key, at_ms(10000)), "two");
}

/* A get that comes late in a look-up may just have had no time left. */
static void who_had_no_time_says_nothing_of_the_store(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_item_t item;
    int64_t until_us = 1;
    far_fails(box, FCACHE_UNAVAILABLE);
    assert_int_equal(
        box->ops->get(box->self, &key, NOW, &until_us, &item, box->pool, NULL),
        FCACHE_MISS);
    far_fails(box, FCACHE_OK);
    assert_int_equal(box_put(box, &key, "one", 60), FCACHE_OK);
    assert_int_equal(box->far->puts, 1);
}

/* Not a fault but an answer: then nobody has it. */
static void what_is_refused_is_not_kept(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    far_fails(box, FCACHE_TOO_LARGE);
    assert_int_equal(box_put(box, &key, "two", 60), FCACHE_TOO_LARGE);
    far_fails(box, FCACHE_UNAVAILABLE);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
}

/* L1 could not take the new one: the old one is not served for it. */
static void an_older_one_does_not_stay_near(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    char *big = apr_pcalloc(box->pool, (2 << 20) + 1);
    memset(big, 'x', 2 << 20);
    box_put(box, &key, "one", 60);
    assert_int_equal(box_put(box, &key, big, 60), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), big);
    box_put(box, &key, "one", 60);
    far_fails(box, FCACHE_UNAVAILABLE);
    assert_int_equal(box_put(box, &key, big, 60), FCACHE_UNAVAILABLE);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
}

/* A lock is given by L2 or by nobody. */
static void add_needs_the_far_one(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_bytes_t body = fcache_str("mine");
    fcache_value_t value = box_value(&body, 60, box->ops->epoch(box->self));
    far_fails(box, FCACHE_UNAVAILABLE);
    assert_int_equal(box->ops->add(box->self, &key, &value, NOW, NULL, NULL),
                     FCACHE_UNAVAILABLE);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
    far_fails(box, FCACHE_OK);
    assert_int_equal(box->ops->add(box->self, &key, &value, NOW, NULL, NULL),
                     FCACHE_OK);
    assert_int_equal(box->ops->add(box->self, &key, &value, NOW, NULL, NULL),
                     FCACHE_EXISTS);
}

static void forgetting_reaches_what_is_near_and_tells(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_scope_t red = {.kind = FCACHE_SCOPE_TAG,
                          .prefix = fcache_str("p"),
                          .tag = fcache_str("red")};
    for (int how = 0; how < 4; how++) {
        fcache_status_t status = FCACHE_OK;
        ROW((size_t)how, "way");
        far_fails(box, FCACHE_OK);
        others_put(box, &key, "one", 60);
        assert_string_equal(box_get(box, &key, at_ms(0)), "one");
        far_fails(box, FCACHE_TIMEOUT);
        assert_string_equal(box_get(box, &key, at_ms(1)), "one");
        if (how == 0) {
            status = box->ops->del(box->self, &key, NOW, NULL);
        } else if (how == 1) {
            status = box->ops->touch(box->self, &key, at_ms(9), NOW, NULL);
        } else {
            red.soft = how == 3;
            status = box->ops->clear(box->self, &red, 1, NULL);
        }
        CHECK_INT(status, FCACHE_TIMEOUT);
        assert_string_equal(box_get(box, &key, at_ms(2)),
                            how == 3 ? "soft one" : "MISS");
    }
}

/* ---- clears that L2 did not take ----------------------------------------- */

static fcache_scope_t scope_of(fcache_scope_kind_t kind, const char *ns,
                               int soft)
{
    return (fcache_scope_t){.kind = kind,
                            .prefix = fcache_str("p"),
                            .ns = fcache_str(ns),
                            .tag = fcache_str("red"),
                            .soft = soft};
}

static void clear_in_vain(box_t *box, fcache_scope_t scope)
{
    far_fails(box, FCACHE_TIMEOUT);
    assert_int_equal(box->ops->clear(box->self, &scope, 1, NULL),
                     FCACHE_TIMEOUT);
}

static void what_was_begun_before_it_is_not_served(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    const fcache_scope_kind_t kinds[] = {FCACHE_SCOPE_ALL, FCACHE_SCOPE_PREFIX,
                                         FCACHE_SCOPE_NAMESPACE,
                                         FCACHE_SCOPE_TAG};
    for (size_t i = 0; i < 2 * COUNT(kinds); i++) {
        fcache_bytes_t body = fcache_str("old");
        fcache_value_t old = box_value(&body, 60, box->ops->epoch(box->self));
        ROW(i, "scope");
        clear_in_vain(box, scope_of(kinds[i / 2], "n", i % 2));
        CHECK_INT(box->ops->put(box->self, &key, &old, NOW, NULL),
                  FCACHE_TIMEOUT);
        assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
        CHECK_INT(box_put(box, &key, "new", 60), FCACHE_OK);
        assert_string_equal(box_get(box, &key, at_ms(1)), "new");
        far_fails(box, FCACHE_OK);
        box->ops->del(box->self, &key, NOW, NULL);
        box_warm(box);
    }
}

static void clear_all_in_vain(box_t *box)
{
    clear_in_vain(box, scope_of(FCACHE_SCOPE_ALL, "", 0));
}

static void what_was_read_before_it_is_not_served(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "old", 60);
    box->far->after = clear_all_in_vain;
    assert_string_equal(box_get(box, &key, at_ms(0)), "old");
    assert_string_equal(box_get(box, &key, at_ms(1)), "MISS");
}

static void what_it_does_not_name_is_served(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    clear_in_vain(box, scope_of(FCACHE_SCOPE_NAMESPACE, "m", 0));
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
}

/* The next clear that L2 takes is another's, and ends it. */
static void what_was_begun_after_it_is_none_of_the_next(void **state)
{
    box_t *box = *state;
    fcache_key_t near = box_key(box, "a");
    fcache_key_t late = box_key(box, "b");
    fcache_bytes_t body = fcache_str("new");
    for (int i = 0; i < 3; i++) {
        clear_all_in_vain(box);
    }
    fcache_value_t value = box_value(&body, 60, box->ops->epoch(box->self));
    assert_int_equal(box->ops->put(box->self, &near, &value, NOW, NULL),
                     FCACHE_OK);
    assert_string_equal(box_get(box, &near, at_ms(0)), "new");
    far_fails(box, FCACHE_OK);
    for (int i = 0; i < 3; i++) {
        others_clear(box, 0);
        box->ops->sync(box->self, NULL, &(uint64_t){0}, NULL);
        assert_string_equal(box_get(box, &near, at_ms(1)), "MISS");
        box->ops->put(box->self, &late, &value, NOW, NULL);
        assert_string_equal(box_get(box, &late, at_ms(1)), "MISS");
        box->ops->del(box->self, &late, NOW, NULL);
        box->ops->add(box->self, &late, &value, NOW, NULL, NULL);
        assert_string_equal(box_get(box, &late, at_ms(1)), "MISS");
    }
}

/* What L2 says after it is what there is. */
static void what_is_far_comes_near_after_it(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    clear_all_in_vain(box);
    far_fails(box, FCACHE_OK);
    others_put(box, &key, "one", 60);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(box_get(box, &key, at_ms(i)), "one");
    }
    assert_int_equal(box->far->gets, 1);
}

/* It was cleared, so far as we know: better none than that. */
static void what_may_be_cleared_is_not_served(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box_put(box, &key, "one", 60);
    others_clear(box, 0);
    box->ops->sync(box->self, NULL, &(uint64_t){0}, NULL);
    far_fails(box, FCACHE_UNAVAILABLE);
    assert_string_equal(box_get(box, &key, at_ms(1)), "MISS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        box_test(what_is_near_is_served_for_its_life),
        box_test(what_is_stale_is_served_without_it),
        box_test(one_trip_fails_per_get),
        box_test(one_trip_fails_at_first),
        box_test(a_dead_store_is_asked_once_in_a_while),
        box_test(what_is_put_is_near),
        box_test(a_silent_store_is_not_put_into),
        box_test(who_had_no_time_says_nothing_of_the_store),
        box_test(what_is_refused_is_not_kept),
        box_test(an_older_one_does_not_stay_near),
        box_test(add_needs_the_far_one),
        box_test(forgetting_reaches_what_is_near_and_tells),
        box_test(what_was_begun_before_it_is_not_served),
        box_test(what_was_read_before_it_is_not_served),
        box_test(what_it_does_not_name_is_served),
        box_test(what_was_begun_after_it_is_none_of_the_next),
        box_test(what_is_far_comes_near_after_it),
        box_test(what_may_be_cleared_is_not_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
