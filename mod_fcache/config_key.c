/* SPDX-License-Identifier: Apache-2.0 */
/* FCacheKeyBuilder: rules of the core's, expressions of httpd's, and builders of
 * other modules. */
#include "config.h"
#include "mod_fcache.h"

#include <ap_expr.h>
#include <ap_provider.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

static const char *key_provider(cmd_parms *cmd, const char *name,
                                mfc_key_conf_t *key)
{
    const mod_fcache_key_provider_t *provider = ap_lookup_provider(
        MOD_FCACHE_KEY_PROVIDER, name, MOD_FCACHE_PROVIDER_VERSION);
    apr_array_header_t *names;
    const char *known = "";
    int i;

    if (provider != NULL) {
        key->builder = provider->build;
        key->builder_baton = provider->baton;
        return NULL;
    }
    names = ap_list_provider_names(cmd->temp_pool, MOD_FCACHE_KEY_PROVIDER,
                                   MOD_FCACHE_PROVIDER_VERSION);
    for (i = 0; i < names->nelts; i++) {
        known = apr_pstrcat(
            cmd->temp_pool, known, " ",
            APR_ARRAY_IDX(names, i, ap_list_provider_names_t).provider_name,
            NULL);
    }
    return apr_psprintf(cmd->temp_pool, "no such provider (there are:%s)",
                        *known ? known : " none");
}

/* Compiles the expression once; message.c finds it by its text. */
static const char *key_expression(cmd_parms *cmd, const char *text,
                                  mfc_key_conf_t *key)
{
    const char *why = NULL;
    ap_expr_info_t *expression =
        ap_expr_parse_cmd(cmd, text, AP_EXPR_FLAG_STRING_RESULT, &why, NULL);

    if (why != NULL) {
        return why;
    }
    if (key->expressions == NULL) {
        key->expressions = apr_hash_make(cmd->pool);
    }
    apr_hash_set(key->expressions, apr_pstrdup(cmd->pool, text),
                 APR_HASH_KEY_STRING, expression);
    return NULL;
}

const char *mfc_parse_key(cmd_parms *cmd, void *field, int argc,
                          char *const argv[])
{
    mfc_key_conf_t parsed = {NULL, NULL, NULL, NULL};
    fcache_key_rules_t *rules = NULL;
    const char **words =
        apr_palloc(cmd->temp_pool, sizeof(*words) * (size_t)argc);
    fcache_error_t error = {""};
    size_t count = 0;
    int i;

    for (i = 0; i < argc; i++) {
        if (strncmp(argv[i], "provider:", 9) == 0) {
            const char *why = key_provider(cmd, argv[i] + 9, &parsed);
            if (why != NULL) {
                return why;
            }
        } else if (strncmp(argv[i], "expr=", 5) == 0) {
            const char *why = key_expression(cmd, argv[i] + 5, &parsed);
            if (why != NULL) {
                return why;
            }
            words[count++] = argv[i];
        } else {
            words[count++] = argv[i];
        }
    }
    if (fcache_key_rules_parse(words, count, &rules, cmd->pool, &error) !=
        FCACHE_OK) {
        return apr_pstrdup(cmd->temp_pool, error.text);
    }
    parsed.rules = rules;
    *(mfc_key_conf_t *)field = parsed;
    return NULL;
}
