/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

#define RANGE "Range: bytes=0-4"
#define PART  "Content-Range: bytes 0-4/10\n" CC "max-age=60"

/* RFC 9111 §3.3: only a part that was asked for and says where it belongs. */
static void which_parts_are_stored(void **state)
{
    static const struct {
        const char *method, *asked, *answered;
        fcache_reason_t reason;
    } rows[] = {
        {"GET", RANGE, PART, R(STORED)},
        {"GET", RANGE, PART "\nETag: \"a\"", R(STORED)},
        {"GET", RANGE, PART ", must-understand", R(STORED)},
        {"GET", RANGE,
         "Content-Range: bytes 0-4/10\nDate: " NOW "\nLast-Modified: " OLD,
         R(STORED)},
        {"GET", RANGE, "Content-Range: bytes 0-4/10", R(NO_LIFETIME)},
        {"GET", RANGE, PART ", no-store", R(RESPONSE_NO_STORE)},
        {"GET", RANGE, PART ", private", R(RESPONSE_PRIVATE)},
        {"GET", RANGE, PART "\nVary: *", R(VARY_ANY)},
        {"GET", RANGE "\nAuthorization: x", PART, R(AUTHORIZATION)},
        {"GET", "", PART, R(PARTIAL)},
        {"POST", RANGE, PART, R(PARTIAL)},
        {"GET", RANGE, CC "max-age=60", R(PARTIAL)},
        {"GET", RANGE, PART "\nContent-Range: bytes 5-9/10", R(PARTIAL)},
        {"GET", RANGE,
         CC "max-age=60\nContent-Type: multipart/byteranges; boundary=x",
         R(PARTIAL)},
        {"GET", RANGE, CC "max-age=60\nContent-Range: bytes */10", R(PARTIAL)},
        {"GET", RANGE, CC "max-age=60\nContent-Range: items 0-4/10",
         R(PARTIAL)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        policy.partial = 1;
        fcache_judgement_t got = judge(&policy, rows[i].method, rows[i].asked,
                                       206, rows[i].answered, NULL);
        check_ruling(got,
                     rows[i].reason == R(STORED) ? FCACHE_RULING_STORE
                                                 : FCACHE_RULING_NO_STORE,
                     rows[i].reason);
        policy.partial = 0;
        got = judge(&policy, rows[i].method, rows[i].asked, 206,
                    rows[i].answered, NULL);
        check_ruling(got, FCACHE_RULING_NO_STORE, R(PARTIAL));
    }
}

/* The Range was not sent with our validators (T10). */
static void none_in_answer_to_a_revalidation(void **state)
{
    fcache_entry_t stored = {.kind = FCACHE_ENTRY_RESPONSE,
                             .status = 200,
                             .etag = fcache_str("\"a\"")};
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    policy.partial = 1;
    check_ruling(judge(&policy, "GET", RANGE, 206, PART, &stored),
                 FCACHE_RULING_NO_STORE, R(PARTIAL));
}

static fcache_decision_t decide(const fcache_entry_t *entry, const char *method,
                                const char *asked, int64_t now_us)
{
    message_t m;
    fcache_policy_t policy;
    fcache_request_t request = {.method = fcache_str(method),
                                .fields = fields_of(&m, asked)};
    fcache_policy_init(&policy);
    return fcache_decide(&policy, entry, 0, &request, now_us);
}

/* T10: a part answers ranges within it and nothing else. */
static void parts_are_not_the_whole(void **state)
{
    static const struct {
        const char *method, *asked;
        int64_t after_s;
        fcache_plan_t plan;
        fcache_reason_t reason;
    } rows[] = {
        {"GET", "Range: bytes=0-4", 0, FCACHE_PLAN_HIT, R(FRESH)},
        {"GET", "Range: bytes=1-2", 9, FCACHE_PLAN_HIT, R(FRESH)},
        {"GET", "", 0, FCACHE_PLAN_MISS, R(RANGE)},
        {"GET", "Range: bytes=0-5", 0, FCACHE_PLAN_MISS, R(RANGE)},
        {"GET", "Range: bytes=0-", 0, FCACHE_PLAN_MISS, R(RANGE)},
        {"GET", "Range: x", 0, FCACHE_PLAN_MISS, R(RANGE)},
        {"HEAD", "Range: bytes=0-4", 0, FCACHE_PLAN_MISS, R(RANGE)},
        {"HEAD", "", 0, FCACHE_PLAN_MISS, R(RANGE)},
        {"GET", CC "only-if-cached", 0, FCACHE_PLAN_ONLY_CACHED,
         R(ONLY_IF_CACHED)},
        {"GET", CC "max-stale\n" RANGE, 61, FCACHE_PLAN_HIT_STALE,
         R(REQUEST_MAX_STALE)},
        {"GET", CC "max-stale", 61, FCACHE_PLAN_MISS, R(RANGE)},
        /* validators or not, a part is not asked about */
        {"GET", RANGE, 61, FCACHE_PLAN_MISS, R(EXPIRED)},
        {"GET", CC "no-cache\n" RANGE, 0, FCACHE_PLAN_MISS,
         R(REQUEST_NO_CACHE)},
    };
    fcache_entry_t entry = {
        .kind = FCACHE_ENTRY_RESPONSE,
        .status = 206,
        .created_us = T0,
        .fresh_until_us = T0 + 60 * S,
        .stale_until_us = T0 + 600 * S,
        .etag = fcache_str("\"a\""),
        .fields = fcache_str("Content-Range: bytes 0-4/10\r\n"),
        .body_len = 5,
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_decision_t got = decide(&entry, rows[i].method, rows[i].asked,
                                       T0 + rows[i].after_s * S);
        ROW(i, rows[i].asked);
        CHECK_TEXT(fcache_str(fcache_reason_text(got.reason)),
                   fcache_reason_text(rows[i].reason));
        CHECK_INT(got.plan, rows[i].plan);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_parts_are_stored),
        cmocka_unit_test(none_in_answer_to_a_revalidation),
        cmocka_unit_test(parts_are_not_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
