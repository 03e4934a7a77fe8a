/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

/* What answers to a revalidation make of the stored entry. */

#define BLOCK                                                                  \
    "Date: " OLD "\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\n"            \
    "X-Old: 1\r\n"

static fcache_entry_t entry_of(const char *etag, const char *modified,
                               unsigned flags)
{
    return (fcache_entry_t){.kind = FCACHE_ENTRY_RESPONSE,
                            .flags = flags,
                            .status = 200,
                            .created_us = T0 - 120 * S,
                            .fresh_until_us = T0 - 60 * S,
                            .stale_until_us = T0 + 3600 * S,
                            .stale_if_error_s = 100,
                            .etag = fcache_str(etag),
                            .last_modified = fcache_str(modified),
                            .fields = fcache_str(BLOCK)};
}

/* T15, RFC 9111 §4.3.4: is the 304 about what is stored? */
static void which_304_counts(void **state)
{
    static const struct {
        const char *etag, *modified;
        unsigned flags;
        const char *answered;
        fcache_reason_t reason;
    } rows[] = {
        {"\"a\"", "", 0, "", R(REFRESHED)},
        {"\"a\"", "", 0, "ETag: \"a\"", R(REFRESHED)},
        {"\"a\"", "", 0, "ETag: W/\"a\"", R(REFRESHED)},
        {"W/\"a\"", "", 0, "ETag: W/\"a\"", R(REFRESHED)},
        /* it can only mean the tag we sent */
        {"\"a\"", "", 0, "ETag: \"b\"", R(REFRESHED)},
        {"W/\"a\"", "", 0, "ETag: \"a\"", R(REFRESHED)},
        {"a", "", 0, "ETag: a", R(REFRESHED)},
        {"\"a\"", OLD, 0, "Last-Modified: " NOW, R(REFRESHED)},
        /* no tag was sent, and it bears one, or is of another time */
        {"", OLD, 0, "ETag: \"b\"\nLast-Modified: " OLD, R(UNEXPECTED_304)},
        {"\"a\"", OLD, F(OWN_ETAG), "ETag: \"a\"", R(UNEXPECTED_304)},
        {"\"a\"", OLD, F(OWN_ETAG), "", R(REFRESHED)},
        {"", OLD, 0, "Last-Modified: " OLD, R(REFRESHED)},
        {"", OLD, 0, "Last-Modified: " NOW, R(UNEXPECTED_304)},
        {"\"a\"", OLD, 0, "ETag: \"a\"\nLast-Modified: " NOW, R(REFRESHED)},
        {"\"a\"", "", 0, "Last-Modified: " OLD, R(REFRESHED)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry =
            entry_of(rows[i].etag, rows[i].modified, rows[i].flags);
        ROW(i, rows[i].answered);
        check_ruling(judge(&policy, "GET", "", 304, rows[i].answered, &entry),
                     rows[i].reason == R(REFRESHED) ? FCACHE_RULING_REFRESH
                                                    : FCACHE_RULING_NO_STORE,
                     rows[i].reason);
    }
    check_ruling(judge(&policy, "GET", "", 304, "ETag: \"a\"", NULL),
                 FCACHE_RULING_NO_STORE, R(UNEXPECTED_304));
}

/* RFC 9111 §3.2, §4.3.4: judged by the fields as they will be. */
static void renewed_lifetimes(void **state)
{
    static const struct {
        const char *asked, *answered;
        fcache_reason_t reason;
        int64_t left_s;
    } rows[] = {
        {"", "", R(REFRESHED), 60}, /* the stored Cache-Control, a new Date */
        {"", "Date: " NOW, R(REFRESHED), 60},
        {"", "Date: " EARLIER, R(REFRESHED), 50},
        {"", "Age: 20", R(REFRESHED), 40},
        {"", CC "max-age=90", R(REFRESHED), 90},
        {"", CC "s-maxage=90", R(REFRESHED), 90},
        {"", CC "no-cache", R(REFRESHED), 0},
        {"", CC "max-age=0", R(REFRESHED), 0},
        {"", CC "no-store", R(RESPONSE_NO_STORE), 0},
        {"", CC "private", R(RESPONSE_PRIVATE), 0},
        {"", "Vary: *", R(VARY_ANY), 0},
        {"", "X: \x01", R(BAD_FIELDS), 0},
        /* §4.3.4: another tag MUST NOT update, but may forbid */
        {"", "ETag: \"b\"\n" CC "max-age=90", R(REFRESHED), 60},
        {"", "ETag: W/\"b\"\n" CC "max-age=90", R(REFRESHED), 60},
        {"", "ETag: W/\"a\"\n" CC "max-age=90", R(REFRESHED), 90},
        {"", "ETag: \"b\"\nAge: 20", R(REFRESHED), 40},
        {"", "ETag: \"b\"\n" CC "no-store", R(RESPONSE_NO_STORE), 0},
        {"", "ETag: \"b\"\nVary: x", R(VARY_BAD), 0},
        {"", "Set-Cookie: a=b", R(REFRESHED), 60}, /* T15: not taken over */
        {"", "Connection: Cache-Control\n" CC "max-age=90", R(REFRESHED), 60},
        /* the same response for everyone, as the 304 says */
        {"Cookie: a=b", "", R(REFRESHED), 60},
        {"Authorization: a", "", R(AUTHORIZATION), 0},
        {"Authorization: a", CC "public, max-age=7", R(REFRESHED), 7},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry = entry_of("\"a\"", "", 0);
        ROW(i, rows[i].answered);
        fcache_judgement_t judgement =
            judge(&policy, "GET", rows[i].asked, 304, rows[i].answered, &entry);
        CHECK_TEXT(fcache_str(fcache_reason_text(judgement.reason)),
                   fcache_reason_text(rows[i].reason));
        if (judgement.ruling == FCACHE_RULING_REFRESH) {
            CHECK_INT((judgement.fresh_until_us - T0) / S, rows[i].left_s);
            assert_true(judgement.stale_until_us > T0);
        }
    }
}

/* T11: a HEAD request may renew what it may not store. */
static void head_renews(void **state)
{
    fcache_entry_t entry = entry_of("\"a\"", "", 0);
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    check_ruling(judge(&policy, "HEAD", "", 304, "", &entry),
                 FCACHE_RULING_REFRESH, R(REFRESHED));
}

/* RFC 5861 §4, RFC 9111 §4.2.4 */
static void errors(void **state)
{
    static const struct {
        int status;
        unsigned flags;
        int64_t stale_if_error_s;
        fcache_ruling_t ruling;
        fcache_reason_t reason;
    } rows[] = {
        {500, 0, 100, FCACHE_RULING_SERVE_STALE, R(STALE_IF_ERROR)},
        {502, 0, 100, FCACHE_RULING_SERVE_STALE, R(STALE_IF_ERROR)},
        {503, 0, 100, FCACHE_RULING_SERVE_STALE, R(STALE_IF_ERROR)},
        {504, 0, 100, FCACHE_RULING_SERVE_STALE, R(STALE_IF_ERROR)},
        {501, 0, 100, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {505, 0, 100, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {403, 0, 100, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {503, 0, 0, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {503, 0, 59, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {503, 0, 60, FCACHE_RULING_SERVE_STALE, R(STALE_IF_ERROR)},
        {503, F(MUST_REVALIDATE), 100, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {503, F(NO_CACHE), 100, FCACHE_RULING_NO_STORE, R(ERROR_STATUS)},
        {200, 0, 100, FCACHE_RULING_STORE, R(STORED)},
    };
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_entry_t entry = entry_of("\"a\"", "", rows[i].flags);
        entry.stale_if_error_s = rows[i].stale_if_error_s;
        ROW(i, "error");
        check_ruling(
            judge(&policy, "GET", "", rows[i].status, CC "max-age=9", &entry),
            rows[i].ruling, rows[i].reason);
    }
}

/* T14: what the two make together has to keep the limits too. */
static void too_many_together(void **state)
{
    char block[4096] = "";
    char update[4096] = "";
    fcache_policy_t policy;
    (void)state;
    fcache_policy_init(&policy);
    for (int i = 0; i < 60; i++) {
        size_t len = strlen(block);
        snprintf(block + len, sizeof block - len, "A%d: 1\r\n", i);
        len = strlen(update);
        snprintf(update + len, sizeof update - len, "B%d: 1\n", i);
    }
    fcache_entry_t entry = entry_of("\"a\"", "", 0);
    entry.fields = fcache_str(block);
    check_ruling(judge(&policy, "GET", "", 304, update, &entry),
                 FCACHE_RULING_NO_STORE, R(BAD_FIELDS));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_304_counts),
        cmocka_unit_test(renewed_lifetimes),
        cmocka_unit_test(head_renews),
        cmocka_unit_test(errors),
        cmocka_unit_test(too_many_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
