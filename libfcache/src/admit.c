/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "ascii.h"
#include "names.h"

/* Fields by which an origin may act on another method or target (T2). */
static const fcache_bytes_t overrides[] = {
    FCI_TEXT("X-HTTP-Method-Override"), FCI_TEXT("X-HTTP-Method"),
    FCI_TEXT("X-Method-Override"),      FCI_TEXT("X-Original-Method"),
    FCI_TEXT("X-Forwarded-Method"),     FCI_TEXT("X-Original-URL"),
    FCI_TEXT("X-Rewrite-URL"),          FCI_TEXT("X-Override-URL"),
};

/* What a client may name in Connection without taking a field from the origin
 * that the key or Vary counts on (T18). */
static const fcache_bytes_t connection_options[] = {
    FCI_TEXT("close"),   FCI_TEXT("keep-alive"),     FCI_TEXT("te"),
    FCI_TEXT("upgrade"), FCI_TEXT("http2-settings"),
};

/* With IANA as safe. */
static const fcache_bytes_t safe_methods[] = {
    FCI_TEXT("GET"),    FCI_TEXT("HEAD"),   FCI_TEXT("OPTIONS"),
    FCI_TEXT("TRACE"),  FCI_TEXT("QUERY"),  FCI_TEXT("PROPFIND"),
    FCI_TEXT("REPORT"), FCI_TEXT("SEARCH"), FCI_TEXT("PRI"),
};

static int is_get_or_head(const fcache_request_t *request)
{
    return fcache_bytes_equal(request->method, fcache_str("GET")) ||
           fcache_bytes_equal(request->method, fcache_str("HEAD"));
}

static int is_cached_method(const fcache_policy_t *policy,
                            const fcache_request_t *request)
{
    fcache_bytes_t method = request->method;
    if (fcache_bytes_equal(method, fcache_str("HEAD"))) {
        method = fcache_str("GET");
    }
    for (size_t i = 0; i < policy->method_count; i++) {
        if (fcache_bytes_equal(method, policy->methods[i])) {
            return 1;
        }
    }
    return 0;
}

static fcache_reason_t check_connection(fcache_fields_t fields)
{
    fcache_list_t list;
    fcache_bytes_t option;
    fcache_list_init(&list, fields, "Connection");
    while (fcache_list_next(&list, &option)) {
        if (!FCI_IS_IN(option, connection_options)) {
            return FCACHE_REASON_CONNECTION_NAMES_FIELD;
        }
    }
    return FCACHE_REASON_NONE;
}

/* An offer of h2c may be declined, anything else is no matter for a cache. */
static fcache_reason_t check_upgrade(fcache_fields_t fields)
{
    fcache_list_t list;
    fcache_bytes_t protocol;
    fcache_list_init(&list, fields, "Upgrade");
    while (fcache_list_next(&list, &protocol)) {
        if (!fcache_bytes_equal_nocase(protocol, fcache_str("h2c"))) {
            return FCACHE_REASON_UPGRADE;
        }
    }
    return FCACHE_REASON_NONE;
}

static fcache_reason_t check_no_store(const fcache_policy_t *policy,
                                      fcache_fields_t fields)
{
    fcache_cc_t cc;
    if (policy->request_control != FCACHE_REQUEST_CONTROL_HONOR) {
        return FCACHE_REASON_NONE;
    }
    fcache_cc_parse(fields, &cc);
    return cc.flags & FCACHE_CC_NO_STORE ? FCACHE_REASON_REQUEST_NO_STORE
                                         : FCACHE_REASON_NONE;
}

static fcache_reason_t check_body(const fcache_request_t *request,
                                  const fcache_field_t *field)
{
    int64_t length;
    if (!is_get_or_head(request)) {
        return FCACHE_REASON_NONE;
    }
    if (fcache_bytes_equal_nocase(field->name,
                                  fcache_str("Transfer-Encoding"))) {
        return FCACHE_REASON_REQUEST_BODY;
    }
    if (fcache_bytes_equal_nocase(field->name, fcache_str("Content-Length")) &&
        (!fcache_delta_parse(fcache_bytes_trim(field->value), &length) ||
         length != 0)) {
        return FCACHE_REASON_REQUEST_BODY;
    }
    return FCACHE_REASON_NONE;
}

/* Most fields are told apart by their first letter. */
static fcache_reason_t check_field(const fcache_policy_t *policy,
                                   const fcache_request_t *request,
                                   const fcache_field_t *field)
{
    switch (field->name.len > 0 ? fci_lower(field->name.ptr[0]) : '\0') {
    case 'x':
        return FCI_IS_IN(field->name, overrides) ? FCACHE_REASON_METHOD_OVERRIDE
                                                 : FCACHE_REASON_NONE;
    case 't':
        return check_body(request, field);
    case 'u':
        return fcache_bytes_equal_nocase(field->name, fcache_str("Upgrade"))
                   ? check_upgrade(request->fields)
                   : FCACHE_REASON_NONE;
    case 'c':
        if (fcache_bytes_equal_nocase(field->name, fcache_str("Connection"))) {
            return check_connection(request->fields);
        }
        if (fcache_bytes_equal_nocase(field->name,
                                      fcache_str("Cache-Control"))) {
            return check_no_store(policy, request->fields);
        }
        return check_body(request, field);
    default:
        return FCACHE_REASON_NONE;
    }
}

fcache_reason_t fcache_admit(const fcache_policy_t *policy,
                             const fcache_request_t *request)
{
    if (!is_cached_method(policy, request)) {
        return FCACHE_REASON_METHOD;
    }
    if (request->flags & FCACHE_REQUEST_ODD_TARGET) {
        return FCACHE_REASON_ODD_TARGET;
    }
    if (request->flags & FCACHE_REQUEST_ODD_HOST) {
        return FCACHE_REASON_ODD_HOST;
    }
    if (request->flags & FCACHE_REQUEST_ODD_FRAMING) {
        return FCACHE_REASON_ODD_FRAMING;
    }
    if ((request->flags & FCACHE_REQUEST_HAS_BODY) && is_get_or_head(request)) {
        return FCACHE_REASON_REQUEST_BODY;
    }
    for (size_t i = 0; i < request->fields.count; i++) {
        fcache_reason_t reason =
            check_field(policy, request, &request->fields.items[i]);
        if (reason != FCACHE_REASON_NONE) {
            return reason;
        }
    }
    return FCACHE_REASON_NONE;
}

int fcache_method_is_safe(fcache_bytes_t method)
{
    for (size_t i = 0; i < sizeof(safe_methods) / sizeof(safe_methods[0]);
         i++) {
        if (fcache_bytes_equal(method, safe_methods[i])) {
            return 1;
        }
    }
    return 0;
}
