/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_FCACHE_H
#define MOD_FCACHE_H

/*
 * For other httpd modules. Register with ap_register_provider(pool, GROUP,
 * name, "0", provider) in your register_hooks; the provider must live as long
 * as the configuration.
 *
 *   fcache-key      mod_fcache_key_provider_t   FCacheKeyBuilder provider:NAME
 *   fcache-coder    fcache_coder_t              FCacheCoder NAME
 *   fcache-backend  fcache_backend_ops_t        FCacheBackend x SCHEME:...
 *
 * And functions to look up with APR_RETRIEVE_OPTIONAL_FN(NAME) in your
 * optional_fn_retrieve hook; NULL without mod_fcache. Any thread, in requests.
 */

#include <fcache/fcache.h>

#include <apr_optional.h>
#include <httpd.h>

#define MOD_FCACHE_KEY_PROVIDER     "fcache-key"
#define MOD_FCACHE_CODER_PROVIDER   "fcache-coder"
#define MOD_FCACHE_BACKEND_PROVIDER "fcache-backend"
#define MOD_FCACHE_PROVIDER_VERSION "0"

/* A custom key builder, called by any thread. What it adds comes behind the
 * default elements of the key. */
typedef struct mod_fcache_key_provider_t {
    fcache_key_builder_fn build;
    void *baton;
} mod_fcache_key_provider_t;

/*
 * Purges in the store of the request's scope, with its FCachePrefix: `kind` is a
 * word of fcache/purge.h, `value` what goes, NULL for "prefix" and "all". As
 * fcache_purge(); whether the client may is up to you.
 */
APR_DECLARE_OPTIONAL_FN(fcache_status_t, mod_fcache_purge,
                        (request_rec * r, const char *kind, const char *value,
                         int soft, fcache_error_t *error));

/* The cache of the request's scope, to look up and store values in; NULL when
 * this process could not join its store. Lives as long as the process. */
APR_DECLARE_OPTIONAL_FN(fcache_t *, mod_fcache_cache, (request_rec * r));

#endif
