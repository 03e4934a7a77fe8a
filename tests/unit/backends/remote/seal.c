/* SPDX-License-Identifier: Apache-2.0 */
/* T24, T25, T29, F19 to F21, F43, F65: what is unsealed is what was sealed, under
 * the name under which it was. */
#include "pool.h"
#include "check.h"
#include "sealing.h"

#include <openssl/rand.h>

#define ROOM (UINT64_C(1) << 20)

/* Of each kind of record, and packed. */
static const struct {
    const char *name, *secrets, *encrypt, *compress;
} kinds[] = {
    {"checksum", NULL, "off", "off"},
    {"signed", SECRET_A, "off", "off"},
    {"encrypted", SECRET_A, "on", "off"},
    {"checksum, packed", NULL, "off", "1"},
    {"signed, packed", SECRET_A, "off", "1"},
    {"encrypted, packed", SECRET_A, "on", "1"},
};

static fcr_protect_t *protect_of(size_t i, apr_pool_t *pool)
{
    fcr_protect_t *protect =
        sealing(kinds[i].secrets, kinds[i].encrypt, kinds[i].compress, pool);
    assert_non_null(protect);
    return protect;
}

static fcache_bytes_t name(void)
{
    return fcache_str("prefix:ns:digest");
}

/* 2 KiB in all, of which about half can be packed. */
static fcr_record_t record(fcache_bytes_t pieces[2], apr_pool_t *pool)
{
    char *body = apr_palloc(pool, 1800);
    memset(body, 'x', 1800);
    assert_int_equal(RAND_bytes((unsigned char *)body, 900), 1);
    pieces[0] = fcache_bytes(body, 300);
    pieces[1] = fcache_bytes(body + 300, 1500);
    return (fcr_record_t){
        .epoch = UINT64_C(1800000000123456),
        .fresh_until_us = INT64_C(1800000060000000),
        .dead_us = INT64_C(1800000090000000),
        .tags = fcache_bytes("\3\0red\4\0blue", 11),
        .head = fcache_str("the head of it"),
        .body = pieces,
        .body_count = 2,
    };
}

static fcache_bytes_t sealed(const fcr_protect_t *protect, fcr_record_t *one,
                             apr_pool_t *pool)
{
    fcache_buf_t out;
    fcache_bytes_t pieces[2];
    *one = record(pieces, pool);
    fcache_buf_init(&out, ROOM);
    CHECK_INT(fcr_seal(protect, name(), one, &out, NULL), FCACHE_OK);
    fcache_bytes_t copy =
        fcache_bytes(apr_pmemdup(pool, out.ptr, out.len), out.len);
    char *body = apr_palloc(pool, 1800);
    memcpy(body, pieces[0].ptr, 300);
    memcpy(body + 300, pieces[1].ptr, 1500);
    fcache_bytes_t *whole = apr_palloc(pool, sizeof(*whole));
    *whole = fcache_bytes(body, 1800);
    one->body = whole;
    one->body_count = 1;
    fcache_buf_fini(&out);
    return copy;
}

static fcache_status_t unseal(const fcr_protect_t *protect,
                              fcache_bytes_t bytes, apr_pool_t *pool)
{
    fcr_record_t got;
    return fcr_unseal(protect, name(), bytes, ROOM, &got, pool, NULL);
}

static void what_is_sealed_is_unsealed(void **state)
{
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcr_record_t one, got;
        ROW(i, kinds[i].name);
        fcache_bytes_t bytes = sealed(protect, &one, pool);
        CHECK_INT(fcr_unseal(protect, name(), bytes, ROOM, &got, pool, NULL),
                  FCACHE_OK);
        CHECK_INT(got.epoch, one.epoch);
        CHECK_INT(got.fresh_until_us, one.fresh_until_us);
        CHECK_INT(got.dead_us, one.dead_us);
        CHECK_INT(got.soft, 0);
        CHECK_INT(fcache_bytes_equal(got.tags, one.tags), 1);
        CHECK_INT(fcache_bytes_equal(got.head, one.head), 1);
        CHECK_INT(got.body_count, 1);
        CHECK_INT(fcache_bytes_equal(got.body[0], one.body[0]), 1);
        int packed = strcmp(kinds[i].compress, "off") != 0;
        CHECK_INT(bytes.len < 1500, packed);
        CHECK_INT(bytes.len <= 1825 + FCR_SEAL_OVERHEAD, 1);
        if (strcmp(kinds[i].encrypt, "on") == 0) {
            CHECK_INT(memmem(bytes.ptr, bytes.len, "the head of it", 14) == 0,
                      1);
        }
    }
}

