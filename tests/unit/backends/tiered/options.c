/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

static void options_are_read(void **state)
{
    box_t *box = *state;
    fcache_backend_t *backend = NULL;
    const struct {
        const char *url;
        const char *said; /* NULL: it is fine */
    } rows[] = {
        {"tiered:", "tiered: l1= is no store; there are: tier"},
        {"tiered:?l1=nosuch", "tiered: l1=nosuch is no store; there are: "},
        {"tiered:?l1=NEAR&l2=nosuch", "tiered: l2=nosuch is no store"},
        {"tiered:?l1=NEAR", "tiered: l2= is no store"},
        {"tiered:?l1=NEAR&l2=NEAR", "l1 and l2 are the same"},
        {"tiered:?l1=FAR&l2=NEAR", "l1 is a store 'far:'"},
        {"tiered:?l1=far:&l2=NEAR", "l1 is a store 'far:'"},
        {"tiered:place?l1=NEAR&l2=FAR", "tiered: it has no place"},
        {"tiered:?l1=NEAR&l2=FAR&l3=x", "no option l3; there are l1 and l2"},
        {"tiered:?l1=NEAR&l2=FAR&sync=soon", "sync=soon is not a time from 10"},
        {"tiered:?l1=NEAR&l2=FAR&sync=9ms", "sync=9ms"},
        {"tiered:?l1=NEAR&l2=FAR&sync=61s", "sync=61s"},
        {"tiered:?l1=NEAR&l2=FAR&l1-ttl=2h", "l1-ttl=2h is not a time from"},
        {"tiered:?l1=NEAR&l2=FAR&l1-ttl=0", "l1-ttl=0"},
        {"tiered:?l1=memory:%3Fsize%3D1&l2=FAR", "tiered: l1: memory: size=1"},
        {"tiered:?l1=NEAR&l2=no:", "tiered: l2: no kind of store 'no:'"},
        {"tiered:?l1=NEAR&l2=FAR", NULL},
        {"tiered:?l1=NEAR&l2=FAR&sync=10ms&l1-ttl=1h", NULL},
        {"tiered:?l1=memory:&l2=memory:", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcache_error_t error = {""};
        const char *url = rows[i].url;
        const char *at;
        ROW(i, url);
        for (at = strstr(url, "NEAR"); at; at = strstr(url, "NEAR")) {
            url = apr_psprintf(box->pool, "%.*snear%d%s", (int)(at - url), url,
                               box_count, at + 4);
        }
        for (at = strstr(url, "FAR"); at; at = strstr(url, "FAR")) {
            url = apr_psprintf(box->pool, "%.*sfar%d%s", (int)(at - url), url,
                               box_count, at + 3);
        }
        fcache_status_t status = fcache_backend_create(
            box->backends, "x", url, NULL, &backend, box->pool, &error);
        CHECK_INT(status, rows[i].said ? FCACHE_BAD_CONFIG : FCACHE_OK);
        if (rows[i].said && !strstr(error.text, rows[i].said)) {
            fail_msg("'%s' is not in '%s'", rows[i].said, error.text);
        }
    }
}

static void it_is_as_far_as_its_far_one(void **state)
{
    box_t *box = *state;
    fcache_backend_t *backend = NULL;
    const struct {
        const char *l2;
        unsigned flags;
    } rows[] = {{"far:", FCACHE_BACKEND_REMOTE}, {"memory:", 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].l2);
        CHECK_INT(fcache_backend_create(box->backends, "x",
                                        apr_pstrcat(box->pool,
                                                    "tiered:?l1=memory:&l2=",
                                                    rows[i].l2, (char *)NULL),
                                        NULL, &backend, box->pool, NULL),
                  FCACHE_OK);
        CHECK_INT(fcache_backend_flags(backend), rows[i].flags);
    }
}

static void no_secrets_of_others_in_its_url(void **state)
{
    box_t *box = *state;
    fcache_backend_t *backend = NULL;
    assert_int_equal(
        fcache_backend_create(
            box->backends, "x",
            "tiered:?l1=memory:&l2=far://user:word%40host%3Fpassword%3Dword"
            "%26a%3Db",
            NULL, &backend, box->pool, NULL),
        FCACHE_OK);
    assert_string_equal(fcache_backend_url(backend),
                        "tiered:?l1=memory:&l2=far://user@host%3Fa%3Db");
}

static void each_look_counts_for_its_level(void **state)
{
    box_t *box = *state;
    fcache_key_t key = box_key(box, "a");
    fcache_stats_t before;
    fcache_stats_t near;
    box->l1_ops->stats(box->l1, &before, NULL);
    others_put(box, &key, "one", 60);
    box_get(box, &key, at_ms(0));
    box_get(box, &key, at_ms(1));
    box->l1_ops->stats(box->l1, &near, NULL);
    assert_int_equal(near.hits - before.hits, 1);
    assert_int_equal(near.misses - before.misses, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        box_test(options_are_read),
        box_test(it_is_as_far_as_its_far_one),
        box_test(no_secrets_of_others_in_its_url),
        box_test(each_look_counts_for_its_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
