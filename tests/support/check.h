/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

/* What table-driven tests share: cmocka, its includes, and rows that say which
 * one failed. */

#include <fcache/bytes.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The row under test, printed by the checks below when they fail. */
static struct {
    size_t number;
    const char *name;
} check_row;

#define ROW(i, text) (check_row.number = (i), check_row.name = (text))

static inline void check_int(long long got, long long wanted, const char *what,
                             const char *file, int line)
{
    if (got != wanted) {
        print_error("row %zu (%s): %s is %lld, not %lld\n", check_row.number,
                    check_row.name ? check_row.name : "", what, got, wanted);
        _fail(file, line);
    }
}

static inline void check_text(fcache_bytes_t got, const char *wanted,
                              const char *what, const char *file, int line)
{
    if (!fcache_bytes_equal(got, fcache_str(wanted))) {
        print_error("row %zu (%s): %s is \"%.*s\", not \"%s\"\n",
                    check_row.number, check_row.name ? check_row.name : "",
                    what, (int)got.len, got.ptr ? got.ptr : "", wanted);
        _fail(file, line);
    }
}

#define CHECK_INT(got, wanted)                                                 \
    check_int((long long)(got), (long long)(wanted), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, wanted)                                                \
    check_text((got), (wanted), #got, __FILE__, __LINE__)

#endif
