/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MFC_ADMIN_H
#define MFC_ADMIN_H

/*
 * The handler fcache-admin and the method PURGE: purges over HTTP, the stores'
 * numbers, and a page that shows both. Who may do so is httpd's affair (Require);
 * that somebody may not is seen to here, at start and with each request.
 */

#include "ctx.h"

#include <jansson.h>

/* ---- admin.c ------------------------------------------------------------- */

/* Is the request one for mfc_on_admin() or mfc_on_purge()? */
int mfc_is_admin(const request_rec *r);

/* ---- admin_auth.c -------------------------------------------------------- */

/* At start: does a Require that keeps somebody out stand beside each SetHandler
 * fcache-admin and FCachePurge on? Logs the first that has none. */
int mfc_auth_check(void);

/* Would the access control of this request let a stranger in: somebody without a
 * user, from anywhere, with no fields and no certificate? */
int mfc_auth_is_open(request_rec *r);

/* Does a page of another site make the browser send it? */
int mfc_auth_is_foreign(const request_rec *r);

/* ---- admin_request.c ----------------------------------------------------- */

#define MFC_PURGES_MAX 64 /* in one request */

/* What a request wants to be purged; views into its JSON. */
typedef struct mfc_order_t {
    fcache_purge_t purges[MFC_PURGES_MAX];
    size_t count;
    const mfc_store_t *store; /* NULL: that of the scope */
} mfc_order_t;

/* The order in a request's body or, with DELETE, in its query. OK, or the status
 * to answer with, and *out_why. */
int mfc_order_read(request_rec *r, mfc_order_t *out_order,
                   const char **out_why);

/* ---- admin_purge.c ------------------------------------------------------- */

/* Does what was ordered and answers with what it did. */
int mfc_purge_answer(request_rec *r, const mfc_order_t *order);

/* Sends {"error": why} with that status. */
int mfc_purge_refuse(request_rec *r, int status, const char *why);

/* Sends the value and frees it. */
int mfc_json_send(request_rec *r, json_t *value);

/* ---- admin_shared.c: what the processes of a server know together -------- */

#define MFC_RECENT  32
#define MFC_HISTORY 720

typedef struct mfc_recent_t {
    apr_time_t when;
    int soft;
    int failed; /* some of it may be done */
    char kind[12];
    char value[160]; /* the first bytes of it */
    char store[40];
    char by[48]; /* user, or address */
} mfc_recent_t;

typedef struct mfc_sample_t {
    apr_time_t when;
    uint64_t hits;
    uint64_t misses;
} mfc_sample_t;

/* Once per configuration, before fork. */
apr_status_t mfc_shared_create(apr_pool_t *pool);

/* May one more purge be made in this second? */
int mfc_shared_admit(apr_time_t now);

void mfc_shared_note(const mfc_recent_t *recent);

/* Keeps a sample if the last one is old enough. */
void mfc_shared_sample(const mfc_sample_t *sample);

/* The newest first; how many. */
size_t mfc_shared_recent(mfc_recent_t out[MFC_RECENT]);
/* The oldest first; how many. */
size_t mfc_shared_history(mfc_sample_t out[MFC_HISTORY]);

/* ---- stores.c: the numbers of all stores --------------------------------- */

typedef struct mfc_seen_t {
    const mfc_store_t *store;
    fcache_stats_t stats;
    fcache_error_t error; /* empty: all was counted */
} mfc_seen_t;

/* Asks each store; in the request's pool. */
mfc_seen_t *mfc_stores_look(request_rec *r, int *out_count);

/* A row of FCACHE_STATS_LIST. */
typedef struct mfc_number_t {
    const char *name;
    char kind; /* 'c' counter, 'g' gauge */
    const char *text;
    size_t offset;
} mfc_number_t;

extern const mfc_number_t mfc_numbers[];
extern const size_t mfc_number_count;

uint64_t mfc_number_of(const mfc_seen_t *seen, const mfc_number_t *number);

/* ---- namespaces.c: the numbers of all namespaces ------------------------- */

/* name, what it counts; up to `errors` one for each of FCACHE_VERDICT_LIST, in its
 * order */
#define MFC_TALLY_LIST(X)                                                      \
    X(bypassed, "requests that went round the cache")                          \
    X(misses, "requests that the origin answered")                             \
    X(hits, "requests answered with what is fresh")                            \
    X(stale, "requests answered with what is stale")                           \
    X(revalidated, "requests answered with what the origin confirmed")         \
    X(errors, "requests for what is stored only, when nothing was")            \
    X(stores, "entries stored or renewed")

#define MFC_TALLY_COUNT 7

typedef struct mfc_tally_name_t {
    const char *name;
    const char *text;
} mfc_tally_name_t;

extern const mfc_tally_name_t mfc_tally_names[MFC_TALLY_COUNT];

typedef struct mfc_tally_t {
    const char *name; /* of the namespace */
    uint64_t requests;
    uint64_t counts[MFC_TALLY_COUNT];
} mfc_tally_t;

/* Once per configuration, before fork. */
apr_status_t mfc_namespaces_create(apr_pool_t *pool);

/* Each namespace that the configuration names, most requests first; in the pool. */
mfc_tally_t *mfc_namespaces_look(apr_pool_t *pool, size_t *out_count);

/* How many of the requests that used the cache did not ask the origin: 0 to 1, or
 * less than 0 when there were none. */
double mfc_tally_hit_ratio(const mfc_tally_t *tally);

/* ---- admin_show.c -------------------------------------------------------- */

int mfc_show_json(request_rec *r);
int mfc_show_prometheus(request_rec *r);
int mfc_show_page(request_rec *r);

/* page.html, made into C by the build. */
extern const char mfc_page[];
extern const size_t mfc_page_len;

#endif
