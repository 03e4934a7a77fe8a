/* SPDX-License-Identifier: Apache-2.0 */
/* A switch that is on, off, or thrown by an expression. */
#include "config.h"

#include <http_log.h>

APLOG_USE_MODULE(fcache);

const char *mfc_parse_switch(cmd_parms *cmd, void *field, int argc,
                             char *const argv[])
{
    mfc_switch_t *out = field;
    mfc_switch_t parsed = {0, NULL};
    const char *why = NULL;

    (void)argc;
    if (strncmp(argv[0], "expr=", 5) == 0) {
        parsed.expression = ap_expr_parse_cmd(cmd, argv[0] + 5, 0, &why, NULL);
    } else {
        why = mfc_parse_flag(cmd, &parsed.on, argc, argv);
    }
    if (why == NULL) {
        *out = parsed;
    }
    return why;
}

int mfc_switch_is_on(const mfc_switch_t *of, request_rec *r)
{
    const char *error = NULL;
    int is_true;

    if (of->expression == NULL) {
        return of->on;
    }
    is_true = ap_expr_exec(r, of->expression, &error);
    return error == NULL && is_true > 0;
}
