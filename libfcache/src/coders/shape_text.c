/* SPDX-License-Identifier: Apache-2.0 */
#include "ascii.h"
#include "civil.h"
#include "coders/shape_parts.h"

#include <fcache/http.h>

#include <stdio.h>

#define FIRST_DAY  INT64_C(-719528) /* 0000-01-01 */
#define LAST_DAY   INT64_C(2932896) /* 9999-12-31 */
#define DAY_US     (FCI_DAY_S * FCACHE_US_PER_S)
#define MAX_DIGITS 6 /* of a fraction of a second */

/* ---- UTF-8 (RFC 3629) ---------------------------------------------------- */

/* Bytes of the character at the start of `text`, 0 when it is none. */
static size_t character(fcache_bytes_t text)
{
    const unsigned char *c = (const unsigned char *)text.ptr;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = 1;
    unsigned code = c[0];
    if (code < 0x80) {
        return 1;
    }
    if (code >= 0xc0 && code < 0xf8) {
        len = code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
        code &= 0x7fu >> len;
    }
    if (len == 1 || len > text.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (c[i] & 0x3f);
    }
    return code >= least[len] && code <= 0x10ffff &&
                   (code < 0xd800 || code > 0xdfff)
               ? len
               : 0;
}

int fci_is_utf8(fcache_bytes_t text)
{
    while (text.len > 0) {
        size_t len = character(text);
        if (len == 0) {
            return 0;
        }
        text = fcache_bytes(text.ptr + len, text.len - len);
    }
    return 1;
}

/* ---- decimals ------------------------------------------------------------ */

static size_t digits(fcache_bytes_t text, size_t at)
{
    size_t end = at;
    while (end < text.len && fci_is_digit(text.ptr[end])) {
        end++;
    }
    return end - at;
}

int fci_is_decimal(fcache_bytes_t text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-';
    size_t count = digits(text, at);
    if (count == 0 || text.len > FCACHE_DECIMAL_MAX) {
        return 0;
    }
    at += count;
    if (at < text.len && text.ptr[at] == '.') {
        count = digits(text, at + 1);
        at += 1 + count;
    }
    return count > 0 && at == text.len;
}

/* ---- times --------------------------------------------------------------- */

static int put_day(int64_t day, char *out, size_t size)
{
    fci_civil_t civil;
    if (day < FIRST_DAY || day > LAST_DAY) {
        return 0;
    }
    fci_civil_from_days(day, &civil);
    (void)snprintf(out, size, "%04d-%02d-%02d", civil.year, civil.month,
                   civil.day);
    return 1;
}

int fci_day_format(int64_t day, char out[FCI_TIME_LEN + 1])
{
    return put_day(day, out, FCI_TIME_LEN + 1);
}

int fci_time_format(int64_t time_us, char out[FCI_TIME_LEN + 1])
{
    enum { DATE_LEN = 10, CLOCK_LEN = 9 };
    int64_t day = time_us / DAY_US - (time_us % DAY_US < 0);
    int64_t rest_us = time_us - day * DAY_US;
    int second = (int)(rest_us / FCACHE_US_PER_S);
    int fraction = (int)(rest_us % FCACHE_US_PER_S);
    if (!put_day(day, out, FCI_TIME_LEN + 1)) {
        return 0;
    }
    (void)snprintf(out + DATE_LEN, FCI_TIME_LEN + 1 - DATE_LEN,
                   "T%02d:%02d:%02d", second / 3600, second / 60 % 60,
                   second % 60);
    char *end = out + DATE_LEN + CLOCK_LEN;
    size_t room = FCI_TIME_LEN + 1 - DATE_LEN - CLOCK_LEN;
    if (fraction > 0) {
        (void)snprintf(end, room, ".%06dZ", fraction);
    } else {
        (void)snprintf(end, room, "Z");
    }
    return 1;
}

/* Each takes what it reads off the front of *text. */
static int take_number(fcache_bytes_t *text, size_t count, int64_t max,
                       int64_t *out)
{
    int64_t number = 0;
    if (text->len < count) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!fci_is_digit(text->ptr[i])) {
            return 0;
        }
        number = number * 10 + (text->ptr[i] - '0');
    }
    *text = fcache_bytes(text->ptr + count, text->len - count);
    *out = number;
    return number <= max;
}

static int take(fcache_bytes_t *text, char wanted)
{
    if (text->len == 0 || fci_lower(text->ptr[0]) != fci_lower(wanted)) {
        return 0;
    }
    *text = fcache_bytes(text->ptr + 1, text->len - 1);
    return 1;
}

static int take_day(fcache_bytes_t *text, int64_t *out_day)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (!take_number(text, 4, 9999, &year) || !take(text, '-') ||
        !take_number(text, 2, 12, &month) || !take(text, '-') ||
        !take_number(text, 2, 31, &day) || month < 1 || day < 1 ||
        day > fci_days_of_month((int)year, (int)month)) {
        return 0;
    }
    *out_day = fci_days_from_civil((int)year, (int)month, (int)day);
    return 1;
}

static int take_clock(fcache_bytes_t *text, int64_t *out_us)
{
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t fraction = 0;
    if (!take_number(text, 2, 23, &hour) || !take(text, ':') ||
        !take_number(text, 2, 59, &minute) || !take(text, ':') ||
        !take_number(text, 2, 59, &second)) {
        return 0;
    }
    if (take(text, '.')) {
        size_t count = digits(*text, 0);
        if (count == 0 || count > MAX_DIGITS ||
            !take_number(text, count, FCACHE_US_PER_S, &fraction)) {
            return 0;
        }
        for (; count < MAX_DIGITS; count++) {
            fraction *= 10;
        }
    }
    *out_us = ((hour * 60 + minute) * 60 + second) * FCACHE_US_PER_S + fraction;
    return 1;
}

static int take_offset(fcache_bytes_t *text, int64_t *out_us)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    int is_west = text->len > 0 && text->ptr[0] == '-';
    if (take(text, 'Z')) {
        *out_us = 0;
        return 1;
    }
    if ((!take(text, '+') && !take(text, '-')) ||
        !take_number(text, 2, 23, &hours) || !take(text, ':') ||
        !take_number(text, 2, 59, &minutes)) {
        return 0;
    }
    *out_us = (hours * 60 + minutes) * 60 * FCACHE_US_PER_S;
    *out_us = is_west ? -*out_us : *out_us;
    return 1;
}

int fci_time_parse(fcache_bytes_t text, int64_t *out_us)
{
    int64_t day = 0;
    int64_t clock_us = 0;
    int64_t offset_us = 0;
    if (!take_day(&text, &day) || !take(&text, 'T') ||
        !take_clock(&text, &clock_us) || !take_offset(&text, &offset_us) ||
        text.len > 0) {
        return 0;
    }
    *out_us = day * DAY_US + clock_us - offset_us;
    return *out_us >= FIRST_DAY * DAY_US && *out_us < (LAST_DAY + 1) * DAY_US;
}

int fci_day_parse(fcache_bytes_t text, int64_t *out_day)
{
    return take_day(&text, out_day) && text.len == 0;
}
