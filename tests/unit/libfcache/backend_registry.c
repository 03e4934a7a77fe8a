/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/backend.h>

#include "check.h"
#include "fake_store.h"
#include "pool.h"

static void stores_are_created_by_scheme(void **state)
{
    fcache_backends_t *backends = fcache_backends_create(*state);
    fcache_backend_t *backend = NULL;
    fcache_error_t error;
    assert_int_equal(fcache_backend_create(backends, "n", "fake:", NULL,
                                           &backend, *state, &error),
                     FCACHE_BAD_CONFIG);
    assert_non_null(strstr(error.text, "there are: none"));
    assert_int_equal(fcache_backends_add(backends, &fake_store_ops, NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_backends_add(backends, &fake_store_ops, NULL),
                     FCACHE_EXISTS);
    assert_int_equal(fcache_backend_create(backends, "n", "other:", NULL,
                                           &backend, *state, &error),
                     FCACHE_BAD_CONFIG);
    assert_non_null(strstr(error.text, "'other:', there are: fake:"));
    assert_null(backend);
    assert_int_equal(fcache_backend_create(backends, "n", "fake:?password=p",
                                           NULL, &backend, *state, &error),
                     FCACHE_OK);
    assert_string_equal(fcache_backend_name(backend), "n");
    assert_string_equal(fcache_backend_url(backend), "fake:");
    assert_string_equal(fcache_backend_scheme(backend), "fake");
    assert_ptr_equal(fcache_backend_ops(backend), &fake_store_ops);
    assert_non_null(fcache_backend_self(backend));
    assert_int_equal(fcache_backend_open(backend, *state, &error), FCACHE_OK);
    assert_int_equal(fcache_backend_child_init(backend, *state, &error),
                     FCACHE_OK);
}

static void what_a_store_refuses_is_refused(void **state)
{
    fcache_backends_t *backends = fcache_backends_create(*state);
    fcache_backend_t *backend = NULL;
    fcache_error_t error;
    fcache_backends_add(backends, &fake_store_ops, NULL);
    assert_int_equal(fcache_backend_create(backends, "n", "fake:?refuse=1",
                                           NULL, &backend, *state, &error),
                     FCACHE_BAD_CONFIG);
    assert_string_equal(error.text, "refused");
    assert_null(backend);
}

static void another_abi_is_refused(void **state)
{
    fcache_backend_ops_t ops = fake_store_ops;
    fcache_backends_t *backends = fcache_backends_create(*state);
    ops.abi++;
    assert_int_equal(fcache_backends_add(backends, &ops, NULL),
                     FCACHE_BAD_INPUT);
    ops.abi--;
    ops.get = NULL;
    assert_int_equal(fcache_backends_add(backends, &ops, NULL),
                     FCACHE_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(stores_are_created_by_scheme),
        pool_test(what_a_store_refuses_is_refused),
        pool_test(another_abi_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
