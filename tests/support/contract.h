/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CONTRACT_H
#define TESTS_CONTRACT_H

/*
 * What every store must do, whatever it is made of. A store's program in
 * tests/contract/ runs the whole list with its URL. Each test opens the store
 * anew and uses a prefix of its own, so that it may be shared and kept.
 */

#include "check.h"

#include <fcache/cache.h>
#include <fcache/http.h>

#include <apr_pools.h>

#define CONTRACT_LIST(X)                                                       \
    /* contract_items.c */                                                     \
    X(what_is_absent_is_missed)                                                \
    X(what_is_put_is_got)                                                      \
    X(put_replaces)                                                            \
    X(keys_are_apart)                                                          \
    X(long_canonical_keys_are_fine)                                            \
    X(add_is_for_the_first)                                                    \
    X(deleted_is_gone)                                                         \
    X(items_die_at_their_time)                                                 \
    X(items_live_to_their_time)                                                \
    X(touch_moves_the_end)                                                     \
    X(what_is_listed_is_there)                                                 \
    X(listing_stops_when_told)                                                 \
    X(counters_count)                                                          \
    /* contract_bodies.c */                                                    \
    X(bodies_are_bytes)                                                        \
    X(pieces_are_put_together)                                                 \
    X(too_large_is_said)                                                       \
    X(pins_keep_what_they_pin)                                                 \
    /* contract_clears.c */                                                    \
    X(clear_all)                                                               \
    X(clear_prefix)                                                            \
    X(clear_namespace)                                                         \
    X(clear_tag)                                                               \
    X(soft_clear_leaves_it_stale)                                              \
    X(hard_clear_beats_soft)                                                   \
    X(older_than_a_clear_is_not_served)                                        \
    X(epochs_only_grow)                                                        \
    X(lists_clear_each_of_their_scopes)                                        \
    X(lists_name_scopes_twice)                                                 \
    X(empty_lists_clear_nothing)                                               \
    X(lists_may_be_long)                                                       \
    /* contract_cache.c */                                                     \
    X(values_go_through_the_cache)                                             \
    X(responses_go_through_the_cache)                                          \
    X(refreshed_from_its_own_pin)                                              \
    X(unfinished_responses_leave_nothing)                                      \
    X(variants_go_through_the_cache)                                           \
    X(variants_are_cleared_with_the_rest)                                      \
    X(variants_renew_after_a_soft_clear)                                       \
    /* contract_threads.c */                                                   \
    X(threads_see_whole_items)                                                 \
    X(threads_add_once)

/* Of stores that take bodies in pieces; contract_bodies.c */
#define CONTRACT_WRITERS_LIST(X)                                               \
    X(writers_of_known_length)                                                 \
    X(writers_of_unknown_length)                                               \
    X(writers_can_give_up)                                                     \
    X(unfinished_is_not_seen)

#define X(name) void contract_##name(void **state);
CONTRACT_LIST(X)
CONTRACT_WRITERS_LIST(X)
#undef X

#define CONTRACT_NOW (INT64_C(1800000000) * FCACHE_US_PER_S)

typedef struct contract_t {
    apr_pool_t *pool;
    const fcache_backend_ops_t *ops;
    void *self;
    fcache_t *cache; /* on it */
    char prefix[FCACHE_KEY_MAX_LABEL];
    char other_prefix[FCACHE_KEY_MAX_LABEL]; /* starts like the other */
} contract_t;

/* Runs the lists; the number of failures. `has_writers` says whether the store
 * takes bodies in pieces, and is checked. */
int contract_run(const char *url, int has_writers);

/* Said before contract_run: the store can list nothing, and has to say why. */
extern int contract_lists_nothing;

/* A key of `text` in a prefix and namespace, in the test's pool. */
fcache_key_t contract_key_in(contract_t *store, const char *prefix,
                             const char *ns, const char *text);

/* The same in the test's prefix and namespace "n". */
fcache_key_t contract_key(contract_t *store, const char *text);

/* What a put of `body` for ttl_s seconds from CONTRACT_NOW takes, of the
 * present epoch. `body` is the text whose view *out_body becomes. */
fcache_value_t contract_value(contract_t *store, const char *body,
                              int64_t ttl_s, fcache_bytes_t *out_body);

/* Puts, asserts that it went well. */
void contract_put(contract_t *store, const fcache_key_t *key, const char *body,
                  int64_t ttl_s);

/* Gets at `now_us`; when it is a hit, head and body must be those of
 * contract_put() with `body`. Releases. */
fcache_status_t contract_get(contract_t *store, const fcache_key_t *key,
                             int64_t now_us, const char *body);

/* All pieces of an item as one copy in the test's pool. */
fcache_bytes_t contract_body(contract_t *store, const fcache_item_t *item);

#endif
