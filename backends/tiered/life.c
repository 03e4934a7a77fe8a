/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

#include <apr_strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <sys/mman.h>

#define L1_TTL_US (10 * FCACHE_US_PER_S)
#define SYNC_US   FCACHE_US_PER_S

/* ---- options ------------------------------------------------------------- */

typedef struct reading_t {
    fct_t *tier;
    fcache_status_t status;
    fcache_error_t *error;
} reading_t;

static fcache_status_t read_time(const char *name, const char *text,
                                 int64_t least_us, int64_t most_us,
                                 const char *range, int64_t *out_us,
                                 fcache_error_t *error)
{
    if (fcache_duration_parse(text, out_us) != FCACHE_OK ||
        *out_us < least_us || *out_us > most_us) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tiered: %s=%.40s is not a time %s", name, text,
                                range);
    }
    return FCACHE_OK;
}

static int read_option(void *baton, const char *name, const char *value)
{
    reading_t *reading = baton;
    fct_t *tier = reading->tier;
    if (!strcmp(name, "l1-ttl")) {
        reading->status =
            read_time(name, value, FCACHE_US_PER_S / 10, 3600 * FCACHE_US_PER_S,
                      "from 100ms to 1h", &tier->l1_ttl_us, reading->error);
    } else if (!strcmp(name, "sync")) {
        reading->status =
            read_time(name, value, FCACHE_US_PER_S / 100, 60 * FCACHE_US_PER_S,
                      "from 10ms to 1m", &tier->sync_us, reading->error);
    } else if (strcmp(name, "l1") != 0 && strcmp(name, "l2") != 0) {
        reading->status = fcache_error_set(
            reading->error, FCACHE_BAD_CONFIG,
            "tiered: has no option %s; there are l1 and l2 (names or URLs of "
            "stores), l1-ttl (default 10s), sync (default 1s)",
            name);
    }
    return reading->status == FCACHE_OK;
}

static fcache_status_t no_store(const fcache_backend_conf_t *conf,
                                const char *option, const char *value,
                                apr_pool_t *pool, fcache_error_t *error)
{
    const char *names = fcache_backends_names(conf->backends, pool);
    return fcache_error_set(error, FCACHE_BAD_CONFIG,
                            "tiered: %s=%.64s is no store; there are: %s",
                            option, value ? value : "", names);
}

/* The error becomes "tiered: l1: ...". */
static fcache_status_t create_inline(const fcache_backend_conf_t *conf,
                                     const char *option, const char *url,
                                     fct_level_t *level, apr_pool_t *pool,
                                     fcache_error_t *error)
{
    fcache_error_t inner = {""};
    const char *name = apr_pstrcat(pool, conf->name, ".", option, (char *)NULL);
    fcache_status_t status = fcache_backend_create(
        conf->backends, name, url, NULL, &level->backend, pool, &inner);
    level->is_owned = 1;
    return fcache_error_set(error, status, "tiered: %s: %.200s", option,
                            inner.text);
}

static fcache_status_t create_level(const fcache_backend_conf_t *conf,
                                    const char *option, fct_level_t *level,
                                    apr_pool_t *pool, fcache_error_t *error)
{
    const char *value = apr_table_get(conf->options, option);
    fcache_status_t status = FCACHE_OK;
    if (value && strchr(value, ':')) {
        status = create_inline(conf, option, value, level, pool, error);
    } else if (value) {
        level->backend = fcache_backends_find(conf->backends, value);
    }
    if (status == FCACHE_OK && !level->backend) {
        status = no_store(conf, option, value, pool, error);
    }
    if (status == FCACHE_OK) {
        level->ops = fcache_backend_ops(level->backend);
        level->self = fcache_backend_self(level->backend);
    }
    return status;
}

static fcache_status_t check_levels(const fct_t *tier, fcache_error_t *error)
{
    const fcache_backend_ops_t *ops = tier->l1.ops;
    if (tier->l1.backend == tier->l2.backend) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tiered: l1 and l2 are the same store");
    }
    if (fcache_backend_flags(tier->l1.backend) & FCACHE_BACKEND_REMOTE ||
        !ops->epoch || !ops->del || !ops->clear) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tiered: l1 is a store '%s:'; it has to be one "
                                "of this machine's memory, like memory:",
                                ops->scheme);
    }
    return FCACHE_OK;
}