static void nothing_and_soft_too(void **state)
{
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcr_record_t got, none = {.soft = 1, .dead_us = -1};
        fcache_buf_t out;
        ROW(i, kinds[i].name);
        fcache_buf_init(&out, FCR_SEAL_OVERHEAD);
        CHECK_INT(fcr_seal(protect, name(), &none, &out, NULL), FCACHE_OK);
        CHECK_INT(fcr_unseal(protect, name(), fcache_buf_bytes(&out), 0, &got,
                             pool, NULL),
                  FCACHE_OK);
        CHECK_INT(got.soft, 1);
        CHECK_INT(got.dead_us, -1);
        CHECK_INT(got.tags.len + got.head.len + got.body_count, 0);
        fcache_buf_fini(&out);
    }
}

/* Every bit, every truncation, and one byte more. */
static void changed_records_are_refused(void **state)
{
    apr_pool_t *pool = *state;
    apr_pool_t *scratch;
    apr_pool_create(&scratch, pool);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcr_record_t one;
        fcache_bytes_t bytes = sealed(protect, &one, pool);
        char *copy = apr_palloc(pool, bytes.len + 1);
        ROW(i, kinds[i].name);
        memcpy(copy, bytes.ptr, bytes.len);
        copy[bytes.len] = 0;
        for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            CHECK_INT(unseal(protect, fcache_bytes(copy, bytes.len), scratch) !=
                          FCACHE_OK,
                      1);
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            apr_pool_clear(scratch);
        }
        for (size_t len = 0; len < bytes.len; len++) {
            CHECK_INT(unseal(protect, fcache_bytes(copy, len), scratch),
                      FCACHE_CORRUPT);
            apr_pool_clear(scratch);
        }
        CHECK_INT(unseal(protect, fcache_bytes(copy, bytes.len + 1), scratch),
                  FCACHE_CORRUPT);
        CHECK_INT(unseal(protect, bytes, scratch), FCACHE_OK);
    }
}

static void a_record_belongs_to_its_name(void **state)
{
    static const char *const others[] = {"", "prefix:ns:digesT",
                                         "prefix:ns:diges", "prefix:ns:digest2",
                                         "prefix:n:sdigest"};
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcr_record_t one, got;
        fcache_bytes_t bytes = sealed(protect, &one, pool);
        for (size_t j = 0; j < COUNT(others); j++) {
            fcache_error_t error = {""};
            ROW(i, others[j]);
            CHECK_INT(fcr_unseal(protect, fcache_str(others[j]), bytes, ROOM,
                                 &got, pool, &error),
                      FCACHE_CORRUPT);
            CHECK_INT(strstr(error.text, others[j]) == error.text, 1);
        }
    }
}

/* F65: [new, old] reads what [old] and [old, new] wrote, and the other way round;
 * [new] alone does not. */
static void secrets_can_be_replaced(void **state)
{
    apr_pool_t *pool = *state;
    static const char *const encrypt[] = {"off", "on"};
    for (size_t i = 0; i < COUNT(encrypt); i++) {
        fcr_protect_t *old = sealing(SECRET_A, encrypt[i], "off", pool);
        fcr_protect_t *both =
            sealing(SECRET_B "\n" SECRET_A, encrypt[i], "off", pool);
        fcr_protect_t *late =
            sealing(SECRET_A "\n" SECRET_B, encrypt[i], "off", pool);
        fcr_protect_t *new = sealing(SECRET_B, encrypt[1 - i], "off", pool);
        fcr_record_t one;
        fcache_bytes_t by_old = sealed(old, &one, pool);
        fcache_bytes_t by_both = sealed(both, &one, pool);
        ROW(i, "encrypt");
        CHECK_INT(unseal(both, by_old, pool), FCACHE_OK);
        CHECK_INT(unseal(late, by_old, pool), FCACHE_OK);
        CHECK_INT(unseal(late, by_both, pool), FCACHE_OK);
        CHECK_INT(unseal(new, by_both, pool), FCACHE_OK);
        CHECK_INT(unseal(new, by_old, pool), FCACHE_CORRUPT);
        CHECK_INT(unseal(old, by_both, pool), FCACHE_CORRUPT);
    }
}

