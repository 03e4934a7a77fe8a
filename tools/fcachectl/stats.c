/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

/* Of all lookups; null before the first. */
static json_t *hit_ratio(const fcache_stats_t *stats)
{
    double lookups = (double)stats->hits + (double)stats->misses;

    return lookups > 0 ? json_real((double)stats->hits / lookups) : json_null();
}

json_t *ctl_stats_object(const fcache_stats_t *stats)
{
    json_t *object = json_object();

#define X(name, kind, text)                                                    \
    json_object_set_new(object, #name, json_integer((json_int_t)stats->name));
    FCACHE_STATS_LIST(X)
#undef X
    json_object_set_new(object, "hit_ratio", hit_ratio(stats));
    return object;
}

static json_t *stats_row(const char *name, json_t *value, const char *text)
{
    return json_pack("{s:s, s:o, s:s}", "name", name, "value", value, "meaning",
                     text);
}

static json_t *stats_table(const fcache_stats_t *stats)
{
    json_t *rows = json_array();

#define X(name, kind, text)                                                    \
    json_array_append_new(                                                     \
        rows, stats_row(#name, json_integer((json_int_t)stats->name), text));
    FCACHE_STATS_LIST(X)
#undef X
    json_array_append_new(
        rows, stats_row("hit_ratio", hit_ratio(stats), "hits of all lookups"));
    return rows;
}

ctl_exit_t ctl_stats(ctl_t *ctl)
{
    fcache_stats_t stats = {0};
    fcache_status_t status = fcache_stats(ctl->cache, &stats, &ctl->error);

    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, "stats");
    }
    return ctl_print(ctl, ctl_option(ctl, "json") ? ctl_stats_object(&stats)
                                                  : stats_table(&stats));
}
