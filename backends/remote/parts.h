/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCR_PARTS_H
#define FCR_PARTS_H

/* What the files behind protect.h share. */

#include "pack.h"
#include "protect.h"

#include <openssl/evp.h>

#define FCR_KEY_ID  8
#define FCR_SALT    16
#define FCR_KEYS    2
#define FCR_TAG_MAX 32
#define FCR_NO_PACK UINT64_MAX

/* Two keys of one secret. The contexts are keyed and then only duplicated, which
 * any thread may do. */
typedef struct fcr_key_t {
    unsigned char id[FCR_KEY_ID]; /* a hash of the secret */
    EVP_MAC_CTX *sign;            /* over records */
    EVP_MAC_CTX *derive;          /* over a salt: the key of one record */
} fcr_key_t;

struct fcr_protect_t {
    fcr_key_t keys[FCR_KEYS]; /* the first one seals */
    size_t key_count;
    int encrypt;
    uint64_t pack_from; /* bytes, or FCR_NO_PACK */
    fcr_packer_t *packer;
    EVP_CIPHER *cipher;
    int (*random)(unsigned char *out, int len); /* 1, or 0 when there is none */
};

/* ---- tag.c --------------------------------------------------------------- */

/* What a tag is made of, beside the payload. */
typedef struct fcr_bound_t {
    fcache_bytes_t name;
    fcache_bytes_t header;
    const unsigned char *salt; /* FCR_SALT, in the header */
} fcr_bound_t;

typedef enum fcr_seal_t {
    FCR_SEAL_CHECKSUM,
    FCR_SEAL_SIGNED,
    FCR_SEAL_ENCRYPTED
} fcr_seal_t;

size_t fcr_tag_len(fcr_seal_t seal);

/* Writes the tag of a payload that is not encrypted. `key` NULL: a checksum. 1,
 * or 0 when OpenSSL has no memory. */
int fcr_tag(const fcr_key_t *key, const fcr_bound_t *bound,
            fcache_bytes_t payload, unsigned char *out_tag);

/* Encrypts in place and writes the tag. */
int fcr_encrypt(const fcr_protect_t *protect, const fcr_key_t *key,
                const fcr_bound_t *bound, char *payload, size_t len,
                unsigned char *out_tag);

/* 1 when the tag is right; `out` has the payload's length and is of no use
 * otherwise. */
int fcr_decrypt(const fcr_protect_t *protect, const fcr_key_t *key,
                const fcr_bound_t *bound, fcache_bytes_t payload,
                const unsigned char *tag, char *out);

#endif
