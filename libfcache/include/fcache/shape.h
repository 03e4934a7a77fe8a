/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_SHAPE_H
#define FCACHE_SHAPE_H

/*
 * Typed coders. A struct is described once, by a table of its members, and there
 * are coders that write it as JSON, or in a compact form, and make the same
 * struct of it again, in a pool:
 *
 *   typedef struct user_t {
 *       int64_t id;
 *       fcache_bytes_t name;
 *       fcache_bytes_t balance;             // decimal: exact text
 *       int64_t born_us;
 *       const item_t *items; size_t item_count;
 *       const int32_t *age;                 // NULL: not known
 *   } user_t;
 *
 *   static const fcache_member_t user_members[] = {
 *       FCACHE_MEMBER(user_t, id, FCACHE_KIND_INT64),
 *       FCACHE_MEMBER(user_t, name, FCACHE_KIND_STRING),
 *       FCACHE_MEMBER(user_t, balance, FCACHE_KIND_DECIMAL),
 *       FCACHE_MEMBER(user_t, born_us, FCACHE_KIND_TIME),
 *       FCACHE_ARRAY(user_t, items, item_count, FCACHE_KIND_SHAPE, &item),
 *       FCACHE_OPTIONAL(user_t, age, FCACHE_KIND_INT32, NULL),
 *   };
 *   static const fcache_shape_t user = FCACHE_SHAPE(user_t, user_members);
 *
 * What comes back is exactly what was written: 64-bit integers, decimals, times
 * to the microsecond, UTF-8 with its NULs, bytes. What a store holds that is not
 * of the shape is CORRUPT, and the text says where and what:
 * `$.items[3].price: string, not a decimal`.
 */

#include <fcache/coder.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * name, C type, what it is called in errors.
 *
 * In JSON, an unsigned number above INT64_MAX is a string of its digits; BYTES
 * are base64 (RFC 4648 §4); TIME is RFC 3339 in UTC, of the years 0 to 9999, and
 * microseconds since 1970 in C; DATE is its full-date, and days since 1970 in C.
 * A DOUBLE in JSON is finite. DECIMAL is an optional minus, digits, and maybe a
 * point and digits, at most FCACHE_DECIMAL_MAX bytes of text in both.
 */
#define FCACHE_KIND_LIST(X)                                                    \
    X(INT8, int8_t, "an int8")                                                 \
    X(INT16, int16_t, "an int16")                                              \
    X(INT32, int32_t, "an int32")                                              \
    X(INT64, int64_t, "an int64")                                              \
    X(UINT8, uint8_t, "a uint8")                                               \
    X(UINT16, uint16_t, "a uint16")                                            \
    X(UINT32, uint32_t, "a uint32")                                            \
    X(UINT64, uint64_t, "a uint64")                                            \
    X(DOUBLE, double, "a double")                                              \
    X(BOOL, bool, "a boolean")                                                 \
    X(STRING, fcache_bytes_t, "a string")                                      \
    X(BYTES, fcache_bytes_t, "base64 bytes")                                   \
    X(DECIMAL, fcache_bytes_t, "a decimal")                                    \
    X(TIME, int64_t, "a time")                                                 \
    X(DATE, int32_t, "a date")

typedef enum fcache_kind_t {
#define X(name, type, text) FCACHE_KIND_##name,
    FCACHE_KIND_LIST(X)
#undef X
        FCACHE_KIND_SHAPE /* a struct of another shape, in place */
} fcache_kind_t;

#define FCACHE_DECIMAL_MAX 128

typedef enum fcache_how_t {
    FCACHE_HOW_PLAIN,    /* the value itself */
    FCACHE_HOW_OPTIONAL, /* a pointer to it, or NULL */
    FCACHE_HOW_FLAGGED,  /* the value itself, and a bool: is it there? */
    FCACHE_HOW_ARRAY     /* a pointer to the first, and a size_t: how many */
} fcache_how_t;

typedef struct fcache_shape_t fcache_shape_t;

typedef struct fcache_member_t {
    const char *name; /* NULL: the only one, which stands for its struct */
    fcache_kind_t kind;
    fcache_how_t how;
    size_t size;                 /* of one value */
    size_t offset;               /* of it in the struct */
    size_t aux;                  /* offset of the flag or the count */
    const fcache_shape_t *shape; /* of FCACHE_KIND_SHAPE */
} fcache_member_t;

struct fcache_shape_t {
    const char *name;
    size_t size;
    const fcache_member_t *members;
    size_t count;
};

/* Rows of a table of members. A kind that does not have the member's size is
 * refused when a coder is made. */
#define FCACHE_MEMBER(type, field, kind)                                       \
    {                                                                          \
#field, kind, FCACHE_HOW_PLAIN, sizeof(((type *)0)->field),            \
            offsetof(type, field), 0, NULL                                     \
    }
#define FCACHE_NESTED(type, field, shape)                                      \
    {                                                                          \
#field, FCACHE_KIND_SHAPE, FCACHE_HOW_PLAIN,                           \
            sizeof(((type *)0)->field), offsetof(type, field), 0, shape        \
    }
#define FCACHE_OPTIONAL(type, field, kind, shape)                              \
    {                                                                          \
#field, kind, FCACHE_HOW_OPTIONAL, sizeof(*((type *)0)->field),        \
            offsetof(type, field), 0, shape                                    \
    }
#define FCACHE_FLAGGED(type, field, flag, kind, shape)                         \
    {                                                                          \
#field, kind, FCACHE_HOW_FLAGGED, sizeof(((type *)0)->field),          \
            offsetof(type, field), offsetof(type, flag), shape                 \
    }
#define FCACHE_ARRAY(type, field, count, kind, shape)                          \
    {                                                                          \
#field, kind, FCACHE_HOW_ARRAY, sizeof(*((type *)0)->field),           \
            offsetof(type, field), offsetof(type, count), shape                \
    }
#define FCACHE_SHAPE(type, members)                                            \
    {                                                                          \
#type, sizeof(type), members, sizeof(members) / sizeof((members)[0])   \
    }

/* The shape of a value of that kind alone, in a result that is a number, say.
 * NULL for FCACHE_KIND_SHAPE. Static. */
FCACHE_API const fcache_shape_t *fcache_shape_of(fcache_kind_t kind);

typedef enum fcache_shape_format_t {
    FCACHE_SHAPE_JSON,  /* for readers in other languages and for eyes */
    FCACHE_SHAPE_BINARY /* compact; refused by other shapes than its own */
} fcache_shape_format_t;

/* Ceilings of one value, written or read; 0 is the default of each. */
typedef struct fcache_shape_limits_t {
    size_t max_bytes;   /* of its text, and of the memory it takes: 16 MiB */
    size_t max_items;   /* of all its arrays: 1,000,000 */
    unsigned max_depth; /* of structs and arrays: 32, at most 64 */
} fcache_shape_limits_t;

/*
 * A coder of that name and shape, in the pool; `shape` and what it points to is
 * borrowed. Register it (fcache_coder_register) or give it to a call. BAD_INPUT
 * says which member of which shape is wrong. `limits` may be NULL.
 *
 * encode: BAD_INPUT for what cannot be written (text that is not UTF-8, say),
 * TOO_LARGE past a ceiling. decode: fills a whole struct, zero where nothing is;
 * strings end in a NUL that their length does not count. Any thread.
 */
FCACHE_API fcache_status_t fcache_shape_coder_create(
    const char *name, const fcache_shape_t *shape, fcache_shape_format_t format,
    const fcache_shape_limits_t *limits, const fcache_coder_t **out_coder,
    apr_pool_t *pool, fcache_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
