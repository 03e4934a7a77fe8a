/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a shared store must stay readable: a change here needs a new
 * version of the layout (docs/entry-format.md). */
#include <fcache/entry.h>

#include "golden.h"
#include "pool.h"

static fcache_entry_t entry_of(const json_t *text, apr_pool_t *pool)
{
    fcache_bytes_t digest = golden_hex(text, "body_digest", pool);
    fcache_entry_t entry = {
        .kind = (fcache_entry_kind_t)golden_number(text, "kind"),
        .flags = (unsigned)golden_number(text, "flags"),
        .status = (int)golden_number(text, "status"),
        .generation = (uint64_t)golden_number(text, "generation"),
        .created_us = golden_number(text, "created_us"),
        .initial_age_s = golden_number(text, "initial_age_s"),
        .fresh_until_us = golden_number(text, "fresh_until_us"),
        .stale_until_us = golden_number(text, "stale_until_us"),
        .stale_while_revalidate_s =
            golden_number(text, "stale_while_revalidate_s"),
        .stale_if_error_s = golden_number(text, "stale_if_error_s"),
        .date_s = golden_number(text, "date_s"),
        .coder = golden_text(text, "coder"),
        .canonical = golden_hex(text, "canonical", pool),
        .vary = golden_hex(text, "vary", pool),
        .tags = golden_hex(text, "tags", pool),
        .reason = golden_text(text, "reason"),
        .etag = golden_text(text, "etag"),
        .last_modified = golden_text(text, "last_modified"),
        .fields = golden_text(text, "fields"),
        .body_len = (uint64_t)golden_number(text, "body_len"),
    };
    memcpy(entry.body_digest, digest.ptr, digest.len < 16 ? digest.len : 16);
    return entry;
}

static void check_encoding(const json_t *one, apr_pool_t *pool)
{
    fcache_entry_t entry = entry_of(json_object_get(one, "entry"), pool);
    fcache_buf_t head;
    fcache_buf_init(&head, FCACHE_ENTRY_MAX_HEAD);
    CHECK_INT(fcache_entry_encode(&entry, &head, NULL), FCACHE_OK);
    golden_check_hex(one, "head", fcache_buf_bytes(&head), pool);
    fcache_buf_fini(&head);
}

/* A case with an "entry" is encoded too; every "head" is decoded and must end
 * in "status". */
static void check(const json_t *one, apr_pool_t *pool)
{
    fcache_entry_t decoded;
    fcache_bytes_t head = golden_hex(one, "head", pool);
    fcache_bytes_t wanted = golden_text(one, "status");
    fcache_status_t status = fcache_entry_decode(head, &decoded, NULL);
    if (!fcache_bytes_equal(fcache_str(fcache_status_name(status)), wanted)) {
        fail_msg("%s: %s, not %.*s", golden_why(one),
                 fcache_status_name(status), (int)wanted.len, wanted.ptr);
    }
    ROW(0, golden_why(one));
    if (json_object_get(one, "entry")) {
        check_encoding(one, pool);
    }
}

static void entries_stay_as_they_are(void **state)
{
    golden_each("entries", check, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(entries_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
