/* SPDX-License-Identifier: Apache-2.0 */
#include "seed.h"

#include "tick.h"

#define SEEDLING  "new"
#define VALUE_MAX 64 /* bytes of a clock or counter */

typedef struct seeding_t {
    fcache_bytes_t names[FCR_FETCH_MAX + 1]; /* the counters, then the clock */
    size_t count;                            /* of counters */
    fcr_found_t found[FCR_FETCH_MAX + 1];
    fcmc_put_t *puts; /* as many as counters */
    apr_pool_t *pool;
} seeding_t;

static int is_seedling(const fcr_found_t *found)
{
    return found->exists &&
           fcache_bytes_equal(found->value, fcache_str(SEEDLING));
}

void fcmc_counter_found(fcache_bytes_t name, fcr_found_t *found)
{
    if (name.ptr[0] == '{' && is_seedling(found)) {
        *found = (fcr_found_t){0};
    }
}

/* MISS when there is no room. That somebody else was there first is as good. */
static fcache_status_t put(fcmc_conn_t *conn, const fcmc_put_t *puts,
                           size_t count)
{
    fcache_status_t status = conn->wire->put(conn, puts, count);
    return status == FCACHE_TOO_LARGE ? FCACHE_MISS
           : status == FCACHE_EXISTS  ? FCACHE_OK
                                      : status;
}

static fcmc_put_t put_of(fcr_mode_t mode, fcache_bytes_t name, uint64_t cas,
                         const fcache_bytes_t *text)
{
    return (fcmc_put_t){
        .mode = mode,
        .name = name,
        .pieces = text,
        .piece_count = 1,
        .len = text->len,
        .cas = cas,
    };
}

/* What is missing becomes a seedling. EXISTS: nothing is. */
static fcache_status_t sow(fcmc_conn_t *conn, seeding_t *seeding)
{
    const fcache_bytes_t text = fcache_str(SEEDLING);
    int has_seedlings = 0;
    size_t count = 0;
    fcache_status_t status =
        conn->wire->get(conn, seeding->names, seeding->count, VALUE_MAX,
                        seeding->found, seeding->pool);
    for (size_t i = 0; i < seeding->count && status == FCACHE_OK; i++) {
        const fcr_found_t *found = &seeding->found[i];
        has_seedlings |= !found->exists || is_seedling(found);
        if (!found->exists) {
            seeding->puts[count++] =
                put_of(FCR_ADD, seeding->names[i], 0, &text);
        }
    }
    if (status == FCACHE_OK) {
        status = put(conn, seeding->puts, count);
    }
    return status == FCACHE_OK && !has_seedlings ? FCACHE_EXISTS : status;
}

static fcache_status_t grow(fcmc_conn_t *conn, seeding_t *seeding)
{
    size_t count = 0;
    fcache_status_t status =
        conn->wire->get(conn, seeding->names, seeding->count + 1, VALUE_MAX,
                        seeding->found, seeding->pool);
    if (status != FCACHE_OK) {
        return status;
    }
    fcache_bytes_t text = fcmc_clock_text(&seeding->found[seeding->count]);
    for (size_t i = 0; i < seeding->count; i++) {
        const fcr_found_t *found = &seeding->found[i];
        if (!is_seedling(found)) {
            continue;
        }
        if (text.len == 0 || found->cas == 0) {
            return FCACHE_MISS;
        }
        seeding->puts[count++] =
            put_of(FCR_REPLACE, seeding->names[i], found->cas, &text);
    }
    return put(conn, seeding->puts, count);
}

static fcache_status_t talk_seed(fcmc_conn_t *conn, void *baton)
{
    fcache_status_t status = sow(conn, baton);
    if (status == FCACHE_OK) {
        return grow(conn, baton);
    }
    return status == FCACHE_EXISTS ? FCACHE_OK : status;
}

fcache_status_t fcmc_seed(fcmc_server_t *server, fcache_bytes_t clock,
                          const fcache_bytes_t *counters, size_t count,
                          fcn_deadline_t deadline, fcache_error_t *error)
{
    seeding_t seeding = {.count = count};
    if (count > FCR_FETCH_MAX) {
        return fcache_error_set(error, FCACHE_BAD_INPUT, "too many counters");
    }
    if (apr_pool_create(&seeding.pool, NULL) != APR_SUCCESS) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "memcached: no memory for counters");
    }
    seeding.puts = apr_palloc(seeding.pool, count * sizeof(*seeding.puts));
    memcpy(seeding.names, counters, count * sizeof(*counters));
    seeding.names[count] = clock;
    fcache_status_t status =
        fcmc_talk(server, talk_seed, &seeding, deadline, error);
    apr_pool_destroy(seeding.pool);
    return status;
}
