/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <apr_strings.h>

#include <hiredis/hiredis.h>

/* ---- what hiredis' reader calls ------------------------------------------ */

#if HIREDIS_MAJOR >= 1
typedef size_t element_count_t;
#else
typedef int element_count_t;
#endif

/* Where the reply of a task goes: its place in the array around it, or one of
 * its own. NULL, which ends the reading, without memory or too deep. */
static fcrd_reply_t *place(const redisReadTask *task, fcrd_type_t type)
{
    const fcrd_reader_t *reader = task->privdata;
    fcrd_reply_t *reply;
    if (task->parent) {
        const fcrd_reply_t *array = task->parent->obj;
        reply = array->items + task->idx;
    } else {
        reply = apr_palloc(reader->pool, sizeof(*reply));
    }
    if (reply) {
        *reply = (fcrd_reply_t){.type = type};
    }
    return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t len)
{
    const fcrd_reader_t *reader = task->privdata;
    fcrd_type_t type = task->type == REDIS_REPLY_ERROR    ? FCRD_ERROR
                       : task->type == REDIS_REPLY_STATUS ? FCRD_STATUS
                                                          : FCRD_STRING;
    fcrd_reply_t *reply = place(task, type);
    const char *copy = len > 0 ? apr_pmemdup(reader->pool, text, len) : "";
    if (!reply || !copy) {
        return NULL;
    }
    reply->text = fcache_bytes(copy, len);
    return reply;
}

static void *create_array(const redisReadTask *task, element_count_t count)
{
    const fcrd_reader_t *reader = task->privdata;
    int depth = 1;
    for (const redisReadTask *up = task->parent; up; up = up->parent) {
        depth++;
    }
    fcrd_reply_t *reply =
        depth <= FCRD_DEPTH_MAX ? place(task, FCRD_ARRAY) : NULL;
    if (!reply) {
        return NULL;
    }
    reply->count = (size_t)count;
    reply->items =
        apr_pcalloc(reader->pool, reply->count * sizeof(*reply->items));
    return reply->items || count == 0 ? reply : NULL;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    fcrd_reply_t *reply = place(task, FCRD_INTEGER);
    if (reply) {
        reply->integer = value;
    }
    return reply;
}

static void *create_nil(const redisReadTask *task)
{
    return place(task, FCRD_NIL);
}

/* Only called back for what the fields name; the pool frees. */
static redisReplyObjectFunctions builders = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
};

/* ---- reader -------------------------------------------------------------- */

fcache_status_t fcrd_reader_init(fcrd_reader_t *reader,
                                 const fcrd_limits_t *limits, apr_pool_t *pool)
{
    reader->pool = pool;
    fcrd_scan_init(&reader->scan, limits);
    reader->reader = redisReaderCreateWithFunctions(&builders);
    if (!reader->reader) {
        return FCACHE_NO_MEMORY;
    }
    reader->reader->privdata = reader;
    /* else 0.14 replaces an empty buffer, and asserts that it got one */
    reader->reader->maxbuf = 0;
    return FCACHE_OK;
}

void fcrd_reader_fini(fcrd_reader_t *reader)
{
    if (reader->reader) {
        redisReaderFree(reader->reader);
        reader->reader = NULL;
    }
}

fcache_status_t fcrd_reader_feed(fcrd_reader_t *reader, fcache_bytes_t bytes,
                                 fcache_error_t *error)
{
    fcache_status_t status = fcrd_scan_feed(&reader->scan, bytes, error);
    if (status == FCACHE_OK &&
        redisReaderFeed(reader->reader, bytes.ptr, bytes.len) != REDIS_OK) {
        status =
            fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a reply");
    }
    return status;
}

fcache_status_t fcrd_reader_next(fcrd_reader_t *reader,
                                 const fcrd_reply_t **out_reply,
                                 fcache_error_t *error)
{
    void *reply = NULL;
    if (redisReaderGetReply(reader->reader, &reply) != REDIS_OK) {
        return fcache_error_set(error, FCACHE_PROTOCOL,
                                "a reply that cannot be read");
    }
    *out_reply = reply;
    return FCACHE_OK;
}

int fcrd_reader_is_drained(const fcrd_reader_t *reader)
{
    return reader->reader->pos == reader->reader->len;
}

int fcrd_reply_is(const fcrd_reply_t *reply, const char *status)
{
    return reply->type == FCRD_STATUS &&
           fcache_bytes_equal(reply->text, fcache_str(status));
}
