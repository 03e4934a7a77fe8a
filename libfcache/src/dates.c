/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/http.h>

#include "ascii.h"
#include "civil.h"

/* HTTP-date (RFC 9110 §5.6.7): the three forms, letter by letter. */

#define DAY_S        FCI_DAY_S
#define FIFTY_YEARS  (INT64_C(50) * 31557600) /* of 365.25 days */
#define FIRST_TIME_S INT64_C(-62167219200)    /* 0000-01-01 00:00:00 */
#define LAST_TIME_S  INT64_C(253402300799)    /* 9999-12-31 23:59:59 */

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

/* Is it a time that can be? 60 is a leap second. */
static int civil_to_time(const fci_civil_t *civil, int64_t *out_s)
{
    if (civil->day < 1 ||
        civil->day > fci_days_of_month(civil->year, civil->month) ||
        civil->hour > 23 || civil->minute > 59 || civil->second > 60) {
        return 0;
    }
    *out_s =
        fci_days_from_civil(civil->year, civil->month, civil->day) * DAY_S +
        civil->hour * 3600 + civil->minute * 60 + civil->second;
    return 1;
}

/* ---- reading: each takes what it reads off the front of *text ------------ */

static int take(fcache_bytes_t *text, const char *wanted)
{
    size_t len = strlen(wanted);
    if (text->len < len ||
        !fcache_bytes_equal_nocase(fcache_bytes(text->ptr, len),
                                   fcache_bytes(wanted, len))) {
        return 0;
    }
    *text = fcache_bytes(text->ptr + len, text->len - len);
    return 1;
}

static int take_number(fcache_bytes_t *text, size_t digits, int *out)
{
    int number = 0;
    if (text->len < digits) {
        return 0;
    }
    for (size_t i = 0; i < digits; i++) {
        if (!fci_is_digit(text->ptr[i])) {
            return 0;
        }
        number = number * 10 + (text->ptr[i] - '0');
    }
    *out = number;
    *text = fcache_bytes(text->ptr + digits, text->len - digits);
    return 1;
}

static int take_month(fcache_bytes_t *text, int *out)
{
    for (int i = 0; i < 12; i++) {
        if (take(text, months[i])) {
            *out = i + 1;
            return 1;
        }
    }
    return 0;
}

static int take_clock(fcache_bytes_t *text, fci_civil_t *out)
{
    return take_number(text, 2, &out->hour) && take(text, ":") &&
           take_number(text, 2, &out->minute) && take(text, ":") &&
           take_number(text, 2, &out->second);
}

/* The whole name of a weekday (out_whole 1) or its first three letters. */
static int take_weekday(fcache_bytes_t *text, int *out_whole)
{
    for (int i = 0; i < 7; i++) {
        char first[4] = {days[i][0], days[i][1], days[i][2], '\0'};
        *out_whole = take(text, days[i]);
        if (*out_whole || take(text, first)) {
            return 1;
        }
    }
    return 0;
}

/* "06 Nov 1994 08:49:37 GMT" */
static int read_imf(fcache_bytes_t text, int64_t *out_s)
{
    fci_civil_t civil;
    return take_number(&text, 2, &civil.day) && take(&text, " ") &&
           take_month(&text, &civil.month) && take(&text, " ") &&
           take_number(&text, 4, &civil.year) && take(&text, " ") &&
           take_clock(&text, &civil) && take(&text, " GMT") && text.len == 0 &&
           civil_to_time(&civil, out_s);
}

/* "Nov  6 08:49:37 1994" */
static int read_asctime(fcache_bytes_t text, int64_t *out_s)
{
    fci_civil_t civil;
    return take_month(&text, &civil.month) && take(&text, " ") &&
           (take(&text, " ") ? take_number(&text, 1, &civil.day)
                             : take_number(&text, 2, &civil.day)) &&
           take(&text, " ") && take_clock(&text, &civil) && take(&text, " ") &&
           take_number(&text, 4, &civil.year) && text.len == 0 &&
           civil_to_time(&civil, out_s);
}

static int year_of(int64_t time_s)
{
    fci_civil_t civil;
    fci_civil_from_days((time_s - FIRST_TIME_S) / DAY_S + FIRST_TIME_S / DAY_S,
                        &civil);
    return civil.year;
}

static int64_t clamp_time(int64_t time_s)
{
    if (time_s < FIRST_TIME_S) {
        return FIRST_TIME_S;
    }
    return time_s > LAST_TIME_S ? LAST_TIME_S : time_s;
}

/* The latest year with these two digits that is not more than 50 years ahead.
 */
static int settle_century(fci_civil_t *civil, int64_t now_s, int64_t *out_s)
{
    int64_t latest = clamp_time(now_s) + FIFTY_YEARS;
    int next_century = year_of(clamp_time(now_s)) / 100 * 100 + 100;
    int two_digits = civil->year;
    for (int back = 0; back <= 200 && back <= next_century; back += 100) {
        civil->year = next_century - back + two_digits;
        if (civil_to_time(civil, out_s) && *out_s <= latest) {
            return 1;
        }
    }
    return 0;
}

/* "06-Nov-94 08:49:37 GMT" */
static int read_rfc850(fcache_bytes_t text, int64_t now_s, int64_t *out_s)
{
    fci_civil_t civil;
    return take_number(&text, 2, &civil.day) && take(&text, "-") &&
           take_month(&text, &civil.month) && take(&text, "-") &&
           take_number(&text, 2, &civil.year) && take(&text, " ") &&
           take_clock(&text, &civil) && take(&text, " GMT") && text.len == 0 &&
           settle_century(&civil, now_s, out_s);
}

int fcache_date_parse(fcache_bytes_t text, int64_t now_s, int64_t *out_s)
{
    int is_whole;
    if (!take_weekday(&text, &is_whole)) {
        return 0;
    }
    if (take(&text, ", ")) {
        return is_whole ? read_rfc850(text, now_s, out_s)
                        : read_imf(text, out_s);
    }
    return !is_whole && take(&text, " ") && read_asctime(text, out_s);
}

/* ---- writing ------------------------------------------------------------- */

static char *put(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

static char *put_number(char *out, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return out + digits;
}

void fcache_date_format(int64_t time_s, char out[FCACHE_DATE_LEN + 1])
{
    int64_t since_first = clamp_time(time_s) - FIRST_TIME_S;
    int64_t day = since_first / DAY_S;
    int second = (int)(since_first % DAY_S);
    fci_civil_t civil;
    fci_civil_from_days(day + FIRST_TIME_S / DAY_S, &civil);
    out = put(out, days[(day + 6) % 7], 3); /* 0000-01-01 was a Saturday */
    out = put(out, ", ", 2);
    out = put_number(out, civil.day, 2);
    out = put(out, " ", 1);
    out = put(out, months[civil.month - 1], 3);
    out = put(out, " ", 1);
    out = put_number(out, civil.year, 4);
    out = put(out, " ", 1);
    out = put_number(out, second / 3600, 2);
    out = put(out, ":", 1);
    out = put_number(out, second / 60 % 60, 2);
    out = put(out, ":", 1);
    out = put_number(out, second % 60, 2);
    out = put(out, " GMT", 4);
    *out = '\0';
}
