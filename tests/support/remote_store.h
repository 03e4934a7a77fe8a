/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_REMOTE_STORE_H
#define TESTS_REMOTE_STORE_H

/* Entries of a store on a table: name "p:n:KEY", body KEY, tags one letter each. */

#include "check.h"
#include "pool.h"
#include "table_client.h"

#include <apr_strings.h>

#define NOW   (INT64_C(1800000000) * 1000000)
#define AFTER (INT64_C(60) * 1000000)

static inline fcache_key_t remote_key(const char *text, apr_pool_t *pool)
{
    fcache_key_t key = {.prefix = fcache_str("p"), .ns = fcache_str("n")};
    key.name = fcache_str(apr_pstrcat(pool, "p:n:", text, (char *)NULL));
    return key;
}

static inline fcache_value_t remote_value(const char *tags, uint64_t epoch,
                                          fcache_bytes_t *body,
                                          apr_pool_t *pool)
{
    char *list = apr_pcalloc(pool, 3 * strlen(tags) + 1);
    for (size_t i = 0; tags[i]; i++) {
        list[3 * i] = 1;
        list[3 * i + 2] = tags[i];
    }
    return (fcache_value_t){
        .head = fcache_str("head"),
        .body = body,
        .body_count = 1,
        .epoch = epoch,
        .fresh_until_us = NOW + AFTER,
        .dead_us = NOW + AFTER,
        .tags = fcache_bytes(list, 3 * strlen(tags)),
    };
}

static inline fcache_status_t remote_put_at(void *store, const char *text,
                                            const char *tags, uint64_t epoch,
                                            apr_pool_t *pool)
{
    fcache_key_t key = remote_key(text, pool);
    fcache_bytes_t body = fcache_str(text);
    fcache_value_t value = remote_value(tags, epoch, &body, pool);
    return fcr_put(store, &key, &value, NOW, NULL);
}

static inline void remote_put(void *store, const char *text, const char *tags,
                              apr_pool_t *pool)
{
    assert_int_equal(remote_put_at(store, text, tags, fcr_epoch(store), pool),
                     FCACHE_OK);
}

static inline fcache_status_t remote_add(void *store, const char *text,
                                         int64_t *until_us, apr_pool_t *pool)
{
    fcache_key_t key = remote_key(text, pool);
    fcache_bytes_t body = fcache_str(text);
    fcache_value_t value = remote_value("", fcr_epoch(store), &body, pool);
    return fcr_add(store, &key, &value, NOW, until_us, NULL);
}

/* The status; EXISTS for a hit that was softly purged. */
static inline fcache_status_t remote_get(void *store, const char *text,
                                         apr_pool_t *pool)
{
    fcache_key_t key = remote_key(text, pool);
    fcache_item_t item;
    fcache_status_t status = fcr_get(store, &key, NOW, NULL, &item, pool, NULL);
    if (status == FCACHE_OK) {
        CHECK_TEXT(item.head, "head");
        CHECK_TEXT(item.body[0], text);
    }
    return status == FCACHE_OK && item.soft_purged ? FCACHE_EXISTS : status;
}

static inline fcache_status_t remote_clear_tag(void *store, const char *tag,
                                               int soft)
{
    const fcache_scope_t scope = {.kind = FCACHE_SCOPE_TAG,
                                  .prefix = fcache_str("p"),
                                  .tag = fcache_str(tag),
                                  .soft = soft};
    return fcr_clear(store, &scope, 1, NULL);
}

/* Another host: it shares nothing but the table. */
static inline void *remote_host(table_t *table, const char *options,
                                apr_pool_t *pool)
{
    apr_pool_t *own = NULL;
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    void *store = table_store(table, &table_client, options, own);
    assert_non_null(store);
    return store;
}

#endif
