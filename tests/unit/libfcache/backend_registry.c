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
    assert_string_equal(fcache_backend_url(backend), "fake:");
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

static void stores_are_found_by_name(void **state)
{
    fcache_backends_t *backends = fcache_backends_create(*state);
    fcache_backend_t *one = NULL;
    fcache_backend_t *two = NULL;
    fcache_backends_add(backends, &fake_store_ops, NULL);
    assert_null(fcache_backends_find(backends, "one"));
    assert_int_equal(fcache_backend_create(backends, "one", "fake:?refuse=1",
                                           NULL, &one, *state, NULL),
                     FCACHE_BAD_CONFIG);
    assert_null(fcache_backends_find(backends, "one"));
    assert_int_equal(fcache_backend_create(backends, "one", "fake:", NULL, &one,
                                           *state, NULL),
                     FCACHE_OK);
    assert_int_equal(fcache_backend_create(backends, "two", "fake:", NULL, &two,
                                           *state, NULL),
                     FCACHE_OK);
    assert_ptr_equal(fcache_backends_find(backends, "one"), one);
    assert_ptr_equal(fcache_backends_find(backends, "two"), two);
    assert_null(fcache_backends_find(backends, "on"));
    assert_int_equal(fcache_backend_create(backends, "one", "fake:", NULL, &two,
                                           *state, NULL),
                     FCACHE_OK);
    assert_ptr_equal(fcache_backends_find(backends, "one"), two);
}

static fcache_status_t create_remote(const fcache_backend_conf_t *conf,
                                     void **out_self, apr_pool_t *pool,
                                     fcache_error_t *error)
{
    *conf->flags |= FCACHE_BACKEND_REMOTE;
    return fake_store_ops.create(conf, out_self, pool, error);
}

static fcache_status_t create_told(const fcache_backend_conf_t *conf,
                                   void **out_self, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    (void)out_self;
    (void)pool;
    return fcache_error_set(error, FCACHE_BAD_CONFIG, "%s",
                            apr_table_get(conf->options, "refuse"));
}

static void flags_are_of_the_kind_and_of_the_store(void **state)
{
    fcache_backends_t *backends = fcache_backends_create(*state);
    fcache_backend_ops_t far = fake_store_ops;
    fcache_backend_ops_t both = fake_store_ops;
    fcache_backend_t *store = NULL;
    far.scheme = "far";
    far.flags = FCACHE_BACKEND_REMOTE;
    both.scheme = "both";
    both.create = create_remote;
    fcache_backends_add(backends, &fake_store_ops, NULL);
    fcache_backends_add(backends, &far, NULL);
    fcache_backends_add(backends, &both, NULL);
    const struct {
        const char *url;
        unsigned flags;
    } rows[] = {
        {"fake:", 0},
        {"far:", FCACHE_BACKEND_REMOTE},
        {"both:", FCACHE_BACKEND_REMOTE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].url);
        CHECK_INT(fcache_backend_create(backends, "n", rows[i].url, NULL,
                                        &store, *state, NULL),
                  FCACHE_OK);
        CHECK_INT(fcache_backend_flags(store), rows[i].flags);
    }
}

static void defaults_are_for_remote_stores(void **state)
{
    fcache_backends_t *backends = fcache_backends_create(*state);
    fcache_backend_ops_t far = fake_store_ops;
    fcache_backend_t *store = NULL;
    far.scheme = "far";
    far.flags = FCACHE_BACKEND_REMOTE;
    far.create = create_told;
    fcache_backends_add(backends, &fake_store_ops, NULL);
    fcache_backends_add(backends, &far, NULL);
    fcache_backends_default(backends, "refuse", "by default");
    assert_int_equal(fcache_backend_create(backends, "n", "fake:", NULL, &store,
                                           *state, NULL),
                     FCACHE_OK);
    const struct {
        const char *url;
        const char *refuse;
    } rows[] = {{"far:", "by default"}, {"far:?refuse=itself", "itself"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error;
        ROW(i, rows[i].url);
        CHECK_INT(fcache_backend_create(backends, "n", rows[i].url, NULL,
                                        &store, *state, &error),
                  FCACHE_BAD_CONFIG);
        assert_string_equal(error.text, rows[i].refuse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(stores_are_created_by_scheme),
        pool_test(what_a_store_refuses_is_refused),
        pool_test(another_abi_is_refused),
        pool_test(stores_are_found_by_name),
        pool_test(flags_are_of_the_kind_and_of_the_store),
        pool_test(defaults_are_for_remote_stores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
