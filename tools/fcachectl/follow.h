/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FCACHECTL_FOLLOW_H
#define FCACHECTL_FOLLOW_H

/*
 * fcachectl watch and top: what a cache does, again and again.
 *
 *   watch.c    a line for each store
 *   top.c      tables of stores and namespaces
 *   follow.c   the turns: ask, wait, ask, compare
 *   source.c   whom to ask: a server's admin handler, or a store in memory
 *   holdings.c what lies in a store
 *   rates.c    two answers compared
 */

#include "fcachectl.h"

/* ---- source.c --------------------------------------------------------------
 */

typedef struct ctl_source_t ctl_source_t;

/* The admin handler of --admin, or the store. `holdings`: also what each
 * namespace of a store holds. */
ctl_exit_t ctl_source_open(ctl_t *ctl, int holdings, ctl_source_t **out_source);

/*
 * {"stores": [{"name", "stats"}], "namespaces": [...]}, as docs/admin.md has it;
 * of a store's own namespaces {"prefix", "namespace", "entries", "stale",
 * "bytes"}. Otherwise NULL, after saying why.
 */
json_t *ctl_source_ask(ctl_t *ctl, ctl_source_t *source);

/* May an answer come after one that did not? */
int ctl_source_may_return(const ctl_source_t *source);

void ctl_source_close(ctl_source_t *source);

/* ---- holdings.c ------------------------------------------------------------
 */

/* What each namespace of the store holds, of at most 1000; faults of a look
 * through the whole store. */
fcache_status_t ctl_holdings(ctl_t *ctl, json_t **out_rows);

/* ---- rates.c ---------------------------------------------------------------
 */

/*
 * What happened in between: {"stores": [...], "namespaces": [...]}, the latter
 * with the most requests, or bytes, first. A counter that fell began again.
 */
json_t *ctl_rates(const json_t *before, const json_t *now, double seconds);

/* ---- follow.c --------------------------------------------------------------
 */

/* Shows {"time_s", "interval_s", "stores", "namespaces"}; the first turn is 0. */
typedef void (*ctl_show_fn)(const ctl_t *ctl, json_t *rates, long turn);

/* "12:00:59", here. */
json_t *ctl_clock(const json_t *time_s);

/* Shows what happens in each --interval, `count` times or, when 0, for ever. */
ctl_exit_t ctl_follow(ctl_t *ctl, int holdings, long count, ctl_show_fn show);

#endif
