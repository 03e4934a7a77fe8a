/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"
#include "store.h"

#include <fcache/entry.h>

#define SECOND_US INT64_C(1000000)
#define ROUNDS    3 /* of add, while others write the same */

uint64_t fcr_max_object(void *self)
{
    const fcr_t *store = self;
    uint64_t most = store->client->max_value(store->client_self);
    uint64_t beside = FCR_SEAL_OVERHEAD + FCR_HEAD_ROOM;
    return most > beside ? most - beside : 0;
}

/* ---- what is stored ------------------------------------------------------ */

static fcache_status_t check_tags(fcache_bytes_t tags, fcache_error_t *error)
{
    size_t offset = 0;
    size_t count = 0;
    fcache_bytes_t tag;
    int more = fcache_entry_list_next(tags, &offset, &tag);
    for (; more > 0; count++) {
        more = fcache_entry_list_next(tags, &offset, &tag);
    }
    return more == 0 && count <= FCR_TAGS_MAX
               ? FCACHE_OK
               : fcache_error_set(error, FCACHE_BAD_INPUT,
                                  "tags are no list of at most %d",
                                  FCR_TAGS_MAX);
}

static fcache_status_t check_size(fcr_t *store, const fcache_value_t *value,
                                  fcache_error_t *error)
{
    uint64_t most = fcr_max_object(store);
    uint64_t len = 0;
    for (size_t i = 0; i < value->body_count; i++) {
        len += value->body[i].len;
    }
    return len <= most
               ? FCACHE_OK
               : fcache_error_set(error, FCACHE_TOO_LARGE,
                                  "store %s: body of %llu bytes, it takes %llu",
                                  store->name, (unsigned long long)len,
                                  (unsigned long long)most);
}

static int64_t sooner(int64_t dead_us, int64_t now_us)
{
    return dead_us < now_us + FCR_LIFE_US ? dead_us : now_us + FCR_LIFE_US;
}

static fcache_status_t seal(fcr_t *store, fcache_bytes_t name,
                            const fcr_record_t *record, fcache_buf_t *out,
                            fcache_error_t *error)
{
    fcache_buf_init(out, (size_t)store->client->max_value(store->client_self));
    return fcr_seal(store->protect, name, record, out, error);
}

/* An epoch that was never seen cannot be from before the value was computed. */
static fcache_status_t seal_value(fcr_t *store, fcache_bytes_t name,
                                  const fcache_value_t *value, int64_t now_us,
                                  fcache_buf_t *out, fcache_error_t *error)
{
    uint64_t clock = fcr_purge_epoch(&store->purge);
    const fcr_record_t record = {
        .epoch = value->epoch < clock ? value->epoch : clock,
        .fresh_until_us = value->fresh_until_us,
        .dead_us = sooner(value->dead_us, now_us),
        .tags = value->tags,
        .head = value->head,
        .body = value->body,
        .body_count = value->body_count,
    };
    fcache_buf_init(out, 0);
    fcache_status_t status = check_tags(value->tags, error);
    if (status == FCACHE_OK) {
        status = check_size(store, value, error);
    }
    return status == FCACHE_OK ? seal(store, name, &record, out, error)
                               : status;
}

/* What is dead already replaces what there was, and goes soon. */
static fcache_status_t send_record(fcr_t *store, const fcr_name_t *name,
                                   const fcache_buf_t *sealed, fcr_mode_t mode,
                                   const fcr_found_t *old, int64_t dead_us,
                                   int64_t now_us, fcn_deadline_t deadline,
                                   fcache_error_t *error)
{
    fcache_bytes_t piece = fcache_buf_bytes(sealed);
    int64_t ttl_us = dead_us > now_us ? sooner(dead_us, now_us) - now_us : 0;
    const fcr_store_t what = {
        .name = name->name,
        .pieces = &piece,
        .piece_count = 1,
        .mode = mode,
        .old = old,
        .ttl_us = ttl_us > SECOND_US ? ttl_us : SECOND_US,
        .now_us = now_us,
    };
    return store->client->store(store->client_self, &what, deadline, error);
}

