/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every request hashes its key. EVP, and SHA256() which is made of it, look the
 * algorithm up each time, under a lock and at twice the price of the hashing;
 * keeping what was found would take a writable global. So this file, and no
 * other, uses the older functions that OpenSSL calls deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sha256.h"

#include <openssl/sha.h>

int fci_sha256(fcache_bytes_t bytes, unsigned char out[FCI_SHA256_BYTES])
{
    SHA256_CTX context;
    return SHA256_Init(&context) == 1 &&
           SHA256_Update(&context, bytes.ptr, bytes.len) == 1 &&
           SHA256_Final(out, &context) == 1;
}
