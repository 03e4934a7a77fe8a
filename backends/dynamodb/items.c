/* SPDX-License-Identifier: Apache-2.0 */

/* Reading and writing items. */

#include "dynamodb.h"

#include "request.h"

#include <apr_strings.h>

#define BASE64_MAX(n) (((n) + 2) / 3 * 4)
#define PUT_MAX       (BASE64_MAX(FCD_ITEM_MAX) + 4096)
/* names are short, and so is what surrounds them */
#define KEYS_MAX ((size_t)FCD_BATCH_MAX * (6 * FCR_NAME_MAX + 64) + 4096)
/* one item of a batch is an entry, the others counters */
#define FETCH_MAX (BASE64_MAX(FCD_ITEM_MAX) + 65536)
#define SHORT_MAX 65536

/* ---- fetch --------------------------------------------------------------- */

/* A batch under way. */
typedef struct batch_t {
    fcache_bytes_t table;
    const fcache_bytes_t *names;
    size_t count;
    size_t first[FCD_BATCH_MAX]; /* of the same name: asked for only once */
    unsigned char pending[FCD_BATCH_MAX];
    fcr_found_t *found;
    apr_pool_t *pool;
} batch_t;

static fcache_status_t read_batch(void *baton, fcache_bytes_t reply,
                                  fcache_error_t *error)
{
    batch_t *batch = baton;
    return fcd_reply_fetch(reply, batch->table, batch->names, batch->count,
                           batch->pending, batch->found, batch->pool, error);
}

/*
 * The first name that is to be asked for again, with all behind it: a counter
 * must not be older than the entry in front of it. `count` when all are there.
 */
static size_t rewind_batch(batch_t *batch)
{
    size_t first = 0;
    while (first < batch->count && !batch->pending[first]) {
        first++;
    }
    for (size_t i = first; i < batch->count; i++) {
        batch->pending[i] = batch->first[i] == i;
        memset(&batch->found[i], 0, sizeof(batch->found[i]));
    }
    return first;
}

static fcache_status_t run_batch(fcd_store_t *store, batch_t *batch,
                                 fcn_deadline_t deadline, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    int pause_ms = FCD_PAUSE_MS;
    fcache_buf_t reply;
    fcd_exchange_t exchange = {
        .operation = "BatchGetItem",
        .reply = &reply,
        .deadline = deadline,
        .read = read_batch,
        .baton = batch,
    };
    fcache_buf_init(&reply, FETCH_MAX);
    for (int is_first = 1;
         status == FCACHE_OK && rewind_batch(batch) < batch->count;
         is_first = 0) {
        fcache_buf_t body;
        if (!is_first && !fcd_pause(&pause_ms, deadline)) {
            status = fcache_error_set(error, FCACHE_TIMEOUT,
                                      "DynamoDB leaves keys unprocessed");
            break;
        }
        fcache_buf_init(&body, KEYS_MAX);
        status =
            fcd_exchange(store, &exchange, &body,
                         fcd_request_fetch(batch->table, batch->names,
                                           batch->pending, batch->count, &body),
                         error);
    }
    fcache_buf_fini(&reply);
    return status;
}

static void find_repeated(batch_t *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        size_t first = 0;
        while (!fcache_bytes_equal(batch->names[first], batch->names[i])) {
            first++;
        }
        batch->first[i] = first;
        batch->pending[i] = 1;
    }
}

static void fill_repeated(batch_t *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch->found[i] = batch->found[batch->first[i]];
    }
}

/*
 * The keys of a batch are read at about the same time, in no order: an entry may
 * be newer than the clock read with it. That is then the clock of before a clear
 * that ends while we look, or one that the entry shows to be old, a miss.
 */
fcache_status_t fcd_fetch(void *self, fcache_bytes_t home,
                          const fcache_bytes_t *names, size_t count,
                          fcr_found_t *out_found, fcn_deadline_t deadline,
                          apr_pool_t *pool, fcache_error_t *error)
{
    fcd_store_t *store = self;
    fcache_status_t status = FCACHE_OK;
    (void)home;
    for (size_t at = 0; status == FCACHE_OK && at < count;) {
        batch_t batch = {
            .table = store->table,
            .names = names + at,
            .count = count - at < FCD_BATCH_MAX ? count - at : FCD_BATCH_MAX,
            .found = out_found + at,
            .pool = pool,
        };
        find_repeated(&batch);
        status = run_batch(store, &batch, deadline, error);
        fill_repeated(&batch);
        at += batch.count;
    }
    return status;
}

/* ---- store, remove ------------------------------------------------------- */

/* An exchange whose answer is its status. */
static fcache_status_t tell(fcd_store_t *store, const char *operation,
                            fcache_buf_t *body, fcache_status_t built,
                            fcn_deadline_t deadline, fcache_error_t *error)
{
    fcache_buf_t reply;
    fcd_exchange_t exchange = {
        .operation = operation,
        .reply = &reply,
        .deadline = deadline,
    };
    fcache_buf_init(&reply, SHORT_MAX);
    fcache_status_t status = fcd_exchange(store, &exchange, body, built, error);
    fcache_buf_fini(&reply);
    return status;
}

/* All pieces in one. */
static fcache_status_t gather(const fcr_store_t *store, fcache_buf_t *out,
                              fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; status == FCACHE_OK && i < store->piece_count; i++) {
        status = fcache_buf_append(out, store->pieces[i]);
    }
    if (status == FCACHE_TOO_LARGE) {
        fcache_error_set(error, status,
                         "above what a DynamoDB item may hold, %d bytes",
                         FCD_VALUE_MAX);
    } else if (status != FCACHE_OK) {
        fcache_error_set(error, status, "no memory for an item");
    } else if (out->len < FCR_STAMP_BYTES ||
               (store->mode == FCR_REPLACE &&
                store->old->value.len < FCR_STAMP_BYTES)) {
        status = fcache_error_set(error, FCACHE_BAD_INPUT,
                                  "a value without its stamp");
    }
    return status;
}

fcache_status_t fcd_store(void *self, const fcr_store_t *store,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    fcd_store_t *own = self;
    fcache_buf_t value;
    fcache_buf_t body;
    fcache_buf_init(&value, FCD_VALUE_MAX);
    fcache_buf_init(&body, PUT_MAX);
    fcache_status_t status = gather(store, &value, error);
    if (status == FCACHE_OK) {
        status =
            fcd_request_put(own->table, store, fcache_buf_bytes(&value), &body);
        status = tell(own, "PutItem", &body, status, deadline, error);
    }
    fcache_buf_fini(&value);
    return status;
}

fcache_status_t fcd_remove(void *self, fcache_bytes_t name,
                           fcn_deadline_t deadline, fcache_error_t *error)
{
    fcd_store_t *store = self;
    fcache_buf_t body;
    fcache_buf_init(&body, SHORT_MAX);
    fcache_status_t status = fcd_request_delete(store->table, name, &body);
    status = tell(store, "DeleteItem", &body, status, deadline, error);
    return status == FCACHE_EXISTS ? FCACHE_MISS : status;
}