/* Who has no secret cannot write for those who have, nor read what they wrote. */
static void secrets_are_not_optional(void **state)
{
    apr_pool_t *pool = *state;
    fcr_protect_t *none = sealing(NULL, "off", "off", pool);
    fcr_protect_t *some = sealing(SECRET_A, "off", "off", pool);
    fcr_record_t one;
    assert_int_equal(unseal(some, sealed(none, &one, pool), pool),
                     FCACHE_CORRUPT);
    assert_int_equal(unseal(none, sealed(some, &one, pool), pool),
                     FCACHE_CORRUPT);
}

static void newer_versions_are_not_ours(void **state)
{
    apr_pool_t *pool = *state;
    fcr_protect_t *protect = sealing(SECRET_A, "off", "off", pool);
    fcr_record_t one;
    fcache_bytes_t bytes = sealed(protect, &one, pool);
    char *copy = apr_pmemdup(pool, bytes.ptr, bytes.len);
    copy[4] = 2;
    assert_int_equal(unseal(protect, fcache_bytes(copy, bytes.len), pool),
                     FCACHE_UNSUPPORTED);
    copy[4] = 0;
    assert_int_equal(unseal(protect, fcache_bytes(copy, bytes.len), pool),
                     FCACHE_CORRUPT);
}

static void two_seals_differ(void **state)
{
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcr_record_t none = {.epoch = 1};
        fcache_buf_t out[2];
        for (int j = 0; j < 2; j++) {
            fcache_buf_init(&out[j], ROOM);
            fcr_seal(protect, name(), &none, &out[j], NULL);
        }
        ROW(i, kinds[i].name);
        CHECK_INT(memcmp(out[0].ptr, out[1].ptr, 32) != 0, 1);
        fcache_buf_fini(&out[0]);
        fcache_buf_fini(&out[1]);
    }
}

static int no_random(unsigned char *out, int len)
{
    memset(out, 0, (size_t)len);
    return 0;
}

static void without_random_bytes_nothing_is_sealed(void **state)
{
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcr_record_t none = {.epoch = 1};
        fcache_buf_t out;
        protect->random = no_random;
        fcache_buf_init(&out, ROOM);
        ROW(i, kinds[i].name);
        CHECK_INT(fcr_seal(protect, name(), &none, &out, NULL),
                  FCACHE_NO_MEMORY);
        CHECK_INT(out.len, 0);
        fcache_buf_fini(&out);
    }
}

static void too_much_is_not_sealed(void **state)
{
    apr_pool_t *pool = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fcr_protect_t *protect = protect_of(i, pool);
        fcache_bytes_t pieces[2];
        fcr_record_t one = record(pieces, pool);
        fcache_buf_t out;
        fcache_buf_init(&out, 1900);
        ROW(i, kinds[i].name);
        fcache_buf_append(&out, fcache_str("before"));
        fcache_status_t status = fcr_seal(protect, name(), &one, &out, NULL);
        CHECK_INT(status, strcmp(kinds[i].compress, "off") == 0
                              ? FCACHE_TOO_LARGE
                              : FCACHE_OK);
        CHECK_INT(status == FCACHE_OK || out.len == 6, 1);
        fcache_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(what_is_sealed_is_unsealed),
        pool_test(nothing_and_soft_too),
        pool_test(changed_records_are_refused),
        pool_test(a_record_belongs_to_its_name),
        pool_test(secrets_can_be_replaced),
        pool_test(secrets_are_not_optional),
        pool_test(newer_versions_are_not_ours),
        pool_test(two_seals_differ),
        pool_test(without_random_bytes_nothing_is_sealed),
        pool_test(too_much_is_not_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
