/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include "json.h"

#include <apr_strings.h>
#include <openssl/evp.h>

static fcache_status_t bad(fcache_error_t *error, const char *what)
{
    return fcache_error_set(error, FCACHE_PROTOCOL, "DynamoDB answers with %s",
                            what);
}

/* ---- attributes ---------------------------------------------------------- */

/* Writes the bytes, and up to two more. 0 when it is not base64. */
static int decode(fcache_bytes_t text, char *out, size_t *out_len)
{
    size_t padding = 0;
    if (text.len % 4 != 0 || text.len > INT32_MAX) {
        return 0;
    }
    while (padding < 2 && padding < text.len &&
           text.ptr[text.len - 1 - padding] == '=') {
        padding++;
    }
    size_t len = text.len / 4 * 3;
    if ((text.len > 0 && memchr(text.ptr, '=', text.len - padding)) ||
        EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text.ptr,
                        (int)text.len) != (int)len) {
        return 0;
    }
    *out_len = len - padding;
    return 1;
}

/* s and v in one, in the pool; ptr NULL when they are no value. */
static fcache_bytes_t value_of(const json_t *item, apr_pool_t *pool)
{
    fcache_bytes_t none = fcache_bytes(NULL, 0);
    fcache_bytes_t stamp = fcd_json_attribute(item, "s", "B");
    fcache_bytes_t rest = fcd_json_attribute(item, "v", "B");
    size_t stamp_len = 0;
    size_t rest_len = 0;
    if (!stamp.ptr || (!rest.ptr && json_object_get(item, "v"))) {
        return none;
    }
    char *bytes = apr_palloc(pool, stamp.len / 4 * 3 + rest.len / 4 * 3 + 1);
    if (!bytes || !decode(stamp, bytes, &stamp_len) ||
        stamp_len != FCR_STAMP_BYTES ||
        (rest.ptr && !decode(rest, bytes + stamp_len, &rest_len))) {
        return none;
    }
    return fcache_bytes(bytes, stamp_len + rest_len);
}

/* ---- BatchGetItem -------------------------------------------------------- */

/* The place of a name among those asked for, or `count`. */
static size_t place(const fcache_bytes_t *names, size_t count,
                    fcache_bytes_t name)
{
    size_t i = 0;
    while (i < count && !(name.ptr && fcache_bytes_equal(names[i], name))) {
        i++;
    }
    return i;
}

static int read_item(const json_t *item, fcr_found_t *found, apr_pool_t *pool)
{
    fcache_bytes_t number = fcd_json_attribute(item, "c", "N");
    if (found->exists) {
        return 0;
    }
    if (json_object_get(item, "c")) {
        found->value =
            fcd_json_is_decimal(number)
                ? fcache_bytes(apr_pmemdup(pool, number.ptr, number.len),
                               number.len)
                : fcache_bytes(NULL, 0);
    } else {
        found->value = value_of(item, pool);
    }
    found->exists = found->value.ptr != NULL;
    return found->exists;
}

static fcache_status_t read_fetch(const json_t *reply, const char *table,
                                  const fcache_bytes_t *names, size_t count,
                                  unsigned char *pending, fcr_found_t *found,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    const json_t *items =
        json_object_get(json_object_get(reply, "Responses"), table);
    const json_t *keys = json_object_get(
        json_object_get(json_object_get(reply, "UnprocessedKeys"), table),
        "Keys");
    if (!json_is_object(json_object_get(reply, "Responses"))) {
        return bad(error, "no Responses");
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        size_t at = place(names, count, fcd_json_attribute(item, "n", "S"));
        if (at == count || !pending[at] || !read_item(item, &found[at], pool)) {
            return bad(error, "an item that is not what was asked for");
        }
    }
    memset(pending, 0, count);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        size_t at =
            place(names, count,
                  fcd_json_attribute(json_array_get(keys, i), "n", "S"));
        if (at == count || found[at].exists) {
            return bad(error, "an unprocessed key that was not asked for");
        }
        pending[at] = 1;
    }
    return FCACHE_OK;
}

fcache_status_t fcd_reply_fetch(fcache_bytes_t body, fcache_bytes_t table,
                                const fcache_bytes_t *names, size_t count,
                                unsigned char *pending, fcr_found_t *out_found,
                                apr_pool_t *pool, fcache_error_t *error)
{
    json_t *reply = fcd_json_parse(body, FCD_JSON_ANSWER);
    if (!reply) {
        return bad(error, "what is no JSON");
    }
    fcache_status_t status =
        read_fetch(reply, apr_pstrmemdup(pool, table.ptr, table.len), names,
                   count, pending, out_found, pool, error);
    json_decref(reply);
    return status;
}

/* ---- TransactGetItems ---------------------------------------------------- */

