/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "judge.h"
#include "names.h"

/* Of one connection or one proxy only (RFC 9111 §3.1, RFC 9110 §7.6.1), or
 * written anew by every cache. */
static const fcache_bytes_t not_stored[] = {
    FCI_TEXT("Age"),
    FCI_TEXT("Connection"),
    FCI_TEXT("Keep-Alive"),
    FCI_TEXT("Proxy-Authenticate"),
    FCI_TEXT("Proxy-Authentication-Info"),
    FCI_TEXT("Proxy-Authorization"),
    FCI_TEXT("Proxy-Connection"),
    FCI_TEXT("TE"),
    FCI_TEXT("Trailer"),
    FCI_TEXT("Transfer-Encoding"),
    FCI_TEXT("Upgrade"),
    FCI_TEXT("X-FCache"),
    FCI_TEXT("X-FCache-Debug"),
};

/* What describes the stored body, which a 304 does not bring anew (T15). */
static const fcache_bytes_t not_updated[] = {
    FCI_TEXT("Content-Digest"), FCI_TEXT("Content-Encoding"),
    FCI_TEXT("Content-Length"), FCI_TEXT("Content-MD5"),
    FCI_TEXT("Content-Range"),  FCI_TEXT("ETag"),
};

/* What a 304 says to a cache, whoever asked. */
static const fcache_bytes_t of_caching[] = {
    FCI_TEXT("Age"),  FCI_TEXT("Cache-Control"), FCI_TEXT("CDN-Cache-Control"),
    FCI_TEXT("Date"), FCI_TEXT("Expires"),       FCI_TEXT("Last-Modified"),
    FCI_TEXT("Vary"),
};

/* When it was said. */
static const fcache_bytes_t of_time[] = {FCI_TEXT("Age"), FCI_TEXT("Date")};

static int is_cookie(fcache_bytes_t name)
{
    return fcache_bytes_equal_nocase(name, fcache_str("Set-Cookie")) ||
           fcache_bytes_equal_nocase(name, fcache_str("Set-Cookie2"));
}

static int is_in_connection(fcache_fields_t fields, fcache_bytes_t name)
{
    fcache_list_t list;
    fcache_bytes_t option;
    fcache_list_init(&list, fields, "Connection");
    while (fcache_list_next(&list, &option)) {
        if (fcache_bytes_equal_nocase(option, name)) {
            return 1;
        }
    }
    return 0;
}

int fcache_field_is_stored(const fcache_policy_t *policy,
                           fcache_fields_t fields, const fcache_cc_t *cc,
                           fcache_bytes_t name)
{
    return !FCI_IS_IN(name, not_stored) &&
           !(policy->set_cookie != FCACHE_SET_COOKIE_STORE &&
             is_cookie(name)) &&
           !fci_cc_names_field(cc, name) && !is_in_connection(fields, name);
}

int fcache_field_is_updated(fcache_bytes_t name)
{
    return !FCI_IS_IN(name, not_stored) && !FCI_IS_IN(name, not_updated);
}

static int is_named(fcache_fields_t fields, fcache_bytes_t name)
{
    for (size_t i = 0; i < fields.count; i++) {
        if (fcache_bytes_equal_nocase(fields.items[i].name, name)) {
            return 1;
        }
    }
    return 0;
}

static int is_kept_from_304(const fcache_policy_t *policy,
                            fcache_fields_t update, const fcache_cc_t *cc,
                            fcache_bytes_t name)
{
    return fcache_bytes_equal_nocase(name, fcache_str("Age")) ||
           (fcache_field_is_updated(name) &&
            fcache_field_is_stored(policy, update, cc, name));
}

/* Behind what is newer what it does not name, but for the old Date. */
static fcache_fields_t add_stored(fcache_bytes_t block, fcache_fields_t newer,
                                  fcache_field_t *space, size_t capacity)
{
    fcache_fields_t merged = newer;
    fcache_field_t field;
    size_t offset = 0;
    while (merged.count < capacity &&
           fcache_fieldblock_next(block, &offset, &field.name, &field.value)) {
        if (!is_named(newer, field.name) &&
            !fcache_bytes_equal_nocase(field.name, fcache_str("Date"))) {
            space[merged.count++] = field;
        }
    }
    return merged;
}

fcache_fields_t fci_fields_merge(const fcache_policy_t *policy,
                                 const fcache_request_t *request,
                                 fcache_bytes_t stored_block,
                                 fcache_fields_t update, fcache_field_t *space,
                                 size_t capacity)
{
    fcache_fields_t newer = {space, 0};
    fcache_cc_t cc;
    (void)fcache_cc_of_response(update, &cc);
    int is_personal = fci_is_of_cookies(policy, request, update, &cc);
    for (size_t i = 0; i < update.count && newer.count < capacity; i++) {
        fcache_bytes_t name = update.items[i].name;
        if (is_kept_from_304(policy, update, &cc, name) &&
            (!is_personal || FCI_IS_IN(name, of_caching))) {
            space[newer.count++] = update.items[i];
        }
    }
    return add_stored(stored_block, newer, space, capacity);
}

/* But for W/, which nginx puts before the tag of what it compresses, in a 200 and
 * not in a 304. */
static int is_same_tag(fcache_bytes_t a, fcache_bytes_t b)
{
    return fcache_bytes_equal(a, b) || fcache_etag_matches(a, b, 1);
}

int fcache_is_of_another(fcache_bytes_t stored_block, fcache_fields_t update)
{
    fcache_bytes_t tag = fcache_fields_get(update, "ETag");
    fcache_field_t field;
    size_t offset = 0;
    while (tag.len > 0 && fcache_fieldblock_next(stored_block, &offset,
                                                 &field.name, &field.value)) {
        if (fcache_bytes_equal_nocase(field.name, fcache_str("ETag"))) {
            return !is_same_tag(tag, field.value);
        }
    }
    return 0;
}

fcache_fields_t fcache_fields_merge(const fcache_policy_t *policy,
                                    const fcache_request_t *request,
                                    fcache_bytes_t stored_block,
                                    fcache_fields_t update,
                                    fcache_field_t *space, size_t capacity)
{
    fcache_fields_t times = {space, 0};
    if (!fcache_is_of_another(stored_block, update)) {
        return fci_fields_merge(policy, request, stored_block, update, space,
                                capacity);
    }
    for (size_t i = 0; i < update.count && times.count < capacity; i++) {
        if (FCI_IS_IN(update.items[i].name, of_time)) {
            space[times.count++] = update.items[i];
        }
    }
    return add_stored(stored_block, times, space, capacity);
}

int fcache_cookie_is_refused(const fcache_policy_t *policy,
                             const fcache_request_t *request,
                             fcache_bytes_t stored_block)
{
    fcache_field_t space[FCACHE_MAX_FIELDS + 1];
    fcache_fields_t nothing = {NULL, 0};
    fcache_fields_t fields = fcache_fields_merge(
        policy, request, stored_block, nothing, space, FCACHE_MAX_FIELDS + 1);
    fcache_cc_t cc;
    (void)fcache_cc_of_response(fields, &cc);
    return fci_is_of_cookies(policy, request, fields, &cc);
}
