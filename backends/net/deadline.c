/* SPDX-License-Identifier: Apache-2.0 */
#include "deadline.h"

#include <limits.h>
#include <time.h>

int64_t fcn_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

fcn_deadline_t fcn_deadline_in(int64_t us)
{
    return (fcn_deadline_t){fcn_clock_us() + us};
}

fcn_deadline_t fcn_deadline_sooner(fcn_deadline_t a, fcn_deadline_t b)
{
    return a.at_us < b.at_us ? a : b;
}

fcn_deadline_t fcn_deadline_share(fcn_deadline_t deadline, size_t parts)
{
    int64_t now_us = fcn_clock_us();
    int64_t us = deadline.at_us > now_us ? deadline.at_us - now_us : 0;
    return (fcn_deadline_t){now_us + us / (int64_t)parts};
}

int fcn_deadline_left_ms(fcn_deadline_t deadline)
{
    int64_t left_us = deadline.at_us - fcn_clock_us();
    if (left_us <= 0) {
        return 0;
    }
    int64_t left_ms = left_us / 1000 + (left_us % 1000 != 0);
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}
