/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "freshness.h"
#include "judge.h"
#include "vary.h"

#include <fcache/range.h>

#define MAX_FIELD_BYTES  ((size_t)8 * 1024) /* T14 */
#define MAX_FIELDS_BYTES ((size_t)32 * 1024)
#define ERROR_MAX_TTL_S  60 /* T34 */

static int has_field(const fci_case_t *c, const char *name)
{
    return fcache_fields_get(c->fields, name).len > 0;
}

static int asks_with(const fci_case_t *c, const char *name)
{
    return fcache_fields_get(c->request->fields, name).ptr != NULL;
}

static int is_forced(const fci_case_t *c)
{
    return c->policy->force_ttl_s >= 0;
}

/* ---- which statuses ------------------------------------------------------ */

/* Those of RFC 9110 §15 that we know all about (RFC 9111 §5.2.2.3). */
static int is_understood(int status)
{
    return (status >= 200 && status <= 206) ||
           (status >= 300 && status <= 303) || status == 307 || status == 308 ||
           (status >= 400 && status <= 417) || status == 421 || status == 422 ||
           status == 426 || (status >= 500 && status <= 505);
}

/* RFC 9110 §15.1. */
static int is_heuristic(int status)
{
    switch (status) {
    case 200:
    case 203:
    case 204:
    case 206:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
        return 1;
    default:
        return 0;
    }
}

/* The operator's lifetime for that very status, else for its class. */
static int64_t status_ttl(const fcache_policy_t *policy, int status)
{
    int64_t ttl_s = FCACHE_NO_DELTA;
    for (size_t i = 0; i < policy->status_ttl_count; i++) {
        if (policy->status_ttls[i].status == status) {
            return policy->status_ttls[i].ttl_s;
        }
        if (policy->status_ttls[i].status == status / 100) {
            ttl_s = policy->status_ttls[i].ttl_s;
        }
    }
    return ttl_s;
}

static int is_stored_error(const fcache_policy_t *policy, int status)
{
    if (status_ttl(policy, status) != FCACHE_NO_DELTA) {
        return 1;
    }
    if (!policy->error_statuses) {
        return status == 404 || status == 410;
    }
    for (size_t i = 0; i < policy->error_status_count; i++) {
        if (policy->error_statuses[i] == status) {
            return 1;
        }
    }
    return 0;
}

/* ---- why not: each check answers a reason or NONE ------------------------ */

/* A single part, of which it is known where it belongs (RFC 9111 §3.3), and
 * which was asked for. */
static int is_stored_part(const fci_case_t *c)
{
    fcache_part_t part;
    return c->policy->partial && !c->is_revalidation &&
           fcache_bytes_equal(c->request->method, fcache_str("GET")) &&
           asks_with(c, "Range") &&
           fcache_fields_count(c->fields, "Content-Range") == 1 &&
           fcache_part_parse(fcache_fields_get(c->fields, "Content-Range"),
                             &part);
}

static fcache_reason_t check_status(fci_case_t *c)
{
    if (c->status == 206 && !is_stored_part(c)) {
        return FCACHE_REASON_PARTIAL;
    }
    if (c->status < 200 || c->status > 599 ||
        ((c->cc.flags & FCACHE_CC_MUST_UNDERSTAND) &&
         !is_understood(c->status))) {
        return FCACHE_REASON_STATUS;
    }
    return c->status >= 400 && !is_stored_error(c->policy, c->status)
               ? FCACHE_REASON_ERROR_STATUS
               : FCACHE_REASON_NONE;
}

/* must-understand makes no-store void for who understands (§5.2.2.3). */
static fcache_reason_t check_no_store(fci_case_t *c)
{
    int is_void = is_forced(c) || (c->cc.flags & FCACHE_CC_MUST_UNDERSTAND);
    return (c->cc.flags & FCACHE_CC_NO_STORE) && !is_void
               ? FCACHE_REASON_RESPONSE_NO_STORE
               : FCACHE_REASON_NONE;
}

