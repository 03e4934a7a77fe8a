/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCM_DRAFT_H
#define FCM_DRAFT_H

/*
 * An item on its way in. Of a large body whole segments are filled as it comes;
 * what is left, at most half a segment, is written with the record.
 */

#include "index.h"
#include "segment.h"

/* Bytes in pieces, read from front to back. */
typedef struct fcm_source_t {
    const fcache_bytes_t *pieces;
    size_t count;
    size_t offset; /* in the first of them */
} fcm_source_t;

/* Bytes in it; UINT64_MAX when they cannot be counted. */
uint64_t fcm_source_len(const fcm_source_t *source);

/* Copies `len` bytes, which must be there. */
void fcm_source_read(fcm_source_t *source, char *out, size_t len);

typedef struct fcm_draft_t {
    fcm_extent_t extents[FCM_EXTENTS];
    uint32_t count;
    uint32_t tail; /* bytes in the last one */
    uint64_t body_len;
} fcm_draft_t;

void fcm_draft_init(fcm_draft_t *draft);

/* Takes a segment and moves as much into it as it holds and `source` has.
 * NO_MEMORY when there is none. */
fcache_status_t fcm_draft_extend(const fcm_op_t *op, fcm_draft_t *draft,
                                 fcm_source_t *source, uint64_t left,
                                 fcache_error_t *error);

/* Fills up the last segment. Answers how much it took. */
size_t fcm_draft_fill(const fcm_op_t *op, fcm_draft_t *draft,
                      fcache_bytes_t bytes);

/* Gives everything back. */
void fcm_draft_abort(const fcm_op_t *op, fcm_draft_t *draft);

/* What has to be written. */
typedef struct fcm_commit_t {
    const fcache_key_t *key;
    const fcache_value_t *value;
    int add; /* only if there is none */
} fcm_commit_t;

/* The item is written with the rest of its body and seen by all, or all is
 * given back. Ends the draft. */
fcache_status_t fcm_draft_commit(const fcm_op_t *op, fcm_draft_t *draft,
                                 fcm_source_t *rest, const fcm_commit_t *commit,
                                 fcache_error_t *error);

#endif
