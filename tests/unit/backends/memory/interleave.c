/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two at once, in every order in which one does all of its work between two
 * steps of the other: for every pair of operations and every k the second is
 * done at the k-th step of the first. Where the first holds a lock that the
 * second needs, the second gives up, as it would for a stopped process.
 */

#include "steps.h"

static void (*intruder)(box_t *box);
static box_t *intruded;
static unsigned steps_left;

static void fc_point(const char *what)
{
    (void)what;
    if (intruder && --steps_left == 0) {
        void (*run)(box_t * box) = intruder;
        intruder = NULL;
        run(intruded);
    }
}

/* Makes every segment a victim. */
static void overflow(box_t *box)
{
    fill_up(box, "flood", 140);
}

/* Whatever was there is gone, and its room is taken by other bytes. */
static void clear_and_overflow(box_t *box)
{
    clear_ns(box);
    delete_big(box);
    delete_small(box);
    overflow(box);
}

static void put_other(box_t *box)
{
    put_seed(box, "small", SMALL, 4);
    put_seed(box, "big", BIG, 4);
    put_seed(box, "new", SMALL, 4);
}

static void (*const intruders[])(box_t *box) = {
    overflow, clear_and_overflow, put_other, replace_big, delete_big, read_both,
};

static void whole_or_missing(box_t *box, const char *name)
{
    seed_is_one_of(box, name, "0124");
}

/* 1 when the first came to its k-th step. */
static int intrude_at(void (*run)(box_t *box), void (*other)(box_t *box),
                      unsigned k, size_t full)
{
    box_t box = box_make("1M");
    if (full) {
        fill_up(&box, "f", 140);
    }
    put_seed(&box, "small", SMALL, 1);
    put_seed(&box, "big", BIG, 1);
    intruder = other;
    intruded = &box;
    steps_left = k;
    run(&box);
    int done = !intruder;
    intruder = NULL;
    box_check(&box);
    whole_or_missing(&box, "small");
    whole_or_missing(&box, "big");
    whole_or_missing(&box, "new");
    assert_int_equal(stats_of(&box).faults, 0);
    assert_int_equal(stats_of(&box).pins, 0);
    if (k % 11 == 1) {
        check_no_leak(&box);
    }
    box_close(&box);
    return done;
}

/* In a full store those that make room, in a roomy one those that need none. */
static void all_pairs(size_t full)
{
    unsigned total = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].run == leave_and_join || rows[i].run == look) {
            continue; /* of one process; of no effect */
        }
        for (size_t j = full ? 0 : 1; j < COUNT(intruders) - 3 * full; j++) {
            unsigned k = 1;
            ROW(j, rows[i].text);
            while (intrude_at(rows[i].run, intruders[j], k, full)) {
                k++;
            }
            total += k - 1;
        }
    }
    print_message("%u interleavings\n", total);
    assert_true(total > 1000);
}

static void in_a_roomy_store(void **state)
{
    (void)state;
    all_pairs(0);
}

static void in_a_full_store(void **state)
{
    (void)state;
    all_pairs(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_roomy_store),
        cmocka_unit_test(in_a_full_store),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
