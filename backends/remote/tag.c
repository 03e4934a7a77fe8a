/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <openssl/crypto.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define KEY_BYTES   32
#define NONCE_BYTES 12
#define GCM_TAG     16
#define PIECE_MAX   ((size_t)1 << 30) /* OpenSSL counts in int */

size_t fcr_tag_len(fcr_seal_t seal)
{
    switch (seal) {
    case FCR_SEAL_SIGNED:
        return 32;
    case FCR_SEAL_ENCRYPTED:
        return GCM_TAG;
    case FCR_SEAL_CHECKSUM:
        break;
    }
    return sizeof(XXH128_canonical_t);
}

/* With its length before it, a name cannot run into what follows. */
static void name_len(fcache_bytes_t name, unsigned char out[4])
{
    for (size_t i = 0; i < 4; i++) {
        out[i] = (unsigned char)(name.len >> 8 * i);
    }
}

/* ---- signed, or a checksum ----------------------------------------------- */

static int update(EVP_MAC_CTX *mac, fcache_bytes_t bytes)
{
    return EVP_MAC_update(mac, (const unsigned char *)bytes.ptr, bytes.len);
}

static int sign(const fcr_key_t *key, const fcr_bound_t *bound,
                fcache_bytes_t payload, unsigned char *out_tag)
{
    unsigned char len[4];
    size_t tag_len = 0;
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(key->sign);
    name_len(bound->name, len);
    int done = mac && update(mac, fcache_bytes(len, sizeof(len))) &&
               update(mac, bound->name) && update(mac, bound->header) &&
               update(mac, payload) &&
               EVP_MAC_final(mac, out_tag, &tag_len, FCR_TAG_MAX);
    EVP_MAC_CTX_free(mac);
    return done;
}

static void checksum(const fcr_bound_t *bound, fcache_bytes_t payload,
                     unsigned char *out_tag)
{
    unsigned char len[4];
    XXH3_state_t state;
    XXH128_canonical_t tag;
    name_len(bound->name, len);
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, len, sizeof(len));
    XXH3_128bits_update(&state, bound->name.ptr, bound->name.len);
    XXH3_128bits_update(&state, bound->header.ptr, bound->header.len);
    XXH3_128bits_update(&state, payload.ptr, payload.len);
    XXH128_canonicalFromHash(&tag, XXH3_128bits_digest(&state));
    memcpy(out_tag, tag.digest, sizeof(tag));
}

int fcr_tag(const fcr_key_t *key, const fcr_bound_t *bound,
            fcache_bytes_t payload, unsigned char *out_tag)
{
    if (key) {
        return sign(key, bound, payload, out_tag);
    }
    checksum(bound, payload, out_tag);
    return 1;
}

/* ---- encrypted ----------------------------------------------------------- */

/* HKDF-Expand with the salt as its info (RFC 5869 §2.3). */
static int derive(const fcr_key_t *key, const unsigned char *salt,
                  unsigned char out[KEY_BYTES])
{
    static const unsigned char first = 1;
    size_t len = 0;
    EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(key->derive);
    int done = mac && EVP_MAC_update(mac, salt, FCR_SALT) &&
               EVP_MAC_update(mac, &first, 1) &&
               EVP_MAC_final(mac, out, &len, KEY_BYTES);
    EVP_MAC_CTX_free(mac);
    return done;
}

/* Each record has a key of its own, so that one nonce will do. */
static EVP_CIPHER_CTX *start(const fcr_protect_t *protect, const fcr_key_t *key,
                             const fcr_bound_t *bound, int encrypt)
{
    static const unsigned char nonce[NONCE_BYTES];
    unsigned char bytes[KEY_BYTES];
    unsigned char len[4];
    int ignored;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    name_len(bound->name, len);
    int done = context && derive(key, bound->salt, bytes) &&
               EVP_CipherInit_ex2(context, protect->cipher, bytes, nonce,
                                  encrypt, NULL) &&
               EVP_CipherUpdate(context, NULL, &ignored, len, sizeof(len)) &&
               EVP_CipherUpdate(context, NULL, &ignored,
                                (const unsigned char *)bound->name.ptr,
                                (int)bound->name.len) &&
               EVP_CipherUpdate(context, NULL, &ignored,
                                (const unsigned char *)bound->header.ptr,
                                (int)bound->header.len);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    if (!done) {
        EVP_CIPHER_CTX_free(context);
        return NULL;
    }
    return context;
}

static int cipher(EVP_CIPHER_CTX *context, fcache_bytes_t in, char *out)
{
    while (in.len > 0) {
        size_t len = in.len < PIECE_MAX ? in.len : PIECE_MAX;
        int done;
        if (!EVP_CipherUpdate(context, (unsigned char *)out, &done,
                              (const unsigned char *)in.ptr, (int)len)) {
            return 0;
        }
        out += len;
        in = fcache_bytes(in.ptr + len, in.len - len);
    }
    return 1;
}

int fcr_encrypt(const fcr_protect_t *protect, const fcr_key_t *key,
                const fcr_bound_t *bound, char *payload, size_t len,
                unsigned char *out_tag)
{
    unsigned char rest[GCM_TAG];
    int rest_len;
    EVP_CIPHER_CTX *context = start(protect, key, bound, 1);
    int done =
        context && cipher(context, fcache_bytes(payload, len), payload) &&
        EVP_CipherFinal_ex(context, rest, &rest_len) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, out_tag);
    EVP_CIPHER_CTX_free(context);
    return done;
}

int fcr_decrypt(const fcr_protect_t *protect, const fcr_key_t *key,
                const fcr_bound_t *bound, fcache_bytes_t payload,
                const unsigned char *tag, char *out)
{
    unsigned char wanted[GCM_TAG];
    unsigned char rest[GCM_TAG];
    int rest_len;
    EVP_CIPHER_CTX *context = start(protect, key, bound, 0);
    memcpy(wanted, tag, GCM_TAG);
    int done =
        context && cipher(context, payload, out) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, wanted) &&
        EVP_CipherFinal_ex(context, rest, &rest_len);
    EVP_CIPHER_CTX_free(context);
    return done;
}
