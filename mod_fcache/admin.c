/* SPDX-License-Identifier: Apache-2.0 */
#include "admin.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

APLOG_USE_MODULE(fcache);

/* Nothing of this is for caches, frames or guesses. */
static void set_fields(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
}

static int allow(request_rec *r)
{
    ap_allow_methods(r, REPLACE_ALLOW, "GET", "POST", "DELETE", NULL);
    return HTTP_METHOD_NOT_ALLOWED;
}

static int show(request_rec *r)
{
    if (r->args == NULL) {
        return mfc_show_page(r);
    }
    if (strcmp(r->args, "format=json") == 0) {
        return mfc_show_json(r);
    }
    return strcmp(r->args, "format=prometheus") == 0
               ? mfc_show_prometheus(r)
               : mfc_purge_refuse(r, HTTP_BAD_REQUEST,
                                  "format is json or prometheus");
}

static int purge(request_rec *r)
{
    mfc_order_t order;
    const char *why = "";
    int refused = mfc_order_read(r, &order, &why);

    return refused == OK ? mfc_purge_answer(r, &order)
                         : mfc_purge_refuse(r, refused, why);
}

static int is_handler(const request_rec *r)
{
    return r->handler != NULL && strcmp(r->handler, "fcache-admin") == 0;
}

static int is_purge(const request_rec *r)
{
    return mfc_conf_of(r)->purge && strcmp(r->method, "PURGE") == 0;
}

int mfc_is_admin(const request_rec *r)
{
    return is_handler(r) || is_purge(r);
}

int mfc_on_admin(request_rec *r)
{
    if (!is_handler(r)) {
        return DECLINED;
    }
    set_fields(r);
    if (r->main != NULL || mfc_auth_is_open(r)) {
        return HTTP_FORBIDDEN;
    }
    if (r->method_number == M_GET) {
        return show(r);
    }
    if (r->method_number != M_POST && r->method_number != M_DELETE) {
        return allow(r);
    }
    return mfc_auth_is_foreign(r)
               ? mfc_purge_refuse(r, HTTP_FORBIDDEN, "sent by another site")
               : purge(r);
}

int mfc_on_purge(request_rec *r)
{
    const char *how = apr_table_get(r->headers_in, "X-FCache-Purge");
    mfc_order_t order = {.count = 1};

    if (!is_purge(r) || r->main != NULL) {
        return DECLINED;
    }
    set_fields(r);
    if (mfc_auth_is_open(r)) {
        return HTTP_FORBIDDEN;
    }
    if (mfc_auth_is_foreign(r)) {
        return mfc_purge_refuse(r, HTTP_FORBIDDEN, "sent by another site");
    }
    if (how != NULL && strcmp(how, "soft") != 0) {
        return mfc_purge_refuse(r, HTTP_BAD_REQUEST,
                                "X-FCache-Purge is soft or left out");
    }
    order.purges[0] = (fcache_purge_t){
        .kind = FCACHE_PURGE_URL,
        .value = fcache_str(mfc_message_url(r, r->unparsed_uri)),
        .prefix = mfc_conf_of(r)->prefix,
        .soft = how != NULL};
    if (r->unparsed_uri[0] != '/') {
        return mfc_purge_refuse(r, HTTP_BAD_REQUEST, "the target is no path");
    }
    return mfc_purge_answer(r, &order);
}
