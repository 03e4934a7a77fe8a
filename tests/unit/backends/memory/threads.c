/* SPDX-License-Identifier: Apache-2.0 */

/* Many threads in one process; built for the thread sanitizer this shows that
 * every byte is handed over properly. */

#include "load.h"

#include <pthread.h>

#define THREADS 4

typedef struct thread_t {
    box_t *box;
    load_t *load;
    uint64_t seed;
} thread_t;

static void *work(void *data)
{
    const thread_t *thread = data;
    load_run(thread->box, thread->load, thread->seed, 4000);
    return NULL;
}

static void threads_hurt_nobody(void **state)
{
    (void)state;
    box_t box = box_make("1M");
    load_t *load = calloc(1, sizeof(*load));
    pthread_t ids[THREADS];
    thread_t threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        threads[i] = (thread_t){&box, load, i * 77 + 1};
        assert_int_equal(pthread_create(&ids[i], NULL, work, &threads[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        box_check(&box);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
    }
    box_check(&box);
    assert_int_equal(atomic_load(&load->bad), 0);
    assert_true(atomic_load(&load->hits) > 1000);
    assert_true(atomic_load(&load->stores) > 1000);
    fcache_stats_t stats = stats_of(&box);
    assert_int_equal(stats.pins, 0);
    assert_int_equal(stats.faults, 0);
    assert_true(stats.evicted > 100);
    print_message("%llu hits, %llu stores, %llu refused, slowest %llu us\n",
                  (unsigned long long)atomic_load(&load->hits),
                  (unsigned long long)atomic_load(&load->stores),
                  (unsigned long long)stats.refused,
                  (unsigned long long)atomic_load(&load->slow));
    free(load);
    box_close(&box);
}

/* Of many adds of one key exactly one succeeds. */
#define ROUNDS 500

typedef struct race_t {
    box_t *box;
    pthread_barrier_t *barrier;
    _Atomic int *winners;
} race_t;

static void *race(void *data)
{
    const race_t *at = data;
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    fcache_bytes_t body = fcache_str("x");
    for (int i = 0; i < ROUNDS; i++) {
        fcache_key_t key = key_of("p", "n", apr_psprintf(pool, "r%d", i), pool);
        fcache_value_t value = value_of(at->box->store, &body);
        pthread_barrier_wait(at->barrier);
        if (ops->add(at->box->store, &key, &value, NOW, NULL, NULL) ==
            FCACHE_OK) {
            atomic_fetch_add(&at->winners[i], 1);
        }
    }
    apr_pool_destroy(pool);
    return NULL;
}

static void one_add_wins(void **state)
{
    (void)state;
    box_t box = box_make("8M");
    pthread_barrier_t barrier;
    pthread_t ids[THREADS];
    static _Atomic int winners[ROUNDS];
    race_t at = {&box, &barrier, winners};
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&ids[i], NULL, race, &at), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
    }
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(atomic_load(&winners[i]), 1);
    }
    pthread_barrier_destroy(&barrier);
    box_check(&box);
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_hurt_nobody),
        cmocka_unit_test(one_add_wins),
    };
    return cmocka_run_group_tests(tests, apr_up, NULL);
}
