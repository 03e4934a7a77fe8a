/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that ends with the origin's connection may have been cut without
 * anybody knowing, so it is not stored. mod_proxy does not tell its output
 * filters how the response was framed; it does hand out the request it reads
 * the response with (hook create_req), and an input filter there sees the
 * framing at the first read.
 *
 * The hook is not an optional one, and mod_proxy may be loaded after this
 * module or not at all, so its registration is looked up when all modules are
 * there.
 */
#include "ctx.h"

#include <dlfcn.h>
#include <mod_proxy.h>

typedef void (*hook_fn)(proxy_HOOK_create_req_t *function,
                        const char *const *before, const char *const *after,
                        int order);

static int on_create_request(request_rec *r, request_rec *response)
{
    mfc_ctx_t *ctx = mfc_ctx_of(r);

    if (ctx != NULL && ctx->capture != NULL) {
        ap_add_input_filter_handle(mfc_framing_handle, ctx, response,
                                   response->connection);
    }
    return DECLINED;
}

apr_status_t mfc_framing_filter(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    ap_filter_t *next = f->next;

    if (mode == AP_MODE_READBYTES) {
        mfc_ctx_t *ctx = f->ctx;
        const apr_table_t *fields = f->r->headers_in;

        ctx->close_delimited =
            apr_table_get(fields, "Content-Length") == NULL &&
            apr_table_get(fields, "Transfer-Encoding") == NULL;
        ap_remove_input_filter(f);
    }
    return ap_get_brigade(next, bb, mode, block, readbytes);
}

void mfc_framing_hook(void)
{
    hook_fn hook = NULL;

    /* POSIX: an object pointer may hold what dlsym finds */
    *(void **)&hook = dlsym(RTLD_DEFAULT, "proxy_hook_create_req");
    if (hook != NULL) {
        hook(on_create_request, NULL, NULL, APR_HOOK_MIDDLE);
    }
}
