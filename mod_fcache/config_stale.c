/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <http_core.h>

#define MAX_STALE_S 86400 /* max_stale_s of fcache_policy_init() (T19) */

/* while-revalidate=TIME or if-error=TIME */
static const char *window(cmd_parms *cmd, char *word, mfc_stale_conf_t *parsed)
{
    static const char names[][sizeof("while-revalidate=")] = {
        "while-revalidate=", "if-error="};
    int64_t *const fields[] = {&parsed->while_revalidate_s,
                               &parsed->if_error_s};
    size_t i;

    for (i = 0; i < 2; i++) {
        size_t len = strlen(names[i]);
        if (ap_cstr_casecmpn(word, names[i], len) == 0) {
            char *const time[] = {word + len};
            const char *why = mfc_parse_seconds(cmd, fields[i], 1, time);
            return why == NULL && *fields[i] > MAX_STALE_S ? "too long" : why;
        }
    }
    return "neither while-revalidate= nor if-error=";
}

const char *mfc_parse_stale(cmd_parms *cmd, void *field, int argc,
                            char *const argv[])
{
    mfc_stale_conf_t parsed = {0, 0, 0};
    const char *why = NULL;
    int i;

    if (argc == 1 && ap_cstr_casecmp(argv[0], "off") == 0) {
        parsed.off = 1;
    } else if (argc > 1 || ap_cstr_casecmp(argv[0], "origin") != 0) {
        for (i = 0; i < argc && why == NULL; i++) {
            why = window(cmd, argv[i], &parsed);
        }
    }
    if (why == NULL) {
        *(mfc_stale_conf_t *)field = parsed;
    }
    return why;
}
