/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_PACK_H
#define FCR_PACK_H

/*
 * zstd with ceilings (T29). What is unpacked was verified, but whoever held an
 * old secret, or none was asked for, may have made it: its length is known before
 * and bounded, and so is how much shorter it may have become.
 */

#include <fcache/bytes.h>

#include <apr_pools.h>

#define FCR_PACK_RATIO 256 /* shorter than that is not kept packed */

/* Keeps a few contexts of zstd, which are dear to make. Any thread. */
typedef struct fcr_packer_t fcr_packer_t;

fcr_packer_t *fcr_packer_create(apr_pool_t *pool);

/* Pieces that follow each other. */
typedef struct fcr_pieces_t {
    const fcache_bytes_t *first;
    size_t count;
} fcr_pieces_t;

/* Appends two rows of pieces (together raw_len) packed; MISS and `out` as it was
 * when that would not be shorter, or shorter beyond the ratio. NO_MEMORY. */
fcache_status_t fcr_pack(fcr_packer_t *packer, const fcr_pieces_t rows[2],
                         uint64_t raw_len, fcache_buf_t *out);

/* Unpacks to exactly raw_len bytes, which the caller has bounded. CORRUPT,
 * NO_MEMORY. */
fcache_status_t fcr_unpack(fcr_packer_t *packer, fcache_bytes_t packed,
                           char *out, size_t raw_len);

#endif
