/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_BYTES_H
#define FCACHE_BYTES_H

/*
 * Lengths, not strings. fcache_bytes_t is a borrowed view: it owns nothing, may
 * hold NULs and need not end in one. fcache_buf_t is a growing buffer on the
 * heap that is born with a ceiling and refuses to pass it.
 */

#include <fcache/status.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fcache_bytes_t {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;
} fcache_bytes_t;

static inline fcache_bytes_t fcache_bytes(const void *ptr, size_t len)
{
    fcache_bytes_t bytes;
    bytes.ptr = (const char *)ptr;
    bytes.len = len;
    return bytes;
}

/* The view of a C string; NULL gives the empty view. */
static inline fcache_bytes_t fcache_str(const char *text)
{
    return fcache_bytes(text, text ? strlen(text) : 0);
}

/* Equal length and bytes. Not constant-time. Any thread. */
FCACHE_API int fcache_bytes_equal(fcache_bytes_t a, fcache_bytes_t b);

/* The same, ASCII letters in any case (RFC 9110 §5.1). Any thread. */
FCACHE_API int fcache_bytes_equal_nocase(fcache_bytes_t a, fcache_bytes_t b);

/* Without leading and trailing SP and HTAB (RFC 9110 §5.6.3). Any thread. */
FCACHE_API fcache_bytes_t fcache_bytes_trim(fcache_bytes_t bytes);

typedef struct fcache_buf_t {
    char *ptr; /* owned by the buffer, moves when it grows */
    size_t len;
    size_t capacity;
    size_t max_bytes;
} fcache_buf_t;

/* An empty buffer that will never hold more than max_bytes. Cannot fail. */
FCACHE_API void fcache_buf_init(fcache_buf_t *buf, size_t max_bytes);

/*
 * Appends a copy. TOO_LARGE when the ceiling would be passed, NO_MEMORY when
 * the heap is out; the buffer is unchanged by both. One thread at a time.
 */
FCACHE_API fcache_status_t fcache_buf_append(fcache_buf_t *buf,
                                             fcache_bytes_t bytes);

/* Makes room for that many more bytes, so that appending them moves nothing.
 * Answers as append does. */
FCACHE_API fcache_status_t fcache_buf_reserve(fcache_buf_t *buf, size_t more);

/* The content as a view, valid until the buffer is next changed. */
FCACHE_API fcache_bytes_t fcache_buf_bytes(const fcache_buf_t *buf);

/* Frees the content; the buffer is empty and may be used again. */
FCACHE_API void fcache_buf_fini(fcache_buf_t *buf);

/* Bytes of base64url text without padding for n raw bytes (RFC 4648 §5). */
#define FCACHE_BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* Writes exactly FCACHE_BASE64URL_LEN(bytes.len) characters, no NUL. */
FCACHE_API void fcache_base64url(fcache_bytes_t bytes, char *out);

#ifdef __cplusplus
}
#endif
#endif
