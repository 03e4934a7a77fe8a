/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into httpd, in place of libc's look-up of names: those that end in
 * ".scripted" are what the file FAULT_NAMES says: "fail", "hang" as long as it
 * says so, else an address. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef int (*look_up_fn)(const char *, const char *, const struct addrinfo *,
                          struct addrinfo **);

static void read_script(char *text, size_t size)
{
    const char *path = getenv("FAULT_NAMES");
    FILE *file = path ? fopen(path, "re") : NULL;
    size_t len = file ? fread(text, 1, size - 1, file) : 0;
    text[len] = '\0';
    if (file) {
        fclose(file);
    }
}

__attribute__((visibility("default"))) int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **out)
{
    const struct timespec pause = {0, 20000000};
    char text[64];
    look_up_fn look_up = NULL;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy((void *)&look_up, &symbol, sizeof(look_up));
    if (!node || !strstr(node, ".scripted")) {
        return look_up(node, service, hints, out);
    }
    read_script(text, sizeof(text));
    while (!strcmp(text, "hang")) {
        nanosleep(&pause, NULL);
        read_script(text, sizeof(text));
    }
    return strcmp(text, "fail") ? look_up(text, service, hints, out)
                                : EAI_NONAME;
}
