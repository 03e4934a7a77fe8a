/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 32

/* ---- numbers ------------------------------------------------------------- */

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static double grown(const json_t *before, const json_t *now, const char *name)
{
    json_int_t then = number(before, name);
    json_int_t value = number(now, name);

    return (double)(value < then ? value : value - then);
}

/* null when there was none. */
static json_t *share(double part, double all)
{
    return all > 0 ? json_real(part / all) : json_null();
}

static void copy_string(json_t *to, const char *as, const json_t *from,
                        const char *name)
{
    json_t *value = json_object_get(from, name);

    json_object_set(to, as, json_is_string(value) ? value : json_null());
}

/* The object of that name in an array, or NULL. */
static json_t *find(const json_t *rows, json_t *name)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        if (json_equal(json_object_get(row, "name"), name)) {
            return row;
        }
    }
    return NULL;
}

/* ---- stores -------------------------------------------------------------- */

static json_t *store_rates(const json_t *before, const json_t *now, double s)
{
    const json_t *then = json_object_get(before, "stats");
    const json_t *stats = json_object_get(now, "stats");
    double hits = grown(then, stats, "hits");
    double misses = grown(then, stats, "misses");
    json_t *row = json_object();

    copy_string(row, "store", now, "name");
    json_object_set_new(row, "hits_per_s", json_real(hits / s));
    json_object_set_new(row, "misses_per_s", json_real(misses / s));
    json_object_set_new(row, "hit_ratio", share(hits, hits + misses));
    json_object_set_new(row, "puts_per_s",
                        json_real(grown(then, stats, "puts") / s));
    json_object_set_new(row, "purges_per_s",
                        json_real(grown(then, stats, "clears") / s));
    json_object_set_new(row, "faults_per_s",
                        json_real(grown(then, stats, "faults") / s));
    json_object_set_new(row, "entries", json_integer(number(stats, "entries")));
    json_object_set_new(row, "bytes",
                        json_integer(number(stats, "bytes_used")));
    copy_string(row, "error", now, "error");
    return row;
}

static json_t *stores(const json_t *before, const json_t *now, double s)
{
    const json_t *then = json_object_get(before, "stores");
    json_t *rows = json_array();
    json_t *store;
    size_t i;

    json_array_foreach(json_object_get(now, "stores"), i, store)
    {
        json_array_append_new(
            rows,
            store_rates(find(then, json_object_get(store, "name")), store, s));
    }
    return rows;
}

/* ---- namespaces ---------------------------------------------------------- */

static json_t *namespace_rates(const json_t *before, const json_t *now,
                               double s)
{
    static const char *const counters[] = {"requests",    "hits",   "stale",
                                           "revalidated", "misses", "bypassed",
                                           "errors",      "stores"};
    double spared = grown(before, now, "hits") + grown(before, now, "stale");
    double asked =
        grown(before, now, "misses") + grown(before, now, "revalidated");
    json_t *row = json_object();

    copy_string(row, "namespace", now, "name");
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        char name[NAME_MAX_BYTES];

        snprintf(name, sizeof(name), "%s_per_s", counters[i]);
        json_object_set_new(row, name,
                            json_real(grown(before, now, counters[i]) / s));
    }
    json_object_set_new(row, "hit_ratio", share(spared, spared + asked));
    return row;
}

/* What a store holds has no rates. */
static json_t *namespaces(const json_t *before, const json_t *now, double s)
{
    const json_t *then = json_object_get(before, "namespaces");
    json_t *rows = json_array();
    json_t *ns;
    size_t i;

    json_array_foreach(json_object_get(now, "namespaces"), i, ns)
    {
        json_t *name = json_object_get(ns, "name");

        json_array_append_new(rows,
                              name ? namespace_rates(find(then, name), ns, s)
                                   : json_deep_copy(ns));
    }
    return rows;
}

static double rank(const json_t *row)
{
    json_t *requests = json_object_get(row, "requests_per_s");

    return json_number_value(requests ? requests
                                      : json_object_get(row, "bytes"));
}

typedef struct ranked_t {
    json_t *row;
    size_t at; /* where it was, so that equals stay in order */
} ranked_t;

static int by_rank(const void *a, const void *b)
{
    const ranked_t *left = a;
    const ranked_t *right = b;
    double more = rank(right->row) - rank(left->row);

    if (more != 0) {
        return more > 0 ? 1 : -1;
    }
    return left->at < right->at ? -1 : left->at > right->at;
}

static json_t *sorted(json_t *rows)
{
    size_t count = json_array_size(rows);
    ranked_t *ranked = calloc(count + 1, sizeof(*ranked));
    json_t *array = json_array();

    for (size_t i = 0; ranked && i < count; i++) {
        ranked[i] = (ranked_t){json_array_get(rows, i), i};
    }
    if (ranked) {
        qsort(ranked, count, sizeof(*ranked), by_rank);
    }
    for (size_t i = 0; ranked && i < count; i++) {
        json_array_append(array, ranked[i].row);
    }
    free(ranked);
    json_decref(rows);
    return array;
}

json_t *ctl_rates(const json_t *before, const json_t *now, double seconds)
{
    return json_pack("{s:o, s:o}", "stores", stores(before, now, seconds),
                     "namespaces", sorted(namespaces(before, now, seconds)));
}
