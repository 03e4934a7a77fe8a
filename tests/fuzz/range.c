/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <fcache/range.h>

/* How long the stored part is (its number of bytes), its Content-Range, then
 * the request's fields. */

static void check_part(fcache_bytes_t text)
{
    fcache_part_t part;
    fcache_part_t again;
    char out[FCACHE_PART_LEN];
    if (fcache_part_parse(text, &part)) {
        fcache_part_format(&part, out);
        MUST(strlen(out) < FCACHE_PART_LEN);
        MUST(fcache_part_parse(fcache_str(out), &again));
        MUST(again.first == part.first && again.last == part.last &&
             again.complete == part.complete);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcache_field_t space[16];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_bytes_t body = fuzz_line(&text);
    fcache_bytes_t where = fuzz_line(&text);
    fcache_fields_t fields = fuzz_fields(&text, space, 16);
    fcache_entry_t entry = {.status = 206, .body_len = body.len};
    fcache_buf_t block;
    fcache_part_t part;
    uint64_t offset;
    check_part(where);
    fcache_buf_init(&block, 1024);
    if (fcache_fieldblock_add(&block, fcache_str("Content-Range"), where) ==
        FCACHE_OK) {
        entry.fields = fcache_buf_bytes(&block);
        if (fcache_part_answers(&entry, fields, &part, &offset)) {
            MUST(part.first >= 0 && part.first <= part.last);
            MUST(part.complete < 0 || part.last < part.complete);
            uint64_t length = (uint64_t)(part.last - part.first) + 1;
            MUST(offset < body.len && length <= body.len - offset);
        }
    }
    fcache_buf_fini(&block);
    return 0;
}
