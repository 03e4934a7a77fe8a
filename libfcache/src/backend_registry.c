/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/backend.h>

#include "backend_url.h"

#include <apr_strings.h>

typedef struct row_t {
    const fcache_backend_ops_t *ops;
    struct row_t *next;
} row_t;

struct fcache_backends_t {
    apr_pool_t *pool;
    row_t *first;
    row_t **end;
    apr_table_t *defaults;     /* options of remote stores */
    fcache_backend_t *created; /* the last one first */
};

struct fcache_backend_t {
    const fcache_backend_ops_t *ops;
    void *self;
    const char *name;
    const char *url;
    unsigned flags;
    fcache_backend_t *before; /* created before it */
};

/* ---- the kinds there are ------------------------------------------------- */

fcache_backends_t *fcache_backends_create(apr_pool_t *pool)
{
    fcache_backends_t *backends = apr_palloc(pool, sizeof(*backends));
    if (backends) {
        *backends = (fcache_backends_t){pool, NULL, &backends->first,
                                        apr_table_make(pool, 4), NULL};
    }
    return backends;
}

static const fcache_backend_ops_t *find(const fcache_backends_t *backends,
                                        const char *scheme)
{
    for (const row_t *row = backends->first; row; row = row->next) {
        if (strcmp(row->ops->scheme, scheme) == 0) {
            return row->ops;
        }
    }
    return NULL;
}

static int has_required_rows(const fcache_backend_ops_t *ops)
{
    return ops->abi == FCACHE_BACKEND_ABI && ops->scheme && ops->create &&
           ops->get && ops->put;
}

fcache_status_t fcache_backends_add(fcache_backends_t *backends,
                                    const fcache_backend_ops_t *ops,
                                    fcache_error_t *error)
{
    if (!has_required_rows(ops)) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a store needs ABI %d, a scheme, create, get "
                                "and put",
                                FCACHE_BACKEND_ABI);
    }
    if (find(backends, ops->scheme)) {
        return fcache_error_set(error, FCACHE_EXISTS,
                                "there is a store '%s:' already", ops->scheme);
    }
    row_t *row = apr_palloc(backends->pool, sizeof(*row));
    if (!row) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a kind of store");
    }
    *row = (row_t){ops, NULL};
    *backends->end = row;
    backends->end = &row->next;
    return FCACHE_OK;
}

static const char *schemes(const fcache_backends_t *backends, apr_pool_t *pool)
{
    const char *text = "";
    for (const row_t *row = backends->first; row; row = row->next) {
        text = apr_pstrcat(pool, text, *text ? ", " : "", row->ops->scheme, ":",
                           (char *)NULL);
    }
    return *text ? text : "none";
}

void fcache_backends_default(fcache_backends_t *backends, const char *option,
                             const char *value)
{
    apr_table_set(backends->defaults, option, value);
}

/* ---- one store ----------------------------------------------------------- */

fcache_backend_t *fcache_backends_find(const fcache_backends_t *backends,
                                       const char *name)
{
    fcache_backend_t *backend = backends->created;
    while (backend && strcmp(backend->name, name) != 0) {
        backend = backend->before;
    }
    return backend;
}

const char *fcache_backends_names(const fcache_backends_t *backends,
                                  apr_pool_t *pool)
{
    const char *text = "";
    for (const fcache_backend_t *each = backends->created; each;
         each = each->before) {
        text = apr_pstrcat(pool, text, *text ? ", " : "", each->name,
                           (char *)NULL);
    }
    return *text ? text : "none";
}

static int add_default(void *options, const char *name, const char *value)
{
    if (!apr_table_get(options, name)) {
        apr_table_setn(options, name, value);
    }
    return 1;
}

fcache_status_t fcache_backend_create(fcache_backends_t *backends,
                                      const char *name, const char *url,
                                      const apr_table_t *options,
                                      fcache_backend_t **out_backend,
                                      apr_pool_t *pool, fcache_error_t *error)
{
    fci_backend_url_t parsed;
    fcache_status_t status =
        fci_backend_url_parse(url, options, &parsed, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    const fcache_backend_ops_t *ops = find(backends, parsed.scheme);
    if (!ops) {
        return fcache_error_set(error, FCACHE_BAD_CONFIG,
                                "no kind of store '%s:', there are: %s",
                                parsed.scheme, schemes(backends, pool));
    }
    fcache_backend_t *backend = apr_palloc(pool, sizeof(*backend));
    if (!backend) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for a store");
    }
    *backend = (fcache_backend_t){.ops = ops,
                                  .name = apr_pstrdup(pool, name),
                                  .url = fci_backend_url_format(&parsed, pool),
                                  .flags = ops->flags};
    if (ops->flags & FCACHE_BACKEND_REMOTE) {
        apr_table_do(add_default, parsed.options, backends->defaults,
                     (char *)NULL);
    }
    fcache_backend_conf_t conf = {backend->name,   parsed.scheme,
                                  parsed.location, parsed.options,
                                  backends,        &backend->flags};
    status = ops->create(&conf, &backend->self, pool, error);
    if (status == FCACHE_OK) {
        backend->before = backends->created;
        backends->created = backend;
        *out_backend = backend;
    }
    return status;
}

unsigned fcache_backend_flags(const fcache_backend_t *backend)
{
    return backend->flags;
}

fcache_status_t fcache_backend_open(fcache_backend_t *backend,
                                    apr_pool_t *retain_pool,
                                    fcache_error_t *error)
{
    return backend->ops->open
               ? backend->ops->open(backend->self, retain_pool, error)
               : FCACHE_OK;
}

fcache_status_t fcache_backend_child_init(fcache_backend_t *backend,
                                          apr_pool_t *pool,
                                          fcache_error_t *error)
{
    return backend->ops->child_init
               ? backend->ops->child_init(backend->self, pool, error)
               : FCACHE_OK;
}

fcache_status_t fcache_backend_setup(fcache_backend_t *backend,
                                     fcache_error_t *error)
{
    return backend->ops->setup ? backend->ops->setup(backend->self, error)
                               : FCACHE_OK;
}

const char *fcache_backend_url(const fcache_backend_t *backend)
{
    return backend->url;
}

const fcache_backend_ops_t *fcache_backend_ops(const fcache_backend_t *backend)
{
    return backend->ops;
}

void *fcache_backend_self(const fcache_backend_t *backend)
{
    return backend->self;
}
