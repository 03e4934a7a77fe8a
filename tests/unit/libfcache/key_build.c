/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include "check.h"
#include "pool.h"
#include "requests.h"

#include <apr_strings.h>

#include <stdlib.h>

static const fcache_bytes_t app = {"app", 3};

static const fcache_key_rules_t *parse(const char *const *words,
                                       apr_pool_t *pool)
{
    fcache_key_rules_t *rules = NULL;
    size_t count = 0;
    while (words[count]) {
        count++;
    }
    assert_int_equal(fcache_key_rules_parse(words, count, &rules, pool, NULL),
                     FCACHE_OK);
    return rules;
}

static const char *text_of(const fcache_key_rules_t *rules,
                           const fcache_request_t *request, apr_pool_t *pool)
{
    fcache_key_t key;
    assert_int_equal(fcache_key_build(rules, NULL, NULL, app, app, request,
                                      &key, pool, NULL),
                     FCACHE_OK);
    return fcache_canonical_format(key.canonical, pool);
}

static fcache_bytes_t attribute(void *baton, const char *what, const char *name,
                                apr_pool_t *pool)
{
    (void)pool;
    assert_ptr_equal(baton, &app);
    if (strcmp(what, "user") == 0) {
        return fcache_str("bob");
    }
    if (strcmp(what, "expr") == 0) {
        return fcache_str("10.0.0.1");
    }
    return fcache_str(strcmp(name, "TENANT") == 0 ? "t1" : NULL);
}

/* What each rule adds to, or takes from, `GET https://example.com/a?b=1&a=2`
 * with the fields below. */
static void rules_shape_the_key(void **state)
{
    static const fcache_field_t fields[] = {
        {{"Accept", 6}, {"text/html", 9}},
        {{"Cookie", 6}, {"sid=1; theme=dark; sid=2; Sid=3;flag", 36}},
        {{"accept", 6}, {"a,b", 3}},
        {{"COOKIE", 6}, {" sid =4", 7}},
        {{"X-Empty", 7}, {"", 0}},
    };
    static const struct {
        const char *words[3];
        const char *text;
    } rows[] = {
        {{NULL}, "GET https://example.com/a?b=1&a=2 vhost=example.com"},
        {{"default"}, "GET https://example.com/a?b=1&a=2 vhost=example.com"},
        {{"query:none"}, "GET https://example.com/a vhost=example.com"},
        {{"query:sort"}, "GET https://example.com/a?a=2&b=1 vhost=example.com"},
        {{"-host"}, "GET https:///a?b=1&a=2"},
        {{"-scheme"}, "GET example.com/a?b=1&a=2 vhost=example.com"},
        {{"-host", "query:none", "header:Accept"},
         "GET https:///a header:accept=text/html header:accept=a,b"},
        {{"-host", "query:none", "header:x-empty"},
         "GET https:///a header:x-empty="},
        {{"-host", "query:none", "header:absent"}, "GET https:///a"},
        {{"-host", "query:none", "cookie:sid"},
         "GET https:///a cookie:sid=*** cookie:sid=*** cookie:sid=***"},
        {{"-host", "query:none", "cookie:flag"},
         "GET https:///a cookie:flag=***"},
        {{"-host", "query:none", "env:TENANT"}, "GET https:///a env:TENANT=t1"},
        {{"-host", "query:none", "env:NONE"}, "GET https:///a"},
        {{"-host", "query:none", "user"}, "GET https:///a user=bob"},
        {{"-host", "query:none", "expr=%{A}"},
         "GET https:///a expr:%{A}=10.0.0.1"},
    };
    fcache_request_t request = plain_request(fields, COUNT(fields));
    request.query = fcache_str("b=1&a=2");
    request.attribute = attribute;
    request.attribute_baton = (void *)(uintptr_t)&app;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *words[4] = {rows[i].words[0], rows[i].words[1],
                                rows[i].words[2], NULL};
        ROW(i, rows[i].words[0]);
        CHECK_TEXT(fcache_str(text_of(parse(words, *state), &request, *state)),
                   rows[i].text);
    }
    CHECK_TEXT(fcache_str(text_of(NULL, &request, *state)), rows[0].text);
}

/* What the text does not show. */
static void each_cookie_of_that_name_is_in_the_key(void **state)
{
    static const char *const words[] = {"cookie:sid", NULL};
    static const fcache_field_t fields[] = {
        {{"Cookie", 6}, {"sid=1; theme=dark; sid=2; Sid=3", 31}},
        {{"COOKIE", 6}, {" sid =4", 7}},
    };
    fcache_request_t request = plain_request(fields, COUNT(fields));
    const char *values = "";
    fcache_key_t key;
    fcache_bytes_t label;
    fcache_bytes_t value;
    size_t offset = 0;
    assert_int_equal(fcache_key_build(parse(words, *state), NULL, NULL, app,
                                      app, &request, &key, *state, NULL),
                     FCACHE_OK);
    while (fcache_canonical_next(key.canonical, &offset, &label, &value) > 0) {
        if (fcache_bytes_equal(label, fcache_str("cookie:sid"))) {
            values = apr_psprintf(*state, "%s%.*s,", values, (int)value.len,
                                  value.ptr);
        }
    }
    assert_string_equal(values, "1,2,4,");
}

