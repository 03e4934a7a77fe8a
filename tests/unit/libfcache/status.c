/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/status.h>

#include "check.h"

static void names_texts_and_faults(void **state)
{
    static const struct {
        fcache_status_t status;
        const char *name, *text;
        int is_fault;
    } rows[] = {
        {FCACHE_OK, "OK", "ok", 0},
        {FCACHE_MISS, "MISS", "not found", 0},
        {FCACHE_TOO_LARGE, "TOO_LARGE", "too large", 0},
        {FCACHE_UNAVAILABLE, "UNAVAILABLE", "store unavailable", 1},
        {FCACHE_CORRUPT, "CORRUPT", "entry corrupt", 1},
        {FCACHE_NO_MEMORY, "NO_MEMORY", "out of memory", 1},
        {(fcache_status_t)99, "?", "?", 1},
        {(fcache_status_t)-1, "?", "?", 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ROW(i, rows[i].name);
        assert_string_equal(fcache_status_name(rows[i].status), rows[i].name);
        assert_string_equal(fcache_status_text(rows[i].status), rows[i].text);
        assert_int_equal(fcache_status_is_fault(rows[i].status),
                         rows[i].is_fault);
    }
}

static void error_text_is_cut_to_fit(void **state)
{
    fcache_error_t error;
    char text[300];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(fcache_error_set(&error, FCACHE_TIMEOUT, "%s", text),
                     FCACHE_TIMEOUT);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_int_equal(fcache_error_set(NULL, FCACHE_MISS, "%d", 1), FCACHE_MISS);
    assert_int_equal(fcache_error_set(&error, FCACHE_BAD_INPUT, "word %d", 7),
                     FCACHE_BAD_INPUT);
    assert_string_equal(error.text, "word 7");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_texts_and_faults),
        cmocka_unit_test(error_text_is_cut_to_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
