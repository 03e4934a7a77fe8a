/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/http.h>

#include "check.h"

#define EXAMPLE INT64_C(784111777)  /* that of RFC 9110 §5.6.7 */
#define NOW     INT64_C(1800000000) /* 2027-01-15 */
#define BAD     INT64_MIN

static const struct {
    const char *text;
    int64_t time_s;
} parsing_rows[] = {
    /* the three forms */
    {"Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE},
    {"Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE},
    {"Sun Nov  6 08:49:37 1994", EXAMPLE},
    {"Sun Nov 06 08:49:37 1994", EXAMPLE},
    {"Sun Nov 16 08:49:37 1994", EXAMPLE + 10 * 86400},
    /* names and zone in any case */
    {"sun, 06 nov 1994 08:49:37 gmt", EXAMPLE},
    {"SUN, 06 NOV 1994 08:49:37 GMT", EXAMPLE},
    {"sUNDAY, 06-nOV-94 08:49:37 Gmt", EXAMPLE},
    {"SUN NOV  6 08:49:37 1994", EXAMPLE},
    /* the ends */
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(2147483648)},
    {"Sat, 01 Jan 0000 00:00:00 GMT", INT64_C(-62167219200)},
    {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    /* two digits: at most 50 years ahead */
    {"Friday, 01-Jan-27 00:00:00 GMT", 1798761600},
    {"Friday, 01-Jan-76 00:00:00 GMT", INT64_C(3345062400)},
    {"Friday, 01-Jan-77 00:00:00 GMT", INT64_C(3376684800)},
    {"Friday, 01-Feb-77 00:00:00 GMT", 223603200},
    {"Friday, 01-Jan-99 00:00:00 GMT", 915148800},
    {"Friday, 01-Jan-00 00:00:00 GMT", 946684800},
    /* nothing else */
    {"", BAD},
    {"0", BAD},
    {"-1", BAD},
    {"never", BAD},
    {"784111777", BAD},
    {" Sun, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", BAD},
    {"Sun, 06 Nov 1994 08:49:37 GMT, x", BAD},
    {"Sun, 06 Nov 1994 08:49:37", BAD},
    {"Sun, 06 Nov 1994 08:49:37 UTC", BAD},
    {"Sun, 06 Nov 1994 08:49:37 Z", BAD},
    {"Sun, 06 Nov 1994 08:49:37 +0000", BAD},
    {"Sun, 06 Nov 1994 08:49:37 GMT+1", BAD},
    {"Sun, 06 Nov 94 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 01994 08:49:37 GMT", BAD},
    {"Sun, 6 Nov 1994 08:49:37 GMT", BAD},
    {"Sun,  6 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 006 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 8:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 08:49 GMT", BAD},
    {"Sun, 06 Nov 1994 08:49:7 GMT", BAD},
    {"Sun, 06 Nov 1994 08.49.37 GMT", BAD},
    {"Sun, 06 Nov 1994  08:49:37 GMT", BAD},
    {"Sun, 06-Nov-1994 08:49:37 GMT", BAD},
    {"Sun, 06-Nov-94 08:49:37 GMT", BAD},
    {"Sunday, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sunday, 06-Nov-1994 08:49:37 GMT", BAD},
    {"Sunday, 06-November-94 08:49:37 GMT", BAD},
    {"Sunday Nov  6 08:49:37 1994", BAD},
    {"Sun Nov 6 08:49:37 1994", BAD},
    {"Sun Nov  6 08:49:37 1994 GMT", BAD},
    {"Sun Nov  6 08:49:37 94", BAD},
    {"Sun 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sun,06 Nov 1994 08:49:37 GMT", BAD},
    {"06 Nov 1994 08:49:37 GMT", BAD},
    {"Son, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Nob 1994 08:49:37 GMT", BAD},
    {"Sun, 00 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 31 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 29 Feb 2023 08:49:37 GMT", BAD},
    {"Sun, 29 Feb 1900 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 24:00:00 GMT", BAD},
    {"Sun, 06 Nov 1994 08:60:37 GMT", BAD},
    {"Sun, 06 Nov 1994 08:49:61 GMT", BAD},
    {"Sun, -6 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Nov -994 08:49:37 GMT", BAD},
    {"1994-11-06T08:49:37Z", BAD},
    {"Sun", BAD},
    {"Sun,", BAD},
    {"Sun, ", BAD},
    {"Sunday, ", BAD},
    {"Sun ", BAD},
};

static void parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(parsing_rows); i++) {
        int64_t time_s = BAD;
        ROW(i, parsing_rows[i].text);
        int is_date =
            fcache_date_parse(fcache_str(parsing_rows[i].text), NOW, &time_s);
        CHECK_INT(is_date, parsing_rows[i].time_s != BAD);
        if (is_date) {
            CHECK_INT(time_s, parsing_rows[i].time_s);
        }
    }
}

/* Every prefix of a date is none. */
static void truncation(void **state)
{
    static const char *const dates[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        for (size_t len = 0; len < strlen(dates[i]); len++) {
            int64_t time_s;
            ROW(len, dates[i]);
            CHECK_INT(
                fcache_date_parse(fcache_bytes(dates[i], len), NOW, &time_s),
                0);
        }
    }
}

static void formatting(void **state)
{
    static const struct {
        int64_t time_s;
        const char *text;
    } rows[] = {
        {EXAMPLE, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {INT64_C(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[FCACHE_DATE_LEN + 1];
        ROW(i, rows[i].text);
        fcache_date_format(rows[i].time_s, out);
        CHECK_TEXT(fcache_str(out), rows[i].text);
    }
}

static void format_then_parse(void **state)
{
    (void)state;
    for (int64_t time_s = INT64_C(-62167219200); time_s < INT64_C(253402300800);
         time_s += 86400 * 97 + 12347) {
        char out[FCACHE_DATE_LEN + 1];
        int64_t back;
        fcache_date_format(time_s, out);
        ROW((size_t)time_s, out);
        CHECK_INT(fcache_date_parse(fcache_str(out), NOW, &back), 1);
        CHECK_INT(back, time_s);
    }
}

/* RFC 9110 §5.6.7, seen from any year: never more than 50 years ahead, never
 * 50 or more behind. */
static void two_digit_years(void **state)
{
    static const int64_t fifty_years = INT64_C(50) * 31557600;
    (void)state;
    for (int64_t now_s = 0; now_s < INT64_C(8000000000); now_s += 40000003) {
        for (int year = 0; year < 100; year++) {
            char text[40];
            int64_t time_s;
            snprintf(text, sizeof text, "Monday, 01-Jan-%02d 00:00:00 GMT",
                     year);
            ROW((size_t)now_s, text);
            CHECK_INT(fcache_date_parse(fcache_str(text), now_s, &time_s), 1);
            assert_true(time_s <= now_s + fifty_years);
            assert_true(time_s > now_s - fifty_years - 2 * 86400);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),         cmocka_unit_test(truncation),
        cmocka_unit_test(formatting),      cmocka_unit_test(format_then_parse),
        cmocka_unit_test(two_digit_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
