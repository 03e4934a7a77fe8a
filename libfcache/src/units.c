/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/backend.h>
#include <fcache/http.h>

#include "ascii.h"

typedef struct unit_t {
    const char *suffix;
    uint64_t factor;
} unit_t;

/* Digits and a unit of the table; 0 for anything else or past `max`. */
static int parse(const char *text, const unit_t *units, uint64_t max,
                 uint64_t *out)
{
    uint64_t number = 0;
    const char *at = text;
    for (; fci_is_digit(*at); at++) {
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return 0;
        }
    }
    if (at == text) {
        return 0;
    }
    for (; units->suffix; units++) {
        if (fcache_bytes_equal_nocase(fcache_str(at),
                                      fcache_str(units->suffix))) {
            return !__builtin_mul_overflow(number, units->factor, out) &&
                   *out <= max;
        }
    }
    return 0;
}

fcache_status_t fcache_size_parse(const char *text, uint64_t *out_bytes)
{
    static const unit_t units[] = {
        {"", 1},
        {"k", UINT64_C(1) << 10},
        {"m", UINT64_C(1) << 20},
        {"g", UINT64_C(1) << 30},
        {NULL, 0},
    };
    return parse(text, units, INT64_MAX, out_bytes) ? FCACHE_OK
                                                    : FCACHE_BAD_INPUT;
}

fcache_status_t fcache_duration_parse(const char *text, int64_t *out_us)
{
    static const unit_t units[] = {
        {"", FCACHE_US_PER_S},
        {"ms", FCACHE_US_PER_S / 1000},
        {"s", FCACHE_US_PER_S},
        {"m", 60 * FCACHE_US_PER_S},
        {"h", 3600 * FCACHE_US_PER_S},
        {"d", 86400 * FCACHE_US_PER_S},
        {NULL, 0},
    };
    uint64_t time_us = 0;
    if (!parse(text, units, INT64_MAX, &time_us)) {
        return FCACHE_BAD_INPUT;
    }
    *out_us = (int64_t)time_us;
    return FCACHE_OK;
}
