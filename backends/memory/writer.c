/* SPDX-License-Identifier: Apache-2.0 */
#include "draft.h"
#include "ops.h"

#include <stdlib.h>

/* A body is gathered on the heap up to half a segment; what is larger moves to
 * segments as it comes. */
struct fcache_backend_writer_t {
    fcm_t *store;
    apr_pool_t *pool;
    fcm_draft_t draft;
    fcache_buf_t gathered;
    int broken; /* only abort is of use */
};

static uint32_t gather_limit(const fcm_region_t *region)
{
    return region->geo.segment_bytes / 2;
}

static fcache_status_t too_large(const fcm_op_t *op, uint64_t bytes,
                                 fcache_error_t *error)
{
    fcm_count(op, FCM_REFUSED);
    return fcache_error_set(error, FCACHE_TOO_LARGE,
                            "store %s: body of %llu bytes, it takes %llu",
                            op->store->name, (unsigned long long)bytes,
                            (unsigned long long)op->store->max_object);
}

static fcache_status_t put_pieces(fcm_op_t *op, const fcm_commit_t *commit,
                                  fcache_error_t *error)
{
    fcm_source_t source = {commit->value->body, commit->value->body_count, 0};
    uint64_t left = fcm_source_len(&source);
    if (left > op->store->max_object) {
        return too_large(op, left, error);
    }
    fcm_draft_t draft;
    fcm_draft_init(&draft);
    while (left > gather_limit(op->region)) {
        fcache_status_t status =
            fcm_draft_extend(op, &draft, &source, left, error);
        if (status != FCACHE_OK) {
            fcm_draft_abort(op, &draft);
            fcm_count(op, FCM_REFUSED);
            return status;
        }
        left -= draft.tail;
    }
    return fcm_draft_commit(op, &draft, &source, commit, error);
}

fcache_status_t fcm_put(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        fcache_error_t *error)
{
    fcm_op_t op;
    const fcm_commit_t commit = {key, value, 0};
    if (!fcm_enter(self, now_us, &op)) {
        return fcm_not_joined(self, error);
    }
    return put_pieces(&op, &commit, error);
}

/* Looked up first to save the work; what counts is the look under the lock. */
fcache_status_t fcm_add(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        int64_t *until_us, fcache_error_t *error)
{
    fcm_op_t op;
    fcm_found_t found;
    fcm_word_t *cell = NULL;
    int soft;
    const fcm_commit_t commit = {key, value, 1};
    (void)until_us;
    if (!fcm_enter(self, now_us, &op)) {
        return fcm_not_joined(self, error);
    }
    int exists = fcm_find(&op, fcm_hash(op.region, key->name), key->name, &cell,
                          &found) &&
                 fcm_view_is_alive(op.region, &found.view, now_us, &soft);
    fcm_unpin(cell);
    return exists ? FCACHE_EXISTS : put_pieces(&op, &commit, error);
}

/* ---- piece by piece ---- */

/* In a forked child the segments are the parent's still. */
static void discard(fcache_backend_writer_t *writer)
{
    fcm_op_t op;
    if (fcm_enter(writer->store, 0, &op)) {
        fcm_draft_abort(&op, &writer->draft);
    }
    fcache_buf_fini(&writer->gathered);
}

static apr_status_t discard_with_pool(void *data)
{
    discard(data);
    return APR_SUCCESS;
}

fcache_status_t fcm_begin(void *self, uint64_t size_hint,
                          fcache_backend_writer_t **out_writer,
                          apr_pool_t *pool, fcache_error_t *error)
{
    fcm_t *store = self;
    fcm_op_t op;
    if (!fcm_enter(store, 0, &op)) {
        return fcm_not_joined(store, error);
    }
    if (size_hint > store->max_object) {
        return too_large(&op, size_hint, error);
    }
    fcache_backend_writer_t *writer = apr_palloc(pool, sizeof(*writer));
    writer->store = store;
    writer->pool = pool;
    writer->broken = 0;
    fcm_draft_init(&writer->draft);
    fcache_buf_init(&writer->gathered, gather_limit(&store->region));
    apr_pool_cleanup_register(pool, writer, discard_with_pool,
                              apr_pool_cleanup_null);
    *out_writer = writer;
    return FCACHE_OK;
}

/* What was gathered and what came now opens a segment. */
static fcache_status_t spill(const fcm_op_t *op,
                             fcache_backend_writer_t *writer,
                             fcache_error_t *error)
{
    fcache_bytes_t gathered = fcache_buf_bytes(&writer->gathered);
    fcm_source_t source = {&gathered, 1, 0};
    fcache_status_t status =
        fcm_draft_extend(op, &writer->draft, &source, gathered.len, error);
    fcache_buf_fini(&writer->gathered);
    return status;
}

static int is_tail_open(const fcm_op_t *op, const fcm_draft_t *draft)
{
    return draft->count && draft->tail < op->region->geo.segment_bytes;
}

static fcache_status_t take_in(const fcm_op_t *op,
                               fcache_backend_writer_t *writer,
                               fcache_bytes_t bytes, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    while (bytes.len && status == FCACHE_OK) {
        size_t took;
        if (is_tail_open(op, &writer->draft)) {
            took = fcm_draft_fill(op, &writer->draft, bytes);
        } else if (writer->gathered.len + bytes.len <=
                   gather_limit(op->region)) {
            took = bytes.len;
            status = fcache_buf_append(&writer->gathered, bytes);
        } else {
            took = gather_limit(op->region) - writer->gathered.len;
            status = fcache_buf_append(&writer->gathered,
                                       fcache_bytes(bytes.ptr, took));
            if (status == FCACHE_OK) {
                status = spill(op, writer, error);
            }
        }
        bytes.ptr += took;
        bytes.len -= took;
    }
    return status;
}

fcache_status_t fcm_append(fcache_backend_writer_t *writer,
                           fcache_bytes_t bytes, fcache_error_t *error)
{
    fcm_op_t op;
    if (!fcm_enter(writer->store, 0, &op)) {
        return fcm_not_joined(writer->store, error);
    }
    uint64_t have = writer->draft.body_len + writer->gathered.len;
    if (bytes.len > writer->store->max_object - have) {
        writer->broken = 1;
        return too_large(&op, have + bytes.len, error);
    }
    fcache_status_t status = take_in(&op, writer, bytes, error);
    if (status != FCACHE_OK) {
        writer->broken = 1;
        fcm_count(&op, FCM_REFUSED);
    }
    return status;
}

fcache_status_t fcm_commit(fcache_backend_writer_t *writer,
                           const fcache_key_t *key, const fcache_value_t *value,
                           int64_t now_us, fcache_error_t *error)
{
    fcm_op_t op;
    const fcm_commit_t commit = {key, value, 0};
    fcache_bytes_t gathered = fcache_buf_bytes(&writer->gathered);
    fcm_source_t rest = {&gathered, 1, 0};
    fcache_status_t status;
    if (!fcm_enter(writer->store, now_us, &op)) {
        status = fcm_not_joined(writer->store, error);
    } else if (writer->broken) {
        status =
            fcache_error_set(error, FCACHE_BAD_INPUT, "the body is not whole");
    } else {
        status = fcm_draft_commit(&op, &writer->draft, &rest, &commit, error);
    }
    fcm_abort(writer);
    return status;
}

void fcm_abort(fcache_backend_writer_t *writer)
{
    apr_pool_cleanup_run(writer->pool, writer, discard_with_pool);
}
