/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a shared store must stay readable: a change here needs a new version
 * of the layout (docs/entry-format.md). */
#include "golden.h"
#include "pool.h"
#include "sealing.h"

#define ROOM 65536

static void check_member(const json_t *one, const char *member,
                         fcache_bytes_t got, apr_pool_t *pool)
{
    fcache_bytes_t wanted = golden_hex(one, member, pool);
    if (!fcache_bytes_equal(got, wanted)) {
        fail_msg("%s: another %s", golden_why(one), member);
    }
}

/* Every "record" is unsealed; one that is not packed comes out of seal too, with
 * the salt 1, 2, 3, ... */
static void check(const json_t *one, apr_pool_t *pool)
{
    const char *secrets = golden_text(one, "secrets").ptr;
    fcache_bytes_t name = golden_text(one, "name");
    fcache_bytes_t record = golden_hex(one, "record", pool);
    int encrypt = golden_number(one, "encrypt") != 0;
    int packed = golden_number(one, "packed") != 0;
    fcr_protect_t *protect =
        sealing(secrets, encrypt ? "on" : "off", packed ? "1" : "off", pool);
    fcr_record_t got;
    ROW(0, golden_why(one));
    CHECK_INT(fcr_unseal(protect, name, record, ROOM, &got, pool, NULL),
              FCACHE_OK);
    CHECK_INT(got.epoch, golden_number(one, "epoch"));
    CHECK_INT(got.fresh_until_us, golden_number(one, "fresh_until_us"));
    CHECK_INT(got.dead_us, golden_number(one, "dead_us"));
    CHECK_INT(got.soft, golden_number(one, "soft"));
    check_member(one, "tags", got.tags, pool);
    check_member(one, "head", got.head, pool);
    check_member(one, "body", got.body[0], pool);
    if (!packed) {
        fcache_buf_t out;
        protect->random = sealing_counts;
        fcache_buf_init(&out, ROOM);
        CHECK_INT(fcr_seal(protect, name, &got, &out, NULL), FCACHE_OK);
        golden_check_hex(one, "record", fcache_buf_bytes(&out), pool);
        fcache_buf_fini(&out);
    }
}

static void records_stay_as_they_are(void **state)
{
    golden_each("records", check, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(records_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
