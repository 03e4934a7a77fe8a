/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_NAMES_H
#define FCI_NAMES_H

/* Constant tables of names that compare without case. */

#include <fcache/bytes.h>

#define FCI_TEXT(literal)                                                      \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }

static inline int fci_is_in(fcache_bytes_t name, const fcache_bytes_t *names,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fcache_bytes_equal_nocase(name, names[i])) {
            return 1;
        }
    }
    return 0;
}

#define FCI_IS_IN(name, names)                                                 \
    fci_is_in(name, names, sizeof(names) / sizeof((names)[0]))

#endif
