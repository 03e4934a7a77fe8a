/* SPDX-License-Identifier: Apache-2.0 */
#include "limits.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct limit_t {
    const char *option;
    size_t offset;
    char kind;
    int64_t value, least, most;
} limit_t;

static const limit_t limits[] = {
#define X(field, option, kind, value, least, most, text)                       \
    {option, offsetof(fcn_limits_t, field), kind, value, least, most},
    FCN_LIMITS_LIST(X)
#undef X
};

#define LIMITS (sizeof(limits) / sizeof(limits[0]))

static int64_t *field_of(fcn_limits_t *values, const limit_t *limit)
{
    return (int64_t *)(void *)((char *)values + limit->offset);
}

/* As an option writes it: the largest unit that divides it. */
static const char *write_value(char kind, int64_t value, char text[32])
{
    static const struct {
        const char *suffix;
        int64_t us;
    } units[] = {
        {"d", INT64_C(86400000000)},
        {"h", INT64_C(3600000000)},
        {"m", 60000000},
        {"s", 1000000},
        {"ms", 1000},
        {"us", 1},
    };
    size_t unit = 0;
    if (kind == 'n' || value == 0) {
        snprintf(text, 32, "%lld", (long long)value);
        return text;
    }
    while (value % units[unit].us) {
        unit++;
    }
    snprintf(text, 32, "%lld%s", (long long)(value / units[unit].us),
             units[unit].suffix);
    return text;
}

/* A number is a size without a unit. */
static int read_value(const limit_t *limit, const char *text, int64_t *out)
{
    uint64_t number = 0;
    if (limit->kind == 't') {
        return fcache_duration_parse(text, out) == FCACHE_OK;
    }
    if (!text[0] || text[strspn(text, "0123456789")] ||
        fcache_size_parse(text, &number) != FCACHE_OK) {
        return 0;
    }
    *out = (int64_t)number; /* at most INT64_MAX, says the parser */
    return 1;
}

static fcache_status_t parse_one(const limit_t *limit, const char *text,
                                 fcn_limits_t *values, fcache_error_t *error)
{
    char least[32], most[32];
    int64_t value = 0;
    if (!read_value(limit, text, &value) || value < limit->least ||
        value > limit->most) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG, "%s=%.80s is not a %s from %s to %s",
            limit->option, text, limit->kind == 't' ? "time" : "number",
            write_value(limit->kind, limit->least, least),
            write_value(limit->kind, limit->most, most));
    }
    *field_of(values, limit) = value;
    return FCACHE_OK;
}

fcache_status_t fcn_limits_parse(const apr_table_t *options,
                                 const fcn_limits_t *defaults,
                                 fcn_limits_t *out_limits,
                                 fcache_error_t *error)
{
    for (size_t i = 0; i < LIMITS; i++) {
        *field_of(out_limits, &limits[i]) = limits[i].value;
    }
    if (defaults) {
        *out_limits = *defaults;
    }
    for (size_t i = 0; options && i < LIMITS; i++) {
        const char *text = apr_table_get(options, limits[i].option);
        fcache_status_t status =
            text ? parse_one(&limits[i], text, out_limits, error) : FCACHE_OK;
        if (status != FCACHE_OK) {
            return status;
        }
    }
    if (out_limits->open_max_us < out_limits->open_us) {
        char most[32], first[32];
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "open-max=%s is less than open=%s",
                                write_value('t', out_limits->open_max_us, most),
                                write_value('t', out_limits->open_us, first));
    }
    return FCACHE_OK;
}

int fcn_limits_has(const char *option)
{
    for (size_t i = 0; i < LIMITS; i++) {
        if (!strcasecmp(option, limits[i].option)) {
            return 1;
        }
    }
    return 0;
}
