/* SPDX-License-Identifier: Apache-2.0 */
/* FCacheDebug: whom the debug field is shown. */
#include "config.h"

#include <http_log.h>

APLOG_USE_MODULE(fcache);

const char *mfc_parse_debug(cmd_parms *cmd, void *field, int argc,
                            char *const argv[])
{
    mfc_debug_t *debug = field;
    mfc_debug_t parsed = {0, NULL};
    const char *why = NULL;

    (void)argc;
    if (strncmp(argv[0], "expr=", 5) == 0) {
        parsed.expression = ap_expr_parse_cmd(cmd, argv[0] + 5, 0, &why, NULL);
    } else {
        why = mfc_parse_flag(cmd, &parsed.on, argc, argv);
    }
    if (why == NULL) {
        *debug = parsed;
    }
    return why;
}
