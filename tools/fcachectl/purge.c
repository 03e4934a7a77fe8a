/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <string.h>

/* "tag=products", or "all" and "prefix", which have no value. */
static ctl_exit_t parse(ctl_t *ctl, const char *word, fcache_purge_t *out_purge)
{
    const char *equals = strchr(word, '=');
    fcache_bytes_t kind =
        fcache_bytes(word, equals ? (size_t)(equals - word) : strlen(word));
    int has_value;

    *out_purge = (fcache_purge_t){.prefix = ctl_prefix(ctl),
                                  .soft = ctl_option(ctl, "soft") != NULL};
    if (!fcache_purge_kind_parse(kind, &out_purge->kind)) {
        return ctl_usage("'%s': purge url=, tag=, namespace=, key=, prefix or "
                         "all",
                         word);
    }
    has_value = out_purge->kind != FCACHE_PURGE_ALL &&
                out_purge->kind != FCACHE_PURGE_PREFIX;
    if (has_value != (equals != NULL)) {
        return ctl_usage("'%s' %s", word,
                         has_value ? "needs a value" : "takes no value");
    }
    out_purge->value = fcache_str(equals ? equals + 1 : NULL);
    return CTL_OK;
}

/* All of them are looked at before the first is done. */
static ctl_exit_t check(ctl_t *ctl)
{
    for (int i = 0; i < ctl->arg_count; i++) {
        fcache_purge_t purge;
        fcache_status_t status;
        ctl_exit_t code = parse(ctl, ctl->args[i], &purge);

        if (code != CTL_OK) {
            return code;
        }
        status = fcache_purge_check(&purge, ctl->pool, &ctl->error);
        if (status != FCACHE_OK) {
            return ctl_failed(ctl, status, ctl->args[i]);
        }
    }
    return CTL_OK;
}

ctl_exit_t ctl_purge(ctl_t *ctl)
{
    ctl_exit_t code = check(ctl);
    json_t *rows;

    if (code != CTL_OK) {
        return code;
    }
    rows = json_array();
    for (int i = 0; i < ctl->arg_count; i++) {
        fcache_purge_t purge;
        fcache_status_t status;

        (void)parse(ctl, ctl->args[i], &purge);
        status = fcache_purge(ctl->cache, &purge, ctl->now_us, ctl->pool,
                              &ctl->error);
        if (status != FCACHE_OK) {
            json_decref(rows);
            return ctl_failed(ctl, status, ctl->args[i]);
        }
        json_array_append_new(
            rows,
            json_pack("{s:s, s:o, s:b}", "purged",
                      fcache_purge_kind_text(purge.kind), "value",
                      ctl_json_bytes(ctl, purge.value), "soft", purge.soft));
    }
    return ctl_print(ctl, rows);
}
