/* SPDX-License-Identifier: Apache-2.0 */
/* What the service answers, right and wrong. */
#include "check.h"
#include "pool.h"

#include <dynamodb/reply.h>

#include <apr_strings.h>

/* 32 bytes of 'A' in base64 */
#define STAMP           "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
#define ENTRY(rest)     "{\"n\":{\"S\":\"e\"},\"s\":{\"B\":\"" STAMP "\"}" rest "}"
#define COUNTER(number) "{\"n\":{\"S\":\"c\"},\"c\":{\"N\":\"" number "\"}}"
#define BATCH(items)    "{\"Responses\":{\"t\":[" items "]}}"

typedef struct fetch_row_t {
    const char *text;
    fcache_status_t status;
    int entry, counter, left;
} fetch_row_t;

static const fetch_row_t fetch_rows[] = {
    {BATCH(""), FCACHE_OK, 0, 0, 0},
    {"{\"Responses\":{}}", FCACHE_OK, 0, 0, 0},
    {BATCH(COUNTER("7") "," ENTRY(",\"v\":{\"B\":\"Yg==\"}")), FCACHE_OK, 33, 1,
     0},
    {BATCH(ENTRY("")), FCACHE_OK, 32, 0, 0},
    {"{\"Responses\":{\"t\":[" COUNTER(
         "18446744073709551615") "]},"
                                 "\"UnprocessedKeys\":{\"t\":{\"Keys\":[{\"n\":"
                                 "{\"S\":\"e\"}}]}}}",
     FCACHE_OK, 0, 20, 1},
    {"", FCACHE_PROTOCOL, 0, 0, 0},
    {"{}", FCACHE_PROTOCOL, 0, 0, 0},
    {"{\"Responses\":{},\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", FCACHE_OK, 0, 0,
     0},
    {"{\"Responses\":{},\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}",
     FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(ENTRY("") "," ENTRY("")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(ENTRY(",\"v\":{\"B\":\"Yg=\"}")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(ENTRY(",\"v\":{\"B\":\"Y===\"}")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(ENTRY(",\"v\":{\"B\":\"Yg==Yg==\"}")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(ENTRY(",\"v\":{\"B\":\"****\"}")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(ENTRY(",\"v\":{\"S\":\"text\"}")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH("{\"n\":{\"S\":\"e\"},\"s\":{\"B\":\"QUFB\"}}"), FCACHE_PROTOCOL, 0,
     0, 0},
    {BATCH("{\"n\":{\"S\":\"e\"}}"), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH("{\"n\":{\"S\":\"x\"},\"c\":{\"N\":\"1\"}}"), FCACHE_PROTOCOL, 0, 0,
     0},
    {BATCH("{\"c\":{\"N\":\"1\"}}"), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH("7"), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(COUNTER("-1")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(COUNTER("1.5")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(COUNTER("")), FCACHE_PROTOCOL, 0, 0, 0},
    {BATCH(COUNTER("123456789012345678901")), FCACHE_PROTOCOL, 0, 0, 0},
    {"{\"Responses\":{},\"UnprocessedKeys\":{\"t\":{\"Keys\":[{\"n\":{\"S\":"
     "\"x\"}}]}}}",
     FCACHE_PROTOCOL, 0, 0, 0},
};

static void batches_are_read(void **state)
{
    const fcache_bytes_t names[] = {fcache_str("e"), fcache_str("c")};
    for (size_t i = 0; i < COUNT(fetch_rows); i++) {
        const fetch_row_t *row = &fetch_rows[i];
        fcr_found_t found[2] = {0};
        unsigned char pending[2] = {1, 1};
        ROW(i, row->text);
        CHECK_INT(fcd_reply_fetch(fcache_str(row->text), fcache_str("t"), names,
                                  2, pending, found, *state, NULL),
                  row->status);
        if (row->status == FCACHE_OK) {
            CHECK_INT(found[0].exists ? (int)found[0].value.len : 0,
                      row->entry);
            CHECK_INT(found[1].exists ? (int)found[1].value.len : 0,
                      row->counter);
            CHECK_INT(pending[0] + pending[1], row->left);
        }
    }
}

#define ANSWERS(items) "{\"Responses\":[" items "]}"

/* Each in its place, and what is not there is {}. */
static void counters_are_read(void **state)
{
    static const struct {
        const char *text;
        fcache_status_t status;
        int first, second; /* digits */
    } rows[] = {
        {ANSWERS("{\"Item\":" COUNTER("7") "},{}"), FCACHE_OK, 1, 0},
        {ANSWERS("{},{\"Item\":{\"n\":{\"S\":\"d\"},\"c\":{\"N\":\"10\"}}}"),
         FCACHE_OK, 0, 2},
        {ANSWERS("{},{}"), FCACHE_OK, 0, 0},
        {ANSWERS("{}"), FCACHE_PROTOCOL, 0, 0},
        {ANSWERS("{},{},{}"), FCACHE_PROTOCOL, 0, 0},
        {ANSWERS("{},{\"Item\":" COUNTER("7") "}"), FCACHE_PROTOCOL, 0, 0},
        {ANSWERS("{\"Item\":" COUNTER("-7") "},{}"), FCACHE_PROTOCOL, 0, 0},
        {ANSWERS("{\"Item\":{\"n\":{\"S\":\"c\"}}},{}"), FCACHE_PROTOCOL, 0, 0},
        {ANSWERS("{\"Item\":7},{}"), FCACHE_PROTOCOL, 0, 0},
        {ANSWERS("7,null"), FCACHE_PROTOCOL, 0, 0},
        {"{\"Responses\":{\"a\":1,\"b\":2}}", FCACHE_PROTOCOL, 0, 0},
        {"{}", FCACHE_PROTOCOL, 0, 0},
        {"", FCACHE_PROTOCOL, 0, 0},
    };
    const fcache_bytes_t names[] = {fcache_str("c"), fcache_str("d")};
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcr_found_t found[2] = {{1, {NULL, 0}, 0}, {1, {NULL, 0}, 0}};
        ROW(i, rows[i].text);
        CHECK_INT(fcd_reply_counters(fcache_str(rows[i].text), names, 2, found,
                                     *state, NULL),
                  rows[i].status);
        if (rows[i].status == FCACHE_OK) {
            CHECK_INT(found[0].exists ? (int)found[0].value.len : 0,
                      rows[i].first);
            CHECK_INT(found[1].exists ? (int)found[1].value.len : 0,
                      rows[i].second);
        }
    }
}

static void clocks_are_read(void **state)
{
    static const struct {
        const char *text;
        fcache_status_t status;
        uint64_t clock;
    } rows[] = {
        {"{\"Attributes\":{\"c\":{\"N\":\"18446744073709551615\"}}}", FCACHE_OK,
         UINT64_MAX},
        {"{\"Attributes\":{\"c\":{\"N\":\"18446744073709551616\"}}}",
         FCACHE_PROTOCOL, 0},
        {"{\"Attributes\":{\"c\":{\"N\":7}}}", FCACHE_PROTOCOL, 0},
        {"{\"Attributes\":{\"c\":{\"N\":\"7e3\"}}}", FCACHE_PROTOCOL, 0},
        {"{}", FCACHE_PROTOCOL, 0},
        {"7", FCACHE_PROTOCOL, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t clock = 0;
        ROW(i, rows[i].text);
        CHECK_INT(fcd_reply_clock(fcache_str(rows[i].text), &clock, NULL),
                  rows[i].status);
        assert_true(clock == rows[i].clock);
    }
}

/* What a message says must not come out: it may quote a session's token. */
static void failures_are_told_apart(void **state)
{
    static const struct {
        long http;
        const char *text;
        fcache_status_t status;
        fcd_remedy_t remedy;
    } rows[] = {
        {400, "{\"__type\":\"a.b#ConditionalCheckFailedException\"}",
         FCACHE_EXISTS, FCD_REMEDY_NONE},
        {400, "{\"__type\":\"ConditionalCheckFailedException\"}", FCACHE_EXISTS,
         FCD_REMEDY_NONE},
        {400, "{\"__type\":\"x#ResourceNotFoundException\"}",
         FCACHE_UNAVAILABLE, FCD_REMEDY_TABLE},
        {400,
         "{\"__type\":\"x#ExpiredTokenException\",\"message\":\"hunter2\"}",
         FCACHE_UNAVAILABLE, FCD_REMEDY_CREDENTIALS},
        {403,
         "{\"__type\":\"x#InvalidSignatureException\",\"message\":\"hunter2\"}",
         FCACHE_UNAVAILABLE, FCD_REMEDY_CLOCK},
        {400, "{\"__type\":\"x#RequestTimeTooSkewed\"}", FCACHE_UNAVAILABLE,
         FCD_REMEDY_CLOCK},
        {400, "{\"__type\":\"x#hunter2 hunter2\"}", FCACHE_PROTOCOL,
         FCD_REMEDY_NONE},
        {400, "{\"__type\":\"x#Unheard\",\"message\":\"hunter2\"}",
         FCACHE_PROTOCOL, FCD_REMEDY_NONE},
        {400,
         "{\"__type\":\"x#ValidationException\",\"message\":\"Item size has "
         "exceeded the maximum allowed size\"}",
         FCACHE_TOO_LARGE, FCD_REMEDY_NONE},
        {400, "{\"__type\":\"x#ValidationException\",\"message\":\"bad \\n\"}",
         FCACHE_PROTOCOL, FCD_REMEDY_NONE},
        {500, "", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE},
        {503, "<html>hunter2</html>", FCACHE_UNAVAILABLE, FCD_REMEDY_NONE},
        {302, "", FCACHE_PROTOCOL, FCD_REMEDY_NONE},
        {400, "{\"__type\":7}", FCACHE_PROTOCOL, FCD_REMEDY_NONE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error = {""};
        fcd_failure_t failure;
        ROW(i, rows[i].text);
        failure =
            fcd_reply_failure(rows[i].http, fcache_str(rows[i].text), &error);
        CHECK_INT(failure.status, rows[i].status);
        CHECK_INT(failure.remedy, rows[i].remedy);
        CHECK_INT(error.text[0] != '\0', 1);
        CHECK_INT(strstr(error.text, "hunter2") != NULL, 0);
        CHECK_INT(strchr(error.text, '\n') != NULL, 0);
    }
}

#define MET(number)                                                            \
    "{\"Code\":\"ConditionalCheckFailed\",\"Item\":{\"c\":{\"N\":\"" number    \
    "\"}}}"
#define CONFLICT "{\"Code\":\"TransactionConflict\"}"

static void cancellations_are_told_apart(void **state)
{
    static const struct {
        const char *reasons;
        fcache_status_t status;
        fcd_remedy_t remedy;
        uint64_t highest;
    } rows[] = {
        {"[" MET("7") "," MET("9") "," MET("8") "]", FCACHE_EXISTS,
         FCD_REMEDY_NONE, 9},
        {"[{\"Code\":\"None\"}," CONFLICT "]", FCACHE_EXISTS, FCD_REMEDY_AGAIN,
         0},
        {"[" MET("7") "," CONFLICT "]", FCACHE_EXISTS, FCD_REMEDY_NONE, 7},
        {"[" CONFLICT "," MET("7") "]", FCACHE_EXISTS, FCD_REMEDY_NONE, 7},
        {"[" MET("7") ",{\"Code\":\"ThrottlingError\"}]", FCACHE_UNAVAILABLE,
         FCD_REMEDY_NONE, 0},
        {"[{\"Code\":\"ProvisionedThroughputExceeded\"}]", FCACHE_UNAVAILABLE,
         FCD_REMEDY_NONE, 0},
        {"[{\"Code\":\"hunter2 hunter2\"}]", FCACHE_PROTOCOL, FCD_REMEDY_NONE,
         0},
        {"[" MET("18446744073709551616") "," MET("-1") "]", FCACHE_EXISTS,
         FCD_REMEDY_NONE, 0},
        {"[" MET("18446744073709551615") "]", FCACHE_EXISTS, FCD_REMEDY_NONE,
         UINT64_MAX},
        {"[{\"Code\":\"ConditionalCheckFailed\",\"Item\":7}]", FCACHE_EXISTS,
         FCD_REMEDY_NONE, 0},
        {"[7,null,[[]],{\"Code\":[]}]", FCACHE_PROTOCOL, FCD_REMEDY_NONE, 0},
        {"[{\"Code\":\"None\"}]", FCACHE_EXISTS, FCD_REMEDY_NONE, 0},
        {"{\"0\":1}", FCACHE_EXISTS, FCD_REMEDY_NONE, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error = {""};
        const char *text =
            apr_pstrcat(*state,
                        "{\"__type\":\"x#TransactionCanceledException\","
                        "\"message\":\"hunter2\",\"CancellationReasons\":",
                        rows[i].reasons, "}", NULL);
        ROW(i, rows[i].reasons);
        fcd_failure_t failure =
            fcd_reply_failure(400, fcache_str(text), &error);
        CHECK_INT(failure.status, rows[i].status);
        CHECK_INT(failure.remedy, rows[i].remedy);
        CHECK_INT(failure.highest == rows[i].highest, 1);
        CHECK_INT(error.text[0] && !strstr(error.text, "hunter2"), 1);
    }
}

static void tables_are_read(void **state)
{
    static const char good[] =
        "{\"Table\":{\"TableStatus\":\"ACTIVE\",\"ItemCount\":3,"
        "\"TableSizeBytes\":99,\"KeySchema\":[{\"AttributeName\":\"n\","
        "\"KeyType\":\"HASH\"}],\"AttributeDefinitions\":[{\"AttributeName\":"
        "\"n\",\"AttributeType\":\"S\"}]}}";
    static const char other[] =
        "{\"Table\":{\"TableStatus\":\"CREATING\",\"ItemCount\":-3,"
        "\"KeySchema\":[{\"AttributeName\":\"n\",\"KeyType\":\"HASH\"},"
        "{\"AttributeName\":\"m\",\"KeyType\":\"RANGE\"}]}}";
    fcd_table_t table = {0};
    (void)state;
    assert_int_equal(fcd_reply_table(fcache_str(good), &table, NULL),
                     FCACHE_OK);
    assert_true(table.is_active && table.has_our_key && table.items == 3 &&
                table.bytes == 99);
    assert_int_equal(fcd_reply_table(fcache_str(other), &table, NULL),
                     FCACHE_OK);
    assert_false(table.is_active || table.has_our_key || table.items > 0);
    assert_int_equal(fcd_reply_table(fcache_str("{}"), &table, NULL),
                     FCACHE_PROTOCOL);
}

/* A reply in which the i-th name of 100 has all that an entry can have. */
static char *full_batch(char *at, char *end, fcache_bytes_t *names, int more)
{
    at += snprintf(at, (size_t)(end - at), "{\"Responses\":{\"t\":[");
    for (int i = 0; i < 100; i++) {
        at += snprintf(at, (size_t)(end - at),
                       "%s{\"n\":{\"S\":\"%.*s\"},\"t\":{\"N\":\"1\"},"
                       "\"s\":{\"B\":\"" STAMP "\"},\"v\":{\"B\":\"Yg==\"}}",
                       i ? "," : "", (int)names[i].len, names[i].ptr);
    }
    at += snprintf(at, (size_t)(end - at), "]},\"x\":[1");
    for (int i = 0; i < more; i++) {
        at += snprintf(at, (size_t)(end - at), ",[]");
    }
    return at + snprintf(at, (size_t)(end - at), "]}");
}

/* What is all commas and brackets takes a hundred times its size. */
static void parts_have_a_ceiling(void **state)
{
    static const struct {
        int more;
        fcache_status_t status;
    } rows[] = {{0, FCACHE_OK}, {1000, FCACHE_OK}, {2000, FCACHE_PROTOCOL}};
    static char text[65536];
    fcache_bytes_t names[100];
    for (int i = 0; i < 100; i++) {
        names[i] = fcache_str(apr_psprintf(*state, "name-%d", i));
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcr_found_t found[100] = {{0}};
        unsigned char pending[100];
        memset(pending, 1, sizeof(pending));
        const char *end =
            full_batch(text, text + sizeof(text), names, rows[i].more);
        ROW(i, "parts");
        CHECK_INT(fcd_reply_fetch(fcache_bytes(text, (size_t)(end - text)),
                                  fcache_str("t"), names, 100, pending, found,
                                  *state, NULL),
                  rows[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(batches_are_read),
        pool_test(parts_have_a_ceiling),
        pool_test(counters_are_read),
        pool_test(cancellations_are_told_apart),
        cmocka_unit_test(clocks_are_read),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(tables_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