static fcache_reason_t check_private(fci_case_t *c)
{
    return c->cc.flags & FCACHE_CC_PRIVATE ? FCACHE_REASON_RESPONSE_PRIVATE
                                           : FCACHE_REASON_NONE;
}

/* RFC 9111 §3.5 (T8). */
static int is_authorized(const fci_case_t *c)
{
    return !c->policy->authorization_never &&
           ((c->cc.flags & (FCACHE_CC_PUBLIC | FCACHE_CC_MUST_REVALIDATE)) ||
            c->cc.s_maxage_s != FCACHE_NO_DELTA);
}

static fcache_reason_t check_authorization(fci_case_t *c)
{
    int is_known = asks_with(c, "Authorization") ||
                   (c->request->flags & FCACHE_REQUEST_AUTHENTICATED);
    return is_known && !is_authorized(c) ? FCACHE_REASON_AUTHORIZATION
                                         : FCACHE_REASON_NONE;
}

static fcache_reason_t check_set_cookie(fci_case_t *c)
{
    return c->policy->set_cookie == FCACHE_SET_COOKIE_REFUSE &&
                   fcache_fields_count(c->fields, "Set-Cookie") > 0
               ? FCACHE_REASON_SET_COOKIE
               : FCACHE_REASON_NONE;
}

int fci_is_of_cookies(const fcache_policy_t *policy,
                      const fcache_request_t *request, fcache_fields_t fields,
                      const fcache_cc_t *cc)
{
    int is_shared = (cc->flags & FCACHE_CC_PUBLIC) ||
                    cc->s_maxage_s != FCACHE_NO_DELTA ||
                    fcache_list_has(fields, "Vary", "Cookie");
    int is_strict = policy->set_cookie != FCACHE_SET_COOKIE_STORE &&
                    policy->force_ttl_s < 0;
    return is_strict && !is_shared &&
           fcache_fields_get(request->fields, "Cookie").ptr != NULL;
}

/* A 304 says that it is the one already stored. */
static fcache_reason_t check_cookie(fci_case_t *c)
{
    return !c->is_refresh &&
                   fci_is_of_cookies(c->policy, c->request, c->fields, &c->cc)
               ? FCACHE_REASON_COOKIE
               : FCACHE_REASON_NONE;
}

static fcache_reason_t check_vary(fci_case_t *c)
{
    fci_vary_t vary;
    fcache_reason_t reason = fci_vary_collect(c->fields, &vary);
    c->vary_count = vary.count;
    return reason;
}

static fcache_reason_t check_fields(fci_case_t *c)
{
    size_t bytes = 0;
    if (c->fields.count > FCACHE_MAX_FIELDS) {
        return FCACHE_REASON_BAD_FIELDS;
    }
    for (size_t i = 0; i < c->fields.count; i++) {
        const fcache_field_t *field = &c->fields.items[i];
        if (field->name.len > MAX_FIELD_BYTES ||
            field->value.len > MAX_FIELD_BYTES - field->name.len ||
            !fcache_is_token(field->name) ||
            !fcache_is_field_value(field->value)) {
            return FCACHE_REASON_BAD_FIELDS;
        }
        bytes += field->name.len + field->value.len;
    }
    return bytes > MAX_FIELDS_BYTES ? FCACHE_REASON_BAD_FIELDS
                                    : FCACHE_REASON_NONE;
}

/* In the order promised. */
static fcache_reason_t check_all(fci_case_t *c)
{
    static fcache_reason_t (*const checks[])(fci_case_t *) = {
        check_status,     check_no_store, check_private, check_authorization,
        check_set_cookie, check_cookie,   check_vary,    check_fields,
    };
    fcache_reason_t reason = FCACHE_REASON_NONE;
    for (size_t i = 0;
         i < sizeof checks / sizeof checks[0] && reason == FCACHE_REASON_NONE;
         i++) {
        reason = checks[i](c);
    }
    return reason;
}

/* ---- for how long -------------------------------------------------------- */

static int64_t explicit_lifetime(const fci_case_t *c)
{
    return fci_explicit_lifetime(c->fields, &c->cc, !c->is_targeted,
                                 c->response_us);
}

