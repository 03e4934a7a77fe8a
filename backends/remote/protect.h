/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_PROTECT_H
#define FCR_PROTECT_H

/*
 * Records between here and a store that others may write to (T24, T25, T29):
 * signed, or encrypted, or, without a secret, with a checksum. The tag at the end
 * covers all of the record and the name under which it lies, so that neither a
 * bit, nor the name, nor a time can be changed. It is checked first, and nothing
 * else is looked at when it is wrong. docs/entry-format.md has the layout.
 *
 *   secret.c   the file of secrets
 *   protect.c  options; keys derived from the secrets
 *   tag.c      HMAC-SHA-256, AES-256-GCM, XXH3-128
 *   pack.c     zstd
 *   seal.c     the layout, there and back
 */

#include <fcache/backend.h>

typedef struct fcr_protect_t fcr_protect_t;

/*
 * From the store's options: `secret-file` (see secret.h), `integrity` (on; off: a
 * store that is not local does without a secret, if there is none),
 * `encrypt` (on, off), `compress` (off, or the size from which on; default 8K).
 * Others are not looked at. BAD_CONFIG: encrypt without a secret, a file that
 * others may read, no secret for a store that is not local while integrity is on:
 * the sentence names `fcachectl secret`. Reads the file; lives as long as the
 * pool.
 */
fcache_status_t fcr_protect_create(const apr_table_t *options, int is_local,
                                   fcr_protect_t **out_protect,
                                   apr_pool_t *pool, fcache_error_t *error);

/* The options above, for texts, and whether one is of them. */
#define FCR_PROTECT_OPTIONS "secret-file, integrity, encrypt, compress"
int fcr_protect_has(const char *option);

/* The bytes of a record beside tags, head and body. */
#define FCR_SEAL_OVERHEAD 112

/* An item as it is stored. Views point into what unseal was given, or into the
 * pool when it was packed or encrypted. */
typedef struct fcr_record_t {
    uint64_t epoch;
    int64_t fresh_until_us;
    int64_t dead_us;
    int soft;            /* was purged softly and has been touched since */
    fcache_bytes_t tags; /* length-prefixed list */
    fcache_bytes_t head;
    const fcache_bytes_t *body;
    size_t body_count;
} fcr_record_t;

/* Appends the sealed record. TOO_LARGE past `out`'s ceiling; NO_MEMORY also when
 * no random bytes are to be had. Any thread. */
fcache_status_t fcr_seal(const fcr_protect_t *protect, fcache_bytes_t name,
                         const fcr_record_t *record, fcache_buf_t *out,
                         fcache_error_t *error);

/*
 * Verifies, decrypts, unpacks. CORRUPT for whatever seal with one of the secrets
 * did not make under that very name; UNSUPPORTED for a newer version. Tags, head
 * and body together are at most max_bytes, checked before they are allocated. Any
 * thread.
 */
fcache_status_t fcr_unseal(const fcr_protect_t *protect, fcache_bytes_t name,
                           fcache_bytes_t sealed, uint64_t max_bytes,
                           fcr_record_t *out_record, apr_pool_t *pool,
                           fcache_error_t *error);

#endif
