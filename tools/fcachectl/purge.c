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
static ctl_exit_t read_all(ctl_t *ctl, fcache_purge_t *out_purges)
{
    for (int i = 0; i < ctl->arg_count; i++) {
        fcache_status_t status;
        ctl_exit_t code = parse(ctl, ctl->args[i], &out_purges[i]);

        if (code != CTL_OK) {
            return code;
        }
        status = fcache_purge_check(&out_purges[i], ctl->pool, &ctl->error);
        if (status != FCACHE_OK) {
            return ctl_failed(ctl, status, ctl->args[i]);
        }
    }
    return CTL_OK;
}

static json_t *row_of(ctl_t *ctl, const fcache_purge_t *purge)
{
    return json_pack("{s:s, s:o, s:b}", "purged",
                     fcache_purge_kind_text(purge->kind), "value",
                     ctl_json_bytes(ctl, purge->value), "soft", purge->soft);
}

ctl_exit_t ctl_purge(ctl_t *ctl)
{
    size_t count = (size_t)ctl->arg_count;
    fcache_purge_t *purges = apr_palloc(ctl->pool, count * sizeof(*purges));
    ctl_exit_t code = read_all(ctl, purges);
    fcache_status_t status;
    json_t *rows;

    if (code != CTL_OK) {
        return code;
    }
    status = fcache_purge(ctl->cache, purges, count, ctl->now_us, NULL,
                          ctl->pool, &ctl->error);
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, "purge");
    }
    rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(rows, row_of(ctl, &purges[i]));
    }
    return ctl_print(ctl, rows);
}
