/* SPDX-License-Identifier: Apache-2.0 */
#include "freshness.h"
#include "fuzz.h"

/* A date, then lines of Age: what is read can be written and read again. */

#define FIRST_S INT64_C(-62167219200)
#define LAST_S  INT64_C(253402300799)
#define NOW_S   INT64_C(1800000000)

static void check_date(fcache_bytes_t text)
{
    char out[FCACHE_DATE_LEN + 1];
    int64_t time_s;
    int64_t again_s;
    if (!fcache_date_parse(text, NOW_S, &time_s)) {
        return;
    }
    MUST(time_s >= FIRST_S && time_s <= LAST_S + 1); /* a leap second's end */
    if (time_s <= LAST_S) {
        fcache_date_format(time_s, out);
        MUST(strlen(out) == FCACHE_DATE_LEN);
        MUST(fcache_date_parse(fcache_str(out), NOW_S, &again_s));
        MUST(again_s == time_s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fcache_field_t space[16];
    fcache_bytes_t text = fcache_bytes(data, size);
    fcache_bytes_t date = fuzz_line(&text);
    check_date(date);
    fcache_fields_t fields = fuzz_values(text, "Age", space, 15);
    space[fields.count].name = fcache_str("Date");
    space[fields.count++].value = date;
    int64_t now_us = NOW_S * FCACHE_US_PER_S;
    fcache_policy_t policy;
    fcache_policy_init(&policy);
    int64_t careful_s = fci_initial_age(&policy, fields, now_us, now_us);
    policy.ignore_bad_age = 1;
    int64_t age_s = fci_initial_age(&policy, fields, now_us, now_us);
    MUST(age_s >= 0 && age_s <= careful_s && careful_s <= FCACHE_DELTA_MAX);
    return 0;
}
