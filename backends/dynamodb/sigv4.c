/* SPDX-License-Identifier: Apache-2.0 */
#include "sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <time.h>

#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define HEX_LEN    ((size_t)FCD_KEY_BYTES * 2)
#define SECRET_MAX 256
/* Everything that is signed is ours but the session token. */
#define CANONICAL_MAX 32768

static void append(fcache_buf_t *out, fcache_bytes_t bytes,
                   fcache_status_t *status)
{
    if (*status == FCACHE_OK) {
        *status = fcache_buf_append(out, bytes);
    }
}

static void append_text(fcache_buf_t *out, const char *text,
                        fcache_status_t *status)
{
    append(out, fcache_str(text), status);
}

static void hex(const unsigned char *bytes, char out[HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < FCD_KEY_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[HEX_LEN] = '\0';
}

static int digest_hex(fcache_bytes_t bytes, char out[HEX_LEN + 1])
{
    unsigned char digest[FCD_KEY_BYTES];
    if (EVP_Digest(bytes.len ? bytes.ptr : "", bytes.len, digest, NULL,
                   EVP_sha256(), NULL) != 1) {
        return 0;
    }
    hex(digest, out);
    return 1;
}

static int hmac(fcache_bytes_t key, fcache_bytes_t text,
                unsigned char out[FCD_KEY_BYTES])
{
    unsigned char result[FCD_KEY_BYTES];
    unsigned len = 0;
    int done =
        HMAC(EVP_sha256(), key.ptr, (int)key.len,
             (const unsigned char *)text.ptr, text.len, result, &len) != NULL;
    memcpy(out, result, sizeof(result));
    OPENSSL_cleanse(result, sizeof(result));
    return done && len == FCD_KEY_BYTES;
}

void fcd_stamp(int64_t time_s, char out_stamp[FCD_STAMP_LEN + 1])
{
    time_t when = (time_t)time_s;
    struct tm parts;
    if (!gmtime_r(&when, &parts) ||
        strftime(out_stamp, FCD_STAMP_LEN + 1, "%Y%m%dT%H%M%SZ", &parts) !=
            FCD_STAMP_LEN) {
        memcpy(out_stamp, "19700101T000000Z", FCD_STAMP_LEN + 1);
    }
}

int fcd_signing_key(fcache_bytes_t secret, const char *stamp,
                    fcache_bytes_t region, fcache_bytes_t service,
                    fcd_signing_key_t *out_key)
{
    char start[4 + SECRET_MAX] = "AWS4";
    fcache_bytes_t derived = fcache_bytes(out_key->bytes, FCD_KEY_BYTES);
    if (secret.len > SECRET_MAX) {
        return 0;
    }
    memcpy(start + 4, secret.ptr, secret.len);
    memcpy(out_key->date, stamp, FCD_DATE_LEN);
    out_key->date[FCD_DATE_LEN] = '\0';
    int done = hmac(fcache_bytes(start, 4 + secret.len),
                    fcache_bytes(stamp, FCD_DATE_LEN), out_key->bytes) &&
               hmac(derived, region, out_key->bytes) &&
               hmac(derived, service, out_key->bytes) &&
               hmac(derived, fcache_str(TERMINATOR), out_key->bytes);
    OPENSSL_cleanse(start, sizeof(start));
    return done;
}

static int is_in_order(const fcd_signable_t *request)
{
    for (size_t i = 1; i < request->header_count; i++) {
        fcache_bytes_t a = request->headers[i - 1].name;
        fcache_bytes_t b = request->headers[i].name;
        size_t len = a.len < b.len ? a.len : b.len;
        int order = memcmp(a.ptr, b.ptr, len);
        if (order > 0 || (order == 0 && a.len >= b.len)) {
            return 0;
        }
    }
    return request->header_count <= FCD_SIGNED_MAX;
}

static void append_names(fcache_buf_t *out, const fcd_signable_t *request,
                         fcache_status_t *status)
{
    for (size_t i = 0; i < request->header_count; i++) {
        append_text(out, i ? ";" : "", status);
        append(out, request->headers[i].name, status);
    }
}

fcache_status_t fcd_canonical(const fcd_signable_t *request, fcache_buf_t *out)
{
    fcache_status_t status = FCACHE_OK;
    char digest[HEX_LEN + 1];
    if (!is_in_order(request)) {
        return FCACHE_BAD_INPUT;
    }
    if (!digest_hex(request->body, digest)) {
        return FCACHE_NO_MEMORY;
    }
    append(out, request->method, &status);
    append_text(out, "\n", &status);
    append(out, request->path, &status);
    append_text(out, "\n", &status);
    append(out, request->query, &status);
    append_text(out, "\n", &status);
    for (size_t i = 0; i < request->header_count; i++) {
        append(out, request->headers[i].name, &status);
        append_text(out, ":", &status);
        append(out, fcache_bytes_trim(request->headers[i].value), &status);
        append_text(out, "\n", &status);
    }
    append_text(out, "\n", &status);
    append_names(out, request, &status);
    append_text(out, "\n", &status);
    append_text(out, digest, &status);
    return status;
}

/* day/region/service/aws4_request */
static void append_scope(fcache_buf_t *out, const fcd_signer_t *signer,
                         fcache_status_t *status)
{
    append(out, fcache_bytes(signer->stamp, FCD_DATE_LEN), status);
    append_text(out, "/", status);
    append(out, signer->region, status);
    append_text(out, "/", status);
    append(out, signer->service, status);
    append_text(out, "/" TERMINATOR, status);
}

fcache_status_t fcd_string_to_sign(const fcd_signer_t *signer,
                                   fcache_bytes_t canonical, fcache_buf_t *out)
{
    fcache_status_t status = FCACHE_OK;
    char digest[HEX_LEN + 1];
    if (!digest_hex(canonical, digest)) {
        return FCACHE_NO_MEMORY;
    }
    append_text(out, ALGORITHM "\n", &status);
    append(out, fcache_bytes(signer->stamp, FCD_STAMP_LEN), &status);
    append_text(out, "\n", &status);
    append_scope(out, signer, &status);
    append_text(out, "\n", &status);
    append_text(out, digest, &status);
    return status;
}

static void append_signature(fcache_buf_t *out, const fcd_signer_t *signer,
                             fcache_bytes_t text, fcache_status_t *status)
{
    unsigned char signature[FCD_KEY_BYTES];
    char digits[HEX_LEN + 1];
    if (!hmac(fcache_bytes(signer->key->bytes, FCD_KEY_BYTES), text,
              signature)) {
        *status = FCACHE_NO_MEMORY;
        return;
    }
    hex(signature, digits);
    append_text(out, digits, status);
}

fcache_status_t fcd_sign(const fcd_signer_t *signer,
                         const fcd_signable_t *request,
                         char out_authorization[FCD_AUTH_MAX])
{
    fcache_buf_t canonical;
    fcache_buf_t text;
    fcache_buf_t line;
    fcache_buf_init(&canonical, CANONICAL_MAX);
    fcache_buf_init(&text, FCD_AUTH_MAX);
    fcache_buf_init(&line, FCD_AUTH_MAX);
    fcache_status_t status = fcd_canonical(request, &canonical);
    if (status == FCACHE_OK) {
        status =
            fcd_string_to_sign(signer, fcache_buf_bytes(&canonical), &text);
    }
    append_text(&line, ALGORITHM " Credential=", &status);
    append(&line, signer->key_id, &status);
    append_text(&line, "/", &status);
    append_scope(&line, signer, &status);
    append_text(&line, ", SignedHeaders=", &status);
    append_names(&line, request, &status);
    append_text(&line, ", Signature=", &status);
    append_signature(&line, signer, fcache_buf_bytes(&text), &status);
    append(&line, fcache_bytes("", 1), &status);
    if (status == FCACHE_OK) {
        memcpy(out_authorization, line.ptr, line.len);
    }
    if (canonical.len > 0) { /* it holds the session token */
        OPENSSL_cleanse(canonical.ptr, canonical.len);
    }
    fcache_buf_fini(&canonical);
    fcache_buf_fini(&text);
    fcache_buf_fini(&line);
    return status;
}
