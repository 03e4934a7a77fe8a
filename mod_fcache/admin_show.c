/* SPDX-License-Identifier: Apache-2.0 */
/* The stores' numbers for programs: JSON, and the text format of Prometheus. */
#include "admin.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_protocol.h>

/* ---- JSON ---------------------------------------------------------------- */

static json_t *store_json(const mfc_seen_t *seen)
{
    json_t *numbers = json_object();
    json_t *store;
    size_t i;

    for (i = 0; i < mfc_number_count; i++) {
        json_object_set_new(
            numbers, mfc_numbers[i].name,
            json_integer((json_int_t)mfc_number_of(seen, &mfc_numbers[i])));
    }
    store =
        json_pack("{s:s, s:s, s:o}", "name", seen->store->name, "url",
                  fcache_backend_url(seen->store->backend), "stats", numbers);
    if (seen->error.text[0]) {
        json_object_set_new(store, "error", json_string(seen->error.text));
    }
    return store;
}

static json_t *namespace_json(const mfc_tally_t *tally)
{
    double ratio = mfc_tally_hit_ratio(tally);
    json_t *row = json_pack("{s:s, s:I, s:o}", "name", tally->name, "requests",
                            (json_int_t)tally->requests, "hit_ratio",
                            ratio < 0 ? json_null() : json_real(ratio));
    size_t i;

    for (i = 0; i < MFC_TALLY_COUNT; i++) {
        json_object_set_new(row, mfc_tally_names[i].name,
                            json_integer((json_int_t)tally->counts[i]));
    }
    return row;
}

static json_t *namespaces_json(apr_pool_t *pool)
{
    size_t count;
    const mfc_tally_t *tallies = mfc_namespaces_look(pool, &count);
    json_t *rows = json_array();
    size_t i;

    for (i = 0; i < count; i++) {
        json_array_append_new(rows, namespace_json(&tallies[i]));
    }
    return rows;
}

static json_t *recent_json(void)
{
    mfc_recent_t recent[MFC_RECENT];
    size_t count = mfc_shared_recent(recent);
    json_t *rows = json_array();
    size_t i;

    for (i = 0; i < count; i++) {
        json_array_append_new(
            rows, json_pack("{s:I, s:s, s:s, s:b, s:b, s:s, s:s}", "when_s",
                            (json_int_t)apr_time_sec(recent[i].when), "kind",
                            recent[i].kind, "value", recent[i].value, "soft",
                            recent[i].soft, "failed", recent[i].failed, "store",
                            recent[i].store, "by", recent[i].by));
    }
    return rows;
}

static json_t *history_json(apr_pool_t *pool)
{
    mfc_sample_t *samples = apr_palloc(pool, sizeof(*samples) * MFC_HISTORY);
    size_t count = mfc_shared_history(samples);
    json_t *rows = json_array();
    size_t i;

    for (i = 0; i < count; i++) {
        json_array_append_new(
            rows, json_pack("{s:I, s:I, s:I}", "when_s",
                            (json_int_t)apr_time_sec(samples[i].when), "hits",
                            (json_int_t)samples[i].hits, "misses",
                            (json_int_t)samples[i].misses));
    }
    return rows;
}

int mfc_show_json(request_rec *r)
{
    mfc_sample_t sample = {.when = apr_time_now()};
    json_t *stores = json_array();
    int count;
    const mfc_seen_t *all = mfc_stores_look(r, &count);
    int i;

    for (i = 0; i < count; i++) {
        sample.hits += all[i].stats.hits;
        sample.misses += all[i].stats.misses;
        json_array_append_new(stores, store_json(&all[i]));
    }
    mfc_shared_sample(&sample);
    return mfc_json_send(
        r, json_pack("{s:I, s:o, s:o, s:o, s:o}", "now_s",
                     (json_int_t)apr_time_sec(sample.when), "stores", stores,
                     "namespaces", namespaces_json(r->pool), "recent",
                     recent_json(), "history", history_json(r->pool)));
}

/* ---- Prometheus ---------------------------------------------------------- */

