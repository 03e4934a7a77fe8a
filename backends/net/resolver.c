/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name without any address, or whose server does not answer, is looked for again
 * soon: nobody waits for it. */
#define AGAIN_US 1000000

typedef struct name_t name_t;
struct name_t {
    name_t *next;
    char *host;
    uint16_t port;
    fcn_address_t addresses[FCN_ADDRESSES];
    int count, current;
    int is_known; /* the first look-up is over */
    int64_t asked_us, looked_us, due_us;
    char why[80];
};

/* On the heap: the thread, which may hang in a look-up, has a share of it. */
typedef struct state_t {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a name was asked for, or found, or it is over */
    int shares, is_over, has_thread;
    int64_t every_us, patience_us;
    name_t *names;
    int count;
} state_t;

struct fcn_resolver_t {
    state_t *state;
    pid_t pid;
};

/* Unlocks, and frees with the last share. */
static void give_up_share(state_t *state)
{
    int shares = --state->shares;
    pthread_mutex_unlock(&state->mutex);
    if (shares > 0) {
        return;
    }
    while (state->names) {
        name_t *name = state->names;
        state->names = name->next;
        free(name->host);
        free(name);
    }
    pthread_cond_destroy(&state->changed);
    pthread_mutex_destroy(&state->mutex);
    free(state);
}

static void wait_until(state_t *state, int64_t until_us)
{
    const struct timespec until = {until_us / 1000000,
                                   until_us % 1000000 * 1000};
    pthread_cond_timedwait(&state->changed, &state->mutex, &until);
}

/* ---- the thread ---- */

typedef struct answer_t {
    fcn_address_t addresses[FCN_ADDRESSES];
    int count;
    char why[80];
} answer_t;

static void look_up(const char *host, uint16_t port, answer_t *answer)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    memset(answer, 0, sizeof(*answer));
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    int code = getaddrinfo(host, service, &hints, &found);
    if (code) {
        snprintf(answer->why, sizeof(answer->why), "%s", gai_strerror(code));
        return;
    }
    for (const struct addrinfo *at = found; at && answer->count < FCN_ADDRESSES;
         at = at->ai_next) {
        if (at->ai_addrlen <= sizeof(struct sockaddr_storage)) {
            fcn_address_t *address = &answer->addresses[answer->count++];
            memcpy(&address->addr, at->ai_addr, at->ai_addrlen);
            address->len = at->ai_addrlen;
        }
    }
    freeaddrinfo(found);
}

static int is_same(const fcn_address_t *a, const fcn_address_t *b)
{
    return a->len == b->len && !memcmp(&a->addr, &b->addr, a->len);
}

/* The one in use stays in use while the name has it. */
static void learn(const state_t *state, name_t *name, const answer_t *answer)
{
    int64_t now_us = fcn_clock_us();
    name->is_known = 1;
    name->looked_us = now_us;
    if (answer->count == 0) {
        snprintf(name->why, sizeof(name->why), "%s", answer->why);
        name->due_us = now_us + (name->count ? state->every_us : AGAIN_US);
        return;
    }
    int current = 0;
    for (int i = 0; name->count && i < answer->count; i++) {
        if (is_same(&answer->addresses[i], &name->addresses[name->current])) {
            current = i;
        }
    }
    memcpy(name->addresses, answer->addresses, sizeof(name->addresses));
    name->count = answer->count;
    name->current = current;
    name->due_us = now_us + state->every_us;
}

static name_t *first_due(const state_t *state)
{
    name_t *first = state->names;
    for (name_t *name = first; name; name = name->next) {
        if (name->due_us < first->due_us) {
            first = name;
        }
    }
    return first;
}

/* Names are freed with the state only, so one may be held without the lock. */
static void *keep_looking(void *data)
{
    state_t *state = data;
    pthread_mutex_lock(&state->mutex);
    while (!state->is_over) {
        name_t *name = first_due(state);
        if (name->due_us > fcn_clock_us()) {
            wait_until(state, name->due_us);
            continue;
        }
        answer_t answer;
        pthread_mutex_unlock(&state->mutex);
        look_up(name->host, name->port, &answer);
        pthread_mutex_lock(&state->mutex);
        learn(state, name, &answer);
        pthread_cond_broadcast(&state->changed);
    }
    give_up_share(state);
    return NULL;
}

