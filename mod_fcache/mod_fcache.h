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
 */

#include <fcache/fcache.h>

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

#endif