/* Guessing is for plain reads, and for errors only if the operator named them
 * (T34). */
static int64_t heuristic_lifetime(const fci_case_t *c)
{
    int is_read = fcache_bytes_equal(c->request->method, fcache_str("GET")) ||
                  fcache_bytes_equal(c->request->method, fcache_str("HEAD"));
    int may_guess = is_heuristic(c->status) || (c->cc.flags & FCACHE_CC_PUBLIC);
    if (!c->policy->heuristic || !is_read || !may_guess ||
        (c->status >= 400 && !c->policy->error_statuses)) {
        return FCACHE_NO_DELTA;
    }
    return fci_heuristic_lifetime(c->fields, c->response_us);
}

static int64_t default_lifetime(const fci_case_t *c)
{
    return c->status < 400 && is_heuristic(c->status) ? c->policy->default_ttl_s
                                                      : FCACHE_NO_DELTA;
}

/* The first that says something: force, the origin, the status, the default,
 * the guess. */
static int64_t lifetime(const fci_case_t *c)
{
    int64_t of_status_s = status_ttl(c->policy, c->status);
    if (is_forced(c)) {
        return of_status_s >= 0 ? of_status_s : c->policy->force_ttl_s;
    }
    int64_t lifetime_s = explicit_lifetime(c);
    if (lifetime_s < 0) {
        lifetime_s = of_status_s;
    }
    if (lifetime_s < 0) {
        lifetime_s = default_lifetime(c);
    }
    return lifetime_s >= 0 ? lifetime_s : heuristic_lifetime(c);
}

/* The ceiling on what is left of it (T16, T34). */
static int64_t max_ttl(const fci_case_t *c)
{
    int is_capped = c->status >= 400 && status_ttl(c->policy, c->status) < 0;
    return is_capped && c->policy->max_ttl_s > ERROR_MAX_TTL_S
               ? ERROR_MAX_TTL_S
               : c->policy->max_ttl_s;
}

static unsigned entry_flags(const fci_case_t *c)
{
    unsigned flags = 0;
    if ((c->cc.flags & FCACHE_CC_NO_CACHE) && !is_forced(c)) {
        flags |= FCACHE_ENTRY_NO_CACHE;
    }
    if ((c->cc.flags &
         (FCACHE_CC_MUST_REVALIDATE | FCACHE_CC_PROXY_REVALIDATE)) ||
        c->cc.s_maxage_s != FCACHE_NO_DELTA) {
        flags |= FCACHE_ENTRY_MUST_REVALIDATE;
    }
    if (is_authorized(c)) {
        flags |= FCACHE_ENTRY_AUTHORIZED;
    }
    if (explicit_lifetime(c) == FCACHE_NO_DELTA) {
        flags |= FCACHE_ENTRY_NO_LIFETIME;
    }
    if (has_field(c, "Cache-Control")) {
        flags |= FCACHE_ENTRY_CLIENT_CC;
    }
    return flags;
}

