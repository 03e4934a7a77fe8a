/* SPDX-License-Identifier: Apache-2.0 */

/* Breakers, with time as an argument. */

#include "check.h"
#include "pool.h"

#include <net/shared.h>

#include <pthread.h>
#include <stdlib.h>

#define MS INT64_C(1000)
#define S  INT64_C(1000000)

static fcn_limits_t limits(void)
{
    fcn_limits_t values;
    assert_int_equal(fcn_limits_parse(NULL, NULL, &values, NULL), FCACHE_OK);
    return values;
}

static fcn_limits_t limits_with(const char *option, const char *value,
                                apr_pool_t *pool)
{
    fcn_limits_t values;
    fcache_error_t error = {""};
    apr_table_t *options = apr_table_make(pool, 1);
    apr_table_set(options, option, value);
    if (fcn_limits_parse(options, NULL, &values, &error) != FCACHE_OK) {
        fail_msg("%s", error.text);
    }
    return values;
}

/*
 * What happens to one breaker, a step per word: "ok", "bad" and "odd" (unknown)
 * ask and tell, and must be let through; "no" must not be let through; "probe"
 * asks, must be the one that probes, and tells nothing; +N: so many ms later.
 */
typedef struct row_t {
    const char *name;
    const char *steps;
    int state;
    int opened; /* how often tell said so */
} row_t;

static const row_t rows[] = {
    {"new", "", 0, 0},
    {"two in a row", "bad bad ok bad bad", 0, 0},
    {"three in a row", "bad bad bad", 2, 1},
    {"unknown is no success", "bad bad odd bad", 2, 1},
    {"unknown is no failure", "odd odd odd odd", 0, 0},
    {"open is open", "bad bad bad no +700 no", 2, 1},
    {"after 1 s at most", "bad bad bad +1001", 1, 1},
    {"half of 20",
     "bad ok bad ok bad ok bad ok bad ok bad ok bad ok bad ok "
     "bad ok ok bad",
     2, 1},
    {"half of 19",
     "bad ok bad ok bad ok bad ok bad ok bad ok bad ok bad ok "
     "bad ok bad",
     0, 0},
    {"less than half",
     "ok bad ok bad ok bad ok ok bad ok ok bad ok ok bad ok "
     "bad ok ok bad ok ok bad ok ok bad ok bad ok",
     0, 0},
    {"windows end",
     "bad ok bad ok bad ok bad ok bad ok bad ok bad ok bad ok "
     "bad ok +10001 bad ok bad",
     0, 0},
    {"one probe at a time", "bad bad bad +1001 probe no no", 1, 1},
    {"a lost probe passes", "bad bad bad +1001 probe +500 no +300 ok", 1, 1},
    {"an unknown probe", "bad bad bad +1001 odd ok ok", 0, 1},
    {"one success", "bad bad bad +1001 ok", 1, 1},
    {"two successes", "bad bad bad +1001 ok ok bad bad", 0, 1},
    {"a failed probe doubles", "bad bad bad +1001 bad +1599 no +402 ok", 1, 1},
    {"a success does not stay", "bad bad bad +1001 ok bad +2001 ok", 1, 1},
    {"closing resets", "bad bad bad +1001 bad +2001 ok ok bad bad bad +1001 ok",
     1, 2},
    {"doubled up to 30 s",
     "bad bad bad +30001 bad +30001 bad +30001 bad +30001 "
     "bad +30001 bad +30001 bad +30001 bad +23999 no "
     "+6002 ok",
     1, 1},
    {"nobody asks any more", "bad bad bad +602000", 0, 1},
};

