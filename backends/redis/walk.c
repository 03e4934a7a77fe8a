/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through all servers: the names they hold, and what they tell of
 * themselves. For tools and stats. */
#include "ops.h"

#include "discover.h"

#include <apr_strings.h>

#define SCAN_COUNT  "512"
#define ROUNDS_MAX  (1 << 20) /* a server that never comes to an end */
#define INFO_MAX    (1 << 18)
#define COUNTER_TAG "{fcache}"

/* ---- each server --------------------------------------------------------- */

typedef fcache_status_t (*server_fn)(fcrd_t *self, fcrd_server_t *server,
                                     void *baton, apr_pool_t *pool,
                                     fcache_error_t *error);

static fcn_deadline_t soon(const fcrd_t *self)
{
    return fcn_deadline_in(self->conf.access.limits->store_us);
}

static fcache_status_t each_server(fcrd_t *self, fcn_deadline_t deadline,
                                   server_fn fn, void *baton,
                                   fcache_error_t *error)
{
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory to look");
    }
    fcache_status_t status = fcrd_discover(self, deadline, pool, error);
    for (size_t i = 0; i < FCRD_SERVERS_MAX && status == FCACHE_OK; i++) {
        fcrd_server_t *server = fcrd_map_take_at(&self->map, i);
        if (server && fcrd_map_is_owner(&self->map, server)) {
            status = fn(self, server, baton, pool, error);
        }
        fcrd_map_release(&self->map, server);
    }
    apr_pool_destroy(pool);
    return status;
}

static fcache_status_t ask(fcrd_t *self, fcrd_server_t *server,
                           const char *const *words,
                           const fcrd_limits_t *limits, fcn_deadline_t deadline,
                           const fcrd_reply_t **out_reply, apr_pool_t *pool,
                           fcache_error_t *error)
{
    fcrd_call_t call = {.limits = *limits};
    fcache_status_t status = fcrd_command_words(&call.command, pool, words);
    if (status == FCACHE_OK) {
        status = fcrd_ask(self, server, &call, deadline, pool, error);
    }
    *out_reply = call.reply;
    return status;
}

/* ---- walk ---------------------------------------------------------------- */

typedef struct walk_t {
    fcr_walk_fn fn;
    void *baton;
    int stopped;
} walk_t;

/* prefix:namespace:digest, in printable characters, and no counter. */
static int is_entry(fcache_bytes_t name)
{
    size_t colons = 0;
    if (name.len == 0 || name.len > FCR_NAME_MAX ||
        (name.len >= sizeof(COUNTER_TAG) - 1 &&
         memcmp(name.ptr, COUNTER_TAG, sizeof(COUNTER_TAG) - 1) == 0)) {
        return 0;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~') {
            return 0;
        }
        colons += name.ptr[i] == ':' ? 1 : 0;
    }
    return colons == 2;
}

static void tell(walk_t *walk, const fcrd_reply_t *names)
{
    for (size_t i = 0; i < names->count && !walk->stopped; i++) {
        if (is_entry(names->items[i].text)) {
            walk->stopped = walk->fn(walk->baton, names->items[i].text,
                                     fcache_bytes(NULL, 0));
        }
    }
}

static fcache_status_t walk_server(fcrd_t *self, fcrd_server_t *server,
                                   void *baton, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    /* a server may give more than it was asked for, of one bucket's names */
    static const fcrd_limits_t limits = {1 << 20, 4 << 20, 1 << 16};
    walk_t *walk = baton;
    apr_pool_t *page = NULL;
    char cursor[32] = "0";
    fcache_status_t status = FCACHE_OK;
    if (apr_pool_create(&page, pool) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY, "no memory to look");
    }
    for (int i = 0; i < ROUNDS_MAX && !walk->stopped; i++) {
        const char *words[] = {"SCAN", cursor, "COUNT", SCAN_COUNT, NULL};
        const fcrd_reply_t *reply = NULL;
        apr_pool_clear(page);
        status =
            ask(self, server, words, &limits, soon(self), &reply, page, error);
        if (status == FCACHE_OK &&
            (reply->type != FCRD_ARRAY || reply->count != 2 ||
             reply->items[0].text.len == 0 ||
             reply->items[0].text.len >= sizeof(cursor))) {
            status = fcache_error_set(error, FCACHE_PROTOCOL,
                                      "server %s: an odd reply to SCAN",
                                      server->endpoint.text);
        }
        if (status != FCACHE_OK) {
            break;
        }
        tell(walk, &reply->items[1]);
        apr_cpystrn(cursor, reply->items[0].text.ptr,
                    reply->items[0].text.len + 1);
        if (strcmp(cursor, "0") == 0) {
            break;
        }
    }
    apr_pool_destroy(page);
    return status;
}

