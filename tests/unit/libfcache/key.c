/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include "check.h"
#include "pool.h"
#include "requests.h"

#include "tuple.h"

#include <fcache/entry.h>

#include <stdlib.h>

static const fcache_bytes_t app = {"app", 3};

static void labels(void **state)
{
    static const struct {
        const char *text;
        int valid;
    } rows[] = {
        {"", 1},    {"fcache", 1}, {"a.b_c-D9", 1}, {"a:b", 0}, {"a b", 0},
        {"a\n", 0}, {"a*", 0},     {"\xc3\xa4", 0}, {"a/b", 0}, {"a\x7f", 0},
    };
    char text[FCACHE_KEY_MAX_LABEL + 1];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].text);
        CHECK_INT(fcache_label_is_valid(fcache_str(rows[i].text)),
                  rows[i].valid);
    }
    memset(text, 'a', sizeof(text));
    assert_true(fcache_label_is_valid(fcache_bytes(text, sizeof(text) - 1)));
    assert_false(fcache_label_is_valid(fcache_bytes(text, sizeof(text))));
}

static void tuple_becomes_canonical_bytes(void **state)
{
    static const char wanted[] = "\x01"
                                 "\x01\0\x02\0\0\0"
                                 "axy"
                                 "\x02\0\0\0\0\0"
                                 "bb";
    fcache_tuple_t *tuple = fcache_tuple_create(*state);
    fcache_key_t key;
    assert_int_equal(fcache_tuple_add(tuple, "a", fcache_str("xy")), FCACHE_OK);
    assert_int_equal(fcache_tuple_add(tuple, "bb", fcache_str("")), FCACHE_OK);
    assert_int_equal(
        fcache_key_from_tuple(tuple, app, fcache_str("n"), &key, *state, NULL),
        FCACHE_OK);
    assert_int_equal(key.canonical.len, sizeof(wanted) - 1);
    assert_memory_equal(key.canonical.ptr, wanted, sizeof(wanted) - 1);
    assert_int_equal(key.name.len, 3 + 1 + 1 + 1 + 43);
    assert_memory_equal(key.name.ptr, "app:n:", 6);
    assert_int_equal(strlen(key.name.ptr), key.name.len);
    CHECK_TEXT(key.prefix, "app");
    CHECK_TEXT(key.ns, "n");
}

static void key_keeps_its_bytes_when_the_tuple_grows(void **state)
{
    char large[4000];
    fcache_tuple_t *tuple = fcache_tuple_create(*state);
    fcache_key_t before;
    fcache_key_t after;
    memset(large, 'x', sizeof(large));
    fcache_tuple_add(tuple, "a", fcache_str("1"));
    fcache_key_from_tuple(tuple, app, app, &before, *state, NULL);
    assert_int_equal(
        fcache_tuple_add(tuple, "b", fcache_bytes(large, sizeof(large))),
        FCACHE_OK);
    fcache_key_from_tuple(tuple, app, app, &after, *state, NULL);
    assert_int_equal(before.canonical.len, 1 + 6 + 2);
    assert_int_equal(after.canonical.len, 1 + 6 + 2 + 6 + 1 + sizeof(large));
    assert_string_not_equal(before.name.ptr, after.name.ptr);
}

/* T31: a key has a ceiling, met exactly. */
static void ceiling(void **state)
{
    enum { ROOM = FCACHE_KEY_MAX_CANONICAL - 1 - FCI_ELEMENT_HEAD - 1 };
    char *large = apr_pcalloc(*state, ROOM + 1);
    fcache_tuple_t *tuple = fcache_tuple_create(*state);
    assert_int_equal(
        fcache_tuple_add(tuple, "a", fcache_bytes(large, ROOM + 1)),
        FCACHE_TOO_LARGE);
    assert_int_equal(fcache_tuple_add(tuple, "a", fcache_bytes(large, ROOM)),
                     FCACHE_OK);
    assert_int_equal(fcache_tuple_add(tuple, "", fcache_str("")),
                     FCACHE_TOO_LARGE);
    assert_int_equal(
        fcache_tuple_add(tuple, "a", fcache_bytes(large, SIZE_MAX)),
        FCACHE_TOO_LARGE);
}

