/* SPDX-License-Identifier: Apache-2.0 */
#include "freshness.h"

int64_t fci_us_add(int64_t us, int64_t seconds)
{
    int64_t delta;
    int64_t sum;
    if (__builtin_mul_overflow(seconds, FCACHE_US_PER_S, &delta) ||
        __builtin_add_overflow(us, delta, &sum)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return sum;
}

int64_t fci_seconds_between(int64_t from_us, int64_t to_us)
{
    int64_t us;
    if (to_us <= from_us) {
        return 0;
    }
    if (__builtin_sub_overflow(to_us, from_us, &us)) {
        us = INT64_MAX;
    }
    return us / FCACHE_US_PER_S;
}

/* The date in the first line of that name. */
static int parse_date(fcache_fields_t fields, const char *name,
                      int64_t response_us, int64_t *out_s)
{
    fcache_bytes_t text = fcache_fields_get(fields, name);
    return text.len > 0 &&
           fcache_date_parse(text, response_us / FCACHE_US_PER_S, out_s);
}

/* Date, or the time of receipt (RFC 9110 §6.6.1). */
static int64_t date_of(fcache_fields_t fields, int64_t response_us)
{
    int64_t date_s;
    return parse_date(fields, "Date", response_us, &date_s)
               ? date_s
               : response_us / FCACHE_US_PER_S;
}

/* Of each line the first member counts (RFC 9111 §5.1), of several lines the
 * oldest; what is no number makes the response as old as can be (T16). */
static int64_t age_value(fcache_fields_t fields)
{
    int64_t oldest_s = 0;
    size_t at = fcache_fields_find(fields, "Age", 0);
    for (; at < fields.count; at = fcache_fields_find(fields, "Age", at + 1)) {
        fcache_fields_t line = {&fields.items[at], 1};
        fcache_list_t list;
        fcache_bytes_t text;
        int64_t age_s;
        fcache_list_init(&list, line, "Age");
        if (!fcache_list_next(&list, &text) ||
            !fcache_delta_parse(text, &age_s)) {
            return FCACHE_DELTA_MAX;
        }
        oldest_s = age_s > oldest_s ? age_s : oldest_s;
    }
    return oldest_s;
}

/* RFC 9111 §5.1 to the letter: of all lines the first member, and nothing when
 * that is no number. */
static int64_t first_age_value(fcache_fields_t fields)
{
    fcache_list_t list;
    fcache_bytes_t text;
    int64_t age_s;
    fcache_list_init(&list, fields, "Age");
    return fcache_list_next(&list, &text) && fcache_delta_parse(text, &age_s)
               ? age_s
               : 0;
}

int64_t fci_initial_age(const fcache_policy_t *policy, fcache_fields_t fields,
                        int64_t request_us, int64_t response_us)
{
    int64_t date_us = fci_us_add(0, date_of(fields, response_us));
    int64_t apparent_s = fci_seconds_between(date_us, response_us);
    int64_t age_value_s =
        policy->ignore_bad_age ? first_age_value(fields) : age_value(fields);
    int64_t corrected_s =
        age_value_s + fci_seconds_between(request_us, response_us);
    int64_t age_s = apparent_s > corrected_s ? apparent_s : corrected_s;
    return age_s < FCACHE_DELTA_MAX ? age_s : FCACHE_DELTA_MAX;
}

int64_t fci_explicit_lifetime(fcache_fields_t fields, const fcache_cc_t *cc,
                              int expires, int64_t response_us)
{
    int64_t expires_s;
    if (cc->s_maxage_s != FCACHE_NO_DELTA) {
        return cc->s_maxage_s;
    }
    if (cc->max_age_s != FCACHE_NO_DELTA) {
        return cc->max_age_s;
    }
    if (!expires || !fcache_fields_get(fields, "Expires").ptr) {
        return FCACHE_NO_DELTA;
    }
    if (!parse_date(fields, "Expires", response_us, &expires_s)) {
        return 0;
    }
    int64_t lifetime_s = expires_s - date_of(fields, response_us);
    return lifetime_s > 0 ? lifetime_s : 0;
}

int64_t fci_heuristic_lifetime(fcache_fields_t fields, int64_t response_us)
{
    int64_t modified_s;
    if (!parse_date(fields, "Last-Modified", response_us, &modified_s)) {
        return FCACHE_NO_DELTA;
    }
    int64_t unchanged_s = date_of(fields, response_us) - modified_s;
    return unchanged_s > 0 ? unchanged_s / 10 : 0;
}

int64_t fci_stale_window(const fcache_policy_t *policy, unsigned entry_flags,
                         int64_t window_s)
{
    if (window_s < 0 || (entry_flags & (FCACHE_ENTRY_NO_CACHE |
                                        FCACHE_ENTRY_MUST_REVALIDATE))) {
        return 0;
    }
    return window_s < policy->max_stale_s ? window_s : policy->max_stale_s;
}
