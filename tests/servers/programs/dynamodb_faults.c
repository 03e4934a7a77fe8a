/* SPDX-License-Identifier: Apache-2.0 */
/* A service that is slow, broken or hostile, and credentials that change. */
#include "dynamodb_rig.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG_US INT64_C(10000000)

static const char *fault(const rig_t *rig, const char *kind, int times)
{
    return apr_psprintf(rig->pool,
                        "{\"faults\":[{\"kind\":\"%s\",\"times\":%d}]}", kind,
                        times);
}

/* ---- F24 ----------------------------------------------------------------- */

typedef struct fault_row_t {
    const char *kind;
    fcache_status_t status;
    const char *text; /* of the sentence */
} fault_row_t;

static const fault_row_t fault_rows[] = {
    {"ThrottlingException", FCACHE_UNAVAILABLE, "too many requests"},
    {"ProvisionedThroughputExceededException", FCACHE_UNAVAILABLE,
     "capacity is used up"},
    {"InternalServerError", FCACHE_UNAVAILABLE, "HTTP 500"},
    {"ServiceUnavailable", FCACHE_UNAVAILABLE, "HTTP 503"},
    {"ExpiredTokenException", FCACHE_UNAVAILABLE, "have expired"},
    {"AccessDeniedException", FCACHE_UNAVAILABLE, "do not allow"},
    {"ResourceNotFoundException", FCACHE_UNAVAILABLE, "fcachectl init"},
    {"ValidationException", FCACHE_PROTOCOL, "refuses"},
    {"no-json", FCACHE_PROTOCOL, "no JSON"},
    {"deep", FCACHE_PROTOCOL, "no JSON"},
    {"wrong-shape", FCACHE_PROTOCOL, "no Responses"},
    {"stranger", FCACHE_PROTOCOL, "not what was asked for"},
    {"huge", FCACHE_PROTOCOL, "too long"},
    {"cut", FCACHE_UNAVAILABLE, "DynamoDB at"},
    {"cut-body", FCACHE_UNAVAILABLE, "DynamoDB at"},
};

/* Each fault is said, its connection is not used again, and the next request
 * gets what was there. */
static void faults_are_said_and_pass(void **state)
{
    for (size_t i = 0; i < COUNT(fault_rows); i++) {
        rig_t *rig = rig_open(*state, NULL);
        fcr_found_t found;
        fcache_error_t error = {""};
        ROW(i, fault_rows[i].kind);
        rig_put(rig, "a", 'a', "1", FCR_SET, NULL, NULL);
        /* a cut connection that was used before may be tried once more */
        rig_control(rig, fault(rig, fault_rows[i].kind,
                               strcmp(fault_rows[i].kind, "cut") ? 1 : 2));
        CHECK_INT(rig_fetch(rig, "a", &found, &error), fault_rows[i].status);
        if (!strstr(error.text, fault_rows[i].text)) {
            fail_msg("%s: \"%s\"", fault_rows[i].kind, error.text);
        }
        rig_control(rig, "{\"faults\":[]}");
        rig_check(rig, "a", 'a', "1");
    }
}

static void throttling_opens_the_breaker(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found;
    rig_control(rig, fault(rig, "ThrottlingException", -1));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rig_fetch(rig, "a", &found, NULL), FCACHE_UNAVAILABLE);
    }
    const char *seen = rig_control(rig, "{\"faults\":[]}");
    int asked = 0;
    for (const char *at = seen; (at = strstr(at, "BatchGetItem")) != NULL;
         at++) {
        asked++;
    }
    assert_int_equal(asked, rig->limits.failures);
}

/* What the service leaves is asked for again, with what stands behind it. */
static void unprocessed_keys_are_asked_again(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found[5];
    fcache_bytes_t names[5];
    const char *const keeps[] = {"0", "1", "3"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *name = apr_psprintf(rig->pool, "u%d", (int)i);
        names[i] = rig_name(rig, name);
        rig_put(rig, name, 'u', name, FCR_SET, NULL, NULL);
    }
    for (size_t i = 0; i < COUNT(keeps); i++) {
        ROW(i, keeps[i]);
        rig_control(rig, apr_psprintf(rig->pool,
                                      "{\"faults\":[{\"kind\":\"unprocessed\","
                                      "\"keep\":%s,\"times\":2}]}",
                                      keeps[i]));
        CHECK_INT(fcd_client.fetch(rig->self, names[0], names, COUNT(names),
                                   found, rig_soon(), rig->pool, NULL),
                  FCACHE_OK);
        for (size_t n = 0; n < COUNT(names); n++) {
            CHECK_INT(found[n].exists, 1);
        }
    }
}

