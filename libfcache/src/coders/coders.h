/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_CODERS_H
#define FCI_CODERS_H

#include <fcache/coder.h>

/* The coders that are always there; a new one is a file and a row in
 * coder_registry.c. */
extern const fcache_coder_t fci_coder_http;
extern const fcache_coder_t fci_coder_json;
extern const fcache_coder_t fci_coder_raw;

#endif
