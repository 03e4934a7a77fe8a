/* SPDX-License-Identifier: Apache-2.0 */
/* Others change a key here while L2 is asked for it. */
#include "box.h"

static void delete_it(box_t *box)
{
    fcache_key_t key = box_key(box, "a");
    assert_int_equal(box->ops->del(box->self, &key, NOW, NULL), FCACHE_OK);
}

static void touch_it(box_t *box)
{
    fcache_key_t key = box_key(box, "a");
    assert_int_equal(box->ops->touch(box->self, &key, at_ms(2000), NOW, NULL),
                     FCACHE_OK);
}

static void replace_it(box_t *box)
{
    fcache_key_t key = box_key(box, "a");
    assert_int_equal(box_put(box, &key, "two", 60), FCACHE_OK);
}

static void read_it(box_t *box)
{
    fcache_key_t key = box_key(box, "a");
    assert_string_equal(box_get(box, &key, NOW), "one");
}

static void change_others(box_t *box)
{
    fcache_key_t key = box_key(box, "b");
    box_put(box, &key, "two", 60);
    assert_int_equal(box->ops->del(box->self, &key, NOW, NULL), FCACHE_OK);
}

/* ---- gets ---------------------------------------------------------------- */

static void deleted_while_it_is_read(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    box->far->after = delete_it;
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_string_equal(box_get(box, &key, at_ms(1)), "MISS");
}

static void touched_while_it_is_read(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    box->far->after = touch_it;
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_string_equal(box_get(box, &key, at_ms(1999)), "one");
    assert_string_equal(box_get(box, &key, at_ms(2000)), "MISS");
}

static void replaced_while_it_is_read(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    box->far->after = replace_it;
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_string_equal(box_get(box, &key, at_ms(1)), "two");
}

/* What is read comes near all the same. */
static void others_changed_while_it_is_read(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    box->far->after = change_others;
    assert_string_equal(box_get(box, &key, at_ms(0)), "one");
    assert_string_equal(box_get(box, &key, at_ms(1)), "one");
    assert_int_equal(box->far->gets, 1);
}

/* ---- puts and adds ------------------------------------------------------- */

static void read_before_it_is_replaced(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    others_put(box, &key, "one", 60);
    box->far->before = read_it;
    replace_it(box);
    assert_string_equal(box_get(box, &key, at_ms(1)), "two");
    assert_int_equal(box->far->gets, 1);
}

static void deleted_while_it_is_put(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box->far->after = delete_it;
    assert_int_equal(box_put(box, &key, "one", 60), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
}

static void replaced_while_it_is_put(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    box->far->after = replace_it;
    assert_int_equal(box_put(box, &key, "one", 60), FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), "two");
}

static void deleted_while_it_is_added(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_bytes_t body = fcache_str("one");
    fcache_value_t value = box_value(&body, 60, box->ops->epoch(box->self));
    box->far->after = delete_it;
    assert_int_equal(box->ops->add(box->self, &key, &value, NOW, NULL, NULL),
                     FCACHE_OK);
    assert_string_equal(box_get(box, &key, at_ms(0)), "MISS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        box_test(deleted_while_it_is_read),
        box_test(touched_while_it_is_read),
        box_test(replaced_while_it_is_read),
        box_test(others_changed_while_it_is_read),
        box_test(read_before_it_is_replaced),
        box_test(deleted_while_it_is_put),
        box_test(replaced_while_it_is_put),
        box_test(deleted_while_it_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
