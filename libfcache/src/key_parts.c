/* SPDX-License-Identifier: Apache-2.0 */
#include "key_rules.h"

fcache_status_t fci_key_add_header(const fci_key_rule_t *rule,
                                   const fcache_request_t *request,
                                   fcache_tuple_t *tuple, apr_pool_t *pool)
{
    fcache_fields_t fields = request->fields;
    (void)pool;
    for (size_t i = fcache_fields_find(fields, rule->name, 0); i < fields.count;
         i = fcache_fields_find(fields, rule->name, i + 1)) {
        fcache_status_t status =
            fcache_tuple_add(tuple, rule->label, fields.items[i].value);
        if (status != FCACHE_OK) {
            return status;
        }
    }
    return FCACHE_OK;
}

/* The next cookie-pair of a Cookie field (RFC 6265 §4.2.1), 0 at the end. */
static int next_cookie(fcache_bytes_t *rest, fcache_bytes_t *out_name,
                       fcache_bytes_t *out_value)
{
    if (rest->len == 0) {
        return 0;
    }
    const char *end = memchr(rest->ptr, ';', rest->len);
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    const char *equals = memchr(rest->ptr, '=', len);
    size_t name_len = equals ? (size_t)(equals - rest->ptr) : len;
    size_t value_at = equals ? name_len + 1 : len;
    *out_name = fcache_bytes_trim(fcache_bytes(rest->ptr, name_len));
    *out_value =
        fcache_bytes_trim(fcache_bytes(rest->ptr + value_at, len - value_at));
    size_t skip = end ? len + 1 : len;
    *rest = fcache_bytes(rest->ptr + skip, rest->len - skip);
    return 1;
}

fcache_status_t fci_key_add_cookie(const fci_key_rule_t *rule,
                                   const fcache_request_t *request,
                                   fcache_tuple_t *tuple, apr_pool_t *pool)
{
    fcache_fields_t fields = request->fields;
    fcache_bytes_t wanted = fcache_str(rule->name);
    fcache_status_t status = FCACHE_OK;
    (void)pool;
    for (size_t i = fcache_fields_find(fields, "cookie", 0); i < fields.count;
         i = fcache_fields_find(fields, "cookie", i + 1)) {
        fcache_bytes_t rest = fields.items[i].value;
        fcache_bytes_t name;
        fcache_bytes_t value;
        while (status == FCACHE_OK && next_cookie(&rest, &name, &value)) {
            if (fcache_bytes_equal(name, wanted)) {
                status = fcache_tuple_add(tuple, rule->label, value);
            }
        }
    }
    return status;
}

fcache_status_t fci_key_add_attribute(const fci_key_rule_t *rule,
                                      const fcache_request_t *request,
                                      fcache_tuple_t *tuple, apr_pool_t *pool)
{
    if (!request->attribute) {
        return FCACHE_UNSUPPORTED;
    }
    fcache_bytes_t value = request->attribute(request->attribute_baton,
                                              rule->what, rule->name, pool);
    return value.ptr ? fcache_tuple_add(tuple, rule->label, value) : FCACHE_OK;
}
