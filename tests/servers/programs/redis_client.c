/* SPDX-License-Identifier: Apache-2.0 */
/* What backends/redis does, on the real servers that FCACHE_URL names; see
 * servers/run.py. Names begin with t, which is what the ACL allows. */
#include "redis_fixture.h"

#include <unistd.h>

static void what_is_stored_is_fetched(void **state)
{
    fixture_t *fix = *state;
    char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)i;
    }
    fcache_bytes_t name = fixture_name(fix, "bytes");
    CHECK_INT(fixture_fetch(fix, name, NULL), 0);
    CHECK_INT(fixture_store(fix, name, FCR_SET,
                            fcache_bytes(bytes, sizeof(bytes)), NULL),
              FCACHE_OK);
    fcr_found_t found;
    CHECK_INT(fixture_fetch(fix, name, &found), 1);
    assert_true(
        fcache_bytes_equal(found.value, fcache_bytes(bytes, sizeof(bytes))));
}

static void pieces_are_one_value(void **state)
{
    fixture_t *fix = *state;
    fcache_bytes_t pieces[] = {fcache_str("a stamp of thirty-two bytes ....."),
                               fcache_str(""), fcache_str("and the rest")};
    fcr_store_t store = {.name = fixture_name(fix, "pieces"),
                         .pieces = pieces,
                         .piece_count = 3,
                         .ttl_us = FIXTURE_TTL_US};
    fcr_found_t found;
    CHECK_INT(fix->ops->store(fix->self, &store, fixture_deadline(), NULL),
              FCACHE_OK);
    CHECK_INT(fixture_fetch(fix, store.name, &found), 1);
    CHECK_TEXT(found.value, "a stamp of thirty-two bytes .....and the rest");
}

/* Whatever lies where. */
static void answers_have_the_order_of_names(void **state)
{
    fixture_t *fix = *state;
    fcache_bytes_t names[] = {
        fixture_name(fix, "entry"), fixture_counter(fix, "one"),
        fixture_counter(fix, "absent"), fixture_counter(fix, "two")};
    static const char *const values[] = {"entry", "1", NULL, "2"};
    fcr_found_t found[4];
    for (size_t i = 0; i < 4; i++) {
        if (values[i]) {
            CHECK_INT(fixture_store(fix, names[i], FCR_SET,
                                    fcache_str(values[i]), NULL),
                      FCACHE_OK);
        }
    }
    CHECK_INT(fix->ops->fetch(fix->self, names[0], names, 4, found,
                              fixture_deadline(), fix->pool, NULL),
              FCACHE_OK);
    for (size_t i = 0; i < 4; i++) {
        ROW(i, values[i]);
        CHECK_INT(found[i].exists, values[i] != NULL);
        CHECK_TEXT(found[i].value, values[i] ? values[i] : "");
    }
}

static void added_once(void **state)
{
    fixture_t *fix = *state;
    fcache_bytes_t name = fixture_name(fix, "add");
    fcr_found_t found;
    CHECK_INT(fixture_store(fix, name, FCR_ADD, fcache_str("first"), NULL),
              FCACHE_OK);
    CHECK_INT(fixture_store(fix, name, FCR_ADD, fcache_str("second"), NULL),
              FCACHE_EXISTS);
    CHECK_INT(fixture_fetch(fix, name, &found), 1);
    CHECK_TEXT(found.value, "first");
}

static void replaced_if_it_is_still_there(void **state)
{
    static const char one[] = "one, thirty-two bytes of a stamp, and more";
    static const char two[] = "two, thirty-two bytes of a stamp, and more";
    fixture_t *fix = *state;
    fcache_bytes_t name = fixture_name(fix, "replace");
    fcr_found_t old;
    fcr_found_t found;
    CHECK_INT(fixture_store(fix, name, FCR_SET, fcache_str(one), NULL),
              FCACHE_OK);
    CHECK_INT(fixture_fetch(fix, name, &old), 1);
    CHECK_INT(fixture_store(fix, name, FCR_REPLACE, fcache_str(two), &old),
              FCACHE_OK);
    CHECK_INT(fixture_fetch(fix, name, &found), 1);
    CHECK_TEXT(found.value, two);
    CHECK_INT(fixture_store(fix, name, FCR_REPLACE, fcache_str("x"), &old),
              FCACHE_EXISTS);
    CHECK_INT(fix->ops->remove(fix->self, name, fixture_deadline(), NULL),
              FCACHE_OK);
    CHECK_INT(fixture_store(fix, name, FCR_REPLACE, fcache_str("x"), &found),
              FCACHE_EXISTS);
    CHECK_INT(fixture_fetch(fix, name, NULL), 0);
}

