/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/slot.h"

#include "check.h"

/* The first is the vector of the cluster specification, the others are what
 * `CLUSTER KEYSLOT` of Redis 7.0.15 answers. */
static void slots_are_those_of_redis(void **state)
{
    static const struct {
        const char *name;
        unsigned slot;
    } rows[] = {
        {"123456789", 0x31c3},
        {"", 0},
        {"foo", 12182},
        {"fcache", 13866},
        {"{fcache}clock", 13866},
        {"foo{}{bar}", 8363},
        {"foo{{bar}}zap", 4015},
        {"api:default:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_", 10354},
    };
    (void)state;
    assert_int_equal(fcrd_crc16(fcache_str("123456789")), 0x31c3);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        CHECK_INT(fcrd_slot(fcache_str(rows[i].name)), rows[i].slot);
    }
}

/* Cluster specification, "Hash tags". */
static void hash_tags(void **state)
{
    static const struct {
        const char *name, *tag;
    } rows[] = {
        {"{user1000}.following", "user1000"},
        {"{user1000}.followers", "user1000"},
        {"foo{{bar}}zap", "{bar"},
        {"foo{bar}{zap}", "bar"},
        {"a}b{c}", "c"},
        {"}{x}", "x"},
    };
    static const char *const whole[] = {"foo{}{bar}", "foo{bar", "foo}bar{",
                                        "{",          "{}",      "}"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        CHECK_INT(fcrd_slot(fcache_str(rows[i].name)),
                  fcrd_crc16(fcache_str(rows[i].tag)) % FCRD_SLOTS);
    }
    for (size_t i = 0; i < COUNT(whole); i++) {
        ROW(i, whole[i]);
        CHECK_INT(fcrd_slot(fcache_str(whole[i])),
                  fcrd_crc16(fcache_str(whole[i])) % FCRD_SLOTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_those_of_redis),
        cmocka_unit_test(hash_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
