/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clear_race TRIES: what was computed before a clear is not served after it, on the
 * store that FCACHE_URL names. In each try one thread of a process changes what is
 * true and clears, while all others, there and in the other process, put what they
 * computed of the truth before. What is read after the clear has to be of after.
 */
#include <fcache/fcache.h>

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

enum { PROCESSES = 2, THREADS = 3, ALL = PROCESSES * THREADS };
enum { TTL_S = 60, SPIN_MAX = 1 << 14 };

/* Seen by all processes. */
typedef struct board_t {
    pthread_barrier_t meet;
    atomic_int truth;
    atomic_int cleared; /* everything of before is */
    atomic_int ended;   /* that many clears are over, well or not */
    atomic_int served;  /* reads that found something */
    atomic_int wrong;   /* of before a clear that was over */
    atomic_int late;    /* puts that began when the clear was over */
    atomic_int early;   /* puts that were over when it began */
    atomic_int faults;
} board_t;

typedef struct racer_t {
    int number; /* of all, one process after the other */
    uint32_t seed;
    apr_pool_t *pool; /* of one try */
} racer_t;

static board_t *board;
static fcache_t *cache;
static fcache_key_t keys[ALL]; /* each racer puts under its own */
static fcache_bytes_t tags;
static int tries;
static const char prefix[] = "race";
static const char ns[] = "n";
static const char tag[] = "t";

/* ---- one step each ------------------------------------------------------- */

static void note(fcache_status_t status, const fcache_error_t *error)
{
    if (fcache_status_is_fault(status) &&
        atomic_fetch_add(&board->faults, 1) == 0) {
        fprintf(stderr, "%s: %s\n", fcache_status_name(status), error->text);
    }
}

static unsigned next_random(racer_t *racer)
{
    racer->seed = racer->seed * 1664525u + 1013904223u;
    return racer->seed >> 8;
}

/* Some put when the clear is over for sure, the others after a time at random,
 * mostly short. */
static void dawdle(racer_t *racer, int try, int may_wait)
{
    unsigned bits = next_random(racer);
    for (volatile unsigned i = bits % SPIN_MAX >> bits / SPIN_MAX % 16; i > 0;
         i--) {
    }
    may_wait = may_wait && next_random(racer) % 4 == 0;
    while (may_wait && atomic_load(&board->ended) <= try) {
        apr_sleep(10);
    }
}

/* What is stored may not be older than what was cleared when it was asked for. */
static void read_of(const racer_t *racer, int number)
{
    fcache_bytes_t value;
    fcache_error_t error = {""};
    int least = atomic_load(&board->cleared);
    fcache_status_t status = fcache_get(cache, &keys[number], apr_time_now(),
                                        &value, NULL, racer->pool, &error);
    note(status, &error);
    if (status == FCACHE_OK) {
        int of = -1;
        memcpy(&of, value.ptr, value.len == sizeof(of) ? sizeof(of) : 0);
        atomic_fetch_add(&board->served, 1);
        atomic_fetch_add(&board->wrong, of < least);
    }
}

static void put_one(const racer_t *racer, int of, uint64_t epoch)
{
    fcache_error_t error = {""};
    int before = atomic_load(&board->truth) == of;
    atomic_fetch_add(&board->late, atomic_load(&board->cleared) > of);
    note(fcache_put(cache, &keys[racer->number],
                    fcache_bytes((const char *)&of, sizeof(of)), TTL_S, tags,
                    epoch, apr_time_now(), &error),
         &error);
    atomic_fetch_add(&board->early, before && atomic_load(&board->truth) == of);
}

static void clear(int try)
{
    static const fcache_scope_kind_t kinds[] = {
        FCACHE_SCOPE_TAG, FCACHE_SCOPE_NAMESPACE, FCACHE_SCOPE_PREFIX,
        FCACHE_SCOPE_ALL};
    fcache_error_t error = {""};
    fcache_scope_t scope = {
        .kind = kinds[try % (int)COUNT(kinds)],
        .prefix = fcache_str(prefix),
        .ns = fcache_str(ns),
        .tag = fcache_str(tag),
    };
    int now = atomic_fetch_add(&board->truth, 1) + 1;
    fcache_status_t status = fcache_clear(cache, &scope, 1, &error);
    note(status, &error);
    if (status == FCACHE_OK) {
        atomic_store(&board->cleared, now);
    }
    atomic_fetch_add(&board->ended, 1);
}

/* ---- tries --------------------------------------------------------------- */

static int clears(const racer_t *racer, int try)
{
    return racer->number == try % PROCESSES * THREADS;
}

