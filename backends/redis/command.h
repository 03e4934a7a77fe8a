/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCRD_COMMAND_H
#define FCRD_COMMAND_H

/*
 * Commands for a Redis server, each an array of byte strings: no part is ever
 * quoted, joined or formatted into another (T26). hiredis writes them, by the one
 * of its formatters that neither aborts without memory nor reads a format.
 */

#include <fcache/backend.h>

#define FCRD_ARGS_MAX 1024 /* of a command */

typedef struct fcrd_command_t {
    const char **args; /* borrowed, as what they point to */
    size_t *lens;
    size_t count, capacity;
} fcrd_command_t;

/* An empty command of up to `capacity` words, at most FCRD_ARGS_MAX, in the
 * pool. NO_MEMORY; TOO_LARGE. */
fcache_status_t fcrd_command_init(fcrd_command_t *command, size_t capacity,
                                  apr_pool_t *pool);

/* Adds a word (borrowed); past the capacity it is BAD_INPUT. */
fcache_status_t fcrd_command_add(fcrd_command_t *command, fcache_bytes_t word);

/* A command of words without NULs: up to a NULL, at most 8. */
fcache_status_t fcrd_command_words(fcrd_command_t *command, apr_pool_t *pool,
                                   const char *const *words);

/* A command's bytes; free with fcrd_wire_fini. */
typedef struct fcrd_wire_t {
    char *sds;
    fcache_bytes_t bytes;
} fcrd_wire_t;

fcache_status_t fcrd_command_format(const fcrd_command_t *command,
                                    fcrd_wire_t *out_wire);
/* Of an empty one too. */
void fcrd_wire_fini(fcrd_wire_t *wire);

#endif
