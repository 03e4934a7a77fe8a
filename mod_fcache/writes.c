/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be written is bounded in number and bytes; what comes above is
 * refused, so that a slow store costs neither memory nor the time of those who
 * wait for answers.
 *
 * Each thread that writes belongs to one queue, and each queue has one thread
 * that empties it, started by the first write: so a lock is given back after the
 * entry it was taken for is there. There are some, and not one, because writing
 * is waiting for a network most of the time. Between queues there is no order;
 * therefore nothing is written that has waited for longer than AGE_US.
 */
#include "writes.h"

#include "ctx.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <apr_thread_proc.h>
#include <apr_time.h>

#define QUEUES     8
#define WRITES_MAX 8         /* waiting in a queue for one more answer */
#define BYTES_MAX  (4 << 20) /* the same */
#define AGE_US     FCACHE_US_PER_S
#define DRAIN_US   (FCACHE_US_PER_S / 2)

typedef enum kind_t { KIND_PUT, KIND_TOUCH, KIND_DEL } kind_t;

/* What is to be written; all of it is in its pool. */
typedef struct write_t {
    struct write_t *next;
    apr_pool_t *pool;
    mfc_receipt_t *receipt; /* or NULL */
    kind_t kind;
    size_t bytes;
    int64_t queued_us;
    fcache_key_t key;
    fcache_value_t value;   /* PUT */
    int64_t dead_us;        /* TOUCH */
    mfc_writes_is_fn is_so; /* DEL: or NULL */
    void *data;             /* its */
    int64_t now_us;
} write_t;

/* All below the mutex is under it, which is never held across I/O. */
typedef struct queue_t {
    mfc_writes_t *writes;
    apr_pool_t *pool; /* of the thread */
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *more; /* or the end */
    apr_thread_cond_t *done;
    apr_thread_t *thread; /* NULL: nothing was written yet */
    write_t *first;
    write_t **tail;
    write_t *current; /* not in the list any more */
    unsigned count;
    size_t bytes;
    mfc_receipt_t *receipts; /* that are open */
    int64_t end_us;          /* writes until then, and no more; 0: for ever */
} queue_t;

struct mfc_writes_t {
    const fcache_backend_ops_t *ops;
    void *self;
    queue_t queues[QUEUES];
};

/* ---- copies -------------------------------------------------------------- */

static fcache_bytes_t copy(write_t *write, fcache_bytes_t bytes)
{
    write->bytes += bytes.len;
    return bytes.ptr == NULL
               ? bytes
               : fcache_bytes(apr_pstrmemdup(write->pool, bytes.ptr, bytes.len),
                              bytes.len);
}

static write_t *write_create(kind_t kind, const fcache_key_t *key,
                             int64_t now_us)
{
    apr_pool_t *pool = mfc_pool_create();
    write_t *write;

    if (pool == NULL) {
        return NULL;
    }
    write = apr_pcalloc(pool, sizeof(*write));
    write->pool = pool;
    write->kind = kind;
    write->now_us = now_us;
    write->key = *key;
    write->key.prefix = copy(write, key->prefix);
    write->key.ns = copy(write, key->ns);
    write->key.name = copy(write, key->name);
    write->key.canonical = copy(write, key->canonical);
    return write;
}

static void set_value(write_t *write, const fcache_value_t *value)
{
    fcache_bytes_t *body =
        apr_palloc(write->pool, sizeof(*body) * (value->body_count + 1));
    size_t i;

    for (i = 0; i < value->body_count; i++) {
        body[i] = copy(write, value->body[i]);
    }
    write->value = *value;
    write->value.body = body;
    write->value.head = copy(write, value->head);
    write->value.tags = copy(write, value->tags);
}

/* ---- the thread ---------------------------------------------------------- */

static fcache_status_t perform(const mfc_writes_t *writes, const write_t *write,
                               fcache_error_t *error)
{
    switch (write->kind) {
    case KIND_PUT:
        return writes->ops->put(writes->self, &write->key, &write->value,
                                write->now_us, error);
    case KIND_TOUCH:
        return writes->ops->touch(writes->self, &write->key, write->dead_us,
                                  write->now_us, error);
    case KIND_DEL:
        break;
    }
    if (writes->ops->del == NULL) {
        return FCACHE_UNSUPPORTED;
    }
    if (write->is_so != NULL &&
        !write->is_so(write->data, &write->key, write->now_us, write->pool)) {
        return FCACHE_MISS;
    }
    return writes->ops->del(writes->self, &write->key, write->now_us, error);
}

static write_t *take(queue_t *queue)
{
    write_t *write = queue->first;

    queue->first = write->next;
    if (queue->first == NULL) {
        queue->tail = &queue->first;
    }
    return write;
}

