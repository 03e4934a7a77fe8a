/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <hiredis/hiredis.h>

fcache_status_t fcrd_command_init(fcrd_command_t *command, size_t capacity,
                                  apr_pool_t *pool)
{
    *command = (fcrd_command_t){0};
    if (capacity > FCRD_ARGS_MAX) {
        return FCACHE_TOO_LARGE;
    }
    command->args = apr_palloc(pool, capacity * sizeof(*command->args));
    command->lens = apr_palloc(pool, capacity * sizeof(*command->lens));
    if (!command->args || !command->lens) {
        return FCACHE_NO_MEMORY;
    }
    command->capacity = capacity;
    return FCACHE_OK;
}

fcache_status_t fcrd_command_add(fcrd_command_t *command, fcache_bytes_t word)
{
    if (command->count == command->capacity) {
        return FCACHE_BAD_INPUT;
    }
    command->args[command->count] = word.len > 0 ? word.ptr : "";
    command->lens[command->count++] = word.len;
    return FCACHE_OK;
}

fcache_status_t fcrd_command_words(fcrd_command_t *command, apr_pool_t *pool,
                                   const char *const *words)
{
    fcache_status_t status = fcrd_command_init(command, 8, pool);
    for (; status == FCACHE_OK && *words; words++) {
        status = fcrd_command_add(command, fcache_str(*words));
    }
    return status;
}

fcache_status_t fcrd_command_format(const fcrd_command_t *command,
                                    fcrd_wire_t *out_wire)
{
    sds text = NULL;
    long long len = redisFormatSdsCommandArgv(&text, (int)command->count,
                                              command->args, command->lens);
    if (len < 0 || !text) {
        *out_wire = (fcrd_wire_t){NULL, {NULL, 0}};
        return FCACHE_NO_MEMORY;
    }
    *out_wire = (fcrd_wire_t){text, fcache_bytes(text, (size_t)len)};
    return FCACHE_OK;
}

void fcrd_wire_fini(fcrd_wire_t *wire)
{
    redisFreeSdsCommand(wire->sds);
    *wire = (fcrd_wire_t){NULL, {NULL, 0}};
}
