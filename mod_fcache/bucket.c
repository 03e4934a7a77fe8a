/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket type over bytes that lie in the store. All buckets of one body share
 * a holder of its pin; the pin goes with the last of them. The memory does not
 * move and is not freed while pinned, so setaside has nothing to do.
 */
#include "ctx.h"

typedef struct holder_t {
    unsigned users;
    fcache_t *cache;
    void *pin;
} holder_t;

typedef struct piece_t {
    apr_bucket_refcount refcount; /* must be first */
    holder_t *holder;
    const char *base;
} piece_t;

static void holder_leave(holder_t *holder)
{
    if (--holder->users == 0) {
        fcache_pin_release(holder->cache, holder->pin);
        apr_bucket_free(holder);
    }
}

static void piece_destroy(void *data)
{
    piece_t *piece = data;

    if (apr_bucket_shared_destroy(piece)) {
        holder_leave(piece->holder);
        apr_bucket_free(piece);
    }
}

static apr_status_t piece_read(apr_bucket *bucket, const char **out_data,
                               apr_size_t *out_len, apr_read_type_e block)
{
    const piece_t *piece = bucket->data;

    (void)block;
    *out_data = piece->base + bucket->start;
    *out_len = bucket->length;
    return APR_SUCCESS;
}

static const apr_bucket_type_t piece_type = {"FCACHE",
                                             5,
                                             APR_BUCKET_DATA,
                                             piece_destroy,
                                             piece_read,
                                             apr_bucket_setaside_noop,
                                             apr_bucket_shared_split,
                                             apr_bucket_shared_copy};

static apr_bucket *piece_create(holder_t *holder, fcache_bytes_t bytes,
                                apr_bucket_alloc_t *list)
{
    apr_bucket *bucket = apr_bucket_alloc(sizeof(*bucket), list);
    piece_t *piece = apr_bucket_alloc(sizeof(*piece), list);

    APR_BUCKET_INIT(bucket);
    bucket->free = apr_bucket_free;
    bucket->list = list;
    piece->holder = holder;
    piece->base = bytes.ptr;
    holder->users++;
    bucket = apr_bucket_shared_make(bucket, piece, 0, bytes.len);
    bucket->type = &piece_type;
    return bucket;
}

static void append_pinned(apr_bucket_brigade *bb, fcache_t *cache, void *pin,
                          const fcache_bytes_t *body, size_t count)
{
    holder_t *holder = apr_bucket_alloc(sizeof(*holder), bb->bucket_alloc);
    size_t i;

    holder->users = 1; /* ours, until all pieces are there */
    holder->cache = cache;
    holder->pin = pin;
    for (i = 0; i < count; i++) {
        APR_BRIGADE_INSERT_TAIL(
            bb, piece_create(holder, body[i], bb->bucket_alloc));
    }
    holder_leave(holder);
}

void mfc_bucket_append(apr_bucket_brigade *bb, fcache_t *cache, void *pin,
                       const fcache_bytes_t *body, size_t count,
                       apr_pool_t *pool)
{
    size_t i;

    if (pin != NULL) {
        append_pinned(bb, cache, pin, body, count);
        return;
    }
    for (i = 0; i < count; i++) {
        APR_BRIGADE_INSERT_TAIL(bb,
                                apr_bucket_pool_create(body[i].ptr, body[i].len,
                                                       pool, bb->bucket_alloc));
    }
}
