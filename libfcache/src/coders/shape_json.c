/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/json_parts.h"
#include "coders/shape_parts.h"

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)
#define MAX_DIGITS      20 /* of UINT64_MAX */

static json_t *encode_struct(fci_walk_t *walk, const fci_step_t *at,
                             const fcache_shape_t *shape, const void *value);
static int decode_struct(fci_walk_t *walk, const fci_step_t *at,
                         const fcache_shape_t *shape, const json_t *json,
                         void *value);

/* ---- encode -------------------------------------------------------------- */

static json_t *refuse(fci_walk_t *walk, const fci_step_t *at, const char *text)
{
    fci_walk_fail(walk, at, FCACHE_BAD_INPUT, "%s", text);
    return NULL;
}

static json_t *encode_unsigned(uint64_t number)
{
    return number <= INT64_MAX
               ? json_integer((json_int_t)number)
               : json_sprintf("%llu", (unsigned long long)number);
}

static json_t *encode_text(fci_walk_t *walk, const fci_step_t *at,
                           fcache_kind_t kind, fcache_bytes_t text)
{
    if (kind == FCACHE_KIND_BYTES) {
        return fci_json_base64(text);
    }
    if (kind == FCACHE_KIND_DECIMAL && !fci_is_decimal(text)) {
        return refuse(walk, at, "not a decimal");
    }
    return fci_is_utf8(text)
               ? json_stringn_nocheck(text.len ? text.ptr : "", text.len)
               : refuse(walk, at, "not UTF-8");
}

static json_t *encode_time(fci_walk_t *walk, const fci_step_t *at,
                           fcache_kind_t kind, int64_t number)
{
    char text[FCI_TIME_LEN + 1];
    int is_good = kind == FCACHE_KIND_TIME ? fci_time_format(number, text)
                                           : fci_day_format(number, text);
    return is_good ? json_string_nocheck(text)
                   : refuse(walk, at, "outside of the years 0 to 9999");
}

static json_t *encode_double(fci_walk_t *walk, const fci_step_t *at,
                             double number)
{
    int is_finite = number - number == 0;
    return is_finite ? json_real(number)
                     : refuse(walk, at, "JSON has no infinity and no NaN");
}

/* Text counts: what is too large for its ceiling is not built first. */
static json_t *encode_value(fci_walk_t *walk, const fci_step_t *at,
                            const fcache_member_t *member, const void *value)
{
    const fcache_bytes_t *text = value;
    switch (member->kind) {
    case FCACHE_KIND_INT8:
    case FCACHE_KIND_INT16:
    case FCACHE_KIND_INT32:
    case FCACHE_KIND_INT64:
        return json_integer(fci_signed_get(value, member->size));
    case FCACHE_KIND_UINT8:
    case FCACHE_KIND_UINT16:
    case FCACHE_KIND_UINT32:
    case FCACHE_KIND_UINT64:
        return encode_unsigned(fci_unsigned_get(value, member->size));
    case FCACHE_KIND_DOUBLE:
        return encode_double(walk, at, *(const double *)value);
    case FCACHE_KIND_BOOL:
        return json_boolean(*(const bool *)value);
    case FCACHE_KIND_STRING:
    case FCACHE_KIND_BYTES:
    case FCACHE_KIND_DECIMAL:
        return fci_walk_spend(walk, at, text->len)
                   ? encode_text(walk, at, member->kind, *text)
                   : NULL;
    case FCACHE_KIND_TIME:
    case FCACHE_KIND_DATE:
        return encode_time(walk, at, member->kind,
                           fci_signed_get(value, member->size));
    case FCACHE_KIND_SHAPE:
        break;
    }
    return encode_struct(walk, at, member->shape, value);
}