/* As a request does: look up, take the epoch, ask, put. */
static void race(racer_t *racer, int try)
{
    read_of(racer, racer->number);
    uint64_t epoch = fcache_epoch(cache);
    int of = atomic_load(&board->truth);
    pthread_barrier_wait(&board->meet);
    dawdle(racer, try, !clears(racer, try));
    if (clears(racer, try)) {
        clear(try);
    } else {
        put_one(racer, of, epoch);
        read_of(racer, racer->number);
    }
    pthread_barrier_wait(&board->meet);
    read_of(racer, racer->number);
    read_of(racer, (racer->number + THREADS) % ALL);
    pthread_barrier_wait(&board->meet);
}

/* What is computed after it is served: nothing else would show that the cache is
 * in use at all. */
static void refill(racer_t *racer, int try)
{
    if (clears(racer, try)) {
        put_one(racer, atomic_load(&board->truth), fcache_epoch(cache));
    }
    pthread_barrier_wait(&board->meet);
}

static void *run(void *baton)
{
    racer_t *racer = baton;
    for (int try = 0; try < tries; try++) {
        race(racer, try);
        refill(racer, try);
        apr_pool_clear(racer->pool);
    }
    return NULL;
}

static void child(apr_pool_t *pool, int process)
{
    pthread_t ids[THREADS];
    racer_t racers[THREADS];
    fcache_error_t error = {""};
    if (fcache_child_init(cache, pool, &error) != FCACHE_OK) {
        fprintf(stderr, "%s\n", error.text);
        _exit(1);
    }
    for (int i = 0; i < THREADS; i++) {
        int number = process * THREADS + i;
        racers[i] = (racer_t){number, (uint32_t)number * 7919u, NULL};
        if (apr_pool_create(&racers[i].pool, NULL) != APR_SUCCESS ||
            pthread_create(&ids[i], NULL, run, &racers[i]) != 0) {
            _exit(1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
    }
    _exit(0);
}

/* Who waits for one that is gone would wait for ever. */
static void run_all(apr_pool_t *pool)
{
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            child(pool, i);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        waitpid(-1, &status, 0);
        if (status != 0) {
            kill(pids[0], SIGKILL);
            kill(pids[1], SIGKILL);
            fail_msg("a process ended with %d", status);
        }
    }
}

static void what_was_computed_before_a_clear_is_not_served_after(void **state)
{
    run_all(*state);
    printf("%d tries: %d puts after the clear, %d before it, %d reads served, "
           "%d faults, %d wrong\n",
           tries, board->late, board->early, board->served, board->faults,
           board->wrong);
    CHECK_INT(board->wrong, 0);
    assert_true(board->cleared > tries / 2);
    assert_true(board->late > tries / 20);
    assert_true(board->early > tries / 20);
    assert_true(board->served >= tries - 1 - board->faults);
    assert_true(board->faults <= tries / 2);
}

/* ---- set-up -------------------------------------------------------------- */

static void make_names(apr_pool_t *pool)
{
    fcache_buf_t buffer;
    fcache_buf_init(&buffer, FCACHE_TAGS_MAX_BYTES);
    assert_int_equal(fcache_tags_add_words(&buffer, fcache_str(tag)),
                     FCACHE_OK);
    tags = fcache_buf_bytes(&buffer);
    for (int i = 0; i < ALL; i++) {
        fcache_tuple_t *tuple = fcache_tuple_create(pool);
        assert_int_equal(
            fcache_tuple_add(tuple, "racer", fcache_str(apr_itoa(pool, i))),
            FCACHE_OK);
        assert_int_equal(fcache_key_from_tuple(tuple, fcache_str(prefix),
                                               fcache_str(ns), &keys[i], pool,
                                               NULL),
                         FCACHE_OK);
    }
}

static int open_all(void **state)
{
    const fcache_options_t options = {.store = getenv("FCACHE_URL"),
                                      .forks = 1};
    fcache_error_t error = {""};
    pthread_barrierattr_t shared;
    apr_pool_t *pool = NULL;
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        fcache_create(&options, &cache, pool, &error) != FCACHE_OK) {
        print_error("%s\n", error.text);
        return -1;
    }
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&board->meet, &shared, ALL);
    make_names(pool);
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
        cmocka_unit_test(what_was_computed_before_a_clear_is_not_served_after),
    };
    tries = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    if (tries < 1) {
        fprintf(stderr, "clear_race TRIES\n");
        return 2;
    }
    return cmocka_run_group_tests(tests, open_all, close_all);
}