static void unprocessed_for_ever_is_a_timeout(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found;
    fcache_bytes_t name = rig_name(rig, "u");
    rig_control(rig, "{\"faults\":[{\"kind\":\"unprocessed\",\"keep\":0,"
                     "\"times\":-1}]}");
    assert_int_equal(fcd_client.fetch(rig->self, name, &name, 1, &found,
                                      fcn_deadline_in(300000), rig->pool, NULL),
                     FCACHE_TIMEOUT);
    rig_control(rig, "{\"faults\":[]}");
}

/* The deadline holds, and so does the limit of silence within it. */
static void slowness_is_a_timeout(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found;
    fcache_bytes_t name = rig_name(rig, "u");
    int64_t start_us;
    for (int i = 0; i < 2; i++) {
        fcn_deadline_t deadline = fcn_deadline_in(i ? LONG_US : 200000);
        rig->limits.read_us = i ? 200000 : LONG_US;
        rig_control(rig, "{\"faults\":[{\"kind\":\"latency\",\"seconds\":8}]}");
        start_us = fcn_clock_us();
        assert_int_equal(fcd_client.fetch(rig->self, name, &name, 1, &found,
                                          deadline, rig->pool, NULL),
                         FCACHE_TIMEOUT);
        assert_true(fcn_clock_us() - start_us < LONG_US / 2);
    }
}

static int see_none(void *baton, fcache_bytes_t name, fcache_bytes_t value)
{
    (void)baton, (void)name, (void)value;
    return 0;
}

/* Pages of a table take longer than what requests wait for. */
static void lists_are_waited_for(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    rig->limits.read_us = 200000;
    rig_control(rig, "{\"faults\":[{\"kind\":\"latency\",\"seconds\":1}]}");
    assert_int_equal(fcd_client.walk(rig->self, see_none, NULL, NULL),
                     FCACHE_OK);
}

/* T37: to whom it sends us, nobody is asked. */
static void redirects_are_not_followed(void **state)
{
    rig_t *rig = rig_open(*state, NULL);
    fcr_found_t found;
    rig_control(rig, apr_psprintf(rig->pool,
                                  "{\"faults\":[{\"kind\":\"redirect\","
                                  "\"to\":\"%s/latest/\"}]}",
                                  rig->server));
    assert_int_equal(rig_fetch(rig, "a", &found, NULL), FCACHE_PROTOCOL);
    assert_null(strstr(rig_control(rig, "{}"), "GET"));
}

static void a_wrong_clock_is_corrected_once(void **state)
{
    const char *const skews[] = {"3600", "-3600", "0"};
    rig_t *rig = rig_open(*state, NULL);
    for (size_t i = 0; i < COUNT(skews); i++) {
        ROW(i, skews[i]);
        rig_control(rig, apr_psprintf(rig->pool, "{\"skew_s\":%s}", skews[i]));
        CHECK_INT(rig_put(rig, "a", 'a', "1", FCR_SET, NULL, NULL), FCACHE_OK);
        CHECK_INT(rig_put(rig, "a", 'b', "2", FCR_SET, NULL, NULL), FCACHE_OK);
        CHECK_TEXT(fcache_str(rig_control(rig, "{}")),
                   "{\"seen\": [\"PutItem\", \"InvalidSignatureException\", "
                   "\"PutItem\", \"PutItem\"]}");
    }
}

/* ---- credentials --------------------------------------------------------- */

static void erase_environment(void)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        unsetenv(names[i]);
    }
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
}

/* A secret that the server does not have: no message tells it. */
static void wrong_secrets_are_refused_and_not_told(void **state)
{
    const char *const change[] = {"credentials", "env", NULL};
    fcr_found_t found;
    fcache_error_t error = {""};
    erase_environment();
    setenv("AWS_ACCESS_KEY_ID", "AKIDFCACHETEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2", 1);
    rig_t *rig = rig_open(*state, change);
    assert_int_equal(rig_fetch(rig, "a", &found, &error), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(error.text, "InvalidSignatureException"));
    assert_null(strstr(error.text, "hunter2"));
    assert_null(strstr(error.text, "x-amz-security-token"));
    erase_environment();
}

