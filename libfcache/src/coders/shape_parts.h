/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_SHAPE_PARTS_H
#define FCI_SHAPE_PARTS_H

/*
 * What the coders of shapes share: shape.c makes them, shape_json.c and
 * shape_binary.c are their formats, shape_text.c the texts of values, this and
 * shape_walk.c the way through a struct.
 */

#include <fcache/shape.h>

#define FCI_SHAPE_MAX_DEPTH 64

typedef struct fci_shape_coder_t {
    fcache_coder_t coder;
    const fcache_shape_t *shape;
    fcache_shape_limits_t limits;
    uint64_t fingerprint; /* of all that the binary form depends on */
} fci_shape_coder_t;

/* A step of the path to where we are: a member, or an element. */
typedef struct fci_step_t {
    const struct fci_step_t *up; /* NULL: the root */
    const char *name;            /* NULL: an element */
    size_t index;
} fci_step_t;

/* One value on its way in or out. */
typedef struct fci_walk_t {
    apr_pool_t *pool;
    fcache_error_t *error;
    size_t bytes_left; /* of memory */
    size_t items_left;
    unsigned depth_left;
    fcache_status_t status; /* of the first failure */
} fci_walk_t;

fci_walk_t fci_walk_of(const fcache_coder_t *coder, apr_pool_t *pool,
                       fcache_error_t *error);

/* Notes the failure, "$.items[3].price: " before the text. Answers 0. */
int fci_walk_fail(fci_walk_t *walk, const fci_step_t *at,
                  fcache_status_t status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Down into a struct or an array, and up again: 0 when it is too deep. */
int fci_walk_down(fci_walk_t *walk, const fci_step_t *at);
void fci_walk_up(fci_walk_t *walk);

/* Zeroed memory for an array that was read; NULL past a ceiling. */
void *fci_walk_array(fci_walk_t *walk, const fci_step_t *at, size_t count,
                     size_t size);

/* Counts memory that was copied into the pool. */
int fci_walk_spend(fci_walk_t *walk, const fci_step_t *at, size_t bytes);

/* A copy with a NUL behind it; 0 past a ceiling. */
int fci_walk_copy(fci_walk_t *walk, const fci_step_t *at, fcache_bytes_t bytes,
                  fcache_bytes_t *out);

/* "an int8", ... */
const char *fci_kind_text(fcache_kind_t kind);

/* ---- members ------------------------------------------------------------- */

static inline const void *fci_member_at(const void *structure, size_t offset)
{
    return (const char *)structure + offset;
}

static inline void *fci_member_in(void *structure, size_t offset)
{
    return (char *)structure + offset;
}

/* The first of the values of a member and how many there are: 0 or 1, but for
 * arrays. */
const void *fci_member_values(const fcache_member_t *member,
                              const void *structure, size_t *out_count);

/* Says in the struct that the member has these values. */
void fci_member_set(const fcache_member_t *member, void *structure,
                    const void *values, size_t count);

/* ---- numbers: all the integers of a kind --------------------------------- */

int fci_kind_is_signed(fcache_kind_t kind); /* INT8 to INT64, TIME, DATE */
int fci_kind_is_unsigned(fcache_kind_t kind);

int64_t fci_signed_get(const void *at, size_t size);
uint64_t fci_unsigned_get(const void *at, size_t size);

/* 0 when it does not fit. */
int fci_signed_set(void *at, size_t size, int64_t number);
int fci_unsigned_set(void *at, size_t size, uint64_t number);

/* ---- texts --------------------------------------------------------------- */

#define FCI_TIME_LEN 27 /* 2026-02-28T23:59:59.123456Z */

int fci_is_utf8(fcache_bytes_t text);
int fci_is_decimal(fcache_bytes_t text);

/* NUL-terminated; 0 outside of the years 0 to 9999. */
int fci_time_format(int64_t time_us, char out[FCI_TIME_LEN + 1]);
int fci_day_format(int64_t day, char out[FCI_TIME_LEN + 1]);

/* RFC 3339 §5.6, no leap second, at most microseconds. */
int fci_time_parse(fcache_bytes_t text, int64_t *out_us);
int fci_day_parse(fcache_bytes_t text, int64_t *out_day);

/* ---- formats ------------------------------------------------------------- */

fcache_status_t fci_shape_json_encode(const fcache_coder_t *coder,
                                      const void *value, fcache_buf_t *out,
                                      fcache_error_t *error);
fcache_status_t fci_shape_json_decode(const fcache_coder_t *coder,
                                      fcache_bytes_t bytes, void *out_value,
                                      apr_pool_t *pool, fcache_error_t *error);
fcache_status_t fci_shape_binary_encode(const fcache_coder_t *coder,
                                        const void *value, fcache_buf_t *out,
                                        fcache_error_t *error);
fcache_status_t fci_shape_binary_decode(const fcache_coder_t *coder,
                                        fcache_bytes_t bytes, void *out_value,
                                        apr_pool_t *pool,
                                        fcache_error_t *error);

#endif
