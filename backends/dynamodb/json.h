/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_JSON_H
#define FCD_JSON_H

/* JSON of others: of bounded depth, as jansson recurses. Any thread. */

#include <fcache/bytes.h>

#include <jansson.h>

/* NULL when it is none, or too deep. json_decref() frees; NULL is fine there and
 * wherever jansson takes one. */
json_t *fcd_json_parse(fcache_bytes_t text);

/* The bytes of a string; ptr NULL for anything else. */
fcache_bytes_t fcd_json_text(const json_t *json);

#endif
