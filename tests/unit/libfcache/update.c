/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

static fcache_judgement_t head(const char *answered, unsigned flags,
                               const char *block)
{
    message_t m;
    fcache_policy_t policy;
    fcache_request_t request = {.method = fcache_str("HEAD")};
    fcache_response_t response = {200, fields_of(&m, answered), T0, T0};
    fcache_entry_t stored = {
        .kind = FCACHE_ENTRY_RESPONSE,
        .status = 200,
        .flags = flags,
        .etag = fcache_str("\"a\""),
        .last_modified = fcache_str(OLD),
        .fields = fcache_str(block),
        .body_len = 5,
    };
    fcache_policy_init(&policy);
    return fcache_judge_head(&policy, &request, &response, &stored, T0);
}

static fcache_judgement_t not_modified(const char *answered, const char *block)
{
    message_t m;
    fcache_policy_t policy;
    fcache_request_t request = {.method = fcache_str("GET")};
    fcache_response_t response = {304, fields_of(&m, answered), T0, T0};
    fcache_entry_t stored = {
        .kind = FCACHE_ENTRY_RESPONSE,
        .status = 200,
        .etag = fcache_str("\"a\""),
        .fields = fcache_str(block),
    };
    fcache_policy_init(&policy);
    return fcache_judge(&policy, &request, &response, &stored, T0);
}

/* RFC 9111 §4.3.5; what proves nothing changes nothing. */
static void answers_to_head(void **state)
{
    static const struct {
        const char *answered;
        fcache_reason_t reason;
    } rows[] = {
        {CC "max-age=60\nETag: \"a\"", R(REFRESHED)},
        {CC "max-age=60\nETag: W/\"a\"", R(REFRESHED)},
        {CC "max-age=60\nETag: \"a\"\nContent-Length: 5", R(REFRESHED)},
        {CC "max-age=60\nLast-Modified: " OLD, R(REFRESHED)},
        {CC "max-age=60\nETag: \"a\"\nLast-Modified: " OLD, R(REFRESHED)},
        {"ETag: \"a\"", R(REFRESHED)}, /* the stored Cache-Control */
        {CC "max-age=60", R(HEAD_ANSWER)},
        {CC "max-age=60\nContent-Length: 5", R(HEAD_ANSWER)},
        {CC "max-age=60\nETag: \"b\"", R(HEAD_DIFFERS)},
        {CC "max-age=60\nETag: a", R(HEAD_DIFFERS)},
        {CC "max-age=60\nETag:", R(HEAD_DIFFERS)},
        {CC "max-age=60\nLast-Modified: " NOW, R(HEAD_DIFFERS)},
        {CC "max-age=60\nETag: \"a\"\nLast-Modified: " NOW, R(HEAD_DIFFERS)},
        {CC "max-age=60\nETag: \"a\"\nContent-Length: 6", R(HEAD_DIFFERS)},
        {CC "max-age=60\nETag: \"a\"\nContent-Length: x", R(HEAD_DIFFERS)},
        {CC "max-age=60\nContent-Length: 6", R(HEAD_DIFFERS)},
        {CC "max-age=60\nETag: \"a\"\nContent-Encoding: gzip", R(HEAD_DIFFERS)},
        {CC "no-store\nETag: \"a\"", R(RESPONSE_NO_STORE)},
        {CC "private\nETag: \"a\"", R(RESPONSE_PRIVATE)},
        {"Vary: *\nETag: \"a\"", R(VARY_ANY)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].answered);
        check_ruling(head(rows[i].answered, 0, CC "max-age=9\r\n"),
                     rows[i].reason == R(REFRESHED) ? FCACHE_RULING_REFRESH
                                                    : FCACHE_RULING_NO_STORE,
                     rows[i].reason);
    }
    check_ruling(head(CC "max-age=60\nETag: \"a\"\nContent-Encoding: GZIP", 0,
                      "content-encoding: gzip\r\n"),
                 FCACHE_RULING_REFRESH, R(REFRESHED));
    check_ruling(
        head(CC "max-age=60\nETag: \"a\"", 0, "content-encoding: gzip\r\n"),
        FCACHE_RULING_NO_STORE, R(HEAD_DIFFERS));
}

/* RFC 9111 §4.1: what selects is what was stored. */
static void no_name_more_in_vary(void **state)
{
    static const char block[] = "Vary: b, A\r\n" CC "max-age=9\r\n";
    static const struct {
        const char *answered;
        const char *block;
        fcache_reason_t reason;
    } rows[] = {
        {"ETag: \"a\"\nVary: a", block, R(REFRESHED)},
        {"ETag: \"a\"\nVary: B,a", block, R(REFRESHED)},
        {"ETag: \"a\"\nVary:", block, R(REFRESHED)},
        {"ETag: \"a\"\nVary: a, b, c", block, R(HEAD_DIFFERS)},
        {"ETag: \"a\"\nVary: c", block, R(HEAD_DIFFERS)},
        {"ETag: \"a\"\nVary: a", CC "max-age=9\r\n", R(HEAD_DIFFERS)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int is_fine = rows[i].reason == R(REFRESHED);
        ROW(i, rows[i].answered);
        check_ruling(head(rows[i].answered, 0, rows[i].block),
                     is_fine ? FCACHE_RULING_REFRESH : FCACHE_RULING_NO_STORE,
                     rows[i].reason);
        check_ruling(not_modified(rows[i].answered, rows[i].block),
                     is_fine ? FCACHE_RULING_REFRESH : FCACHE_RULING_NO_STORE,
                     is_fine ? R(REFRESHED) : R(VARY_BAD));
    }
}

static void the_lifetime_is_the_new_one(void **state)
{
    fcache_judgement_t got =
        head(CC "max-age=60\nETag: \"a\"\nAge: 20", 0, CC "max-age=9\r\n");
    (void)state;
    CHECK_INT(got.fresh_until_us, T0 + 40 * S);
    CHECK_INT(got.initial_age_s, 20);
    got = head("ETag: \"a\"", 0, CC "max-age=9\r\n");
    CHECK_INT(got.fresh_until_us, T0 + 9 * S);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_to_head),
        cmocka_unit_test(no_name_more_in_vary),
        cmocka_unit_test(the_lifetime_is_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
