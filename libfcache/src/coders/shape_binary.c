/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/shape_parts.h"
#include "wire.h"

/*
 * Eleven bytes "FS", version, fingerprint of the shape; then the members in their
 * order. Integers are LEB128 of the shortest length, signed ones zigzag; a double
 * is its eight bytes, little-endian; text has its length before it; what may lack
 * a byte 0 or 1; an array its count. There is one form of each value.
 */
#define VERSION 1
#define HEAD    11

typedef struct coding_t {
    fci_walk_t walk;
    fcache_buf_t *out;
    const char *at; /* the rest of what is read */
    size_t left;
} coding_t;

static int encode_struct(coding_t *coding, const fci_step_t *at,
                         const fcache_shape_t *shape, const void *value);
static int decode_struct(coding_t *coding, const fci_step_t *at,
                         const fcache_shape_t *shape, void *value);

static void put_head(const fci_shape_coder_t *own, char out[HEAD])
{
    out[0] = 'F';
    out[1] = 'S';
    out[2] = VERSION;
    fci_put(out + 3, own->fingerprint, 8);
}

/* ---- encode -------------------------------------------------------------- */

static int write_bytes(coding_t *coding, const fci_step_t *at,
                       fcache_bytes_t bytes)
{
    fcache_status_t status = fcache_buf_append(coding->out, bytes);
    return status == FCACHE_OK && fci_walk_spend(&coding->walk, at, bytes.len)
               ? 1
               : fci_walk_fail(&coding->walk, at, status, "%s",
                               fcache_status_text(status));
}

static int write_number(coding_t *coding, const fci_step_t *at, uint64_t number)
{
    char bytes[10];
    size_t len = 0;
    for (; number >= 0x80; number >>= 7) {
        bytes[len++] = (char)(unsigned char)(number | 0x80);
    }
    bytes[len++] = (char)number;
    return write_bytes(coding, at, fcache_bytes(bytes, len));
}

static int write_signed(coding_t *coding, const fci_step_t *at, int64_t number)
{
    uint64_t bits = (uint64_t)number << 1;
    return write_number(coding, at, number < 0 ? ~bits : bits);
}

static int write_double(coding_t *coding, const fci_step_t *at,
                        const double *number)
{
    uint64_t bits;
    char bytes[8];
    memcpy(&bits, number, sizeof(bits));
    fci_put(bytes, bits, sizeof(bytes));
    return write_bytes(coding, at, fcache_bytes(bytes, sizeof(bytes)));
}

/* What the text of that kind is not, or NULL. */
static const char *complain(fcache_kind_t kind, fcache_bytes_t text)
{
    if (kind == FCACHE_KIND_DECIMAL && !fci_is_decimal(text)) {
        return "not a decimal";
    }
    return kind == FCACHE_KIND_STRING && !fci_is_utf8(text) ? "not UTF-8"
                                                            : NULL;
}

static int write_text(coding_t *coding, const fci_step_t *at,
                      fcache_kind_t kind, fcache_bytes_t text)
{
    const char *wrong = complain(kind, text);
    return wrong
               ? fci_walk_fail(&coding->walk, at, FCACHE_BAD_INPUT, "%s", wrong)
               : write_number(coding, at, text.len) &&
                     write_bytes(coding, at, text);
}

static int encode_value(coding_t *coding, const fci_step_t *at,
                        const fcache_member_t *member, const void *value)
{
    if (member->kind == FCACHE_KIND_SHAPE) {
        return encode_struct(coding, at, member->shape, value);
    }
    if (member->kind == FCACHE_KIND_DOUBLE) {
        return write_double(coding, at, value);
    }
    if (member->kind == FCACHE_KIND_BOOL) {
        return write_number(coding, at, *(const bool *)value);
    }
    if (fci_kind_is_signed(member->kind)) {
        return write_signed(coding, at, fci_signed_get(value, member->size));
    }
    return fci_kind_is_unsigned(member->kind)
               ? write_number(coding, at, fci_unsigned_get(value, member->size))
               : write_text(coding, at, member->kind,
                            *(const fcache_bytes_t *)value);
}

static int encode_array(coding_t *coding, const fci_step_t *at,
                        const fcache_member_t *member, const void *values,
                        size_t count)
{
    fci_walk_t *walk = &coding->walk;
    if (count > walk->items_left) {
        return fci_walk_fail(walk, at, FCACHE_TOO_LARGE, "too many items");
    }
    walk->items_left -= count;
    if (!fci_walk_down(walk, at) || !write_number(coding, at, count)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const fci_step_t step = {at, NULL, i};
        if (!encode_value(coding, &step, member,
                          fci_member_at(values, i * member->size))) {
            return 0;
        }
    }
    fci_walk_up(walk);
    return 1;
}

