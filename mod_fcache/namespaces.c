/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the requests of each namespace. A row belongs to a namespace that
 * the configuration names; no request can make one. Each worker counts in a lane of
 * its own, as far as there are lanes: no lock, and no line of memory that all write.
 */
#include "admin.h"

#include <apr_shm.h>
#include <apr_strings.h>

#include <stdatomic.h>

#define LANES      64 /* a power of two */
#define LINE       64 /* bytes of a cache line */
#define OTHER      (MFC_NAMESPACES - 1)
#define OTHER_NAME "(other)" /* no namespace can be called so */
#define STORED     (FCACHE_VERDICT_ERROR + 1)

typedef union cell_t {
    _Atomic uint64_t counts[MFC_TALLY_COUNT];
    char line[LINE];
} cell_t;

_Static_assert(sizeof(cell_t) == LINE, "a cell is a line");
_Static_assert(STORED + 1 == MFC_TALLY_COUNT, "a count for each verdict");

const mfc_tally_name_t mfc_tally_names[MFC_TALLY_COUNT] = {
#define X(name, text) {#name, text},
    MFC_TALLY_LIST(X)
#undef X
};

const mfc_namespace_t mfc_namespace_default = {{"default", 7}, 0};

/* Of LANES * MFC_NAMESPACES; set before fork, read by all threads. */
static cell_t *cells;

/* ---- the configuration --------------------------------------------------- */

const mfc_namespace_t *mfc_namespace_named(fcache_bytes_t name)
{
    apr_array_header_t *all = mfc_global()->namespaces;
    mfc_namespace_t *made;
    int i;

    for (i = 0; i < all->nelts; i++) {
        const mfc_namespace_t *one =
            APR_ARRAY_IDX(all, i, const mfc_namespace_t *);
        if (fcache_bytes_equal(one->name, name)) {
            return one;
        }
    }
    made = apr_palloc(all->pool, sizeof(*made));
    made->name = fcache_str(apr_pstrmemdup(all->pool, name.ptr, name.len));
    made->row = OTHER;
    if (all->nelts < OTHER) {
        made->row = (size_t)all->nelts;
        APR_ARRAY_PUSH(all, const mfc_namespace_t *) = made;
    }
    return made;
}

apr_status_t mfc_namespaces_create(apr_pool_t *pool)
{
    apr_shm_t *shm;
    /* zero already: the kernel gives it out so */
    apr_status_t status = apr_shm_create(
        &shm, sizeof(cell_t) * LANES * MFC_NAMESPACES + LINE, NULL, pool);

    if (status == APR_SUCCESS) {
        cells = (cell_t *)APR_ALIGN((uintptr_t)apr_shm_baseaddr_get(shm), LINE);
    }
    return status;
}

/* ---- counting ------------------------------------------------------------ */

/* A connection's id tells which worker of which child has it. */
static void count(const request_rec *r, const mfc_ctx_t *ctx, size_t what)
{
    unsigned long id = (unsigned long)r->connection->id;
    size_t lane = (id ^ id / LANES) % LANES;

    atomic_fetch_add_explicit(
        &cells[lane * MFC_NAMESPACES + ctx->conf->ns->row].counts[what], 1,
        memory_order_relaxed);
}

void mfc_namespaces_answered(const request_rec *r, const mfc_ctx_t *ctx)
{
    count(r, ctx, ctx->verdict);
}

void mfc_namespaces_stored(const request_rec *r, const mfc_ctx_t *ctx)
{
    count(r, ctx, STORED);
}

/* ---- looking ------------------------------------------------------------- */

static void add_up(mfc_tally_t *tally, size_t row)
{
    size_t lane;
    size_t i;

    for (lane = 0; lane < LANES; lane++) {
        cell_t *cell = &cells[lane * MFC_NAMESPACES + row];
        for (i = 0; i < MFC_TALLY_COUNT; i++) {
            tally->counts[i] +=
                atomic_load_explicit(&cell->counts[i], memory_order_relaxed);
        }
    }
    for (i = 0; i <= FCACHE_VERDICT_ERROR; i++) {
        tally->requests += tally->counts[i];
    }
}

double mfc_tally_hit_ratio(const mfc_tally_t *tally)
{
    uint64_t hits =
        tally->counts[FCACHE_VERDICT_HIT] + tally->counts[FCACHE_VERDICT_STALE];
    uint64_t all = hits + tally->counts[FCACHE_VERDICT_MISS] +
                   tally->counts[FCACHE_VERDICT_REVALIDATED];

    return all > 0 ? (double)hits / (double)all : -1;
}

/* Most requests first, then by name. */
static int compare(const void *a_void, const void *b_void)
{
    const mfc_tally_t *a = a_void;
    const mfc_tally_t *b = b_void;

    if (a->requests != b->requests) {
        return a->requests < b->requests ? 1 : -1;
    }
    return strcmp(a->name, b->name);
}

mfc_tally_t *mfc_namespaces_look(apr_pool_t *pool, size_t *out_count)
{
    const apr_array_header_t *all = mfc_global()->namespaces;
    size_t count = (size_t)all->nelts;
    mfc_tally_t *tallies = apr_pcalloc(pool, sizeof(*tallies) * (count + 1));
    size_t i;

    for (i = 0; i < count; i++) {
        tallies[i].name =
            APR_ARRAY_IDX(all, (int)i, const mfc_namespace_t *)->name.ptr;
        add_up(&tallies[i], i);
    }
    tallies[count].name = OTHER_NAME;
    add_up(&tallies[count], OTHER);
    count += tallies[count].requests + tallies[count].counts[STORED] > 0;
    qsort(tallies, count, sizeof(*tallies), compare);
    *out_count = count;
    return tallies;
}
