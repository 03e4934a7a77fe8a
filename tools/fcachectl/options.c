/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <apr_getopt.h>
#include <apr_strings.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYED "pnVmHr" /* what says more about a KEY */

static const ctl_command_t commands[] = {
    {"get", "KEY", 1, 1, KEYED "I", "show what is stored under KEY", ctl_get,
     0},
    {"set", "KEY VALUE|-", 2, 2, "pntT",
     "store VALUE, or standard input, under the text KEY", ctl_set, 0},
    {"del", "KEY", 1, 1, KEYED, "forget KEY, with all of its variants", ctl_del,
     0},
    {"ls", "", 0, 0, "pnlL", "list entries", ctl_ls, 0},
    {"clear", "", 0, 0, "pnTaS", "forget a prefix, a namespace, a tag or all",
     ctl_clear, 0},
    {"purge", "KIND=VALUE...", 1, 64, "pS",
     "forget, by url=, tag=, namespace=, key=, prefix or all", ctl_purge, 0},
    {"stats", "", 0, 0, "", "show the store's counters", ctl_stats, 0},
    {"check", "", 0, 0, "", "look through the whole store for damage",
     ctl_check, 0},
    {"explain", "URL", 1, 1, KEYED, "say what a request would be answered with",
     ctl_explain, 0},
    {"init", "", 0, 0, "", "make what the store needs, a table say", ctl_init,
     0},
    {"warm", "FILE|-...", 1, 64, "bHPRwd",
     "ask for the URLs of lists or access logs", ctl_warm, 1},
    {"top", "", 0, 0, "uHio",
     "show stores and namespaces by what happens in them", ctl_top, 0},
    {"watch", "", 0, 0, "uHic", "show what happens in stores, a line a second",
     ctl_watch, 0},
    {"secret", "", 0, 0, "", "print a new secret, a line for a secret-file",
     ctl_secret, 1},
    {"help", "[COMMAND]", 0, 1, "", "show this, or a command's options", NULL,
     0},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define ALWAYS   "sjh" /* every command takes these */

typedef struct option_t {
    const char *name;
    int letter;
    int repeats;
    const char *arg; /* NULL for a flag */
    const char *help;
} option_t;

static const option_t options[] = {
    {"store", 's', 0, "URL", "the store (memory:default)"},
    {"json", 'j', 0, NULL, "print JSON"},
    {"help", 'h', 0, NULL, "show help"},
    {"prefix", 'p', 0, "TEXT", "FCachePrefix (fcache)"},
    {"namespace", 'n', 0, "TEXT", "FCacheNamespace (default)"},
    {"vhost", 'V', 0, "NAME", "ServerName of the URL's host (the host)"},
    {"method", 'm', 0, "METHOD", "the request's method (GET)"},
    {"header", 'H', 1, "'NAME: VALUE'", "a header of the request; repeatable"},
    {"rules", 'r', 0, "'RULE ...'", "FCacheKeyBuilder's rules"},
    {"head", 'I', 0, NULL, "all about the entry but its body"},
    {"long", 'l', 0, NULL, "also name, entity tag, tags and coder"},
    {"limit", 'L', 0, "N", "at most N entries, 0 for all (1000)"},
    {"ttl", 't', 0, "TIME", "lifetime: 60, 5m, 1h, 1d (60)"},
    {"tag", 'T', 1, "TAG", "a tag; repeatable"},
    {"all", 'a', 0, NULL, "everything in the store"},
    {"soft", 'S', 0, NULL, "make stale instead of forgetting"},
    {"base", 'b', 0, "URL", "scheme and host of paths and of logs"},
    {"parallel", 'P', 0, "N", "requests at a time (4)"},
    {"rate", 'R', 0, "N", "at most N requests in a second"},
    {"timeout", 'w', 0, "TIME", "for each request: 30, 5m (30)"},
    {"dry-run", 'd', 0, NULL, "print the URLs, ask for none"},
    {"admin", 'u', 0, "URL", "ask fcache-admin of a server there"},
    {"interval", 'i', 0, "TIME", "between two looks: 1, 30, 5m (1)"},
    {"count", 'c', 0, "N", "end after N looks"},
    {"once", 'o', 0, NULL, "end after one look"},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

ctl_exit_t ctl_usage(const char *format, ...)
{
    va_list args;

    fputs("fcachectl: ", stderr);
    va_start(args, format);
    /* clang-tidy 14 knows va_start only in the first file that it is given.
     * NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\nTry 'fcachectl help'.\n", stderr);
    return CTL_USAGE;
}

ctl_exit_t ctl_failed(const ctl_t *ctl, fcache_status_t status,
                      const char *what)
{
    const char *why = ctl->error.text;

    if (status == FCACHE_MISS || !why[0]) {
        why = fcache_status_text(status);
    }
    fprintf(stderr, "fcachectl: %s: %s\n", what, why);
    if (status == FCACHE_MISS) {
        return CTL_NOT_FOUND;
    }
    return status == FCACHE_BAD_CONFIG || status == FCACHE_BAD_INPUT
               ? CTL_USAGE
               : CTL_FAULT;
}

const char *ctl_option(const ctl_t *ctl, const char *name)
{
    return apr_table_get(ctl->options, name);
}

ctl_exit_t ctl_number(const ctl_t *ctl, const char *name, const char *unit,
                      long min, long max, long *number)
{
    const char *text = ctl_option(ctl, name);
    char *end;
    long value;

    if (!text) {
        return CTL_OK;
    }
    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || (*end && (!unit || strcmp(end, unit) != 0)) ||
        errno != 0 || value < min || value > max) {
        return ctl_usage("--%s %s: write a number from %ld to %ld", name, text,
                         min, max);
    }
    *number = value;
    return CTL_OK;
}

ctl_exit_t ctl_time(const ctl_t *ctl, const char *name, int64_t *time_us)
{
    const char *text = ctl_option(ctl, name);

    if (text && (fcache_duration_parse(text, time_us) != FCACHE_OK ||
                 *time_us < FCACHE_US_PER_S)) {
        return ctl_usage("--%s %s: write 60, 5m, 1h or 1d, at least 1", name,
                         text);
    }
    return CTL_OK;
}

/* ---- fields of a request ------------------------------------------------- */

typedef struct headers_t {
    apr_array_header_t *fields;
    const char *bad;
} headers_t;

/* An apr_table_do callback: one --header. */
static int add_header(void *baton, const char *option, const char *line)
{
    headers_t *headers = baton;
    const char *colon = strchr(line, ':');
    fcache_field_t field;

    (void)option;
    field.name = fcache_bytes(line, colon ? (size_t)(colon - line) : 0);
    field.value = fcache_bytes_trim(fcache_str(colon ? colon + 1 : NULL));
    if (!fcache_is_token(field.name) || !fcache_is_field_value(field.value)) {
        headers->bad = line;
        return 0;
    }
    APR_ARRAY_PUSH(headers->fields, fcache_field_t) = field;
    return 1;
}

ctl_exit_t ctl_headers(const ctl_t *ctl, apr_array_header_t *fields)
{
    headers_t headers = {fields, NULL};

    apr_table_do(add_header, &headers, ctl->options, "header", NULL);
    return headers.bad ? ctl_usage("'%s' is no header; write 'Name: value'",
                                   headers.bad)
                       : CTL_OK;
}

/* ---- help ---------------------------------------------------------------- */

static void print_options(const char *letters)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const option_t *option = &options[i];
        char left[40];

        if (strchr(letters, option->letter)) {
            snprintf(left, sizeof(left), "--%s %s", option->name,
                     option->arg ? option->arg : "");
            printf("  -%c, %-24s %s\n", option->letter, left, option->help);
        }
    }
}

static void print_help(const ctl_command_t *command)
{
    if (command) {
        printf("usage: fcachectl %s [OPTIONS]%s%s\n%s\n\n", command->name,
               *command->args ? " " : "", command->args, command->help);
        print_options(command->options);
    } else {
        printf("usage: fcachectl [-s URL] COMMAND [OPTIONS] [ARGUMENTS]\n\n");
        for (size_t i = 0; i < COMMANDS; i++) {
            printf("  %-8s %-14s %s\n", commands[i].name, commands[i].args,
                   commands[i].help);
        }
        putchar('\n');
    }
    print_options(ALWAYS);
    if (!command) {
        printf("\nA KEY is an http or https URL, a stored name as ls --long "
               "prints it,\nor an application's text.\n"
               "Exit status: 0 done, 1 not found, 2 usage, 3 fault.\n");
    }
}

/* ---- parsing ------------------------------------------------------------- */

static const ctl_command_t *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void keep_option(apr_table_t *given, int letter, const char *value)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        if (options[i].letter == letter && options[i].repeats) {
            apr_table_add(given, options[i].name, value);
        } else if (options[i].letter == letter) {
            apr_table_set(given, options[i].name, options[i].arg ? value : "");
        }
    }
}

