/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <stdio.h>
#include <string.h>

/* All of standard input. */
static fcache_status_t read_input(fcache_buf_t *value, fcache_error_t *error)
{
    fcache_status_t status = FCACHE_OK;
    char chunk[16 * 1024];
    size_t len;

    do {
        len = fread(chunk, 1, sizeof(chunk), stdin);
        status = fcache_buf_append(value, fcache_bytes(chunk, len));
    } while (len > 0 && status == FCACHE_OK);
    if (ferror(stdin)) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "cannot read standard input");
    }
    return status;
}

/* An apr_table_do callback: one --tag. */
static int add_tag(void *baton, const char *option, const char *tag)
{
    (void)option;
    return fcache_entry_list_add(baton, fcache_str(tag)) == FCACHE_OK;
}

static ctl_exit_t store(ctl_t *ctl, fcache_buf_t *value, fcache_buf_t *tags,
                        int64_t ttl_s)
{
    uint64_t epoch = fcache_epoch(ctl->cache);
    fcache_status_t status = FCACHE_OK;
    ctl_key_t key;
    ctl_exit_t code = ctl_key(ctl, ctl->args[0], &key);

    if (code != CTL_OK) {
        return code;
    }
    if (strcmp(ctl->args[1], "-") == 0) {
        status = read_input(value, &ctl->error);
    } else {
        status = fcache_buf_append(value, fcache_str(ctl->args[1]));
    }
    if (status == FCACHE_OK) {
        status =
            fcache_put(ctl->cache, &key.key, fcache_buf_bytes(value), ttl_s,
                       fcache_buf_bytes(tags), epoch, ctl->now_us, &ctl->error);
    }
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, ctl->args[0]);
    }
    return ctl_print(ctl, json_pack("{s:s#, s:I, s:I}", "name",
                                    key.key.name.ptr, (int)key.key.name.len,
                                    "ttl_s", (json_int_t)ttl_s, "size",
                                    (json_int_t)value->len));
}

ctl_exit_t ctl_set(ctl_t *ctl)
{
    int64_t ttl_us = 60 * FCACHE_US_PER_S;
    fcache_buf_t value, tags;
    ctl_exit_t code;

    if (ctl_key_kind(ctl->args[0]) != CTL_KEY_TEXT) {
        return ctl_usage("set stores values under text keys; "
                         "responses are stored by the server");
    }
    code = ctl_time(ctl, "ttl", &ttl_us);
    if (code != CTL_OK) {
        return code;
    }
    fcache_buf_init(&value, CTL_MAX_BODY);
    fcache_buf_init(&tags, (size_t)FCACHE_ENTRY_MAX_HEAD);
    if (apr_table_do(add_tag, &tags, ctl->options, "tag", NULL)) {
        code = store(ctl, &value, &tags, ttl_us / FCACHE_US_PER_S);
    } else {
        code = ctl_usage("the tags are too long");
    }
    fcache_buf_fini(&tags);
    fcache_buf_fini(&value);
    return code;
}
