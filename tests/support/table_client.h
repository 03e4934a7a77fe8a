/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TABLE_CLIENT_H
#define TESTS_TABLE_CLIENT_H

/*
 * A client of remote.h for unit tests: a list of names and values in this
 * process, which counts what is asked of it, fails on demand and can be tampered
 * with. It has one clock, or two, by the last character of an entry's name. One
 * thread at a time, or, without a hook, any.
 */

#include "remote/remote.h"

#include <pthread.h>

#define TABLE_ROWS   4096
#define TABLE_CLOCKS 2

typedef struct table_row_t {
    int used;
    char name[FCR_NAME_MAX + 1];
    char *value; /* owned */
    size_t len;
    uint64_t cas;
    int64_t ttl_us;
} table_row_t;

typedef struct table_t {
    pthread_mutex_t lock;
    table_row_t rows[TABLE_ROWS];
    uint64_t cas;
    int two_clocks;      /* set before create */
    int walks_values;    /* walk hands out values */
    int walks_twice;     /* and names twice */
    int clock_is_hidden; /* from the next fetch */
    int repeats;         /* each store is done twice, the second is answered */
    uint64_t max_value;
    fcache_status_t fail_fetch, fail_store, fail_remove, fail_tick, fail_census,
        fail_seed;
    unsigned fetches, names, stores, removes, ticks, seeds, distrusts;
    unsigned ticked; /* counters */
    /* Called once: before the next fetch or store is done; after the next fetch.
     */
    void (*hook)(void *baton);
    void (*after)(void *baton);
    void *hook_baton;
} table_t;

/* The table that stores are made of from now on, in the pool. */
table_t *table_create(apr_pool_t *pool);

extern const fcr_client_ops_t table_client;
extern const fcr_client_ops_t table_client_of_two;     /* clocks */
extern const fcr_client_ops_t table_client_that_keeps; /* what it has */
extern const fcache_backend_ops_t table_store_ops;

/* A store on it, created, opened and joined in the pool; options "a=b&c=d". The
 * same table may have several, like processes. NULL when refused. */
void *table_store(table_t *table, const fcr_client_ops_t *client,
                  const char *options, apr_pool_t *pool);

/* The row of that name, or NULL. Of a counter the copy of that clock. */
table_row_t *table_find(table_t *table, const char *name, unsigned clock_no);

/* Sets or, with NULL, removes it, behind the store's back. */
void table_set(table_t *table, const char *name, unsigned clock_no,
               fcache_bytes_t value);
void table_drop(table_t *table, const char *name, unsigned clock_no);

/* The clock as it stands, 0 for none. */
uint64_t table_clock(table_t *table, unsigned clock_no);

#endif
