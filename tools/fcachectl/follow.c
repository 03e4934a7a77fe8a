/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <apr_time.h>

#include <stdio.h>

typedef struct sample_t {
    json_t *numbers;
    int64_t ticks_us;
} sample_t;

static int take(ctl_t *ctl, ctl_source_t *source, sample_t *sample)
{
    sample->numbers = ctl_source_ask(ctl, source);
    sample->ticks_us = ctl_ticks_us();
    return sample->numbers != NULL;
}

static void show_between(const ctl_t *ctl, const sample_t *before,
                         const sample_t *now, ctl_show_fn show, long turn)
{
    double seconds =
        (double)(now->ticks_us - before->ticks_us) / FCACHE_US_PER_S;
    json_t *rates = ctl_rates(before->numbers, now->numbers, seconds);

    json_object_set_new(rates, "time_s",
                        json_integer((json_int_t)apr_time_sec(apr_time_now())));
    json_object_set_new(rates, "interval_s", json_real(seconds));
    show(ctl, rates, turn);
    json_decref(rates);
    fflush(stdout);
}

/* A turn's memory is a pool of its own. */
static ctl_exit_t follow(const ctl_t *ctl, ctl_source_t *source,
                         int64_t interval_us, long count, ctl_show_fn show)
{
    ctl_t turn = *ctl;
    sample_t before;
    sample_t now;
    ctl_exit_t code = CTL_OK;

    apr_pool_create(&turn.pool, ctl->pool);
    if (!take(&turn, source, &before)) {
        return CTL_FAULT;
    }
    for (long i = 0; (count == 0 || i < count) && !ferror(stdout); i++) {
        apr_pool_clear(turn.pool);
        apr_sleep(interval_us);
        code = CTL_FAULT;
        if (take(&turn, source, &now)) {
            show_between(&turn, &before, &now, show, i);
            json_decref(before.numbers);
            before = now;
            code = CTL_OK;
        } else if (!ctl_source_may_return(source)) {
            break;
        }
    }
    json_decref(before.numbers);
    return code;
}

json_t *ctl_clock(const json_t *time_s)
{
    apr_time_exp_t time;
    char text[16];

    apr_time_exp_lt(&time, apr_time_from_sec(json_integer_value(time_s)));
    snprintf(text, sizeof(text), "%02d:%02d:%02d", time.tm_hour, time.tm_min,
             time.tm_sec);
    return json_string(text);
}

ctl_exit_t ctl_follow(ctl_t *ctl, int holdings, long count, ctl_show_fn show)
{
    int64_t interval_us = FCACHE_US_PER_S;
    ctl_source_t *source;
    ctl_exit_t code = ctl_time(ctl, "interval", &interval_us);

    if (code != CTL_OK) {
        return code;
    }
    code = ctl_source_open(ctl, holdings, &source);
    if (code == CTL_OK) {
        code = follow(ctl, source, interval_us, count, show);
    }
    ctl_source_close(source);
    return code;
}
