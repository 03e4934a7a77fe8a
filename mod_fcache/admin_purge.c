/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <apr_escape.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>

APLOG_USE_MODULE(fcache);

/* ---- answers ------------------------------------------------------------- */

static int write_json(const char *bytes, size_t len, void *r)
{
    return ap_rwrite(bytes, (int)len, r) < 0 ? -1 : 0;
}

int mfc_json_send(request_rec *r, json_t *value)
{
    if (value == NULL) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "application/json");
    if (!r->header_only) {
        json_dump_callback(value, write_json, r, JSON_COMPACT);
        ap_rputs("\n", r);
    }
    json_decref(value);
    return OK;
}

int mfc_purge_refuse(request_rec *r, int status, const char *why)
{
    r->status = status;
    return mfc_json_send(
        r, json_pack("{s:s}", "error", apr_pescape_echo(r->pool, why, 0)));
}

/* ---- doing it ------------------------------------------------------------ */

static const char *value_of(const request_rec *r, const fcache_purge_t *purge)
{
    fcache_bytes_t value =
        purge->kind == FCACHE_PURGE_PREFIX ? purge->prefix : purge->value;

    return apr_pescape_echo(
        r->pool, apr_pstrmemdup(r->pool, value.ptr ? value.ptr : "", value.len),
        0);
}

/* Also what failed, of which some may be done: `error` is NULL or why. */
static void note(const request_rec *r, const fcache_purge_t *purge,
                 const mfc_store_t *store, const fcache_error_t *error)
{
    mfc_recent_t recent = {
        .when = apr_time_now(), .soft = purge->soft, .failed = error != NULL};

    apr_cpystrn(recent.kind, fcache_purge_kind_text(purge->kind),
                sizeof(recent.kind));
    apr_cpystrn(recent.value, value_of(r, purge), sizeof(recent.value));
    apr_cpystrn(recent.store, store->name, sizeof(recent.store));
    apr_cpystrn(
        recent.by,
        apr_pescape_echo(r->pool, r->user ? r->user : r->useragent_ip, 0),
        sizeof(recent.by));
    mfc_shared_note(&recent);
    ap_log_rerror(APLOG_MARK, error ? APLOG_WARNING : APLOG_INFO, 0, r,
                  "FC0109: %s %s %s (%s) by %s%s%s",
                  error ? "failed to purge" : "purged", recent.kind,
                  recent.value, purge->soft ? "soft" : "hard", recent.by,
                  error ? ": " : "", error ? error->text : "");
}

/* One that was done, for the answer. */
static json_t *row_of(const request_rec *r, const fcache_purge_t *purge,
                      int found)
{
    json_t *row =
        json_pack("{s:s, s:s}", "kind", fcache_purge_kind_text(purge->kind),
                  "value", value_of(r, purge));
    if (purge->kind == FCACHE_PURGE_KEY) {
        json_object_set_new(row, "found", json_boolean(found));
    }
    return row;
}

/* Does the first `count`; their rows, or none when the store failed. */
static json_t *purge_all(request_rec *r, const mfc_order_t *order, size_t count,
                         const mfc_store_t *store, fcache_error_t *error)
{
    int found[MFC_PURGES_MAX] = {0};
    json_t *rows = json_array();
    fcache_status_t status;
    int is_done;
    size_t i;

    if (store->cache == NULL) {
        fcache_error_set(error, FCACHE_UNAVAILABLE,
                         "the store is not used by this process");
        r->status = HTTP_SERVICE_UNAVAILABLE;
        return rows;
    }
    status = fcache_purge(store->cache, order->purges, count, apr_time_now(),
                          found, r->pool, error);
    is_done = status == FCACHE_OK || status == FCACHE_MISS;
    if (!is_done) {
        r->status = HTTP_SERVICE_UNAVAILABLE;
    }
    for (i = 0; i < count; i++) {
        note(r, &order->purges[i], store, is_done ? NULL : error);
        if (is_done) {
            json_array_append_new(rows, row_of(r, &order->purges[i], found[i]));
        }
    }
    return rows;
}

static int too_many(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Retry-After", "1");
    return mfc_purge_refuse(r, HTTP_TOO_MANY_REQUESTS,
                            "more than 100 purges in a second");
}

int mfc_purge_answer(request_rec *r, const mfc_order_t *order)
{
    const mfc_store_t *store =
        order->store ? order->store : mfc_store_of(mfc_conf_of(r));
    json_t *rows;
    json_t *answer;
    fcache_error_t error = {""};
    size_t admitted = 0;

    while (admitted < order->count && mfc_shared_admit(apr_time_now())) {
        admitted++;
    }
    if (admitted == 0) {
        return too_many(r);
    }
    rows = purge_all(r, order, admitted, store, &error);
    if (admitted < order->count && r->status == HTTP_OK) {
        r->status = HTTP_TOO_MANY_REQUESTS;
        fcache_error_set(&error, FCACHE_OK, "more than 100 purges in a second");
    }
    answer = json_pack("{s:o, s:b, s:s}", "purged", rows, "soft",
                       order->purges[0].soft, "store", store->name);
    if (r->status != HTTP_OK) {
        json_object_set_new(answer, "error", json_string(error.text));
    }
    return mfc_json_send(r, answer);
}
