/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#include <apr_strings.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_MAX 512

static fcache_status_t check_file(int fd, const char *option, const char *path,
                                  fcache_error_t *error)
{
    struct stat info;
    const char *wrong = NULL;
    if (fstat(fd, &info) || !S_ISREG(info.st_mode)) {
        wrong = "is no file";
    } else if (info.st_uid != 0 && info.st_uid != geteuid()) {
        wrong = "belongs to somebody else";
    } else if (info.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) {
        wrong = "may be read by others: at most mode 0640 is allowed";
    }
    return wrong ? fcache_error_set(error, FCACHE_BAD_CONFIG, "%s=%s %s",
                                    option, path, wrong)
                 : FCACHE_OK;
}

fcache_status_t fcn_password_read(const char *option, const char *path,
                                  const char **out_password, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    char text[PASSWORD_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "%s=%s cannot be read: %s", option, path,
                                strerror(errno));
    }
    fcache_status_t status = check_file(fd, option, path, error);
    ssize_t len = status == FCACHE_OK ? read(fd, text, sizeof(text)) : 0;
    close(fd);
    if (status != FCACHE_OK) {
        return status;
    }
    const char *end = len > 0 ? memchr(text, '\n', (size_t)len) : NULL;
    size_t used = end ? (size_t)(end - text) : len > 0 ? (size_t)len : 0;
    if (used == 0 || used > PASSWORD_MAX || memchr(text, '\0', used)) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "%s=%s has no password of 1 to %d bytes in its "
                                "first line",
                                option, path, PASSWORD_MAX);
    }
    *out_password = apr_pstrmemdup(pool, text, used);
    return FCACHE_OK;
}
