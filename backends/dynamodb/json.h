/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_JSON_H
#define FCD_JSON_H

/* JSON of others: of bounded depth, as jansson recurses, and of as many parts as
 * may be expected, as each takes a hundred times its bytes. Any thread. */

#include <fcache/bytes.h>

#include <jansson.h>

#include <stdint.h>

#define FCD_JSON_ANSWER 4096 /* parts: a batch of 100 items has 1700 */
#define FCD_JSON_PAGE                                                          \
    262144 /* of a scan, 1 MB of the smallest items: 170,000 */

/* NULL when it is none, too deep, or of too many parts. json_decref() frees; NULL
 * is fine there and wherever jansson takes one. */
json_t *fcd_json_parse(fcache_bytes_t text, size_t max_parts);

/* The bytes of a string; ptr NULL for anything else. */
fcache_bytes_t fcd_json_text(const json_t *json);

/* item.name.type, a string; ptr NULL when it is not there. */
fcache_bytes_t fcd_json_attribute(const json_t *item, const char *name,
                                  const char *type);

/* Digits, 20 at most? */
int fcd_json_is_decimal(fcache_bytes_t text);

/* The number of a counter's item; 0 when it has none that fits. */
int fcd_json_counter(const json_t *item, uint64_t *out_number);

#endif