/* It is stored: what fails here may make it a miss after a clear, no more. */
static void seed(fcr_t *store, const fcr_name_t *name, fcache_bytes_t tags,
                 int64_t now_us, fcn_deadline_t deadline)
{
    const fcr_subject_t subject = {.name = name->name,
                                   .prefix = name->prefix,
                                   .ns = name->ns,
                                   .tags = tags};
    fcr_ended(store,
              fcr_purge_seed(&store->purge, &subject, now_us, deadline, NULL));
}

static fcache_status_t written(fcr_t *store, fcache_status_t status)
{
    if (status == FCACHE_OK) {
        atomic_fetch_add(&store->shared->puts, 1);
    } else if (status == FCACHE_TOO_LARGE) {
        atomic_fetch_add(&store->shared->refused, 1);
    }
    return fcr_ended(store, status);
}

/* ---- put and add --------------------------------------------------------- */

fcache_status_t fcr_put(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        fcache_error_t *error)
{
    fcr_t *store = self;
    fcr_name_t name = fcr_name_of(key);
    fcache_buf_t sealed;
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    fcn_deadline_t deadline = fcn_deadline_in(store->limits.store_us);
    status = seal_value(store, name.name, value, now_us, &sealed, error);
    if (status == FCACHE_OK) {
        status = send_record(store, &name, &sealed, FCR_SET, NULL,
                             value->dead_us, now_us, deadline, error);
    }
    fcache_buf_fini(&sealed);
    if (status == FCACHE_OK) {
        seed(store, &name, value->tags, now_us, deadline);
    }
    return written(store, status);
}

typedef struct adding_t {
    fcr_t *store;
    fcr_name_t name;
    const fcache_buf_t *sealed;
    int64_t dead_us, now_us;
    fcn_deadline_t deadline;
} adding_t;

/* What was asked twice, since the first answer did not come, finds itself. */
static int is_own(const adding_t *adding, const fcr_look_t *look)
{
    return look->found.value.len >= FCR_STAMP_BYTES &&
           memcmp(look->found.value.ptr, adding->sealed->ptr,
                  FCR_STAMP_BYTES) == 0;
}

/* Something is there: what, and if it does not count, in its place. MISS when it
 * has gone meanwhile. */
static fcache_status_t add_over(const adding_t *adding, apr_pool_t *pool,
                                fcache_error_t *error)
{
    fcr_look_t look;
    fcache_status_t status =
        fcr_look(adding->store, &adding->name, adding->now_us, adding->deadline,
                 &look, pool, error);
    if (status != FCACHE_OK) {
        /* that there is something is known */
        return status == FCACHE_TIMEOUT ? FCACHE_EXISTS : status;
    }
    switch (look.life) {
    case FCR_ABSENT:
        return FCACHE_MISS;
    case FCR_ALIVE:
    case FCR_NEWER:
        return is_own(adding, &look) ? FCACHE_OK : FCACHE_EXISTS;
    case FCR_DEAD:
    case FCR_BROKEN:
        break;
    }
    return send_record(adding->store, &adding->name, adding->sealed,
                       FCR_REPLACE, &look.found, adding->dead_us,
                       adding->now_us, adding->deadline, error);
}

static fcache_status_t add(const adding_t *adding, apr_pool_t *pool,
                           fcache_error_t *error)
{
    fcache_status_t status = FCACHE_MISS;
    for (int i = 0; i < ROUNDS && status == FCACHE_MISS; i++) {
        status = send_record(adding->store, &adding->name, adding->sealed,
                             FCR_ADD, NULL, adding->dead_us, adding->now_us,
                             adding->deadline, error);
        if (status == FCACHE_EXISTS) {
            status = add_over(adding, pool, error);
        }
    }
    /* Others add and remove it all the time: one of them has it. */
    return status == FCACHE_MISS ? FCACHE_EXISTS : status;
}

fcache_status_t fcr_add(void *self, const fcache_key_t *key,
                        const fcache_value_t *value, int64_t now_us,
                        int64_t *until_us, fcache_error_t *error)
{
    fcr_t *store = self;
    fcache_buf_t sealed;
    apr_pool_t *pool = NULL;
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    adding_t adding = {
        .store = store,
        .name = fcr_name_of(key),
        .sealed = &sealed,
        .dead_us = value->dead_us,
        .now_us = now_us,
    };
    status = fcr_begin(store, until_us, &adding.deadline, error);
    if (status != FCACHE_OK) {
        return written(store, status);
    }
    status = seal_value(store, key->name, value, now_us, &sealed, error);
    if (status == FCACHE_OK) {
        status = apr_pool_create(&pool, NULL) == APR_SUCCESS
                     ? add(&adding, pool, error)
                     : fcache_error_set(error, FCACHE_NO_MEMORY,
                                        "no memory to add an entry");
    }
    fcache_buf_fini(&sealed);
    if (status == FCACHE_OK) {
        seed(store, &adding.name, value->tags, now_us, adding.deadline);
    }
    if (pool) {
        apr_pool_destroy(pool);
    }
    return written(store, status);
}