static void removed_is_gone(void **state)
{
    fixture_t *fix = *state;
    fcache_bytes_t name = fixture_name(fix, "remove");
    CHECK_INT(fixture_store(fix, name, FCR_SET, fcache_str("x"), NULL),
              FCACHE_OK);
    CHECK_INT(fix->ops->remove(fix->self, name, fixture_deadline(), NULL),
              FCACHE_OK);
    CHECK_INT(fix->ops->remove(fix->self, name, fixture_deadline(), NULL),
              FCACHE_MISS);
    CHECK_INT(fixture_fetch(fix, name, NULL), 0);
}

static void lives_are_in_milliseconds_rounded_up(void **state)
{
    fixture_t *fix = *state;
    fcache_bytes_t value = fcache_str("short");
    fcr_store_t store = {.name = fixture_name(fix, "life"),
                         .pieces = &value,
                         .piece_count = 1,
                         .ttl_us = 1};
    CHECK_INT(fix->ops->store(fix->self, &store, fixture_deadline(), NULL),
              FCACHE_OK);
    int tries = 0;
    while (fixture_fetch(fix, store.name, NULL) && tries++ < 2000) {
        usleep(1000);
    }
    assert_true(tries < 2000);
}

static uint64_t tick(fixture_t *fix, const char *clock, uint64_t floor)
{
    uint64_t got = 0;
    fcr_found_t found[2];
    fcache_bytes_t names[] = {fixture_counter(fix, clock),
                              fixture_counter(fix, "scope")};
    fcache_error_t error = {""};
    if (fix->ops->tick(fix->self, NULL, names[0], &names[1], 1, floor, &got,
                       fixture_deadline(), &error) != FCACHE_OK) {
        fail_msg("tick: %s", error.text);
    }
    CHECK_INT(fix->ops->fetch(fix->self, names[0], names, 2, found,
                              fixture_deadline(), fix->pool, NULL),
              FCACHE_OK);
    const char *text = apr_psprintf(fix->pool, "%" APR_UINT64_T_FMT, got);
    CHECK_TEXT(found[0].value, text);
    CHECK_TEXT(found[1].value, text);
    return got;
}

static void the_clock_only_rises(void **state)
{
    fixture_t *fix = *state;
    CHECK_INT(tick(fix, "clock", 100), 100);
    CHECK_INT(tick(fix, "clock", 100), 101);
    CHECK_INT(tick(fix, "clock", 7), 102);
    CHECK_INT(tick(fix, "clock", 1000), 1000);
    CHECK_INT(tick(fix, "clock", 999), 1001);
    /* exact where doubles end */
    CHECK_INT(tick(fix, "clock", FCR_CLOCK_MAX - 1), FCR_CLOCK_MAX - 1);
    CHECK_INT(tick(fix, "clock", 1), FCR_CLOCK_MAX);
}

static void a_clock_that_is_none_is_set(void **state)
{
    static const char *const rows[] = {"",
                                       "garbage",
                                       "-5",
                                       "1.5",
                                       " 12",
                                       "12x",
                                       "9223372036854775807",
                                       "99999999999999999999"};
    fixture_t *fix = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i]);
        CHECK_INT(fixture_store(fix, fixture_counter(fix, "odd"), FCR_SET,
                                fcache_str(rows[i]), NULL),
                  FCACHE_OK);
        CHECK_INT(tick(fix, "odd", 500), 500);
    }
}