/* Each row changes one thing an origin can see, so each has its own key. */
static void what_an_origin_sees_is_in_the_key(void **state)
{
    static const fcache_field_t forwarding[] = {
        {{"X-Forwarded-Host", 16}, {"evil", 4}},   /* T1 */
        {{"x-forwarded-host", 16}, {"evil2", 5}},  /* T1 */
        {{"X-Forwarded-Proto", 17}, {"http", 4}},  /* T1 */
        {{"X-Forwarded-Port", 16}, {"81", 2}},     /* T1 */
        {{"X-Forwarded-Prefix", 18}, {"/p", 2}},   /* T1 */
        {{"X-Forwarded-Scheme", 18}, {"http", 4}}, /* T1 */
        {{"X-Forwarded-Ssl", 15}, {"on", 2}},      /* T1 */
        {{"Forwarded", 9}, {"host=evil", 9}},      /* T1 */
        {{"X-Host", 6}, {"evil", 4}},              /* T1 */
        {{"X-Original-Host", 15}, {"evil", 4}},    /* T1 */
        {{"Front-End-Https", 15}, {"on", 2}},      /* T1 */
        {{"X-Now-Route-Matches", 19}, {"1", 1}},   /* T1 */
    };
    static const fcache_field_t of_body[] = {
        {{"Content-Type", 12}, {"text/plain", 10}},
        {{"content-type", 12}, {"text/html", 9}},
        {{"Content-Encoding", 16}, {"gzip", 4}},
    };
    fcache_request_t requests[9 + COUNT(of_body) + COUNT(forwarding)];
    const char *texts[COUNT(requests)];
    for (size_t i = 0; i < COUNT(requests); i++) {
        requests[i] = plain_request(NULL, 0);
    }
    for (size_t i = 0; i < COUNT(of_body); i++) {
        requests[9 + i] = plain_request(&of_body[i], 1);
        requests[9 + i].body_digest =
            fcache_str("0123456789abcdef0123456789abcdef");
    }
    for (size_t i = 0; i < COUNT(forwarding); i++) {
        requests[9 + COUNT(of_body) + i] = plain_request(&forwarding[i], 1);
    }
    requests[1].vhost = fcache_str("other");
    requests[2].scheme = fcache_str("http");
    requests[3].authority = fcache_str("example.com:8443"); /* T6 */
    requests[4].method = fcache_str("POST");
    requests[5].path = fcache_str("/a%2f");
    requests[6].query = fcache_str(""); /* "/a?" is not "/a" */
    requests[7].query = fcache_str("a=1");
    requests[8].body_digest = fcache_str("0123456789abcdef0123456789abcdef");
    for (size_t i = 0; i < COUNT(requests); i++) {
        ROW(i, "request");
        texts[i] = text_of(NULL, &requests[i], *state);
        for (size_t j = 0; j < i; j++) {
            CHECK_INT(strcmp(texts[i], texts[j]) != 0, 1);
        }
    }
}

static void head_shares_the_key_of_get(void **state)
{
    fcache_request_t get = plain_request(NULL, 0);
    fcache_request_t head = plain_request(NULL, 0);
    head.method = fcache_str("HEAD");
    assert_string_equal(text_of(NULL, &get, *state),
                        text_of(NULL, &head, *state));
    head.method = fcache_str("head");
    assert_string_not_equal(text_of(NULL, &get, *state),
                            text_of(NULL, &head, *state));
}

/* ---- T4: equal keys are equal requests to the origin ----------------------
 */

enum { URLS = 20000 };

typedef struct url_t {
    char name[128];
    char forwarded[40]; /* path and query as the origin gets them */
} url_t;

static int by_name(const void *left, const void *right)
{
    return strcmp(((const url_t *)left)->name, ((const url_t *)right)->name);
}

/* Few bytes, most of them with a meaning in a query. */
static size_t random_target(uint32_t *seed, char out[8])
{
    static const char bytes[] = "ab&&==;%?/61";
    *seed = *seed * 1664525u + 1013904223u;
    size_t len = 1 + (*seed >> 16) % 7;
    for (size_t i = 0; i < len; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        out[i] = bytes[(*seed >> 16) % (sizeof(bytes) - 1)];
    }
    return len;
}