static int encode_member(coding_t *coding, const fci_step_t *at,
                         const fcache_member_t *member, const void *structure)
{
    size_t count = 0;
    const void *values = fci_member_values(member, structure, &count);
    if (member->how == FCACHE_HOW_ARRAY) {
        return encode_array(coding, at, member, values, count);
    }
    if (member->how != FCACHE_HOW_PLAIN && !write_number(coding, at, count)) {
        return 0;
    }
    return count == 0 || encode_value(coding, at, member, values);
}

static int encode_struct(coding_t *coding, const fci_step_t *at,
                         const fcache_shape_t *shape, const void *value)
{
    if (!fci_walk_down(&coding->walk, at)) {
        return 0;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const fcache_member_t *member = &shape->members[i];
        const fci_step_t step = {at, member->name, 0};
        if (!encode_member(coding, member->name ? &step : at, member, value)) {
            return 0;
        }
    }
    fci_walk_up(&coding->walk);
    return 1;
}

fcache_status_t fci_shape_binary_encode(const fcache_coder_t *coder,
                                        const void *value, fcache_buf_t *out,
                                        fcache_error_t *error)
{
    const fci_shape_coder_t *own = coder->baton;
    const fci_step_t root = {NULL, NULL, 0};
    coding_t coding = {fci_walk_of(coder, NULL, error), out, NULL, 0};
    size_t before = out->len;
    char head[HEAD];
    put_head(own, head);
    if (!write_bytes(&coding, &root, fcache_bytes(head, sizeof(head))) ||
        !encode_struct(&coding, &root, own->shape, value)) {
        out->len = before;
    }
    return coding.walk.status;
}

/* ---- decode -------------------------------------------------------------- */

static int broken(coding_t *coding, const fci_step_t *at, const char *text)
{
    fci_walk_fail(&coding->walk, at, FCACHE_CORRUPT, "%s", text);
    return 0;
}

static int read_bytes(coding_t *coding, const fci_step_t *at, uint64_t len,
                      fcache_bytes_t *out)
{
    if (len > coding->left) {
        return broken(coding, at, "cut off");
    }
    *out = fcache_bytes(coding->at, (size_t)len);
    coding->at += len;
    coding->left -= (size_t)len;
    return 1;
}

static int read_number(coding_t *coding, const fci_step_t *at, uint64_t *out)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        fcache_bytes_t byte = {NULL, 0};
        if (!read_bytes(coding, at, 1, &byte)) {
            return 0;
        }
        uint64_t bits = (unsigned char)byte.ptr[0];
        number |= (bits & 0x7f) << shift;
        if (bits < 0x80) {
            /* the shortest form, and nothing above the 64 bits */
            *out = number;
            return (bits > 0 || shift == 0) && (shift < 63 || bits == 1)
                       ? 1
                       : broken(coding, at, "not a number");
        }
    }
    return broken(coding, at, "not a number");
}

static int read_text(coding_t *coding, const fci_step_t *at, fcache_kind_t kind,
                     fcache_bytes_t *out)
{
    uint64_t len = 0;
    fcache_bytes_t text = {NULL, 0};
    if (!read_number(coding, at, &len) || !read_bytes(coding, at, len, &text)) {
        return 0;
    }
    const char *wrong = complain(kind, text);
    return wrong ? broken(coding, at, wrong)
                 : fci_walk_copy(&coding->walk, at, text, out);
}

static int read_double(coding_t *coding, const fci_step_t *at, double *out)
{
    fcache_bytes_t bytes = {NULL, 0};
    if (!read_bytes(coding, at, 8, &bytes)) {
        return 0;
    }
    uint64_t bits = fci_get(bytes.ptr, 8);
    memcpy(out, &bits, sizeof(*out));
    return 1;
}

static int read_bool(coding_t *coding, const fci_step_t *at, bool *out)
{
    uint64_t number = 0;
    if (!read_number(coding, at, &number)) {
        return 0;
    }
    *out = number == 1;
    return number <= 1 || broken(coding, at, "neither true nor false");
}