fcache_status_t fcrd_walk(void *self, fcr_walk_fn fn, void *baton,
                          fcache_error_t *error)
{
    walk_t walk = {fn, baton, 0};
    return each_server(self, soon(self), walk_server, &walk, error);
}

/* ---- census -------------------------------------------------------------- */

/* What follows `start` at the beginning of a line. */
static fcache_bytes_t behind(fcache_bytes_t info, const char *start)
{
    size_t len = strlen(start);
    size_t at = 0;
    while (at + len < info.len && memcmp(info.ptr + at, start, len) != 0) {
        const char *end = memchr(info.ptr + at, '\n', info.len - at);
        at = end ? (size_t)(end + 1 - info.ptr) : info.len;
    }
    return at + len < info.len
               ? fcache_bytes(info.ptr + at + len, info.len - at - len)
               : fcache_bytes(NULL, 0);
}

static uint64_t info_number(fcache_bytes_t info, const char *name)
{
    fcache_bytes_t text = behind(info, name);
    uint64_t number = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] >= '0' &&
                       text.ptr[i] <= '9' && number < UINT64_MAX / 100;
         i++) {
        number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return number;
}

/* What has a lifetime, as entries have and counters have not: in the line
 * "db0:keys=9,expires=7,avg_ttl=5", which an empty database has not. */
static uint64_t count_entries(fcache_bytes_t info, unsigned db)
{
    char start[32];
    apr_snprintf(start, sizeof(start), "db%u:keys=", db);
    fcache_bytes_t keys = behind(info, start);
    const char *comma = keys.len ? memchr(keys.ptr, ',', keys.len) : NULL;
    size_t used = comma ? (size_t)(comma + 1 - keys.ptr) : keys.len;
    return info_number(fcache_bytes(keys.ptr + used, keys.len - used),
                       "expires=");
}

/* All servers together have the time of one request. */
typedef struct counting_t {
    fcr_census_t *census;
    fcn_deadline_t deadline;
} counting_t;

static fcache_status_t count_server(fcrd_t *self, fcrd_server_t *server,
                                    void *baton, apr_pool_t *pool,
                                    fcache_error_t *error)
{
    static const fcrd_limits_t limits = {INFO_MAX, INFO_MAX + 64, 0};
    static const char *const info[] = {"INFO", NULL};
    const counting_t *counting = baton;
    fcr_census_t *census = counting->census;
    const fcrd_reply_t *reply = NULL;
    fcache_status_t status = ask(self, server, info, &limits,
                                 counting->deadline, &reply, pool, error);
    if (status == FCACHE_OK) {
        census->entries += count_entries(reply->text, self->conf.access.db);
        census->bytes_used += info_number(reply->text, "used_memory:");
        census->bytes_total += info_number(reply->text, "maxmemory:");
        census->evicted += info_number(reply->text, "evicted_keys:");
        census->expired += info_number(reply->text, "expired_keys:");
    }
    return status;
}

fcache_status_t fcrd_census(void *store, fcr_census_t *out_census,
                            fcache_error_t *error)
{
    fcrd_t *self = store;
    counting_t counting = {out_census, soon(self)};
    *out_census = (fcr_census_t){0};
    return each_server(self, counting.deadline, count_server, &counting, error);
}
