/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Death at any step. The store's sources are compiled in here with a hook at
 * each of their steps; for every operation and every k a child process does the
 * operation and is killed at its k-th step, with whatever locks and pins it
 * holds. Then the parent looks for damage, and goes on.
 */

static void fc_point(const char *what);
#define FC_POINT(what) fc_point(what)

#include <memory/attach.c>
#include <memory/draft.c>
#include <memory/epochs.c>
#include <memory/fsck.c>
#include <memory/index.c>
#include <memory/lock.c>
#include <memory/pins.c>
#include <memory/publish.c>
#include <memory/reader.c>
#include <memory/reclaim.c>
#include <memory/record.c>
#include <memory/region.c>
#include <memory/scan.c>
#include <memory/segment.c>
#include <memory/slots.c>
#include <memory/store.c>
#include <memory/writer.c>

#include "box.h"

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

/* ---- what is done ---- */

#define SMALL 900
#define BIG   60000

static void put_seed(box_t *box, const char *name, size_t size, uint64_t seed)
{
    (void)put_body(box, name, size, seed);
}

static void put_new(box_t *box)
{
    put_seed(box, "new", SMALL, 2);
}

static void put_new_big(box_t *box)
{
    put_seed(box, "new", BIG, 2);
}

static void replace_small(box_t *box)
{
    put_seed(box, "small", SMALL, 2);
}

static void replace_big(box_t *box)
{
    put_seed(box, "big", BIG, 2);
}

static void shrink_big(box_t *box)
{
    put_seed(box, "big", SMALL, 2);
}

static void add(box_t *box, const char *name)
{
    char bytes[SMALL];
    body_fill(bytes, sizeof(bytes), 2);
    fcache_bytes_t body = fcache_bytes(bytes, sizeof(bytes));
    fcache_key_t key = key_of("p", "n", name, box->pool);
    fcache_value_t value = value_of(box->store, &body);
    ops->add(box->store, &key, &value, NOW, NULL);
}

static void add_new(box_t *box)
{
    add(box, "new");
}

static void add_small(box_t *box)
{
    add(box, "small");
}

static void delete_small(box_t *box)
{
    del(box, "small");
}

static void delete_big(box_t *box)
{
    del(box, "big");
}

static void touch_big(box_t *box)
{
    fcache_key_t key = key_of("p", "n", "big", box->pool);
    ops->touch(box->store, &key, LATER + 1, NOW, NULL);
}

static void clear_ns(box_t *box)
{
    const fcache_scope_t scope = {
        FCACHE_SCOPE_NAMESPACE, fcache_str("p"), fcache_str("n"), {NULL, 0}};
    ops->clear(box->store, &scope, 0, NULL);
}

static void clear_new_ns(box_t *box)
{
    const fcache_scope_t scope = {FCACHE_SCOPE_NAMESPACE,
                                  fcache_str("p"),
                                  fcache_str("never seen"),
                                  {NULL, 0}};
    ops->clear(box->store, &scope, 0, NULL);
}

static fcache_backend_writer_t *write_some(box_t *box)
{
    fcache_backend_writer_t *writer;
    char *bytes = malloc(BIG);
    body_fill(bytes, BIG, 2);
    ops->begin(box->store, 0, &writer, box->pool, NULL);
    for (size_t at = 0; at < BIG; at += BIG / 6) {
        ops->append(writer, fcache_bytes(bytes + at, BIG / 6), NULL);
    }
    free(bytes);
    return writer;
}

static void write_and_commit(box_t *box)
{
    fcache_key_t key = key_of("p", "n", "big", box->pool);
    fcache_value_t value = value_of(box->store, NULL);
    value.body_count = 0;
    ops->commit(write_some(box), &key, &value, NOW, NULL);
}

static void put_many(box_t *box)
{
    for (int i = 0; i < 12; i++) {
        put_seed(box, apr_psprintf(box->pool, "many%d", i), 3500, 2);
    }
}

static void write_and_abort(box_t *box)
{
    ops->abort(write_some(box));
}

static void read_both(box_t *box)
{
    fcache_item_t item;
    get_at(box, "small", NOW, &item);
    if (get_at(box, "big", NOW, &item) == FCACHE_OK) {
        fc_point("reader holds a pin");
        ops->release(box->store, item.pin);
    }
}

