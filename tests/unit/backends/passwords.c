/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a store's URL is told without the password in it, whole or in
 * part, also where the URL is so wrong that it is not taken for one (T36). */
#include "check.h"
#include "pool.h"

#include <fcache/backend.h>

#include <sys/resource.h>

static void check_untold(const char *url, const char *text)
{
    static const char *const parts[] = {"hun", "ter2"};
    if (!text[0]) {
        fail_msg("%s: nothing is said", url);
    }
    for (size_t i = 0; i < COUNT(parts); i++) {
        if (strstr(text, parts[i])) {
            fail_msg("%s: %s", url, text);
        }
    }
}

static void passwords_are_not_told(void **state)
{
    static const char *const rows[] = {
        /* without a scheme, or with another */
        "//u:hunter2@h",
        "hunter2@h",
        ":hunter2@h",
        "redis//u:hunter2@h",
        "rediz://u:hunter2@h",
        "memory://u:hunter2@h?x",
        /* what ends a user or password too soon */
        "redis://u:hun?ter2@h",
        "redis://u:hun?ter2=1@h",
        "redis://u:hun?a=1&ter2@h",
        "redis://u:hun?ter2@h?db=1",
        "redis://u:hun?ter2@h:6379/0?db=1&user=u",
        "redis://u:?hunter2@h",
        "redis://:hun?ter2@h",
        "redis://u:1?hunter2@h",
        "redis://u:1?hunter2=1@h",
        "redis://u:hun/ter2@h:x",
        "redis://u:hun,ter2@h:x",
        "redis://u:hun#ter2@h:x",
        "redis://u:hun ter2@h:x",
        "redis://u:hun@ter2@h:x",
        "redis://u:hun%ter2@h",
        /* no host */
        "redis://u:hunter2",
        "redis://:hunter2",
        "redis://u:hunter2/0",
        "redis://u:hunter2@",
        "redis:u:hunter2@h",
        "redis:hunter2@h",
        "rediss://u:hunter2@h?tls-ca=/nowhere",
        "unix:u:hunter2@/s",
        "unix://u:hunter2@/s?cluster=on",
        /* options */
        "redis://h?password=hunter2&db=x",
        "redis://h?password=hunter2&password=hunter2",
        "redis://h?password=hun%ter2",
        "redis://h?password=hun&ter2@",
        "redis://h?password:hunter2",
        "redis://h?pass word=hunter2",
        "redis://u:hunter2@h?password=hunter2",
        "redis://h?sentinel-password=hunter2",
        "redis://h?pasword=hunter2",
        "redis://h?secret=hunter2",
        /* stores whose URLs have no passwords */
        "memcached://u:hunter2@h",
        "memcached://h,u:hunter2@h2",
        "memcached:u:hunter2",
        "memcached://h?user=u&password=hunter2",
        "dynamodb://u:hunter2@table?region=eu-central-1",
        "dynamodb://table?region=eu-central-1&endpoint=https://u:hunter2@h",
        "dynamodb://table?region=eu-central-1&endpoint=u:hunter2@h",
        "dynamodb://table?region=eu-central-1&imds=http://u:hunter2@h",
        /* in tiers */
        "tiered:?l1=memory:&l2=redis://u:hunter2@h:x",
        "tiered:?l1=memory:&l2=redis://u:hun%3Fter2@h",
        "tiered:l1=memory:&l2=redis://u:hunter2@h",
        "tiered:redis://u:hunter2@h",
    };
    fcache_backends_t *kinds = fcache_backends_create(*state);
    fcache_backends_add_builtin(kinds);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_backend_t *backend = NULL;
        fcache_error_t error = {""};
        ROW(i, rows[i]);
        CHECK_INT(fcache_backend_create(kinds, "x", rows[i], NULL, &backend,
                                        *state, &error),
                  FCACHE_BAD_CONFIG);
        check_untold(rows[i], error.text);
    }
}

/* Nor when there is no memory for what processes share. */
static void passwords_are_not_told_of_good_urls(void **state)
{
    static const char *const rows[] = {
        "redis://u:hunter2@127.0.0.1",
        "redis://127.0.0.1?password=hunter2",
    };
    fcache_backends_t *kinds = fcache_backends_create(*state);
    fcache_backends_add_builtin(kinds);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_backend_t *backend = NULL;
        fcache_error_t error = {""};
        struct rlimit before, none;
        ROW(i, rows[i]);
        CHECK_INT(fcache_backend_create(kinds, "x", rows[i], NULL, &backend,
                                        *state, &error),
                  FCACHE_OK);
        CHECK_INT(getrlimit(RLIMIT_AS, &before), 0);
        none = before;
        none.rlim_cur = 0;
        CHECK_INT(setrlimit(RLIMIT_AS, &none), 0);
        fcache_status_t status = fcache_backend_open(backend, *state, &error);
        CHECK_INT(setrlimit(RLIMIT_AS, &before), 0);
        CHECK_INT(status, FCACHE_UNAVAILABLE);
        check_untold(rows[i], error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(passwords_are_not_told),
        pool_test(passwords_are_not_told_of_good_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