static void bad_labels_make_no_key(void **state)
{
    fcache_tuple_t *tuple = fcache_tuple_create(*state);
    fcache_key_t key;
    fcache_error_t error;
    assert_int_equal(fcache_key_from_tuple(tuple, fcache_str("a:b"), app, &key,
                                           *state, &error),
                     FCACHE_BAD_INPUT);
    assert_int_equal(fcache_key_from_tuple(tuple, app, fcache_str("a b"), &key,
                                           *state, &error),
                     FCACHE_BAD_INPUT);
    assert_non_null(strstr(error.text, "A-Za-z0-9._-"));
}

/* T7: what is no canonical key is refused and nothing behind it is read. */
static void next_refuses_what_is_cut(void **state)
{
    static const char whole[] = "\x01"
                                "\x01\0\x02\0\0\0"
                                "axy";
    fcache_bytes_t label;
    fcache_bytes_t value;
    (void)state;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        char *copy = malloc(len ? len : 1); /* sanitizers see a read behind */
        size_t offset = 0;
        ROW(len, "cut");
        memcpy(copy, whole, len);
        CHECK_INT(fcache_canonical_next(fcache_bytes(copy, len), &offset,
                                        &label, &value),
                  len == 1 ? 0 : -1);
        free(copy);
    }
    static const char hostile[] = "\x01\xff\xff\xff\xff\xff\xff"
                                  "a";
    size_t offset = 0;
    assert_int_equal(fcache_canonical_next(fcache_bytes(hostile, 8), &offset,
                                           &label, &value),
                     -1);
    offset = 100;
    assert_int_equal(
        fcache_canonical_next(fcache_bytes(whole, 10), &offset, &label, &value),
        -1);
}

/* ---- injectivity (T7) ---------------------------------------------------- */

enum { TUPLES = 4000, MAX_ELEMENTS = 4, MAX_TEXT = 3 };

typedef struct sample_t {
    size_t count;
    char labels[MAX_ELEMENTS][MAX_TEXT + 1];
    char values[MAX_ELEMENTS][MAX_TEXT];
    size_t lens[MAX_ELEMENTS];
    fcache_bytes_t canonical;
} sample_t;

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Few bytes, and those that lengths are made of, so that tuples come close. */
static char random_byte(uint32_t *seed)
{
    static const char bytes[] = {0, 1, 2, 6, 'a', ':'};
    return bytes[next_random(seed) % sizeof(bytes)];
}

static void make_sample(sample_t *sample, uint32_t *seed, apr_pool_t *pool)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    memset(sample, 0, sizeof(*sample));
    sample->count = next_random(seed) % (MAX_ELEMENTS + 1);
    for (size_t i = 0; i < sample->count; i++) {
        size_t label_len = next_random(seed) % (MAX_TEXT + 1);
        for (size_t j = 0; j < label_len; j++) {
            char c = random_byte(seed);
            sample->labels[i][j] = c ? c : 'b';
        }
        sample->lens[i] = next_random(seed) % (MAX_TEXT + 1);
        for (size_t j = 0; j < sample->lens[i]; j++) {
            sample->values[i][j] = random_byte(seed);
        }
        assert_int_equal(
            fcache_tuple_add(tuple, sample->labels[i],
                             fcache_bytes(sample->values[i], sample->lens[i])),
            FCACHE_OK);
    }
    sample->canonical = fcache_bytes(tuple->ptr, tuple->len);
}

static int same_tuple(const sample_t *a, const sample_t *b)
{
    int same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->labels[i], b->labels[i]) == 0 &&
               a->lens[i] == b->lens[i] &&
               memcmp(a->values[i], b->values[i], a->lens[i]) == 0;
    }
    return same;
}

static int by_canonical(const void *left, const void *right)
{
    const sample_t *a = left;
    const sample_t *b = right;
    size_t shorter = a->canonical.len < b->canonical.len ? a->canonical.len
                                                         : b->canonical.len;
    int order = memcmp(a->canonical.ptr, b->canonical.ptr, shorter);
    return order ? order
                 : (a->canonical.len > b->canonical.len) -
                       (a->canonical.len < b->canonical.len);
}

