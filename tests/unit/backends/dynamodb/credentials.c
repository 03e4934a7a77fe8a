/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that come late, or end sooner than was thought. */
#include "dynamodb/credentials.h"

#include "../net/peer.h"
#include "check.h"
#include "pool.h"

#include <dynamodb/http.h>

#include <apr_strings.h>
#include <apr_time.h>

/* Metadata that is silent holds nobody up for as long as it is asked. */
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

static const char *file_of(apr_pool_t *pool, const char *text)
{
    char *path = apr_pstrdup(pool, "/tmp/fcache-credentials-XXXXXX");
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

/* A clock that was wrong when they came, or stood still since. */
static void expired_ones_are_replaced_at_once(void **state)
{
    fcd_credentials_t *credentials = NULL;
    fcd_pass_t pass;
    fcache_error_t error = {""};
    const int64_t end_s = apr_time_sec(apr_time_now()) + 86400;
    const fcd_secret_t first = {
        .key_id = "old", .key = "k", .expires_s = end_s};
    const fcd_source_t source = {
        .kind = FCD_SOURCE_FILE,
        .profile = "default",
        .file = file_of(*state, "[default]\naws_access_key_id=new\n"
                                "aws_secret_access_key=k\n")};
    assert_int_equal(fcd_credentials_create(&source, &first, "eu-central-1",
                                            &credentials, *state, NULL),
                     FCACHE_OK);
    assert_int_equal(fcd_credentials_get(credentials, "20261122T000000Z",
                                         end_s - 1, fcn_deadline_in(0), &pass,
                                         &error),
                     FCACHE_OK);
    assert_string_equal(pass.key_id, "old");
    assert_int_equal(fcd_credentials_get(credentials, "20261122T000000Z", end_s,
                                         fcn_deadline_in(0), &pass, &error),
                     FCACHE_UNAVAILABLE);
    CHECK_TEXT(fcache_str(error.text),
               "the AWS credentials have expired: no newer ones yet");
    while (fcd_credentials_get(credentials, "20261122T000000Z", end_s,
                               fcn_deadline_in(0), &pass,
                               &error) != FCACHE_OK) {
        usleep(1000); /* ctest's time limit ends it */
    }
    assert_string_equal(pass.key_id, "new");
    unlink(source.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(nobody_waits_for_silent_metadata),
        pool_test(expired_ones_are_replaced_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
