/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

/* Each parser writes its field or says in a few words what is wrong with the
 * value; config.c adds the directive, the value and what is allowed. */

static int is(const char *a, const char *b)
{
    return ap_cstr_casecmp(a, b) == 0;
}

const char *mfc_parse_flag(cmd_parms *cmd, void *field, int argc,
                           char *const argv[])
{
    int *flag = field;

    (void)cmd;
    (void)argc;
    if (is(argv[0], "on")) {
        *flag = 1;
    } else if (is(argv[0], "off")) {
        *flag = 0;
    } else {
        return "neither on nor off";
    }
    return NULL;
}

const char *mfc_place_of(cmd_parms *cmd)
{
    return apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                        cmd->directive->line_num);
}

/* What goes for every remote store is said once, outside of virtual hosts. */
static const char *not_global(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, GLOBAL_ONLY) ? "not in a virtual host"
                                                  : NULL;
}

/* The file is read with the stores that use it. */
const char *mfc_parse_secret_file(cmd_parms *cmd, void *field, int argc,
                                  char *const argv[])
{
    const char **path = field;

    (void)argc;
    if (!*argv[0]) {
        return "not a path";
    }
    *path = ap_server_root_relative(cmd->pool, argv[0]);
    return *path ? not_global(cmd) : "not a path";
}

const char *mfc_parse_store_flag(cmd_parms *cmd, void *field, int argc,
                                 char *const argv[])
{
    const char **text = field;
    int flag;
    const char *why = mfc_parse_flag(cmd, &flag, argc, argv);

    if (why != NULL) {
        return why;
    }
    *text = flag ? "on" : "off";
    return not_global(cmd);
}

/* lifecycle.c looks at the whole server once it is known; what a .htaccess
 * turns on has to be looked at here, by threads that must not write what is
 * global. */
const char *mfc_parse_enable(cmd_parms *cmd, void *field, int argc,
                             char *const argv[])
{
    const core_server_config *core =
        ap_get_core_module_config(cmd->server->module_config);
    const char *why = mfc_parse_flag(cmd, field, argc, argv);

    if (why != NULL || !*(int *)field) {
        return why;
    }
    if (ap_check_cmd_context(cmd, NOT_IN_HTACCESS) == NULL) {
        mfc_global()->enabled = 1;
    } else if (core->http_conformance == AP_HTTP_CONFORMANCE_UNSAFE) {
        return "not with HttpProtocolOptions Unsafe";
    }
    return NULL;
}

const char *mfc_parse_store(cmd_parms *cmd, void *field, int argc,
                            char *const argv[])
{
    mfc_store_t **store = field;

    (void)argc;
    if (!*argv[0] || !fcache_label_is_valid(fcache_str(argv[0]))) {
        return "not a name";
    }
    *store = mfc_store_named(argv[0], mfc_place_of(cmd));
    return NULL;
}

const char *mfc_parse_label(cmd_parms *cmd, void *field, int argc,
                            char *const argv[])
{
    fcache_bytes_t *label = field;

    (void)argc;
    if (!*argv[0] || !fcache_label_is_valid(fcache_str(argv[0]))) {
        return "a character that is not allowed, or too long";
    }
    *label = fcache_str(apr_pstrdup(cmd->pool, argv[0]));
    return NULL;
}

const char *mfc_parse_namespace(cmd_parms *cmd, void *field, int argc,
                                char *const argv[])
{
    const mfc_namespace_t **ns = field;
    fcache_bytes_t name;
    const char *why = mfc_parse_label(cmd, &name, argc, argv);

    if (why == NULL) {
        *ns = mfc_namespace_named(name);
    }
    return why;
}

/* Whole seconds of at least `least`, out of 60, 5m, 1h. */
static const char *seconds(const char *text, int64_t least, int64_t *out_s)
{
    int64_t us;

    if (fcache_duration_parse(text, &us) != FCACHE_OK) {
        return "not a time";
    }
    if (us % FCACHE_US_PER_S != 0 || us / FCACHE_US_PER_S < least) {
        return "too short or no whole seconds";
    }
    if (us / FCACHE_US_PER_S > FCACHE_DELTA_MAX) {
        return "too long";
    }
    *out_s = us / FCACHE_US_PER_S;
    return NULL;
}

const char *mfc_parse_seconds(cmd_parms *cmd, void *field, int argc,
                              char *const argv[])
{
    (void)cmd;
    (void)argc;
    return seconds(argv[0], 1, field);
}