static fcache_status_t create(const fcache_backend_conf_t *conf,
                              void **out_self, apr_pool_t *pool,
                              fcache_error_t *error)
{
    fct_t *tier = apr_pcalloc(pool, sizeof(*tier));
    reading_t reading = {tier, FCACHE_OK, error};
    tier->name = apr_pstrdup(pool, conf->name);
    tier->page = apr_pcalloc(pool, sizeof(*tier->page));
    tier->l1_ttl_us = L1_TTL_US;
    tier->sync_us = SYNC_US;
    if (*conf->location) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "tiered: it has no place, only options: "
                                "tiered:?l1=...&l2=...");
    }
    apr_table_do(read_option, &reading, conf->options, (char *)NULL);
    fcache_status_t status = reading.status;
    if (status == FCACHE_OK) {
        status = create_level(conf, "l1", &tier->l1, pool, error);
    }
    if (status == FCACHE_OK) {
        status = create_level(conf, "l2", &tier->l2, pool, error);
    }
    if (status == FCACHE_OK) {
        status = check_levels(tier, error);
    }
    if (status == FCACHE_OK) {
        const char *url = fcache_backend_url(tier->l2.backend);
        tier->id = XXH3_64bits(url, strlen(url));
        *conf->flags |=
            fcache_backend_flags(tier->l2.backend) & FCACHE_BACKEND_REMOTE;
        *out_self = tier;
    }
    return status;
}

/* ---- life ---------------------------------------------------------------- */

/* One page per name and L2, for as long as the pool and its processes live: it is
 * never unmapped, so no thread can lose it. */
static fct_page_t *shared_page(const fct_t *tier, apr_pool_t *retain_pool)
{
    char key[128];
    apr_snprintf(key, sizeof(key),
                 "fcache-tiered-%d:%" APR_UINT64_T_HEX_FMT ":%.80s",
                 (int)sizeof(fct_page_t), tier->id, tier->name);
    void *page = NULL;
    apr_pool_userdata_get(&page, key, retain_pool);
    if (!page) {
        page = mmap(NULL, sizeof(fct_page_t), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) {
            return NULL;
        }
        apr_pool_userdata_set(page, key, NULL, retain_pool);
    }
    return page;
}

static fcache_status_t open_level(const fct_level_t *level,
                                  apr_pool_t *retain_pool,
                                  fcache_error_t *error)
{
    return level->is_owned
               ? fcache_backend_open(level->backend, retain_pool, error)
               : FCACHE_OK;
}

static fcache_status_t open_tier(void *self, apr_pool_t *retain_pool,
                                 fcache_error_t *error)
{
    fct_t *tier = self;
    fct_page_t *page = shared_page(tier, retain_pool);
    if (!page) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "store %s: no memory to share", tier->name);
    }
    tier->page = page;
    fcache_status_t status = open_level(&tier->l1, retain_pool, error);
    return status == FCACHE_OK ? open_level(&tier->l2, retain_pool, error)
                               : status;
}

static fcache_status_t join_level(const fct_level_t *level, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    return level->is_owned
               ? fcache_backend_child_init(level->backend, pool, error)
               : FCACHE_OK;
}

static fcache_status_t child_init(void *self, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fct_t *tier = self;
    fcache_status_t status = join_level(&tier->l1, pool, error);
    return status == FCACHE_OK ? join_level(&tier->l2, pool, error) : status;
}

/* ---- the rest ------------------------------------------------------------ */

static fcache_status_t sync_tier(void *self, int64_t *until_us,
                                 uint64_t *out_epoch, fcache_error_t *error)
{
    const fct_level_t *l2 = &((fct_t *)self)->l2;
    if (l2->ops->sync) {
        return l2->ops->sync(l2->self, until_us, out_epoch, error);
    }
    *out_epoch = fct_epoch(self);
    return FCACHE_OK;
}

static uint64_t max_object(void *self)
{
    const fct_level_t *l2 = &((fct_t *)self)->l2;
    return l2->ops->max_object ? l2->ops->max_object(l2->self) : UINT64_MAX;
}

static fcache_status_t check_level(const fct_level_t *level,
                                   fcache_error_t *error)
{
    return level->ops->check ? level->ops->check(level->self, error)
                             : FCACHE_OK;
}

static fcache_status_t check(void *self, fcache_error_t *error)
{
    fct_t *tier = self;
    fcache_status_t status = check_level(&tier->l1, error);
    return status == FCACHE_OK ? check_level(&tier->l2, error) : status;
}

static fcache_status_t setup(void *self, fcache_error_t *error)
{
    const fct_level_t *l2 = &((fct_t *)self)->l2;
    return l2->ops->setup ? l2->ops->setup(l2->self, error) : FCACHE_OK;
}

const fcache_backend_ops_t fcache_tiered_ops = {
    .abi = FCACHE_BACKEND_ABI,
    .scheme = "tiered",
    .create = create,
    .open = open_tier,
    .child_init = child_init,
    .epoch = fct_epoch,
    .get = fct_get,
    .release = fct_release,
    .count = fct_count,
    .put = fct_put,
    .add = fct_add,
    .del = fct_del,
    .touch = fct_touch,
    .clear = fct_clear,
    .list = fct_list,
    .stats = fct_stats,
    .max_object = max_object,
    .check = check,
    .setup = setup,
    .sync = sync_tier,
};
