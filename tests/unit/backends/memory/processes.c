/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

/* Runs in a forked child; its answer is the exit code. */
typedef int (*child_fn)(box_t *box);

static pid_t start(box_t *box, child_fn run)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        box_join(box);
        _exit(run(box));
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int put_and_exit(box_t *box)
{
    return put_text(box, "from child", "hello") != FCACHE_OK ||
           strcmp(get_text(box, "from parent"), "hi") != 0 ||
           stats_of(box).processes != 2;
}

static void processes_see_each_other(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    put_text(&box, "from parent", "hi");
    assert_int_equal(wait_for(start(&box, put_and_exit)), 0);
    assert_string_equal(get_text(&box, "from child"), "hello");
    assert_int_equal(stats_of(&box).processes, 1);
    assert_int_equal(stats_of(&box).puts, 2);
    box_close(&box);
}

/* A forked child has no place of its own before it joins. */
static void a_child_must_join(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    put_text(&box, "a", "x");
    fcache_item_t item;
    pid_t pid = fork();
    if (pid == 0) {
        int bad = get_at(&box, "a", NOW, &item) != FCACHE_UNAVAILABLE ||
                  put_text(&box, "a", "y") != FCACHE_UNAVAILABLE ||
                  del(&box, "a") != FCACHE_UNAVAILABLE ||
                  ops->check(box.store, NULL) != FCACHE_UNAVAILABLE;
        apr_pool_destroy(box.pool); /* gives nobody's place back */
        _exit(bad);
    }
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(stats_of(&box).processes, 1);
    assert_string_equal(get_text(&box, "a"), "x");
    box_close(&box);
}

static void one_that_left_has_no_place(void **state)
{
    (void)state;
    box_t box = box_open("test", "1M", NULL);
    apr_pool_t *child;
    apr_pool_create(&child, box.pool);
    fcache_item_t item;
    assert_int_equal(get_at(&box, "a", NOW, &item), FCACHE_UNAVAILABLE);
    assert_int_equal(ops->child_init(box.store, child, NULL), FCACHE_OK);
    assert_int_equal(get_at(&box, "a", NOW, &item), FCACHE_MISS);
    apr_pool_destroy(child);
    assert_int_equal(get_at(&box, "a", NOW, &item), FCACHE_UNAVAILABLE);
    box_close(&box);
}

/* ---- death ---- */

static int die_with_pins(box_t *box)
{
    fcache_item_t item;
    fcache_backend_writer_t *writer;
    char bytes[40000] = "";
    for (int i = 0; i < 900; i++) {
        ops->count(box->store, get_at(box, "big", NOW, &item) == FCACHE_OK);
    }
    ops->begin(box->store, 0, &writer, box->pool, NULL);
    ops->append(writer, fcache_bytes(bytes, sizeof(bytes)), NULL);
    raise(SIGKILL);
    return 1;
}

static void the_pins_of_the_dead_vanish(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    put_body(&box, "big", 60000, 1);
    assert_int_equal(wait_for(start(&box, die_with_pins)), -SIGKILL);
    fcache_stats_t stats = stats_of(&box);
    assert_int_equal(stats.pins, 0);
    assert_int_equal(stats.processes, 1);
    assert_int_equal(stats.hits, 900); /* what it counted stays */
    box_check(&box);
    box_close(&box);
}

/* 600 processes come and go by force: places are used again. */
static int die(box_t *box)
{
    (void)box;
    raise(SIGKILL);
    return 1;
}

static void places_are_used_again(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    for (int i = 0; i < 600; i++) {
        assert_int_equal(wait_for(start(&box, die)), -SIGKILL);
    }
    assert_int_equal(stats_of(&box).processes, 1);
    box_close(&box);
}

/* ---- one that stands still ---- */

static int keep_writing(box_t *box)
{
    apr_pool_create(&box->pool, NULL);
    for (int i = 0; i < INT32_MAX; i++) {
        (void)put_body(box, apr_psprintf(box->pool, "w%d", i % 300), 1000, 1);
        apr_pool_clear(box->pool);
    }
    return 0;
}

static int64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void sleep_ms(long ms)
{
    const struct timespec pause = {0, ms * 1000000};
    nanosleep(&pause, NULL);
}

