/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_RANGE_H
#define FCACHE_RANGE_H

/*
 * Stored parts (RFC 9111 §3.3, RFC 9110 §14): a 206 is kept as an entry with
 * status 206 and its own Content-Range, never as the whole, and answers the
 * ranges that lie in it. Pure; any thread. Ranges of whole entries are the
 * server's affair.
 */

#include <fcache/entry.h>
#include <fcache/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes first to last of a representation. */
typedef struct fcache_part_t {
    int64_t first;
    int64_t last;
    int64_t complete; /* length of the whole, or -1 when not known */
} fcache_part_t;

/* Content-Range of a single part: "bytes 0-4/10", "bytes 0-4/" and a '*'. */
FCACHE_API int fcache_part_parse(fcache_bytes_t text, fcache_part_t *out_part);

#define FCACHE_PART_LEN 72
/* Its text and a NUL. */
FCACHE_API void fcache_part_format(const fcache_part_t *part,
                                   char out[FCACHE_PART_LEN]);

/*
 * Which bytes of the stored part does the request want? 1, the part to send and
 * where it begins in the stored body;
 * 0 when the origin has to be asked: no single range, one that is not all
 * there, or an If-Range that is not the part's strong entity tag.
 *
 * A part may be shorter than its Content-Range says; only what is there counts,
 * but a range without an end ends where the part does, if that reaches the end
 * (a server may send less than was asked for, RFC 9110 §15.3.7).
 */
FCACHE_API int fcache_part_answers(const fcache_entry_t *entry,
                                   fcache_fields_t request_fields,
                                   fcache_part_t *out_part,
                                   uint64_t *out_offset);

#ifdef __cplusplus
}
#endif
#endif
