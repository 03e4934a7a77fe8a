/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "freshness.h"

#include <fcache/range.h>

/* An entry from further ahead means that the clock was set back: stale. */
#define CLOCK_SLACK_S 5

/* What the request asks of the cache, after the operator's say. */
typedef struct wishes_t {
    int no_cache;
    int only_if_cached;
    int64_t max_age_s; /* FCACHE_NO_DELTA when absent, likewise below */
    int64_t min_fresh_s;
    int64_t max_stale_s;
    int64_t stale_if_error_s;
} wishes_t;

static wishes_t read_wishes(const fcache_policy_t *policy,
                            fcache_fields_t fields)
{
    wishes_t wishes = {0,
                       0,
                       FCACHE_NO_DELTA,
                       FCACHE_NO_DELTA,
                       FCACHE_NO_DELTA,
                       FCACHE_NO_DELTA};
    fcache_cc_t cc;
    if (policy->request_control == FCACHE_REQUEST_CONTROL_IGNORE) {
        return wishes;
    }
    if (fcache_fields_find(fields, "Cache-Control", 0) == fields.count) {
        wishes.no_cache = fcache_list_has(fields, "Pragma", "no-cache");
        return wishes;
    }
    fcache_cc_parse(fields, &cc);
    wishes.no_cache =
        (cc.flags & (FCACHE_CC_NO_CACHE | FCACHE_CC_NO_CACHE_OF)) != 0;
    if (policy->request_control == FCACHE_REQUEST_CONTROL_HONOR) {
        wishes.only_if_cached = (cc.flags & FCACHE_CC_ONLY_IF_CACHED) != 0;
        wishes.max_age_s = cc.max_age_s;
        wishes.min_fresh_s = cc.min_fresh_s;
        wishes.max_stale_s = cc.max_stale_s;
        wishes.stale_if_error_s = cc.stale_if_error_s;
    }
    return wishes;
}

int fcache_forbids_origin(const fcache_policy_t *policy,
                          const fcache_request_t *request)
{
    return fcache_method_is_safe(request->method) &&
           read_wishes(policy, request->fields).only_if_cached;
}

static int64_t age_us(const fcache_entry_t *entry, int64_t now_us)
{
    int64_t resident_us;
    if (now_us <= entry->created_us) {
        resident_us = 0;
    } else if (__builtin_sub_overflow(now_us, entry->created_us,
                                      &resident_us)) {
        return INT64_MAX;
    }
    return fci_us_add(resident_us, entry->initial_age_s);
}

/* Whole seconds left, rounded down, so negative as soon as it is stale. */
static int64_t ttl_s(const fcache_entry_t *entry, int64_t now_us)
{
    if (now_us < entry->fresh_until_us) {
        return fci_seconds_between(now_us, entry->fresh_until_us);
    }
    return -1 - fci_seconds_between(entry->fresh_until_us, now_us);
}

/* Why the entry must not be served as it is, or NONE. */
static fcache_reason_t check_entry(const fcache_entry_t *entry, int soft_purged,
                                   int64_t now_us)
{
    if (entry->flags & FCACHE_ENTRY_NO_CACHE) {
        return FCACHE_REASON_ENTRY_NO_CACHE;
    }
    if (soft_purged) {
        return FCACHE_REASON_SOFT_PURGED;
    }
    if (now_us >= entry->fresh_until_us ||
        entry->created_us > fci_us_add(now_us, CLOCK_SLACK_S)) {
        return FCACHE_REASON_EXPIRED;
    }
    return FCACHE_REASON_NONE;
}

/* Which wish the entry does not meet, or NONE (RFC 9111 §5.2.1). */
static fcache_reason_t check_wishes(const wishes_t *wishes,
                                    const fcache_entry_t *entry, int64_t now_us)
{
    if (wishes->no_cache) {
        return FCACHE_REASON_REQUEST_NO_CACHE;
    }
    if (wishes->max_age_s != FCACHE_NO_DELTA &&
        age_us(entry, now_us) > fci_us_add(0, wishes->max_age_s)) {
        return FCACHE_REASON_REQUEST_MAX_AGE;
    }
    if (wishes->min_fresh_s > 0 &&
        fci_us_add(now_us, wishes->min_fresh_s) > entry->fresh_until_us) {
        return FCACHE_REASON_REQUEST_MIN_FRESH;
    }
    return FCACHE_REASON_NONE;
}

/* Is it stale for no longer than that? A window of 0 is none. */
static int is_within(const fcache_entry_t *entry, int64_t window_s,
                     int64_t now_us)
{
    return window_s > 0 && now_us < entry->stale_until_us &&
           now_us <= fci_us_add(entry->fresh_until_us, window_s);
}

/* Does max-stale cover it? Never more than the operator's cap (T19). */
static int is_stale_accepted(const fcache_policy_t *policy,
                             const fcache_entry_t *entry,
                             const wishes_t *wishes, int64_t now_us)
{
    int64_t window_s =
        fci_stale_window(policy, entry->flags, wishes->max_stale_s);
    return is_within(entry, window_s, now_us);
}

