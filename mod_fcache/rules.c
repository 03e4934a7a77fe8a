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

static void purge(request_rec *r, const mfc_conf_t *conf, const char *value,
                  fcache_purge_kind_t kind, int soft)
{
    fcache_purge_t purge = {kind, fcache_str(value), conf->prefix, soft};
    fcache_error_t error = {""};
    fcache_t *cache = mfc_store_of(conf)->cache;
    fcache_status_t status = FCACHE_UNAVAILABLE;

    if (cache != NULL) {
        status = fcache_purge(cache, &purge, apr_time_now(), r->pool, &error);
    }
    if (status != FCACHE_OK) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "FC0107: FCacheInvalidate %s:%s: not cleared: %s",
                      fcache_purge_kind_text(kind),
                      ap_escape_logitem(r->pool, value),
                      error.text[0] ? error.text : fcache_status_text(status));
    }
}

/* An expression may make several tags, or none. */
static void purge_tags(request_rec *r, const mfc_conf_t *conf, const char *text,
                       int soft)
{
    char *words = apr_pstrdup(r->pool, text);
    char *rest = NULL;
    char *tag = apr_strtok(words, ", \t", &rest);

    while (tag != NULL) {
        purge(r, conf, tag, FCACHE_PURGE_TAG, soft);
        tag = apr_strtok(NULL, ", \t", &rest);
    }
}

static void hit(request_rec *r, const mfc_conf_t *conf,
                const mfc_target_t *target, int soft)
{
    const char *error = NULL;
    const char *text = ap_expr_str_exec(r, target->value, &error);

    if (error != NULL) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "FC0107: FCacheInvalidate: not cleared: %s", error);
        return;
    }
    if (target->kind == FCACHE_PURGE_TAG) {
        purge_tags(r, conf, text, soft);
        return;
    }
    if (target->kind == FCACHE_PURGE_URL && text[0] == '/') {
        text = mfc_message_url(r, text);
    }
    if (text[0] != '\0') {
        purge(r, conf, text, target->kind, soft);
    }
}

static int is_true(request_rec *r, const ap_expr_info_t *when)
{
    const char *error = NULL;

    return when == NULL || (ap_expr_exec(r, when, &error) > 0 && error == NULL);
}

static void apply(request_rec *r, const mfc_conf_t *conf)
{
    int i;

    for (i = 0; i < conf->invalidate->nelts; i++) {
        const mfc_rule_t *rule =
            &APR_ARRAY_IDX(conf->invalidate, i, mfc_rule_t);
        size_t j;
        if (!is_true(r, rule->when)) {
            continue;
        }
        for (j = 0; j < rule->count; j++) {
            hit(r, conf, &rule->targets[j], rule->soft);
        }
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