/* A thread that may hang needs its code: it must not be unloaded meanwhile. */
static void keep_code(void)
{
    static const char here = 0;
    Dl_info info;
    if (dladdr(&here, &info) && info.dli_fname) {
        (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

/* Detached, since nobody may wait for it; signals are for the others. */
static void start_thread(state_t *state)
{
    pthread_t id;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (state->has_thread || pthread_attr_init(&attributes)) {
        return;
    }
    keep_code();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&id, &attributes, keep_looking, state) == 0) {
        state->has_thread = 1;
        state->shares++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* ---- asking ---- */

static name_t *find_name(const state_t *state, const fcn_endpoint_t *endpoint)
{
    name_t *name = state->names;
    while (name && (name->port != endpoint->port ||
                    strcmp(name->host, endpoint->host) != 0)) {
        name = name->next;
    }
    return name;
}

static name_t *add_name(state_t *state, const fcn_endpoint_t *endpoint)
{
    if (state->count == FCN_NAMES) {
        return NULL;
    }
    name_t *name = calloc(1, sizeof(*name));
    char *host = strdup(endpoint->host);
    if (!name || !host) {
        free(name);
        free(host);
        return NULL;
    }
    name->host = host;
    name->port = endpoint->port;
    name->asked_us = fcn_clock_us();
    name->next = state->names;
    state->names = name;
    state->count++;
    pthread_cond_broadcast(&state->changed);
    return name;
}

static fcache_status_t unknown(const fcn_endpoint_t *endpoint, const char *why,
                               fcache_error_t *error)
{
    return fcache_error_set(error, FCACHE_UNAVAILABLE, "no address of %s: %s",
                            endpoint->text, why);
}

static fcache_status_t address_of(state_t *state,
                                  const fcn_endpoint_t *endpoint,
                                  fcn_deadline_t deadline,
                                  fcn_address_t *out_address,
                                  fcache_error_t *error)
{
    name_t *name = find_name(state, endpoint);
    if (!name) {
        name = add_name(state, endpoint);
    }
    if (!name) {
        return unknown(endpoint, "too many names", error);
    }
    start_thread(state);
    const fcn_deadline_t patience = {name->asked_us + state->patience_us};
    deadline = fcn_deadline_sooner(deadline, patience);
    while (!name->is_known && fcn_deadline_left_ms(deadline) > 0) {
        wait_until(state, deadline.at_us);
    }
    if (name->count == 0) {
        return unknown(endpoint,
                       name->is_known ? name->why : "still looking it up",
                       error);
    }
    *out_address = name->addresses[name->current];
    return FCACHE_OK;
}

fcache_status_t fcn_resolver_address(fcn_resolver_t *resolver,
                                     const fcn_endpoint_t *endpoint,
                                     fcn_deadline_t deadline,
                                     fcn_address_t *out_address,
                                     fcache_error_t *error)
{
    if (fcn_endpoint_address(endpoint, out_address)) {
        return FCACHE_OK;
    }
    if (resolver->pid != getpid()) {
        return unknown(endpoint, "this process was forked", error);
    }
    state_t *state = resolver->state;
    pthread_mutex_lock(&state->mutex);
    fcache_status_t status =
        address_of(state, endpoint, deadline, out_address, error);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

/* The lock is held. */
static void look_again(state_t *state, name_t *name)
{
    int64_t soon_us = name->looked_us + AGAIN_US;
    if (soon_us < name->due_us) {
        name->due_us = soon_us;
        pthread_cond_broadcast(&state->changed);
    }
}

void fcn_resolver_doubt(fcn_resolver_t *resolver,
                        const fcn_endpoint_t *endpoint)
{
    if (endpoint->path || resolver->pid != getpid()) {
        return;
    }
    pthread_mutex_lock(&resolver->state->mutex);
    name_t *name = find_name(resolver->state, endpoint);
    if (name) {
        look_again(resolver->state, name);
    }
    pthread_mutex_unlock(&resolver->state->mutex);
}

int fcn_resolver_avoid(fcn_resolver_t *resolver, const fcn_endpoint_t *endpoint,
                       const fcn_address_t *address)
{
    int count = 0;
    if (endpoint->path || resolver->pid != getpid()) {
        return 0;
    }
    pthread_mutex_lock(&resolver->state->mutex);
    name_t *name = find_name(resolver->state, endpoint);
    if (name && name->count) {
        count = name->count;
        look_again(resolver->state, name);
        if (is_same(&name->addresses[name->current], address)) {
            name->current = (name->current + 1) % count;
        }
    }
    pthread_mutex_unlock(&resolver->state->mutex);
    return count;
}

/* ---- life ---- */

static apr_status_t let_go(void *data)
{
    fcn_resolver_t *resolver = data;
    if (resolver->pid == getpid()) {
        pthread_mutex_lock(&resolver->state->mutex);
        resolver->state->is_over = 1;
        pthread_cond_broadcast(&resolver->state->changed);
        give_up_share(resolver->state);
    }
    return APR_SUCCESS;
}

static int init_locks(state_t *state)
{
    pthread_condattr_t monotonic;
    int bad = pthread_mutex_init(&state->mutex, NULL);
    bad |= pthread_condattr_init(&monotonic);
    bad |= pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    bad |= pthread_cond_init(&state->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return bad;
}

fcache_status_t fcn_resolver_create(const fcn_limits_t *limits,
                                    fcn_resolver_t **out_resolver,
                                    apr_pool_t *pool, fcache_error_t *error)
{
    fcn_resolver_t *resolver = apr_pcalloc(pool, sizeof(*resolver));
    state_t *state = calloc(1, sizeof(*state));
    if (!state || init_locks(state)) {
        free(state);
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory to look up names");
    }
    state->shares = 1;
    state->every_us = limits->resolve_us;
    state->patience_us = limits->connect_us;
    resolver->state = state;
    resolver->pid = getpid();
    apr_pool_cleanup_register(pool, resolver, let_go, apr_pool_cleanup_null);
    *out_resolver = resolver;
    return FCACHE_OK;
}
