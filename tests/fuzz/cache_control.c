/* SPDX-License-Identifier: Apache-2.0 */
#include "cc.h"
#include "fuzz.h"

/* Lines of Cache-Control, read as both kinds of field (RFC 9111 §5.2, 9213). */

static void check_number(int64_t number)
{
    MUST(number >= FCACHE_NO_DELTA && number <= FCACHE_DELTA_MAX);
}

static void check_list(fcache_bytes_t list, int is_qualified,
                       const uint8_t *data, size_t size)
{
    MUST((list.ptr != NULL) == is_qualified);
    if (list.ptr) {
        const char *start = (const char *)data;
        MUST(list.ptr >= start && list.ptr + list.len <= start + size);
    }
}

static void check(const fcache_cc_t *cc, const uint8_t *data, size_t size)
{
    check_number(cc->max_age_s);
    check_number(cc->s_maxage_s);
    check_number(cc->min_fresh_s);
    check_number(cc->max_stale_s);
    check_number(cc->stale_while_revalidate_s);
    check_number(cc->stale_if_error_s);
    check_list(cc->no_cache_fields, (cc->flags & FCACHE_CC_NO_CACHE_OF) != 0,
               data, size);
    check_list(cc->private_fields, (cc->flags & FCACHE_CC_PRIVATE_OF) != 0,
               data, size);
    (void)fci_cc_names_field(cc, fcache_str("set-cookie"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcache_field_t space[16];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_cc_t cc;
    fcache_cc_parse(fuzz_values(text, "Cache-Control", space, 16), &cc);
    check(&cc, data, size);
    if (fcache_cc_parse_targeted(
            fuzz_values(text, "CDN-Cache-Control", space, 16), &cc)) {
        check(&cc, data, size);
    }
    return 0;
}
