/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/command.h"

#include "check.h"
#include "pool.h"

static void words_are_counted_not_quoted(void **state)
{
    static const struct {
        const char *words[4];
        const char *wire;
    } rows[] = {
        {{"ROLE"}, "*1\r\n$4\r\nROLE\r\n"},
        {{"SELECT", "12"}, "*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n"},
        {{"MGET", "a:b:c", "{fcache}clock"},
         "*3\r\n$4\r\nMGET\r\n$5\r\na:b:c\r\n$13\r\n{fcache}clock\r\n"},
        {{"AUTH", "", "p w\r\nPING"},
         "*3\r\n$4\r\nAUTH\r\n$0\r\n\r\n$9\r\np w\r\nPING\r\n"},
        {{"GET", "%s%n%b"}, "*2\r\n$3\r\nGET\r\n$6\r\n%s%n%b\r\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcrd_command_t command;
        fcrd_wire_t wire;
        ROW(i, rows[i].words[0]);
        CHECK_INT(fcrd_command_words(&command, *state, rows[i].words),
                  FCACHE_OK);
        CHECK_INT(fcrd_command_format(&command, &wire), FCACHE_OK);
        CHECK_TEXT(wire.bytes, rows[i].wire);
        fcrd_wire_fini(&wire);
    }
}

static void words_may_be_any_bytes(void **state)
{
    static const char value[] = "\0\r\n$-1\xff";
    static const char wanted[] = "*2\r\n$1\r\nX\r\n$7\r\n\0\r\n$-1\xff\r\n";
    fcrd_command_t command;
    fcrd_wire_t wire;
    assert_int_equal(fcrd_command_init(&command, 2, *state), FCACHE_OK);
    fcrd_command_add(&command, fcache_str("X"));
    fcrd_command_add(&command, fcache_bytes(value, 7));
    assert_int_equal(fcrd_command_format(&command, &wire), FCACHE_OK);
    assert_true(fcache_bytes_equal(wire.bytes,
                                   fcache_bytes(wanted, sizeof(wanted) - 1)));
    fcrd_wire_fini(&wire);
}

static void capacity_is_kept(void **state)
{
    fcrd_command_t command;
    assert_int_equal(fcrd_command_init(&command, FCRD_ARGS_MAX + 1, *state),
                     FCACHE_TOO_LARGE);
    assert_int_equal(fcrd_command_init(&command, 1, *state), FCACHE_OK);
    assert_int_equal(fcrd_command_add(&command, fcache_str("a")), FCACHE_OK);
    assert_int_equal(fcrd_command_add(&command, fcache_str("b")),
                     FCACHE_BAD_INPUT);
    assert_int_equal(command.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(words_are_counted_not_quoted),
        pool_test(words_may_be_any_bytes),
        pool_test(capacity_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
