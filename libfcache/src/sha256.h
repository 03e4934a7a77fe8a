/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_SHA256_H
#define FCI_SHA256_H

#include <fcache/bytes.h>

#define FCI_SHA256_BYTES 32

/* SHA-256 of short bytes. 1, or 0 when OpenSSL refuses. Any thread. */
int fci_sha256(fcache_bytes_t bytes, unsigned char out[FCI_SHA256_BYTES]);

#endif
