/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/purge.h>
#include <fcache/tags.h>
#include <fcache/url.h>

#include "fuzz.h"

#include <apr_general.h>

/* Lines of fields, an empty one, and a text that is a URL, a tag and a name. */

static void check_tags(const fcache_buf_t *tags)
{
    fcache_bytes_t tag;
    size_t offset = 0;
    int count = 0;
    while (fcache_entry_list_next(fcache_buf_bytes(tags), &offset, &tag) > 0) {
        MUST(tag.len > 0);
        MUST(fcache_tag_is_plain(tag) || memchr(tag.ptr, ' ', tag.len));
        count++;
    }
    MUST(offset == tags->len);
    MUST(count <= FCACHE_ENTRY_MAX_TAGS && tags->len <= FCACHE_TAGS_MAX_BYTES);
}

static void check_fields(fcache_fields_t fields)
{
    fcache_buf_t tags;
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    (void)fcache_tags_add_groups(&tags, fields, "Cache-Groups",
                                 fcache_str("http"), fcache_str("h"));
    check_tags(&tags);
    (void)fcache_tags_add_field(&tags, fields, "Cache-Tag");
    check_tags(&tags);
    fcache_buf_fini(&tags);
}

static void check_text(fcache_bytes_t text, apr_pool_t *pool)
{
    fcache_url_t url;
    fcache_key_t key;
    fcache_buf_t tags;
    fcache_buf_init(&tags, FCACHE_TAGS_MAX_BYTES);
    if (fcache_url_parse(text, &url, pool, NULL) == FCACHE_OK) {
        MUST(url.authority.len > 0 && url.path.len > 0);
        MUST(url.authority.len + url.path.len + url.query.len <= text.len + 1);
        (void)fcache_tags_add_url(&tags, url.authority, url.path, url.query);
        check_tags(&tags);
    }
    fcache_url_t base = {fcache_str("http"), fcache_str("h"),
                         fcache_str("/a/b"), fcache_bytes(NULL, 0)};
    if (fcache_url_resolve(&base, text, &url, pool, NULL) == FCACHE_OK) {
        MUST(url.path.len > 0 && url.path.ptr[0] == '/');
        MUST(url.path.len <= base.path.len + text.len);
    }
    if (fcache_key_from_name(text, &key, pool, NULL) == FCACHE_OK) {
        MUST(fcache_bytes_equal(key.name, text));
    }
    for (int kind = 0; kind < FCACHE_PURGE_COUNT; kind++) {
        fcache_purge_t purge = {(fcache_purge_kind_t)kind, text, text, 0};
        (void)fcache_purge_check(&purge, pool, NULL);
    }
    fcache_buf_fini(&tags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *pool;
    fcache_field_t space[32];
    fcache_bytes_t text = fcache_bytes(data, size);
    if (!pool) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    check_fields(fuzz_fields(&text, space, 32));
    check_text(text, pool);
    apr_pool_clear(pool);
    return 0;
}