/* Done or given up. */
static void finish(queue_t *queue, write_t *write, fcache_status_t status,
                   const fcache_error_t *error)
{
    mfc_receipt_t *receipt = write->receipt;

    queue->count--;
    queue->bytes -= write->bytes;
    if (receipt != NULL) {
        receipt->pending--;
        if (write->kind != KIND_DEL && status != FCACHE_MISS &&
            receipt->status == FCACHE_OK) {
            receipt->status = status;
            receipt->error = *error;
        }
        apr_thread_cond_broadcast(queue->done);
    }
    apr_pool_destroy(write->pool);
}

static void do_first(queue_t *queue)
{
    fcache_error_t error = {""};
    fcache_status_t status;
    write_t *write = take(queue);

    queue->current = write;
    apr_thread_mutex_unlock(queue->mutex);
    status = perform(queue->writes, write, &error);
    apr_thread_mutex_lock(queue->mutex);
    queue->current = NULL;
    finish(queue, write, status, &error);
}

/* What waited so long may not be the newest any more. */
static int is_over(const queue_t *queue, int64_t now_us)
{
    return now_us - queue->first->queued_us > AGE_US ||
           (queue->end_us != 0 && now_us > queue->end_us);
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    static const fcache_error_t late = {"it waited for too long"};
    queue_t *queue = data;

    (void)thread;
    apr_thread_mutex_lock(queue->mutex);
    while (queue->first != NULL || queue->end_us == 0) {
        if (queue->first == NULL) {
            apr_thread_cond_wait(queue->more, queue->mutex);
        } else if (is_over(queue, apr_time_now())) {
            finish(queue, take(queue), FCACHE_UNAVAILABLE, &late);
        } else {
            do_first(queue);
        }
    }
    apr_thread_mutex_unlock(queue->mutex);
    return NULL;
}

/* ---- queueing ------------------------------------------------------------ */

static queue_t *queue_of(mfc_writes_t *writes)
{
    static apr_uint32_t threads;
    static _Thread_local apr_uint32_t number; /* 0: it has none yet */

    if (number == 0) {
        number = apr_atomic_inc32(&threads) + 1;
    }
    return &writes->queues[number % QUEUES];
}

static mfc_receipt_t **receipt_of(queue_t *queue)
{
    mfc_receipt_t **at = &queue->receipts;

    while (*at != NULL && (*at)->owner != apr_os_thread_current()) {
        at = &(*at)->next;
    }
    return at;
}

/* What an answer needs beside its body goes in once that did. */
static int takes(const queue_t *queue)
{
    return queue->end_us == 0 && queue->count < 4 * WRITES_MAX;
}

static int is_running(queue_t *queue)
{
    if (queue->thread == NULL &&
        apr_thread_create(&queue->thread, NULL, run, queue, queue->pool) !=
            APR_SUCCESS) {
        queue->thread = NULL;
    }
    return queue->thread != NULL;
}

static void append(queue_t *queue, write_t *write)
{
    write->receipt = *receipt_of(queue);
    if (write->receipt != NULL) {
        write->receipt->pending++;
    }
    write->queued_us = apr_time_now();
    *queue->tail = write;
    queue->tail = &write->next;
    queue->count++;
    queue->bytes += write->bytes;
    apr_thread_cond_signal(queue->more);
}

static fcache_status_t push(mfc_writes_t *writes, write_t *write,
                            fcache_error_t *error)
{
    queue_t *queue = queue_of(writes);
    int is_in;

    apr_thread_mutex_lock(queue->mutex);
    is_in = takes(queue) && is_running(queue);
    if (is_in) {
        append(queue, write);
    }
    apr_thread_mutex_unlock(queue->mutex);
    if (!is_in) {
        apr_pool_destroy(write->pool);
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "too much waits to be written");
    }
    return FCACHE_OK;
}

static fcache_status_t no_memory(fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_NO_MEMORY,
                            "no memory to write behind");
}

fcache_status_t mfc_writes_put(mfc_writes_t *writes, const fcache_key_t *key,
                               const fcache_value_t *value, int64_t now_us,
                               fcache_error_t *error)
{
    write_t *write = write_create(KIND_PUT, key, now_us);

    if (write == NULL) {
        return no_memory(error);
    }
    set_value(write, value);
    return push(writes, write, error);
}

fcache_status_t mfc_writes_touch(mfc_writes_t *writes, const fcache_key_t *key,
                                 int64_t dead_us, int64_t now_us,
                                 fcache_error_t *error)
{
    write_t *write = write_create(KIND_TOUCH, key, now_us);

    if (write == NULL) {
        return no_memory(error);
    }
    write->dead_us = dead_us;
    return push(writes, write, error);
}

