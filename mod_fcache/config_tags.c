/* SPDX-License-Identifier: Apache-2.0 */
/* FCacheTags and FCacheTag: where the tags of answers come from. */
#include "config.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(fcache);

static int is(const char *a, const char *b)
{
    return ap_cstr_casecmp(a, b) == 0;
}

static const char *add_field(cmd_parms *cmd, const char *name,
                             const char **fields, size_t *count)
{
    if (!fcache_is_token(fcache_str(name))) {
        return "not the name of a field";
    }
    fields[(*count)++] = apr_pstrdup(cmd->pool, name);
    return NULL;
}

const char *mfc_parse_tags(cmd_parms *cmd, void *field, int argc,
                           char *const argv[])
{
    mfc_tags_conf_t *tags = field;
    const char **fields =
        apr_pcalloc(cmd->pool, sizeof(*fields) * (size_t)argc);
    mfc_tags_conf_t parsed = {fields, 0, 0};
    const char *why = NULL;
    int i;

    for (i = 0; i < argc && why == NULL; i++) {
        int is_last = i == argc - 1;
        if (is(argv[i], "off")) {
            why = argc > 1 ? "off stands alone" : NULL;
        } else if (is(argv[i], "strip") || is(argv[i], "forward")) {
            parsed.forwards = is(argv[i], "forward");
            why = is_last ? NULL : "strip or forward comes last";
        } else {
            why = add_field(cmd, argv[i], fields, &parsed.count);
        }
    }
    if (why == NULL && parsed.count == 0 && !is(argv[0], "off")) {
        parsed.fields = tags->fields;
        parsed.count = tags->count;
    }
    if (why == NULL) {
        *tags = parsed;
    }
    return why;
}

/* What is made of the answer is no reason for it to vary. */
const char *mfc_parse_text_expr(cmd_parms *cmd, const char *text,
                                const ap_expr_info_t **out_expression)
{
    const char *why = NULL;

    *out_expression = ap_expr_parse_cmd(
        cmd, text, AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY, &why,
        NULL);
    return why;
}

const char *mfc_parse_tag(cmd_parms *cmd, void *field, int argc,
                          char *const argv[])
{
    mfc_exprs_t *exprs = field;
    const ap_expr_info_t **items =
        apr_palloc(cmd->pool, sizeof(const ap_expr_info_t *) * (size_t)argc);
    const char *why = NULL;
    int i;

    if (argc == 1 && is(argv[0], "off")) {
        *exprs = (mfc_exprs_t){NULL, 0};
        return NULL;
    }
    for (i = 0; i < argc && why == NULL; i++) {
        why = mfc_parse_text_expr(cmd, argv[i], &items[i]);
    }
    if (why == NULL) {
        *exprs = (mfc_exprs_t){items, (size_t)argc};
    }
    return why;
}