static int decode_number(coding_t *coding, const fci_step_t *at,
                         const fcache_member_t *member, void *value)
{
    uint64_t bits = 0;
    if (!read_number(coding, at, &bits)) {
        return 0;
    }
    int64_t number = (int64_t)(bits >> 1 ^ (0 - (bits & 1)));
    int fits = fci_kind_is_signed(member->kind)
                   ? fci_signed_set(value, member->size, number)
                   : fci_unsigned_set(value, member->size, bits);
    return fits || fci_walk_fail(&coding->walk, at, FCACHE_CORRUPT,
                                 "number, not %s", fci_kind_text(member->kind));
}

static int decode_value(coding_t *coding, const fci_step_t *at,
                        const fcache_member_t *member, void *value)
{
    if (member->kind == FCACHE_KIND_SHAPE) {
        return decode_struct(coding, at, member->shape, value);
    }
    if (member->kind == FCACHE_KIND_DOUBLE) {
        return read_double(coding, at, value);
    }
    if (member->kind == FCACHE_KIND_BOOL) {
        return read_bool(coding, at, value);
    }
    return fci_kind_is_signed(member->kind) ||
                   fci_kind_is_unsigned(member->kind)
               ? decode_number(coding, at, member, value)
               : read_text(coding, at, member->kind, value);
}

static int decode_array(coding_t *coding, const fci_step_t *at,
                        const fcache_member_t *member, void *structure)
{
    uint64_t count = 0;
    void *values = NULL;
    if (!fci_walk_down(&coding->walk, at) || !read_number(coding, at, &count)) {
        return 0;
    }
    /* Each takes a byte at least. */
    if (count > coding->left) {
        return broken(coding, at, "more items than bytes");
    }
    if (count > 0) {
        values = fci_walk_array(&coding->walk, at, (size_t)count, member->size);
    }
    for (size_t i = 0; values && i < count; i++) {
        const fci_step_t step = {at, NULL, i};
        if (!decode_value(coding, &step, member,
                          fci_member_in(values, i * member->size))) {
            return 0;
        }
    }
    fci_walk_up(&coding->walk);
    fci_member_set(member, structure, values, (size_t)count);
    return count == 0 || values;
}

static int decode_member(coding_t *coding, const fci_step_t *at,
                         const fcache_member_t *member, void *structure)
{
    void *value = fci_member_in(structure, member->offset);
    bool is_there = true;
    if (member->how == FCACHE_HOW_ARRAY) {
        return decode_array(coding, at, member, structure);
    }
    if (member->how != FCACHE_HOW_PLAIN && !read_bool(coding, at, &is_there)) {
        return 0;
    }
    if (is_there && member->how == FCACHE_HOW_OPTIONAL) {
        value = fci_walk_array(&coding->walk, at, 1, member->size);
    }
    if (is_there && (!value || !decode_value(coding, at, member, value))) {
        return 0;
    }
    fci_member_set(member, structure, is_there ? value : NULL, is_there);
    return 1;
}

static int decode_struct(coding_t *coding, const fci_step_t *at,
                         const fcache_shape_t *shape, void *value)
{
    if (!fci_walk_down(&coding->walk, at)) {
        return 0;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const fcache_member_t *member = &shape->members[i];
        const fci_step_t step = {at, member->name, 0};
        if (!decode_member(coding, member->name ? &step : at, member, value)) {
            return 0;
        }
    }
    fci_walk_up(&coding->walk);
    return 1;
}

static int decode_all(coding_t *coding, const fci_step_t *root,
                      const fci_shape_coder_t *own, void *value)
{
    char head[HEAD];
    fcache_bytes_t found = {NULL, 0};
    put_head(own, head);
    if (!read_bytes(coding, root, HEAD, &found) ||
        memcmp(found.ptr, head, HEAD) != 0) {
        return broken(coding, root, "of another shape or version");
    }
    return decode_struct(coding, root, own->shape, value) &&
           (coding->left == 0 || broken(coding, root, "bytes behind its end"));
}

fcache_status_t fci_shape_binary_decode(const fcache_coder_t *coder,
                                        fcache_bytes_t bytes, void *out_value,
                                        apr_pool_t *pool, fcache_error_t *error)
{
    const fci_shape_coder_t *own = coder->baton;
    const fci_step_t root = {NULL, NULL, 0};
    coding_t coding = {fci_walk_of(coder, pool, error), NULL, bytes.ptr,
                       bytes.len};
    memset(out_value, 0, own->shape->size);
    if (!decode_all(&coding, &root, own, out_value)) {
        memset(out_value, 0, own->shape->size);
    }
    return coding.walk.status == FCACHE_TOO_LARGE ? FCACHE_CORRUPT
                                                  : coding.walk.status;
}
