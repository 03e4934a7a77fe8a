/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NET_NAMES_H
#define TESTS_NET_NAMES_H

/* A resolver in place of libc's, for a whole test program: names that end in
 * ".scripted" are what the script says, the others go to the real one. */

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* What the scripted names are: an address, "fail", or "hang" until it changes. */
static pthread_mutex_t script_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t script_changed = PTHREAD_COND_INITIALIZER;
static const char *script = "fail";
static _Atomic int asked, hanging;

static inline void set_script(const char *text)
{
    pthread_mutex_lock(&script_mutex);
    script = text;
    pthread_cond_broadcast(&script_changed);
    pthread_mutex_unlock(&script_mutex);
}

static inline const char *get_script(void)
{
    pthread_mutex_lock(&script_mutex);
    atomic_fetch_add(&asked, 1);
    while (!strcmp(script, "hang")) {
        atomic_store(&hanging, 1);
        pthread_cond_wait(&script_changed, &script_mutex);
    }
    atomic_store(&hanging, 0);
    const char *text = script;
    pthread_mutex_unlock(&script_mutex);
    return text;
}

typedef int (*real_fn)(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);

static inline int real(const char *node, const char *service,
                       const struct addrinfo *hints, struct addrinfo **out)
{
    real_fn fn = NULL;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy((void *)&fn, &symbol, sizeof(fn));
    return fn(node, service, hints, out);
}

/* In place of libc's, for this program. "a,b" is two addresses. */
int getaddrinfo(const char *node, const char *service,
                const struct addrinfo *hints, struct addrinfo **out)
{
    if (!strstr(node, ".scripted")) {
        return real(node, service, hints, out);
    }
    char text[100];
    snprintf(text, sizeof(text), "%s", get_script());
    if (!strcmp(text, "fail")) {
        return EAI_NONAME;
    }
    struct addrinfo **end = out;
    for (char *at = text; at; end = &(*end)->ai_next) {
        char *comma = strchr(at, ',');
        if (comma) {
            *comma = '\0';
        }
        int code = real(at, service, hints, end);
        if (code) {
            return code;
        }
        at = comma ? comma + 1 : NULL;
    }
    return 0;
}

#endif