static void values_have_a_limit(void **state)
{
    fixture_t *fix = *state;
    fixture_t *small = fixture_open("max-value=64K");
    fcache_bytes_t name = fixture_name(fix, "large");
    fcache_bytes_t value = fcache_bytes(apr_pcalloc(fix->pool, 65537), 65537);
    fcr_found_t found;
    CHECK_INT(fixture_store(small, name, FCR_SET, value, NULL),
              FCACHE_TOO_LARGE);
    value.len--;
    CHECK_INT(fixture_store(small, name, FCR_SET, value, NULL), FCACHE_OK);
    CHECK_INT(fixture_fetch(small, name, &found), 1);
    CHECK_INT(found.value.len, 65536);
    value.len++;
    CHECK_INT(fixture_store(fix, name, FCR_SET, value, NULL), FCACHE_OK);
    CHECK_INT(small->ops->fetch(small->self, name, &name, 1, &found,
                                fixture_deadline(), small->pool, NULL),
              FCACHE_PROTOCOL);
    CHECK_INT(fixture_fetch(small, fixture_name(fix, "other"), NULL), 0);
    fixture_close(small);
}

typedef struct walked_t {
    fixture_t *fix;
    size_t mine, counters, stop_after, all;
} walked_t;

static int see(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    walked_t *walked = baton;
    fcache_bytes_t prefix = fcache_str(walked->fix->prefix);
    (void)value;
    walked->all++;
    walked->counters += name.ptr[0] == '{' ? 1 : 0;
    walked->mine +=
        name.len > prefix.len && memcmp(name.ptr, prefix.ptr, prefix.len) == 0
            ? 1
            : 0;
    return walked->all == walked->stop_after;
}

static void counters_are_no_entries(fixture_t *fix)
{
    fcr_census_t before, after;
    fcache_bytes_t counters[FCR_TICK_MAX];
    uint64_t clock = 0;
    for (size_t i = 0; i < COUNT(counters); i++) {
        counters[i] =
            fixture_counter(fix, apr_psprintf(fix->pool, "one%d", (int)i));
    }
    CHECK_INT(fix->ops->census(fix->self, &before, NULL), FCACHE_OK);
    CHECK_INT(fix->ops->tick(fix->self, NULL, fixture_counter(fix, "clock"),
                             counters, COUNT(counters), 1, &clock,
                             fixture_deadline(), NULL),
              FCACHE_OK);
    CHECK_INT(fix->ops->census(fix->self, &after, NULL), FCACHE_OK);
    assert_true(after.entries <= before.entries);
}

static void walks_find_entries(void **state)
{
    enum { MANY = 1500 };
    fixture_t *fix = *state;
    walked_t walked = {.fix = fix};
    fcr_census_t census;
    tick(fix, "clock", 1);
    counters_are_no_entries(fix);
    for (size_t i = 0; i < MANY; i++) {
        CHECK_INT(fixture_store(
                      fix,
                      fixture_name(fix, apr_psprintf(fix->pool, "%d", (int)i)),
                      FCR_SET, fcache_str("x"), NULL),
                  FCACHE_OK);
    }
    CHECK_INT(fix->ops->walk(fix->self, see, &walked, NULL), FCACHE_OK);
    assert_true(walked.mine >= MANY);
    assert_int_equal(walked.counters, 0);
    CHECK_INT(fix->ops->census(fix->self, &census, NULL), FCACHE_OK);
    assert_true(census.entries >= MANY);
    assert_true(census.bytes_used > MANY);
    walked = (walked_t){.fix = fix, .stop_after = 3};
    CHECK_INT(fix->ops->walk(fix->self, see, &walked, NULL), FCACHE_OK);
    assert_int_equal(walked.all, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_is_stored_is_fetched),
        fixture_test(pieces_are_one_value),
        fixture_test(answers_have_the_order_of_names),
        fixture_test(added_once),
        fixture_test(replaced_if_it_is_still_there),
        fixture_test(removed_is_gone),
        fixture_test(lives_are_in_milliseconds_rounded_up),
        fixture_test(the_clock_only_rises),
        fixture_test(a_clock_that_is_none_is_set),
        fixture_test(values_have_a_limit),
        fixture_test(walks_find_entries),
    };
    return cmocka_run_group_tests(tests, fixture_group, NULL);
}