static void meet_the_dead(box_t *box)
{
    fcache_item_t item;
    get_at(box, "big", LATER + 5, &item);
}

static void leave_and_join(box_t *box)
{
    apr_pool_t *pool;
    fcm_leave(box->store);
    apr_pool_create(&pool, box->pool);
    ops->child_init(box->store, pool, NULL);
}

static void look(box_t *box)
{
    (void)ops->check(box->store, NULL);
}

/* What may be found afterwards under a key: seed 1 was there before, seed 2 is
 * what the operation stores, 0 stands for nothing. */
typedef struct op_row_t {
    const char *text;
    void (*run)(box_t *box);
    const char *small; /* seeds */
    const char *big;
    const char *new;
} op_row_t;

static const op_row_t rows[] = {
    {"put a new key", put_new, "1", "1", "02"},
    {"put a new large body", put_new_big, "1", "1", "02"},
    {"replace", replace_small, "12", "1", "0"},
    {"replace large by large", replace_big, "1", "12", "0"},
    {"replace large by small", shrink_big, "1", "12", "0"},
    {"add a new key", add_new, "1", "1", "02"},
    {"add a key that is there", add_small, "1", "1", "0"},
    {"delete", delete_small, "01", "1", "0"},
    {"delete large", delete_big, "1", "01", "0"},
    {"touch", touch_big, "1", "1", "0"},
    {"clear a namespace", clear_ns, "01", "01", "0"},
    {"clear another namespace", clear_new_ns, "1", "1", "0"},
    {"write and commit", write_and_commit, "1", "12", "0"},
    {"write and abort", write_and_abort, "1", "1", "0"},
    {"put many", put_many, "1", "1", "0"},
    {"read", read_both, "1", "1", "0"},
    {"meet a dead item", meet_the_dead, "1", "01", "0"},
    {"leave and join", leave_and_join, "1", "1", "0"},
    {"check", look, "1", "1", "0"},
};

/* ---- the world in which it is done ---- */

typedef enum world_t {
    ROOMY,  /* free segments: nothing else may be lost */
    FULL,   /* every step makes room first */
    HAUNTED /* full, and another process died in it before */
} world_t;

static void fill_up(box_t *box, const char *what, int count)
{
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s%d", what, i);
        put_seed(box, name, i % 9 ? 3500 : BIG / 2, 3);
    }
}

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

static void seed_is_one_of(box_t *box, const char *name, const char *seeds)
{
    fcache_item_t item;
    char seed = '0';
    if (get_at(box, name, NOW, &item) == FCACHE_OK) {
        size_t len = 0;
        for (size_t i = 0; i < item.body_count; i++) {
            len += item.body[i].len;
        }
        seed = body_is(&item, len, 1)   ? '1'
               : body_is(&item, len, 2) ? '2'
                                        : '?';
        assert_true(len == SMALL || len == BIG);
        if (item.pin) {
            ops->release(box->store, item.pin);
        }
    }
    if (!strchr(seeds, seed)) {
        fail_msg("%s holds %c, not one of %s", name, seed, seeds);
    }
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

/* All segments come back: filled over twice, none is stuck. */
static void check_no_leak(box_t *box)
{
    const fcm_region_t *region = &box->store->region;
    unsigned in_use = 0;
    unsigned open = 0;
    fill_up(box, "after", 200);
    assert_int_equal(stats_of(box).refused, 0);
    box_check(box);
    for (uint32_t i = 0; i < region->geo.segment_count; i++) {
        const fcm_head_t *head = fcm_head(region, i);
        uint64_t word = atomic_load(&head->word);
        fcm_state_t at = fcm_word_state(word);
        assert_true(at != FCM_TAKEN && at != FCM_DRAINING && at != FCM_LIMBO);
        in_use += at != FCM_FREE;
        open += at == FCM_OPEN;
        if (at == FCM_EXTENT || at == FCM_SEALED) {
            /* no older than one revolution */
            assert_true(atomic_load(&fcm_super(region)->seals) -
                            atomic_load(&head->seal) <
                        region->geo.segment_count);
        }
    }
    assert_true(in_use > region->geo.segment_count / 2);
    assert_true(open <= 2 * region->geo.lanes);
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

static void enumerate(world_t world)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (world != ROOMY && rows[i].run == look) {
            continue; /* looks at each item, the same way */
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
