/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FCacheInvalidate: a write that the origin took clears what the operator says it
 * made stale, before the client learns that it was done. The scope need not be
 * one that caches.
 */
#include "admin.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>

APLOG_USE_MODULE(fcache);

/* A method that is cached here only asks, whatever it is called. */
static int is_write(const request_rec *r, const mfc_conf_t *conf)
{
    fcache_bytes_t method = fcache_str(r->method);
    size_t i;

    for (i = 0; conf->enable && i < conf->methods.count; i++) {
        if (fcache_bytes_equal(method, conf->methods.items[i])) {
            return 0;
        }
    }
    return !fcache_method_is_safe(method);
}

static int has_rules(const request_rec *r, const mfc_conf_t *conf)
{
    return r->main == NULL && conf->invalidate != NULL &&
           conf->invalidate->nelts > 0 && is_write(r, conf) &&
           !mfc_is_admin(r); /* which says itself what goes */
}

/* What the rules say that goes. */
typedef struct going_t {
    request_rec *r;
    const mfc_conf_t *conf;
    apr_array_header_t *purges; /* fcache_purge_t, all of which can be done */
} going_t;

static void add(const going_t *going, const char *value,
                fcache_purge_kind_t kind, int soft)
{
    request_rec *r = going->r;
    fcache_purge_t purge = {kind, fcache_str(value), going->conf->prefix, soft};
    fcache_error_t error = {""};

    if (fcache_purge_check(&purge, r->pool, &error) == FCACHE_OK) {
        APR_ARRAY_PUSH(going->purges, fcache_purge_t) = purge;
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  "FC0107: FCacheInvalidate %s:%s: not cleared: %s",
                  fcache_purge_kind_text(kind),
                  ap_escape_logitem(r->pool, value), error.text);
}

/* An expression may make several tags, or none. */
static void add_tags(const going_t *going, const char *text, int soft)
{
    char *words = apr_pstrdup(going->r->pool, text);
    char *rest = NULL;
    char *tag = apr_strtok(words, ", \t", &rest);

    while (tag != NULL) {
        add(going, tag, FCACHE_PURGE_TAG, soft);
        tag = apr_strtok(NULL, ", \t", &rest);
    }
}

static void add_target(const going_t *going, const mfc_target_t *target,
                       int soft)
{
    const char *error = NULL;
    const char *text = ap_expr_str_exec(going->r, target->value, &error);

    if (error != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, going->r,
                      "FC0107: FCacheInvalidate: not cleared: %s", error);
        return;
    }
    if (target->kind == FCACHE_PURGE_TAG) {
        add_tags(going, text, soft);
        return;
    }
    if (target->kind == FCACHE_PURGE_URL && text[0] == '/') {
        text = mfc_message_url(going->r, text);
    }
    if (text[0] != '\0') {
        add(going, text, target->kind, soft);
    }
}

static void purge(const going_t *going)
{
    fcache_error_t error = {""};
    fcache_t *cache = mfc_store_of(going->conf)->cache;
    fcache_status_t status = FCACHE_UNAVAILABLE;

    if (cache != NULL) {
        status = fcache_purge(cache,
                              &APR_ARRAY_IDX(going->purges, 0, fcache_purge_t),
                              (size_t)going->purges->nelts, apr_time_now(),
                              NULL, going->r->pool, &error);
    }
    if (status != FCACHE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, going->r,
                      "FC0107: FCacheInvalidate: not cleared: %s",
                      error.text[0] ? error.text : fcache_status_text(status));
    }
}

static int is_true(request_rec *r, const ap_expr_info_t *when)
{
    const char *error = NULL;

    return when == NULL || (ap_expr_exec(r, when, &error) > 0 && error == NULL);
}

static void apply(request_rec *r, const mfc_conf_t *conf)
{
    going_t going = {r, conf,
                     apr_array_make(r->pool, 4, sizeof(fcache_purge_t))};
    int i;

    for (i = 0; i < conf->invalidate->nelts; i++) {
        const mfc_rule_t *rule =
            &APR_ARRAY_IDX(conf->invalidate, i, mfc_rule_t);
        size_t j;
        if (!is_true(r, rule->when)) {
            continue;
        }
        for (j = 0; j < rule->count; j++) {
            add_target(&going, &rule->targets[j], rule->soft);
        }
    }
    if (going.purges->nelts > 0) {
        purge(&going);
    }
}

void mfc_rules_insert(request_rec *r)
{
    if (has_rules(r, mfc_conf_of(r))) {
        ap_add_output_filter_handle(mfc_rules_handle, NULL, r, r->connection);
    }
}

apr_status_t mfc_rules_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_filter_t *next = f->next;

    if (APR_BRIGADE_EMPTY(bb)) {
        return ap_pass_brigade(next, bb);
    }
    if (mfc_is_success(f->r)) {
        apply(f->r, mfc_conf_of(f->r));
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(next, bb);
}

void mfc_rules_on_error(request_rec *r)
{
    const mfc_conf_t *conf = mfc_conf_of(r);

    if (mfc_is_success(r) && has_rules(r, conf)) {
        apply(r, conf);
    }
}
