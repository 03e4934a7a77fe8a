/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <http_core.h>

#define LEAST_US       (FCACHE_US_PER_S / 100)
#define MOST_WAIT_US   (60 * FCACHE_US_PER_S)
#define MOST_LEASE_US  (600 * FCACHE_US_PER_S)
#define MOST_PERCENT   50
#define PERCENT_DIGITS 2

/* wait=TIME or lease=TIME */
static const char *span(const char *word, mfc_lock_conf_t *parsed)
{
    const struct {
        const char *name;
        int64_t *field;
        int64_t most_us;
    } rows[] = {{"wait=", &parsed->wait_us, MOST_WAIT_US},
                {"lease=", &parsed->lease_us, MOST_LEASE_US}};
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].name);
        if (ap_cstr_casecmpn(word, rows[i].name, len) == 0) {
            if (fcache_duration_parse(word + len, rows[i].field) != FCACHE_OK) {
                return "not a time";
            }
            return *rows[i].field < LEAST_US || *rows[i].field > rows[i].most_us
                       ? "too short or too long"
                       : NULL;
        }
    }
    return "neither wait= nor lease=";
}

const char *mfc_parse_lock(cmd_parms *cmd, void *field, int argc,
                           char *const argv[])
{
    mfc_lock_conf_t parsed = {MFC_LOCK_WAIT_US, MFC_LOCK_LEASE_US};
    const char *why = NULL;
    int i;

    (void)cmd;
    if (argc == 1 && ap_cstr_casecmp(argv[0], "off") == 0) {
        parsed.wait_us = 0;
    } else if (ap_cstr_casecmp(argv[0], "on") != 0) {
        why = "neither on nor off";
    } else {
        for (i = 1; i < argc && why == NULL; i++) {
            why = span(argv[i], &parsed);
        }
    }
    if (why == NULL) {
        *(mfc_lock_conf_t *)field = parsed;
    }
    return why;
}

/* off, or 1% to 50% */
const char *mfc_parse_percent(cmd_parms *cmd, void *field, int argc,
                              char *const argv[])
{
    const char *c = argv[0];
    unsigned percent = 0;

    (void)cmd;
    (void)argc;
    if (ap_cstr_casecmp(c, "off") == 0) {
        *(unsigned *)field = 0;
        return NULL;
    }
    for (; *c >= '0' && *c <= '9' && c - argv[0] < PERCENT_DIGITS; c++) {
        percent = percent * 10 + (unsigned)(*c - '0');
    }
    if (strcmp(c, "%") != 0) {
        return "neither off nor a percentage";
    }
    if (percent < 1 || percent > MOST_PERCENT) {
        return "too small or too large";
    }
    *(unsigned *)field = percent;
    return NULL;
}