/* Wherever it was stopped, readers go on at once and writers soon. */
static void a_stopped_process_blocks_no_reader(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    put_text(&box, "a", "x");
    for (int round = 0; round < 20; round++) {
        pid_t pid = start(&box, keep_writing);
        sleep_ms(5 + round % 7);
        kill(pid, SIGSTOP);
        int64_t before = clock_us();
        for (int i = 0; i < 300; i++) {
            char name[16];
            fcache_item_t item;
            snprintf(name, sizeof(name), "w%d", i);
            (void)get_at(&box, name, NOW, &item);
        }
        assert_true(clock_us() - before < 500000);
        before = clock_us();
        (void)put_text(&box, "a", "x");
        assert_true(clock_us() - before < 1000000);
        kill(pid, SIGCONT);
        kill(pid, SIGKILL);
        wait_for(pid);
        box_check(&box);
    }
    box_close(&box);
}

/* ---- restarts ---- */

static void content_survives_a_restart(void **state)
{
    (void)state;
    apr_pool_t *process;
    apr_pool_create(&process, NULL);
    box_t first = box_open("kept", "1M", process);
    box_join(&first);
    put_text(&first, "a", "x");
    apr_pool_destroy(first.pool);

    box_t second = box_open("kept", "1M", process);
    box_join(&second);
    assert_string_equal(get_text(&second, "a"), "x");

    box_t other = box_open("another", "1M", process);
    box_join(&other);
    assert_string_equal(get_text(&other, "a"), "-");

    /* another size: a new region, while the old one is still in use */
    box_t third = box_open("kept", "2M", process);
    box_join(&third);
    assert_string_equal(get_text(&third, "a"), "-");
    assert_string_equal(get_text(&second, "a"), "x");
    put_text(&third, "a", "y");
    apr_pool_destroy(second.pool);
    apr_pool_destroy(third.pool);

    box_t fourth = box_open("kept", "2M", process);
    box_join(&fourth);
    assert_string_equal(get_text(&fourth, "a"), "y");
    apr_pool_destroy(fourth.pool);
    apr_pool_destroy(other.pool);
    apr_pool_destroy(process);
}

/* Lines of /proc/self/maps that hold the text. */
static int mappings(const char *text)
{
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps)) {
        count += strstr(line, text) != NULL;
    }
    fclose(maps);
    return count;
}

static int pages_mapped(void)
{
    int pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%d", &pages), 1);
    fclose(statm);
    return pages;
}

/* What the parent does at each graceful restart: it never joins. */
static void the_parent_keeps_no_old_region(void **state)
{
    (void)state;
    apr_pool_t *process;
    int pages = 0;
    apr_pool_create(&process, NULL);
    for (int i = 0; i < 40; i++) {
        box_t box = box_open("parent", i % 2 ? "1M" : "2M", process);
        assert_int_equal(mappings("memfd:fcache:parent"), 1);
        apr_pool_destroy(box.pool);
        pages = i == 1 ? pages_mapped() : pages;
    }
    assert_in_range(pages_mapped(), 1, pages + 10);
    apr_pool_destroy(process);
}

/* ---- options ---- */

typedef struct option_row_t {
    const char *location;
    const char *option;
    const char *value;
    int ok;
} option_row_t;

static const option_row_t options[] = {
    {"", "size", "64M", 1},   {"", "size", "1M", 1},
    {"", "size", "1024G", 1}, {"", "size", "1023k", 0},
    {"", "size", "1025G", 0}, {"", "size", "", 0},
    {"", "size", "many", 0},  {"", "pid", "1", 0},
    {"", "shards", "1", 0},   {"x", "size", "1M", 0},
    {"x", "pid", "12", 1},    {"x", "pid", "0", 0},
    {"x", "pid", "-1", 0},    {"x", "pid", "12x", 0},
    {"x", "pid", "", 0},      {"a/b", "pid", "1", 0},
};

static void options_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(options); i++) {
        ROW(i, options[i].option);
        apr_pool_t *pool;
        void *self;
        fcache_error_t error;
        apr_pool_create(&pool, NULL);
        apr_table_t *table = apr_table_make(pool, 1);
        apr_table_set(table, options[i].option, options[i].value);
        const fcache_backend_conf_t conf = {
            .name = "test", .location = options[i].location, .options = table};
        CHECK_INT(ops->create(&conf, &self, pool, &error),
                  options[i].ok ? FCACHE_OK : FCACHE_BAD_CONFIG);
        if (!options[i].ok && !strcmp(options[i].option, "shards")) {
            assert_non_null(strstr(error.text, "shards"));
            assert_non_null(strstr(error.text, "size"));
        }
        apr_pool_destroy(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_see_each_other),
        cmocka_unit_test(a_child_must_join),
        cmocka_unit_test(one_that_left_has_no_place),
        cmocka_unit_test(the_pins_of_the_dead_vanish),
        cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(a_stopped_process_blocks_no_reader),
        cmocka_unit_test(content_survives_a_restart),
        cmocka_unit_test(the_parent_keeps_no_old_region),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
