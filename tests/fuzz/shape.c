/* SPDX-License-Identifier: Apache-2.0 */
/* A store's bytes as a value of a shape (T24), after a byte that says in which
 * form: they are refused, or what they say is written and read again; in the
 * compact form, of which there is one for each value, to the same bytes. */
#include "fuzz.h"
#include "shapes.h"

#include <apr_general.h>

static const fcache_coder_t *coder_of(int is_json, apr_pool_t *pool)
{
    static const fcache_shape_limits_t limits = {1 << 20, 10000, 8};
    const fcache_coder_t *coder = NULL;
    MUST(fcache_shape_coder_create("fuzz", &whole_shape,
                                   is_json ? FCACHE_SHAPE_JSON
                                           : FCACHE_SHAPE_BINARY,
                                   &limits, &coder, pool, NULL) == FCACHE_OK);
    return coder;
}

static void round_trip(int is_json, fcache_bytes_t bytes, apr_pool_t *pool)
{
    const fcache_coder_t *coder = coder_of(is_json, pool);
    whole_t value;
    whole_t again;
    fcache_buf_t first;
    fcache_buf_t second;
    if (coder->decode(coder, bytes, &value, pool, NULL) != FCACHE_OK) {
        return;
    }
    fcache_buf_init(&first, 1 << 21);
    fcache_buf_init(&second, 1 << 21);
    MUST(coder->encode(coder, &value, &first, NULL) == FCACHE_OK);
    MUST(coder->decode(coder, fcache_buf_bytes(&first), &again, pool, NULL) ==
         FCACHE_OK);
    MUST(coder->encode(coder, &again, &second, NULL) == FCACHE_OK);
    MUST(fcache_bytes_equal(fcache_buf_bytes(&first),
                            fcache_buf_bytes(&second)));
    MUST(is_json || fcache_bytes_equal(fcache_buf_bytes(&first), bytes));
    fcache_buf_fini(&first);
    fcache_buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    apr_pool_t *pool = NULL;
    if (!started) {
        started = apr_initialize() == APR_SUCCESS;
    }
    if (size > 0) {
        MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
        round_trip(data[0] == 'j', fcache_bytes(data + 1, size - 1), pool);
        apr_pool_destroy(pool);
    }
    return 0;
}
