/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_KEY_RULES_H
#define FCI_KEY_RULES_H

/* Compiled key rules: key_rules.c reads the words, key_parts.c has what they
 * add, key_build.c puts a key together. */

#include "key_query.h"

/* One thing that is added to each key. */
typedef struct fci_key_rule_t fci_key_rule_t;

typedef fcache_status_t (*fci_key_part_fn)(const fci_key_rule_t *rule,
                                           const fcache_request_t *request,
                                           fcache_tuple_t *tuple,
                                           apr_pool_t *pool);

struct fci_key_rule_t {
    fci_key_part_fn add;
    const char *label; /* in the key */
    const char *what;  /* of an attribute */
    const char *name;
    fci_key_rule_t *next;
};

struct fcache_key_rules_t {
    int without_host;
    int without_scheme;
    fci_query_rule_t query;
    fci_key_rule_t *added; /* in the order of the words */
    fci_key_rule_t **added_end;
};

/* Each line of the field apart; absent adds nothing, empty adds "". */
fcache_status_t fci_key_add_header(const fci_key_rule_t *rule,
                                   const fcache_request_t *request,
                                   fcache_tuple_t *tuple, apr_pool_t *pool);

/* Every cookie of that name, so that none can hide behind another. */
fcache_status_t fci_key_add_cookie(const fci_key_rule_t *rule,
                                   const fcache_request_t *request,
                                   fcache_tuple_t *tuple, apr_pool_t *pool);

/* What only the server knows; UNSUPPORTED when it does not tell. */
fcache_status_t fci_key_add_attribute(const fci_key_rule_t *rule,
                                      const fcache_request_t *request,
                                      fcache_tuple_t *tuple, apr_pool_t *pool);

#endif
