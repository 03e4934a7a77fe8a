/* SPDX-License-Identifier: Apache-2.0 */
/* FCacheInvalidate: what a successful write makes stale. */
#include "config.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

static int is(const char *a, const char *b)
{
    return ap_cstr_casecmp(a, b) == 0;
}

static int are_tags(const char *words)
{
    fcache_status_t status;
    fcache_buf_t tags;
    int are;

    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    status = fcache_tags_add_words(&tags, fcache_str(words));
    are = status == FCACHE_OK && tags.len > 0;
    fcache_buf_fini(&tags);
    return are;
}

/* What no request changes can be checked at once. */
static const char *check_value(cmd_parms *cmd, fcache_purge_kind_t kind,
                               const char *value)
{
    fcache_purge_t purge = {
        .kind = kind, .value = fcache_str(value), .prefix = fcache_str("any")};
    fcache_error_t error = {""};

    if (strstr(value, "%{") != NULL ||
        (kind == FCACHE_PURGE_URL && value[0] == '/') ||
        (kind == FCACHE_PURGE_TAG && are_tags(value)) ||
        fcache_purge_check(&purge, cmd->temp_pool, &error) == FCACHE_OK) {
        return NULL;
    }
    return apr_pstrdup(cmd->temp_pool, error.text);
}

static const char *parse_target(cmd_parms *cmd, const char *word,
                                mfc_target_t *out_target)
{
    const char *colon = strchr(word, ':');
    fcache_bytes_t name =
        fcache_bytes(word, colon ? (size_t)(colon - word) : 0);
    const char *why;

    if (colon == NULL || !fcache_purge_kind_parse(name, &out_target->kind) ||
        out_target->kind == FCACHE_PURGE_KEY ||
        out_target->kind == FCACHE_PURGE_PREFIX ||
        out_target->kind == FCACHE_PURGE_ALL) {
        return apr_psprintf(cmd->temp_pool, "nothing to clear in \"%s\"", word);
    }
    why = check_value(cmd, out_target->kind, colon + 1);
    return why ? why : mfc_parse_text_expr(cmd, colon + 1, &out_target->value);
}

static const char *parse_word(cmd_parms *cmd, const char *word,
                              mfc_rule_t *rule, mfc_target_t *targets)
{
    const char *why = NULL;

    if (is(word, "soft")) {
        rule->soft = 1;
    } else if (strncmp(word, "expr=", 5) == 0) {
        rule->when = ap_expr_parse_cmd(cmd, word + 5, AP_EXPR_FLAG_DONT_VARY,
                                       &why, NULL);
    } else {
        why = parse_target(cmd, word, &targets[rule->count++]);
    }
    return why;
}

/* The lines of one scope are rules side by side. */
const char *mfc_parse_invalidate(cmd_parms *cmd, void *field, int argc,
                                 char *const argv[])
{
    apr_array_header_t **rules = field;
    mfc_target_t *targets =
        apr_pcalloc(cmd->pool, sizeof(*targets) * (size_t)argc);
    mfc_rule_t rule = {targets, 0, 0, NULL};
    const char *why = NULL;
    int i;

    if (*rules == NULL) {
        *rules = apr_array_make(cmd->pool, 2, sizeof(mfc_rule_t));
    }
    if (argc == 1 && is(argv[0], "off")) {
        return NULL;
    }
    for (i = 0; i < argc && why == NULL; i++) {
        why = parse_word(cmd, argv[i], &rule, targets);
    }
    if (why == NULL && rule.count == 0) {
        why = "nothing to clear";
    }
    if (why == NULL) {
        APR_ARRAY_PUSH(*rules, mfc_rule_t) = rule;
    }
    return why;
}
