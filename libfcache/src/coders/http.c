/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/coders.h"

/* The body as it is; status and fields stay in the entry's head. */
static fcache_status_t encode(const fcache_coder_t *coder, const void *value,
                              fcache_buf_t *out, fcache_error_t *error)
{
    const fcache_response_value_t *response = value;
    (void)coder;
    fcache_status_t status = fcache_buf_append(out, response->body);
    return fcache_error_set(error, status, "body: %s",
                            fcache_status_text(status));
}

static fcache_status_t decode(const fcache_coder_t *coder, fcache_bytes_t bytes,
                              void *out_value, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fcache_response_value_t *response = out_value;
    (void)coder;
    (void)pool;
    (void)error;
    *response = (fcache_response_value_t){.body = bytes};
    return FCACHE_OK;
}

const fcache_coder_t fci_coder_http = {
    "http", FCACHE_CODER_RESPONSE, 1, encode, decode, NULL,
};
