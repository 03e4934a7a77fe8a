/* SPDX-License-Identifier: Apache-2.0 */
#include "key_query.h"

#include <stdlib.h>

typedef struct parameter_t {
    fcache_bytes_t whole;
    size_t name_len;
} parameter_t;

static parameter_t parameter_at(fcache_bytes_t query, size_t start)
{
    const char *at = query.ptr + start;
    size_t room = query.len - start;
    const char *end = room ? memchr(at, '&', room) : NULL;
    size_t len = end ? (size_t)(end - at) : room;
    const char *equals = len ? memchr(at, '=', len) : NULL;
    return (parameter_t){fcache_bytes(at, len),
                         equals ? (size_t)(equals - at) : len};
}

static int name_matches(const fci_query_name_t *pattern, fcache_bytes_t name)
{
    size_t len = pattern->len;
    if (len > 0 && pattern->text[len - 1] == '*') {
        return name.len >= len - 1 &&
               memcmp(pattern->text, name.ptr, len - 1) == 0;
    }
    return fcache_bytes_equal(fcache_bytes(pattern->text, len), name);
}

static int is_named(const fci_query_rule_t *rule, const parameter_t *parameter)
{
    fcache_bytes_t name =
        fcache_bytes(parameter->whole.ptr, parameter->name_len);
    for (const fci_query_name_t *at = rule->names; at; at = at->next) {
        if (name_matches(at, name)) {
            return 1;
        }
    }
    return 0;
}

static int is_kept(const fci_query_rule_t *rule, const parameter_t *parameter)
{
    switch (rule->keep) {
    case FCI_QUERY_ONLY:
        return is_named(rule, parameter);
    case FCI_QUERY_DROP:
        return !is_named(rule, parameter);
    case FCI_QUERY_ALL:
        return 1;
    case FCI_QUERY_NONE:
        break;
    }
    return 0;
}

/* By name; of one name the earlier first, which makes the order total. */
static int compare(const void *left, const void *right)
{
    const parameter_t *a = left;
    const parameter_t *b = right;
    size_t shorter = a->name_len < b->name_len ? a->name_len : b->name_len;
    int order = memcmp(a->whole.ptr, b->whole.ptr, shorter);
    if (order != 0) {
        return order;
    }
    if (a->name_len != b->name_len) {
        return a->name_len < b->name_len ? -1 : 1;
    }
    return a->whole.ptr < b->whole.ptr ? -1 : a->whole.ptr > b->whole.ptr;
}

static size_t count_parameters(fcache_bytes_t query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++) {
        count += query.ptr[i] == '&';
    }
    return count;
}

static size_t keep_parameters(const fci_query_rule_t *rule,
                              fcache_bytes_t query, parameter_t *out)
{
    size_t count = 0;
    size_t start = 0;
    while (start <= query.len) {
        parameter_t parameter = parameter_at(query, start);
        if (is_kept(rule, &parameter)) {
            out[count++] = parameter;
        }
        start += parameter.whole.len + 1;
    }
    return count;
}

/* Writes them with '&' between and answers the length. */
static size_t join(const parameter_t *parameters, size_t count, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            out[len++] = '&';
        }
        memcpy(out + len, parameters[i].whole.ptr, parameters[i].whole.len);
        len += parameters[i].whole.len;
    }
    return len;
}

fcache_bytes_t fci_query_apply(const fci_query_rule_t *rule,
                               fcache_bytes_t query, apr_pool_t *pool)
{
    if (!query.ptr || rule->keep == FCI_QUERY_NONE) {
        return fcache_bytes(NULL, 0);
    }
    if ((rule->keep == FCI_QUERY_ALL && !rule->sort) ||
        query.len > FCACHE_KEY_MAX_CANONICAL) {
        return query;
    }
    parameter_t *parameters =
        apr_palloc(pool, count_parameters(query) * sizeof(*parameters));
    char *out = apr_palloc(pool, query.len + 1);
    if (!parameters || !out) {
        return query;
    }
    size_t count = keep_parameters(rule, query, parameters);
    if (rule->sort && count > 1) {
        qsort(parameters, count, sizeof(*parameters), compare);
    }
    fcache_bytes_t result = fcache_bytes(out, join(parameters, count, out));
    if (count == 0) {
        return fcache_bytes(NULL, 0);
    }
    return fcache_bytes_equal(result, query) ? query : result;
}
