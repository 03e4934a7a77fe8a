/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/shape.h>

#include "coders/shape_parts.h"

#include <fcache/entry.h>

#include <apr_strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAX_SHAPES    64
#define MAX_MEMBERS   256
#define MAX_NAME      64
#define DEFAULT_BYTES ((size_t)16 << 20)
#define MAX_BYTES     ((size_t)1 << 30)
#define DEFAULT_ITEMS 1000000
#define DEFAULT_DEPTH 32

/* ---- kinds --------------------------------------------------------------- */

static const struct {
    size_t size;
    const char *text;
} kinds[] = {
#define X(name, type, text) {sizeof(type), text},
    FCACHE_KIND_LIST(X)
#undef X
};

const char *fci_kind_text(fcache_kind_t kind)
{
    return kind < FCACHE_KIND_SHAPE ? kinds[kind].text : "an object";
}

const fcache_shape_t *fcache_shape_of(fcache_kind_t kind)
{
    static const fcache_member_t members[] = {
#define X(name, type, text)                                                    \
    {NULL, FCACHE_KIND_##name, FCACHE_HOW_PLAIN, sizeof(type), 0, 0, NULL},
        FCACHE_KIND_LIST(X)
#undef X
    };
    static const fcache_shape_t shapes[] = {
#define X(name, type, text)                                                    \
    {text, sizeof(type), &members[FCACHE_KIND_##name], 1},
        FCACHE_KIND_LIST(X)
#undef X
    };
    return kind < FCACHE_KIND_SHAPE ? &shapes[kind] : NULL;
}

/* ---- is the description one? ---------------------------------------------- */

/* All shapes that one is made of: each once, also of those that hold themselves
 * by a pointer. */
typedef struct family_t {
    const fcache_shape_t *shapes[MAX_SHAPES];
    size_t count;
    XXH3_state_t *hash;
} family_t;

static void hash_number(family_t *family, uint64_t number)
{
    unsigned char bytes[8];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(number >> (8 * i));
    }
    XXH3_64bits_update(family->hash, bytes, sizeof(bytes));
}

/* Its place in the family, where it comes when it is new; MAX_SHAPES: no room. */
static size_t place_of(family_t *family, const fcache_shape_t *shape)
{
    size_t i = 0;
    while (i < family->count && family->shapes[i] != shape) {
        i++;
    }
    if (i == family->count && i < MAX_SHAPES) {
        family->shapes[family->count++] = shape;
    }
    return i;
}

static size_t aux_size(fcache_how_t how)
{
    if (how == FCACHE_HOW_ARRAY) {
        return sizeof(size_t);
    }
    return how == FCACHE_HOW_FLAGGED ? sizeof(bool) : 0;
}

static int fits(size_t offset, size_t size, size_t room)
{
    return offset <= room && size <= room - offset;
}

/* What is wrong with the member, or NULL. */
static const char *complain(const fcache_shape_t *shape,
                            const fcache_member_t *member)
{
    int is_pointer =
        member->how == FCACHE_HOW_OPTIONAL || member->how == FCACHE_HOW_ARRAY;
    size_t size = 0;
    if (member->kind > FCACHE_KIND_SHAPE || member->how > FCACHE_HOW_ARRAY) {
        return "no such kind";
    }
    if (member->kind == FCACHE_KIND_SHAPE && !member->shape) {
        return "a struct without its shape";
    }
    if (member->kind == FCACHE_KIND_SHAPE && member->shape == shape &&
        !is_pointer) {
        return "a struct inside of itself";
    }
    size = member->kind == FCACHE_KIND_SHAPE ? member->shape->size
                                             : kinds[member->kind].size;
    if (member->size != size) {
        return "its size is not that of its kind";
    }
    if (!fits(member->offset, is_pointer ? sizeof(void *) : size,
              shape->size) ||
        !fits(member->aux, aux_size(member->how), shape->size)) {
        return "outside of its struct";
    }
    return NULL;
}

static const char *complain_name(const fcache_shape_t *shape, size_t index)
{
    fcache_bytes_t name = fcache_str(shape->members[index].name);
    if (!name.ptr) {
        return shape->count == 1 ? NULL : "no name, and is not the only one";
    }
    if (name.len == 0 || name.len > MAX_NAME || !fci_is_utf8(name)) {
        return "a name is 1 to 64 bytes of UTF-8";
    }
    for (size_t i = 0; i < index; i++) {
        if (fcache_bytes_equal(fcache_str(shape->members[i].name), name)) {
            return "there twice";
        }
    }
    return NULL;
}

static fcache_status_t check_shape(family_t *family,
                                   const fcache_shape_t *shape,
                                   fcache_error_t *error)
{
    const char *own = shape->name ? shape->name : "shape";
    if (shape->count < 1 || shape->count > MAX_MEMBERS || !shape->members) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "%s: a shape has 1 to %d members", own,
                                MAX_MEMBERS);
    }
    hash_number(family, shape->count);
    for (size_t i = 0; i < shape->count; i++) {
        const fcache_member_t *member = &shape->members[i];
        const char *wrong = complain_name(shape, i);
        if (!wrong) {
            wrong = complain(shape, member);
        }
        size_t place = 0;
        if (!wrong && member->kind == FCACHE_KIND_SHAPE) {
            place = place_of(family, member->shape);
            wrong = place == MAX_SHAPES ? "one shape too many" : NULL;
        }
        fcache_bytes_t name = fcache_str(member->name);
        if (wrong) {
            return fcache_error_set(
                error, FCACHE_BAD_INPUT, "%s, member %zu%s%s: %s", own, i,
                name.len ? " " : "", name.len ? member->name : "", wrong);
        }
        hash_number(family, member->kind);
        hash_number(family, member->how);
        hash_number(family, place);
        hash_number(family, name.len);
        XXH3_64bits_update(family->hash, name.len ? name.ptr : "", name.len);
    }
    return FCACHE_OK;
}

