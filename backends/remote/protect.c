/* SPDX-License-Identifier: Apache-2.0 */
#include "protect.h"

#include "parts.h"
#include "secret.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <strings.h>

#define DERIVED      32
#define PACK_DEFAULT 8192

/* ---- keys ---------------------------------------------------------------- */

/* HKDF-SHA-256 (RFC 5869) of a secret; each label gives another key. */
static int derive(EVP_KDF_CTX *kdf, const unsigned char *secret,
                  const char *label, unsigned char *out, size_t len)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, FCR_SECRET_BYTES),
        OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)label, strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX_reset(kdf);
    return EVP_KDF_derive(kdf, out, len, params) > 0;
}

static EVP_MAC_CTX *keyed(EVP_MAC *mac, const unsigned char *key)
{
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    if (context && !EVP_MAC_init(context, key, DERIVED, params)) {
        EVP_MAC_CTX_free(context);
        context = NULL;
    }
    return context;
}

static int make_key(EVP_KDF_CTX *kdf, EVP_MAC *mac, const unsigned char *secret,
                    fcr_key_t *key)
{
    unsigned char bytes[DERIVED];
    int done = derive(kdf, secret, "fcache 1 id", key->id, sizeof(key->id)) &&
               derive(kdf, secret, "fcache 1 sign", bytes, sizeof(bytes));
    if (done) {
        key->sign = keyed(mac, bytes);
        done = key->sign &&
               derive(kdf, secret, "fcache 1 encrypt", bytes, sizeof(bytes));
    }
    if (done) {
        key->derive = keyed(mac, bytes);
        done = key->derive != NULL;
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return done;
}

static apr_status_t free_keys(void *data)
{
    fcr_protect_t *protect = data;
    for (size_t i = 0; i < FCR_KEYS; i++) {
        EVP_MAC_CTX_free(protect->keys[i].sign);
        EVP_MAC_CTX_free(protect->keys[i].derive);
    }
    EVP_CIPHER_free(protect->cipher);
    return APR_SUCCESS;
}

static fcache_status_t make_keys(fcr_protect_t *protect,
                                 const fcr_secrets_t *secrets,
                                 fcache_error_t *error)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    protect->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    int done = mac && context && protect->cipher;
    for (size_t i = 0; i < secrets->count && done; i++) {
        done = make_key(context, mac, secrets->bytes[i], &protect->keys[i]);
        protect->key_count++;
    }
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    EVP_MAC_free(mac);
    return done ? FCACHE_OK
                : fcache_error_set(error, FCACHE_BAD_CONFIG,
                                   "OpenSSL has no HMAC, HKDF or AES-256-GCM");
}

/* ---- options ------------------------------------------------------------- */

static const char *const names[] = {"secret-file", "integrity", "encrypt",
                                    "compress"};

int fcr_protect_has(const char *option)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], option) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *option_of(const apr_table_t *options, const char *name)
{
    return options ? apr_table_get(options, name) : NULL;
}

static fcache_status_t read_switch(const apr_table_t *options, const char *name,
                                   int *value, fcache_error_t *error)
{
    const char *text = option_of(options, name);
    if (!text) {
        return FCACHE_OK;
    }
    *value = strcasecmp(text, "on") == 0;
    if (!*value && strcasecmp(text, "off") != 0) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "%s=%.60s is neither on nor off", name, text);
    }
    return FCACHE_OK;
}

static fcache_status_t read_compress(const apr_table_t *options,
                                     uint64_t *pack_from, fcache_error_t *error)
{
    const char *text = option_of(options, "compress");
    if (!text) {
        *pack_from = PACK_DEFAULT;
        return FCACHE_OK;
    }
    if (strcasecmp(text, "off") == 0) {
        *pack_from = FCR_NO_PACK;
        return FCACHE_OK;
    }
    if (fcache_size_parse(text, pack_from) != FCACHE_OK || *pack_from == 0) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG,
            "compress=%.60s is neither off nor a size, from "
            "which on values are compressed",
            text);
    }
    return FCACHE_OK;
}

/* Do the options go together? */
static fcache_status_t check(const char *path, int is_local, int integrity,
                             int encrypt, fcache_error_t *error)
{
    if (encrypt && !path) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "encrypt=on needs a secret-file; make one: "
                                "fcachectl secret > FILE");
    }
    if (integrity && !path && !is_local) {
        return fcache_error_set(
            error, FCACHE_BAD_CONFIG,
            "a store on another machine needs a secret-file, so that nobody "
            "else can write answers into it; make one: fcachectl secret > FILE "
            "(or say integrity=off)");
    }
    return FCACHE_OK;
}

fcache_status_t fcr_protect_create(const apr_table_t *options, int is_local,
                                   fcr_protect_t **out_protect,
                                   apr_pool_t *pool, fcache_error_t *error)
{
    fcr_protect_t *protect = apr_pcalloc(pool, sizeof(*protect));
    const char *path = option_of(options, "secret-file");
    int integrity = 1;
    fcr_secrets_t *secrets = NULL;
    fcache_status_t status =
        read_switch(options, "integrity", &integrity, error);
    if (status == FCACHE_OK) {
        status = read_switch(options, "encrypt", &protect->encrypt, error);
    }
    if (status == FCACHE_OK) {
        status = read_compress(options, &protect->pack_from, error);
    }
    if (status == FCACHE_OK) {
        status = check(path, is_local, integrity, protect->encrypt, error);
    }
    if (status == FCACHE_OK && path) {
        status = fcr_secrets_read(path, &secrets, error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    protect->random = RAND_bytes;
    protect->packer = fcr_packer_create(pool);
    apr_pool_cleanup_register(pool, protect, free_keys, apr_pool_cleanup_null);
    if (secrets) {
        status = make_keys(protect, secrets, error);
        fcr_secrets_free(secrets);
    }
    *out_protect = protect;
    return status;
}
