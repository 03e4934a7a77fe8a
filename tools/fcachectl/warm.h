/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHECTL_WARM_H
#define FCACHECTL_WARM_H

/*
 * fcachectl warm: asks for URLs, so that the cache has them.
 *
 *   warm.c      options, counts, the summary
 *   urls.c      lists and access logs become URLs, each once
 *   fetch.c     asks for them: some at a time, not too fast
 *   verdict.c   what the cache said about an answer
 *   progress.c  a bar, on a terminal
 */

#include "fcachectl.h"

#include <apr_hash.h>

#include <signal.h>

/* ---- urls.c ----------------------------------------------------------------
 */

typedef struct ctl_urls_t {
    apr_array_header_t *list; /* const char *, as they first came */
    apr_hash_t *seen;
    const char *base; /* "http://host", or NULL */
    int64_t repeated; /* came before */
    int64_t skipped;  /* lines of logs that are no GET that went well */
} ctl_urls_t;

/* Nothing yet; `base` is --base, or NULL. */
ctl_exit_t ctl_urls_init(ctl_t *ctl, const char *base, ctl_urls_t *out_urls);

/* Adds what the file holds, "-" being standard input. An error names file and
 * line. */
ctl_exit_t ctl_urls_read(ctl_t *ctl, const char *file, ctl_urls_t *urls);

/* ---- verdict.c -------------------------------------------------------------
 */

typedef struct ctl_said_t {
    fcache_verdict_t verdict;
    int is_known;  /* there is a verdict */
    int is_ours;   /* X-FCache said it, and so Cache-Status is not asked */
    int is_stored; /* Cache-Status has it */
} ctl_said_t;

/* Takes a line of an answer's head into account. Of Cache-Status (RFC 9211) the
 * member nearest to us counts. */
void ctl_said_line(ctl_said_t *said, fcache_bytes_t line);

/* ---- fetch.c ---------------------------------------------------------------
 */

/* How a request ended. */
typedef struct ctl_fetched_t {
    const char *url;
    const char *fault; /* why there is no answer, or NULL; a text that stays */
    long status;       /* the answer's */
    ctl_said_t said;
} ctl_fetched_t;

typedef struct ctl_fetch_t {
    const char *const *urls;
    int url_count;
    fcache_fields_t fields; /* of each request */
    long parallel;
    long rate; /* requests begun in a second, 0 for any number */
    int64_t timeout_us;
    volatile sig_atomic_t *stop; /* end, as soon as it is set */
    void (*on_end)(void *baton, const ctl_fetched_t *fetched);
    void (*on_turn)(void *baton); /* ten times a second, or more often */
    void *baton;
} ctl_fetch_t;

/* Asks for all of them. CTL_OK also when some failed. */
ctl_exit_t ctl_fetch(ctl_t *ctl, const ctl_fetch_t *fetch);

/* ---- progress.c ------------------------------------------------------------
 */

typedef struct ctl_progress_t {
    int64_t done;
    int64_t total;
    int64_t failed;
    int64_t drawn_us;
} ctl_progress_t;

/* Draws the bar if standard error is a terminal, at most ten times a second, and
 * when all is done. */
void ctl_progress_draw(ctl_progress_t *progress);

/* Takes it away, so that a line may be written. */
void ctl_progress_clear(void);

#endif