static const apr_getopt_option_t *getopt_table(apr_pool_t *pool)
{
    apr_getopt_option_t *table =
        apr_pcalloc(pool, (OPTIONS + 1) * sizeof(*table));

    for (size_t i = 0; i < OPTIONS; i++) {
        table[i].name = options[i].name;
        table[i].optch = options[i].letter;
        table[i].has_arg = options[i].arg != NULL;
    }
    return table;
}

/* One option at the front of what is left, or all that follows "--". */
static ctl_exit_t next_option(apr_getopt_t *os,
                              const apr_getopt_option_t *table,
                              apr_table_t *given, apr_array_header_t *words)
{
    const char *value;
    int letter;

    switch (apr_getopt_long(os, table, &letter, &value)) {
    case APR_SUCCESS:
        keep_option(given, letter, value);
        return CTL_OK;
    case APR_EOF:
        while (os->ind < os->argc) {
            APR_ARRAY_PUSH(words, const char *) = os->argv[os->ind++];
        }
        return CTL_OK;
    case APR_BADARG:
        return ctl_usage("option '%s' needs a value", os->argv[os->ind - 1]);
    default:
        return ctl_usage("unknown option '%s'", os->argv[os->ind - 1]);
    }
}

/* Options and words in any order; "-" is a word. */
static ctl_exit_t split(ctl_t *ctl, int argc, const char *const *argv,
                        apr_array_header_t *words)
{
    const apr_getopt_option_t *table = getopt_table(ctl->pool);
    apr_table_t *given = apr_table_make(ctl->pool, 8);
    ctl_exit_t code = CTL_OK;
    apr_getopt_t *os;

    apr_getopt_init(&os, ctl->pool, argc, argv);
    os->errfn = NULL;
    while (code == CTL_OK && (*os->place || os->ind < argc)) {
        if (!*os->place &&
            (os->argv[os->ind][0] != '-' || os->argv[os->ind][1] == '\0')) {
            APR_ARRAY_PUSH(words, const char *) = os->argv[os->ind++];
        } else {
            code = next_option(os, table, given, words);
        }
    }
    ctl->options = given;
    return code;
}

