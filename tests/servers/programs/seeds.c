/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that were lost and are made anew, on real servers that may lose them:
 * none comes back lower than the last clear made it. */
#include "backend_url.h"
#include "check.h"
#include "pool.h"

#include <memcached/client.h>
#include <redis/client.h>

#include <apr_strings.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define CLOCK     "{fcache}clock"
#define TICKS     300
#define REPAIRERS 16

typedef struct rig_t {
    apr_pool_t *pool;
    const fcr_client_ops_t *ops;
    void *self;
} rig_t;

static fcn_deadline_t soon(void)
{
    return fcn_deadline_in(INT64_C(20000000));
}

static rig_t rig_open(apr_pool_t *pool)
{
    rig_t rig = {.pool = pool};
    fci_backend_url_t url;
    fcache_error_t error = {""};
    fcn_shared_t *shared;
    int is_local;
    fcn_limits_t *limits = apr_palloc(pool, sizeof(*limits));
    assert_int_equal(
        fci_backend_url_parse(getenv("FCACHE_URL"), NULL, &url, pool, &error),
        FCACHE_OK);
    rig.ops = strcmp(url.scheme, "memcached") == 0 ? &fcmc_client
                                                   : fcrd_client(url.scheme);
    fcache_backend_conf_t conf = {.name = "test",
                                  .scheme = url.scheme,
                                  .location = url.location,
                                  .options = url.options};
    if (fcn_limits_parse(url.options, rig.ops->limits, limits, &error) !=
            FCACHE_OK ||
        rig.ops->create(&conf, limits, &rig.self, &is_local, pool, &error) !=
            FCACHE_OK ||
        fcn_shared_open("seeds", pool, &shared, &error) != FCACHE_OK ||
        rig.ops->open(rig.self, shared, &error) != FCACHE_OK ||
        rig.ops->child_init(rig.self, pool, &error) != FCACHE_OK) {
        fail_msg("%s", error.text);
    }
    return rig;
}

/* With the entry "t:n:1", 0 when it is not there. */
static uint64_t read_number(const rig_t *rig, fcache_bytes_t name,
                            apr_pool_t *pool)
{
    fcr_found_t found;
    fcache_error_t error = {""};
    if (rig->ops->fetch(rig->self, fcache_str("t:n:1"), &name, 1, &found,
                        soon(), pool, &error) != FCACHE_OK) {
        fail_msg("fetch: %s", error.text);
    }
    return found.exists ? strtoull(apr_pstrmemdup(pool, found.value.ptr,
                                                  found.value.len),
                                   NULL, 10)
                        : 0;
}

static fcache_status_t try_tick(const rig_t *rig, fcache_bytes_t counter,
                                uint64_t *out_clock)
{
    return rig->ops->tick(rig->self, NULL, fcache_str(CLOCK), &counter, 1, 1,
                          out_clock, soon(), NULL);
}

static uint64_t tick(const rig_t *rig, fcache_bytes_t counter)
{
    uint64_t clock = 0;
    assert_int_equal(try_tick(rig, counter, &clock), FCACHE_OK);
    return clock;
}

static fcache_status_t seed(const rig_t *rig, const fcache_bytes_t *counters,
                            size_t count)
{
    return rig->ops->seed(rig->self, fcache_str("t:n:1"), fcache_str(CLOCK),
                          counters, count, soon(), NULL);
}

static void what_is_missing_becomes_the_clock(void **state)
{
    rig_t rig = rig_open(*state);
    const fcache_bytes_t names[] = {
        fcache_str("{fcache}h:1"), fcache_str("{fcache}h:2"),
        fcache_str("{fcache}h:3"), fcache_str("{fcache}h:4")};
    assert_int_equal(seed(&rig, names, COUNT(names)), FCACHE_MISS);
    assert_int_equal(read_number(&rig, names[0], rig.pool), 0);
    uint64_t first = tick(&rig, names[1]);
    uint64_t second = tick(&rig, names[3]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(seed(&rig, names, COUNT(names)), FCACHE_OK);
        assert_int_equal(read_number(&rig, names[0], rig.pool), second);
        assert_int_equal(read_number(&rig, names[1], rig.pool), first);
        assert_int_equal(read_number(&rig, names[2], rig.pool), second);
        assert_int_equal(read_number(&rig, names[3], rig.pool), second);
    }
    uint64_t third = tick(&rig, names[0]);
    assert_int_equal(seed(&rig, names, COUNT(names)), FCACHE_OK);
    assert_int_equal(read_number(&rig, names[0], rig.pool), third);
}

