/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <apr_general.h>
#include <apr_time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fcache_status_t open_store(ctl_t *ctl, const char *url)
{
    fcache_backends_t *kinds = fcache_backends_create(ctl->pool);
    fcache_coders_t *coders = fcache_coders_create(ctl->pool);
    fcache_options_t options = {0};
    fcache_status_t status;

    ctl->coders = coders;
    fcache_backends_add_builtin(kinds);
    status = fcache_backend_create(kinds, "fcachectl", url, NULL,
                                   &options.backend, ctl->pool, &ctl->error);
    if (status == FCACHE_OK) {
        status = fcache_backend_open(options.backend, ctl->pool, &ctl->error);
    }
    if (status == FCACHE_OK &&
        !(fcache_backend_flags(options.backend) & FCACHE_BACKEND_REMOTE)) {
        status = ctl_give_up_root(&ctl->error);
    }
    if (status == FCACHE_OK) {
        status =
            fcache_backend_child_init(options.backend, ctl->pool, &ctl->error);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    options.coders = coders;
    options.max_object_bytes = CTL_MAX_BODY;
    return fcache_create(&options, &ctl->cache, ctl->pool, &ctl->error);
}

/* Of others a part may be a password. */
static int may_be_told(const char *url)
{
    return !strpbrk(url, "@?") && !strstr(url, "//");
}

static ctl_exit_t run(ctl_t *ctl, int argc, const char *const *argv)
{
    const ctl_command_t *command;
    const char *url;
    fcache_status_t status;
    ctl_exit_t code = ctl_parse(ctl, argc, argv, &command);

    if (code != CTL_OK || !command) {
        return code;
    }
    if (command->is_storeless || ctl_option(ctl, "admin")) {
        return command->run(ctl);
    }
    url = ctl_option(ctl, "store");
    if (!url) {
        url = "memory:default";
    }
    status = open_store(ctl, url);
    if (status != FCACHE_OK) {
        return ctl_failed(ctl, status, may_be_told(url) ? url : "--store");
    }
    ctl->now_us = apr_time_now();
    return command->run(ctl);
}

int main(int argc, const char *const *argv)
{
    ctl_t ctl = {0};
    ctl_exit_t code;

    if (apr_app_initialize(&argc, &argv, NULL) != APR_SUCCESS ||
        apr_pool_create(&ctl.pool, NULL) != APR_SUCCESS) {
        fputs("fcachectl: cannot start the runtime\n", stderr);
        return CTL_FAULT;
    }
    code = run(&ctl, argc, argv);
    apr_pool_destroy(ctl.pool);
    apr_terminate();
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("fcachectl: standard output");
        return CTL_FAULT;
    }
    return (int)code;
}