fcache_status_t mfc_writes_del_if(mfc_writes_t *writes, const fcache_key_t *key,
                                  mfc_writes_is_fn is_so, void *data,
                                  int64_t now_us, fcache_error_t *error)
{
    write_t *write = write_create(KIND_DEL, key, now_us);

    if (write == NULL) {
        return no_memory(error);
    }
    write->is_so = is_so;
    write->data = data;
    return push(writes, write, error);
}

fcache_status_t mfc_writes_del(mfc_writes_t *writes, const fcache_key_t *key,
                               int64_t now_us, fcache_error_t *error)
{
    return mfc_writes_del_if(writes, key, NULL, NULL, now_us, error);
}

/* ---- life ---------------------------------------------------------------- */

static apr_status_t leave(void *data)
{
    mfc_writes_t *writes = data;
    apr_status_t status;
    int i;

    for (i = 0; i < QUEUES; i++) {
        queue_t *queue = &writes->queues[i];
        apr_thread_mutex_lock(queue->mutex);
        queue->end_us = apr_time_now() + DRAIN_US;
        apr_thread_cond_signal(queue->more);
        apr_thread_mutex_unlock(queue->mutex);
    }
    for (i = 0; i < QUEUES; i++) {
        if (writes->queues[i].thread != NULL) {
            apr_thread_join(&status, writes->queues[i].thread);
        }
        apr_pool_destroy(writes->queues[i].pool);
    }
    return APR_SUCCESS;
}

static int queue_init(queue_t *queue, mfc_writes_t *writes, apr_pool_t *pchild)
{
    queue->writes = writes;
    queue->tail = &queue->first;
    queue->pool = mfc_pool_create();
    return queue->pool != NULL &&
           apr_thread_mutex_create(&queue->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pchild) == APR_SUCCESS &&
           apr_thread_cond_create(&queue->more, pchild) == APR_SUCCESS &&
           apr_thread_cond_create(&queue->done, pchild) == APR_SUCCESS;
}

mfc_writes_t *mfc_writes_create(const fcache_backend_ops_t *ops, void *self,
                                apr_pool_t *pchild)
{
    mfc_writes_t *writes = apr_pcalloc(pchild, sizeof(*writes));
    int i;

    writes->ops = ops;
    writes->self = self;
    for (i = 0; i < QUEUES; i++) {
        if (!queue_init(&writes->queues[i], writes, pchild)) {
            return NULL;
        }
    }
    apr_pool_pre_cleanup_register(pchild, writes, leave);
    return writes;
}

/* ---- waiting ------------------------------------------------------------- */

int mfc_writes_has_room(mfc_writes_t *writes)
{
    queue_t *queue = queue_of(writes);
    int room;

    apr_thread_mutex_lock(queue->mutex);
    room =
        takes(queue) && queue->count < WRITES_MAX && queue->bytes < BYTES_MAX;
    apr_thread_mutex_unlock(queue->mutex);
    return room;
}

void mfc_writes_open(mfc_writes_t *writes, mfc_receipt_t *out_receipt)
{
    queue_t *queue = queue_of(writes);

    *out_receipt =
        (mfc_receipt_t){.owner = apr_os_thread_current(), .status = FCACHE_OK};
    apr_thread_mutex_lock(queue->mutex);
    out_receipt->next = queue->receipts;
    queue->receipts = out_receipt;
    apr_thread_mutex_unlock(queue->mutex);
}

/* What is not done goes on without. */
static void forget(queue_t *queue, const mfc_receipt_t *receipt)
{
    write_t *write;

    *receipt_of(queue) = receipt->next;
    if (queue->current != NULL && queue->current->receipt == receipt) {
        queue->current->receipt = NULL;
    }
    for (write = queue->first; write != NULL; write = write->next) {
        if (write->receipt == receipt) {
            write->receipt = NULL;
        }
    }
}

fcache_status_t mfc_writes_close(mfc_writes_t *writes, mfc_receipt_t *receipt,
                                 int64_t until_us)
{
    queue_t *queue = queue_of(writes);
    int64_t left_us = until_us - apr_time_now();
    fcache_status_t status;

    apr_thread_mutex_lock(queue->mutex);
    while (receipt->pending > 0 && left_us > 0) {
        apr_thread_cond_timedwait(queue->done, queue->mutex, left_us);
        left_us = until_us - apr_time_now();
    }
    forget(queue, receipt);
    status = receipt->pending > 0 ? FCACHE_MISS : receipt->status;
    apr_thread_mutex_unlock(queue->mutex);
    return status;
}
