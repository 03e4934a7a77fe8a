/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_POOL_H
#define TESTS_POOL_H

/* A pool for each test, as *state; APR is started once per program. */

#include <apr_general.h>
#include <apr_pools.h>

static inline int pool_setup(void **state)
{
    apr_pool_t *pool = NULL;
    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    *state = pool;
    return 0;
}

static inline int pool_teardown(void **state)
{
    apr_pool_destroy(*state);
    apr_terminate();
    return 0;
}

#define pool_test(function)                                                    \
    cmocka_unit_test_setup_teardown(function, pool_setup, pool_teardown)

#endif
