/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define TURNS_PER_HEAD 20

/* Columns as wide as what is usual in them, as none is known before. */
static void show_store(const ctl_t *ctl, json_t *store, const json_t *time_s,
                       int head)
{
    static const int widths[] = {8, 16, 7, 8, 9, 7, 8, 8, 8, 11, 5};
    json_t *row = json_object();

    json_object_set_new(row, "time", ctl_clock(time_s));
    json_object_update(row, store);
    ctl_print_row(ctl, row, widths, head);
    json_decref(row);
}

static void show(const ctl_t *ctl, json_t *rates, long turn)
{
    json_t *time_s = json_object_get(rates, "time_s");
    int head =
        turn == 0 || (turn % TURNS_PER_HEAD == 0 && isatty(STDOUT_FILENO));
    json_t *store;
    size_t i;

    json_array_foreach(json_object_get(rates, "stores"), i, store)
    {
        if (ctl_option(ctl, "json")) {
            json_object_set(store, "time_s", time_s);
            json_object_set(store, "interval_s",
                            json_object_get(rates, "interval_s"));
            ctl_print_json(store);
        } else {
            show_store(ctl, store, time_s, head && i == 0);
        }
    }
}

ctl_exit_t ctl_watch(ctl_t *ctl)
{
    long count = 0;
    ctl_exit_t code = ctl_number(ctl, "count", NULL, 1, INT_MAX, &count);

    return code == CTL_OK ? ctl_follow(ctl, 0, count, show) : code;
}