/* ---- del and touch ------------------------------------------------------- */

typedef fcache_status_t (*change_fn)(fcr_t *store, const fcr_name_t *name,
                                     int64_t dead_us, int64_t now_us,
                                     fcn_deadline_t deadline, apr_pool_t *pool,
                                     fcache_error_t *error);

static fcache_status_t change(fcr_t *store, const fcache_key_t *key,
                              int64_t dead_us, int64_t now_us, change_fn fn,
                              fcache_error_t *error)
{
    fcr_name_t name = fcr_name_of(key);
    apr_pool_t *pool = NULL;
    fcache_status_t status = fcr_joined(store, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return fcr_ended(store,
                         fcache_error_set(error, FCACHE_NO_MEMORY,
                                          "no memory to change an entry"));
    }
    status = fn(store, &name, dead_us, now_us,
                fcn_deadline_in(store->limits.store_us), pool, error);
    apr_pool_destroy(pool);
    return fcr_ended(store, status);
}

/* Whatever is there goes; the answer tells whether it counted. What a newer
 * version wrote goes too, since that is what was asked for. */
static fcache_status_t del(fcr_t *store, const fcr_name_t *name,
                           int64_t dead_us, int64_t now_us,
                           fcn_deadline_t deadline, apr_pool_t *pool,
                           fcache_error_t *error)
{
    fcr_look_t look;
    (void)dead_us;
    fcache_status_t status =
        fcr_look(store, name, now_us, deadline, &look, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    int is_absent = look.life == FCR_ABSENT;
    if (is_absent && !store->client->clock_of) {
        return FCACHE_MISS; /* one server: nor is it on another */
    }
    status =
        store->client->remove(store->client_self, name->name, deadline, error);
    if (status == FCACHE_OK &&
        (is_absent || look.life == FCR_DEAD || look.life == FCR_BROKEN)) {
        return FCACHE_MISS;
    }
    if (status == FCACHE_OK) {
        atomic_fetch_add(&store->shared->deletes, 1);
    }
    return status;
}

fcache_status_t fcr_del(void *self, const fcache_key_t *key, int64_t now_us,
                        fcache_error_t *error)
{
    return change(self, key, 0, now_us, del, error);
}

/* As it is, with another end. It was found good at this clock, so it may bear it:
 * counters of long ago need not be kept for its sake. When somebody has replaced
 * it meanwhile, that was after the touch. */
static fcache_status_t touch(fcr_t *store, const fcr_name_t *name,
                             int64_t dead_us, int64_t now_us,
                             fcn_deadline_t deadline, apr_pool_t *pool,
                             fcache_error_t *error)
{
    fcr_look_t look;
    fcache_buf_t sealed;
    fcache_status_t status =
        fcr_look(store, name, now_us, deadline, &look, pool, error);
    if (status != FCACHE_OK || look.life != FCR_ALIVE) {
        return status == FCACHE_OK ? FCACHE_MISS : status;
    }
    look.record.dead_us = sooner(dead_us, now_us);
    look.record.soft = look.soft;
    look.record.epoch =
        look.record.epoch > look.clock ? look.record.epoch : look.clock;
    status = seal(store, name->name, &look.record, &sealed, error);
    if (status == FCACHE_OK) {
        status = send_record(store, name, &sealed, FCR_REPLACE, &look.found,
                             dead_us, now_us, deadline, error);
    }
    fcache_buf_fini(&sealed);
    return status == FCACHE_EXISTS ? FCACHE_OK : status;
}

fcache_status_t fcr_touch(void *self, const fcache_key_t *key, int64_t dead_us,
                          int64_t now_us, fcache_error_t *error)
{
    return change(self, key, dead_us, now_us, touch, error);
}
