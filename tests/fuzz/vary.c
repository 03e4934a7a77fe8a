/* SPDX-License-Identifier: Apache-2.0 */
#include "vary.h"

#include "fuzz.h"

#include <fcache/entry.h>

/* A response's fields, an empty line, a request's: names and their values. */

#define MAX_VALUE 256

/* What a value selects by selects by itself: else two that differ are one. */
static void check_again(fcache_bytes_t name, fcache_bytes_t value)
{
    fcache_field_t field = {name, value};
    fcache_buf_t again;
    fcache_buf_init(&again, MAX_VALUE);
    MUST(fci_vary_normalise(name, (fcache_fields_t){&field, 1}, &again) ==
         FCACHE_OK);
    MUST(
        fcache_bytes_equal(fcache_buf_bytes(&again), fcache_bytes_trim(value)));
    fcache_buf_fini(&again);
}

static void check_value(fcache_bytes_t name, fcache_fields_t fields)
{
    fcache_buf_t value;
    fcache_buf_init(&value, MAX_VALUE);
    fcache_status_t status = fci_vary_normalise(name, fields, &value);
    MUST(status == FCACHE_OK || status == FCACHE_TOO_LARGE ||
         (status == FCACHE_MISS && value.len == 0));
    MUST(value.len <= MAX_VALUE);
    if (status == FCACHE_OK) {
        check_again(name, fcache_buf_bytes(&value));
    }
    fcache_buf_fini(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const weighted[] = {
        "accept", "accept-charset", "accept-encoding", "accept-language"};
    fcache_field_t answered[32];
    fcache_field_t asked[32];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_fields_t response = fuzz_fields(&text, answered, 32);
    fcache_fields_t request = fuzz_fields(&text, asked, 32);
    fcache_buf_t list;
    fcache_reason_t why;
    fcache_bytes_t name;
    size_t offset = 0;
    size_t count = 0;
    fcache_buf_init(&list, 8192);
    fcache_status_t status = fcache_vary_names(response, &list, &why);
    MUST((status == FCACHE_OK) == (why == FCACHE_REASON_NONE));
    MUST(status == FCACHE_OK || list.len == 0);
    while (fcache_entry_list_next(fcache_buf_bytes(&list), &offset, &name) ==
           1) {
        count++;
        MUST(fcache_is_token(name));
        check_value(name, request);
    }
    MUST(count <= FCACHE_VARY_MAX_NAMES);
    for (size_t i = 0; i < sizeof weighted / sizeof weighted[0]; i++) {
        check_value(fcache_str(weighted[i]), request);
    }
    fcache_buf_fini(&list);
    return 0;
}
