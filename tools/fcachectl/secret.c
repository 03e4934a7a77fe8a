/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <apr_general.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 32

/* `> FILE` makes a file that all may read; stores refuse to take a secret from
 * such a one. */
static void make_private(void)
{
    struct stat info;

    if (fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) &&
        info.st_mode & 07137 && fchmod(STDOUT_FILENO, info.st_mode & 0640)) {
        perror("fcachectl: secret: others may read this file");
    }
}

ctl_exit_t ctl_secret(ctl_t *ctl)
{
    unsigned char bytes[SECRET_BYTES];
    char text[FCACHE_BASE64URL_LEN(SECRET_BYTES) + 1] = "";

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        fputs("fcachectl: secret: no random bytes\n", stderr);
        return CTL_FAULT;
    }
    fcache_base64url(fcache_bytes(bytes, sizeof(bytes)), text);
    make_private();
    if (ctl_option(ctl, "json")) {
        return ctl_print(ctl, json_pack("{s:s}", "secret", text));
    }
    puts(text);
    return CTL_OK;
}
