/* SPDX-License-Identifier: Apache-2.0 */
/* Directives that take one word of a few. */
#include "config.h"

#include <http_core.h>

typedef struct word_t {
    const char *word;
    int value;
} word_t;

/* The value of the word; the table ends with a NULL. */
static const char *find(const word_t *modes, const char *word, int *out_value)
{
    for (; modes->word != NULL; modes++) {
        if (ap_cstr_casecmp(word, modes->word) == 0) {
            *out_value = modes->value;
            return NULL;
        }
    }
    return "not a mode";
}

const char *mfc_parse_set_cookie(cmd_parms *cmd, void *field, int argc,
                                 char *const argv[])
{
    static const word_t modes[] = {{"refuse", FCACHE_SET_COOKIE_REFUSE},
                                   {"strip", FCACHE_SET_COOKIE_STRIP},
                                   {"store", FCACHE_SET_COOKIE_STORE},
                                   {NULL, 0}};
    int value = FCACHE_SET_COOKIE_REFUSE;
    const char *why = find(modes, argv[0], &value);

    (void)cmd;
    (void)argc;
    *(fcache_set_cookie_t *)field = (fcache_set_cookie_t)value;
    return why;
}

const char *mfc_parse_authorization(cmd_parms *cmd, void *field, int argc,
                                    char *const argv[])
{
    static const word_t modes[] = {{"rfc", 0}, {"never", 1}, {NULL, 0}};

    (void)cmd;
    (void)argc;
    return find(modes, argv[0], field);
}

const char *mfc_parse_request_control(cmd_parms *cmd, void *field, int argc,
                                      char *const argv[])
{
    static const word_t modes[] = {
        {"honor", FCACHE_REQUEST_CONTROL_HONOR},
        {"ignore", FCACHE_REQUEST_CONTROL_IGNORE},
        {"refresh-only", FCACHE_REQUEST_CONTROL_REFRESH_ONLY},
        {NULL, 0}};
    int value = FCACHE_REQUEST_CONTROL_HONOR;
    const char *why = find(modes, argv[0], &value);

    (void)cmd;
    (void)argc;
    *(fcache_request_control_t *)field = (fcache_request_control_t)value;
    return why;
}

const char *mfc_parse_bad_age(cmd_parms *cmd, void *field, int argc,
                              char *const argv[])
{
    static const word_t modes[] = {{"stale", 0}, {"ignore", 1}, {NULL, 0}};

    (void)cmd;
    (void)argc;
    return find(modes, argv[0], field);
}
