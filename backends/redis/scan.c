/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

void fcrd_scan_init(fcrd_scan_t *scan, const fcrd_limits_t *limits)
{
    *scan = (fcrd_scan_t){.left = *limits};
}

/* A length as servers write it: digits, or -1, which *out_len is 0 for. */
static int read_length(const char *text, size_t len, uint64_t *out_len)
{
    *out_len = 0;
    if (len == 2 && memcmp(text, "-1", 2) == 0) {
        return 1;
    }
    if (len == 0 || len > 18) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        *out_len = *out_len * 10 + (uint64_t)(text[i] - '0');
    }
    return 1;
}

static fcache_status_t end_line(fcrd_scan_t *scan, fcache_error_t *error)
{
    uint64_t length;
    size_t len = scan->line_len;
    scan->line_len = 0;
    if (scan->type != '$' && scan->type != '*') {
        return FCACHE_OK;
    }
    /* without type, CR and LF */
    if (len - 3 > sizeof(scan->digits) ||
        !read_length(scan->digits, len - 3, &length)) {
        return fcache_error_set(error, FCACHE_PROTOCOL,
                                "a reply's length is no number");
    }
    uint64_t *left =
        scan->type == '$' ? &scan->left.max_bulk : &scan->left.max_items;
    if (length > *left) {
        return fcache_error_set(
            error, FCACHE_PROTOCOL, "a reply of more than %llu %s",
            (unsigned long long)*left, scan->type == '$' ? "bytes" : "items");
    }
    if (scan->type == '*') {
        *left -= length;
    } else if (scan->digits[0] != '-') {
        scan->skip = length + 2;
    }
    return FCACHE_OK;
}

static fcache_status_t scan_line_byte(fcrd_scan_t *scan, char byte,
                                      fcache_error_t *error)
{
    if (scan->line_len == 0) {
        if (byte == '\0' || !strchr("+-:$*", byte)) {
            return fcache_error_set(error, FCACHE_PROTOCOL,
                                    "the reply is not of RESP2");
        }
        scan->type = byte;
        scan->after_return = 0;
    } else if (scan->line_len <= sizeof(scan->digits)) {
        scan->digits[scan->line_len - 1] = byte;
    }
    scan->line_len++;
    if (byte == '\n' && scan->after_return) {
        return end_line(scan, error);
    }
    scan->after_return = byte == '\r';
    if (scan->line_len > FCRD_LINE_MAX) {
        return fcache_error_set(error, FCACHE_PROTOCOL,
                                "a reply's line of more than %d bytes",
                                FCRD_LINE_MAX);
    }
    return FCACHE_OK;
}

/* Passes over what is left of a string; its end must be CR LF. */
static size_t skip_string(fcrd_scan_t *scan, fcache_bytes_t bytes,
                          fcache_error_t *error, fcache_status_t *out_status)
{
    static const char end[] = "\n\r"; /* by what is left */
    if (scan->skip > 2) {
        uint64_t body = scan->skip - 2;
        size_t used = body < bytes.len ? (size_t)body : bytes.len;
        scan->skip -= used;
        return used;
    }
    if (bytes.ptr[0] != end[scan->skip - 1]) {
        *out_status = fcache_error_set(error, FCACHE_PROTOCOL,
                                       "a reply's string does not end where "
                                       "its length says");
    }
    scan->skip--;
    return 1;
}

fcache_status_t fcrd_scan_feed(fcrd_scan_t *scan, fcache_bytes_t bytes,
                               fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    if (bytes.len > scan->left.max_bytes) {
        return fcache_error_set(error, FCACHE_PROTOCOL,
                                "replies are larger than they may be");
    }
    scan->left.max_bytes -= bytes.len;
    while (status == FCACHE_OK && bytes.len > 0) {
        size_t used = 1;
        if (scan->skip > 0) {
            used = skip_string(scan, bytes, error, &status);
        } else {
            status = scan_line_byte(scan, bytes.ptr[0], error);
        }
        bytes = fcache_bytes(bytes.ptr + used, bytes.len - used);
    }
    return status;
}
