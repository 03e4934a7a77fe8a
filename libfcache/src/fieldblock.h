/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCI_FIELDBLOCK_H
#define FCI_FIELDBLOCK_H

#include <fcache/bytes.h>

/* Is it a sequence of "Name: value\r\n" whose names are tokens and whose values
 * are field values (T14)? One pass. */
int fci_fieldblock_is_valid(fcache_bytes_t block);

#endif
