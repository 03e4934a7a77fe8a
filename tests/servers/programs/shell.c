/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that uses the store FCACHE_URL names, told what to do line by line,
 * for tests in which servers and processes come and go:
 *
 *   put KEY BODY [TAG]   get KEY   del KEY   clear   clear-tag TAG
 *
 * Each is answered by a line: a status, and after the OK of a get the body, or
 * SOFT for an OK that is stale.
 */
#include <fcache/cache.h>
#include <fcache/entry.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_US   INT64_C(3600000000)
#define WORDS_MAX 8192

typedef struct shell_t {
    const fcache_backend_ops_t *ops;
    void *self;
    apr_pool_t *pool; /* of a line */
    fcache_error_t error;
} shell_t;

static fcache_key_t key_of(const shell_t *shell, const char *text)
{
    fcache_key_t key;
    fcache_tuple_t *tuple = fcache_tuple_create(shell->pool);
    if (fcache_tuple_add(tuple, "text", fcache_str(text)) != FCACHE_OK ||
        fcache_key_from_tuple(tuple, fcache_str("shell"), fcache_str("n"), &key,
                              shell->pool, NULL) != FCACHE_OK) {
        exit(3);
    }
    return key;
}

static fcache_status_t put(shell_t *shell, const char *name, const char *body,
                           const char *tag)
{
    fcache_key_t key = key_of(shell, name);
    fcache_bytes_t view = fcache_str(body), tags = {NULL, 0};
    int64_t now_us = apr_time_now();
    if (tag) {
        fcache_buf_t list;
        fcache_buf_init(&list, 4096);
        if (fcache_entry_list_add(&list, fcache_str(tag)) != FCACHE_OK) {
            exit(3);
        }
        tags = fcache_bytes(apr_pmemdup(shell->pool, list.ptr, list.len),
                            list.len);
        fcache_buf_fini(&list);
    }
    fcache_value_t value = {.head = fcache_str("head"),
                            .body = &view,
                            .body_count = 1,
                            .epoch = shell->ops->epoch(shell->self),
                            .fresh_until_us = now_us + LIFE_US,
                            .dead_us = now_us + LIFE_US,
                            .tags = tags};
    return shell->ops->put(shell->self, &key, &value, now_us, &shell->error);
}

/* Prints what it got after the status. */
static fcache_status_t get(shell_t *shell, const char *name)
{
    fcache_item_t item;
    fcache_key_t key = key_of(shell, name);
    fcache_status_t status =
        shell->ops->get(shell->self, &key, apr_time_now(), NULL, &item,
                        shell->pool, &shell->error);
    if (status == FCACHE_OK) {
        printf(item.soft_purged ? "SOFT " : "OK ");
        for (size_t i = 0; i < item.body_count; i++) {
            fwrite(item.body[i].ptr, 1, item.body[i].len, stdout);
        }
        if (item.pin) {
            shell->ops->release(shell->self, item.pin);
        }
        printf("\n");
    }
    return status;
}

static fcache_status_t clear(shell_t *shell, const char *tag)
{
    fcache_scope_t scope = {.kind = tag ? FCACHE_SCOPE_TAG : FCACHE_SCOPE_ALL,
                            .prefix = fcache_str("shell"),
                            .tag = fcache_str(tag)};
    return shell->ops->clear(shell->self, &scope, 1, &shell->error);
}

static fcache_status_t obey(shell_t *shell, char *line)
{
    char *rest = NULL;
    const char *verb = apr_strtok(line, " \n", &rest);
    const char *name = apr_strtok(NULL, " \n", &rest);
    const char *body = name ? apr_strtok(NULL, " \n", &rest) : NULL;
    const char *tag = body ? apr_strtok(NULL, " \n", &rest) : NULL;
    if (verb && !strcmp(verb, "put") && body) {
        return put(shell, name, body, tag);
    }
    if (verb && !strcmp(verb, "get") && name) {
        return get(shell, name);
    }
    if (verb && !strcmp(verb, "del") && name) {
        fcache_key_t key = key_of(shell, name);
        return shell->ops->del(shell->self, &key, apr_time_now(),
                               &shell->error);
    }
    if (verb && (!strcmp(verb, "clear") || !strcmp(verb, "clear-tag"))) {
        return clear(shell, name);
    }
    return FCACHE_BAD_INPUT;
}

int main(void)
{
    char line[WORDS_MAX];
    shell_t shell = {0};
    apr_pool_t *pool = NULL;
    fcache_backend_t *store = NULL;
    if (apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS ||
        apr_pool_create(&shell.pool, pool) != APR_SUCCESS) {
        return 1;
    }
    fcache_backends_t *backends = fcache_backends_create(pool);
    fcache_backends_add_builtin(backends);
    if (fcache_backend_create(backends, "shell", getenv("FCACHE_URL"), NULL,
                              &store, pool, &shell.error) != FCACHE_OK ||
        fcache_backend_open(store, pool, &shell.error) != FCACHE_OK ||
        fcache_backend_child_init(store, pool, &shell.error) != FCACHE_OK) {
        fprintf(stderr, "%s\n", shell.error.text);
        return 1;
    }
    shell.ops = fcache_backend_ops(store);
    shell.self = fcache_backend_self(store);
    while (fgets(line, sizeof(line), stdin)) {
        int is_get = !strncmp(line, "get ", 4);
        fcache_status_t status = obey(&shell, line);
        if (status != FCACHE_OK || !is_get) {
            printf("%s %s\n", fcache_status_name(status),
                   status == FCACHE_OK ? "" : shell.error.text);
        }
        fflush(stdout);
        apr_pool_clear(shell.pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