int fcache_may_serve_stale(const fcache_policy_t *policy,
                           const fcache_entry_t *entry, fcache_stale_t cause,
                           int64_t now_us)
{
    int64_t window_s = 0;
    switch (cause) {
    case FCACHE_STALE_REFRESHING:
        window_s = policy->refreshes && entry->status != 206
                       ? entry->stale_while_revalidate_s
                       : 0; /* a refresh asks for the whole (T10) */
        break;
    case FCACHE_STALE_ERROR:
        window_s = entry->stale_if_error_s;
        break;
    case FCACHE_STALE_UNREACHABLE:
        window_s = policy->max_stale_s;
        break;
    }
    window_s = fci_stale_window(policy, entry->flags, window_s);
    return is_within(entry, window_s, now_us);
}

/* With validators the origin knows: not an entity tag of our own making. */
static fcache_plan_t plan_to_ask(const fcache_entry_t *entry)
{
    int has_etag =
        entry->etag.len > 0 && !(entry->flags & FCACHE_ENTRY_OWN_ETAG);
    int has_validator = has_etag || entry->last_modified.len > 0;
    return has_validator && entry->status != 206 ? FCACHE_PLAN_REVALIDATE
                                                 : FCACHE_PLAN_MISS;
}

static fcache_decision_t planned(fcache_decision_t decision, fcache_plan_t plan,
                                 fcache_reason_t reason)
{
    decision.plan = plan;
    decision.reason = reason;
    return decision;
}

/* The origin has to be asked, which only-if-cached forbids. */
static fcache_decision_t ask(fcache_decision_t decision, const wishes_t *wishes,
                             fcache_plan_t plan, fcache_reason_t reason)
{
    if (wishes->only_if_cached) {
        return planned(decision, FCACHE_PLAN_ONLY_CACHED,
                       FCACHE_REASON_ONLY_IF_CACHED);
    }
    return planned(decision, plan, reason);
}

/* A part is not the whole (T10). */
static int has_what_is_asked(const fcache_entry_t *entry,
                             const fcache_request_t *request)
{
    fcache_part_t part;
    uint64_t offset;
    return entry->status != 206 ||
           (fcache_bytes_equal(request->method, fcache_str("GET")) &&
            fcache_part_answers(entry, request->fields, &part, &offset));
}

/* Why there is nothing that could be served or revalidated, or NONE. */
static fcache_reason_t check_presence(const fcache_policy_t *policy,
                                      const fcache_entry_t *entry,
                                      const fcache_request_t *request,
                                      int64_t now_us)
{
    fcache_fields_t fields = request->fields;
    if (!entry || (entry->kind != FCACHE_ENTRY_RESPONSE &&
                   entry->kind != FCACHE_ENTRY_UNCACHEABLE)) {
        return FCACHE_REASON_ABSENT;
    }
    if (entry->kind == FCACHE_ENTRY_UNCACHEABLE) {
        return FCACHE_REASON_UNCACHEABLE;
    }
    if ((policy->authorization_never ||
         !(entry->flags & FCACHE_ENTRY_AUTHORIZED)) &&
        ((request->flags & FCACHE_REQUEST_AUTHENTICATED) ||
         fcache_fields_get(fields, "Authorization").ptr)) {
        return FCACHE_REASON_ENTRY_AUTHORIZATION;
    }
    if (!has_what_is_asked(entry, request)) {
        return FCACHE_REASON_RANGE;
    }
    return now_us >= entry->stale_until_us ? FCACHE_REASON_EXPIRED
                                           : FCACHE_REASON_NONE;
}

static fcache_decision_t
decide_stale(const fcache_policy_t *policy, const fcache_entry_t *entry,
             const wishes_t *wishes, fcache_reason_t why,
             fcache_decision_t decision, int64_t now_us)
{
    int is_demanding = wishes->max_age_s != FCACHE_NO_DELTA ||
                       wishes->min_fresh_s != FCACHE_NO_DELTA;
    if (!is_demanding && fcache_may_serve_stale(
                             policy, entry, FCACHE_STALE_REFRESHING, now_us)) {
        return planned(decision, FCACHE_PLAN_HIT_STALE,
                       FCACHE_REASON_STALE_WHILE_REVALIDATE);
    }
    if (why == FCACHE_REASON_EXPIRED &&
        is_stale_accepted(policy, entry, wishes, now_us)) {
        return planned(decision, FCACHE_PLAN_HIT_STALE,
                       FCACHE_REASON_REQUEST_MAX_STALE);
    }
    return ask(decision, wishes, plan_to_ask(entry), why);
}

fcache_decision_t fcache_decide(const fcache_policy_t *policy,
                                const fcache_entry_t *entry, int soft_purged,
                                const fcache_request_t *request, int64_t now_us)
{
    wishes_t wishes = read_wishes(policy, request->fields);
    fcache_decision_t decision = {FCACHE_PLAN_HIT, FCACHE_REASON_FRESH, 0, 0,
                                  wishes.stale_if_error_s};
    fcache_reason_t why = check_presence(policy, entry, request, now_us);
    if (!entry || why != FCACHE_REASON_NONE) {
        return ask(decision, &wishes, FCACHE_PLAN_MISS, why);
    }
    decision.age_s = age_us(entry, now_us) / FCACHE_US_PER_S;
    decision.ttl_s = ttl_s(entry, now_us);
    why = check_wishes(&wishes, entry, now_us);
    if (why != FCACHE_REASON_NONE) {
        return ask(decision, &wishes, plan_to_ask(entry), why);
    }
    why = check_entry(entry, soft_purged, now_us);
    if (why != FCACHE_REASON_NONE) {
        return decide_stale(policy, entry, &wishes, why, decision, now_us);
    }
    return decision;
}
