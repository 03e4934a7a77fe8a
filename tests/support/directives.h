/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DIRECTIVES_H
#define TESTS_DIRECTIVES_H

/* Parsed cache directives as one line of text, for comparing. */

#include <fcache/http.h>

#include <stdio.h>

static inline void show_number(char *out, size_t size, const char *name,
                               int64_t number)
{
    size_t len = strlen(out);
    if (number != FCACHE_NO_DELTA) {
        snprintf(out + len, size - len, " %s=%lld", name, (long long)number);
    }
}

static inline void show_list(char *out, size_t size, const char *name,
                             fcache_bytes_t list)
{
    size_t len = strlen(out);
    if (list.ptr) {
        snprintf(out + len, size - len, " %s(%.*s)", name, (int)list.len,
                 list.ptr);
    }
}

/* " no-store max-age=5 no-cache(a, b)": flags, numbers, lists. */
static inline void show_directives(const fcache_cc_t *cc, char *out,
                                   size_t size)
{
    static const struct {
        unsigned flag;
        const char *name;
    } flags[] = {
        {FCACHE_CC_NO_STORE, "no-store"},
        {FCACHE_CC_NO_CACHE, "no-cache"},
        {FCACHE_CC_PRIVATE, "private"},
        {FCACHE_CC_PUBLIC, "public"},
        {FCACHE_CC_MUST_REVALIDATE, "must-revalidate"},
        {FCACHE_CC_PROXY_REVALIDATE, "proxy-revalidate"},
        {FCACHE_CC_MUST_UNDERSTAND, "must-understand"},
        {FCACHE_CC_NO_TRANSFORM, "no-transform"},
        {FCACHE_CC_ONLY_IF_CACHED, "only-if-cached"},
        {FCACHE_CC_IMMUTABLE, "immutable"},
    };
    out[0] = '\0';
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        size_t len = strlen(out);
        if (cc->flags & flags[i].flag) {
            snprintf(out + len, size - len, " %s", flags[i].name);
        }
    }
    show_number(out, size, "max-age", cc->max_age_s);
    show_number(out, size, "s-maxage", cc->s_maxage_s);
    show_number(out, size, "min-fresh", cc->min_fresh_s);
    show_number(out, size, "max-stale", cc->max_stale_s);
    show_number(out, size, "swr", cc->stale_while_revalidate_s);
    show_number(out, size, "sie", cc->stale_if_error_s);
    show_list(out, size, "no-cache", cc->no_cache_fields);
    show_list(out, size, "private", cc->private_fields);
}

#endif
