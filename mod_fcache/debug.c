/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field that tells how a request was handled, with its key: for who is to
 * know it and nobody else (T32). The words are those of `fcachectl explain`.
 */
#include "ctx.h"

#include <apr_strings.h>

#define MAX_KEY 1024 /* bytes of the key that are shown */

/* Who decided: the check of the request, of the entry, or of the answer. */
static const char *rule_of(const mfc_ctx_t *ctx)
{
    if (ctx->answered_us != 0) {
        return "judge";
    }
    return ctx->bypass == FCACHE_REASON_NONE ? "decide" : "admit";
}

/* In quotes (RFC 8941 §3.3.3); what was formatted is printable. */
static const char *quoted(const char *text, apr_pool_t *pool)
{
    size_t len = strlen(text);
    size_t shown = len > MAX_KEY ? MAX_KEY : len;
    char *out = apr_palloc(pool, 2 * shown + 1);
    size_t at = 0;
    size_t i;

    for (i = 0; i < shown; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            out[at++] = '\\';
        }
        out[at++] = text[i];
    }
    out[at] = '\0';
    return apr_pstrcat(pool, "\"", out, shown < len ? "...\"" : "\"", NULL);
}

const char *mfc_debug_text(request_rec *r, const mfc_ctx_t *ctx)
{
    const char *tail =
        apr_pstrcat(r->pool, "rule=", rule_of(ctx),
                    "; reason=", fcache_reason_text(ctx->reason), NULL);

    if (ctx->bypass != FCACHE_REASON_NONE) {
        return tail;
    }
    return apr_pstrcat(
        r->pool, "key=",
        quoted(fcache_canonical_format(ctx->key.canonical, r->pool), r->pool),
        "; name=", quoted(ctx->key.name.ptr, r->pool), "; plan=\"",
        fcache_plan_text(ctx->decision.plan), "\"; ", tail, NULL);
}
