/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

/* Of each byte, bit by bit with the polynomial 0x1021, one nibble at a time:
 * names are short, and 16 numbers can be checked by eye. */
uint16_t fcrd_crc16(fcache_bytes_t bytes)
{
    static const uint16_t nibble[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    unsigned crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.ptr[i];
        crc = (crc << 4 ^ nibble[(crc >> 12 ^ byte >> 4) & 15]) & 0xffff;
        crc = (crc << 4 ^ nibble[(crc >> 12 ^ byte) & 15]) & 0xffff;
    }
    return (uint16_t)crc;
}

/* What is between the first '{' and the first '}' behind it, unless empty. */
static fcache_bytes_t hash_tag(fcache_bytes_t name)
{
    const char *open = name.len > 0 ? memchr(name.ptr, '{', name.len) : NULL;
    if (!open) {
        return name;
    }
    size_t rest = name.len - (size_t)(open + 1 - name.ptr);
    const char *close = rest > 0 ? memchr(open + 1, '}', rest) : NULL;
    if (!close || close == open + 1) {
        return name;
    }
    return fcache_bytes(open + 1, (size_t)(close - open - 1));
}

unsigned fcrd_slot(fcache_bytes_t name)
{
    return fcrd_crc16(hash_tag(name)) % FCRD_SLOTS;
}
