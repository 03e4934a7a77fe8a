/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flight PROCESSES THREADS: as many callers of one slow function, at the same
 * time, on the store that FCACHE_URL names. It has to run once; and once more
 * when the process that runs it is killed.
 */
#include <fcache/call.h>

#include "check.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PROCESSES = 16, MAX_THREADS = 512, STACK = 256 * 1024 };

static const int64_t slow_us = 500000;
static const int64_t lease_us = 2 * FCACHE_US_PER_S;

/* Seen by all processes. */
typedef struct board_t {
    atomic_int runs;
    atomic_int answered;
    atomic_int wrong;
    atomic_int waiting;  /* callers at the start */
    atomic_int is_stuck; /* the leader computes, and will never end */
} board_t;

static board_t *board;
static int processes;
static int threads;

static int64_t now(void *baton)
{
    (void)baton;
    return apr_time_now();
}

static void wait_for(void *baton, int64_t pause_us)
{
    (void)baton;
    apr_sleep(pause_us);
}

static uint64_t random_bits(void *baton)
{
    uint64_t bits = 0;
    (void)baton;
    apr_generate_random_bytes((unsigned char *)&bits, sizeof(bits));
    return bits;
}

static const fcache_env_t env = {now, wait_for, random_bits, NULL};

static fcache_status_t slow(void *baton, const fcache_arg_t *args, size_t count,
                            void *out_value, apr_pool_t *pool,
                            fcache_error_t *error)
{
    fcache_bytes_t *value = out_value;
    const int *is_doomed = baton;
    (void)args, (void)count, (void)error, (void)pool;
    atomic_fetch_add(&board->runs, 1);
    if (*is_doomed) {
        atomic_store(&board->is_stuck, 1);
        pause();
    }
    apr_sleep(slow_us);
    *value = fcache_str("the answer");
    return FCACHE_OK;
}

typedef struct caller_t {
    fcache_t *cache;
    fcache_call_t call;
    int number; /* the argument: each test has its own */
} caller_t;

static void *call_once(void *baton)
{
    const caller_t *caller = baton;
    const fcache_arg_t args[] = {fcache_arg_int(caller->number)};
    apr_pool_t *pool = NULL;
    fcache_bytes_t value = {NULL, 0};
    fcache_call_report_t report;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    atomic_fetch_add(&board->waiting, 1);
    while (atomic_load(&board->waiting) < processes * threads) {
        apr_sleep(1000);
    }
    fcache_status_t status = fcache_call(caller->cache, &caller->call, args, 1,
                                         &env, &value, &report, pool, NULL);
    if (status != FCACHE_OK ||
        !fcache_bytes_equal(value, fcache_str("the answer"))) {
        atomic_fetch_add(&board->wrong, 1);
    }
    if (report.cache != FCACHE_OK) {
        fprintf(stderr, "%s: %s\n", fcache_status_name(report.cache),
                report.error.text);
    }
    atomic_fetch_add(&board->answered, 1);
    apr_pool_destroy(pool);
    return NULL;
}

static caller_t caller_of(fcache_t *cache, int *is_doomed, int number)
{
    caller_t caller = {cache,
                       {.module = "flight",
                        .function = "slow",
                        .fn = slow,
                        .baton = is_doomed,
                        .ns = "flight",
                        .wait_us = 30 * FCACHE_US_PER_S,
                        .lease_us = lease_us},
                       number};
    return caller;
}

static void call_by_threads(caller_t *caller)
{
    pthread_t ids[MAX_THREADS];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], &small, call_once, caller) != 0) {
            abort();
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    pthread_attr_destroy(&small);
}

static void child(fcache_t *cache, apr_pool_t *pool, int number)
{
    static int is_doomed;
    fcache_error_t error = {""};
    caller_t caller = caller_of(cache, &is_doomed, number);
    if (fcache_child_init(cache, pool, &error) != FCACHE_OK) {
        fprintf(stderr, "%s\n", error.text);
        _exit(1);
    }
    call_by_threads(&caller);
    _exit(0);
}

/* Leads and never ends. */
static pid_t fork_doomed(fcache_t *cache, apr_pool_t *pool, int number)
{
    pid_t pid = fork();
    if (pid == 0) {
        static int is_doomed = 1;
        caller_t caller = caller_of(cache, &is_doomed, number);
        processes = 0; /* no start to wait for */
        if (fcache_child_init(cache, pool, NULL) == FCACHE_OK) {
            call_once(&caller);
        }
        _exit(1);
    }
    while (!atomic_load(&board->is_stuck)) {
        apr_sleep(1000);
    }
    return pid;
}

static void run(fcache_t *cache, apr_pool_t *pool, int number, int is_killed)
{
    pid_t pids[MAX_PROCESSES];
    pid_t doomed = 0;
    memset(board, 0, sizeof(*board));
    if (is_killed) {
        doomed = fork_doomed(cache, pool, number);
        atomic_store(&board->waiting, 0);
    }
    for (int i = 0; i < processes; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            child(cache, pool, number);
        }
    }
    while (is_killed && atomic_load(&board->waiting) < processes * threads) {
        apr_sleep(1000);
    }
    if (doomed) {
        kill(doomed, SIGKILL);
        waitpid(doomed, NULL, 0);
    }
    for (int i = 0; i < processes; i++) {
        int status = 1;
        waitpid(pids[i], &status, 0);
        CHECK_INT(status, 0);
    }
    printf("%d callers, %d runs%s\n", board->answered, board->runs,
           is_killed ? ", the first of them killed" : "");
    CHECK_INT(board->answered, processes * threads);
    CHECK_INT(board->wrong, 0);
}

static fcache_t *shared;

/* DynamoDB reads entry and clock in no order, so that those who meet on a new table
 * may not see each other's. */
static void warm_up(apr_pool_t *pool)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        processes = threads = 1;
        child(shared, pool, 0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

/* On other stores also where they are the first on a new server. */
static void of_many_one_computes(void **state)
{
    if (strncmp(getenv("FCACHE_URL"), "dynamodb:", 9) == 0) {
        warm_up(*state);
    }
    run(shared, *state, (int)getpid(), 0);
    CHECK_INT(board->runs, 1);
}

static void a_killed_leader_is_replaced_once(void **state)
{
    run(shared, *state, -(int)getpid(), 1);
    CHECK_INT(board->runs, 2);
}

static int open_all(void **state)
{
    const fcache_options_t options = {
        .store = getenv("FCACHE_URL"), .prefix = "flight", .forks = 1};
    fcache_error_t error = {""};
    apr_pool_t *pool = NULL;
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        fcache_create(&options, &shared, pool, &error) != FCACHE_OK) {
        print_error("%s\n", error.text);
        return -1;
    }
    *state = pool;
    return 0;
}

static int close_all(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_many_one_computes),
        cmocka_unit_test(a_killed_leader_is_replaced_once),
    };
    processes = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
    threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (processes < 1 || processes > MAX_PROCESSES || threads < 1 ||
        threads > MAX_THREADS) {
        fprintf(stderr, "flight PROCESSES THREADS\n");
        return 2;
    }
    return cmocka_run_group_tests(tests, open_all, close_all);
}