/* Checks all of them and answers what they are in one number. */
static fcache_status_t check_all(const fcache_shape_t *shape,
                                 uint64_t *out_fingerprint,
                                 fcache_error_t *error)
{
    family_t family = {{shape}, 1, XXH3_createState()};
    fcache_status_t status = FCACHE_OK;
    if (!family.hash) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a shape");
    }
    XXH3_64bits_reset(family.hash);
    for (size_t i = 0; i < family.count && status == FCACHE_OK; i++) {
        status = check_shape(&family, family.shapes[i], error);
    }
    *out_fingerprint = XXH3_64bits_digest(family.hash);
    XXH3_freeState(family.hash);
    return status;
}

/* ---- the coder ----------------------------------------------------------- */

static fcache_status_t set_limits(fci_shape_coder_t *own,
                                  const fcache_shape_limits_t *limits,
                                  fcache_error_t *error)
{
    if (limits) {
        own->limits = *limits;
    }
    if (own->limits.max_depth > FCI_SHAPE_MAX_DEPTH) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "max_depth %u: at most %d",
                                own->limits.max_depth, FCI_SHAPE_MAX_DEPTH);
    }
    if (own->limits.max_bytes > MAX_BYTES) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "max_bytes %zu: at most %zu",
                                own->limits.max_bytes, MAX_BYTES);
    }
    if (!own->limits.max_bytes) {
        own->limits.max_bytes = DEFAULT_BYTES;
    }
    if (!own->limits.max_items) {
        own->limits.max_items = DEFAULT_ITEMS;
    }
    if (!own->limits.max_depth) {
        own->limits.max_depth = DEFAULT_DEPTH;
    }
    return FCACHE_OK;
}

fcache_status_t fcache_shape_coder_create(
    const char *name, const fcache_shape_t *shape, fcache_shape_format_t format,
    const fcache_shape_limits_t *limits, const fcache_coder_t **out_coder,
    apr_pool_t *pool, fcache_error_t *error)
{
    fci_shape_coder_t *own = apr_pcalloc(pool, sizeof(*own));
    if (!own) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a coder");
    }
    size_t len = fcache_str(name).len;
    if (len < 1 || len > FCACHE_ENTRY_MAX_CODER) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a coder's name is 1 to %d bytes long",
                                FCACHE_ENTRY_MAX_CODER);
    }
    fcache_status_t status = set_limits(own, limits, error);
    if (status == FCACHE_OK) {
        status = check_all(shape, &own->fingerprint, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    int is_json = format == FCACHE_SHAPE_JSON;
    own->shape = shape;
    own->coder = (fcache_coder_t){
        .name = apr_pstrmemdup(pool, name, len),
        .kind = FCACHE_CODER_VALUE,
        .encode = is_json ? fci_shape_json_encode : fci_shape_binary_encode,
        .decode = is_json ? fci_shape_json_decode : fci_shape_binary_decode,
        .baton = own,
    };
    *out_coder = &own->coder;
    return FCACHE_OK;
}
