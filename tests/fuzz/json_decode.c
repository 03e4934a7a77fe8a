/* SPDX-License-Identifier: Apache-2.0 */
/* A store's bytes as a document of the json coder (T24): it is refused, or what
 * it says can be written and read again. */
#include <fcache/coder.h>
#include <fcache/entry.h>

#include <apr_general.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void round_trip(const fcache_coder_t *coder, fcache_bytes_t document,
                       apr_pool_t *pool)
{
    fcache_response_value_t value;
    fcache_response_value_t again;
    fcache_buf_t out;
    if (coder->decode(coder, document, &value, pool, NULL) != FCACHE_OK) {
        return;
    }
    fcache_buf_init(&out, 1 << 24);
    require(coder->encode(coder, &value, &out, NULL) == FCACHE_OK);
    require(coder->decode(coder, fcache_buf_bytes(&out), &again, pool, NULL) ==
            FCACHE_OK);
    require(again.status == value.status &&
            fcache_bytes_equal(again.fields, value.fields) &&
            fcache_bytes_equal(again.body, value.body));
    fcache_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    apr_pool_t *pool = NULL;
    if (!started) {
        started = apr_initialize() == APR_SUCCESS;
    }
    require(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    const fcache_coder_t *json =
        fcache_coder_find(fcache_coders_create(pool), fcache_str("json"));
    round_trip(json, fcache_bytes(data, size), pool);
    apr_pool_destroy(pool);
    return 0;
}
