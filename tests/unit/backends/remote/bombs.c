/* SPDX-License-Identifier: Apache-2.0 */
/* T29: records that say of themselves what is not so, with a tag that is right:
 * as whoever holds a secret, or writes into a store without one, can make them. */
#include "pool.h"
#include "check.h"
#include "sealing.h"

#include <zstd.h>

#define HEADER 80
#define ROOM   (UINT64_C(1) << 20)

typedef struct forged_t {
    uint8_t flags;
    uint32_t tags_len, head_len;
    uint64_t body_len, payload_len;
} forged_t;

static void put(char *at, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (char)(value >> 8 * i);
    }
}

/* A record with a checksum that is right. */
static fcache_bytes_t forge(const forged_t *forged, fcache_bytes_t payload,
                            apr_pool_t *pool)
{
    char *record = apr_pcalloc(pool, HEADER + payload.len + 16);
    fcr_bound_t bound = {fcache_str("p:n:d"), fcache_bytes(record, HEADER),
                         (unsigned char *)record + 16};
    memcpy(record, "FCR1\1", 5);
    record[5] = (char)forged->flags;
    put(record + 56, 4, forged->tags_len);
    put(record + 60, 4, forged->head_len);
    put(record + 64, 8, forged->body_len);
    put(record + 72, 8, forged->payload_len);
    memcpy(record + HEADER, payload.ptr, payload.len);
    assert_true(fcr_tag(NULL, &bound, payload,
                        (unsigned char *)record + HEADER + payload.len));
    return fcache_bytes(record, HEADER + payload.len + 16);
}

static fcache_status_t unseal(const forged_t *forged, fcache_bytes_t payload,
                              uint64_t room, apr_pool_t *pool)
{
    fcr_record_t record;
    fcr_protect_t *protect = sealing(NULL, "off", "off", pool);
    return fcr_unseal(protect, fcache_str("p:n:d"),
                      forge(forged, payload, pool), room, &record, pool, NULL);
}

static void lengths_must_add_up(void **state)
{
    static const struct {
        forged_t forged;
        fcache_status_t status;
    } rows[] = {
        {{0, 2, 3, 5, 10}, FCACHE_OK},
        {{0, 0, 0, 10, 10}, FCACHE_OK},
        {{0, 10, 0, 0, 10}, FCACHE_OK},
        {{0, 2, 3, 4, 10}, FCACHE_CORRUPT},
        {{0, 2, 3, 6, 10}, FCACHE_CORRUPT},
        {{0, 2, 3, 5, 11}, FCACHE_CORRUPT},
        {{0, 2, 3, 5, 9}, FCACHE_CORRUPT},
        {{0, UINT32_MAX, 11, 0, 10}, FCACHE_CORRUPT},
        {{0, UINT32_MAX, UINT32_MAX, UINT64_MAX, 10}, FCACHE_CORRUPT},
        {{0, 2, 3, UINT64_MAX, 10}, FCACHE_CORRUPT},
        {{0, 0, 0, UINT64_MAX - 1, 10}, FCACHE_CORRUPT},
        {{1, 2, 3, 5, 10}, FCACHE_CORRUPT}, /* not zstd at all */
        {{16, 2, 3, 5, 10}, FCACHE_CORRUPT},
        {{0xf0, 2, 3, 5, 10}, FCACHE_CORRUPT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, "lengths");
        CHECK_INT(
            unseal(&rows[i].forged, fcache_str("0123456789"), ROOM, *state),
            rows[i].status);
    }
}

/* `len` times the same byte, packed. */
static fcache_bytes_t packed(size_t len, apr_pool_t *pool)
{
    char *raw = calloc(1, len);
    size_t bound = ZSTD_compressBound(len);
    char *out = apr_palloc(pool, bound);
    size_t got = ZSTD_compress(out, bound, raw, len, 1);
    free(raw);
    assert_false(ZSTD_isError(got));
    return fcache_bytes(out, got);
}

static void bombs_do_not_go_off(void **state)
{
    apr_pool_t *pool = *state;
    fcache_bytes_t small = packed(4000, pool);
    fcache_bytes_t bomb = packed(64 << 20, pool);
    const struct {
        fcache_bytes_t payload;
        uint64_t body_len, room;
        fcache_status_t status;
    } rows[] = {
        {small, 4000, ROOM, FCACHE_OK},
        {small, 4000, 4000, FCACHE_OK},
        {small, 4000, 3999, FCACHE_CORRUPT},
        {small, 3999, ROOM, FCACHE_CORRUPT},
        {small, 4001, ROOM, FCACHE_CORRUPT},
        {small, 0, ROOM, FCACHE_CORRUPT},
        {fcache_bytes(small.ptr, small.len - 1), 4000, ROOM, FCACHE_CORRUPT},
        {fcache_bytes("", 0), 0, ROOM, FCACHE_CORRUPT},
        {bomb, ROOM, ROOM, FCACHE_CORRUPT},
        {bomb, 64 << 20, ROOM, FCACHE_CORRUPT},
        {bomb, 64 << 20, UINT64_MAX, FCACHE_CORRUPT}, /* by its ratio */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        forged_t forged = {1, 0, 0, rows[i].body_len, rows[i].payload.len};
        ROW(i, "bomb");
        CHECK_INT(unseal(&forged, rows[i].payload, rows[i].room, pool),
                  rows[i].status);
    }
}

/* Two frames, and a frame that is skipped, are one payload too few. */
static void frames_are_counted(void **state)
{
    apr_pool_t *pool = *state;
    fcache_bytes_t one = packed(300, pool);
    char *two = apr_palloc(pool, 2 * one.len);
    memcpy(two, one.ptr, one.len);
    memcpy(two + one.len, one.ptr, one.len);
    forged_t forged = {1, 0, 0, 300, 2 * one.len};
    assert_int_equal(
        unseal(&forged, fcache_bytes(two, 2 * one.len), ROOM, pool),
        FCACHE_CORRUPT);
    forged = (forged_t){1, 0, 0, 10, 10};
    assert_int_equal(unseal(&forged,
                            fcache_bytes("\x50\x2a\x4d\x18\2\0\0\0ab", 10),
                            ROOM, pool),
                     FCACHE_CORRUPT);
}

/* What is sealed can be unsealed: too good a ratio is not used. */
static void what_packs_too_well_is_not_packed(void **state)
{
    apr_pool_t *pool = *state;
    fcr_protect_t *protect = sealing(NULL, "off", "1", pool);
    char *zeros = apr_pcalloc(pool, ROOM);
    fcache_bytes_t body = fcache_bytes(zeros, ROOM);
    fcr_record_t record = {.body = &body, .body_count = 1}, got;
    fcache_buf_t out;
    fcache_buf_init(&out, 2 * ROOM);
    assert_int_equal(fcr_seal(protect, fcache_str("n"), &record, &out, NULL),
                     FCACHE_OK);
    assert_true(out.len > ROOM);
    assert_int_equal(fcr_unseal(protect, fcache_str("n"),
                                fcache_buf_bytes(&out), ROOM, &got, pool, NULL),
                     FCACHE_OK);
    assert_true(fcache_bytes_equal(got.body[0], body));
    fcache_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(lengths_must_add_up),
        pool_test(bombs_do_not_go_off),
        pool_test(frames_are_counted),
        pool_test(what_packs_too_well_is_not_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
