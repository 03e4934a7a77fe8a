/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include "json.h"

#include <apr_time.h>
#include <openssl/crypto.h>

void fcd_secret_erase(fcd_secret_t *secret)
{
    OPENSSL_cleanse(secret, sizeof(*secret));
}

static int copy(fcache_bytes_t from, char *to, size_t max)
{
    if (from.len > max) {
        return 0;
    }
    for (size_t i = 0; i < from.len; i++) {
        if (from.ptr[i] <= ' ' || from.ptr[i] > '~') {
            return 0;
        }
        to[i] = from.ptr[i];
    }
    to[from.len] = '\0';
    return 1;
}

fcache_status_t fcd_secret_set(fcache_bytes_t key_id, fcache_bytes_t key,
                               fcache_bytes_t token, int64_t expires_s,
                               fcd_secret_t *out_secret, fcache_error_t *error)
{
    const char *what = NULL;
    fcd_secret_erase(out_secret);
    if (key_id.len == 0 || !copy(key_id, out_secret->key_id, FCD_KEY_ID_MAX)) {
        what = "access key id";
    } else if (key.len == 0 || !copy(key, out_secret->key, FCD_SECRET_MAX)) {
        what = "secret access key";
    } else if (!copy(token, out_secret->token, FCD_TOKEN_MAX)) {
        what = "session token";
    }
    out_secret->expires_s = expires_s;
    if (what) {
        fcd_secret_erase(out_secret);
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "no %s, or one that is not printable", what);
    }
    return FCACHE_OK;
}

/* ---- the shared credentials file ----------------------------------------- */

static fcache_bytes_t next_line(fcache_bytes_t *text)
{
    const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    size_t used = end ? len + 1 : len;
    fcache_bytes_t line = fcache_bytes(text->ptr, len);
    *text = fcache_bytes(text->ptr ? text->ptr + used : NULL, text->len - used);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

/* "[name]" -> name; ptr NULL for another line. */
static fcache_bytes_t section_of(fcache_bytes_t line)
{
    const char *end = NULL;
    if (line.len > 0 && line.ptr[0] == '[') {
        end = memchr(line.ptr, ']', line.len);
    }
    return end ? fcache_bytes_trim(
                     fcache_bytes(line.ptr + 1, (size_t)(end - line.ptr) - 1))
               : fcache_bytes(NULL, 0);
}

/* The value of "name = value"; ptr NULL for another line. */
static fcache_bytes_t setting(fcache_bytes_t line, const char *name)
{
    const char *equals = line.len > 0 ? memchr(line.ptr, '=', line.len) : NULL;
    size_t len = equals ? (size_t)(equals - line.ptr) : 0;
    if (!equals ||
        !fcache_bytes_equal_nocase(
            fcache_bytes_trim(fcache_bytes(line.ptr, len)), fcache_str(name))) {
        return fcache_bytes(NULL, 0);
    }
    return fcache_bytes_trim(fcache_bytes(equals + 1, line.len - len - 1));
}

static void take(fcache_bytes_t line, const char *name, fcache_bytes_t *value)
{
    fcache_bytes_t found = setting(line, name);
    *value = found.ptr ? found : *value;
}

fcache_status_t fcd_secret_from_file(fcache_bytes_t text, const char *profile,
                                     fcd_secret_t *out_secret,
                                     fcache_error_t *error)
{
    fcache_bytes_t key_id = {NULL, 0};
    fcache_bytes_t key = {NULL, 0};
    fcache_bytes_t token = {NULL, 0};
    int is_ours = 0;
    int is_found = 0;
    fcd_secret_erase(out_secret);
    while (text.len > 0) {
        fcache_bytes_t line = next_line(&text);
        fcache_bytes_t section = section_of(line);
        if (section.ptr) {
            is_ours = fcache_bytes_equal(section, fcache_str(profile));
            is_found = is_found || is_ours;
        } else if (is_ours && line.len > 0 && line.ptr[0] != '#' &&
                   line.ptr[0] != ';') {
            take(line, "aws_access_key_id", &key_id);
            take(line, "aws_secret_access_key", &key);
            take(line, "aws_session_token", &token);
        }
    }
    if (!is_found) {
        return fcache_error_set(error, FCACHE_MISS, "no profile [%s]", profile);
    }
    return fcd_secret_set(key_id, key, token, 0, out_secret, error);
}

/* ---- metadata ------------------------------------------------------------ */

/* `count` digits as a number, or -1. */
static int digits(const char *text, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

int64_t fcd_time_parse(fcache_bytes_t text)
{
    static const char shape[] = "0000-00-00T00:00:00";
    size_t len = sizeof(shape) - 1;
    apr_time_exp_t parts = {0};
    apr_time_t when = 0;
    if (text.len <= len || text.ptr[text.len - 1] != 'Z' ||
        (text.ptr[len] != 'Z' && text.ptr[len] != '.')) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        int is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (shape[i] == '0' ? !is_digit : text.ptr[i] != shape[i]) {
            return 0;
        }
    }
    parts.tm_year = digits(text.ptr, 4) - 1900;
    parts.tm_mon = digits(text.ptr + 5, 2) - 1;
    parts.tm_mday = digits(text.ptr + 8, 2);
    parts.tm_hour = digits(text.ptr + 11, 2);
    parts.tm_min = digits(text.ptr + 14, 2);
    parts.tm_sec = digits(text.ptr + 17, 2);
    int is_time = parts.tm_year >= 70 && parts.tm_mon >= 0 &&
                  parts.tm_mon < 12 && parts.tm_mday >= 1 &&
                  parts.tm_mday <= 31 && parts.tm_hour < 24 &&
                  parts.tm_min < 60 && parts.tm_sec <= 60;
    if (!is_time || apr_time_exp_get(&when, &parts) != APR_SUCCESS) {
        return 0;
    }
    return apr_time_sec(when);
}

fcache_status_t fcd_secret_from_json(fcache_bytes_t text,
                                     fcd_secret_t *out_secret,
                                     fcache_error_t *error)
{
    json_t *reply = fcd_json_parse(text, FCD_JSON_ANSWER);
    fcache_bytes_t expires =
        fcd_json_text(json_object_get(reply, "Expiration"));
    int64_t expires_s = expires.ptr ? fcd_time_parse(expires) : 0;
    fcache_status_t status;
    fcd_secret_erase(out_secret);
    if (!json_is_object(reply)) {
        status = fcache_error_set(error, FCACHE_BAD_INPUT,
                                  "credentials that are no JSON");
    } else if (expires.ptr && expires_s == 0) {
        status = fcache_error_set(error, FCACHE_BAD_INPUT,
                                  "credentials whose end is no time");
    } else {
        status = fcd_secret_set(
            fcd_json_text(json_object_get(reply, "AccessKeyId")),
            fcd_json_text(json_object_get(reply, "SecretAccessKey")),
            fcd_json_text(json_object_get(reply, "Token")), expires_s,
            out_secret, error);
    }
    json_decref(reply);
    return status;
}
