/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_REDIS_FIXTURE_H
#define TESTS_REDIS_FIXTURE_H

/* A Redis client of its own for each test, on the servers of FCACHE_URL. */

#include "redis/client.h"
#include "redis/route.h"

#include "backend_url.h"
#include "check.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <stdlib.h>
#include <unistd.h>

#define FIXTURE_TTL_US INT64_C(600000000)

typedef struct fixture_t {
    apr_pool_t *pool;
    const fcr_client_ops_t *ops;
    fcrd_t *self;
    fcn_limits_t limits;
    const char *prefix; /* of names, another one for each client */
} fixture_t;

/* Long: a machine that is busy fails no test. */
static inline fcn_deadline_t fixture_deadline(void)
{
    return fcn_deadline_in(20000000);
}

/* With one more option, or NULL. NULL and a line when the URL is no good. */
static inline fixture_t *fixture_open(const char *option)
{
    static int count;
    const char *url = getenv("FCACHE_URL");
    apr_pool_t *pool = NULL;
    fcache_error_t error = {""};
    fci_backend_url_t parsed;
    fcn_shared_t *shared;
    int is_local;
    if (!url || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        print_error("FCACHE_URL is not set: start me by run.py KIND\n");
        return NULL;
    }
    if (option) {
        url = apr_pstrcat(pool, url, "&", option, (char *)NULL);
    }
    fixture_t *fix = apr_pcalloc(pool, sizeof(*fix));
    fix->pool = pool;
    fix->prefix = apr_psprintf(pool, "t%d.%d", (int)getpid(), ++count);
    if (fci_backend_url_parse(url, NULL, &parsed, pool, &error) == FCACHE_OK) {
        fix->ops = fcrd_client(parsed.scheme);
        fcache_backend_conf_t conf = {.name = "test",
                                      .scheme = parsed.scheme,
                                      .location = parsed.location,
                                      .options = parsed.options};
        if (fcn_limits_parse(parsed.options, NULL, &fix->limits, &error) ==
                FCACHE_OK &&
            fix->ops->create(&conf, &fix->limits, (void **)&fix->self,
                             &is_local, pool, &error) == FCACHE_OK &&
            fcn_shared_open(fix->prefix, pool, &shared, &error) == FCACHE_OK &&
            fix->ops->open(fix->self, shared, &error) == FCACHE_OK &&
            fix->ops->child_init(fix->self, pool, &error) == FCACHE_OK) {
            return fix;
        }
    }
    print_error("%s: %s\n", url, error.text);
    return NULL;
}

static inline void fixture_close(fixture_t *fix)
{
    apr_pool_destroy(fix->pool);
}

static inline int fixture_group(void **state)
{
    (void)state;
    return apr_initialize() == APR_SUCCESS ? 0 : -1;
}

static inline int fixture_setup(void **state)
{
    *state = fixture_open(NULL);
    return *state ? 0 : -1;
}

static inline int fixture_teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

#define fixture_test(function)                                                 \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

static inline fcache_bytes_t fixture_name(fixture_t *fix, const char *text)
{
    return fcache_str(
        apr_pstrcat(fix->pool, fix->prefix, ":n:", text, (char *)NULL));
}

static inline fcache_bytes_t fixture_counter(fixture_t *fix, const char *text)
{
    return fcache_str(apr_pstrcat(fix->pool, "{fcache}", fix->prefix, ":", text,
                                  (char *)NULL));
}

/* Is it there? Fails the test when the server cannot say. */
static inline int fixture_fetch(fixture_t *fix, fcache_bytes_t name,
                                fcr_found_t *out_found)
{
    fcr_found_t found;
    fcache_error_t error = {""};
    if (fix->ops->fetch(fix->self, name, &name, 1, &found, fixture_deadline(),
                        fix->pool, &error) != FCACHE_OK) {
        fail_msg("fetch: %s", error.text);
    }
    if (out_found) {
        *out_found = found;
    }
    return found.exists;
}

static inline fcache_status_t fixture_store(fixture_t *fix, fcache_bytes_t name,
                                            fcr_mode_t mode,
                                            fcache_bytes_t value,
                                            const fcr_found_t *old)
{
    fcr_store_t store = {.name = name,
                         .pieces = &value,
                         .piece_count = 1,
                         .mode = mode,
                         .old = old,
                         .ttl_us = FIXTURE_TTL_US};
    fcache_error_t error = {""};
    fcache_status_t status =
        fix->ops->store(fix->self, &store, fixture_deadline(), &error);
    if (fcache_status_is_fault(status)) {
        print_error("store: %s\n", error.text);
    }
    return status;
}

#endif
