/* SPDX-License-Identifier: Apache-2.0 */
#include "warm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>

#define BAR_MAX  50
#define TEXT_MAX 48 /* what stands behind the bar */
#define PAUSE_US 100000

static int width(void)
{
    struct winsize size = {0};

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
               ? size.ws_col
               : 80;
}

void ctl_progress_draw(ctl_progress_t *progress)
{
    static const char marks[] =
        "##################################################";
    char text[TEXT_MAX];
    int room = width() - TEXT_MAX;
    int bar = room > BAR_MAX ? BAR_MAX : room;
    int64_t now_us = ctl_ticks_us();
    int full;

    if (!isatty(STDERR_FILENO) || (progress->done < progress->total &&
                                   now_us < progress->drawn_us + PAUSE_US)) {
        return;
    }
    progress->drawn_us = now_us;
    bar = bar < 0 ? 0 : bar;
    full = progress->total > 0 ? (int)(progress->done * bar / progress->total)
                               : bar;
    snprintf(text, sizeof(text), "%lld/%lld, failed %lld",
             (long long)progress->done, (long long)progress->total,
             (long long)progress->failed);
    fprintf(stderr, "\r[%.*s%*s] %s\033[K", full, marks, bar - full, "", text);
}

void ctl_progress_clear(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}
