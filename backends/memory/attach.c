/* SPDX-License-Identifier: Apache-2.0 */

/* Finding the region of a running server: a memory file has no path, but each
 * process that holds it shows it under /proc/PID/fd. */

#include "region.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct search_t {
    char title[224]; /* what the link reads */
    int fd;          /* of the region found, or -1 */
    dev_t dev;
    ino_t ino;
    int denied;   /* there were processes we may not look into */
    int distinct; /* regions of that name */
    char pids[160];
    fcm_region_t region;
    fcache_error_t error; /* of one that could not be used */
} search_t;

static void note_pid(search_t *search, const char *pid)
{
    size_t len = strlen(search->pids);
    snprintf(search->pids + len, sizeof(search->pids) - len, "%s%s",
             len ? ", " : "", pid);
}

/* Is it another region than the one found? Retired ones do not count. */
static void consider(search_t *search, const char *path, const char *pid)
{
    struct stat st;
    fcm_region_t region = {0};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        search->denied = 1;
        goto done;
    }
    if (search->fd >= 0 && st.st_dev == search->dev &&
        st.st_ino == search->ino) {
        goto done;
    }
    if (fcm_region_map(&region, fd, &search->error) != FCACHE_OK ||
        atomic_load(&fcm_super(&region)->retired)) {
        goto done;
    }
    search->distinct++;
    note_pid(search, pid);
    if (search->fd < 0) {
        search->region = region;
        search->fd = fd;
        search->dev = st.st_dev;
        search->ino = st.st_ino;
        return;
    }
done:
    if (region.base) {
        munmap(region.base, region.geo.total);
    }
    if (fd >= 0) {
        close(fd);
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

static fcache_status_t none_found(const search_t *search, const char *name,
                                  fcache_error_t *error)
{
    if (search->error.text[0]) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE, "store %s: %s", name,
                                search->error.text);
    }
    return fcache_error_set(
        error, FCACHE_UNAVAILABLE,
        "no running process here has a memory store named %s%s", name,
        search->denied ? " (some could not be looked into: are you its user?)"
                       : "");
}

fcache_status_t fcm_region_attach(fcm_region_t *region, const char *name,
                                  long pid, fcache_error_t *error)
{
    search_t search = {.fd = -1};
    snprintf(search.title, sizeof(search.title), "/memfd:fcache:%s (deleted)",
             name);
    if (pid > 0) {
        char text[24];
        snprintf(text, sizeof(text), "%ld", pid);
        look_into(&search, text);
    } else {
        look_everywhere(&search);
    }
    if (search.distinct == 0) {
        return none_found(&search, name, error);
    }
    if (search.distinct > 1) {
        close(search.fd);
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "several memory stores are named %s: say "
                                "pid= one of %s",
                                name, search.pids);
    }
    *region = search.region;
    return FCACHE_OK;
}
