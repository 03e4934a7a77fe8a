/* SPDX-License-Identifier: Apache-2.0 */
#include "fieldblock.h"

#include "check.h"

#include <fcache/entry.h>

static void fields_go_in_and_out(void **state)
{
    fcache_buf_t block;
    size_t offset = 0;
    fcache_bytes_t name;
    fcache_bytes_t value;
    (void)state;
    fcache_buf_init(&block, 64);
    assert_int_equal(
        fcache_fieldblock_add(&block, fcache_str("A"), fcache_str(" x: y\t")),
        FCACHE_OK);
    assert_int_equal(
        fcache_fieldblock_add(&block, fcache_str("B"), fcache_str("")),
        FCACHE_OK);
    fcache_bytes_t bytes = fcache_buf_bytes(&block);
    CHECK_TEXT(bytes, "A: x: y\r\nB: \r\n");
    assert_true(fci_fieldblock_is_valid(bytes));
    assert_int_equal(fcache_fieldblock_next(bytes, &offset, &name, &value), 1);
    CHECK_TEXT(name, "A");
    CHECK_TEXT(value, "x: y");
    assert_int_equal(fcache_fieldblock_next(bytes, &offset, &name, &value), 1);
    CHECK_TEXT(name, "B");
    CHECK_TEXT(value, "");
    assert_int_equal(fcache_fieldblock_next(bytes, &offset, &name, &value), 0);
    fcache_buf_fini(&block);
}

/* T14: what could split a response is not taken, and leaves no trace. */
static void bad_fields_are_refused(void **state)
{
    static const struct {
        fcache_bytes_t name, value;
        fcache_status_t status;
    } rows[] = {
        {{"", 0}, {"a", 1}, FCACHE_BAD_INPUT},
        {{"a b", 3}, {"a", 1}, FCACHE_BAD_INPUT},
        {{"a:", 2}, {"a", 1}, FCACHE_BAD_INPUT},
        {{"a\r\nb", 4}, {"a", 1}, FCACHE_BAD_INPUT},
        {{"a", 1}, {"a\rb", 3}, FCACHE_BAD_INPUT},
        {{"a", 1}, {"a\nb", 3}, FCACHE_BAD_INPUT},
        {{"a", 1}, {"a\r\nX: y", 7}, FCACHE_BAD_INPUT},
        {{"a", 1}, {"a\0b", 3}, FCACHE_BAD_INPUT},
        {{"a", 1}, {"0123456789012345678901234567", 28}, FCACHE_TOO_LARGE},
    };
    fcache_buf_t block;
    (void)state;
    fcache_buf_init(&block, 32);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].value.ptr);
        CHECK_INT(fcache_fieldblock_add(&block, rows[i].name, rows[i].value),
                  rows[i].status);
        CHECK_INT(block.len, 0);
    }
    fcache_buf_fini(&block);
}

static void blocks_are_valid_or_not(void **state)
{
    static const struct {
        fcache_bytes_t block;
        int valid;
    } rows[] = {
        {{"", 0}, 1},
        {{"A: b\r\n", 6}, 1},
        {{"A: \r\n", 5}, 1},
        {{"A: b", 4}, 0},
        {{"A: b\r", 5}, 0},
        {{"A: b\n", 5}, 0},
        {{"A:b\r\n", 5}, 0},
        {{"A:\r\n", 4}, 0},
        {{": b\r\n", 5}, 0},
        {{"A b\r\n", 5}, 0},
        {{"\r\n", 2}, 0},
        {{"A: b\r\n\r\n", 8}, 0},
        {{"A: b\r\n\r\nbody: x\r\n", 17}, 0}, /* T14 */
        {{"A: b\r\n c\r\n", 10}, 0},          /* folded */
        {{"A: b\nC: d\r\n", 11}, 0},
        {{"A: b\rC: d\r\n", 11}, 0},
        {{"A: b\rxC: d\r\n", 12}, 0},
        {{"A: b\0c\r\n", 8}, 0},
        {{"A\0: b\r\n", 7}, 0},
        {{"A : b\r\n", 7}, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].block.ptr);
        CHECK_INT(fci_fieldblock_is_valid(rows[i].block), rows[i].valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_go_in_and_out),
        cmocka_unit_test(bad_fields_are_refused),
        cmocka_unit_test(blocks_are_valid_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
