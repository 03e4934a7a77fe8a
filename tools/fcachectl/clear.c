/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

typedef struct clearing_t {
    fcache_scope_t scope;       /* that the options name */
    apr_array_header_t *scopes; /* fcache_scope_t: it, or one for each tag */
} clearing_t;

/* An apr_table_do callback: one --tag. */
static int add_tag(void *baton, const char *option, const char *tag)
{
    clearing_t *clearing = baton;

    (void)option;
    clearing->scope.tag = fcache_str(tag);
    APR_ARRAY_PUSH(clearing->scopes, fcache_scope_t) = clearing->scope;
    return 1;
}

/* The one scope that the options name. */
static ctl_exit_t scope_of(const ctl_t *ctl, fcache_scope_t *out_scope)
{
    int all = ctl_option(ctl, "all") != NULL;
    int ns = ctl_option(ctl, "namespace") != NULL;
    int tag = ctl_option(ctl, "tag") != NULL;
    int prefix = ctl_option(ctl, "prefix") != NULL;

    if (all + ns + tag > 1 || (all && prefix)) {
        return ctl_usage("clear one of --namespace, --tag, --prefix, --all");
    }
    if (!all && !ns && !tag && !prefix) {
        return ctl_usage("say what to clear: --namespace, --tag, --prefix or "
                         "--all");
    }
    out_scope->prefix = ctl_prefix(ctl);
    out_scope->ns = ctl_namespace(ctl);
    out_scope->soft = ctl_option(ctl, "soft") != NULL;
    out_scope->kind = all   ? FCACHE_SCOPE_ALL
                      : ns  ? FCACHE_SCOPE_NAMESPACE
                      : tag ? FCACHE_SCOPE_TAG
                            : FCACHE_SCOPE_PREFIX;
    if (!fcache_label_is_valid(out_scope->prefix) ||
        !fcache_label_is_valid(out_scope->ns)) {
        return ctl_usage("a prefix or namespace is at most %d of "
                         "A-Z a-z 0-9 . _ -",
                         FCACHE_KEY_MAX_LABEL);
    }
    return CTL_OK;
}

static const char *scope_text(fcache_scope_kind_t kind)
{
    switch (kind) {
    case FCACHE_SCOPE_ALL:
        return "all";
    case FCACHE_SCOPE_PREFIX:
        return "prefix";
    case FCACHE_SCOPE_NAMESPACE:
        return "namespace";
    case FCACHE_SCOPE_TAG:
        break;
    }
    return "tag";
}

ctl_exit_t ctl_clear(ctl_t *ctl)
{
    clearing_t clearing = {
        {0}, apr_array_make(ctl->pool, 1, sizeof(fcache_scope_t))};
    ctl_exit_t code = scope_of(ctl, &clearing.scope);
    const void *scopes;
    fcache_status_t status;

    if (code != CTL_OK) {
        return code;
    }
    if (clearing.scope.kind == FCACHE_SCOPE_TAG) {
        apr_table_do(add_tag, &clearing, ctl->options, "tag", NULL);
    } else {
        APR_ARRAY_PUSH(clearing.scopes, fcache_scope_t) = clearing.scope;
    }
    scopes = clearing.scopes->elts;
    status = fcache_clear(ctl->cache, scopes, (size_t)clearing.scopes->nelts,
                          &ctl->error);
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, "clear");
    }
    return ctl_print(ctl, json_pack("{s:s, s:b}", "cleared",
                                    scope_text(clearing.scope.kind), "soft",
                                    clearing.scope.soft));
}
