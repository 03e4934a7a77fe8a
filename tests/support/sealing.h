/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SEALING_H
#define TESTS_SEALING_H

/* Protections with well-known secrets, for tests of records. */

#include "remote/parts.h"

#include <apr_strings.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECRET_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define SECRET_B "__________________________________________8"

/* `secrets` NULL: none. NULL when refused. */
static inline fcr_protect_t *sealing(const char *secrets, const char *encrypt,
                                     const char *compress, apr_pool_t *pool)
{
    char path[] = "/tmp/fcache-secret-XXXXXX";
    apr_table_t *options = apr_table_make(pool, 4);
    fcr_protect_t *protect = NULL;
    fcache_status_t status = FCACHE_BAD_INPUT;
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        return NULL;
    }
    if (secrets) {
        fputs(secrets, file);
        apr_table_set(options, "secret-file", path);
    }
    apr_table_set(options, "encrypt", encrypt);
    apr_table_set(options, "compress", compress);
    if (fclose(file) == 0) {
        status = fcr_protect_create(options, 1, &protect, pool, NULL);
    }
    unlink(path);
    return status == FCACHE_OK ? protect : NULL;
}

/* In place of random bytes: 1, 2, 3, ... */
static inline int sealing_counts(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++) {
        out[i] = (unsigned char)(i + 1);
    }
    return 1;
}

#endif