static json_t *encode_array(fci_walk_t *walk, const fci_step_t *at,
                            const fcache_member_t *member, const void *values,
                            size_t count)
{
    if (count > walk->items_left) {
        fci_walk_fail(walk, at, FCACHE_TOO_LARGE, "too many items");
        return NULL;
    }
    walk->items_left -= count;
    json_t *array = fci_walk_down(walk, at) ? json_array() : NULL;
    for (size_t i = 0; array && i < count; i++) {
        const fci_step_t step = {at, NULL, i};
        json_t *json = encode_value(walk, &step, member,
                                    fci_member_at(values, i * member->size));
        if (!json || json_array_append_new(array, json) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    fci_walk_up(walk);
    return array;
}

static json_t *encode_member(fci_walk_t *walk, const fci_step_t *at,
                             const fcache_member_t *member,
                             const void *structure)
{
    size_t count = 0;
    const void *values = fci_member_values(member, structure, &count);
    if (member->how == FCACHE_HOW_ARRAY) {
        return encode_array(walk, at, member, values, count);
    }
    return count == 0 ? json_null() : encode_value(walk, at, member, values);
}

/* What is absent is left out; alone, it is null. */
static json_t *encode_members(fci_walk_t *walk, const fci_step_t *at,
                              const fcache_shape_t *shape, const void *value)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < shape->count; i++) {
        const fcache_member_t *member = &shape->members[i];
        const fci_step_t step = {at, member->name, 0};
        json_t *json = encode_member(walk, &step, member, value);
        if (json_is_null(json)) {
            continue;
        }
        if (!json ||
            json_object_set_new_nocheck(object, member->name, json) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *encode_struct(fci_walk_t *walk, const fci_step_t *at,
                             const fcache_shape_t *shape, const void *value)
{
    json_t *json = NULL;
    if (!fci_walk_down(walk, at)) {
        return NULL;
    }
    json = shape->members[0].name
               ? encode_members(walk, at, shape, value)
               : encode_member(walk, at, &shape->members[0], value);
    fci_walk_up(walk);
    return json;
}

fcache_status_t fci_shape_json_encode(const fcache_coder_t *coder,
                                      const void *value, fcache_buf_t *out,
                                      fcache_error_t *error)
{
    const fci_shape_coder_t *own = coder->baton;
    const fci_step_t root = {NULL, NULL, 0};
    fci_walk_t walk = fci_walk_of(coder, NULL, error);
    size_t before = out->len;
    json_t *json = encode_struct(&walk, &root, own->shape, value);
    if (!json) {
        fci_walk_fail(&walk, &root, FCACHE_NO_MEMORY, "no memory");
        return walk.status;
    }
    int failed = json_dump_callback(json, fci_json_append, out,
                                    JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
    if (failed || out->len - before > own->limits.max_bytes) {
        out->len = before;
        fci_walk_fail(&walk, &root, FCACHE_TOO_LARGE, "too large");
    }
    return walk.status;
}

/* ---- decode -------------------------------------------------------------- */

static const char *type_text(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        return "null";
    }
    return "nothing";
}

static int mismatch(fci_walk_t *walk, const fci_step_t *at, const json_t *json,
                    const char *wanted)
{
    return fci_walk_fail(walk, at, FCACHE_CORRUPT, "%s, not %s",
                         type_text(json), wanted);
}

static fcache_bytes_t text_of(const json_t *json)
{
    return fcache_bytes(json_string_value(json), json_string_length(json));
}

/* A number above INT64_MAX, as its digits. */
static int read_digits(fcache_bytes_t text, uint64_t *out)
{
    uint64_t number = 0;
    if (text.len == 0 || text.len > MAX_DIGITS) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, digit, &number)) {
            return 0;
        }
    }
    *out = number;
    return number > INT64_MAX && text.ptr[0] != '0';
}

static int decode_unsigned(const fcache_member_t *member, const json_t *json,
                           void *value)
{
    uint64_t number = 0;
    if (json_is_integer(json) && json_integer_value(json) >= 0) {
        number = (uint64_t)json_integer_value(json);
    } else if (!json_is_string(json) || !read_digits(text_of(json), &number)) {
        return 0;
    }
    return fci_unsigned_set(value, member->size, number);
}

static int decode_double(const json_t *json, double *out)
{
    if (json_is_real(json)) {
        *out = json_real_value(json);
        return 1;
    }
    json_int_t number = json_integer_value(json);
    *out = (double)number;
    return json_is_integer(json) && number <= EXACT_IN_DOUBLE &&
           number >= -EXACT_IN_DOUBLE;
}

static int decode_time(const fcache_member_t *member, const json_t *json,
                       void *value)
{
    int64_t number = 0;
    if (!json_is_string(json)) {
        return 0;
    }
    return (member->kind == FCACHE_KIND_TIME
                ? fci_time_parse(text_of(json), &number)
                : fci_day_parse(text_of(json), &number)) &&
           fci_signed_set(value, member->size, number);
}

/* 1, 0 when it is of another type, -1 after another failure. */
static int decode_text(fci_walk_t *walk, const fci_step_t *at,
                       fcache_kind_t kind, const json_t *json,
                       fcache_bytes_t *out)
{
    if (!json_is_string(json) ||
        (kind == FCACHE_KIND_DECIMAL && !fci_is_decimal(text_of(json)))) {
        return 0;
    }
    if (kind != FCACHE_KIND_BYTES) {
        return fci_walk_copy(walk, at, text_of(json), out) ? 1 : -1;
    }
    if (!fci_walk_spend(walk, at, json_string_length(json))) {
        return -1;
    }
    *out = fci_json_copy_base64(json, walk->pool);
    return out->ptr != NULL;
}

static int decode_value(fci_walk_t *walk, const fci_step_t *at,
                        const fcache_member_t *member, const json_t *json,
                        void *value)
{
    int is_good = 0;
    switch (member->kind) {
    case FCACHE_KIND_INT8:
    case FCACHE_KIND_INT16:
    case FCACHE_KIND_INT32:
    case FCACHE_KIND_INT64:
        is_good = json_is_integer(json) &&
                  fci_signed_set(value, member->size, json_integer_value(json));
        break;
    case FCACHE_KIND_UINT8:
    case FCACHE_KIND_UINT16:
    case FCACHE_KIND_UINT32:
    case FCACHE_KIND_UINT64:
        is_good = decode_unsigned(member, json, value);
        break;
    case FCACHE_KIND_DOUBLE:
        is_good = decode_double(json, value);
        break;
    case FCACHE_KIND_BOOL:
        *(bool *)value = json_is_true(json);
        is_good = json_is_boolean(json);
        break;
    case FCACHE_KIND_STRING:
    case FCACHE_KIND_BYTES:
    case FCACHE_KIND_DECIMAL:
        is_good = decode_text(walk, at, member->kind, json, value);
        break;
    case FCACHE_KIND_TIME:
    case FCACHE_KIND_DATE:
        is_good = decode_time(member, json, value);
        break;
    case FCACHE_KIND_SHAPE:
        return decode_struct(walk, at, member->shape, json, value);
    }
    return is_good != 0 ? is_good > 0
                        : mismatch(walk, at, json, fci_kind_text(member->kind));
}

