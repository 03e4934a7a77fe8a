/* SPDX-License-Identifier: Apache-2.0 */
#include "coders/shape_parts.h"

#include <stdarg.h>
#include <stdio.h>

fci_walk_t fci_walk_of(const fcache_coder_t *coder, apr_pool_t *pool,
                       fcache_error_t *error)
{
    const fci_shape_coder_t *own = coder->baton;
    fci_walk_t walk = {
        pool,
        error,
        own->limits.max_bytes,
        own->limits.max_items,
        own->limits.max_depth,
        FCACHE_OK,
    };
    return walk;
}

/* ---- failures ------------------------------------------------------------ */

/* The end of a path that is too long is what counts. */
static void put_path(const fci_step_t *at, char *out, size_t size)
{
    const fci_step_t *steps[2 * FCI_SHAPE_MAX_DEPTH + 2];
    size_t count = 0;
    for (; at && at->up && count < sizeof(steps) / sizeof(steps[0]);
         at = at->up) {
        steps[count++] = at;
    }
    size_t len = (size_t)snprintf(out, size, "$");
    while (count > 0 && len < size) {
        const fci_step_t *step = steps[--count];
        int more = step->name
                       ? snprintf(out + len, size - len, ".%s", step->name)
                       : snprintf(out + len, size - len, "[%zu]", step->index);
        len += more > 0 ? (size_t)more : 0;
    }
}

int fci_walk_fail(fci_walk_t *walk, const fci_step_t *at,
                  fcache_status_t status, const char *format, ...)
{
    char path[160];
    char text[96];
    va_list arguments;
    if (walk->status != FCACHE_OK) {
        return 0;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put_path(at, path, sizeof(path));
    walk->status = fcache_error_set(walk->error, status, "%s: %s", path, text);
    return 0;
}

/* ---- ceilings ------------------------------------------------------------ */

int fci_walk_down(fci_walk_t *walk, const fci_step_t *at)
{
    if (walk->depth_left == 0) {
        return fci_walk_fail(walk, at, FCACHE_TOO_LARGE, "too deep");
    }
    walk->depth_left--;
    return 1;
}

void fci_walk_up(fci_walk_t *walk)
{
    walk->depth_left++;
}

int fci_walk_spend(fci_walk_t *walk, const fci_step_t *at, size_t bytes)
{
    if (bytes > walk->bytes_left) {
        return fci_walk_fail(walk, at, FCACHE_TOO_LARGE, "too much memory");
    }
    walk->bytes_left -= bytes;
    return 1;
}

static void *allocate(fci_walk_t *walk, const fci_step_t *at, size_t bytes)
{
    void *memory =
        fci_walk_spend(walk, at, bytes) ? apr_palloc(walk->pool, bytes) : NULL;
    if (!memory) {
        fci_walk_fail(walk, at, FCACHE_NO_MEMORY, "no memory");
    }
    return memory;
}

void *fci_walk_array(fci_walk_t *walk, const fci_step_t *at, size_t count,
                     size_t size)
{
    size_t bytes = 0;
    if (count > walk->items_left ||
        __builtin_mul_overflow(count, size, &bytes)) {
        fci_walk_fail(walk, at, FCACHE_TOO_LARGE, "too many items");
        return NULL;
    }
    walk->items_left -= count;
    void *memory = allocate(walk, at, bytes);
    if (memory) {
        memset(memory, 0, bytes);
    }
    return memory;
}

int fci_walk_copy(fci_walk_t *walk, const fci_step_t *at, fcache_bytes_t bytes,
                  fcache_bytes_t *out)
{
    char *copy = allocate(walk, at, bytes.len + 1);
    if (!copy) {
        return 0;
    }
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    copy[bytes.len] = '\0';
    *out = fcache_bytes(copy, bytes.len);
    return 1;
}

/* ---- members ------------------------------------------------------------- */

const void *fci_member_values(const fcache_member_t *member,
                              const void *structure, size_t *out_count)
{
    const void *at = fci_member_at(structure, member->offset);
    const void *aux = fci_member_at(structure, member->aux);
    *out_count = 1;
    switch (member->how) {
    case FCACHE_HOW_OPTIONAL:
        at = *(const void *const *)at;
        *out_count = at != NULL;
        break;
    case FCACHE_HOW_FLAGGED:
        *out_count = *(const bool *)aux;
        break;
    case FCACHE_HOW_ARRAY:
        at = *(const void *const *)at;
        memcpy(out_count, aux, sizeof(*out_count));
        break;
    case FCACHE_HOW_PLAIN:
        break;
    }
    return at;
}

void fci_member_set(const fcache_member_t *member, void *structure,
                    const void *values, size_t count)
{
    void *at = fci_member_in(structure, member->offset);
    void *aux = fci_member_in(structure, member->aux);
    switch (member->how) {
    case FCACHE_HOW_OPTIONAL:
        memcpy(at, &values, sizeof(values));
        break;
    case FCACHE_HOW_FLAGGED:
        *(bool *)aux = count > 0;
        break;
    case FCACHE_HOW_ARRAY:
        memcpy(at, &values, sizeof(values));
        memcpy(aux, &count, sizeof(count));
        break;
    case FCACHE_HOW_PLAIN:
        break;
    }
}

/* ---- numbers ------------------------------------------------------------- */

int fci_kind_is_signed(fcache_kind_t kind)
{
    return kind <= FCACHE_KIND_INT64 || kind == FCACHE_KIND_TIME ||
           kind == FCACHE_KIND_DATE;
}

int fci_kind_is_unsigned(fcache_kind_t kind)
{
    return kind >= FCACHE_KIND_UINT8 && kind <= FCACHE_KIND_UINT64;
}

int64_t fci_signed_get(const void *at, size_t size)
{
    switch (size) {
    case sizeof(int8_t):
        return *(const int8_t *)at;
    case sizeof(int16_t):
        return *(const int16_t *)at;
    case sizeof(int32_t):
        return *(const int32_t *)at;
    default:
        return *(const int64_t *)at;
    }
}

uint64_t fci_unsigned_get(const void *at, size_t size)
{
    switch (size) {
    case sizeof(uint8_t):
        return *(const uint8_t *)at;
    case sizeof(uint16_t):
        return *(const uint16_t *)at;
    case sizeof(uint32_t):
        return *(const uint32_t *)at;
    default:
        return *(const uint64_t *)at;
    }
}

int fci_signed_set(void *at, size_t size, int64_t number)
{
    switch (size) {
    case sizeof(int8_t):
        *(int8_t *)at = (int8_t)number;
        break;
    case sizeof(int16_t):
        *(int16_t *)at = (int16_t)number;
        break;
    case sizeof(int32_t):
        *(int32_t *)at = (int32_t)number;
        break;
    default:
        *(int64_t *)at = number;
    }
    return fci_signed_get(at, size) == number;
}

int fci_unsigned_set(void *at, size_t size, uint64_t number)
{
    switch (size) {
    case sizeof(uint8_t):
        *(uint8_t *)at = (uint8_t)number;
        break;
    case sizeof(uint16_t):
        *(uint16_t *)at = (uint16_t)number;
        break;
    case sizeof(uint32_t):
        *(uint32_t *)at = (uint32_t)number;
        break;
    default:
        *(uint64_t *)at = number;
    }
    return fci_unsigned_get(at, size) == number;
}
