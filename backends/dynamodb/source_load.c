/* SPDX-License-Identifier: Apache-2.0 */

/* Getting credentials: of the file, the container's endpoint, the instance. */

#include "source.h"

#include "http.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX    65536
#define REPLY_MAX   32768
#define CONNECT_US  INT64_C(1000000)
#define LOAD_US     INT64_C(5000000)
#define URL_MAX     512
#define ROLE_MAX    128
#define TOKEN_TTL_S "300"

static const char metadata[] = "/latest/meta-data/iam/security-credentials/";

/* Up to `max` bytes of a regular file. */
static fcache_status_t read_file(const char *path, char *out, size_t max,
                                 size_t *out_len, fcache_error_t *error)
{
    struct stat st;
    size_t len = 0;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        got = -1;
    }
    while (got > 0 && len < max) {
        got = read(fd, out + len, max - len);
        len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (got < 0 || len == max) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "%s cannot be read, or is too large", path);
    }
    *out_len = len;
    return FCACHE_OK;
}

static fcache_status_t load_file(const fcd_source_t *source,
                                 fcd_secret_t *out_secret,
                                 fcache_error_t *error)
{
    char text[FILE_MAX];
    size_t len = 0;
    fcache_error_t why;
    if (!source->file) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "no credentials-file, and no HOME");
    }
    fcache_status_t status =
        read_file(source->file, text, sizeof(text), &len, error);
    if (status == FCACHE_OK) {
        status = fcd_secret_from_file(fcache_bytes(text, len), source->profile,
                                      out_secret, &why);
        if (status != FCACHE_OK) {
            fcache_error_set(error, status, "%s: %s", source->file, why.text);
        }
    }
    OPENSSL_cleanse(text, sizeof(text));
    return status;
}

/* ---- by HTTP ------------------------------------------------------------- */

typedef struct asking_t {
    fcd_http_t *http;
    fcn_deadline_t deadline;
    const atomic_int *cancelled;
    fcache_buf_t reply; /* of the last; secret */
} asking_t;

static void erase_reply(asking_t *asking)
{
    if (asking->reply.len > 0) {
        OPENSSL_cleanse(asking->reply.ptr, asking->reply.len);
    }
}

/* Only 200 is OK. The body lives until the next. */
static fcache_status_t ask(asking_t *asking, const char *method,
                           const char *url, const fcd_header_t *header,
                           fcache_bytes_t *out_body, fcache_error_t *error)
{
    fcd_call_t call = {
        .method = method,
        .url = url,
        .headers = header,
        .header_count = header ? 1 : 0,
        .reply = &asking->reply,
        .connect_us = CONNECT_US,
        .read_us = LOAD_US,
        .deadline = asking->deadline,
        .cancelled = asking->cancelled,
    };
    fcd_answer_t answer = {0};
    fcache_error_t why;
    erase_reply(asking);
    fcache_status_t status = fcd_http_call(asking->http, &call, &answer, &why);
    if (status != FCACHE_OK) {
        return fcache_error_set(error, status, "%s: %s", url, why.text);
    }
    if (answer.status != 200) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE, "%s: HTTP %ld", url,
                                answer.status);
    }
    *out_body = fcache_buf_bytes(&asking->reply);
    return FCACHE_OK;
}

static fcache_status_t read_secret(fcache_bytes_t body, const char *url,
                                   fcd_secret_t *out_secret,
                                   fcache_error_t *error)
{
    fcache_error_t why;
    fcache_status_t status = fcd_secret_from_json(body, out_secret, &why);
    return status == FCACHE_OK ? status
                               : fcache_error_set(error, FCACHE_PROTOCOL,
                                                  "%s: %s", url, why.text);
}