fcache_judgement_t fci_ruled(fcache_ruling_t ruling, fcache_reason_t reason)
{
    return (fcache_judgement_t){.ruling = ruling, .reason = reason};
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What the response says about serving it stale, else what the operator does. */
static int64_t stale_window(const fci_case_t *c, unsigned entry_flags,
                            int64_t responses_s, int64_t operators_s)
{
    return fci_stale_window(c->policy, entry_flags,
                            responses_s == FCACHE_NO_DELTA ? operators_s
                                                           : responses_s);
}

/* Freshness, and what may be done with the entry when it has ended. A forced
 * lifetime starts on receipt, any other one at the origin. */
static void set_times(const fci_case_t *c, int64_t lifetime_s,
                      fcache_judgement_t *out)
{
    const fcache_policy_t *policy = c->policy;
    int64_t left_s =
        is_forced(c) ? lifetime_s : lifetime_s - out->initial_age_s;
    int64_t cap_s = max_ttl(c);
    out->fresh_until_us =
        fci_us_add(c->response_us, left_s < cap_s ? left_s : cap_s);
    out->stale_while_revalidate_s =
        stale_window(c, out->entry_flags, c->cc.stale_while_revalidate_s,
                     policy->stale_while_revalidate_s);
    out->stale_if_error_s = stale_window(
        c, out->entry_flags, c->cc.stale_if_error_s, policy->stale_if_error_s);
    out->stale_until_us =
        fci_us_add(out->fresh_until_us, larger(out->stale_while_revalidate_s,
                                               out->stale_if_error_s));
}

/* A stale entry is kept while it can be revalidated, or served because the
 * origin is out of reach. */
static void keep_stale(const fci_case_t *c, int has_validator,
                       fcache_judgement_t *out)
{
    int is_of_use = has_validator ||
                    !(out->entry_flags &
                      (FCACHE_ENTRY_NO_CACHE | FCACHE_ENTRY_MUST_REVALIDATE));
    if (is_of_use) {
        int64_t kept_us = fci_us_add(larger(out->fresh_until_us, c->now_us),
                                     c->policy->keep_s);
        out->stale_until_us = larger(out->stale_until_us, kept_us);
    }
}

static fcache_judgement_t judge_lifetime(const fci_case_t *c)
{
    fcache_judgement_t out =
        fci_ruled(FCACHE_RULING_STORE, FCACHE_REASON_STORED);
    int has_validator = has_field(c, "ETag") || has_field(c, "Last-Modified");
    int64_t lifetime_s = lifetime(c);
    out.vary_count = c->vary_count;
    out.entry_flags = entry_flags(c);
    out.initial_age_s =
        fci_initial_age(c->policy, c->fields, c->request_us, c->response_us);
    if (out.entry_flags & FCACHE_ENTRY_NO_CACHE) {
        if (!has_validator) {
            return fci_ruled(FCACHE_RULING_NO_STORE,
                             FCACHE_REASON_ENTRY_NO_CACHE);
        }
        if (lifetime_s < 0 && c->status < 400 && is_heuristic(c->status)) {
            lifetime_s = 0;
        }
    }
    if (lifetime_s < 0) {
        return fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_NO_LIFETIME);
    }
    set_times(c, lifetime_s, &out);
    if (out.stale_until_us <= c->now_us && !has_validator) {
        return fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_ALREADY_STALE);
    }
    keep_stale(c, has_validator, &out);
    if (c->is_refresh) {
        out.ruling = FCACHE_RULING_REFRESH;
        out.reason = FCACHE_REASON_REFRESHED;
    }
    return out;
}

fcache_judgement_t fci_judge_case(fci_case_t *c)
{
    c->is_targeted = fcache_cc_of_response(c->fields, &c->cc);
    fcache_reason_t reason = check_all(c);
    return reason == FCACHE_REASON_NONE
               ? judge_lifetime(c)
               : fci_ruled(FCACHE_RULING_NO_STORE, reason);
}

/* ---- judging ------------------------------------------------------------- */

/* RFC 5861 §4. */
static int is_error(int status)
{
    return status == 500 || status == 502 || status == 503 || status == 504;
}

fcache_judgement_t fcache_judge(const fcache_policy_t *policy,
                                const fcache_request_t *request,
                                const fcache_response_t *response,
                                const fcache_entry_t *stored, int64_t now_us)
{
    fci_case_t c = {.policy = policy,
                    .request = request,
                    .status = response->status,
                    .fields = response->fields,
                    .request_us = response->request_us,
                    .response_us = response->response_us,
                    .is_revalidation = stored != NULL,
                    .now_us = now_us};
    if (response->status == 304) {
        return fci_judge_304(&c, response, stored);
    }
    if (stored && is_error(response->status) &&
        fcache_may_serve_stale(policy, stored, FCACHE_STALE_ERROR, now_us)) {
        return fci_ruled(FCACHE_RULING_SERVE_STALE,
                         FCACHE_REASON_STALE_IF_ERROR);
    }
    if (fcache_bytes_equal(request->method, fcache_str("HEAD"))) {
        return fci_ruled(FCACHE_RULING_NO_STORE, FCACHE_REASON_HEAD_ANSWER);
    }
    return fci_judge_case(&c);
}