/* The same with an option. */
static const struct {
    row_t row;
    const char *option, *value;
} tuned[] = {
    {{"one failure", "bad", 2, 1}, "failures", "1"},
    {{"four failures", "bad bad bad", 0, 0}, "failures", "4"},
    {{"half of 4", "ok bad ok bad", 2, 1}, "window-requests", "4"},
    {{"half of 3", "ok bad bad", 0, 0}, "window-requests", "4"},
    {{"a tenth of 20",
      "ok ok ok bad ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok bad", 2, 1},
     "window-failures",
     "10"},
    {{"a tenth of 21",
      "ok ok ok bad ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok bad", 0, 0},
     "window-failures",
     "10"},
    {{"half of 20, but not all",
      "bad ok bad ok bad ok bad ok bad ok bad ok bad ok bad ok "
      "bad ok ok bad",
      0, 0},
     "window-failures",
     "100"},
    {{"half of 20, but not at once",
      "bad ok bad ok bad ok bad ok bad ok bad ok bad ok bad ok +1001 "
      "bad ok ok bad",
      0, 0},
     "window",
     "1s"},
    {{"a success is enough", "bad bad bad +1001 ok", 0, 1}, "successes", "1"},
    {{"two successes are few", "bad bad bad +1001 ok ok", 1, 1},
     "successes",
     "3"},
    {{"three successes", "bad bad bad +1001 ok ok ok", 0, 1}, "successes", "3"},
    {{"open for long", "bad bad bad +23900 no", 2, 1}, "open", "30s"},
    {{"doubled, but not so far", "bad bad bad +1001 bad +1501 ok", 1, 1},
     "open-max",
     "1500ms"},
};

typedef struct play_t {
    fcn_cell_t cell;
    fcn_limits_t limits;
    int64_t now_us;
    int opened;
} play_t;

static void ask_and_tell(play_t *play, fcn_outcome_t outcome)
{
    CHECK_INT(fcn_breaker_is_up(&play->cell, play->now_us), 1);
    fcn_gate_t gate = fcn_breaker_ask(&play->cell, &play->limits, play->now_us);
    CHECK_INT(gate == FCN_GATE_OPEN, 0);
    play->opened += fcn_breaker_tell(&play->cell, &play->limits, gate, outcome,
                                     play->now_us);
}

static void step(play_t *play, const char *word, size_t len)
{
    if (len == 2 && !memcmp(word, "ok", 2)) {
        ask_and_tell(play, FCN_ANSWERED);
    } else if (len == 3 && !memcmp(word, "bad", 3)) {
        ask_and_tell(play, FCN_FAILED);
    } else if (len == 3 && !memcmp(word, "odd", 3)) {
        ask_and_tell(play, FCN_UNKNOWN);
    } else if (len == 2 && !memcmp(word, "no", 2)) {
        CHECK_INT(fcn_breaker_is_up(&play->cell, play->now_us), 0);
        CHECK_INT(fcn_breaker_ask(&play->cell, &play->limits, play->now_us),
                  FCN_GATE_OPEN);
    } else if (len == 5 && !memcmp(word, "probe", 5)) {
        CHECK_INT(fcn_breaker_ask(&play->cell, &play->limits, play->now_us),
                  FCN_GATE_PROBE);
    } else if (word[0] == '+') {
        play->now_us += strtol(word + 1, NULL, 10) * MS;
    } else {
        fail_msg("no such step: %s", word);
    }
}

static void play_row(const row_t *row, fcn_limits_t values)
{
    play_t play = {.limits = values, .now_us = 1000 * S};
    const char *at = row->steps;
    while (*at) {
        size_t len = strcspn(at, " ");
        step(&play, at, len);
        at += len + strspn(at + len, " ");
    }
    CHECK_INT(fcn_breaker_state(&play.cell, play.now_us), row->state);
    CHECK_INT(play.opened, row->opened);
}

static void steps_lead_to_states(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        play_row(&rows[i], limits());
    }
}

static void options_change_where_they_lead(void **state)
{
    for (size_t i = 0; i < COUNT(tuned); i++) {
        ROW(i, tuned[i].row.name);
        play_row(&tuned[i].row,
                 limits_with(tuned[i].option, tuned[i].value, *state));
    }
}