/* What Prometheus calls numbers that are not named its way: base units, and
 * "total" for counters only. */
static const struct {
    const char *name;
    const char *as;
} renamed[] = {
    {"bytes_used", "used_bytes"},
    {"bytes_total", "capacity_bytes"},
    {"breaker", "breaker_state"},
    {"latency_p50_us", "latency_p50_seconds"},
    {"latency_p90_us", "latency_p90_seconds"},
    {"latency_p99_us", "latency_p99_seconds"},
    {"latency_max_us", "latency_max_seconds"},
};

static const char *metric_of(const mfc_number_t *number, apr_pool_t *pool)
{
    size_t i;

    for (i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
        if (strcmp(number->name, renamed[i].name) == 0) {
            return apr_pstrcat(pool, "fcache_", renamed[i].as, NULL);
        }
    }
    return apr_pstrcat(pool, "fcache_", number->name,
                       number->kind == 'c' ? "_total" : "", NULL);
}

static int is_latency(const mfc_number_t *number)
{
    size_t len = strlen(number->name);

    return len > 3 && strcmp(number->name + len - 3, "_us") == 0;
}

static void tell_metric(request_rec *r, const char *metric, const char *text,
                        const char *type)
{
    ap_rprintf(r, "# HELP %s %c%s.\n# TYPE %s %s\n", metric,
               apr_toupper(text[0]), text + 1, metric, type);
}

/* A namespace has no character that a label would have to escape. */
static void tell_namespaces(request_rec *r)
{
    size_t count;
    const mfc_tally_t *tallies = mfc_namespaces_look(r->pool, &count);
    size_t i;
    size_t j;

    for (i = 0; i < MFC_TALLY_COUNT; i++) {
        const char *metric =
            apr_pstrcat(r->pool, "fcache_namespace_", mfc_tally_names[i].name,
                        "_total", NULL);
        tell_metric(r, metric, mfc_tally_names[i].text, "counter");
        for (j = 0; j < count; j++) {
            ap_rprintf(r, "%s{namespace=\"%s\"} %" APR_UINT64_T_FMT "\n",
                       metric, tallies[j].name, tallies[j].counts[i]);
        }
    }
}

static void tell_number(request_rec *r, const mfc_number_t *number,
                        const mfc_seen_t *all, int count)
{
    const char *metric = metric_of(number, r->pool);
    int i;

    tell_metric(r, metric, number->text,
                number->kind == 'c' ? "counter" : "gauge");
    for (i = 0; i < count; i++) {
        uint64_t value = mfc_number_of(&all[i], number);
        ap_rprintf(r, "%s{store=\"%s\"} ", metric, all[i].store->name);
        if (is_latency(number)) {
            ap_rprintf(r, "%" APR_UINT64_T_FMT ".%06d\n", value / 1000000,
                       (int)(value % 1000000));
        } else {
            ap_rprintf(r, "%" APR_UINT64_T_FMT "\n", value);
        }
    }
}

int mfc_show_prometheus(request_rec *r)
{
    int count;
    const mfc_seen_t *all = mfc_stores_look(r, &count);
    size_t i;
    int j;

    ap_set_content_type(r, "text/plain; version=0.0.4; charset=utf-8");
    ap_rputs("# HELP fcache_up Whether the store could be asked.\n"
             "# TYPE fcache_up gauge\n",
             r);
    for (j = 0; j < count; j++) {
        ap_rprintf(r, "fcache_up{store=\"%s\"} %d\n", all[j].store->name,
                   all[j].error.text[0] == '\0');
    }
    for (i = 0; i < mfc_number_count; i++) {
        tell_number(r, &mfc_numbers[i], all, count);
    }
    tell_namespaces(r);
    return OK;
}

/* ---- people -------------------------------------------------------------- */

int mfc_show_page(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'; script-src "
                   "'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
                   "form-action 'none'; frame-ancestors 'none'");
    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_set_content_length(r, (apr_off_t)mfc_page_len);
    if (!r->header_only) {
        ap_rwrite(mfc_page, (int)mfc_page_len, r);
    }
    return OK;
}
