/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <dynamodb/secret.h>

typedef struct file_row_t {
    const char *text, *profile;
    fcache_status_t status;
    const char *key_id, *key, *token;
} file_row_t;

static const file_row_t file_rows[] = {
    {"[default]\naws_access_key_id=AK\naws_secret_access_key=SK\n", "default",
     FCACHE_OK, "AK", "SK", ""},
    {"[default]\r\naws_access_key_id = AK \r\n"
     "AWS_Secret_Access_Key\t=\tS=K\r\naws_session_token = T\r\n",
     "default", FCACHE_OK, "AK", "S=K", "T"},
    {"# [x]\n[a]\naws_access_key_id=1\naws_secret_access_key=1\n[ b ]\n"
     "; aws_access_key_id=0\naws_access_key_id=2\nregion=x\n"
     "aws_secret_access_key=2",
     "b", FCACHE_OK, "2", "2", ""},
    {"[a]\naws_access_key_id=1\n[b]\naws_secret_access_key=2\n[a]\n"
     "aws_secret_access_key=3\n",
     "a", FCACHE_OK, "1", "3", ""},
    {"", "default", FCACHE_MISS, NULL, NULL, NULL},
    {"aws_access_key_id=1\naws_secret_access_key=1\n", "default", FCACHE_MISS,
     NULL, NULL, NULL},
    {"[default\naws_access_key_id=1\naws_secret_access_key=1\n", "default",
     FCACHE_MISS, NULL, NULL, NULL},
    {"[]\naws_access_key_id=1\naws_secret_access_key=1\n", "default",
     FCACHE_MISS, NULL, NULL, NULL},
    {"[default]\n", "default", FCACHE_BAD_INPUT, NULL, NULL, NULL},
    {"[default]\naws_access_key_id\naws_secret_access_key=1\n", "default",
     FCACHE_BAD_INPUT, NULL, NULL, NULL},
    {"[default]\naws_access_key_id=\naws_secret_access_key=1\n", "default",
     FCACHE_BAD_INPUT, NULL, NULL, NULL},
    {"[default]\naws_access_key_id=1\naws_secret_access_key=a b\n", "default",
     FCACHE_BAD_INPUT, NULL, NULL, NULL},
    {"[default]\naws_access_key_id=1\naws_secret_access_key=a\xc3\xa9\n",
     "default", FCACHE_BAD_INPUT, NULL, NULL, NULL},
    {"[default]\naws_access_key_id=1\naws_secret_access_key=x\n"
     "aws_session_token=a\rX-Evil: b\n",
     "default", FCACHE_BAD_INPUT, NULL, NULL, NULL},
};

static void check(const fcd_secret_t *secret, const char *key_id,
                  const char *key, const char *token)
{
    CHECK_TEXT(fcache_str(secret->key_id), key_id ? key_id : "");
    CHECK_TEXT(fcache_str(secret->key), key ? key : "");
    CHECK_TEXT(fcache_str(secret->token), token ? token : "");
}

static void files_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(file_rows); i++) {
        const file_row_t *row = &file_rows[i];
        fcd_secret_t secret;
        fcache_error_t error = {""};
        ROW(i, row->text);
        CHECK_INT(fcd_secret_from_file(fcache_str(row->text), row->profile,
                                       &secret, &error),
                  row->status);
        check(&secret, row->key_id, row->key, row->token);
        CHECK_INT(secret.expires_s, 0);
    }
}

static void lengths_are_bounded(void **state)
{
    const size_t most[] = {FCD_KEY_ID_MAX, FCD_SECRET_MAX, FCD_TOKEN_MAX};
    char text[FCD_TOKEN_MAX + 1];
    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(most); i++) {
        for (size_t over = 0; over < 2; over++) {
            fcache_bytes_t parts[] = {fcache_str("a"), fcache_str("b"),
                                      fcache_str("c")};
            fcd_secret_t secret;
            ROW(i * 2 + over, "length");
            parts[i] = fcache_bytes(text, most[i] + over);
            CHECK_INT(
                fcd_secret_set(parts[0], parts[1], parts[2], 0, &secret, NULL),
                over ? FCACHE_BAD_INPUT : FCACHE_OK);
        }
    }
}

typedef struct json_row_t {
    const char *text;
    fcache_status_t status;
    const char *key_id, *key, *token;
    int64_t expires_s;
} json_row_t;

static const json_row_t json_rows[] = {
    {"{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
     "\"Token\":\"T\",\"Expiration\":\"2026-11-22T18:36:51Z\"}",
     FCACHE_OK, "A", "S", "T", 1795372611},
    {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\"}", FCACHE_OK, "A", "S",
     "", 0},
    {"", FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
    {"[]", FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
    {"{\"Code\":\"Failed\"}", FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
    {"{\"AccessKeyId\":7,\"SecretAccessKey\":\"S\"}", FCACHE_BAD_INPUT, NULL,
     NULL, NULL, 0},
    {"{\"AccessKeyId\":\"A\\u0000B\",\"SecretAccessKey\":\"S\"}",
     FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
    {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Token\":"
     "\"T\\r\\nHost: evil\"}",
     FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
    {"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"Expiration\":"
     "\"soon\"}",
     FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
    {"{\"AccessKeyId\":\"A\",\"AccessKeyId\":\"B\",\"SecretAccessKey\":\"S\"}",
     FCACHE_BAD_INPUT, NULL, NULL, NULL, 0},
};

static void metadata_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(json_rows); i++) {
        const json_row_t *row = &json_rows[i];
        fcd_secret_t secret;
        ROW(i, row->text);
        CHECK_INT(fcd_secret_from_json(fcache_str(row->text), &secret, NULL),
                  row->status);
        check(&secret, row->key_id, row->key, row->token);
        CHECK_INT(secret.expires_s, row->expires_s);
    }
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t time_s;
    } rows[] = {
        {"1970-01-01T00:00:01Z", 1},
        {"2026-11-22T18:36:51.123Z", 1795372611},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2026-11-22T18:36:51", 0},
        {"2026-11-22 18:36:51Z", 0},
        {"2026-13-22T18:36:51Z", 0},
        {"2026-00-22T18:36:51Z", 0},
        {"2026-11-00T18:36:51Z", 0},
        {"2026-11-22T24:36:51Z", 0},
        {"1969-11-22T18:36:51Z", 0},
        {"2026-11-22T18:36:51+01:00", 0},
        {"20a6-11-22T18:36:51Z", 0},
        {"", 0},
        {"Z", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].text);
        CHECK_INT(fcd_time_parse(fcache_str(rows[i].text)), rows[i].time_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(metadata_is_read),
        cmocka_unit_test(times_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
