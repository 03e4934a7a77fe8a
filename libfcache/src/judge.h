/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_JUDGE_H
#define FCI_JUDGE_H

/* What the files of fcache_judge() share: storable.c says what may be stored and
 * for how long, update.c what an answer without a body makes of an entry. */

#include "cc.h"

#include <fcache/policy.h>

/* What is judged: for a 304 the stored response as it will be. */
typedef struct fci_case_t {
    const fcache_policy_t *policy;
    const fcache_request_t *request;
    int status;
    fcache_fields_t fields;
    fcache_cc_t cc;
    int is_targeted;
    int is_refresh;
    int is_revalidation; /* our validators were sent, and no Range */
    size_t vary_count;
    int64_t request_us;
    int64_t response_us;
    int64_t now_us;
} fci_case_t;

/* By its fields, whatever it came from. */
fcache_judgement_t fci_judge_case(fci_case_t *c);

/* An answer to someone's cookies is everyone's only if the origin says so (T9):
 * is it one of which it does not? */
int fci_is_of_cookies(const fcache_policy_t *policy,
                      const fcache_request_t *request, fcache_fields_t fields,
                      const fcache_cc_t *cc);

fcache_judgement_t fci_ruled(fcache_ruling_t ruling, fcache_reason_t reason);

/* A 304; `stored` NULL when it was not asked for. */
fcache_judgement_t fci_judge_304(fci_case_t *c,
                                 const fcache_response_t *response,
                                 const fcache_entry_t *stored);

/* As fcache_fields_merge(), whatever tag the update bears. */
fcache_fields_t fci_fields_merge(const fcache_policy_t *policy,
                                 const fcache_request_t *request,
                                 fcache_bytes_t stored_block,
                                 fcache_fields_t update, fcache_field_t *space,
                                 size_t capacity);

#endif
