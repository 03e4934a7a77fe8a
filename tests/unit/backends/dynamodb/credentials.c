/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata that is silent holds nobody up for as long as it is asked. */
#include "dynamodb/credentials.h"

#include "../net/peer.h"
#include "check.h"
#include "pool.h"

#include <dynamodb/http.h>

#include <apr_strings.h>

static void nobody_waits_for_silent_metadata(void **state)
{
    peer_t peer = {.serve = peer_is_silent};
    fcd_credentials_t *credentials = NULL;
    fcd_pass_t pass;
    fcache_error_t error = {""};
    peer_start(&peer, NULL);
    const fcd_source_t source = {
        .kind = FCD_SOURCE_IMDS,
        .imds = apr_psprintf(*state, "http://127.0.0.1:%d", peer_port(&peer))};
    assert_int_equal(fcd_http_start(*state, NULL), FCACHE_OK);
    assert_int_equal(fcd_credentials_create(&source, NULL, "eu-central-1",
                                            &credentials, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_credentials_get(credentials, "20261122T000000Z", 1,
                                         fcn_deadline_in(60 * S), &pass,
                                         &error),
                     FCACHE_UNAVAILABLE);
    CHECK_TEXT(fcache_str(error.text), "no AWS credentials: none yet");
    apr_pool_clear(*state);
    peer_stop(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(nobody_waits_for_silent_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
