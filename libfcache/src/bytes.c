/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/bytes.h>

#include "ascii.h"

#include <stdlib.h>

#define FIRST_CAPACITY 256

int fcache_bytes_equal(fcache_bytes_t a, fcache_bytes_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int fcache_bytes_equal_nocase(fcache_bytes_t a, fcache_bytes_t b)
{
    if (a.len != b.len) {
        return 0;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] != b.ptr[i] &&
            fci_lower(a.ptr[i]) != fci_lower(b.ptr[i])) {
            return 0;
        }
    }
    return 1;
}

fcache_bytes_t fcache_bytes_trim(fcache_bytes_t bytes)
{
    while (bytes.len > 0 && fci_is_blank(bytes.ptr[bytes.len - 1])) {
        bytes.len--;
    }
    while (bytes.len > 0 && fci_is_blank(bytes.ptr[0])) {
        bytes.ptr++;
        bytes.len--;
    }
    return bytes;
}

void fcache_buf_init(fcache_buf_t *buf, size_t max_bytes)
{
    *buf = (fcache_buf_t){.max_bytes = max_bytes};
}

/* Doubles from the first capacity until `wanted` fits; `wanted` is within the
 * ceiling. */
static size_t grown_capacity(const fcache_buf_t *buf, size_t wanted)
{
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (capacity < wanted) {
        capacity =
            capacity > buf->max_bytes / 2 ? buf->max_bytes : 2 * capacity;
    }
    return capacity < buf->max_bytes ? capacity : buf->max_bytes;
}

static fcache_status_t grow(fcache_buf_t *buf, size_t capacity)
{
    char *ptr = realloc(buf->ptr, capacity);
    if (!ptr) {
        return FCACHE_NO_MEMORY;
    }
    buf->ptr = ptr;
    buf->capacity = capacity;
    return FCACHE_OK;
}

fcache_status_t fcache_buf_reserve(fcache_buf_t *buf, size_t more)
{
    if (more > buf->max_bytes - buf->len) {
        return FCACHE_TOO_LARGE;
    }
    return more > buf->capacity - buf->len ? grow(buf, buf->len + more)
                                           : FCACHE_OK;
}

fcache_status_t fcache_buf_append(fcache_buf_t *buf, fcache_bytes_t bytes)
{
    if (bytes.len > buf->max_bytes - buf->len) {
        return FCACHE_TOO_LARGE;
    }
    if (bytes.len == 0) {
        return FCACHE_OK;
    }
    if (bytes.len > buf->capacity - buf->len) {
        fcache_status_t status =
            grow(buf, grown_capacity(buf, buf->len + bytes.len));
        if (status != FCACHE_OK) {
            return status;
        }
    }
    memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
    buf->len += bytes.len;
    return FCACHE_OK;
}

fcache_bytes_t fcache_buf_bytes(const fcache_buf_t *buf)
{
    return fcache_bytes(buf->ptr, buf->len);
}

void fcache_buf_fini(fcache_buf_t *buf)
{
    free(buf->ptr);
    fcache_buf_init(buf, buf->max_bytes);
}

void fcache_base64url(fcache_bytes_t bytes, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned held = (unsigned)in[i] << 16;
        held |= left > 1 ? (unsigned)in[i + 1] << 8 : 0;
        held |= left > 2 ? in[i + 2] : 0;
        *out++ = alphabet[held >> 18];
        *out++ = alphabet[held >> 12 & 63];
        if (left > 1) {
            *out++ = alphabet[held >> 6 & 63];
        }
        if (left > 2) {
            *out++ = alphabet[held & 63];
        }
    }
}
