/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_CIVIL_H
#define FCI_CIVIL_H

/* Days of the proleptic Gregorian calendar, years 0 to 9999. */

#include <stdint.h>

#define FCI_DAY_S 86400

typedef struct fci_civil_t {
    int year, month, day; /* month and day from 1 */
    int hour, minute, second;
} fci_civil_t;

/* Days from 1970-01-01. */
int64_t fci_days_from_civil(int year, int month, int day);

/* Sets the date, not the time of day. */
void fci_civil_from_days(int64_t days_since_epoch, fci_civil_t *out);

int fci_days_of_month(int year, int month);

#endif