static void make_url(const fcache_key_rules_t *rules, uint32_t *seed,
                     url_t *url, apr_pool_t *pool)
{
    char text[8];
    size_t len = random_target(seed, text);
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    char *question = memchr(text, '?', len);
    size_t path_len = question ? (size_t)(question - text) : len;
    request.path = fcache_bytes(text, path_len);
    if (question) {
        request.query = fcache_bytes(question + 1, len - path_len - 1);
    }
    fcache_bytes_t query = fcache_key_rules_query(rules, &request, pool);
    assert_int_equal(fcache_key_build(rules, NULL, NULL, app, app, &request,
                                      &key, pool, NULL),
                     FCACHE_OK);
    apr_snprintf(url->name, sizeof(url->name), "%s", key.name.ptr);
    apr_snprintf(url->forwarded, sizeof(url->forwarded), "%.*s%s%.*s",
                 (int)path_len, text, query.ptr ? "?" : "", (int)query.len,
                 query.ptr ? query.ptr : "");
}

static void equal_keys_are_forwarded_equal(void **state)
{
    static const char *const words[][3] = {
        {NULL},
        {"query:sort", NULL},
        {"query:drop=a*", NULL},
        {"query:only=b", "query:sort", NULL},
    };
    url_t *urls = apr_palloc(*state, URLS * sizeof(*urls));
    uint32_t seed = 4;
    for (size_t i = 0; i < COUNT(words); i++) {
        const fcache_key_rules_t *rules = parse(words[i], *state);
        size_t equal = 0;
        for (size_t j = 0; j < URLS; j++) {
            make_url(rules, &seed, &urls[j], *state);
        }
        qsort(urls, URLS, sizeof(*urls), by_name);
        for (size_t j = 1; j < URLS; j++) {
            int same = strcmp(urls[j - 1].name, urls[j].name) == 0;
            equal += (size_t)same;
            ROW(i, urls[j].forwarded);
            CHECK_INT(!same ||
                          strcmp(urls[j - 1].forwarded, urls[j].forwarded) == 0,
                      1);
        }
        assert_true(equal > 100);
    }
}

/* T7, item 1.3: bytes of one part never pass for bytes of another. */
static void parts_do_not_run_together(void **state)
{
    fcache_request_t a = plain_request(NULL, 0);
    fcache_request_t b = plain_request(NULL, 0);
    fcache_key_t key_a;
    fcache_key_t key_b;
    a.path = fcache_str("/a");
    a.query = fcache_str("b");
    b.path = fcache_str("/a?b");
    fcache_key_build(NULL, NULL, NULL, app, app, &a, &key_a, *state, NULL);
    fcache_key_build(NULL, NULL, NULL, app, app, &b, &key_b, *state, NULL);
    assert_string_not_equal(key_a.name.ptr, key_b.name.ptr);
    assert_memory_not_equal(key_a.digest, key_b.digest, sizeof(key_a.digest));
}

static void attributes_need_a_server(void **state)
{
    static const char *const words[] = {"user", NULL};
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    fcache_error_t error;
    assert_int_equal(fcache_key_build(parse(words, *state), NULL, NULL, app,
                                      app, &request, &key, *state, &error),
                     FCACHE_UNSUPPORTED);
}

static fcache_status_t refuse(void *baton, const fcache_request_t *request,
                              fcache_tuple_t *tuple, apr_pool_t *pool,
                              fcache_error_t *error)
{
    const char *label = baton;
    (void)request;
    (void)pool;
    return label ? fcache_tuple_add(tuple, label, fcache_str("v"))
                 : fcache_error_set(error, FCACHE_BAD_INPUT, "no");
}

static void builder_adds_or_refuses(void **state)
{
    static char label[] = "mine";
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    fcache_error_t error;
    assert_int_equal(fcache_key_build(NULL, refuse, label, app, app, &request,
                                      &key, *state, &error),
                     FCACHE_OK);
    assert_string_equal(fcache_canonical_format(key.canonical, *state),
                        "GET https://example.com/a vhost=example.com mine=v");
    assert_int_equal(fcache_key_build(NULL, refuse, NULL, app, app, &request,
                                      &key, *state, &error),
                     FCACHE_BAD_INPUT);
    assert_string_equal(error.text, "no");
}

/* T31 */
static void long_requests_have_no_key(void **state)
{
    static char path[FCACHE_KEY_MAX_CANONICAL];
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    memset(path, 'x', sizeof(path));
    request.path = fcache_bytes(path, sizeof(path));
    assert_int_equal(fcache_key_build(NULL, NULL, NULL, app, app, &request,
                                      &key, *state, NULL),
                     FCACHE_TOO_LARGE);
    request.path = fcache_bytes(path, sizeof(path) - 200);
    assert_int_equal(fcache_key_build(NULL, NULL, NULL, app, app, &request,
                                      &key, *state, NULL),
                     FCACHE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(rules_shape_the_key),
        pool_test(each_cookie_of_that_name_is_in_the_key),
        pool_test(what_an_origin_sees_is_in_the_key),
        pool_test(head_shares_the_key_of_get),
        pool_test(equal_keys_are_forwarded_equal),
        pool_test(parts_do_not_run_together),
        pool_test(attributes_need_a_server),
        pool_test(builder_adds_or_refuses),
        pool_test(long_requests_have_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
