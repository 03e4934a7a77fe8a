/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <apr_strings.h>

#include <time.h>

#define NOBODY FCRD_SERVERS_MAX

static void lock(fcrd_map_t *map)
{
    pthread_mutex_lock(&map->mutex);
}

static void unlock(fcrd_map_t *map)
{
    pthread_mutex_unlock(&map->mutex);
}

/* ---- servers; under the mutex -------------------------------------------- */

static uint8_t place_of(const fcrd_map_t *map, const fcrd_server_t *server)
{
    return (uint8_t)(server - map->servers);
}

static int owns(const fcrd_map_t *map, const fcrd_server_t *server)
{
    return memchr(map->owner, place_of(map, server), sizeof(map->owner)) !=
           NULL;
}

/* Forgets a server that holds nothing and that nobody uses; not a seed. */
static fcrd_server_t *make_room(fcrd_map_t *map)
{
    for (size_t i = map->conf->seed_count; i < FCRD_SERVERS_MAX; i++) {
        fcrd_server_t *server = &map->servers[i];
        if (server->users == 0 && !owns(map, server)) {
            apr_pool_destroy(server->pool);
            *server = (fcrd_server_t){0};
            return server;
        }
    }
    return NULL;
}

static fcrd_server_t *free_place(fcrd_map_t *map)
{
    for (size_t i = 0; i < FCRD_SERVERS_MAX; i++) {
        if (!map->servers[i].node) {
            return &map->servers[i];
        }
    }
    return make_room(map);
}

static fcache_status_t add_server(fcrd_map_t *map, const char *text,
                                  fcrd_server_t **out_server,
                                  fcache_error_t *error)
{
    fcrd_server_t *server = free_place(map);
    apr_pool_t *pool = NULL;
    if (!server || apr_pool_create(&pool, map->pool) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "more than %d servers", FCRD_SERVERS_MAX);
    }
    fcrd_server_t made = {.pool = pool};
    fcache_status_t status =
        fcn_endpoint_parse(text, 0, &made.endpoint, pool, error);
    if (status == FCACHE_OK && map->conf->stays_local &&
        !fcn_endpoint_is_local(&made.endpoint)) {
        status = fcache_error_set(
            error, FCACHE_UNAVAILABLE,
            "server %.100s is not on this machine: give secret-file or "
            "integrity=off",
            text);
    }
    *server = made;
    if (status == FCACHE_OK) {
        status = fcn_node_create(&server->endpoint, map->conf->access.limits,
                                 map->shared, map->resolver, &fcrd_conn_ops,
                                 (void *)(uintptr_t)&map->conf->access,
                                 &server->node, pool, error);
    }
    if (status != FCACHE_OK) {
        apr_pool_destroy(pool);
        *server = (fcrd_server_t){0};
        return status == FCACHE_BAD_CONFIG ? FCACHE_PROTOCOL : status;
    }
    *out_server = server;
    return FCACHE_OK;
}

static fcrd_server_t *find_server(fcrd_map_t *map, const char *text)
{
    for (size_t i = 0; i < FCRD_SERVERS_MAX; i++) {
        fcrd_server_t *server = &map->servers[i];
        if (server->node && strcmp(server->endpoint.text, text) == 0) {
            return server;
        }
    }
    return NULL;
}

/* ---- making it ----------------------------------------------------------- */

static apr_status_t fini(void *data)
{
    fcrd_map_t *map = data;
    pthread_cond_destroy(&map->learnt);
    pthread_mutex_destroy(&map->mutex);
    return APR_SUCCESS;
}

static int init_locks(fcrd_map_t *map)
{
    pthread_condattr_t attr;
    int failed = pthread_condattr_init(&attr);
    if (!failed) {
        failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
                 pthread_cond_init(&map->learnt, &attr) ||
                 pthread_mutex_init(&map->mutex, NULL);
        pthread_condattr_destroy(&attr);
    }
    return failed;
}

/* With an allocator of its own: that of a process's pool has no lock, and servers
 * come and go while other threads use it. */
