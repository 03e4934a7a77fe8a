/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/purge.h>

#include <fcache/tags.h>
#include <fcache/url.h>

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

/* A tag goes into `tags`, so that the scope has something to point to. */
static fcache_status_t tag_of_url(const fcache_purge_t *purge,
                                  fcache_buf_t *tags, fcache_bytes_t *out_tag,
                                  apr_pool_t *pool, fcache_error_t *error)
{
    fcache_url_t url;
    size_t offset = 0;
    fcache_status_t status = fcache_url_parse(purge->value, &url, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    status = fcache_tags_add_url(tags, url.authority, url.path, url.query);
    if (status != FCACHE_OK) {
        return bad(error, "the URL is too long");
    }
    fcache_entry_list_next(fcache_buf_bytes(tags), &offset, out_tag);
    return FCACHE_OK;
}

static fcache_status_t scope_of(const fcache_purge_t *purge, fcache_buf_t *tags,
                                fcache_scope_t *out_scope, apr_pool_t *pool,
                                fcache_error_t *error)
{
    *out_scope =
        (fcache_scope_t){.kind = FCACHE_SCOPE_TAG, .prefix = purge->prefix};
    switch (purge->kind) {
    case FCACHE_PURGE_URL:
        return tag_of_url(purge, tags, &out_scope->tag, pool, error);
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
    fcache_buf_t tags;
    if (purge->kind == FCACHE_PURGE_KEY) {
        return key_of(purge, &key, pool, error);
    }
    if (!fcache_label_is_valid(purge->prefix)) {
        return bad(error, "a prefix is [A-Za-z0-9._-]{1,64}");
    }
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    fcache_status_t status = scope_of(purge, &tags, &scope, pool, error);
    fcache_buf_fini(&tags);
    return status;
}

fcache_status_t fcache_purge(fcache_t *cache, const fcache_purge_t *purge,
                             int64_t now_us, apr_pool_t *pool,
                             fcache_error_t *error)
{
    fcache_scope_t scope;
    fcache_key_t key;
    fcache_buf_t tags;
    fcache_status_t status = fcache_purge_check(purge, pool, error);
    if (status != FCACHE_OK) {
        return status;
    }
    if (purge->kind == FCACHE_PURGE_KEY) {
        status = key_of(purge, &key, pool, error);
        return status == FCACHE_OK ? fcache_del(cache, &key, now_us, error)
                                   : status;
    }
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    status = scope_of(purge, &tags, &scope, pool, error);
    if (status == FCACHE_OK) {
        status = fcache_clear(cache, &scope, purge->soft, error);
    }
    fcache_buf_fini(&tags);
    return status;
}
