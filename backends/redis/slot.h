/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_SLOT_H
#define FCRD_SLOT_H

/* Slots of Redis Cluster: CRC16 (XMODEM) of a name's hash tag, or of all of it.
 * Cluster specification, "Key distribution model" and "Hash tags". Any thread. */

#include <fcache/bytes.h>

#include <stdint.h>

#define FCRD_SLOTS 16384

uint16_t fcrd_crc16(fcache_bytes_t bytes);
unsigned fcrd_slot(fcache_bytes_t name);

#endif
