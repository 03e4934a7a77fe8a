/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 4096
#define LINE_LEN FCACHE_BASE64URL_LEN(FCR_SECRET_BYTES)

/* All that ever holds a secret here: one mapping. */
typedef struct vault_t {
    fcr_secrets_t secrets;
    char text[TEXT_MAX];
    size_t text_len;
} vault_t;

static vault_t *vault_create(void)
{
    void *mapped = mmap(NULL, sizeof(vault_t), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    madvise(mapped, sizeof(vault_t), MADV_DONTDUMP);
    return mapped;
}

void fcr_secrets_free(fcr_secrets_t *secrets)
{
    if (secrets) {
        OPENSSL_cleanse(secrets, sizeof(vault_t));
        munmap(secrets, sizeof(vault_t));
    }
}

/* ---- the file ------------------------------------------------------------ */

fcache_status_t fcr_secret_check(const char *path, const struct stat *info,
                                 uid_t user, fcache_error_t *error)
{
    if (!S_ISREG(info->st_mode)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s is not a file", path);
    }
    if (info->st_uid != 0 && info->st_uid != user) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s belongs to user %ld; it "
                                "must belong to root or to user %ld",
                                path, (long)info->st_uid, (long)user);
    }
    if (info->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s has mode %04o; at most "
                                "0640 is allowed",
                                path, (unsigned)info->st_mode & 07777u);
    }
    return FCACHE_OK;
}

static fcache_status_t check_open(const char *path, int fd,
                                  fcache_error_t *error)
{
    struct stat info;
    if (fstat(fd, &info)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s: %s", path,
                                strerror(errno));
    }
    return fcr_secret_check(path, &info, geteuid(), error);
}

static fcache_status_t read_text(const char *path, int fd, vault_t *vault,
                                 fcache_error_t *error)
{
    ssize_t got = 1;
    while (got > 0 && vault->text_len < TEXT_MAX) {
        got =
            read(fd, vault->text + vault->text_len, TEXT_MAX - vault->text_len);
        if (got < 0 && errno == EINTR) {
            got = 1;
        } else if (got > 0) {
            vault->text_len += (size_t)got;
        }
    }
    if (got < 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s: %s", path,
                                strerror(errno));
    }
    if (vault->text_len == TEXT_MAX) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s is not shorter than %d "
                                "bytes",
                                path, TEXT_MAX);
    }
    return FCACHE_OK;
}

/* ---- the text ------------------------------------------------------------ */

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* 0 unless it is exactly what fcache_base64url makes of that many bytes. */
static int decode(fcache_bytes_t line, unsigned char out[FCR_SECRET_BYTES])
{
    unsigned held = 0;
    unsigned bits = 0;
    if (line.len != LINE_LEN) {
        return 0;
    }
    for (size_t i = 0; i < line.len; i++) {
        int digit = digit_of(line.ptr[i]);
        if (digit < 0) {
            return 0;
        }
        held = (held << 6 | (unsigned)digit) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *out++ = (unsigned char)(held >> bits);
        }
    }
    return (held & ((1u << bits) - 1)) == 0;
}

static fcache_status_t parse_line(const char *path, unsigned number,
                                  fcache_bytes_t line, fcr_secrets_t *secrets,
                                  fcache_error_t *error)
{
    line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r';
    line = fcache_bytes_trim(line);
    if (line.len == 0 || line.ptr[0] == '#') {
        return FCACHE_OK;
    }
    if (secrets->count == FCR_SECRETS) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s holds more than %d secrets",
                                path, FCR_SECRETS);
    }
    if (!decode(line, secrets->bytes[secrets->count])) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s, line %u: not a secret as "
                                "`fcachectl secret` prints it",
                                path, number);
    }
    secrets->count++;
    return FCACHE_OK;
}

static fcache_status_t parse(const char *path, fcache_bytes_t text,
                             fcr_secrets_t *secrets, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    for (unsigned number = 1; text.len > 0 && status == FCACHE_OK; number++) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        status = parse_line(path, number, fcache_bytes(text.ptr, len), secrets,
                            error);
        len += end != NULL;
        text = fcache_bytes(text.ptr + len, text.len - len);
    }
    if (status == FCACHE_OK && secrets->count == 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s holds no secret; make one: "
                                "fcachectl secret > FILE",
                                path);
    }
    return status;
}

fcache_status_t fcr_secrets_read(const char *path, fcr_secrets_t **out_secrets,
                                 fcache_error_t *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "secret-file %.100s: %s", path,
                                strerror(errno));
    }
    vault_t *vault = NULL;
    fcache_status_t status = check_open(path, fd, error);
    if (status != FCACHE_OK) {
        goto done;
    }
    vault = vault_create();
    if (!vault) {
        status =
            fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for secrets");
        goto done;
    }
    status = read_text(path, fd, vault, error);
    if (status == FCACHE_OK) {
        status = parse(path, fcache_bytes(vault->text, vault->text_len),
                       &vault->secrets, error);
    }
done:
    close(fd);
    if (status != FCACHE_OK && vault) {
        fcr_secrets_free(&vault->secrets);
    } else if (vault) {
        *out_secrets = &vault->secrets;
    }
    return status;
}
