/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHE_ENTRY_H
#define FCACHE_ENTRY_H

/*
 * What a store holds. An entry is a head (flat, versioned, little-endian,
 * length-prefixed, no pointers) and a body. The head is decoded in place
 * without allocation; every length is checked against what remains, because a
 * shared store's bytes are hostile input. docs/entry-format.md has the layout.
 */

#include <fcache/bytes.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FCACHE_ENTRY_VERSION   1
#define FCACHE_ENTRY_MAX_HEAD  (64u * 1024)
#define FCACHE_ENTRY_MAX_TAGS  64
#define FCACHE_ENTRY_MAX_CODER 15

typedef enum fcache_entry_kind_t {
    FCACHE_ENTRY_RESPONSE = 1,    /* an HTTP response */
    FCACHE_ENTRY_VARY = 2,        /* the index of a URL's variants */
    FCACHE_ENTRY_VALUE = 3,       /* an application's value */
    FCACHE_ENTRY_UNCACHEABLE = 4, /* remembered: do not queue for this one */
    FCACHE_ENTRY_ALIAS = 5        /* its body is the key of a variant */
} fcache_entry_kind_t;

#define FCACHE_ENTRY_NO_CACHE (1u << 0) /* always ask the origin first */
/* Never stale: must- or proxy-revalidate, s-maxage. */
#define FCACHE_ENTRY_MUST_REVALIDATE (1u << 1)
/* May answer requests with Authorization (RFC 9111 §3.5). */
#define FCACHE_ENTRY_AUTHORIZED  (1u << 2)
#define FCACHE_ENTRY_OWN_ETAG    (1u << 3) /* the entity tag was made by us */
#define FCACHE_ENTRY_NO_LIFETIME (1u << 4) /* the origin gave no lifetime */
#define FCACHE_ENTRY_CLIENT_CC   (1u << 5) /* the origin sent Cache-Control */

/*
 * A decoded head: all views point into the head. For encoding the caller fills
 * it with borrowed views. Times are wall-clock microseconds since the epoch.
 */
typedef struct fcache_entry_t {
    fcache_entry_kind_t kind;
    unsigned flags;
    int status;            /* HTTP status of a RESPONSE */
    uint64_t generation;   /* the store's epoch when the request started */
    int64_t created_us;    /* response_time of RFC 9111 §4.2.3 */
    int64_t initial_age_s; /* corrected_initial_age */
    int64_t fresh_until_us;
    int64_t stale_until_us; /* storage life; never before fresh_until_us */
    int64_t stale_while_revalidate_s; /* what the response allows, 0 none */
    int64_t stale_if_error_s;
    int64_t date_s;           /* of the Date field, or of receipt */
    fcache_bytes_t coder;     /* name of the coder, "http" for responses */
    fcache_bytes_t canonical; /* canonical key */
    fcache_bytes_t vary;      /* VARY: id and names; see fcache_entry_list_* */
    fcache_bytes_t tags;      /* length-prefixed list */
    fcache_bytes_t reason; /* reason phrase of a status without a known one */
    fcache_bytes_t etag;   /* with quotes and W/, empty for none */
    fcache_bytes_t last_modified;
    fcache_bytes_t fields; /* header block ready to send: "Name: value\r\n"
                              for each field, without the empty line */
    uint64_t body_len;
    unsigned char body_digest[16]; /* XXH3-128 of the body; zero: not taken */
} fcache_entry_t;

/* Encodes the head. TOO_LARGE past FCACHE_ENTRY_MAX_HEAD or `out`'s ceiling;
 * BAD_INPUT for a field block, tag or time that decode would refuse. */
FCACHE_API fcache_status_t fcache_entry_encode(const fcache_entry_t *entry,
                                               fcache_buf_t *out,
                                               fcache_error_t *error);

/*
 * Decodes a head in place. CORRUPT for anything that is not exactly one; for a
 * version newer than ours UNSUPPORTED, which callers treat as a miss and never
 * delete. Never allocates, never reads past head.len.
 */
FCACHE_API fcache_status_t fcache_entry_decode(fcache_bytes_t head,
                                               fcache_entry_t *out_entry,
                                               fcache_error_t *error);

/* ---- length-prefixed lists (tags, Vary names) ---------------------------- */

/* Appends one element (at most 65,535 bytes). */
FCACHE_API fcache_status_t fcache_entry_list_add(fcache_buf_t *list,
                                                 fcache_bytes_t item);

/* 1 and the element, 0 at the end, -1 when the list is malformed. */
FCACHE_API int fcache_entry_list_next(fcache_bytes_t list, size_t *offset,
                                      fcache_bytes_t *out_item);

/* ---- the field block ----------------------------------------------------- */

/* Appends "Name: value\r\n". BAD_INPUT unless name is a token and value a field
 * value (T14). */
FCACHE_API fcache_status_t fcache_fieldblock_add(fcache_buf_t *block,
                                                 fcache_bytes_t name,
                                                 fcache_bytes_t value);

/* 1 and the next field, 0 at the end. Only for blocks that decode accepted. */
FCACHE_API int fcache_fieldblock_next(fcache_bytes_t block, size_t *offset,
                                      fcache_bytes_t *out_name,
                                      fcache_bytes_t *out_value);

#ifdef __cplusplus
}
#endif
#endif
