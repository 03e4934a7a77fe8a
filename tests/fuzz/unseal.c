/* SPDX-License-Identifier: Apache-2.0 */
/* A store's bytes as a record (T24, T29): as they come they are refused, or seal
 * made them; with a tag that is right, what they say fits into what they are. */
#include "fuzz.h"
#include "sealing.h"

#include <apr_general.h>

#define HEADER 80
#define ROOM   65536

static fcr_protect_t *protects[3];
static apr_pool_t *forever;
static apr_pool_t *pool;

static void stop(void)
{
    apr_pool_destroy(forever);
}

static void start(void)
{
    MUST(apr_initialize() == APR_SUCCESS);
    MUST(apr_pool_create(&forever, NULL) == APR_SUCCESS);
    MUST(apr_pool_create(&pool, forever) == APR_SUCCESS);
    protects[0] = sealing(NULL, "off", "off", forever);
    protects[1] = sealing(SECRET_A, "off", "off", forever);
    protects[2] = sealing(SECRET_B "\n" SECRET_A, "on", "off", forever);
    MUST(protects[0] && protects[1] && protects[2]);
    MUST(atexit(stop) == 0);
}

static fcache_bytes_t name(void)
{
    return fcache_str("shop:api:digest");
}

static int is_within(fcache_bytes_t part, uint64_t *total)
{
    volatile char last = part.len ? part.ptr[part.len - 1] : 0;
    (void)last;
    *total += part.len;
    return *total <= ROOM;
}

static void open_record(const fcr_protect_t *protect, fcache_bytes_t sealed)
{
    fcr_record_t record;
    uint64_t total = 0;
    fcache_status_t status =
        fcr_unseal(protect, name(), sealed, ROOM, &record, pool, NULL);
    MUST(status == FCACHE_OK || status == FCACHE_CORRUPT ||
         status == FCACHE_UNSUPPORTED);
    if (status == FCACHE_OK) {
        MUST(is_within(record.tags, &total));
        MUST(is_within(record.head, &total));
        MUST(record.body_count <= 1);
        MUST(record.body_count == 0 || is_within(record.body[0], &total));
    }
}

/* Signed by whoever holds the secret. */
static void forge(const uint8_t *data, size_t size)
{
    unsigned char tag[FCR_TAG_MAX];
    char *record = apr_palloc(pool, size + FCR_TAG_MAX);
    fcr_bound_t bound = {name(), fcache_bytes(record, HEADER),
                         (unsigned char *)record + 16};
    memcpy(record, data, size);
    memcpy(record, "FCR1\1", 5);
    record[5] = (char)(record[5] & 3);
    fcache_bytes_t payload = fcache_bytes(record + HEADER, size - HEADER);
    MUST(fcr_tag(NULL, &bound, payload, tag));
    memcpy(record + size, tag, 16);
    open_record(protects[0], fcache_bytes(record, size + 16));
    record[5] = (char)(record[5] | 4);
    memcpy(record + 8, protects[1]->keys[0].id, FCR_KEY_ID);
    MUST(fcr_tag(&protects[1]->keys[0], &bound, payload, tag));
    memcpy(record + size, tag, 32);
    open_record(protects[1], fcache_bytes(record, size + 32));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!pool) {
        start();
    }
    for (size_t i = 0; i < 3; i++) {
        open_record(protects[i], fcache_bytes(data, size));
    }
    if (size >= HEADER && size < ROOM) {
        forge(data, size);
    }
    apr_pool_clear(pool);
    return 0;
}
