/* SPDX-License-Identifier: Apache-2.0 */
#include "key_query.h"

#include "check.h"
#include "pool.h"

static fci_query_rule_t rule_of(fci_query_keep_t keep, int sort,
                                fci_query_name_t *names)
{
    return (fci_query_rule_t){keep, sort, names};
}

static void rows_of_queries(void **state)
{
    static fci_query_name_t b = {"b", 1, NULL};
    static fci_query_name_t a_and_b = {"a", 1, &b};
    static fci_query_name_t utm = {"utm_*", 5, NULL};
    static fci_query_name_t any = {"*", 1, NULL};
    const fci_query_rule_t all = rule_of(FCI_QUERY_ALL, 0, NULL);
    const fci_query_rule_t sort = rule_of(FCI_QUERY_ALL, 1, NULL);
    const fci_query_rule_t only = rule_of(FCI_QUERY_ONLY, 0, &a_and_b);
    const fci_query_rule_t drop = rule_of(FCI_QUERY_DROP, 0, &utm);
    const fci_query_rule_t drop_all = rule_of(FCI_QUERY_DROP, 0, &any);
    const fci_query_rule_t drop_sort = rule_of(FCI_QUERY_DROP, 1, &utm);
    const fci_query_rule_t none = rule_of(FCI_QUERY_NONE, 0, NULL);
    const struct {
        const fci_query_rule_t *rule;
        const char *query, *result; /* NULL: no query */
    } rows[] = {
        {&all, "b=1&a=2", "b=1&a=2"},
        {&all, "", ""},
        {&all, NULL, NULL},
        {&sort, "b=1&a=2", "a=2&b=1"},
        {&sort, "a=2&a=1", "a=2&a=1"}, /* repeated names keep their order */
        {&sort, "b&a=1&b=0&a", "a=1&a&b&b=0"},
        {&sort, "ab=1&a=2", "a=2&ab=1"},
        {&sort, "a&&b", "&a&b"},
        {&sort, "", ""},
        {&only, "a=1&c=2&b=3", "a=1&b=3"},
        {&only, "c=2", NULL},
        {&only, "A=1&a=2", "a=2"},
        {&only, "aa=1&a", "a"},
        {&only, "a;c=1", NULL},      /* T4: ';' is no separator */
        {&only, "%61=1&a=2", "a=2"}, /* T4: nothing is decoded */
        {&drop, "utm_source=x&id=1&utm_=y", "id=1"},
        {&drop, "utm=1", "utm=1"},
        {&drop, "id=1;utm_a=2", "id=1;utm_a=2"},
        {&drop, "utm_a", NULL},
        {&drop, "", ""},
        {&drop_all, "a=1&&b", NULL},
        {&drop_sort, "z=1&utm_a=2&b=3", "b=3&z=1"},
        {&none, "a=1", NULL},
        {&none, "", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].query);
        fcache_bytes_t query = fcache_str(rows[i].query);
        fcache_bytes_t result = fci_query_apply(rows[i].rule, query, *state);
        CHECK_INT(result.ptr != NULL, rows[i].result != NULL);
        CHECK_TEXT(result, rows[i].result ? rows[i].result : "");
        if (rows[i].query && rows[i].result &&
            strcmp(rows[i].query, rows[i].result) == 0) {
            CHECK_INT(result.ptr == query.ptr, 1);
        }
    }
}

/* T31: work is bounded by the key's ceiling. */
static void long_query_is_left_alone(void **state)
{
    static fci_query_name_t a = {"a", 1, NULL};
    const fci_query_rule_t drop = rule_of(FCI_QUERY_DROP, 1, &a);
    static char query[FCACHE_KEY_MAX_CANONICAL + 1];
    memset(query, '&', sizeof(query));
    fcache_bytes_t bytes = fcache_bytes(query, sizeof(query));
    assert_ptr_equal(fci_query_apply(&drop, bytes, *state).ptr, query);
    bytes.len--;
    query[0] = 'a';
    fcache_bytes_t result = fci_query_apply(&drop, bytes, *state);
    assert_int_equal(result.len, bytes.len - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(rows_of_queries),
        pool_test(long_query_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
