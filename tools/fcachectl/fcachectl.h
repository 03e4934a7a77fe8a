/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHECTL_H
#define FCACHECTL_H

/*
 * fcachectl: look into a store and change it from the command line.
 *
 *   main.c     opens the store, runs the command
 *   options.c  the tables of commands and options, usage
 *   root.c     gives up the rights of root before shared memory is read
 *   key.c      what KEY on the command line means
 *   output.c   one JSON value, shown as JSON or as a table
 *   http.c     requests
 *   warm.h     what `warm` consists of
 *   follow.h   what `watch` and `top` consist of
 *   the rest   one file per command
 *
 * A command builds one JSON value and prints it once. The store is never made
 * to wait for the terminal: what is shown is copied out of it first.
 */

#include <fcache/fcache.h>

#include <apr_pools.h>
#include <apr_tables.h>

#include <jansson.h>

/* How the program ends. */
typedef enum ctl_exit_t {
    CTL_OK = 0,
    CTL_NOT_FOUND = 1,
    CTL_USAGE = 2,
    CTL_FAULT = 3
} ctl_exit_t;

/* The largest value that is read from standard input or the store. */
#define CTL_MAX_BODY (UINT64_C(64) << 20)

/* One run of the program. All views live in the pool. */
typedef struct ctl_t {
    apr_pool_t *pool;
    const apr_table_t *options; /* by long name; a flag's value is "" */
    const char *const *args;    /* what follows the command */
    int arg_count;
    fcache_t *cache;
    const fcache_coders_t *coders;
    int64_t now_us;
    fcache_error_t error;
} ctl_t;

typedef struct ctl_command_t {
    const char *name;
    const char *args; /* as usage shows them */
    int min_args;
    int max_args;
    const char *options; /* letters of the options it takes */
    const char *help;
    ctl_exit_t (*run)(ctl_t *ctl);
    int is_storeless; /* runs without a store */
} ctl_command_t;

/* ---- options.c -------------------------------------------------------------
 */

/* Fills options, args and the command. CTL_OK with *out_command NULL means
 * that help was asked for and given. */
ctl_exit_t ctl_parse(ctl_t *ctl, int argc, const char *const *argv,
                     const ctl_command_t **out_command);

/* The value of that option, the last one given, or NULL. */
const char *ctl_option(const ctl_t *ctl, const char *name);

/* The whole number of that option, with or without the unit behind it; without
 * the option *number stays. A unit may be NULL. */
ctl_exit_t ctl_number(const ctl_t *ctl, const char *name, const char *unit,
                      long min, long max, long *number);

/* The time of that option, at least a second; without it *time_us stays. */
ctl_exit_t ctl_time(const ctl_t *ctl, const char *name, int64_t *time_us);

/* Adds each --header to the array of fcache_field_t. */
ctl_exit_t ctl_headers(const ctl_t *ctl, apr_array_header_t *fields);

/* Says what is wrong with the command line. */
ctl_exit_t ctl_usage(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Says what became of a call to the library: `what`, and the sentence in
 * ctl->error unless the status is MISS. */
ctl_exit_t ctl_failed(const ctl_t *ctl, fcache_status_t status,
                      const char *what);

/* ---- root.c ----------------------------------------------------------------
 */

/* Between opening a store and joining it: root becomes nobody, for good. */
fcache_status_t ctl_give_up_root(fcache_error_t *error);

/* ---- key.c -----------------------------------------------------------------
 */

typedef enum ctl_key_kind_t {
    CTL_KEY_URL,  /* the GET of an http or https URL */
    CTL_KEY_NAME, /* a stored name, as ls prints it */
    CTL_KEY_TEXT  /* an application's key: the tuple (key, TEXT) */
} ctl_key_kind_t;

typedef struct ctl_key_t {
    ctl_key_kind_t kind;
    fcache_key_t key;
    fcache_request_t request; /* of a URL */
} ctl_key_t;

ctl_key_kind_t ctl_key_kind(const char *text);

/* The key that `text` names, with the options that say more about it. */
ctl_exit_t ctl_key(ctl_t *ctl, const char *text, ctl_key_t *out_key);

/* The request that a lookup wants: NULL unless the key came from a URL. */
const fcache_request_t *ctl_key_request(const ctl_key_t *key);

fcache_bytes_t ctl_prefix(const ctl_t *ctl);
fcache_bytes_t ctl_namespace(const ctl_t *ctl);

/* ---- entry.c ---------------------------------------------------------------
 */

/* Does the entry count as stale? */
int ctl_entry_is_stale(const fcache_entry_t *entry, int soft_purged,
                       int64_t now_us);

/* {age_s, ttl_s, state, kind, status, size, namespace, key}, and with `more`
 * also {name, etag, tags, coder}. */
json_t *ctl_entry_row(const ctl_t *ctl, fcache_bytes_t name,
                      const fcache_entry_t *entry, int soft_purged, int more);

/* Takes the part up to ':' off the front of a stored name. */
fcache_bytes_t ctl_take_label(fcache_bytes_t *name);

/* The names in the index of a URL's variants. */
json_t *ctl_entry_vary_names(const fcache_entry_t *index);

/* ---- stats.c ---------------------------------------------------------------
 */

/* {name: value, ...}, the same names for every store. */
json_t *ctl_stats_object(const fcache_stats_t *stats);

/* ---- output.c --------------------------------------------------------------
 */

/* A string; bytes that are not UTF-8 are shown as \xHH. */
json_t *ctl_json_bytes(const ctl_t *ctl, fcache_bytes_t bytes);

/* A value as one line. */
void ctl_print_json(const json_t *value);

/* An array of objects as a table. */
void ctl_print_rows(const ctl_t *ctl, json_t *rows);

/* One line of a table with columns at least that wide, and its head before. */
void ctl_print_row(const ctl_t *ctl, json_t *row, const int *widths,
                   int header);

/* Prints the value and frees it: JSON, or an array of objects as a table, an
 * object as lines. NULL says that memory is out. */
ctl_exit_t ctl_print(const ctl_t *ctl, json_t *value);

/* ---- fetch.c ---------------------------------------------------------------
 */

/* A clock that only goes forward. */
int64_t ctl_ticks_us(void);

/* ---- commands --------------------------------------------------------------
 */

ctl_exit_t ctl_get(ctl_t *ctl);
ctl_exit_t ctl_set(ctl_t *ctl);
ctl_exit_t ctl_del(ctl_t *ctl);
ctl_exit_t ctl_ls(ctl_t *ctl);
ctl_exit_t ctl_clear(ctl_t *ctl);
ctl_exit_t ctl_purge(ctl_t *ctl);
ctl_exit_t ctl_stats(ctl_t *ctl);
ctl_exit_t ctl_check(ctl_t *ctl);
ctl_exit_t ctl_init(ctl_t *ctl);
ctl_exit_t ctl_secret(ctl_t *ctl);
ctl_exit_t ctl_explain(ctl_t *ctl);
ctl_exit_t ctl_warm(ctl_t *ctl);
ctl_exit_t ctl_top(ctl_t *ctl);
ctl_exit_t ctl_watch(ctl_t *ctl);

#endif
