/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/error.h"
#include "redis/reply.h"

#include "fuzz.h"

#include <apr_general.h>

/* What a Redis server may send, in pieces whose length the first byte says: no
 * more is built of it than the limits allow, and cuts make no difference. */

#define MAX_ITEMS 64
#define MAX_BULK  256

typedef struct seen_t {
    size_t replies, items, bytes;
    fcache_status_t status;
} seen_t;

/* Depth is bounded by the reader, so this recursion is. */
static void look_at(seen_t *seen, const fcrd_reply_t *reply, int depth)
{
    MUST(depth <= FCRD_DEPTH_MAX);
    MUST(reply->text.len <= FCRD_LINE_MAX);
    MUST(reply->type != FCRD_STRING || reply->text.len <= MAX_BULK);
    seen->bytes += reply->text.len;
    if (reply->type == FCRD_ERROR) {
        unsigned slot;
        fcache_bytes_t host;
        uint16_t port;
        MUST(fcrd_meaning(reply)->text[0] != '\0');
        MUST(!fcrd_redirect_parse(reply, &slot, &host, &port) ||
             (slot < 16384 && port > 0));
    }
    for (size_t i = 0; i < reply->count; i++) {
        seen->items++;
        look_at(seen, &reply->items[i], depth + 1);
    }
}

static seen_t read_all(fcache_bytes_t wire, size_t step, apr_pool_t *pool)
{
    static const fcrd_limits_t limits = {MAX_BULK, 1 << 20, MAX_ITEMS};
    fcrd_reader_t reader;
    seen_t seen = {.status = fcrd_reader_init(&reader, &limits, pool)};
    for (size_t at = 0; at < wire.len && seen.status == FCACHE_OK; at += step) {
        const fcrd_reply_t *reply = NULL;
        size_t len = step < wire.len - at ? step : wire.len - at;
        seen.status =
            fcrd_reader_feed(&reader, fcache_bytes(wire.ptr + at, len), NULL);
        do {
            reply = NULL;
            if (seen.status == FCACHE_OK) {
                seen.status = fcrd_reader_next(&reader, &reply, NULL);
            }
            if (reply) {
                seen.replies++;
                look_at(&seen, reply, 0);
            }
        } while (reply);
    }
    fcrd_reader_fini(&reader);
    MUST(seen.items <= MAX_ITEMS);
    MUST(seen.bytes <= wire.len);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = NULL;
    if (size == 0) {
        return 0;
    }
    MUST(apr_initialize() == APR_SUCCESS);
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    fcache_bytes_t wire = fcache_bytes(data + 1, size - 1);
    seen_t whole = read_all(wire, wire.len + 1, pool);
    seen_t pieces = read_all(wire, (size_t)data[0] % 32 + 1, pool);
    MUST(whole.status == pieces.status);
    MUST(whole.status != FCACHE_OK || whole.replies == pieces.replies);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
