/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <fcache/policy.h>

/*
 * A status line, a request's fields, an empty line, a response's: admitted,
 * judged and decided about by the safe defaults, what must never happen does
 * not.
 */

#define NOW_US (INT64_C(1800000000) * FCACHE_US_PER_S)

static fcache_entry_t entry_of(const fcache_judgement_t *judgement,
                               fcache_fields_t fields)
{
    return (fcache_entry_t){
        .kind = FCACHE_ENTRY_RESPONSE,
        .flags = judgement->entry_flags,
        .created_us = NOW_US,
        .initial_age_s = judgement->initial_age_s,
        .fresh_until_us = judgement->fresh_until_us,
        .stale_until_us = judgement->stale_until_us,
        .stale_while_revalidate_s = judgement->stale_while_revalidate_s,
        .stale_if_error_s = judgement->stale_if_error_s,
        .etag = fcache_fields_get(fields, "ETag"),
        .last_modified = fcache_fields_get(fields, "Last-Modified")};
}

static int is_shared(const fcache_cc_t *cc, fcache_fields_t fields)
{
    return (cc->flags & FCACHE_CC_PUBLIC) ||
           cc->s_maxage_s != FCACHE_NO_DELTA ||
           fcache_list_has(fields, "Vary", "Cookie");
}

static void check_stored(const fcache_request_t *request,
                         const fcache_response_t *response)
{
    fcache_cc_t cc;
    fcache_cc_of_response(response->fields, &cc);
    MUST(response->status >= 200 && response->status != 206 &&
         response->status != 304);
    MUST(response->status < 400 || response->status == 404 ||
         response->status == 410);
    MUST(!(cc.flags & FCACHE_CC_PRIVATE));
    MUST(!(cc.flags & FCACHE_CC_NO_STORE) ||
         (cc.flags & FCACHE_CC_MUST_UNDERSTAND));
    MUST(fcache_fields_count(response->fields, "Set-Cookie") == 0);
    MUST(!fcache_list_has(response->fields, "Vary", "*"));
    MUST(fcache_fields_count(request->fields, "Cookie") == 0 ||
         is_shared(&cc, response->fields));
}

/* At several times after it was stored. */
static void check_decisions(const fcache_policy_t *policy,
                            const fcache_request_t *request,
                            const fcache_entry_t *entry)
{
    static const int64_t after_s[] = {0, 1, 60, 3599, 86400, 200000};
    unsigned strict = FCACHE_ENTRY_MUST_REVALIDATE | FCACHE_ENTRY_NO_CACHE;
    for (size_t i = 0; i < sizeof after_s / sizeof after_s[0]; i++) {
        int64_t now_us = NOW_US + after_s[i] * FCACHE_US_PER_S;
        int is_fresh = now_us < entry->fresh_until_us;
        fcache_decision_t decision =
            fcache_decide(policy, entry, 0, request, now_us);
        MUST(decision.plan != FCACHE_PLAN_HIT || is_fresh);
        MUST(decision.plan != FCACHE_PLAN_HIT ||
             !(entry->flags & FCACHE_ENTRY_NO_CACHE));
        MUST(decision.plan != FCACHE_PLAN_HIT_STALE ||
             !(entry->flags & strict));
        MUST(decision.plan > FCACHE_PLAN_HIT_STALE ||
             (entry->flags & FCACHE_ENTRY_AUTHORIZED) ||
             fcache_fields_count(request->fields, "Authorization") == 0);
        MUST(after_s[i] <= 86400 || decision.plan == FCACHE_PLAN_MISS ||
             decision.plan == FCACHE_PLAN_ONLY_CACHED);
    }
}

/* Three digits, else 200. */
static int status_of(fcache_bytes_t line)
{
    int64_t status = 200;
    (void)fcache_delta_parse(line, &status);
    return status < 1000 ? (int)status : 200;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcache_field_t asked[48];
    fcache_field_t answered[48];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_policy_t policy;
    fcache_policy_init(&policy);
    fcache_request_t request = {.method = fcache_str("GET")};
    fcache_response_t response = {.request_us = NOW_US, .response_us = NOW_US};
    response.status = status_of(fuzz_line(&text));
    request.fields = fuzz_fields(&text, asked, 48);
    response.fields = fuzz_fields(&text, answered, 48);
    (void)fcache_admit(&policy, &request);
    (void)fcache_decide(&policy, NULL, 0, &request, NOW_US);
    fcache_judgement_t judgement =
        fcache_judge(&policy, &request, &response, NULL, NOW_US);
    if (judgement.ruling == FCACHE_RULING_STORE) {
        fcache_entry_t entry = entry_of(&judgement, response.fields);
        MUST(judgement.fresh_until_us <= NOW_US + 86400 * FCACHE_US_PER_S);
        MUST(judgement.stale_until_us > NOW_US);
        check_stored(&request, &response);
        check_decisions(&policy, &request, &entry);
    }
    return 0;
}
