/* SPDX-License-Identifier: Apache-2.0 */
/* A reply of DynamoDB, of a metadata service, or a credentials file (T24, T37):
 * refused, or what it says is within its bounds. */
#include "fuzz.h"

#include <dynamodb/reply.h>
#include <dynamodb/secret.h>

#include <apr_general.h>

static int see(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    MUST(name.len > 0 && name.len <= FCR_NAME_MAX);
    MUST(!value.ptr || value.len >= FCR_STAMP_BYTES);
    return ++*(int *)baton > 100;
}

static void read_fetch(fcache_bytes_t text, apr_pool_t *pool)
{
    const fcache_bytes_t names[] = {fcache_str("e"), fcache_str("c"),
                                    fcache_str("missing")};
    unsigned char pending[] = {1, 1, 1};
    fcr_found_t found[3] = {0};
    if (fcd_reply_fetch(text, fcache_str("t"), names, 3, pending, found, pool,
                        NULL) == FCACHE_OK) {
        for (int i = 0; i < 3; i++) {
            MUST(!(pending[i] && found[i].exists));
            MUST(!found[i].exists ||
                 (found[i].value.ptr && found[i].value.len <= text.len + 32));
        }
    }
}

static void read_counters(fcache_bytes_t text, apr_pool_t *pool)
{
    const fcache_bytes_t names[] = {fcache_str("c"), fcache_str("missing")};
    fcr_found_t found[2] = {0};
    if (fcd_reply_counters(text, names, 2, found, pool, NULL) == FCACHE_OK) {
        for (int i = 0; i < 2; i++) {
            MUST(!found[i].exists ||
                 (found[i].value.ptr && found[i].value.len <= text.len + 32));
        }
    }
}

static void read_secrets(fcache_bytes_t text)
{
    fcd_secret_t secret;
    if (fcd_secret_from_file(text, "default", &secret, NULL) == FCACHE_OK ||
        fcd_secret_from_json(text, &secret, NULL) == FCACHE_OK) {
        MUST(secret.key_id[0] && secret.key[0]);
        MUST(!strpbrk(secret.token, " \r\n") && !strchr(secret.key_id, '\n'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    apr_pool_t *pool = NULL;
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_bytes_t next;
    fcache_error_t error = {""};
    fcd_table_t table;
    uint64_t clock;
    int seen = 0;
    if (!started) {
        started = apr_initialize() == APR_SUCCESS;
    }
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    read_fetch(text, pool);
    read_counters(text, pool);
    read_secrets(text);
    fcd_reply_clock(text, &clock, NULL);
    fcd_reply_scan(text, see, &seen, &next, pool, NULL);
    fcd_reply_table(text, &table, NULL);
    fcd_failure_t failure = fcd_reply_failure(400, text, &error);
    MUST(failure.status != FCACHE_OK && error.text[0]);
    apr_pool_destroy(pool);
    return 0;
}