/* 404 or 4xx -> 404 or 4; 0 when it is neither. */
static int status_or_class(const char *text, size_t len)
{
    if (len != 3 || text[0] < '1' || text[0] > '5') {
        return 0;
    }
    if (is(text + 1, "xx") || strncmp(text + 1, "xx", 2) == 0) {
        return text[0] - '0';
    }
    if (!apr_isdigit(text[1]) || !apr_isdigit(text[2])) {
        return 0;
    }
    return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

/* STATUS=TIME */
static const char *status_ttl(const char *text, fcache_status_ttl_t *out)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL) {
        return "expected force or STATUS=TIME";
    }
    out->status = status_or_class(text, (size_t)(equals - text));
    if (out->status == 0) {
        return "not a status like 404 or 4xx";
    }
    return seconds(equals + 1, 0, &out->ttl_s);
}

const char *mfc_parse_expire(cmd_parms *cmd, void *field, int argc,
                             char *const argv[])
{
    mfc_expire_t *expire = field;
    fcache_status_ttl_t *ttls =
        apr_pcalloc(cmd->pool, sizeof(*ttls) * (size_t)argc);
    mfc_expire_t parsed = {-1, -1, ttls, 0};
    int forced = 0;
    int i;

    for (i = 0; i < argc; i++) {
        const char *why = NULL;

        if (i == 0 && strchr(argv[0], '=') == NULL) {
            if (!is(argv[0], "origin")) {
                why = seconds(argv[0], 0, &parsed.default_ttl_s);
            }
        } else if (is(argv[i], "force")) {
            forced = 1;
        } else {
            why = status_ttl(argv[i], &ttls[parsed.status_ttl_count++]);
        }
        if (why != NULL) {
            return why;
        }
    }
    if (forced && parsed.default_ttl_s < 0) {
        return "force needs a TIME";
    }
    if (forced) {
        parsed.force_ttl_s = parsed.default_ttl_s;
    }
    *expire = parsed;
    return NULL;
}

const char *mfc_parse_coder(cmd_parms *cmd, void *field, int argc,
                            char *const argv[])
{
    const fcache_coders_t *coders = mfc_global()->coders;
    const fcache_coder_t *coder =
        fcache_coder_find(coders, fcache_str(argv[0]));
    fcache_bytes_t *name = field;

    (void)argc;
    if (coder == NULL) {
        return apr_psprintf(cmd->temp_pool, "no such coder (there are %s)",
                            fcache_coders_names(coders, cmd->temp_pool));
    }
    if (coder->kind != FCACHE_CODER_RESPONSE) {
        return "that coder is not for responses";
    }
    *name = fcache_str(coder->name);
    return NULL;
}

/* Fields with a meaning of their own, which are not ours to write. */
static const char *const taken_names[] = {"Age",
                                          "Cache-Control",
                                          "Cache-Status",
                                          "Connection",
                                          "Content-Encoding",
                                          "Content-Length",
                                          "Content-Location",
                                          "Content-Range",
                                          "Content-Type",
                                          "Date",
                                          "ETag",
                                          "Expires",
                                          "Last-Modified",
                                          "Location",
                                          "Server",
                                          "Set-Cookie",
                                          "Set-Cookie2",
                                          "Trailer",
                                          "Transfer-Encoding",
                                          "Upgrade",
                                          "Vary",
                                          "WWW-Authenticate"};

static int is_taken(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(taken_names) / sizeof(taken_names[0]); i++) {
        if (is(name, taken_names[i])) {
            return 1;
        }
    }
    return 0;
}

const char *mfc_parse_header_name(cmd_parms *cmd, void *field, int argc,
                                  char *const argv[])
{
    const char **name = field;

    (void)argc;
    if (is(argv[0], "on")) {
        *name = "X-FCache";
    } else if (is(argv[0], "off")) {
        *name = NULL;
    } else if (!fcache_is_token(fcache_str(argv[0]))) {
        return "not the name of a field";
    } else if (is_taken(argv[0])) {
        return "a field with a meaning of its own";
    } else {
        *name = apr_pstrdup(cmd->pool, argv[0]);
    }
    return NULL;
}

const char *mfc_parse_cache_status(cmd_parms *cmd, void *field, int argc,
                                   char *const argv[])
{
    fcache_bytes_t *name = field;
    char item[FCACHE_CACHE_STATUS_NAME_LEN];
    size_t len;

    (void)argc;
    if (is(argv[0], "off")) {
        *name = fcache_str(NULL);
        return NULL;
    }
    len = fcache_cache_status_name(
        fcache_str(is(argv[0], "on") ? "mod_fcache" : argv[0]), item);
    if (len == 0) {
        return "not a name";
    }
    *name = fcache_bytes(apr_pstrmemdup(cmd->pool, item, len), len);
    return NULL;
}

