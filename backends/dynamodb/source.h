/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCD_SOURCE_H
#define FCD_SOURCE_H

/*
 * Where credentials come from, as with AWS's own SDKs: the environment, the
 * shared credentials file, the container's endpoint, the instance's metadata
 * (version 2). Only hosts that can have them are asked, without proxies.
 */

#include "secret.h"

#include <fcache/backend.h>

#include <stdatomic.h>

typedef enum fcd_source_kind_t {
    FCD_SOURCE_AUTO, /* the first of those below that there is */
    FCD_SOURCE_ENV,
    FCD_SOURCE_FILE,
    FCD_SOURCE_CONTAINER,
    FCD_SOURCE_IMDS
} fcd_source_kind_t;

typedef struct fcd_source_t {
    fcd_source_kind_t kind;
    const char *profile, *file; /* `file` NULL: no home, none named */
    const char *container;      /* URL, or NULL */
    const char *token_file;     /* read each time, or NULL */
    const char *token;          /* the container's, or NULL; a secret */
    const char *imds;           /* URL without a path */
    int imds_disabled;
} fcd_source_t;

/*
 * From the options `credentials`, `profile`, `credentials-file`, `imds`, and the
 * environment that SDKs read. BAD_CONFIG names the option or the variable. No
 * I/O. In the pool.
 */
fcache_status_t fcd_source_parse(const apr_table_t *options,
                                 fcd_source_t *out_source, apr_pool_t *pool,
                                 fcache_error_t *error);

/*
 * Reads environment or file, what needs no network, and settles AUTO. OK with
 * credentials; MISS: container or instance have to be asked; else what is wrong.
 */
fcache_status_t fcd_source_settle(fcd_source_t *source,
                                  fcd_secret_t *out_secret,
                                  fcache_error_t *error);

/* Gets them anew, within a few seconds, from what was settled; not of the
 * environment. Gives up soon when `cancelled` is set. */
fcache_status_t fcd_source_load(const fcd_source_t *source,
                                const atomic_int *cancelled,
                                fcd_secret_t *out_secret,
                                fcache_error_t *error);

/* May that URL be asked for credentials? http, to this machine or to one of the
 * addresses under which AWS has them. */
int fcd_source_may_ask(const char *url);

#endif
