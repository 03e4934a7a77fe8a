/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_SECRET_H
#define FCR_SECRET_H

/*
 * The file of secrets: text, a line each, base64url of 32 random bytes as
 * `fcachectl secret` prints it; empty lines and those that begin with # are
 * skipped. One or two: the first seals, both unseal, so that a new one can be put
 * in front of the old one, machine by machine, and the old one taken out later.
 */

#include <fcache/bytes.h>

#include <sys/stat.h>

#define FCR_SECRET_BYTES 32
#define FCR_SECRETS      2

typedef struct fcr_secrets_t {
    unsigned char bytes[FCR_SECRETS][FCR_SECRET_BYTES];
    size_t count;
} fcr_secrets_t;

/* May a secret be in such a file? It belongs to root or `user`, others may neither
 * read nor write it, nor its group write it. BAD_CONFIG says what is wrong. */
fcache_status_t fcr_secret_check(const char *path, const struct stat *info,
                                 uid_t user, fcache_error_t *error);

/* Reads the file into memory of its own, which core dumps leave out. BAD_CONFIG
 * names the file and what is wrong. */
fcache_status_t fcr_secrets_read(const char *path, fcr_secrets_t **out_secrets,
                                 fcache_error_t *error);

/* Wipes and frees; NULL is fine. */
void fcr_secrets_free(fcr_secrets_t *secrets);

#endif
