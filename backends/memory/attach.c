/* SPDX-License-Identifier: Apache-2.0 */

/* Finding the region of a running server: a memory file has no path, but each
 * process that holds it shows it under /proc/PID/fd. So does anybody's process
 * with a memory file of that title, hence: whose file it is comes first. */

#include "region.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOUND_MAX 8

/* One region, and the oldest process that holds it. */
typedef struct found_t {
    fcm_region_t region;
    dev_t dev;
    ino_t ino;
    char pid[12];
    unsigned long long started;
} found_t;

typedef struct search_t {
    char title[224]; /* what the link reads */
    uid_t named;     /* the user of the process that was asked for, or root */
    int denied;      /* there were processes we may not look into */
    int strange;     /* there were files of users we do not trust */
    int count;
    found_t found[FOUND_MAX];
    fcache_error_t error; /* of one that could not be used */
} search_t;

/* When it started, in ticks since boot. */
static unsigned long long started(const char *pid)
{
    char text[1024];
    snprintf(text, sizeof(text), "/proc/%s/stat", pid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
    const char *at = strrchr(text, ')'); /* the name may hold anything */
    for (int i = 0; at && i < 20; i++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at, NULL, 10) : 0;
}

int fcm_owner_is_trusted(uid_t owner, uid_t self, uid_t named)
{
    return owner == 0 || owner == self || owner == named;
}

static void note_holder(found_t *found, const char *pid)
{
    unsigned long long when = started(pid);
    if (!found->pid[0] || when < found->started) {
        snprintf(found->pid, sizeof(found->pid), "%.11s", pid);
        found->started = when;
    }
}

static found_t *known(search_t *search, const struct stat *st)
{
    for (int i = 0; i < search->count; i++) {
        found_t *found = &search->found[i];
        if (found->dev == st->st_dev && found->ino == st->st_ino) {
            return found;
        }
    }
    return NULL;
}

/* What that file is, closed again unless it is new. Retired ones do not count. */
static found_t *take(search_t *search, int fd)
{
    struct stat st;
    if (fstat(fd, &st)) {
        close(fd);
        return NULL;
    }
    found_t *found = known(search, &st);
    if (!fcm_owner_is_trusted(st.st_uid, geteuid(), search->named)) {
        search->strange = 1;
    } else if (!found && search->count < FOUND_MAX) {
        found_t *fresh = &search->found[search->count];
        if (fcm_region_probe(&fresh->region, fd, &search->error) == FCACHE_OK) {
            fresh->dev = st.st_dev;
            fresh->ino = st.st_ino;
            search->count++;
            return fresh;
        }
    }
    close(fd);
    return found;
}

static void consider(search_t *search, const char *path, const char *pid)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        search->denied = 1;
        return;
    }
    found_t *found = take(search, fd);
    if (found) {
        note_holder(found, pid);
    }
}

static void look_into(search_t *search, const char *pid)
{
    char path[288];
    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    if (!dir) {
        search->denied = 1;
        return;
    }
    const struct dirent *entry = readdir(dir);
    while (entry) {
        char link[224];
        snprintf(path, sizeof(path), "/proc/%s/fd/%.20s", pid, entry->d_name);
        ssize_t len = readlink(path, link, sizeof(link) - 1);
        if (len > 0) {
            link[len] = '\0';
            if (!strcmp(link, search->title)) {
                consider(search, path, pid);
            }
        }
        entry = readdir(dir);
    }
    closedir(dir);
}

static void look_everywhere(search_t *search)
{
    DIR *dir = opendir("/proc");
    if (!dir) {
        return;
    }
    const struct dirent *entry = readdir(dir);
    while (entry) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
            look_into(search, entry->d_name);
        }
        entry = readdir(dir);
    }
    closedir(dir);
}

static void look_into_named(search_t *search, long pid)
{
    char text[24];
    char path[40];
    struct stat st;
    snprintf(text, sizeof(text), "%ld", pid);
    snprintf(path, sizeof(path), "/proc/%s", text);
    if (stat(path, &st) == 0) {
        search->named = st.st_uid;
        look_into(search, text);
    }
}

static fcache_status_t none_found(const search_t *search, const char *name,
                                  fcache_error_t *error)
{
    if (search->error.text[0]) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE, "store %s: %s", name,
                                search->error.text);
    }
    return fcache_error_set(
        error, FCACHE_UNAVAILABLE,
        "no running process here has a memory store named %s%s%s", name,
        search->denied ? " (some could not be looked into: are you its user?)"
                       : "",
        search->strange ? " (but for another user's: say pid= if you mean it)"
                        : "");
}

static fcache_status_t too_many(search_t *search, const char *name,
                                fcache_error_t *error)
{
    char pids[FOUND_MAX * 16] = "";
    for (int i = 0; i < search->count; i++) {
        size_t len = strlen(pids);
        snprintf(pids + len, sizeof(pids) - len, "%s%s", i ? ", " : "",
                 search->found[i].pid);
        close(search->found[i].region.fd);
    }
    return fcache_error_set(error, FCACHE_BAD_CONFIG,
                            "several memory stores are named %s: say "
                            "pid= one of %s",
                            name, pids);
}

fcache_status_t fcm_region_attach(fcm_region_t *region, const char *name,
                                  long pid, fcache_error_t *error)
{
    search_t search = {.named = 0};
    snprintf(search.title, sizeof(search.title), "/memfd:fcache:%s (deleted)",
             name);
    if (pid > 0) {
        look_into_named(&search, pid);
    } else {
        look_everywhere(&search);
    }
    if (search.count == 0) {
        return none_found(&search, name, error);
    }
    if (search.count > 1) {
        return too_many(&search, name, error);
    }
    *region = search.found[0].region;
    return FCACHE_OK;
}
