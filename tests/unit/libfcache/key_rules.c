/* SPDX-License-Identifier: Apache-2.0 */
#include "key_rules.h"

#include "check.h"
#include "pool.h"

#include <fcache/key.h>

static void words_are_read(void **state)
{
    static const struct {
        const char *words[3];
        const char *wrong; /* part of the text, NULL: accepted */
    } rows[] = {
        {{NULL}, NULL},
        {{"default"}, NULL},
        {{"query:sort", "query:drop=utm_*,gclid"}, NULL},
        {{"query:only=a", "query:only=b"}, NULL},
        {{"header:Accept", "cookie:sid", "env:TENANT"}, NULL},
        {{"user", "body", "-host"}, NULL},
        {{"expr=%{REMOTE_ADDR}"}, NULL},
        {{"method", "host", "path"}, NULL},
        {{"-scheme", "query", "query:none"}, NULL},
        {{"qurey:sort"}, "there are: default"},
        {{"query:sort=1"}, "unknown key rule"},
        {{"userx"}, "unknown key rule"},
        {{""}, "unknown key rule"},
        {{"header:"}, "needs a field name"},
        {{"header:a b"}, "needs a field name"},
        {{"header:a:b"}, "needs a field name"},
        {{"cookie:"}, "needs a cookie"},
        {{"cookie:a;b"}, "needs a cookie"},
        {{"env:"}, "needs a variable"},
        {{"expr="}, "needs an expression"},
        {{"query:only="}, "needs parameter names"},
        {{"query:drop=,"}, "needs parameter names"},
        {{"query:only=a", "query:drop=b"}, "contradicts"},
        {{"query:none", "query:drop=b"}, "contradicts"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_key_rules_t *rules = NULL;
        fcache_error_t error;
        size_t count = 0;
        while (count < COUNT(rows[i].words) && rows[i].words[count]) {
            count++;
        }
        ROW(i, rows[i].words[0]);
        CHECK_INT(fcache_key_rules_parse(rows[i].words, count, &rules, *state,
                                         &error),
                  rows[i].wrong ? FCACHE_BAD_CONFIG : FCACHE_OK);
        CHECK_INT(rules != NULL, !rows[i].wrong);
        if (rows[i].wrong && !strstr(error.text, rows[i].wrong)) {
            fail_msg("row %zu: %s", i, error.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(words_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
