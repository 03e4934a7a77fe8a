/* SPDX-License-Identifier: Apache-2.0 */
/* What the options say, and what of the environment counts. */
#include "check.h"
#include "pool.h"

#include <dynamodb/dynamodb.h>

#include <stdlib.h>

typedef struct option_row_t {
    const char *location;
    const char *options[9]; /* name, value, ... NULL */
    const char *why;        /* of the refusal; NULL: none */
    const char *url, *host;
} option_row_t;

#define TABLE  "//table"
#define REGION "region", "eu-central-1"

static const option_row_t option_rows[] = {
    {TABLE,
     {REGION},
     NULL,
     "https://dynamodb.eu-central-1.amazonaws.com:443/",
     "dynamodb.eu-central-1.amazonaws.com"},
    {TABLE,
     {"region", "cn-north-1"},
     NULL,
     "https://dynamodb.cn-north-1.amazonaws.com.cn:443/",
     "dynamodb.cn-north-1.amazonaws.com.cn"},
    {TABLE,
     {REGION, "endpoint", "https://ddb.internal:8443/"},
     NULL,
     "https://ddb.internal:8443/",
     "ddb.internal:8443"},
    {TABLE,
     {REGION, "endpoint", "http://127.0.0.1:8000"},
     NULL,
     "http://127.0.0.1:8000/",
     "127.0.0.1:8000"},
    {TABLE,
     {REGION, "endpoint", "http://[::1]:8000"},
     NULL,
     "http://[::1]:8000/",
     "[::1]:8000"},
    {TABLE,
     {REGION, "endpoint", "http://ddb.internal", "plaintext", "on"},
     NULL,
     "http://ddb.internal:80/",
     "ddb.internal"},
    {"//t", {REGION}, "3 to 255", NULL, NULL},
    {"table", {REGION}, "dynamodb://TABLE", NULL, NULL},
    {"//tab/le", {REGION}, "dynamodb://TABLE", NULL, NULL},
    {TABLE, {NULL}, "region=", NULL, NULL},
    {TABLE, {"region", "EU"}, "region=EU", NULL, NULL},
    {TABLE, {"region", "x.evil.example/"}, "region=x.evil", NULL, NULL},
    {TABLE, {REGION, "endpoint", "ftp://host"}, "https://", NULL, NULL},
    {TABLE, {REGION, "endpoint", "https://"}, "a host", NULL, NULL},
    {TABLE,
     {REGION, "endpoint", "https://host/path"},
     "nothing else",
     NULL,
     NULL},
    {TABLE,
     {REGION, "endpoint", "https://user@host"},
     "nothing else",
     NULL,
     NULL},
    {TABLE, {REGION, "endpoint", "https://host:0"}, "host:0", NULL, NULL},
    {TABLE,
     {REGION, "endpoint", "http://ddb.internal"},
     "plaintext=on",
     NULL,
     NULL},
    {TABLE,
     {REGION, "endpoint", "http://ddb.internal", "plaintext", "yes"},
     "must be on or off",
     NULL,
     NULL},
    {TABLE, {REGION, "tls-verify", "off"}, "tls-verify", NULL, NULL},
    {TABLE,
     {REGION, "tls-ca", "/nonexistent"},
     "tls-ca=/nonexistent",
     NULL,
     NULL},
    {TABLE, {REGION, "credentials", "guess"}, "credentials=guess", NULL, NULL},
    {TABLE,
     {REGION, "credentials", "file", "credentials-file", "/nonexistent"},
     "/nonexistent cannot be read",
     NULL,
     NULL},
    {TABLE,
     {REGION, "credentials", "env"},
     "credentials of the environment",
     NULL,
     NULL},
    {TABLE, {REGION, "credentials", "container"}, "_URI", NULL, NULL},
    {TABLE, {REGION, "imds", "http://evil.example"}, "imds=", NULL, NULL},
    {TABLE, {REGION, "imds", "http://127.0.0.1:80/path"}, "imds=", NULL, NULL},
};

static void options_are_read(void **state)
{
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    unsetenv("AWS_ACCESS_KEY_ID");
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const option_row_t *row = &option_rows[i];
        apr_table_t *options = apr_table_make(*state, 4);
        fcache_backend_conf_t conf = {.location = row->location,
                                      .options = options};
        fcache_error_t error = {""};
        void *self = NULL;
        int is_local = 0;
        for (size_t n = 0; row->options[n]; n += 2) {
            apr_table_set(options, row->options[n], row->options[n + 1]);
        }
        ROW(i, row->why ? row->why : row->url);
        CHECK_INT(fcd_client.create(&conf, fcd_client.limits, &self, &is_local,
                                    *state, &error),
                  row->why ? FCACHE_BAD_CONFIG : FCACHE_OK);
        if (row->why) {
            CHECK_INT(strstr(error.text, row->why) != NULL, 1);
        } else {
            const fcd_service_t *service = &((fcd_store_t *)self)->service;
            CHECK_TEXT(fcache_str(service->url), row->url);
            CHECK_TEXT(fcache_str(service->host), row->host);
            CHECK_INT(is_local, strstr(row->url, ":8000") != NULL);
            CHECK_INT(service->trust != NULL,
                      strncmp(row->url, "https", 5) == 0);
        }
    }
}

static void only_its_hosts_are_asked_for_credentials(void **state)
{
    static const struct {
        const char *url;
        int may;
    } rows[] = {
        {"http://127.0.0.1/", 1},
        {"http://127.0.0.1:8080/x", 1},
        {"http://localhost:1", 1},
        {"http://[::1]:80/", 1},
        {"http://169.254.170.2/v2/x", 1},
        {"http://169.254.170.23/v1/credentials", 1},
        {"http://[fd00:ec2::23]/v1/credentials", 1},
        {"http://169.254.169.254", 1},
        {"https://127.0.0.1/", 0},
        {"http://127.0.0.1.evil.example/", 0},
        {"http://127.0.0.1:80@evil.example/", 0},
        {"http://127.0.0.1@evil.example/", 0},
        {"http://evil.example/127.0.0.1", 0},
        {"http://169.254.170.200/", 0},
        {"http://169.254.170.2evil.example/", 0},
        {"http://", 0},
        {"file:///etc/passwd", 0},
        {"", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].url);
        CHECK_INT(fcd_source_may_ask(rows[i].url), rows[i].may);
    }
}

static void the_containers_url_is_checked(void **state)
{
    static const struct {
        const char *relative, *full;
        const char *url; /* NULL: refused */
    } rows[] = {
        {"/v2/x", NULL, "http://169.254.170.2/v2/x"},
        {NULL, "http://169.254.170.23/v1", "http://169.254.170.23/v1"},
        {".evil.example/", NULL, NULL},
        {"@evil.example/", NULL, NULL},
        {"/a b", NULL, NULL},
        {NULL, "http://evil.example/", NULL},
    };
    apr_table_t *none = apr_table_make(*state, 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fcd_source_t source;
        setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
               rows[i].relative ? rows[i].relative : "", 1);
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
               rows[i].full ? rows[i].full : "", 1);
        ROW(i, rows[i].relative ? rows[i].relative : rows[i].full);
        CHECK_INT(fcd_source_parse(none, &source, *state, NULL),
                  rows[i].url ? FCACHE_OK : FCACHE_BAD_CONFIG);
        if (rows[i].url) {
            CHECK_TEXT(fcache_str(source.container), rows[i].url);
        }
    }
    unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pool_test(options_are_read),
        cmocka_unit_test(only_its_hosts_are_asked_for_credentials),
        pool_test(the_containers_url_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