static ctl_exit_t check(const ctl_t *ctl, const ctl_command_t *command)
{
    if (ctl->arg_count < command->min_args ||
        ctl->arg_count > command->max_args) {
        return ctl_usage("usage: fcachectl %s %s", command->name,
                         command->args);
    }
    for (size_t i = 0; i < OPTIONS; i++) {
        if (ctl_option(ctl, options[i].name) &&
            !strchr(command->options, options[i].letter) &&
            !strchr(ALWAYS, options[i].letter)) {
            return ctl_usage("'%s' takes no --%s", command->name,
                             options[i].name);
        }
    }
    return CTL_OK;
}

ctl_exit_t ctl_parse(ctl_t *ctl, int argc, const char *const *argv,
                     const ctl_command_t **out_command)
{
    apr_array_header_t *words =
        apr_array_make(ctl->pool, 4, sizeof(const char *));
    const ctl_command_t *command;
    const void *elts;
    ctl_exit_t code = split(ctl, argc, argv, words);

    *out_command = NULL;
    if (code != CTL_OK) {
        return code;
    }
    if (words->nelts == 0) {
        if (ctl_option(ctl, "help")) {
            print_help(NULL);
            return CTL_OK;
        }
        return ctl_usage("no command given");
    }
    elts = words->elts;
    ctl->args = elts;
    command = find_command(ctl->args[0]);
    if (!command) {
        return ctl_usage("no command '%s'", ctl->args[0]);
    }
    ctl->args++;
    ctl->arg_count = words->nelts - 1;
    if (!command->run) {
        print_help(ctl->arg_count ? find_command(ctl->args[0]) : NULL);
        return CTL_OK;
    }
    if (ctl_option(ctl, "help")) {
        print_help(command);
        return CTL_OK;
    }
    code = check(ctl, command);
    if (code == CTL_OK) {
        *out_command = command;
    }
    return code;
}
