/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"
#include "check.h"
#include "sealing.h"

static void options_are_looked_at(void **state)
{
    static const struct {
        const char *integrity, *encrypt, *compress;
        int has_secret, is_local;
        fcache_status_t status;
        const char *says;
    } rows[] = {
        {NULL, NULL, NULL, 0, 1, FCACHE_OK, ""},
        {NULL, NULL, NULL, 1, 1, FCACHE_OK, ""},
        {NULL, NULL, NULL, 1, 0, FCACHE_OK, ""},
        {"On", "oN", "4k", 1, 0, FCACHE_OK, ""},
        {"off", NULL, "off", 0, 0, FCACHE_OK, ""},
        {NULL, NULL, NULL, 0, 0, FCACHE_BAD_CONFIG, "fcachectl secret > FILE"},
        {"on", NULL, NULL, 0, 0, FCACHE_BAD_CONFIG, "integrity=off"},
        {NULL, "on", NULL, 0, 1, FCACHE_BAD_CONFIG, "fcachectl secret > FILE"},
        {"off", "on", NULL, 0, 0, FCACHE_BAD_CONFIG, "encrypt=on"},
        {"off", NULL, NULL, 1, 0, FCACHE_OK, ""},
        {"off", "on", NULL, 1, 0, FCACHE_OK, ""},
        {"yes", NULL, NULL, 1, 0, FCACHE_BAD_CONFIG, "integrity=yes"},
        {NULL, "", NULL, 1, 0, FCACHE_BAD_CONFIG, "encrypt="},
        {NULL, NULL, "on", 1, 0, FCACHE_BAD_CONFIG, "compress=on"},
        {NULL, NULL, "0", 1, 0, FCACHE_BAD_CONFIG, "compress=0"},
    };
    apr_pool_t *pool = *state;
    char path[] = "/tmp/fcache-secret-XXXXXX";
    int fd = mkstemp(path);
    assert_true(write(fd, SECRET_A "\n", 44) == 44);
    close(fd);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error = {""};
        fcr_protect_t *protect = NULL;
        apr_table_t *options = apr_table_make(pool, 4);
        const char *const pairs[] = {
            "integrity", rows[i].integrity, "encrypt",     rows[i].encrypt,
            "compress",  rows[i].compress,  "secret-file", path,
        };
        for (size_t j = 0; j < COUNT(pairs) - 2 * !rows[i].has_secret; j += 2) {
            if (pairs[j + 1]) {
                apr_table_set(options, pairs[j], pairs[j + 1]);
            }
        }
        ROW(i, rows[i].says);
        CHECK_INT(fcr_protect_create(options, rows[i].is_local, &protect, pool,
                                     &error),
                  rows[i].status);
        CHECK_INT(strstr(error.text, rows[i].says) != NULL, 1);
    }
    unlink(path);
}

/* What may be left out is used when it is there. */
static void a_secret_is_used_if_there_is_one(void **state)
{
    apr_pool_t *pool = *state;
    char path[] = "/tmp/fcache-secret-XXXXXX";
    apr_table_t *options = apr_table_make(pool, 2);
    fcr_protect_t *protect = NULL;
    int fd = mkstemp(path);
    assert_true(write(fd, SECRET_A "\n", 44) == 44);
    close(fd);
    apr_table_set(options, "secret-file", path);
    apr_table_set(options, "integrity", "off");
    assert_int_equal(fcr_protect_create(options, 0, &protect, pool, NULL),
                     FCACHE_OK);
    assert_int_equal(protect->key_count, 1);
    unlink(path);
}

static void options_have_names(void **state)
{
    (void)state;
    assert_true(fcr_protect_has("secret-file"));
    assert_true(fcr_protect_has("compress"));
    assert_false(fcr_protect_has("secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(options_are_looked_at),
        pool_test(a_secret_is_used_if_there_is_one),
        pool_test(options_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
