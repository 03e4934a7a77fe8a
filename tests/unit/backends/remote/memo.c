/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "pool.h"

#include "remote/memo.h"

#include <pthread.h>

static fcr_memo_key_t key_of(const fcr_memo_t *memo, const char *name,
                             const char *stamp)
{
    return fcr_memo_key(memo, 0, fcache_str(name), fcache_str(stamp));
}

static void a_record_is_known_by_name_stamp_and_clock(void **state)
{
    fcr_memo_t *memo = fcr_memo_create(*state);
    int soft = 0;
    fcr_memo_key_t key = key_of(memo, "name", "stamp");
    assert_false(fcr_memo_find(memo, key, 7, &soft));
    fcr_memo_keep(memo, key, 7, 1);
    assert_true(fcr_memo_find(memo, key, 7, &soft));
    assert_int_equal(soft, 1);
    assert_true(fcr_memo_find(memo, key, 6, &soft));
    assert_false(fcr_memo_find(memo, key, 8, &soft));
    assert_false(fcr_memo_find(memo, key_of(memo, "name", "stamP"), 7, &soft));
    assert_false(fcr_memo_find(memo, key_of(memo, "names", "tamp"), 7, &soft));
    assert_false(fcr_memo_find(
        memo, fcr_memo_key(memo, 1, fcache_str("name"), fcache_str("stamp")), 7,
        &soft));
    fcr_memo_keep(memo, key, 8, 0);
    assert_true(fcr_memo_find(memo, key, 8, &soft));
    assert_int_equal(soft, 0);
}

enum { THREADS = 4, KEYS = 50000 };

/* Each key is kept with a clock of its own; none is ever found with another's. */
static void *churn(void *baton)
{
    fcr_memo_t *memo = baton;
    size_t wrong = 0;
    for (uint64_t i = 1; i <= KEYS; i++) {
        int soft;
        fcr_memo_key_t key = {i * UINT64_C(0x9E3779B97F4A7C15), i};
        fcr_memo_keep(memo, key, i, (int)(i & 1));
        if (fcr_memo_find(memo, key, i, &soft)) {
            wrong += soft != (int)(i & 1);
            wrong += (size_t)fcr_memo_find(memo, key, i + 1, &soft);
        }
    }
    return (void *)wrong;
}

static void threads_see_whole_rows(void **state)
{
    fcr_memo_t *memo = fcr_memo_create(*state);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, memo), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(a_record_is_known_by_name_stamp_and_clock),
        pool_test(threads_see_whole_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