/* An answer that comes late says nothing about a breaker that has opened. */
static void late_answers_change_nothing(void **state)
{
    (void)state;
    play_t play = {.limits = limits(), .now_us = 1000 * S};
    fcn_gate_t early = fcn_breaker_ask(&play.cell, &play.limits, play.now_us);
    for (int i = 0; i < 3; i++) {
        ask_and_tell(&play, FCN_FAILED);
    }
    assert_false(fcn_breaker_tell(&play.cell, &play.limits, early, FCN_ANSWERED,
                                  play.now_us));
    assert_false(fcn_breaker_tell(&play.cell, &play.limits, early, FCN_FAILED,
                                  play.now_us));
    assert_int_equal(fcn_breaker_state(&play.cell, play.now_us), 2);
}

/* 5 to 25 % sooner, so that not all come back at once. Never later: the second
 * opening, of 2 s, bounds how long a fault of 1 s is felt after its end, with the
 * time that the probe takes. */
static void times_are_spread(void **state)
{
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 1000; i++) {
        play_t play = {.limits = limits(), .now_us = 1000 * S + i};
        for (int j = 0; j < 3; j++) {
            ask_and_tell(&play, FCN_FAILED);
        }
        int64_t us = play.cell.open_until_us - play.now_us;
        least = us < least ? us : least;
        most = us > most ? us : most;
    }
    assert_in_range(least, 750 * MS, 770 * MS);
    assert_in_range(most, 930 * MS, 950 * MS);
}

static void only_the_servers_failures_count(void **state)
{
    (void)state;
#define X(name, fault, text) FCACHE_##name,
    static const fcache_status_t all[] = {FCACHE_STATUS_LIST(X)};
#undef X
    for (size_t i = 0; i < COUNT(all); i++) {
        ROW(i, fcache_status_name(all[i]));
        CHECK_INT(fcn_outcome_of(all[i]),
                  all[i] == FCACHE_TIMEOUT || all[i] == FCACHE_UNAVAILABLE ||
                          all[i] == FCACHE_PROTOCOL
                      ? FCN_FAILED
                  : all[i] == FCACHE_NO_MEMORY ? FCN_UNKNOWN
                                               : FCN_ANSWERED);
    }
}

/* ---- threads ---- */

#define THREADS 16

typedef struct crowd_t {
    play_t play;
    pthread_barrier_t barrier;
    _Atomic int opened, probes;
} crowd_t;

static void *fail_and_probe(void *data)
{
    crowd_t *crowd = data;
    play_t *play = &crowd->play;
    for (int i = 0; i < 50; i++) {
        if (fcn_breaker_tell(&play->cell, &play->limits, FCN_GATE_CLOSED,
                             FCN_FAILED, play->now_us)) {
            atomic_fetch_add(&crowd->opened, 1);
        }
    }
    pthread_barrier_wait(&crowd->barrier);
    if (fcn_breaker_ask(&play->cell, &play->limits, play->now_us + 2 * S) ==
        FCN_GATE_PROBE) {
        atomic_fetch_add(&crowd->probes, 1);
    }
    return NULL;
}

static void one_opens_it_and_one_probes(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        crowd_t crowd = {
            .play = {.limits = limits(), .now_us = 1000 * S + round}};
        pthread_t ids[THREADS];
        pthread_barrier_init(&crowd.barrier, NULL, THREADS);
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(
                pthread_create(&ids[i], NULL, fail_and_probe, &crowd), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(ids[i], NULL);
        }
        pthread_barrier_destroy(&crowd.barrier);
        assert_int_equal(crowd.opened, 1);
        assert_int_equal(crowd.probes, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_lead_to_states),
        pool_test(options_change_where_they_lead),
        cmocka_unit_test(late_answers_change_nothing),
        cmocka_unit_test(times_are_spread),
        cmocka_unit_test(only_the_servers_failures_count),
        cmocka_unit_test(one_opens_it_and_one_probes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