static rig_t *rig_of_instance(apr_pool_t *pool)
{
    const char *change[] = {"credentials",      "auto", "imds", "",
                            "credentials-file", "",     NULL};
    rig_t *plain = rig_open(pool, NULL);
    change[3] = plain->server;
    erase_environment();
    rig_control(plain, "{\"life_s\":3600}");
    return rig_open(pool, change);
}

static void an_instance_gives_credentials(void **state)
{
    rig_t *rig = rig_of_instance(*state);
    assert_int_equal(rig_put(rig, "i", 'i', "1", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "i", 'i', "1");
    const char *seen = rig_control(rig, "{}");
    assert_non_null(strstr(seen, "PUT /latest/api/token"));
    assert_null(strstr(strstr(seen, "PUT") + 1, "PUT"));
}

/* Waits until the server has been asked for credentials once more. */
static void wait_for_renewal(const rig_t *rig)
{
    fcn_deadline_t end = fcn_deadline_in(LONG_US);
    while (!strstr(rig_control(rig, "{}"), "PUT /latest/api/token")) {
        assert_true(fcn_deadline_left_ms(end) > 0);
        usleep(20000);
    }
}

/* Five minutes before their end; requests go on with those that there are. */
static void credentials_are_renewed_before_they_expire(void **state)
{
    rig_t *rig = rig_of_instance(*state);
    rig_put(rig, "i", 'i', "1", FCR_SET, NULL, NULL);
    rig_control(rig, "{\"life_s\":302}");
    fcd_credentials_renew(rig->store->service.credentials, 1);
    wait_for_renewal(rig);
    rig_check(rig, "i", 'i', "1");
    wait_for_renewal(rig);
    rig_check(rig, "i", 'i', "1");
}

static void refused_credentials_are_replaced(void **state)
{
    rig_t *rig = rig_of_instance(*state);
    fcr_found_t found;
    rig_put(rig, "i", 'i', "1", FCR_SET, NULL, NULL);
    rig_control(rig, fault(rig, "ExpiredTokenException", 1));
    assert_int_equal(rig_fetch(rig, "i", &found, NULL), FCACHE_UNAVAILABLE);
    wait_for_renewal(rig);
    rig_check(rig, "i", 'i', "1");
}

static void a_broken_instance_is_said(void **state)
{
    const char *change[] = {"credentials", "imds", "imds", "", NULL};
    rig_t *plain = rig_open(*state, NULL);
    fcr_found_t found;
    fcache_error_t error = {""};
    change[3] = plain->server;
    rig_control(plain, "{\"faults\":[{\"operation\":\"metadata\",\"kind\":"
                       "\"500\",\"times\":-1}]}");
    rig_t *rig = rig_open(*state, change);
    assert_int_equal(rig_fetch(rig, "a", &found, &error), FCACHE_UNAVAILABLE);
    assert_non_null(strstr(error.text, "no AWS credentials"));
    assert_non_null(strstr(error.text, "HTTP 500"));
    rig_control(plain, "{\"faults\":[]}");
}

static void a_container_gives_credentials(void **state)
{
    const char *const change[] = {"credentials", "container", NULL};
    rig_t *plain = rig_open(*state, NULL);
    char path[] = "/tmp/fcache-token-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "let me in\n", 10), 10);
    close(fd);
    erase_environment();
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
           apr_pstrcat(*state, plain->server, "/container", NULL), 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
    rig_control(plain, "{\"container_token\":\"let me in\"}");
    rig_t *rig = rig_open(*state, change);
    assert_int_equal(rig_put(rig, "c", 'c', "1", FCR_SET, NULL, NULL),
                     FCACHE_OK);
    rig_check(rig, "c", 'c', "1");
    erase_environment();
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(faults_are_said_and_pass),
        pool_test(throttling_opens_the_breaker),
        pool_test(unprocessed_keys_are_asked_again),
        pool_test(unprocessed_for_ever_is_a_timeout),
        pool_test(slowness_is_a_timeout),
        pool_test(lists_are_waited_for),
        pool_test(redirects_are_not_followed),
        pool_test(a_wrong_clock_is_corrected_once),
        pool_test(wrong_secrets_are_refused_and_not_told),
        pool_test(an_instance_gives_credentials),
        pool_test(credentials_are_renewed_before_they_expire),
        pool_test(refused_credentials_are_replaced),
        pool_test(a_broken_instance_is_said),
        pool_test(a_container_gives_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
