/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_KEY_QUERY_H
#define FCI_KEY_QUERY_H

/*
 * What the query rules make of a raw query. Parameters are split at '&' only,
 * their names end at the first '=', and nothing is decoded: the result is both
 * keyed and forwarded, so no origin can read it differently than the key (T4).
 */

#include <fcache/key.h>

typedef enum fci_query_keep_t {
    FCI_QUERY_ALL,
    FCI_QUERY_ONLY,
    FCI_QUERY_DROP,
    FCI_QUERY_NONE
} fci_query_keep_t;

typedef struct fci_query_name_t {
    const char *text; /* "utm_*" ends in a wildcard */
    size_t len;
    struct fci_query_name_t *next;
} fci_query_name_t;

typedef struct fci_query_rule_t {
    fci_query_keep_t keep;
    int sort; /* by name; repeated names keep their order */
    fci_query_name_t *names;
} fci_query_rule_t;

/* The query that remains, `query` itself when nothing changes; ptr NULL for
 * none. Past FCACHE_KEY_MAX_CANONICAL nothing is applied, because such a
 * request has no key. */
fcache_bytes_t fci_query_apply(const fci_query_rule_t *rule,
                               fcache_bytes_t query, apr_pool_t *pool);

#endif
