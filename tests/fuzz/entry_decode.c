/* SPDX-License-Identifier: Apache-2.0 */
/* A store's bytes as a head (T24): it is refused, or all of it can be walked
 * and encoded again to the same bytes. */
#include <fcache/entry.h>
#include <fcache/key.h>

#include <apr_general.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void walk(const fcache_entry_t *entry)
{
    fcache_bytes_t name;
    fcache_bytes_t value;
    size_t offset = 0;
    while (fcache_fieldblock_next(entry->fields, &offset, &name, &value)) {
        require(name.len > 0 && !memchr(name.ptr, '\n', name.len));
        require(value.len == 0 || !memchr(value.ptr, '\r', value.len));
    }
    require(offset == entry->fields.len);
    offset = 0;
    int more = fcache_entry_list_next(entry->tags, &offset, &value);
    while (more > 0) {
        more = fcache_entry_list_next(entry->tags, &offset, &value);
    }
    require(more == 0);
}

static void format(fcache_bytes_t canonical)
{
    apr_pool_t *pool = NULL;
    require(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    for (const char *c = fcache_canonical_format(canonical, pool); *c; c++) {
        require(*c >= ' ' && *c < 0x7f);
    }
    apr_pool_destroy(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    fcache_entry_t entry;
    fcache_buf_t again;
    fcache_bytes_t head = fcache_bytes(data, size);
    if (!started) {
        started = apr_initialize() == APR_SUCCESS;
    }
    if (fcache_entry_decode(head, &entry, NULL) != FCACHE_OK) {
        return 0;
    }
    walk(&entry);
    format(entry.canonical);
    fcache_buf_init(&again, FCACHE_ENTRY_MAX_HEAD);
    require(fcache_entry_encode(&entry, &again, NULL) == FCACHE_OK);
    require(fcache_bytes_equal(fcache_buf_bytes(&again), head));
    fcache_buf_fini(&again);
    return 0;
}
