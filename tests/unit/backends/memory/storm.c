/* SPDX-License-Identifier: Apache-2.0 */

/* Processes that work and are killed at random, again and again. */

#include "load.h"

#include <signal.h>
#include <sys/mman.h>

#define WORKERS 4
#define KILLS   100

static pid_t start_worker(box_t *box, load_t *load, uint64_t seed)
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (ops->child_init(box->store, box->pool, NULL) == FCACHE_OK) {
            load_run(box, load, seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
                     UINT32_MAX);
        }
        _exit(0);
    }
    return pid;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {0, ms * 1000000};
    nanosleep(&pause, NULL);
}

static void a_storm_of_kills(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    load_t *load = mmap(NULL, sizeof(*load), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(load, MAP_FAILED);
    pid_t workers[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = start_worker(&box, load, i);
    }
    for (unsigned i = 0; i < KILLS; i++) {
        unsigned victim = i * 7 % WORKERS;
        int status;
        pause_ms(5 + i % 11);
        kill(workers[victim], SIGKILL);
        waitpid(workers[victim], &status, 0);
        workers[victim] = start_worker(&box, load, 100 + i);
        if (i % 10 == 0) {
            box_check(&box);
        }
    }
    atomic_store(&load->stop, 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_true(WIFEXITED(status));
    }
    box_check(&box);
    fcache_stats_t stats = stats_of(&box);
    assert_int_equal(atomic_load(&load->bad), 0);
    assert_int_equal(stats.faults, 0);
    assert_int_equal(stats.pins, 0);
    assert_int_equal(stats.processes, 1);
    assert_true(atomic_load(&load->hits) > 1000);
    assert_true(atomic_load(&load->slow) < 1000000);
    print_message("%llu hits, %llu stores, %llu refused, slowest %llu us\n",
                  (unsigned long long)atomic_load(&load->hits),
                  (unsigned long long)atomic_load(&load->stores),
                  (unsigned long long)stats.refused,
                  (unsigned long long)atomic_load(&load->slow));
    munmap(load, sizeof(*load));
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_storm_of_kills),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
