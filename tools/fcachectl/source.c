/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"
#include "http.h"

#include <apr_strings.h>
#include <apr_time.h>

#include <stdio.h>

#define ANSWER_MAX (4 * 1024 * 1024)
#define TIMEOUT_US (10 * FCACHE_US_PER_S)

struct ctl_source_t {
    const char *url;            /* of the admin handler, or NULL */
    struct curl_slist *headers; /* of its requests */
    CURL *easy;
    fcache_buf_t answer;
    int holdings; /* also what the store's namespaces hold */
};

static json_t *said(const char *who, const char *what)
{
    fprintf(stderr, "fcachectl: %s: %s\n", who, what);
    return NULL;
}

/* ---- the admin handler --------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *baton)
{
    fcache_bytes_t piece = fcache_bytes(bytes, size * count);

    return fcache_buf_append(baton, piece) == FCACHE_OK ? piece.len : 0;
}

static ctl_exit_t open_admin(ctl_t *ctl, const char *text, ctl_source_t *source)
{
    apr_array_header_t *array =
        apr_array_make(ctl->pool, 4, sizeof(fcache_field_t));
    ctl_exit_t code = ctl_headers(ctl, array);
    fcache_fields_t fields = {NULL, (size_t)array->nelts};
    const void *elts = array->elts;
    fcache_url_t url;

    if (code != CTL_OK) {
        return code;
    }
    if (fcache_url_parse(fcache_str(text), &url, ctl->pool, &ctl->error) !=
        FCACHE_OK) {
        return ctl_usage("--admin %s: %s", text, ctl->error.text);
    }
    if (url.query.ptr) {
        return ctl_usage("--admin %s: write it without a query", text);
    }
    fields.items = elts;
    source->url = apr_psprintf(ctl->pool, "%.*s://%.*s%.*s?format=json",
                               (int)url.scheme.len, url.scheme.ptr,
                               (int)url.authority.len, url.authority.ptr,
                               (int)url.path.len, url.path.ptr);
    fcache_buf_init(&source->answer, ANSWER_MAX);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
        ctl_http_headers(fields, &source->headers, ctl->pool)) {
        source->easy = ctl_http_create(source->headers, TIMEOUT_US);
    }
    if (!source->easy ||
        curl_easy_setopt(source->easy, CURLOPT_URL, source->url) != CURLE_OK ||
        curl_easy_setopt(source->easy, CURLOPT_WRITEFUNCTION, on_body) !=
            CURLE_OK ||
        curl_easy_setopt(source->easy, CURLOPT_WRITEDATA, &source->answer) !=
            CURLE_OK) {
        said(source->url, "libcurl has no memory");
        return CTL_FAULT;
    }
    return CTL_OK;
}

static json_t *ask_admin(ctl_source_t *source)
{
    fcache_bytes_t text;
    char status_text[32];
    long status = 0;
    CURLcode result;
    json_t *answer;

    fcache_buf_fini(&source->answer);
    result = curl_easy_perform(source->easy);
    if (result != CURLE_OK) {
        return said(source->url, result == CURLE_WRITE_ERROR
                                     ? "an answer of more than 4 MiB"
                                     : curl_easy_strerror(result));
    }
    curl_easy_getinfo(source->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        snprintf(status_text, sizeof(status_text), "status %ld", status);
        return said(source->url, status_text);
    }
    text = fcache_buf_bytes(&source->answer);
    answer = json_loadb(text.len > 0 ? text.ptr : "", text.len, 0, NULL);
    if (!json_is_array(json_object_get(answer, "stores"))) {
        json_decref(answer);
        return said(source->url, "this is not fcache-admin");
    }
    return answer;
}

/* ---- a store in memory --------------------------------------------------- */

static const char *store_name(const ctl_t *ctl)
{
    return fcache_backend_url(fcache_backend_of(ctl->cache));
}

/* A remote store counts in the servers that use it, not in itself. */
static ctl_exit_t check_store(const ctl_t *ctl)
{
    if (fcache_backend_flags(fcache_backend_of(ctl->cache)) &
        FCACHE_BACKEND_REMOTE) {
        return ctl_usage("%s: servers count for themselves what they do with a "
                         "remote store; ask one with --admin",
                         store_name(ctl));
    }
    return CTL_OK;
}

static json_t *ask_store(ctl_t *ctl, const ctl_source_t *source)
{
    fcache_stats_t stats = {0};
    fcache_status_t status = fcache_stats(ctl->cache, &stats, &ctl->error);
    json_t *namespaces = NULL;

    if (status == FCACHE_OK && source->holdings) {
        ctl->now_us = apr_time_now();
        status = ctl_holdings(ctl, &namespaces);
    }
    if (status != FCACHE_OK) {
        json_decref(namespaces);
        ctl_failed(ctl, status, store_name(ctl));
        return NULL;
    }
    if (stats.processes < 2) { /* one is this */
        json_decref(namespaces);
        return said(store_name(ctl), "no server uses it any more");
    }
    return json_pack("{s:[{s:s, s:o}], s:o*}", "stores", "name",
                     store_name(ctl), "stats", ctl_stats_object(&stats),
                     "namespaces", namespaces);
}

/* ---- both ---------------------------------------------------------------- */

ctl_exit_t ctl_source_open(ctl_t *ctl, int holdings, ctl_source_t **out_source)
{
    ctl_source_t *source = apr_pcalloc(ctl->pool, sizeof(*source));
    const char *admin = ctl_option(ctl, "admin");

    *out_source = source;
    source->holdings = holdings;
    if (admin && ctl_option(ctl, "store")) {
        return ctl_usage("ask one of --admin and --store");
    }
    return admin ? open_admin(ctl, admin, source) : check_store(ctl);
}

json_t *ctl_source_ask(ctl_t *ctl, ctl_source_t *source)
{
    return source->url ? ask_admin(source) : ask_store(ctl, source);
}

int ctl_source_may_return(const ctl_source_t *source)
{
    return source->url != NULL;
}

void ctl_source_close(ctl_source_t *source)
{
    if (source->url) {
        curl_easy_cleanup(source->easy);
        curl_slist_free_all(source->headers);
        fcache_buf_fini(&source->answer);
        curl_global_cleanup();
    }
}
