/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_SCAN_H
#define FCRD_SCAN_H

/*
 * Looks over the bytes of replies before anything is built of them. In RESP2
 * every length stands before what it measures, and nesting does not matter to
 * where the next line begins: so all lengths can be held against limits in one
 * pass, before hiredis' reader, which knows no limits, keeps a byte of it.
 */

#include <fcache/bytes.h>

#include <stdint.h>

#define FCRD_LINE_MAX 16384 /* of a status, an error, a number */

typedef struct fcrd_limits_t {
    uint64_t max_bulk;  /* bytes of one string */
    uint64_t max_bytes; /* of all replies of an exchange */
    uint64_t max_items; /* of all arrays of an exchange */
} fcrd_limits_t;

typedef struct fcrd_scan_t {
    fcrd_limits_t left;
    uint64_t skip; /* of a string, its CR LF included */
    size_t line_len;
    char type;        /* of the line begun */
    char digits[24];  /* after the type */
    int after_return; /* the last byte was CR */
} fcrd_scan_t;

void fcrd_scan_init(fcrd_scan_t *scan, const fcrd_limits_t *limits);

/* OK, or PROTOCOL for what is no RESP2 or is past a limit. */
fcache_status_t fcrd_scan_feed(fcrd_scan_t *scan, fcache_bytes_t bytes,
                               fcache_error_t *error);

#endif