static fcache_status_t load_container(const fcd_source_t *source,
                                      asking_t *asking,
                                      fcd_secret_t *out_secret,
                                      fcache_error_t *error)
{
    char space[FCD_TOKEN_MAX];
    fcache_bytes_t body = {NULL, 0};
    fcache_status_t status = FCACHE_OK;
    fcd_header_t token = {fcache_str("Authorization"),
                          fcache_str(source->token)};
    if (source->token_file) {
        size_t len = 0;
        status =
            read_file(source->token_file, space, sizeof(space), &len, error);
        token.value = fcache_bytes(space, len);
        while (token.value.len > 0 && (space[token.value.len - 1] == '\n' ||
                                       space[token.value.len - 1] == '\r')) {
            token.value.len--;
        }
    }
    if (status == FCACHE_OK) {
        status = ask(asking, "GET", source->container,
                     token.value.len > 0 ? &token : NULL, &body, error);
    }
    if (status == FCACHE_OK) {
        status = read_secret(body, source->container, out_secret, error);
    }
    OPENSSL_cleanse(space, sizeof(space));
    return status;
}

/* The first line of what the instance answers, if it is a role's name. */
static int copy_role(fcache_bytes_t body, char out_role[ROLE_MAX + 1])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+=,.@_-";
    size_t len = 0;
    while (len < body.len && len < ROLE_MAX && body.ptr[len] &&
           strchr(allowed, body.ptr[len])) {
        out_role[len] = body.ptr[len];
        len++;
    }
    out_role[len] = '\0';
    return len > 0 &&
           (len == body.len || body.ptr[len] == '\n' || body.ptr[len] == '\r');
}

/* EC2 User Guide, "Use the Instance Metadata Service": PUT a token, GET the
 * role's name, GET its credentials. */
static fcache_status_t load_imds(const fcd_source_t *source, asking_t *asking,
                                 fcd_secret_t *out_secret,
                                 fcache_error_t *error)
{
    fcd_header_t ttl = {fcache_str("X-aws-ec2-metadata-token-ttl-seconds"),
                        fcache_str(TOKEN_TTL_S)};
    fcd_header_t token = {fcache_str("X-aws-ec2-metadata-token"),
                          fcache_bytes(NULL, 0)};
    char url[URL_MAX];
    char role[ROLE_MAX + 1];
    char space[FCD_TOKEN_MAX];
    fcache_bytes_t body = {NULL, 0};
    snprintf(url, sizeof(url), "%s/latest/api/token", source->imds);
    fcache_status_t status = ask(asking, "PUT", url, &ttl, &body, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (body.len == 0 || body.len > sizeof(space)) {
        return fcache_error_set(error, FCACHE_PROTOCOL, "%s: no token", url);
    }
    memcpy(space, body.ptr, body.len);
    token.value = fcache_bytes(space, body.len);
    snprintf(url, sizeof(url), "%s%s", source->imds, metadata);
    status = ask(asking, "GET", url, &token, &body, error);
    if (status == FCACHE_OK && !copy_role(body, role)) {
        status = fcache_error_set(error, FCACHE_PROTOCOL, "%s: no role", url);
    }
    if (status == FCACHE_OK) {
        snprintf(url, sizeof(url), "%s%s%s", source->imds, metadata, role);
        status = ask(asking, "GET", url, &token, &body, error);
    }
    if (status == FCACHE_OK) {
        status = read_secret(body, url, out_secret, error);
    }
    OPENSSL_cleanse(space, sizeof(space));
    return status;
}

static fcache_status_t load_by_http(const fcd_source_t *source,
                                    const atomic_int *cancelled,
                                    fcd_secret_t *out_secret,
                                    fcache_error_t *error)
{
    asking_t asking = {
        .deadline = fcn_deadline_in(LOAD_US),
        .cancelled = cancelled,
    };
    fcache_buf_init(&asking.reply, REPLY_MAX);
    fcache_status_t status =
        fcd_http_create(NULL, NULL, NULL, &asking.http, error);
    if (status == FCACHE_OK) {
        status = source->kind == FCD_SOURCE_CONTAINER
                     ? load_container(source, &asking, out_secret, error)
                     : load_imds(source, &asking, out_secret, error);
    }
    fcd_http_close(asking.http);
    erase_reply(&asking);
    fcache_buf_fini(&asking.reply);
    return status;
}

fcache_status_t fcd_source_load(const fcd_source_t *source,
                                const atomic_int *cancelled,
                                fcd_secret_t *out_secret, fcache_error_t *error)
{
    return source->kind == FCD_SOURCE_FILE
               ? load_file(source, out_secret, error)
               : load_by_http(source, cancelled, out_secret, error);
}
