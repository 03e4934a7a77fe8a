/* SPDX-License-Identifier: Apache-2.0 */
#include "civil.h"

/* Years are counted from March, so that the leap day is the last. */
int64_t fci_days_from_civil(int year, int month, int day)
{
    int shifted = (month + 9) % 12; /* March is 0 */
    int64_t y = month <= 2 ? year + 399 : year + 400;
    int64_t of_year = (153 * shifted + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468 - 146097;
}

void fci_civil_from_days(int64_t days_since_epoch, fci_civil_t *out)
{
    int64_t shifted = days_since_epoch + 719468 + 146097;
    int64_t era = shifted / 146097;
    int64_t of_era = shifted % 146097;
    int64_t y =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t month = (5 * of_year + 2) / 153; /* March is 0 */
    out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = (int)(y + (era - 1) * 400 + (out->month <= 2));
}

int fci_days_of_month(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && is_leap);
}
