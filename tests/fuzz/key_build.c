/* SPDX-License-Identifier: Apache-2.0 */
/* A client's bytes as a request (T4, T7): the key can be read back, holds every
 * part as it was, and what the query rules leave they leave as it is. The input
 * is cut at newlines: rules, path, query, then name and value of each field. */
#include <fcache/key.h>

#include <apr_general.h>
#include <apr_strings.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_WORDS = 8, MAX_FIELDS = 16 };

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* The next line without its end; ptr NULL behind the last. */
static fcache_bytes_t next_line(fcache_bytes_t *rest)
{
    if (!rest->ptr) {
        return *rest;
    }
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    fcache_bytes_t line =
        fcache_bytes(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    *rest = end ? fcache_bytes(end + 1, rest->len - line.len - 1)
                : fcache_bytes(NULL, 0);
    return line;
}

/* Words between blanks; NULL when they are no rules. */
static const fcache_key_rules_t *rules_of(fcache_bytes_t line, apr_pool_t *pool)
{
    const char *words[MAX_WORDS];
    size_t count = 0;
    fcache_key_rules_t *rules = NULL;
    char *text = apr_pstrmemdup(pool, line.ptr ? line.ptr : "", line.len);
    while (*text && count < MAX_WORDS) {
        size_t len = strcspn(text, " ");
        int is_last = text[len] == '\0';
        text[len] = '\0';
        words[count++] = text;
        text += len + !is_last;
    }
    return fcache_key_rules_parse(words, count, &rules, pool, NULL) == FCACHE_OK
               ? rules
               : NULL;
}

static fcache_bytes_t attribute(void *baton, const char *what, const char *name,
                                apr_pool_t *pool)
{
    (void)baton;
    (void)pool;
    return fcache_str(*name ? name : what);
}

static void check_elements(const fcache_key_t *key,
                           const fcache_request_t *request,
                           fcache_bytes_t query)
{
    fcache_bytes_t label;
    fcache_bytes_t value;
    size_t offset = 0;
    int queries = 0;
    int more = fcache_canonical_next(key->canonical, &offset, &label, &value);
    while (more > 0) {
        if (fcache_bytes_equal(label, fcache_str("path"))) {
            require(fcache_bytes_equal(value, request->path));
        } else if (fcache_bytes_equal(label, fcache_str("query"))) {
            require(fcache_bytes_equal(value, query));
            queries++;
        }
        more = fcache_canonical_next(key->canonical, &offset, &label, &value);
    }
    require(more == 0 && offset == key->canonical.len);
    require(queries == (query.ptr != NULL));
}

static void check(fcache_bytes_t input, apr_pool_t *pool)
{
    fcache_field_t fields[MAX_FIELDS];
    fcache_key_t key;
    fcache_bytes_t rest = input;
    const fcache_key_rules_t *rules = rules_of(next_line(&rest), pool);
    fcache_request_t request = {
        .vhost = fcache_str("v"),
        .scheme = fcache_str("http"),
        .authority = fcache_str("h"),
        .method = fcache_str("GET"),
        .path = next_line(&rest),
        .query = next_line(&rest),
        .fields = {fields, 0},
        .attribute = attribute,
    };
    while (rest.ptr && request.fields.count < MAX_FIELDS) {
        fcache_field_t *field = &fields[request.fields.count++];
        field->name = next_line(&rest);
        field->value = next_line(&rest);
    }
    fcache_bytes_t query = fcache_key_rules_query(rules, &request, pool);
    fcache_request_t forwarded = request;
    forwarded.query = query;
    fcache_bytes_t again = fcache_key_rules_query(rules, &forwarded, pool);
    require(fcache_bytes_equal(again, query) && !again.ptr == !query.ptr);
    require(query.len <= request.query.len);
    if (fcache_key_build(rules, NULL, NULL, fcache_str("p"), fcache_str("n"),
                         &request, &key, pool, NULL) == FCACHE_OK) {
        require(key.canonical.len <= FCACHE_KEY_MAX_CANONICAL);
        check_elements(&key, &request, query);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    apr_pool_t *pool = NULL;
    if (!started) {
        started = apr_initialize() == APR_SUCCESS;
    }
    require(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    check(fcache_bytes(data, size), pool);
    apr_pool_destroy(pool);
    return 0;
}