static int is_env_prefix(const char *text)
{
    const char *c;

    for (c = text; *c != '\0'; c++) {
        if (!apr_isalpha(*c) && *c != '_' && (c == text || !apr_isdigit(*c))) {
            return 0;
        }
    }
    return c != text;
}

const char *mfc_parse_env_prefix(cmd_parms *cmd, void *field, int argc,
                                 char *const argv[])
{
    const mfc_env_names_t **env = field;
    mfc_env_names_t *names;

    (void)argc;
    if (is(argv[0], "none")) {
        *env = NULL;
        return NULL;
    }
    if (!is_env_prefix(argv[0])) {
        return "not the start of a variable's name";
    }
    names = apr_palloc(cmd->pool, sizeof(*names));
    names->status = apr_pstrcat(cmd->pool, argv[0], "STATUS", NULL);
    names->reason = apr_pstrcat(cmd->pool, argv[0], "REASON", NULL);
    names->key = apr_pstrcat(cmd->pool, argv[0], "KEY", NULL);
    names->ttl = apr_pstrcat(cmd->pool, argv[0], "TTL", NULL);
    names->age = apr_pstrcat(cmd->pool, argv[0], "AGE", NULL);
    *env = names;
    return NULL;
}

const char *mfc_parse_client_control(cmd_parms *cmd, void *field, int argc,
                                     char *const argv[])
{
    mfc_client_control_t parsed = {MFC_CONTROL_KEEP, NULL};

    if (is(argv[0], "set")) {
        parsed.mode = MFC_CONTROL_SET;
    } else if (is(argv[0], "unset")) {
        parsed.mode = MFC_CONTROL_UNSET;
    } else if (!is(argv[0], "keep")) {
        return "not a mode";
    }
    if (argc == 2) {
        if (parsed.mode != MFC_CONTROL_SET) {
            return "only set takes a value";
        }
        if (!*argv[1] || !fcache_is_field_value(fcache_str(argv[1]))) {
            return "not a field value";
        }
        parsed.value = apr_pstrdup(cmd->pool, argv[1]);
    }
    *(mfc_client_control_t *)field = parsed;
    return NULL;
}

const char *mfc_parse_methods(cmd_parms *cmd, void *field, int argc,
                              char *const argv[])
{
    mfc_methods_t *methods = field;
    fcache_bytes_t *items =
        apr_palloc(cmd->pool, sizeof(*items) * (size_t)argc);
    int i;

    for (i = 0; i < argc; i++) {
        if (!fcache_is_token(fcache_str(argv[i]))) {
            return "not a method";
        }
        if (strcmp(argv[i], "HEAD") == 0) {
            return "HEAD goes with GET and needs not be named";
        }
        items[i] = fcache_str(apr_pstrdup(cmd->pool, argv[i]));
    }
    methods->items = items;
    methods->count = (size_t)argc;
    return NULL;
}

const char *mfc_parse_size(cmd_parms *cmd, void *field, int argc,
                           char *const argv[])
{
    uint64_t bytes;

    (void)argc;
    if (fcache_size_parse(argv[0], &bytes) != FCACHE_OK || bytes == 0) {
        return "not a size";
    }
    if (is(cmd->cmd->name, "FCacheMaxRequestBody") && bytes > (16u << 20)) {
        return "too large";
    }
    *(uint64_t *)field = bytes;
    return NULL;
}

const char *mfc_parse_error_status(cmd_parms *cmd, void *field, int argc,
                                   char *const argv[])
{
    mfc_codes_t *codes = field;
    int *items;
    int count = 0;
    int i;

    if (argc == 1 && is(argv[0], "default")) {
        codes->items = NULL;
        codes->count = 0;
        return NULL;
    }
    if (argc == 1 && is(argv[0], "all")) {
        items = apr_palloc(cmd->pool, sizeof(*items) * 200);
        for (i = 400; i < 600; i++) {
            items[count++] = i;
        }
    } else {
        items = apr_palloc(cmd->pool, sizeof(*items) * (size_t)argc);
        for (i = 0; i < argc; i++) {
            int code = status_or_class(argv[i], strlen(argv[i]));
            if (argc == 1 && is(argv[i], "none")) {
                break;
            }
            if (code < 400 || code > 599) {
                return "not a status code of an error";
            }
            items[count++] = code;
        }
    }
    codes->items = items;
    codes->count = (size_t)count;
    return NULL;
}
