/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/purge.h>

#include <fcache/tags.h>
#include <fcache/url.h>

#include <apr_strings.h>

static const char *const texts[] = {
#define X(name, text) text,
    FCACHE_PURGE_LIST(X)
#undef X
};

int fcache_purge_kind_parse(fcache_bytes_t text, fcache_purge_kind_t *out_kind)
{
    for (int i = 0; i < FCACHE_PURGE_COUNT; i++) {
        if (fcache_bytes_equal(text, fcache_str(texts[i]))) {
            *out_kind = (fcache_purge_kind_t)i;
            return 1;
        }
    }
    return 0;
}

const char *fcache_purge_kind_text(fcache_purge_kind_t kind)
{
    return (unsigned)kind < FCACHE_PURGE_COUNT ? texts[kind] : "?";
}

/* ---- what a purge comes to ----------------------------------------------- */

static fcache_status_t bad(fcache_error_t *error, const char *what)
{
    return fcache_error_set(error, FCACHE_BAD_INPUT, "%s", what);
}

static fcache_status_t tag_of_url(const fcache_purge_t *purge,
                                  fcache_bytes_t *out_tag, apr_pool_t *pool,
                                  fcache_error_t *error)
{
    fcache_url_t url;
    fcache_buf_t tags;
    size_t offset = 0;
    fcache_status_t status = fcache_url_parse(purge->value, &url, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    status = fcache_tags_add_url(&tags, url.authority, url.path, url.query);
    if (status == FCACHE_OK) {
        fcache_entry_list_next(fcache_buf_bytes(&tags), &offset, out_tag);
        out_tag->ptr = apr_pmemdup(pool, out_tag->ptr, out_tag->len);
    }
    fcache_buf_fini(&tags);
    return status == FCACHE_OK ? FCACHE_OK : bad(error, "the URL is too long");
}

static fcache_status_t scope_of(const fcache_purge_t *purge,
                                fcache_scope_t *out_scope, apr_pool_t *pool,
                                fcache_error_t *error)
{
    *out_scope = (fcache_scope_t){
        .kind = FCACHE_SCOPE_TAG, .prefix = purge->prefix, .soft = purge->soft};
    if (!fcache_label_is_valid(purge->prefix)) {
        return bad(error, "a prefix is [A-Za-z0-9._-]{1,64}");
    }
    switch (purge->kind) {
    case FCACHE_PURGE_URL:
        return tag_of_url(purge, &out_scope->tag, pool, error);
    case FCACHE_PURGE_TAG:
        out_scope->tag = purge->value;
        return fcache_tag_is_plain(purge->value)
                   ? FCACHE_OK
                   : bad(error, "a tag is 1 to 1024 bytes without blanks and "
                                "commas");
    case FCACHE_PURGE_NAMESPACE:
        out_scope->kind = FCACHE_SCOPE_NAMESPACE;
        out_scope->ns = purge->value;
        return purge->value.len > 0 && fcache_label_is_valid(purge->value)
                   ? FCACHE_OK
                   : bad(error, "a namespace is [A-Za-z0-9._-]{1,64}");
    case FCACHE_PURGE_PREFIX:
        out_scope->kind = FCACHE_SCOPE_PREFIX;
        return FCACHE_OK;
    case FCACHE_PURGE_ALL:
        out_scope->kind = FCACHE_SCOPE_ALL;
        return FCACHE_OK;
    case FCACHE_PURGE_KEY:
    case FCACHE_PURGE_COUNT:
        break;
    }
    return bad(error, "not a kind of purge");
}

static fcache_status_t key_of(const fcache_purge_t *purge,
                              fcache_key_t *out_key, apr_pool_t *pool,
                              fcache_error_t *error)
{
    if (purge->soft) {
        return bad(error, "a key has no soft purge; purge its url or a tag");
    }
    return fcache_key_from_name(purge->value, out_key, pool, error);
}

fcache_status_t fcache_purge_check(const fcache_purge_t *purge,
                                   apr_pool_t *pool, fcache_error_t *error)
{
    fcache_scope_t scope;
    fcache_key_t key;
    return purge->kind == FCACHE_PURGE_KEY
               ? key_of(purge, &key, pool, error)
               : scope_of(purge, &scope, pool, error);
}

/* ---- doing it ------------------------------------------------------------ */

/* The scopes of all that have one. */
static fcache_status_t scopes_of(const fcache_purge_t *purges, size_t count,
                                 fcache_scope_t *out_scopes, size_t *out_count,
                                 apr_pool_t *pool, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    *out_count = 0;
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        status = purges[i].kind == FCACHE_PURGE_KEY
                     ? fcache_purge_check(&purges[i], pool, error)
                     : scope_of(&purges[i], &out_scopes[(*out_count)++], pool,
                                error);
    }
    return status;
}

static fcache_status_t purge_key(fcache_t *cache, const fcache_purge_t *purge,
                                 int64_t now_us, apr_pool_t *pool,
                                 fcache_error_t *error)
{
    fcache_key_t key;
    fcache_status_t status = key_of(purge, &key, pool, error);
    return status == FCACHE_OK ? fcache_del(cache, &key, now_us, error)
                               : status;
}

fcache_status_t fcache_purge(fcache_t *cache, const fcache_purge_t *purges,
                             size_t count, int64_t now_us, int *out_found,
                             apr_pool_t *pool, fcache_error_t *error)
{
    fcache_scope_t *scopes = apr_palloc(pool, count * sizeof(*scopes));
    size_t scope_count;
    int is_missed = 0;
    fcache_status_t status =
        scopes_of(purges, count, scopes, &scope_count, pool, error);
    if (status == FCACHE_OK && scope_count > 0) {
        status = fcache_clear(cache, scopes, scope_count, error);
    }
    for (size_t i = 0; i < count && status == FCACHE_OK; i++) {
        if (purges[i].kind == FCACHE_PURGE_KEY) {
            status = purge_key(cache, &purges[i], now_us, pool, error);
        }
        if (out_found) {
            out_found[i] = status == FCACHE_OK;
        }
        is_missed |= status == FCACHE_MISS;
        status = status == FCACHE_MISS ? FCACHE_OK : status;
    }
    return status == FCACHE_OK && is_missed ? FCACHE_MISS : status;
}