static apr_pool_t *make_pool(apr_pool_t *parent)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;
    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        return NULL;
    }
    if (apr_pool_create_ex(&pool, parent, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

fcache_status_t fcrd_map_init(fcrd_map_t *map, const fcrd_conf_t *conf,
                              fcn_shared_t *shared, fcn_resolver_t *resolver,
                              apr_pool_t *pool, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    *map = (fcrd_map_t){.conf = conf, .shared = shared, .resolver = resolver};
    memset(map->owner, NOBODY, sizeof(map->owner));
    map->pool = make_pool(pool);
    if (!map->pool || init_locks(map)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for servers");
    }
    apr_pool_cleanup_register(pool, map, fini, apr_pool_cleanup_null);
    if (conf->topology == FCRD_SENTINEL) {
        return FCACHE_OK;
    }
    for (size_t i = 0; i < conf->seed_count && status == FCACHE_OK; i++) {
        const fcn_endpoint_t *seed = &conf->seeds[i];
        fcrd_server_t *server;
        if (!find_server(map, seed->text)) {
            status = add_server(map, seed->path ? seed->path : seed->text,
                                &server, error);
        }
    }
    if (status == FCACHE_OK && conf->topology == FCRD_SINGLE) {
        memset(map->owner, 0, sizeof(map->owner));
        map->is_known = 1;
    }
    return status;
}

/* ---- using it ------------------------------------------------------------ */

fcrd_server_t *fcrd_map_take_at(fcrd_map_t *map, size_t place)
{
    fcrd_server_t *server = NULL;
    lock(map);
    if (place < FCRD_SERVERS_MAX && map->servers[place].node) {
        server = &map->servers[place];
        server->users++;
    }
    unlock(map);
    return server;
}

fcrd_server_t *fcrd_map_take(fcrd_map_t *map, unsigned slot)
{
    fcrd_server_t *server = NULL;
    lock(map);
    if (map->owner[slot] != NOBODY) {
        server = &map->servers[map->owner[slot]];
        server->users++;
    }
    unlock(map);
    return server;
}

int fcrd_map_is_owner(fcrd_map_t *map, const fcrd_server_t *server)
{
    lock(map);
    int is_owner = owns(map, server);
    unlock(map);
    return is_owner;
}

/* "host:port" of what a server said; NULL for what cannot be one. */
static const char *name_of(fcache_bytes_t host, uint16_t port, char *out,
                           size_t capacity)
{
    if (host.len == 0 || host.len > 255) {
        return NULL;
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
              (c >= 'A' && c <= 'Z') || c == '.' || c == ':' || c == '-' ||
              c == '_')) {
            return NULL;
        }
    }
    int is_v6 = memchr(host.ptr, ':', host.len) != NULL;
    apr_snprintf(out, capacity, is_v6 ? "[%.*s]:%u" : "%.*s:%u", (int)host.len,
                 host.ptr, port);
    return out;
}

fcache_status_t fcrd_map_take_named(fcrd_map_t *map, fcache_bytes_t host,
                                    uint16_t port, fcrd_server_t **out_server,
                                    fcache_error_t *error)
{
    char text[300];
    fcache_status_t status = FCACHE_OK;
    if (!name_of(host, port, text, sizeof(text))) {
        return fcache_error_set(error, FCACHE_PROTOCOL,
                                "a server's name that is none");
    }
    lock(map);
    fcrd_server_t *server = find_server(map, text);
    if (!server) {
        status = add_server(map, text, &server, error);
    }
    if (server) {
        server->users++;
    }
    unlock(map);
    *out_server = server;
    return status;
}

void fcrd_map_release(fcrd_map_t *map, fcrd_server_t *server)
{
    if (server) {
        lock(map);
        server->users--;
        unlock(map);
    }
}

void fcrd_map_assign(fcrd_map_t *map, unsigned first, unsigned last,
                     const fcrd_server_t *server)
{
    lock(map);
    memset(map->owner + first, place_of(map, server), last - first + 1);
    unlock(map);
}

void fcrd_map_doubt(fcrd_map_t *map)
{
    if (map->conf->topology != FCRD_SINGLE) {
        lock(map);
        map->is_stale = 1;
        unlock(map);
    }
}

/* ---- learning ------------------------------------------------------------ */

static void wait_for_learner(fcrd_map_t *map, fcn_deadline_t deadline)
{
    struct timespec until = {.tv_sec = deadline.at_us / 1000000,
                             .tv_nsec = deadline.at_us % 1000000 * 1000};
    int rc = 0;
    while (map->is_learning && rc == 0) {
        rc = pthread_cond_timedwait(&map->learnt, &map->mutex, &until);
    }
}

fcrd_learning_t fcrd_map_begin(fcrd_map_t *map, fcn_deadline_t deadline,
                               unsigned *out_turn)
{
    lock(map);
    if (!map->is_known) {
        wait_for_learner(map, deadline);
    }
    fcrd_learning_t what = map->is_known ? FCRD_KNOWN : FCRD_IGNORANT;
    if ((!map->is_known || map->is_stale) && !map->is_learning &&
        fcn_clock_us() >= map->next_us) {
        map->is_learning = 1;
        map->is_stale = 0;
        *out_turn = map->turn++;
        what = FCRD_LEARN;
    }
    unlock(map);
    return what;
}

int fcrd_map_learnt(fcrd_map_t *map, int ok)
{
    lock(map);
    map->is_learning = 0;
    map->is_known = map->is_known || ok;
    int is_known = map->is_known;
    map->is_stale = map->is_stale || !ok;
    map->next_us = fcn_clock_us() + FCRD_LEARN_EVERY_US;
    pthread_cond_broadcast(&map->learnt);
    unlock(map);
    return is_known;
}
