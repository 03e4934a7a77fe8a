/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SHAPES_H
#define TESTS_SHAPES_H

/* A struct of everything that a shape can hold. */

#include <fcache/shape.h>

typedef struct part_t {
    fcache_bytes_t name;
    fcache_bytes_t price; /* decimal */
    const int32_t *weight;
} part_t;

static const fcache_member_t part_members[] = {
    FCACHE_MEMBER(part_t, name, FCACHE_KIND_STRING),
    FCACHE_MEMBER(part_t, price, FCACHE_KIND_DECIMAL),
    FCACHE_OPTIONAL(part_t, weight, FCACHE_KIND_INT32, NULL),
};
static const fcache_shape_t part_shape = FCACHE_SHAPE(part_t, part_members);

typedef struct whole_t {
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    double real;
    bool truth;
    fcache_bytes_t text;
    fcache_bytes_t blob;
    fcache_bytes_t price;
    int64_t at_us;
    int32_t day;
    part_t part;
    const part_t *spare;
    bool has_limit;
    uint16_t limit;
    const part_t *parts;
    size_t part_count;
    const uint64_t *numbers;
    size_t number_count;
    const struct whole_t *inner;
} whole_t;

extern const fcache_shape_t whole_shape;
static const fcache_member_t whole_members[] = {
    FCACHE_MEMBER(whole_t, i8, FCACHE_KIND_INT8),
    FCACHE_MEMBER(whole_t, i16, FCACHE_KIND_INT16),
    FCACHE_MEMBER(whole_t, i32, FCACHE_KIND_INT32),
    FCACHE_MEMBER(whole_t, i64, FCACHE_KIND_INT64),
    FCACHE_MEMBER(whole_t, u8, FCACHE_KIND_UINT8),
    FCACHE_MEMBER(whole_t, u16, FCACHE_KIND_UINT16),
    FCACHE_MEMBER(whole_t, u32, FCACHE_KIND_UINT32),
    FCACHE_MEMBER(whole_t, u64, FCACHE_KIND_UINT64),
    FCACHE_MEMBER(whole_t, real, FCACHE_KIND_DOUBLE),
    FCACHE_MEMBER(whole_t, truth, FCACHE_KIND_BOOL),
    FCACHE_MEMBER(whole_t, text, FCACHE_KIND_STRING),
    FCACHE_MEMBER(whole_t, blob, FCACHE_KIND_BYTES),
    FCACHE_MEMBER(whole_t, price, FCACHE_KIND_DECIMAL),
    FCACHE_MEMBER(whole_t, at_us, FCACHE_KIND_TIME),
    FCACHE_MEMBER(whole_t, day, FCACHE_KIND_DATE),
    FCACHE_NESTED(whole_t, part, &part_shape),
    FCACHE_OPTIONAL(whole_t, spare, FCACHE_KIND_SHAPE, &part_shape),
    FCACHE_FLAGGED(whole_t, limit, has_limit, FCACHE_KIND_UINT16, NULL),
    FCACHE_ARRAY(whole_t, parts, part_count, FCACHE_KIND_SHAPE, &part_shape),
    FCACHE_ARRAY(whole_t, numbers, number_count, FCACHE_KIND_UINT64, NULL),
    FCACHE_OPTIONAL(whole_t, inner, FCACHE_KIND_SHAPE, &whole_shape),
};
const fcache_shape_t whole_shape = FCACHE_SHAPE(whole_t, whole_members);

#endif
