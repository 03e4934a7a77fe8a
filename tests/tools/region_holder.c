/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stands in for an httpd: holds a region of shared memory under the name given,
 * with a few entries in it, until its standard input ends.
 */

#include <fcache/fcache.h>

#include <apr_general.h>
#include <apr_time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct holder_t {
    apr_pool_t *pool;
    fcache_t *cache;
    int64_t now_us;
    fcache_error_t error;
} holder_t;

typedef struct sample_t {
    const char *path;
    int status;
    const char *language; /* of request and response; NULL: no Vary */
    int64_t age_s;        /* half of it from before it came */
    int64_t lifetime_s;
    const char *etag;
    const char *tag;
    const char *body;
} sample_t;

static const sample_t samples[] = {
    {"/products", 200, NULL, 0, 300, "\"p1\"", "products", "[1,2,3]\n"},
    {"/old", 200, NULL, 100, 60, "\"o1\"", "archive", "yesterday\n"},
    {"/gone", 410, NULL, 0, 300, NULL, NULL, ""},
    {"/hello", 200, "de", 0, 300, NULL, NULL, "Guten Tag\n"},
    {"/hello", 200, "en", 0, 300, NULL, NULL, "Good day\n"},
};

static void must(const holder_t *holder, fcache_status_t status,
                 const char *what)
{
    if (status != FCACHE_OK) {
        fprintf(stderr, "region_holder: %s: %s: %s\n", what,
                fcache_status_name(status), holder->error.text);
        exit(1);
    }
}

static void open_cache(holder_t *holder, const char *name)
{
    fcache_backends_t *kinds = fcache_backends_create(holder->pool);
    fcache_options_t options = {0};

    fcache_backends_add_builtin(kinds);
    must(holder,
         fcache_backend_create(kinds, name, "memory:?size=8M", NULL,
                               &options.backend, holder->pool, &holder->error),
         "create");
    must(holder,
         fcache_backend_open(options.backend, holder->pool, &holder->error),
         "open");
    must(holder,
         fcache_backend_child_init(options.backend, holder->pool,
                                   &holder->error),
         "child_init");
    options.coders = fcache_coders_create(holder->pool);
    must(holder,
         fcache_create(&options, &holder->cache, holder->pool, &holder->error),
         "cache");
}

static fcache_entry_t make_entry(const holder_t *holder, const sample_t *sample)
{
    fcache_entry_t entry = {.kind = FCACHE_ENTRY_RESPONSE,
                            .status = sample->status,
                            .generation = fcache_epoch(holder->cache),
                            .etag = fcache_str(sample->etag)};

    entry.initial_age_s = sample->age_s / 2;
    entry.created_us = holder->now_us - entry.initial_age_s * FCACHE_US_PER_S;
    entry.date_s = entry.created_us / FCACHE_US_PER_S;
    entry.fresh_until_us =
        holder->now_us + (sample->lifetime_s - sample->age_s) * FCACHE_US_PER_S;
    entry.stale_until_us = entry.fresh_until_us + 3600 * FCACHE_US_PER_S;
    return entry;
}

static void write_response(holder_t *holder, const fcache_request_t *request,
                           const fcache_entry_t *entry, fcache_bytes_t vary,
                           fcache_bytes_t body)
{
    fcache_writer_t *writer;
    fcache_key_t key;

    must(holder,
         fcache_key_build(NULL, NULL, NULL, fcache_str("fcache"),
                          fcache_str("default"), request, &key, holder->pool,
                          &holder->error),
         "key");
    must(holder,
         fcache_writer_begin(holder->cache, fcache_str("http"), 0, &writer,
                             holder->pool, &holder->error),
         "begin");
    must(holder, fcache_writer_append(writer, body, &holder->error), "append");
    must(holder,
         fcache_writer_commit(writer, &key, entry, vary, request,
                              holder->now_us, &holder->error),
         "commit");
}

