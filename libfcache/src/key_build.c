/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include "ascii.h"
#include "key_rules.h"
#include "tuple.h"

/* Fields with which proxies tell an origin what the client asked for, and which
 * origins believe (T1). The field's name follows the ':'. */
static const char *const forwarding_labels[] = {
    "forward:forwarded",          "forward:x-forwarded-host",
    "forward:x-forwarded-proto",  "forward:x-forwarded-protocol",
    "forward:x-forwarded-port",   "forward:x-forwarded-prefix",
    "forward:x-forwarded-path",   "forward:x-forwarded-uri",
    "forward:x-forwarded-server", "forward:x-forwarded-scheme",
    "forward:x-forwarded-ssl",    "forward:x-host",
    "forward:x-original-host",    "forward:x-original-url",
    "forward:x-rewrite-url",      "forward:x-http-host-override",
    "forward:x-scheme",           "forward:x-url-scheme",
    "forward:x-script-name",      "forward:x-invoke-path",
    "forward:x-invoke-query",     "forward:x-now-route-matches",
    "forward:front-end-https",
};

/* Most fields are told apart by their first letter. */
static const char *forwarding_label(fcache_bytes_t name)
{
    size_t count = sizeof(forwarding_labels) / sizeof(forwarding_labels[0]);
    char first = name.len > 0 ? fci_lower(name.ptr[0]) : '\0';
    for (size_t i = 0; i < count; i++) {
        const char *known = forwarding_labels[i] + sizeof("forward:") - 1;
        if (*known == first &&
            fcache_bytes_equal_nocase(name, fcache_str(known))) {
            return forwarding_labels[i];
        }
    }
    return NULL;
}

static fcache_status_t add_forwarding(fcache_tuple_t *tuple,
                                      fcache_fields_t fields)
{
    for (size_t i = 0; i < fields.count; i++) {
        const char *label = forwarding_label(fields.items[i].name);
        fcache_status_t status =
            label ? fcache_tuple_add(tuple, label, fields.items[i].value)
                  : FCACHE_OK;
        if (status != FCACHE_OK) {
            return status;
        }
    }
    return FCACHE_OK;
}

/* A body and what says how to read it. */
static fcache_status_t add_body(fcache_tuple_t *tuple,
                                const fcache_request_t *request)
{
    static const char *const about[] = {"content-type", "content-encoding",
                                        "content-language"};
    fcache_status_t status =
        fcache_tuple_add(tuple, FCI_LABEL_BODY, request->body_digest);
    for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
        fcache_bytes_t value = fcache_fields_get(request->fields, about[i]);
        if (status == FCACHE_OK && value.ptr) {
            status = fcache_tuple_add(tuple, about[i], value);
        }
    }
    return status;
}

static fcache_status_t add_default(const fcache_key_rules_t *rules,
                                   const fcache_request_t *request,
                                   fcache_tuple_t *tuple, apr_pool_t *pool)
{
    int without_host = rules && rules->without_host;
    int without_scheme = rules && rules->without_scheme;
    int is_head = fcache_bytes_equal(request->method, fcache_str("HEAD"));
    fcache_bytes_t query = fcache_key_rules_query(rules, request, pool);
    const struct {
        const char *label;
        fcache_bytes_t value;
        int left_out;
    } parts[] = {
        {FCI_LABEL_VHOST, request->vhost, without_host},
        {FCI_LABEL_SCHEME, request->scheme, without_scheme},
        {FCI_LABEL_AUTHORITY, request->authority, without_host},
        {FCI_LABEL_METHOD, is_head ? fcache_str("GET") : request->method, 0},
        {FCI_LABEL_PATH, request->path, 0},
        {FCI_LABEL_QUERY, query, !query.ptr},
    };
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (status == FCACHE_OK && !parts[i].left_out) {
            status = fcache_tuple_add(tuple, parts[i].label, parts[i].value);
        }
    }
    if (status == FCACHE_OK) {
        status = add_forwarding(tuple, request->fields);
    }
    if (status == FCACHE_OK && request->body_digest.len > 0) {
        status = add_body(tuple, request);
    }
    return status;
}

static fcache_status_t add_rules(const fcache_key_rules_t *rules,
                                 const fcache_request_t *request,
                                 fcache_tuple_t *tuple, apr_pool_t *pool)
{
    const fci_key_rule_t *rule = rules ? rules->added : NULL;
    for (; rule; rule = rule->next) {
        fcache_status_t status = rule->add(rule, request, tuple, pool);
        if (status != FCACHE_OK) {
            return status;
        }
    }
    return FCACHE_OK;
}

fcache_bytes_t fcache_key_rules_query(const fcache_key_rules_t *rules,
                                      const fcache_request_t *request,
                                      apr_pool_t *pool)
{
    return rules ? fci_query_apply(&rules->query, request->query, pool)
                 : request->query;
}

fcache_status_t
fcache_key_build(const fcache_key_rules_t *rules, fcache_key_builder_fn builder,
                 void *builder_baton, fcache_bytes_t prefix, fcache_bytes_t ns,
                 const fcache_request_t *request, fcache_key_t *out_key,
                 apr_pool_t *pool, fcache_error_t *error)
{
    fcache_tuple_t *tuple = fcache_tuple_create(pool);
    if (!tuple) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory for a key");
    }
    fcache_status_t status = add_default(rules, request, tuple, pool);
    if (status == FCACHE_OK) {
        status = add_rules(rules, request, tuple, pool);
    }
    if (status != FCACHE_OK) {
        return fcache_error_set(error, status, "the key: %s",
                                fcache_status_text(status));
    }
    if (builder) {
        status = builder(builder_baton, request, tuple, pool, error);
        if (status != FCACHE_OK) {
            return status;
        }
    }
    return fci_key_of(fcache_bytes(tuple->ptr, tuple->len), prefix, ns, out_key,
                      pool, error);
}
