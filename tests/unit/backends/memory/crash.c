/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Death at any step. For every operation and every k a child process does the
 * operation and is killed at its k-th step, with whatever locks and pins it
 * holds. Then the parent looks for damage, and goes on.
 */

#include "steps.h"

#include <signal.h>

static unsigned steps_left; /* 0: immortal */
static const char *last_step;

static void fc_point(const char *what)
{
    last_step = what;
    if (steps_left && --steps_left == 0) {
        kill(getpid(), SIGKILL);
    }
}

/* ---- the world in which it is done ---- */

typedef enum world_t {
    ROOMY,  /* free segments: nothing else may be lost */
    FULL,   /* every step makes room first */
    HAUNTED /* full, and another process died in it before */
} world_t;

/* Does `run` in a child that dies at step k, counted from its joining if
 * `joining`. 1 when it got that far. */
static int die_at(box_t *box, void (*run)(box_t *box), unsigned k, int joining)
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        steps_left = joining ? k : 0;
        ops->child_init(box->store, box->pool, NULL);
        steps_left = joining ? steps_left : k;
        run(box);
        steps_left = 0;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return 1;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}

static box_t make_world(world_t world)
{
    box_t box = box_open("crash", "1M", NULL);
    box_join(&box);
    if (world != ROOMY) {
        fill_up(&box, "f", 150);
    }
    put_seed(&box, "small", SMALL, 1);
    put_seed(&box, "big", BIG, 1);
    if (world == HAUNTED) {
        assert_true(die_at(&box, put_new_big, 14, 0));
    }
    return box;
}

static void check_after(box_t *box, const op_row_t *row, world_t world)
{
    box_check(box);
    const char *lost = world == ROOMY ? "" : "0";
    seed_is_one_of(box, "small",
                   apr_pstrcat(box->pool, row->small, lost, NULL));
    seed_is_one_of(box, "big", apr_pstrcat(box->pool, row->big, lost, NULL));
    seed_is_one_of(box, "new", row->new);
    fcache_stats_t stats = stats_of(box);
    assert_int_equal(stats.processes, 1);
    assert_int_equal(stats.pins, 0);
    assert_int_equal(stats.faults, 0);
}

static void check_going_on(box_t *box, const op_row_t *row)
{
    row->run(box);
    seed_is_one_of(box, "new", row->new);
    box_check(box);
    check_no_leak(box);
}

static unsigned try_all_steps(const op_row_t *row, world_t world)
{
    unsigned k = 1;
    int died = 1;
    for (; died; k++) {
        box_t box = make_world(world);
        ROW(k, row->text);
        died = die_at(&box, row->run, k, world == HAUNTED);
        check_after(&box, row, world);
        check_going_on(&box, row);
        box_close(&box);
        assert_true(k < 5000);
    }
    return k - 2;
}

/* A check looks at each item the same way; reaping is the same before all. */
static int is_worth_trying(void (*run)(box_t *box), world_t world)
{
    if (world == HAUNTED) {
        return run == put_new || run == put_new_big || run == read_both;
    }
    return world == ROOMY || run != look;
}

static void enumerate(world_t world)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!is_worth_trying(rows[i].run, world)) {
            continue;
        }
        unsigned steps = try_all_steps(&rows[i], world);
        print_message("%s: %u steps\n", rows[i].text, steps);
        assert_true(steps > 0);
    }
}

static void in_a_roomy_store(void **state)
{
    (void)state;
    enumerate(ROOMY);
}

static void in_a_full_store(void **state)
{
    (void)state;
    enumerate(FULL);
}

static void in_a_store_with_another_death(void **state)
{
    (void)state;
    enumerate(HAUNTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_roomy_store),
        cmocka_unit_test(in_a_full_store),
        cmocka_unit_test(in_a_store_with_another_death),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