static void put_response(holder_t *holder, const sample_t *sample)
{
    fcache_field_t language = {fcache_str("Accept-Language"),
                               fcache_str(sample->language)};
    fcache_request_t request = {.vhost = fcache_str("api.example"),
                                .scheme = fcache_str("http"),
                                .authority = fcache_str("api.example"),
                                .method = fcache_str("GET"),
                                .path = fcache_str(sample->path)};
    fcache_entry_t entry = make_entry(holder, sample);
    fcache_buf_t fields, tags, vary;

    fcache_buf_init(&fields, 1024);
    fcache_buf_init(&tags, 1024);
    fcache_buf_init(&vary, 1024);
    if (sample->language) {
        request.fields = (fcache_fields_t){&language, 1};
        fcache_entry_list_add(&vary, fcache_str("accept-language"));
    }
    if (sample->tag) {
        fcache_entry_list_add(&tags, fcache_str(sample->tag));
    }
    fcache_fieldblock_add(&fields, fcache_str("Content-Type"),
                          fcache_str("text/plain"));
    entry.tags = fcache_buf_bytes(&tags);
    entry.fields = fcache_buf_bytes(&fields);
    write_response(holder, &request, &entry, fcache_buf_bytes(&vary),
                   fcache_str(sample->body));
    fcache_buf_fini(&vary);
    fcache_buf_fini(&tags);
    fcache_buf_fini(&fields);
}

static void put_value(holder_t *holder, const char *text, const char *ns,
                      fcache_bytes_t value)
{
    fcache_tuple_t *tuple = fcache_tuple_create(holder->pool);
    fcache_key_t key;

    must(holder, fcache_tuple_add(tuple, "key", fcache_str(text)), "tuple");
    must(holder,
         fcache_key_from_tuple(tuple, fcache_str("fcache"), fcache_str(ns),
                               &key, holder->pool, &holder->error),
         "key");
    must(holder,
         fcache_put(holder->cache, &key, value, 300, fcache_str(NULL),
                    fcache_epoch(holder->cache), holder->now_us,
                    &holder->error),
         "put");
}

/* What no library wrote: a head that is none. */
static void put_garbage(holder_t *holder)
{
    fcache_backend_t *store = fcache_backend_of(holder->cache);
    fcache_tuple_t *tuple = fcache_tuple_create(holder->pool);
    fcache_value_t value = {.head = fcache_str("\33[2J"),
                            .epoch = fcache_epoch(holder->cache)};
    fcache_key_t key;

    value.fresh_until_us = holder->now_us + 300 * FCACHE_US_PER_S;
    value.dead_us = value.fresh_until_us;
    must(holder, fcache_tuple_add(tuple, "key", fcache_str("garbage")),
         "tuple");
    must(holder,
         fcache_key_from_tuple(tuple, fcache_str("fcache"),
                               fcache_str("garbage"), &key, holder->pool,
                               &holder->error),
         "key");
    must(holder,
         fcache_backend_ops(store)->put(fcache_backend_self(store), &key,
                                        &value, holder->now_us, &holder->error),
         "put");
}

/* More namespaces than anybody has. */
static void put_many(holder_t *holder)
{
    char ns[16];

    for (int i = 0; i < 1100; i++) {
        snprintf(ns, sizeof(ns), "n-%d", i);
        put_value(holder, "greeting", ns, fcache_str("hello"));
    }
}

int main(int argc, char **argv)
{
    holder_t holder = {0};

    if (argc != 2 && argc != 3) {
        fputs("usage: region_holder NAME [garbage|many]\n", stderr);
        return 2;
    }
    apr_initialize();
    apr_pool_create(&holder.pool, NULL);
    holder.now_us = apr_time_now();
    open_cache(&holder, argv[1]);
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        put_response(&holder, &samples[i]);
    }
    put_value(&holder, "greeting", "default", fcache_str("hello"));
    put_value(&holder, "greeting", "other", fcache_bytes("\0\377\33[2J", 6));
    if (argc == 3 && strcmp(argv[2], "many") == 0) {
        put_many(&holder);
    } else if (argc == 3) {
        put_garbage(&holder);
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    apr_pool_destroy(holder.pool);
    apr_terminate();
    return 0;
}
