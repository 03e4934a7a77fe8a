/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that other modules look up: see mod_fcache.h. */
#include "ctx.h"
#include "mod_fcache.h"

static fcache_status_t mod_fcache_purge(request_rec *r, const char *kind,
                                        const char *value, int soft,
                                        fcache_error_t *error)
{
    const mfc_conf_t *conf = mfc_conf_of(r);
    fcache_t *cache = mfc_store_of(conf)->cache;
    fcache_purge_t purge = {
        .value = fcache_str(value), .prefix = conf->prefix, .soft = soft};

    if (!fcache_purge_kind_parse(fcache_str(kind), &purge.kind)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "'%s' is no kind of purge", kind);
    }
    if (cache == NULL) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "the store is not used by this process");
    }
    return fcache_purge(cache, &purge, 1, apr_time_now(), NULL, r->pool, error);
}

static fcache_t *mod_fcache_cache(request_rec *r)
{
    return mfc_store_of(mfc_conf_of(r))->cache;
}

void mfc_optional_hook(void)
{
    APR_REGISTER_OPTIONAL_FN(mod_fcache_purge);
    APR_REGISTER_OPTIONAL_FN(mod_fcache_cache);
}
