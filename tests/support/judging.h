/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_JUDGING_H
#define TESTS_JUDGING_H

/* fcache_judge() on messages written as text, all at one time. */

#include <fcache/policy.h>

#include "check.h"
#include "messages.h"

#define S       FCACHE_US_PER_S
#define T0      (INT64_C(1800000000) * S)
#define NOW     "Fri, 15 Jan 2027 08:00:00 GMT" /* T0 */
#define HOUR    "Fri, 15 Jan 2027 09:00:00 GMT"
#define EARLIER "Fri, 15 Jan 2027 07:59:50 GMT"
#define OLD     "Fri, 15 Jan 2027 07:00:00 GMT"
#define CC      "Cache-Control: "
#define R(name) FCACHE_REASON_##name
#define F(name) FCACHE_ENTRY_##name

static inline fcache_judgement_t judge(const fcache_policy_t *policy,
                                       const char *method, const char *asked,
                                       int status, const char *answered,
                                       const fcache_entry_t *stored)
{
    message_t m;
    message_t n;
    fcache_request_t request = {.method = fcache_str(method),
                                .fields = fields_of(&m, asked)};
    fcache_response_t response = {status, fields_of(&n, answered), T0, T0};
    return fcache_judge(policy, &request, &response, stored, T0);
}

static inline void check_ruling(fcache_judgement_t got, fcache_ruling_t ruling,
                                fcache_reason_t reason)
{
    CHECK_TEXT(fcache_str(fcache_reason_text(got.reason)),
               fcache_reason_text(reason));
    CHECK_INT(got.ruling, ruling);
}

#endif