static int decode_array(fci_walk_t *walk, const fci_step_t *at,
                        const fcache_member_t *member, const json_t *json,
                        void *structure)
{
    size_t count = json_array_size(json);
    void *values = NULL;
    if (!json_is_array(json)) {
        return mismatch(walk, at, json, "an array");
    }
    if (count > 0) {
        values = fci_walk_array(walk, at, count, member->size);
        if (!values || !fci_walk_down(walk, at)) {
            return 0;
        }
        for (size_t i = 0; i < count; i++) {
            const fci_step_t step = {at, NULL, i};
            if (!decode_value(walk, &step, member, json_array_get(json, i),
                              fci_member_in(values, i * member->size))) {
                return 0;
            }
        }
        fci_walk_up(walk);
    }
    fci_member_set(member, structure, values, count);
    return 1;
}

static int decode_member(fci_walk_t *walk, const fci_step_t *at,
                         const fcache_member_t *member, const json_t *json,
                         void *structure)
{
    void *value = fci_member_in(structure, member->offset);
    int may_lack =
        member->how == FCACHE_HOW_OPTIONAL || member->how == FCACHE_HOW_FLAGGED;
    if (may_lack && (!json || json_is_null(json))) {
        fci_member_set(member, structure, NULL, 0);
        return 1;
    }
    if (!json) {
        return fci_walk_fail(walk, at, FCACHE_CORRUPT, "missing");
    }
    if (member->how == FCACHE_HOW_ARRAY) {
        return decode_array(walk, at, member, json, structure);
    }
    if (member->how == FCACHE_HOW_OPTIONAL) {
        value = fci_walk_array(walk, at, 1, member->size);
    }
    if (!value || !decode_value(walk, at, member, json, value)) {
        return 0;
    }
    fci_member_set(member, structure, value, 1);
    return 1;
}

static int decode_members(fci_walk_t *walk, const fci_step_t *at,
                          const fcache_shape_t *shape, const json_t *json,
                          void *value)
{
    size_t known = 0;
    if (!json_is_object(json)) {
        return mismatch(walk, at, json, "an object");
    }
    for (size_t i = 0; i < shape->count; i++) {
        const fcache_member_t *member = &shape->members[i];
        const fci_step_t step = {at, member->name, 0};
        const json_t *found = json_object_get(json, member->name);
        known += found != NULL;
        if (!decode_member(walk, &step, member, found, value)) {
            return 0;
        }
    }
    return known == json_object_size(json) ||
           fci_walk_fail(walk, at, FCACHE_CORRUPT,
                         "has a member that %s has not",
                         shape->name ? shape->name : "its shape");
}

static int decode_struct(fci_walk_t *walk, const fci_step_t *at,
                         const fcache_shape_t *shape, const json_t *json,
                         void *value)
{
    if (!fci_walk_down(walk, at)) {
        return 0;
    }
    int is_good =
        shape->members[0].name
            ? decode_members(walk, at, shape, json, value)
            : decode_member(walk, at, &shape->members[0], json, value);
    fci_walk_up(walk);
    return is_good;
}

fcache_status_t fci_shape_json_decode(const fcache_coder_t *coder,
                                      fcache_bytes_t bytes, void *out_value,
                                      apr_pool_t *pool, fcache_error_t *error)
{
    const fci_shape_coder_t *own = coder->baton;
    const fci_step_t root = {NULL, NULL, 0};
    fci_walk_t walk = fci_walk_of(coder, pool, error);
    json_t *json = NULL;
    memset(out_value, 0, own->shape->size);
    if (bytes.len <= own->limits.max_bytes &&
        fci_json_is_shallow(bytes, (int)own->limits.max_depth)) {
        json = json_loadb(
            bytes.len ? bytes.ptr : "", bytes.len,
            JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    }
    if (!json) {
        fci_walk_fail(&walk, &root, FCACHE_CORRUPT,
                      "not JSON, too deep or too large");
        return walk.status;
    }
    if (!decode_struct(&walk, &root, own->shape, json, out_value)) {
        memset(out_value, 0, own->shape->size);
        fci_walk_fail(&walk, &root, FCACHE_NO_MEMORY, "no memory");
    }
    json_decref(json);
    return walk.status == FCACHE_TOO_LARGE
               ? FCACHE_CORRUPT /* what was read, not what was asked */
               : walk.status;
}
