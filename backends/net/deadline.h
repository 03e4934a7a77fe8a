/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCN_DEADLINE_H
#define FCN_DEADLINE_H

/* Points of the monotonic clock by which something must be done. Any thread. */

#include <stddef.h>
#include <stdint.h>

typedef struct fcn_deadline_t {
    int64_t at_us;
} fcn_deadline_t;

/* The monotonic clock, in microseconds. Only backends/net reads it. */
int64_t fcn_clock_us(void);

fcn_deadline_t fcn_deadline_in(int64_t us);
fcn_deadline_t fcn_deadline_sooner(fcn_deadline_t a, fcn_deadline_t b);

/* The first of `parts` equal parts of what is left, 1 at least: no server may use up
 * the time of those behind it. */
fcn_deadline_t fcn_deadline_share(fcn_deadline_t deadline, size_t parts);

/* What is left, rounded up to whole milliseconds; 0 when it has passed. */
int fcn_deadline_left_ms(fcn_deadline_t deadline);

#endif
