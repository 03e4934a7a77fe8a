/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_COUNTERS_H
#define FCR_COUNTERS_H

/*
 * The counters by which a record is judged, see remote.h: their names, and which
 * of them are known to exist. Each scope has a hard and a soft one. Tags share
 * FCR_TAG_COUNTERS of each kind, so that there is no end of clears that can fill
 * a store; everything, prefixes and namespaces have one each. Any thread.
 */

#include "client.h"

#define FCR_TAGS_MAX     64
#define FCR_SCOPES_MAX   (3 + FCR_TAGS_MAX)
#define FCR_TAG_COUNTERS 65536
#define FCR_COUNTER_MAX  34 /* "{fcache}h:" and 24 characters at most */

/* What a record belongs to. */
typedef struct fcr_scopes_t {
    fcache_bytes_t prefix, ns;
    fcache_bytes_t tags; /* length-prefixed list */
} fcr_scopes_t;

/* Points into itself. */
typedef struct fcr_counters_t {
    size_t count;                             /* of scopes, each once */
    fcache_bytes_t names[2 * FCR_SCOPES_MAX]; /* hard and soft of each */
    uint32_t marks[FCR_SCOPES_MAX];
    char text[2 * FCR_SCOPES_MAX][FCR_COUNTER_MAX];
} fcr_counters_t;

/* The counter of a scope, in `space`; empty when OpenSSL has no memory. */
fcache_bytes_t fcr_counter_name(const fcache_scope_t *scope,
                                char space[FCR_COUNTER_MAX]);

/* OK; CORRUPT for tags that are no list of FCR_TAGS_MAX; NO_MEMORY. */
fcache_status_t fcr_counters_of(const fcr_scopes_t *scopes, fcr_counters_t *out,
                                fcache_error_t *error);

/* ---- which are known to exist -------------------------------------------- */

/* They may be evicted, so what is known is forgotten when it turns out to be
 * wrong, and after an hour: who asks then also uses those that few clears touch. */
#define FCR_MARKS_US (INT64_C(3600) * 1000000)

int fcr_marked(const fcn_shared_t *shared, uint32_t clock_no, uint32_t mark);
void fcr_mark(fcn_shared_t *shared, uint32_t clock_no, uint32_t mark,
              int exists);
void fcr_marks_forget(fcn_shared_t *shared, uint32_t clock_no);
void fcr_marks_age(fcn_shared_t *shared, uint32_t clock_no, int64_t now_us);

#endif