static void read_back(const sample_t *sample)
{
    size_t offset = 0;
    fcache_bytes_t label;
    fcache_bytes_t value;
    for (size_t i = 0; i < sample->count; i++) {
        assert_int_equal(
            fcache_canonical_next(sample->canonical, &offset, &label, &value),
            1);
        CHECK_TEXT(label, sample->labels[i]);
        assert_true(fcache_bytes_equal(
            value, fcache_bytes(sample->values[i], sample->lens[i])));
    }
    assert_int_equal(
        fcache_canonical_next(sample->canonical, &offset, &label, &value), 0);
}

/* Equal bytes come from equal tuples only, and every tuple can be read back. */
static void tuples_do_not_collide(void **state)
{
    sample_t *samples = calloc(TUPLES, sizeof(*samples));
    uint32_t seed = 20;
    assert_non_null(samples);
    for (size_t i = 0; i < TUPLES; i++) {
        make_sample(&samples[i], &seed, *state);
        ROW(i, "random tuple");
        read_back(&samples[i]);
    }
    qsort(samples, TUPLES, sizeof(*samples), by_canonical);
    for (size_t i = 1; i < TUPLES; i++) {
        CHECK_INT(
            fcache_bytes_equal(samples[i - 1].canonical, samples[i].canonical),
            same_tuple(&samples[i - 1], &samples[i]));
    }
    free(samples);
}

/* ---- variants ------------------------------------------------------------ */

static fcache_key_t primary_key(apr_pool_t *pool)
{
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    assert_int_equal(fcache_key_build(NULL, NULL, NULL, app, app, &request,
                                      &key, pool, NULL),
                     FCACHE_OK);
    return key;
}

static fcache_key_t variant_key(const char *id, const char *value,
                                apr_pool_t *pool)
{
    fcache_key_t primary = primary_key(pool);
    const fcache_field_t fields[] = {
        {fcache_str("X-Tenant"), fcache_str(value)}};
    fcache_request_t request = plain_request(fields, value ? 1 : 0);
    fcache_key_t key;
    assert_int_equal(fcache_key_variant(&primary, fcache_str(id),
                                        fcache_bytes("\x08\0x-tenant", 10),
                                        &request, &key, pool, NULL),
                     FCACHE_OK);
    return key;
}

/* RFC 9111 §4.1: absent matches absent only, and T12: by value in full. */
static void variants_differ_by_value_and_id(void **state)
{
    fcache_key_t keys[] = {
        primary_key(*state),
        variant_key("id1", "a", *state),
        variant_key("id1", "b", *state),
        variant_key("id1", "", *state),
        variant_key("id1", NULL, *state),
        variant_key("id2", "a", *state),
    };
    for (size_t i = 0; i < COUNT(keys); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(keys[i].name.ptr, keys[j].name.ptr);
        }
    }
    fcache_key_t again = variant_key("id1", "a", *state);
    assert_string_equal(again.name.ptr, keys[1].name.ptr);
}

static void variant_knows_its_primary(void **state)
{
    fcache_key_t primary = primary_key(*state);
    fcache_key_t variant = variant_key("id1", "a", *state);
    fcache_key_t found;
    assert_int_equal(fci_key_primary(&variant, &found, *state, NULL),
                     FCACHE_OK);
    assert_string_equal(found.name.ptr, primary.name.ptr);
    assert_true(fcache_bytes_equal(found.canonical, primary.canonical));
    assert_int_equal(fci_key_primary(&primary, &found, *state, NULL),
                     FCACHE_BAD_INPUT);
}

static void malformed_names_make_no_variant(void **state)
{
    fcache_key_t primary = primary_key(*state);
    fcache_request_t request = plain_request(NULL, 0);
    fcache_key_t key;
    assert_int_equal(fcache_key_variant(&primary, fcache_str("id"),
                                        fcache_bytes("\xff\0a", 3), &request,
                                        &key, *state, NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(fcache_key_variant(&primary, fcache_str("id"),
                                        fcache_bytes("\0\0", 2), &request, &key,
                                        *state, NULL),
                     FCACHE_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels),
        pool_test(tuple_becomes_canonical_bytes),
        pool_test(key_keeps_its_bytes_when_the_tuple_grows),
        pool_test(ceiling),
        pool_test(bad_labels_make_no_key),
        cmocka_unit_test(next_refuses_what_is_cut),
        pool_test(tuples_do_not_collide),
        pool_test(variants_differ_by_value_and_id),
        pool_test(variant_knows_its_primary),
        pool_test(malformed_names_make_no_variant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
