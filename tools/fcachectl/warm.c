/* SPDX-License-Identifier: Apache-2.0 */
#include "warm.h"

#include <apr_strings.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define VERDICTS (FCACHE_VERDICT_ERROR + 1)

/* The signal that ends it, or 0. */
static volatile sig_atomic_t stopped;

typedef struct warm_t {
    apr_pool_t *pool;
    ctl_progress_t progress;
    int64_t verdicts[VERDICTS];
    int64_t unknown; /* without a verdict */
    int64_t stored;
    apr_hash_t *faults; /* reason -> int64_t */
} warm_t;

/* ---- what happens -------------------------------------------------------- */

static void count_fault(warm_t *warm, const ctl_fetched_t *fetched)
{
    char reason[32];
    const char *why = fetched->fault;
    int64_t *count;

    if (!why) {
        snprintf(reason, sizeof(reason), "status %ld", fetched->status);
        why = reason;
    }
    count = apr_hash_get(warm->faults, why, APR_HASH_KEY_STRING);
    if (!count) {
        count = apr_pcalloc(warm->pool, sizeof(*count));
        apr_hash_set(warm->faults, apr_pstrdup(warm->pool, why),
                     APR_HASH_KEY_STRING, count);
    }
    (*count)++;
    warm->progress.failed++;
    ctl_progress_clear();
    fprintf(stderr, "fcachectl: %s: %s\n", fetched->url, why);
}

static void on_end(void *baton, const ctl_fetched_t *fetched)
{
    warm_t *warm = baton;

    warm->progress.done++;
    if (fetched->fault || fetched->status >= 400) {
        count_fault(warm, fetched);
    }
    if (fetched->said.is_known) {
        warm->verdicts[fetched->said.verdict]++;
    } else if (!fetched->fault) {
        warm->unknown++;
    }
    warm->stored += fetched->said.is_stored;
}

static void on_turn(void *baton)
{
    warm_t *warm = baton;

    ctl_progress_draw(&warm->progress);
}

static void stop(int signal)
{
    stopped = signal;
}

/* A second one ends the program at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_flags = (int)SA_RESETHAND};

    action.sa_handler = stop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- what is told -------------------------------------------------------- */

static json_t *faults_json(const warm_t *warm)
{
    json_t *rows = json_array();
    apr_hash_index_t *at;

    for (at = apr_hash_first(warm->pool, warm->faults); at;
         at = apr_hash_next(at)) {
        const int64_t *count = apr_hash_this_val(at);

        json_array_append_new(rows,
                              json_pack("{s:s, s:I}", "reason",
                                        (const char *)apr_hash_this_key(at),
                                        "count", (json_int_t)*count));
    }
    return rows;
}

static json_t *summary(const warm_t *warm, const ctl_urls_t *urls,
                       int64_t took_us)
{
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I}", "urls", (json_int_t)urls->list->nelts,
        "repeated", (json_int_t)urls->repeated, "skipped",
        (json_int_t)urls->skipped, "requests", (json_int_t)warm->progress.done);

#define X(name, text)                                                          \
    json_object_set_new(                                                       \
        object, text,                                                          \
        json_integer((json_int_t)warm->verdicts[FCACHE_VERDICT_##name]));
    FCACHE_VERDICT_LIST(X)
#undef X
    json_object_set_new(object, "no_verdict",
                        json_integer((json_int_t)warm->unknown));
    json_object_set_new(object, "stored",
                        json_integer((json_int_t)warm->stored));
    json_object_set_new(object, "failed",
                        json_integer((json_int_t)warm->progress.failed));
    json_object_set_new(object, "failures", faults_json(warm));
    json_object_set_new(object, "took_s",
                        json_real((double)took_us / FCACHE_US_PER_S));
    return object;
}

static ctl_exit_t list_urls(const ctl_t *ctl, const ctl_fetch_t *fetch)
{
    json_t *rows = json_array();

    for (int i = 0; i < fetch->url_count; i++) {
        if (ctl_option(ctl, "json")) {
            json_array_append_new(rows, json_string(fetch->urls[i]));
        } else {
            puts(fetch->urls[i]);
        }
    }
    if (ctl_option(ctl, "json")) {
        return ctl_print(ctl, rows);
    }
    json_decref(rows);
    return CTL_OK;
}

/* ---- the command --------------------------------------------------------- */

static ctl_exit_t read_options(ctl_t *ctl, ctl_fetch_t *fetch)
{
    apr_array_header_t *fields =
        apr_array_make(ctl->pool, 4, sizeof(fcache_field_t));
    const void *elts;
    ctl_exit_t code =
        ctl_number(ctl, "parallel", NULL, 1, 64, &fetch->parallel);

    if (code == CTL_OK) {
        code = ctl_number(ctl, "rate", "/s", 1, 100000, &fetch->rate);
    }
    if (code == CTL_OK) {
        code = ctl_time(ctl, "timeout", &fetch->timeout_us);
    }
    if (code == CTL_OK) {
        code = ctl_headers(ctl, fields);
    }
    elts = fields->elts;
    fetch->fields = (fcache_fields_t){elts, (size_t)fields->nelts};
    return code;
}

static ctl_exit_t read_urls(ctl_t *ctl, ctl_urls_t *urls, ctl_fetch_t *fetch)
{
    ctl_exit_t code = ctl_urls_init(ctl, ctl_option(ctl, "base"), urls);
    const void *elts;

    for (int i = 0; code == CTL_OK && i < ctl->arg_count; i++) {
        code = ctl_urls_read(ctl, ctl->args[i], urls);
    }
    elts = urls->list->elts;
    fetch->urls = elts;
    fetch->url_count = urls->list->nelts;
    return code;
}

/* As the signal that came would have ended it. */
static void obey(int signal)
{
    fflush(stdout);
    raise(signal);
}

static ctl_exit_t fetch_all(ctl_t *ctl, const ctl_fetch_t *fetch,
                            const ctl_urls_t *urls)
{
    warm_t warm = {.pool = ctl->pool, .faults = apr_hash_make(ctl->pool)};
    ctl_fetch_t task = *fetch;
    int64_t begun_us = ctl_ticks_us();
    ctl_exit_t code;

    warm.progress.total = task.url_count;
    task.baton = &warm;
    catch_signals();
    code = ctl_fetch(ctl, &task);
    ctl_progress_clear();
    if (code == CTL_OK) {
        code = ctl_print(ctl, summary(&warm, urls, ctl_ticks_us() - begun_us));
    }
    if (stopped) {
        obey(stopped);
    }
    return code == CTL_OK && warm.progress.failed > 0 ? CTL_FAULT : code;
}

ctl_exit_t ctl_warm(ctl_t *ctl)
{
    ctl_fetch_t fetch = {.parallel = 4,
                         .timeout_us = 30 * FCACHE_US_PER_S,
                         .stop = &stopped,
                         .on_end = on_end,
                         .on_turn = on_turn};
    ctl_urls_t urls;
    ctl_exit_t code = read_options(ctl, &fetch);

    if (code == CTL_OK) {
        code = read_urls(ctl, &urls, &fetch);
    }
    if (code != CTL_OK) {
        return code;
    }
    return ctl_option(ctl, "dry-run") ? list_urls(ctl, &fetch)
                                      : fetch_all(ctl, &fetch, &urls);
}