/* In the order in which they were asked for; those that are not there are {}. */
static fcache_status_t read_counters(const json_t *reply,
                                     const fcache_bytes_t *names, size_t count,
                                     fcr_found_t *found, apr_pool_t *pool,
                                     fcache_error_t *error)
{
    const json_t *answers = json_object_get(reply, "Responses");
    if (json_array_size(answers) != count) {
        return bad(error, "another number of items than was asked for");
    }
    memset(found, 0, count * sizeof(*found));
    for (size_t i = 0; i < count; i++) {
        const json_t *answer = json_array_get(answers, i);
        const json_t *item = json_object_get(answer, "Item");
        if (!json_is_object(answer) ||
            (item && (!fcache_bytes_equal(fcd_json_attribute(item, "n", "S"),
                                          names[i]) ||
                      !read_item(item, &found[i], pool)))) {
            return bad(error, "an item that is not what was asked for");
        }
    }
    return FCACHE_OK;
}

fcache_status_t fcd_reply_counters(fcache_bytes_t body,
                                   const fcache_bytes_t *names, size_t count,
                                   fcr_found_t *out_found, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    json_t *reply = fcd_json_parse(body, FCD_JSON_ANSWER);
    fcache_status_t status =
        read_counters(reply, names, count, out_found, pool, error);
    json_decref(reply);
    return status;
}

/* ---- the others ---------------------------------------------------------- */

fcache_status_t fcd_reply_clock(fcache_bytes_t body, uint64_t *out_clock,
                                fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    json_t *reply = fcd_json_parse(body, FCD_JSON_ANSWER);
    if (!fcd_json_counter(json_object_get(reply, "Attributes"), out_clock)) {
        status = bad(error, "a clock that is no number");
    }
    json_decref(reply);
    return status;
}

static fcache_status_t read_scan(const json_t *reply, fcr_walk_fn fn,
                                 void *baton, fcache_bytes_t *out_next,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    const json_t *items = json_object_get(reply, "Items");
    const json_t *last = json_object_get(reply, "LastEvaluatedKey");
    fcache_bytes_t next = fcd_json_attribute(last, "n", "S");
    *out_next = fcache_bytes(NULL, 0);
    if (!json_is_array(items) || (last && next.len == 0)) {
        return bad(error, "what is no page of items");
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        fcache_bytes_t name = fcd_json_attribute(item, "n", "S");
        fcache_bytes_t value = value_of(item, pool);
        /* what is no value of ours is listed by its name, if that may be one */
        if (name.len > 0 && name.len <= FCR_NAME_MAX &&
            fn(baton, name, value)) {
            return FCACHE_OK;
        }
    }
    if (last) {
        *out_next =
            fcache_bytes(apr_pstrmemdup(pool, next.ptr, next.len), next.len);
    }
    return FCACHE_OK;
}

fcache_status_t fcd_reply_scan(fcache_bytes_t body, fcr_walk_fn fn, void *baton,
                               fcache_bytes_t *out_next, apr_pool_t *pool,
                               fcache_error_t *error)
{
    json_t *reply = fcd_json_parse(body, FCD_JSON_PAGE);
    fcache_status_t status = read_scan(reply, fn, baton, out_next, pool, error);
    json_decref(reply);
    return status;
}

static int is_text(const json_t *object, const char *name, const char *wanted)
{
    return fcache_bytes_equal(fcd_json_text(json_object_get(object, name)),
                              fcache_str(wanted));
}

/* The only element of that list. */
static const json_t *only(const json_t *object, const char *name)
{
    const json_t *list = json_object_get(object, name);
    return json_array_size(list) == 1 ? json_array_get(list, 0) : NULL;
}

static uint64_t natural(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));
    return number > 0 ? (uint64_t)number : 0;
}

fcache_status_t fcd_reply_table(fcache_bytes_t body, fcd_table_t *out_table,
                                fcache_error_t *error)
{
    json_t *reply = fcd_json_parse(body, FCD_JSON_ANSWER);
    const json_t *table = json_object_get(reply, "Table");
    const json_t *type = only(table, "AttributeDefinitions");
    const json_t *key = only(table, "KeySchema");
    fcache_status_t status = FCACHE_OK;
    if (json_is_object(table)) {
        out_table->is_active = is_text(table, "TableStatus", "ACTIVE");
        out_table->has_our_key = is_text(key, "AttributeName", "n") &&
                                 is_text(key, "KeyType", "HASH") &&
                                 is_text(type, "AttributeName", "n") &&
                                 is_text(type, "AttributeType", "S");
        out_table->items = natural(table, "ItemCount");
        out_table->bytes = natural(table, "TableSizeBytes");
    } else {
        status = bad(error, "no description of the table");
    }
    json_decref(reply);
    return status;
}