static void as_many_as_an_entry_has(void **state)
{
    rig_t rig = rig_open(*state);
    fcache_bytes_t names[FCR_FETCH_MAX - 2];
    for (size_t i = 0; i < COUNT(names); i++) {
        names[i] = fcache_str(
            apr_psprintf(rig.pool, "{fcache}h:many%" APR_SIZE_T_FMT, i));
    }
    uint64_t clock = tick(&rig, names[7]);
    assert_int_equal(seed(&rig, names, COUNT(names)), FCACHE_OK);
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(read_number(&rig, names[i], rig.pool), clock);
    }
}

typedef struct losing_t {
    const rig_t *rig;
    fcache_bytes_t counter;
    _Atomic int is_over;
    unsigned times;
} losing_t;

/* As a store that evicts it at any time, and servers that put entries. */
static void *lose_and_seed(void *baton)
{
    losing_t *losing = baton;
    while (!losing->is_over) {
        losing->rig->ops->remove(losing->rig->self, losing->counter, soon(),
                                 NULL);
        losing->times += seed(losing->rig, &losing->counter, 1) == FCACHE_OK;
        usleep(200);
    }
    return NULL;
}

/* A clear that does not get through says so. */
static void seeds_never_undo_a_clear(void **state)
{
    rig_t rig = rig_open(*state);
    pthread_t threads[2];
    losing_t losing[2] = {{&rig, fcache_str("{fcache}h:lost"), 0, 0},
                          {&rig, fcache_str("{fcache}h:lost"), 0, 0}};
    unsigned lower = 0, clears = 0;
    tick(&rig, losing[0].counter);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, lose_and_seed, &losing[i]), 0);
    }
    for (int i = 0; i < TICKS; i++) {
        apr_pool_t *pool = NULL;
        apr_pool_create(&pool, rig.pool);
        uint64_t clock = 0;
        int is_done = try_tick(&rig, losing[0].counter, &clock) == FCACHE_OK;
        clears += (unsigned)is_done;
        for (int j = 0; j < 5 && is_done; j++) {
            uint64_t now = read_number(&rig, losing[0].counter, pool);
            lower += now > 0 && now < clock;
        }
        apr_pool_destroy(pool);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        losing[i].is_over = 1;
        pthread_join(threads[i], NULL);
        assert_true(losing[i].times > 0);
    }
    assert_true(clears > TICKS / 4);
    assert_int_equal(lower, 0);
}

typedef struct repairer_t {
    const rig_t *rig;
    fcr_repair_t repair;
    uint64_t floor, clock;
} repairer_t;

static void *repair_it(void *baton)
{
    repairer_t *one = baton;
    fcache_error_t error = {""};
    const fcache_bytes_t counter = fcache_str("{fcache}h:all");
    if (one->rig->ops->tick(one->rig->self, &one->repair, fcache_str(CLOCK),
                            &counter, 1, one->floor, &one->clock, soon(),
                            &error) != FCACHE_OK) {
        print_error("%s\n", error.text);
        one->clock = 0;
    }
    return NULL;
}

/* All find it missing or behind, and each has another idea of the time. */
static void of_many_repairs_one_counts(void **state)
{
    rig_t rig = rig_open(*state);
    fcache_bytes_t counter = fcache_str("{fcache}h:all");
    for (int i = 0; i < 20; i++) {
        pthread_t threads[REPAIRERS];
        repairer_t all[REPAIRERS];
        uint64_t before = tick(&rig, counter);
        int is_behind = i % 2;
        ROW((size_t)i, is_behind ? "behind" : "missing");
        if (!is_behind) {
            rig.ops->remove(rig.self, fcache_str(CLOCK), soon(), NULL);
        }
        for (size_t j = 0; j < REPAIRERS; j++) {
            all[j] =
                (repairer_t){&rig,
                             {fcache_str("t:n:1"), is_behind ? before + 1 : 0},
                             before + 100 + j,
                             0};
            assert_int_equal(
                pthread_create(&threads[j], NULL, repair_it, &all[j]), 0);
        }
        for (size_t j = 0; j < REPAIRERS; j++) {
            pthread_join(threads[j], NULL);
        }
        uint64_t now = read_number(&rig, fcache_str(CLOCK), rig.pool);
        CHECK_INT(now >= before + 100, 1);
        CHECK_INT(read_number(&rig, counter, rig.pool), now);
        for (size_t j = 0; j < REPAIRERS; j++) {
            CHECK_INT(all[j].clock, now);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(what_is_missing_becomes_the_clock),
        pool_test(as_many_as_an_entry_has),
        pool_test(seeds_never_undo_a_clear),
        pool_test(of_many_repairs_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
