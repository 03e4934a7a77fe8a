/* SPDX-License-Identifier: Apache-2.0 */
/* What a request to fcache-admin wants: {"tag": ["a", "b"], "soft": true}, or the
 * same in the query of a DELETE, ?tag=a&tag=b&soft=true. */
#include "admin.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_script.h>

#define MAX_BODY (64 * 1024)

static apr_status_t release_json(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

/* ---- body and query as JSON ---------------------------------------------- */

static int is_json(const request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    size_t len = type ? strcspn(type, "; \t") : 0;

    return fcache_bytes_equal_nocase(fcache_bytes(type, len),
                                     fcache_str("application/json"));
}

/* Reads all of the body; OK, or a status. */
static int read_all(request_rec *r, fcache_buf_t *body)
{
    char piece[4096];
    int refused = ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK);
    fcache_status_t kept = FCACHE_OK;
    long len;

    if (refused != OK || !ap_should_client_block(r)) {
        return refused;
    }
    do {
        len = ap_get_client_block(r, piece, sizeof(piece));
        if (len > 0) {
            kept = fcache_buf_append(body, fcache_bytes(piece, (size_t)len));
        }
    } while (len > 0 && kept == FCACHE_OK);
    if (len < 0) {
        return HTTP_BAD_REQUEST;
    }
    return kept == FCACHE_OK ? OK : HTTP_REQUEST_ENTITY_TOO_LARGE;
}

