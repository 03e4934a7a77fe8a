/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include <stdatomic.h>
#include <stdint.h>
#include <zstd.h>

#define LEVEL  1
#define PARKED 8
#define CHUNK  8192

struct fcr_packer_t {
    _Atomic(ZSTD_CCtx *) packing[PARKED];
    _Atomic(ZSTD_DCtx *) unpacking[PARKED];
};

static apr_status_t free_contexts(void *data)
{
    fcr_packer_t *packer = data;
    for (size_t i = 0; i < PARKED; i++) {
        ZSTD_freeCCtx(atomic_exchange(&packer->packing[i], NULL));
        ZSTD_freeDCtx(atomic_exchange(&packer->unpacking[i], NULL));
    }
    return APR_SUCCESS;
}

fcr_packer_t *fcr_packer_create(apr_pool_t *pool)
{
    fcr_packer_t *packer = apr_pcalloc(pool, sizeof(*packer));
    apr_pool_cleanup_register(pool, packer, free_contexts,
                              apr_pool_cleanup_null);
    return packer;
}

/* ---- contexts: one that is parked, or a new one -------------------------- */

static ZSTD_CCtx *take_packing(fcr_packer_t *packer)
{
    for (size_t i = 0; i < PARKED; i++) {
        ZSTD_CCtx *context = atomic_exchange(&packer->packing[i], NULL);
        if (context) {
            return context;
        }
    }
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context) {
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    }
    return context;
}

static void park_packing(fcr_packer_t *packer, ZSTD_CCtx *context)
{
    ZSTD_CCtx_reset(context, ZSTD_reset_session_only);
    for (size_t i = 0; i < PARKED; i++) {
        ZSTD_CCtx *empty = NULL;
        if (atomic_compare_exchange_strong(&packer->packing[i], &empty,
                                           context)) {
            return;
        }
    }
    ZSTD_freeCCtx(context);
}

static ZSTD_DCtx *take_unpacking(fcr_packer_t *packer)
{
    for (size_t i = 0; i < PARKED; i++) {
        ZSTD_DCtx *context = atomic_exchange(&packer->unpacking[i], NULL);
        if (context) {
            return context;
        }
    }
    return ZSTD_createDCtx();
}

static void park_unpacking(fcr_packer_t *packer, ZSTD_DCtx *context)
{
    for (size_t i = 0; i < PARKED; i++) {
        ZSTD_DCtx *empty = NULL;
        if (atomic_compare_exchange_strong(&packer->unpacking[i], &empty,
                                           context)) {
            return;
        }
    }
    ZSTD_freeDCtx(context);
}

/* ---- packing ------------------------------------------------------------- */

/* Feeds one piece, appends what comes out. TOO_LARGE past the ceiling. */
static fcache_status_t feed(ZSTD_CCtx *context, fcache_bytes_t piece,
                            ZSTD_EndDirective end, fcache_buf_t *out)
{
    ZSTD_inBuffer in = {piece.ptr, piece.len, 0};
    size_t left;
    do {
        char chunk[CHUNK];
        ZSTD_outBuffer packed = {chunk, sizeof(chunk), 0};
        left = ZSTD_compressStream2(context, &packed, &in, end);
        if (ZSTD_isError(left)) {
            return FCACHE_NO_MEMORY;
        }
        fcache_status_t status =
            fcache_buf_append(out, fcache_bytes(chunk, packed.pos));
        if (status != FCACHE_OK) {
            return status;
        }
    } while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return FCACHE_OK;
}

static fcache_status_t feed_all(ZSTD_CCtx *context, const fcr_pieces_t *pieces,
                                fcache_buf_t *out)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < pieces->count && status == FCACHE_OK; i++) {
        status = feed(context, pieces->first[i], ZSTD_e_continue, out);
    }
    return status;
}

fcache_status_t fcr_pack(fcr_packer_t *packer, const fcr_pieces_t rows[2],
                         uint64_t raw_len, fcache_buf_t *out)
{
    size_t start = out->len;
    size_t ceiling = out->max_bytes;
    ZSTD_CCtx *context = take_packing(packer);
    if (!context) {
        return FCACHE_NO_MEMORY;
    }
    /* Past its own length it is not wanted. */
    if (raw_len < ceiling - start) {
        out->max_bytes = start + (size_t)raw_len;
    }
    fcache_status_t status =
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, raw_len))
            ? FCACHE_NO_MEMORY
            : FCACHE_OK;
    for (size_t i = 0; i < 2 && status == FCACHE_OK; i++) {
        status = feed_all(context, &rows[i], out);
    }
    if (status == FCACHE_OK) {
        status = feed(context, fcache_bytes(NULL, 0), ZSTD_e_end, out);
    }
    out->max_bytes = ceiling;
    park_packing(packer, context);
    uint64_t packed_len = out->len - start;
    if (status == FCACHE_TOO_LARGE ||
        (status == FCACHE_OK &&
         (packed_len >= raw_len || raw_len / FCR_PACK_RATIO >= packed_len))) {
        status = FCACHE_MISS;
    }
    if (status != FCACHE_OK) {
        out->len = start;
    }
    return status;
}

fcache_status_t fcr_unpack(fcr_packer_t *packer, fcache_bytes_t packed,
                           char *out, size_t raw_len)
{
    ZSTD_DCtx *context = take_unpacking(packer);
    if (!context) {
        return FCACHE_NO_MEMORY;
    }
    /* In one go, so that no window is ever allocated. */
    size_t got =
        ZSTD_decompressDCtx(context, out, raw_len, packed.ptr, packed.len);
    park_unpacking(packer, context);
    return got == raw_len ? FCACHE_OK : FCACHE_CORRUPT;
}
