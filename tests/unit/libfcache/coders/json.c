/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/coders.h"

#include "check.h"
#include "pool.h"

#include <fcache/entry.h>

#include <pthread.h>

static fcache_status_t decode(fcache_bytes_t bytes,
                              fcache_response_value_t *out, apr_pool_t *pool)
{
    memset(out, 0, sizeof(*out));
    return fci_coder_json.decode(&fci_coder_json, bytes, out, pool, NULL);
}

static void responses_become_documents(void **state)
{
    static const struct {
        fcache_response_value_t value;
        const char *document;
    } rows[] = {
        {{200, {"A: b\r\nA: c\r\n", 12}, {"hi \"x\"", 6}},
         "{\"status\":200,\"fields\":[[\"A\",\"b\"],[\"A\",\"c\"]],"
         "\"body\":\"hi \\\"x\\\"\"}"},
        {{204, {"", 0}, {NULL, 0}},
         "{\"status\":204,\"fields\":[],\"body\":\"\"}"},
        {{200, {"", 0}, {"\xc3\xa4", 2}},
         "{\"status\":200,\"fields\":[],\"body\":\"\xc3\xa4\"}"},
        {{200, {"", 0}, {"a\0b", 3}},
         "{\"status\":200,\"fields\":[],\"body_base64\":\"YQBi\"}"},
        {{200, {"", 0}, {"\xff", 1}},
         "{\"status\":200,\"fields\":[],\"body_base64\":\"/w==\"}"},
        {{200, {"", 0}, {"\xff\xfe", 2}},
         "{\"status\":200,\"fields\":[],\"body_base64\":\"//4=\"}"},
        {{200, {"A: \xe4\r\n", 6}, {"", 0}},
         "{\"status\":200,\"fields\":[[\"A\",{\"base64\":\"5A==\"}]],"
         "\"body\":\"\"}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_response_value_t again;
        fcache_buf_t out;
        fcache_buf_init(&out, 4096);
        ROW(i, rows[i].document);
        CHECK_INT(
            fci_coder_json.encode(&fci_coder_json, &rows[i].value, &out, NULL),
            FCACHE_OK);
        CHECK_TEXT(fcache_buf_bytes(&out), rows[i].document);
        CHECK_INT(decode(fcache_buf_bytes(&out), &again, *state), FCACHE_OK);
        CHECK_INT(again.status, rows[i].value.status);
        CHECK_INT(fcache_bytes_equal(again.fields, rows[i].value.fields), 1);
        CHECK_INT(fcache_bytes_equal(again.body, rows[i].value.body), 1);
        fcache_buf_fini(&out);
    }
}

/* T24: hostile documents. */
static void bad_documents_are_corrupt(void **state)
{
    static const char *const rows[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"status\":200,\"fields\":[],\"body\":\"\"} x",
        "{\"status\":99,\"fields\":[],\"body\":\"\"}",
        "{\"status\":1000,\"fields\":[],\"body\":\"\"}",
        "{\"status\":\"200\",\"fields\":[],\"body\":\"\"}",
        "{\"status\":99999999999999999999,\"fields\":[],\"body\":\"\"}",
        "{\"status\":200,\"fields\":{},\"body\":\"\"}",
        "{\"status\":200,\"fields\":[]}",
        "{\"status\":200,\"fields\":[],\"body\":1}",
        "{\"status\":200,\"fields\":[],\"body\":\"\",\"more\":1}",
        "{\"status\":200,\"status\":200,\"fields\":[],\"body\":\"\"}",
        "{\"status\":200,\"fields\":[[\"A\"]],\"body\":\"\"}",
        "{\"status\":200,\"fields\":[[\"A\",\"b\",\"c\"]],\"body\":\"\"}",
        "{\"status\":200,\"fields\":[[1,\"b\"]],\"body\":\"\"}",
        "{\"status\":200,\"fields\":[[\"A\",1]],\"body\":\"\"}",
        "{\"status\":200,\"fields\":[[\"A b\",\"c\"]],\"body\":\"\"}",
        "{\"status\":200,\"fields\":[[\"A\",\"b\\r\\nX: y\"]],\"body\":\"\"}",
        ("{\"status\":200,\"fields\":[[\"A\",{\"base64\":\"DQo=\"}]],"
         "\"body\":\"\"}"), /* T14: CR LF in base64 */
        "{\"status\":200,\"fields\":[],\"body\":\"a\\u0000b\"}",
        "{\"status\":200,\"fields\":[],\"body\":\"\xff\"}",
        "{\"status\":200,\"fields\":[],\"body_base64\":\"YQ\"}",
        "{\"status\":200,\"fields\":[],\"body_base64\":\"Y!==\"}",
        "{\"status\":200,\"fields\":[],\"body_base64\":\"====\"}",
        "{\"status\":200,\"fields\":[],\"body_base64\":\"    \"}",
        "{\"status\":200,\"fields\":[],\"body_base64\":7}",
    };
    fcache_response_value_t value;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i]);
        CHECK_INT(decode(fcache_str(rows[i]), &value, *state), FCACHE_CORRUPT);
    }
}

static void *decode_deep(void *pool)
{
    static char deep[2000];
    fcache_response_value_t value;
    memset(deep, '[', sizeof(deep));
    return decode(fcache_bytes(deep, sizeof(deep)), &value, pool) ==
                   FCACHE_CORRUPT
               ? pool
               : NULL;
}

/* The parser recurses; on a small stack it must not get to. */
static void nesting_is_bounded(void **state)
{
    pthread_t thread;
    pthread_attr_t small;
    void *result = NULL;
    fcache_response_value_t value;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 * 1024);
    assert_int_equal(pthread_create(&thread, &small, decode_deep, *state), 0);
    pthread_join(thread, &result);
    pthread_attr_destroy(&small);
    assert_non_null(result);
    static const char text[] = "{\"status\":200,\"fields\":[],"
                               "\"body\":\"[[[[[[[[\\\"{{{{\"}";
    assert_int_equal(decode(fcache_str(text), &value, *state), FCACHE_OK);
    CHECK_TEXT(value.body, "[[[[[[[[\"{{{{");
}

static void ceiling_holds(void **state)
{
    fcache_response_value_t value = {200, {"", 0}, {"0123456789", 10}};
    fcache_buf_t out;
    (void)state;
    fcache_buf_init(&out, 40);
    assert_int_equal(fci_coder_json.encode(&fci_coder_json, &value, &out, NULL),
                     FCACHE_TOO_LARGE);
    assert_int_equal(out.len, 0);
    fcache_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(responses_become_documents),
        pool_test(bad_documents_are_corrupt),
        pool_test(nesting_is_bounded),
        cmocka_unit_test(ceiling_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
