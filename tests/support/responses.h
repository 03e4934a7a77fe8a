/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RESPONSES_H
#define TESTS_RESPONSES_H

/* Storing and looking up responses, as a server does it. */

#include "check.h"
#include "requests.h"

#include <fcache/cache.h>

#define RESPONSES_NOW (INT64_C(1000) * FCACHE_US_PER_S)

static inline fcache_key_t response_key(const char *path, apr_pool_t *pool)
{
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    request.path = fcache_str(path);
    assert_int_equal(fcache_key_build(NULL, NULL, NULL, fcache_str("p"),
                                      fcache_str("n"), &request, &key, pool,
                                      NULL),
                     FCACHE_OK);
    return key;
}

/* A fresh 200 that lives for ttl_s from RESPONSES_NOW. */
static inline fcache_entry_t response_entry(int64_t ttl_s)
{
    fcache_entry_t entry = {
        .kind = FCACHE_ENTRY_RESPONSE,
        .status = 200,
        .created_us = RESPONSES_NOW,
        .fresh_until_us = RESPONSES_NOW + ttl_s * FCACHE_US_PER_S,
        .stale_until_us = RESPONSES_NOW + ttl_s * FCACHE_US_PER_S,
        .date_s = RESPONSES_NOW / FCACHE_US_PER_S,
        .etag = fcache_str("\"v\""),
        .fields = fcache_str("Content-Type: text/plain\r\n"),
    };
    return entry;
}

/* Stores `body` under `key`; `vary` as fcache_writer_commit() takes it. */
static inline fcache_status_t
response_store(fcache_t *cache, const char *coder, const fcache_key_t *key,
               const fcache_entry_t *entry, const char *body,
               fcache_bytes_t vary, const fcache_request_t *request,
               apr_pool_t *pool)
{
    fcache_writer_t *writer = NULL;
    fcache_error_t error = {""};
    fcache_status_t status =
        fcache_writer_begin(cache, fcache_str(coder), 0, &writer, pool, &error);
    if (status == FCACHE_OK) {
        status = fcache_writer_append(writer, fcache_str(body), &error);
    }
    if (status == FCACHE_OK) {
        status = fcache_writer_commit(writer, key, entry, vary, request,
                                      RESPONSES_NOW, &error);
    }
    if (status != FCACHE_OK) {
        print_message("store: %s\n", error.text);
    }
    return status;
}

/* Looks up, checks the body if it is a hit, releases; answers the status. */
static inline fcache_status_t response_lookup(fcache_t *cache,
                                              const fcache_key_t *key,
                                              const fcache_request_t *request,
                                              int64_t now_us, const char *body,
                                              apr_pool_t *pool)
{
    fcache_hit_t hit;
    fcache_status_t status =
        fcache_lookup(cache, key, request, now_us, NULL, &hit, pool, NULL);
    if (status == FCACHE_OK) {
        assert_int_equal(hit.body_count, 1);
        assert_int_equal(hit.entry.body_len, hit.body[0].len);
        CHECK_TEXT(hit.body[0], body);
        CHECK_TEXT(hit.entry.fields, "Content-Type: text/plain\r\n");
        CHECK_TEXT(hit.entry.etag, "\"v\"");
        fcache_pin_release(cache, hit.pin);
    }
    return status;
}

#endif
