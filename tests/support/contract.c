/* SPDX-License-Identifier: Apache-2.0 */
#include "contract.h"

#include <apr_general.h>
#include <apr_strings.h>

#include <unistd.h>

#define HEAD "the head of "

static const char *contract_url;
static int contract_has_writers;

static int setup(void **state)
{
    static int count;
    apr_pool_t *pool = NULL;
    fcache_error_t error = {""};
    fcache_backend_t *backend = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return -1;
    }
    contract_t *store = apr_pcalloc(pool, sizeof(*store));
    fcache_backends_t *backends = fcache_backends_create(pool);
    fcache_backends_add_builtin(backends);
    if (fcache_backend_create(backends, "contract", contract_url, NULL,
                              &backend, pool, &error) != FCACHE_OK ||
        fcache_backend_open(backend, pool, &error) != FCACHE_OK ||
        fcache_backend_child_init(backend, pool, &error) != FCACHE_OK) {
        print_error("%s: %s\n", contract_url, error.text);
        return -1;
    }
    store->pool = pool;
    store->ops = fcache_backend_ops(backend);
    store->self = fcache_backend_self(backend);
    if ((store->ops->begin != NULL) != contract_has_writers) {
        print_error("%s: has writers or not, against what was said\n",
                    contract_url);
        return -1;
    }
    apr_snprintf(store->prefix, sizeof(store->prefix), "t%d-%d", (int)getpid(),
                 ++count);
    apr_snprintf(store->other_prefix, sizeof(store->other_prefix), "%s-b",
                 store->prefix);
    *state = store;
    fcache_options_t options = {.backend = backend};
    return fcache_create(&options, &store->cache, pool, &error) == FCACHE_OK
               ? 0
               : -1;
}

/* After each test the store must find itself in order. */
static int teardown(void **state)
{
    contract_t *store = *state;
    fcache_error_t error = {""};
    fcache_status_t status =
        store->ops->check ? store->ops->check(store->self, &error) : FCACHE_OK;
    if (status != FCACHE_OK) {
        print_error("check: %s\n", error.text);
    }
    apr_pool_destroy(store->pool);
    return status == FCACHE_OK ? 0 : -1;
}

int contract_run(const char *url, int has_writers)
{
#define X(name)                                                                \
    cmocka_unit_test_setup_teardown(contract_##name, setup, teardown),
    const struct CMUnitTest tests[] = {CONTRACT_LIST(X)};
    const struct CMUnitTest writers[] = {CONTRACT_WRITERS_LIST(X)};
#undef X
    contract_url = url;
    contract_has_writers = has_writers;
    if (apr_initialize() != APR_SUCCESS) {
        return 1;
    }
    int failed = cmocka_run_group_tests_name(url, tests, NULL, NULL);
    if (has_writers) {
        failed += cmocka_run_group_tests_name("writers", writers, NULL, NULL);
    }
    return failed;
}

fcache_key_t contract_key_in(contract_t *store, const char *prefix,
                             const char *ns, const char *text)
{
    fcache_tuple_t *tuple = fcache_tuple_create(store->pool);
    fcache_key_t key;
    assert_int_equal(fcache_tuple_add(tuple, "text", fcache_str(text)),
                     FCACHE_OK);
    assert_int_equal(fcache_key_from_tuple(tuple, fcache_str(prefix),
                                           fcache_str(ns), &key, store->pool,
                                           NULL),
                     FCACHE_OK);
    return key;
}

fcache_key_t contract_key(contract_t *store, const char *text)
{
    return contract_key_in(store, store->prefix, "n", text);
}

fcache_value_t contract_value(contract_t *store, const char *body,
                              int64_t ttl_s, fcache_bytes_t *out_body)
{
    int64_t dead_us = CONTRACT_NOW + ttl_s * FCACHE_US_PER_S;
    *out_body = fcache_str(body);
    fcache_value_t value = {
        .head = fcache_str(apr_psprintf(store->pool, HEAD "%.20s", body)),
        .body = out_body,
        .body_count = 1,
        .epoch = store->ops->epoch(store->self),
        .fresh_until_us = dead_us,
        .dead_us = dead_us,
    };
    return value;
}

void contract_put(contract_t *store, const fcache_key_t *key, const char *body,
                  int64_t ttl_s)
{
    fcache_error_t error = {""};
    fcache_bytes_t view;
    fcache_value_t value = contract_value(store, body, ttl_s, &view);
    fcache_status_t status =
        store->ops->put(store->self, key, &value, CONTRACT_NOW, &error);
    if (status != FCACHE_OK) {
        fail_msg("put: %s", error.text);
    }
}

fcache_bytes_t contract_body(contract_t *store, const fcache_item_t *item)
{
    size_t len = 0;
    for (size_t i = 0; i < item->body_count; i++) {
        len += item->body[i].len;
    }
    char *copy = apr_palloc(store->pool, len + 1);
    fcache_bytes_t whole = fcache_bytes(copy, len);
    for (size_t i = 0; i < item->body_count; i++) {
        if (item->body[i].len > 0) {
            memcpy(copy, item->body[i].ptr, item->body[i].len);
            copy += item->body[i].len;
        }
    }
    return whole;
}

fcache_status_t contract_get(contract_t *store, const fcache_key_t *key,
                             int64_t now_us, const char *body)
{
    fcache_item_t item;
    fcache_error_t error = {""};
    fcache_status_t status = store->ops->get(store->self, key, now_us, NULL,
                                             &item, store->pool, &error);
    if (fcache_status_is_fault(status)) {
        fail_msg("get: %s", error.text);
    }
    if (status == FCACHE_OK) {
        CHECK_TEXT(item.head, apr_psprintf(store->pool, HEAD "%.20s", body));
        CHECK_TEXT(contract_body(store, &item), body);
        if (item.pin) {
            store->ops->release(store->self, item.pin);
        }
    }
    return status;
}
