/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#define DISTRUST_US INT64_C(1000000)

fcr_name_t fcr_name_of(const fcache_key_t *key)
{
    return (fcr_name_t){key->name, key->prefix, key->ns};
}

fcache_status_t fcr_joined(const fcr_t *store, fcache_error_t *error)
{
    return store->joined
               ? FCACHE_OK
               : fcache_error_set(error, FCACHE_UNAVAILABLE,
                                  "store %s: this process has not joined it",
                                  store->name);
}

fcache_status_t fcr_ended(fcr_t *store, fcache_status_t status)
{
    if (fcache_status_is_fault(status)) {
        atomic_fetch_add(&store->shared->faults, 1);
        atomic_store(&store->failed_us, fcn_clock_us());
    }
    return status;
}

/* Counts what is not what was stored. A record that somebody spoilt would have us
 * connect anew for each look at it, hence the limit. */
static void broken(fcr_t *store, fcache_bytes_t name)
{
    int64_t now_us = fcn_clock_us();
    int64_t last_us = atomic_load(&store->distrusted_us);
    atomic_fetch_add(&store->shared->corrupt, 1);
    if (store->client->distrust &&
        (last_us == 0 || now_us - last_us >= DISTRUST_US) &&
        atomic_compare_exchange_strong(&store->distrusted_us, &last_us,
                                       now_us)) {
        store->client->distrust(store->client_self, name);
    }
}

/* Fills look->record; the life of what cannot be read. */
static fcache_status_t open_record(fcr_t *store, const fcr_name_t *name,
                                   fcr_look_t *look, apr_pool_t *pool,
                                   fcache_error_t *error)
{
    fcache_status_t status =
        fcr_unseal(store->protect, name->name, look->found.value,
                   store->client->max_value(store->client_self), &look->record,
                   pool, error);
    if (status == FCACHE_UNSUPPORTED) {
        look->life = FCR_NEWER;
        return FCACHE_OK;
    }
    if (status == FCACHE_CORRUPT) {
        broken(store, name->name);
        look->life = FCR_BROKEN;
        return FCACHE_OK;
    }
    look->life = FCR_ALIVE;
    return status;
}

fcache_status_t fcr_judge(fcr_t *store, const fcr_name_t *name,
                          fcr_moment_t moment, int64_t now_us,
                          fcn_deadline_t deadline, fcr_look_t *look,
                          apr_pool_t *pool, fcache_error_t *error)
{
    fcache_status_t status = open_record(store, name, look, pool, error);
    if (status != FCACHE_OK || look->life != FCR_ALIVE) {
        return status;
    }
    if (look->record.dead_us <= now_us) {
        look->life = FCR_DEAD;
        return FCACHE_OK;
    }
    const fcr_subject_t subject = {
        .name = name->name,
        .prefix = name->prefix,
        .ns = name->ns,
        .tags = look->record.tags,
        .stamp = fcache_bytes(look->found.value.ptr, FCR_STAMP_BYTES),
        .epoch = look->record.epoch,
    };
    status = fcr_purge_holds(&store->purge, &subject, moment, look->clock,
                             deadline, &look->soft, pool, error);
    look->soft |= look->record.soft;
    if (status == FCACHE_MISS) {
        look->life = FCR_DEAD;
    } else if (status == FCACHE_CORRUPT) {
        broken(store, name->name);
        look->life = FCR_BROKEN;
    }
    return status == FCACHE_MISS || status == FCACHE_CORRUPT ? FCACHE_OK
                                                             : status;
}

/* MISS: what was found, if anything was, is from before the clock was repaired, or
 * was put there while that was done. */
static fcache_status_t look_once(fcr_t *store, const fcr_name_t *name,
                                 int64_t now_us, fcn_deadline_t deadline,
                                 fcr_look_t *out_look, apr_pool_t *pool,
                                 fcache_error_t *error)
{
    const fcache_bytes_t names[] = {name->name, fcr_clock_name()};
    fcr_found_t found[2] = {{0}};
    fcr_moment_t moment = fcr_purge_moment(&store->purge, name->name);
    *out_look = (fcr_look_t){.life = FCR_ABSENT};
    fcache_status_t status = store->client->fetch(
        store->client_self, name->name, names, 2, found, deadline, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    out_look->found = found[0];
    status = fcr_purge_clock(&store->purge, name->name, moment, &found[1],
                             deadline, &out_look->clock, error);
    if (status == FCACHE_PROTOCOL) {
        broken(store, name->name);
    }
    if (status != FCACHE_OK || !found[0].exists) {
        return status;
    }
    return fcr_judge(store, name, moment, now_us, deadline, out_look, pool,
                     error);
}

fcache_status_t fcr_look(fcr_t *store, const fcr_name_t *name, int64_t now_us,
                         fcn_deadline_t deadline, fcr_look_t *out_look,
                         apr_pool_t *pool, fcache_error_t *error)
{
    fcache_status_t status =
        look_once(store, name, now_us, deadline, out_look, pool, error);
    if (status == FCACHE_MISS && out_look->found.exists) {
        status =
            look_once(store, name, now_us, deadline, out_look, pool, error);
    }
    if (status == FCACHE_MISS) {
        out_look->life = out_look->found.exists ? FCR_DEAD : FCR_ABSENT;
        return FCACHE_OK;
    }
    return status;
}
