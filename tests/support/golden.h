/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

/* Golden folders: a JSON file a case, with its inputs and every intermediate.
 * Bytes are in hex. */

#include "check.h"

#include <fcache/http.h>

#include <apr_pools.h>
#include <jansson.h>

/* Calls `check` with each case of tests/golden/FOLDER; there is at least one.
 */
void golden_each(const char *folder,
                 void (*check)(const json_t *one, apr_pool_t *pool),
                 apr_pool_t *pool);

/* What a case is about. */
const char *golden_why(const json_t *one);

/* The text of a member; ptr NULL when there is none. */
fcache_bytes_t golden_text(const json_t *object, const char *name);

/* The number of a member, 0 when there is none. */
int64_t golden_number(const json_t *object, const char *name);

/* A list of [name, value]. */
fcache_fields_t golden_fields(const json_t *object, const char *name,
                              apr_pool_t *pool);

/* The bytes whose hex a member holds; empty when there is none. */
fcache_bytes_t golden_hex(const json_t *object, const char *name,
                          apr_pool_t *pool);

/* Fails, showing both, unless `got` in hex is the text of that member. */
void golden_check_hex(const json_t *object, const char *name,
                      fcache_bytes_t got, apr_pool_t *pool);

#endif
