/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_WIRE_H
#define FCI_WIRE_H

/* Little-endian numbers in bytes of any alignment. */

#include <stdint.h>

static inline void fci_put(char *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        out[i] = (char)(unsigned char)(number >> (8 * i));
    }
}

static inline uint64_t fci_get(const char *in, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number |= (uint64_t)(unsigned char)in[i] << (8 * i);
    }
    return number;
}

#endif