static int json_of_body(request_rec *r, json_t **out, const char **out_why)
{
    fcache_buf_t body;
    json_error_t error;
    int refused;

    if (!is_json(r)) {
        *out_why = "Content-Type: application/json is needed";
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    fcache_buf_init(&body, MAX_BODY);
    refused = read_all(r, &body);
    if (refused != OK) {
        *out_why = "the body cannot be read, or is above 64 KiB";
    } else {
        *out = json_loadb(body.ptr ? body.ptr : "", body.len,
                          JSON_REJECT_DUPLICATES, &error);
        if (*out == NULL) {
            *out_why =
                apr_psprintf(r->pool, "the body is no JSON: %s", error.text);
            refused = HTTP_BAD_REQUEST;
        }
    }
    fcache_buf_fini(&body);
    return refused;
}

/* A name that comes again makes a list. */
static void add_pair(json_t *object, const char *name, const char *text)
{
    json_t *old = json_object_get(object, name);
    json_t *value = json_string(text);

    if (strcmp(name, "soft") == 0 || strcmp(name, "all") == 0) {
        json_decref(value);
        value = strcmp(text, "true") == 0 || strcmp(text, "1") == 0
                    ? json_true()
                : strcmp(text, "false") == 0 || strcmp(text, "0") == 0
                    ? json_false()
                    : json_null();
    }
    if (old == NULL) {
        json_object_set_new(object, name, value);
    } else if (json_is_array(old)) {
        json_array_append_new(old, value);
    } else {
        json_object_set_new(object, name, json_pack("[O, o]", old, value));
    }
}

static int json_of_query(request_rec *r, json_t **out, const char **out_why)
{
    char *rest = NULL;
    char *pair =
        r->args ? apr_strtok(apr_pstrdup(r->pool, r->args), "&", &rest) : NULL;

    *out = json_object();
    for (; pair != NULL; pair = apr_strtok(NULL, "&", &rest)) {
        char *value = strchr(pair, '=');
        if (value == NULL) {
            value = apr_pstrdup(r->pool, "true");
        } else {
            *value++ = '\0';
        }
        if (ap_unescape_urlencoded(pair) != OK ||
            ap_unescape_urlencoded(value) != OK) {
            *out_why = "the query cannot be decoded";
            return HTTP_BAD_REQUEST;
        }
        add_pair(*out, pair, value);
    }
    return OK;
}

/* ---- the order ----------------------------------------------------------- */

static const char *find_store(const char *name, mfc_order_t *order)
{
    const apr_array_header_t *stores = mfc_global()->stores;
    int i;

    for (i = 0; name != NULL && i < stores->nelts; i++) {
        const mfc_store_t *store = APR_ARRAY_IDX(stores, i, mfc_store_t *);
        if (strcmp(store->name, name) == 0) {
            order->store = store;
            return NULL;
        }
    }
    return "no such store";
}

static const char *add_one(request_rec *r, fcache_purge_kind_t kind,
                           const json_t *value, mfc_order_t *order)
{
    fcache_purge_t *purge = &order->purges[order->count];
    const char *text = json_string_value(value);

    if (text == NULL) {
        return apr_psprintf(r->pool, "\"%s\" is a string or a list of strings",
                            fcache_purge_kind_text(kind));
    }
    if (order->count == MFC_PURGES_MAX) {
        return "more than 64 purges in one request";
    }
    if (kind == FCACHE_PURGE_URL && text[0] == '/') {
        text = mfc_message_url(r, text);
    }
    *purge = (fcache_purge_t){.kind = kind,
                              .value = fcache_str(text),
                              .prefix = mfc_conf_of(r)->prefix};
    order->count++;
    return NULL;
}

static const char *add_each(request_rec *r, fcache_purge_kind_t kind,
                            const json_t *value, mfc_order_t *order)
{
    const char *why = NULL;
    size_t i;

    if (!json_is_array(value)) {
        return add_one(r, kind, value, order);
    }
    for (i = 0; i < json_array_size(value) && why == NULL; i++) {
        why = add_one(r, kind, json_array_get(value, i), order);
    }
    return why;
}

/* A member of the object; what says more about the others waits. */
static const char *add_member(request_rec *r, const char *name,
                              const json_t *value, mfc_order_t *order)
{
    fcache_purge_kind_t kind;

    if (strcmp(name, "soft") == 0) {
        return json_is_boolean(value) ? NULL : "\"soft\" is true or false";
    }
    if (strcmp(name, "store") == 0) {
        return find_store(json_string_value(value), order);
    }
    if (!fcache_purge_kind_parse(fcache_str(name), &kind)) {
        return apr_psprintf(r->pool,
                            "\"%s\" is not known; there are url, key, tag, "
                            "namespace, prefix, all, soft, store",
                            name);
    }
    if (kind == FCACHE_PURGE_ALL) {
        return json_is_true(value) ? NULL : "\"all\" is true or left out";
    }
    if (kind == FCACHE_PURGE_PREFIX) {
        return json_is_string(value) ? NULL : "\"prefix\" is a string";
    }
    return add_each(r, kind, value, order);
}

/* prefix and all are purges of their own when there is nothing else; prefix says
 * of which the others are, otherwise. */
static const char *add_whole(const json_t *object, mfc_order_t *order)
{
    const char *prefix = json_string_value(json_object_get(object, "prefix"));
    int all = json_object_get(object, "all") != NULL;
    int soft = json_is_true(json_object_get(object, "soft"));
    size_t i;

    if (all && (order->count > 0 || prefix != NULL)) {
        return "\"all\" stands alone";
    }
    if (order->count == 0 && (all || prefix != NULL)) {
        order->purges[0].kind = all ? FCACHE_PURGE_ALL : FCACHE_PURGE_PREFIX;
        order->count = 1;
    }
    for (i = 0; i < order->count; i++) {
        order->purges[i].soft = soft;
        if (prefix != NULL) {
            order->purges[i].prefix = fcache_str(prefix);
        }
    }
    return order->count > 0 ? NULL : "nothing to purge";
}

static const char *check(request_rec *r, const mfc_order_t *order)
{
    fcache_error_t error = {""};
    size_t i;

    for (i = 0; i < order->count; i++) {
        if (fcache_purge_check(&order->purges[i], r->pool, &error) !=
            FCACHE_OK) {
            return apr_pstrdup(r->pool, error.text);
        }
    }
    return NULL;
}

int mfc_order_read(request_rec *r, mfc_order_t *out_order, const char **out_why)
{
    json_t *object = NULL;
    const char *why = NULL;
    const char *name;
    json_t *value;
    int refused = strcmp(r->method, "DELETE") == 0
                      ? json_of_query(r, &object, out_why)
                      : json_of_body(r, &object, out_why);

    memset(out_order, 0, sizeof(*out_order));
    if (object != NULL) { /* the order has views into it */
        apr_pool_cleanup_register(r->pool, object, release_json,
                                  apr_pool_cleanup_null);
    }
    if (refused != OK) {
        return refused;
    }
    if (!json_is_object(object)) {
        why = "the body is an object";
    }
    json_object_foreach(object, name, value)
    {
        why = why ? why : add_member(r, name, value, out_order);
    }
    why = why ? why : add_whole(object, out_order);
    *out_why = why ? why : check(r, out_order);
    return *out_why ? HTTP_BAD_REQUEST : OK;
}
