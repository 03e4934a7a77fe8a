/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/coders.h"

/* The value is fcache_bytes_t and so are its bytes. */
static fcache_status_t encode(const fcache_coder_t *coder, const void *value,
                              fcache_buf_t *out, fcache_error_t *error)
{
    const fcache_bytes_t *bytes = value;
    (void)coder;
    fcache_status_t status = fcache_buf_append(out, *bytes);
    return fcache_error_set(error, status, "value: %s",
                            fcache_status_text(status));
}

static fcache_status_t decode(const fcache_coder_t *coder, fcache_bytes_t bytes,
                              void *out_value, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fcache_bytes_t *value = out_value;
    (void)coder;
    (void)pool;
    (void)error;
    *value = bytes;
    return FCACHE_OK;
}

const fcache_coder_t fci_coder_raw = {
    "raw", FCACHE_CODER_VALUE, 1, encode, decode, NULL,
};
