/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_REQUESTS_H
#define TESTS_REQUESTS_H

/* A plain request, to be changed by the test. */

#include <fcache/http.h>

static inline fcache_request_t plain_request(const fcache_field_t *fields,
                                             size_t count)
{
    fcache_request_t request = {
        .vhost = fcache_str("example.com"),
        .scheme = fcache_str("https"),
        .authority = fcache_str("example.com"),
        .method = fcache_str("GET"),
        .path = fcache_str("/a"),
        .fields = {fields, count},
    };
    return request;
}

#endif
