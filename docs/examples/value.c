/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Step by step what fcache_call() does (call.c): a key, get, compute, put.
 *
 *   cc value.c $(pkg-config --cflags --libs fcache) -o value && ./value
 */

#include <fcache/fcache.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include <stdio.h>
#include <stdlib.h>

static const char prefix[] = "app";  /* all of this application */
static const char users[] = "users"; /* the namespace of this function */

static void check(fcache_status_t status, const fcache_error_t *error)
{
    if (status != FCACHE_OK) {
        fprintf(stderr, "%s: %s\n", fcache_status_text(status), error->text);
        exit(1);
    }
}

/* What takes its time. */
static const char *compute_profile(const char *user, apr_pool_t *pool)
{
    puts("computed");
    return apr_psprintf(pool, "{\"user\": \"%s\"}", user);
}

/* The same, for a minute from the cache. A store that fails costs only time. */
static fcache_bytes_t profile(fcache_t *cache, const char *user,
                              apr_pool_t *pool)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    fcache_bytes_t value;
    fcache_error_t error = {""};
    fcache_key_t key;
    fcache_buf_t tags;
    uint64_t epoch;

    check(fcache_tuple_add(tuple, "user", fcache_str(user)), &error);
    check(fcache_key_from_tuple(tuple, fcache_str(prefix), fcache_str(users),
                                &key, pool, &error),
          &error);
    if (fcache_get(cache, &key, apr_time_now(), &value, NULL, pool, &error) ==
        FCACHE_OK) {
        puts("from the cache");
        return value;
    }
    epoch = fcache_epoch(cache); /* a clear from now on hits this value */
    value = fcache_str(compute_profile(user, pool));
    fcache_buf_init(&tags, 1024);
    fcache_entry_list_add(&tags, fcache_str("profiles"));
    if (fcache_put(cache, &key, value, 60, fcache_buf_bytes(&tags), epoch,
                   apr_time_now(), &error) != FCACHE_OK) {
        fprintf(stderr, "not stored: %s\n", error.text);
    }
    fcache_buf_fini(&tags);
    return value;
}

int main(void)
{
    fcache_scope_t scope = {.kind = FCACHE_SCOPE_TAG,
                            .prefix = fcache_str(prefix),
                            .tag = fcache_str("profiles")};
    fcache_error_t error = {""};
    const fcache_options_t options = {.store = "memory:?size=4M"};
    apr_pool_t *pool;
    fcache_t *cache;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    check(fcache_create(&options, &cache, pool, &error), &error);

    profile(cache, "42", pool); /* computed */
    profile(cache, "42", pool); /* from the cache */
    check(fcache_clear(cache, &scope, 1, &error), &error);
    profile(cache, "42", pool); /* computed */

    apr_pool_destroy(pool); /* closes the store */
    apr_terminate();
    return 0;
}
