/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_SECRET_H
#define FCD_SECRET_H

/*
 * Credentials as others write them down: pure parsers of what may be anything.
 * Sentences in errors never hold a part of them. Any thread.
 */

#include <fcache/bytes.h>

#include <stdint.h>

#define FCD_KEY_ID_MAX 128
#define FCD_SECRET_MAX 256
#define FCD_TOKEN_MAX  8000

/* All are printable ASCII without blanks, with a NUL. */
typedef struct fcd_secret_t {
    char key_id[FCD_KEY_ID_MAX + 1];
    char key[FCD_SECRET_MAX + 1];
    char token[FCD_TOKEN_MAX + 1]; /* of a session, or "" */
    int64_t expires_s;             /* 0: never */
} fcd_secret_t;

/* BAD_INPUT for what is empty, too long or not printable. An empty token is none.
 * `out_secret` is erased unless OK; so it is below. */
fcache_status_t fcd_secret_set(fcache_bytes_t key_id, fcache_bytes_t key,
                               fcache_bytes_t token, int64_t expires_s,
                               fcd_secret_t *out_secret, fcache_error_t *error);

/* A profile of a shared credentials file (AWS SDKs and Tools Reference Guide,
 * "Shared config and credentials files"). MISS when it has no such profile. */
fcache_status_t fcd_secret_from_file(fcache_bytes_t text, const char *profile,
                                     fcd_secret_t *out_secret,
                                     fcache_error_t *error);

/* What container and instance metadata answer: AccessKeyId, SecretAccessKey,
 * Token, Expiration. */
fcache_status_t fcd_secret_from_json(fcache_bytes_t text,
                                     fcd_secret_t *out_secret,
                                     fcache_error_t *error);

/* "2026-11-22T18:36:51Z", maybe with a fraction. 0 when it is none. */
int64_t fcd_time_parse(fcache_bytes_t text);

/* Overwrites it, in a way that compilers leave in. */
void fcd_secret_erase(fcd_secret_t *secret);

#endif
