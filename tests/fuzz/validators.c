/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <fcache/policy.h>

/* The stored tag, the stored date, then the request's fields. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcache_field_t space[32];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_bytes_t etag = fuzz_line(&text);
    fcache_bytes_t modified = fuzz_line(&text);
    fcache_fields_t fields = fuzz_fields(&text, space, 32);
    int status = fcache_condition(etag, modified, 1800000000, fields, "-gzip");
    MUST(status == 200 || status == 304);
    MUST(status == 200 || fields.count > 0);
    for (size_t i = 0; i < fields.count; i++) {
        fcache_bytes_t other = space[i].value;
        int weak = fcache_etag_matches(etag, other, 1);
        int strong = fcache_etag_matches(etag, other, 0);
        MUST(weak == fcache_etag_matches(other, etag, 1));
        MUST(strong == fcache_etag_matches(other, etag, 0));
        MUST(weak || !strong);
    }
    return 0;
}
