/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <stdio.h>
#include <unistd.h>

#include <sys/ioctl.h>

#define HEADS 5 /* lines that are no rows: time, heads, blanks */

/* As many as the window has room for. */
static void cut(json_t *rows, size_t others)
{
    struct winsize size = {0};
    size_t room;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) {
        return;
    }
    room = size.ws_row > others + HEADS ? size.ws_row - others - HEADS : 1;
    while (json_array_size(rows) > room) {
        json_array_remove(rows, room);
    }
}

static void show(const ctl_t *ctl, json_t *rates, long turn)
{
    json_t *stores = json_object_get(rates, "stores");
    json_t *namespaces = json_object_get(rates, "namespaces");
    json_t *clock = ctl_clock(json_object_get(rates, "time_s"));

    if (ctl_option(ctl, "json")) {
        ctl_print_json(rates);
    } else {
        if (isatty(STDOUT_FILENO)) {
            fputs("\033[H\033[J", stdout);
            cut(namespaces, json_array_size(stores));
        } else if (turn > 0) {
            putchar('\n');
        }
        printf("%s\n", json_string_value(clock));
        ctl_print_rows(ctl, stores);
        putchar('\n');
        ctl_print_rows(ctl, namespaces);
    }
    json_decref(clock);
}

ctl_exit_t ctl_top(ctl_t *ctl)
{
    return ctl_follow(ctl, 1, ctl_option(ctl, "once") != NULL, show);
}
