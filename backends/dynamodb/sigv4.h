/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_SIGV4_H
#define FCD_SIGV4_H

/*
 * AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request"):
 * pure functions of a request, a secret and a time. Nothing is sent, no clock is
 * read. Any thread.
 */

#include <fcache/bytes.h>

#include <stdint.h>

#define FCD_KEY_BYTES  32
#define FCD_DATE_LEN   8  /* "20150830" */
#define FCD_STAMP_LEN  16 /* "20150830T123600Z" */
#define FCD_SIGNED_MAX 16 /* header fields that are signed */
#define FCD_AUTH_MAX   1024

/* A secret narrowed to a day, a region and a service. Secret itself. */
typedef struct fcd_signing_key_t {
    unsigned char bytes[FCD_KEY_BYTES];
    char date[FCD_DATE_LEN + 1];
} fcd_signing_key_t;

typedef struct fcd_header_t {
    fcache_bytes_t name; /* lower case */
    fcache_bytes_t value;
} fcd_header_t;

/* All borrowed. Path and query are canonical already: "/" and "" for us. */
typedef struct fcd_signable_t {
    fcache_bytes_t method, path, query;
    const fcd_header_t *headers; /* all are signed; sorted, no name twice */
    size_t header_count;
    fcache_bytes_t body;
} fcd_signable_t;

/* Who signs, for what. */
typedef struct fcd_signer_t {
    fcache_bytes_t key_id, region, service;
    const fcd_signing_key_t *key;
    const char *stamp; /* of the request's x-amz-date; its day is the key's */
} fcd_signer_t;

/* "20150830T123600Z" of seconds since the epoch. */
void fcd_stamp(int64_t time_s, char out_stamp[FCD_STAMP_LEN + 1]);

/* Derives the key of that stamp's day. 1, or 0 when OpenSSL refuses. */
int fcd_signing_key(fcache_bytes_t secret, const char *stamp,
                    fcache_bytes_t region, fcache_bytes_t service,
                    fcd_signing_key_t *out_key);

/* The canonical request, and the string to sign. TOO_LARGE past the buffer's
 * ceiling, BAD_INPUT for headers out of order or too many. */
fcache_status_t fcd_canonical(const fcd_signable_t *request, fcache_buf_t *out);
fcache_status_t fcd_string_to_sign(const fcd_signer_t *signer,
                                   fcache_bytes_t canonical, fcache_buf_t *out);

/* The value of the Authorization field, NUL-terminated. */
fcache_status_t fcd_sign(const fcd_signer_t *signer,
                         const fcd_signable_t *request,
                         char out_authorization[FCD_AUTH_MAX]);

#endif
