/* SPDX-License-Identifier: Apache-2.0 */
#include "vary.h"

#include <fcache/entry.h>

#include "check.h"
#include "messages.h"

#define R(name) FCACHE_REASON_##name

static void names(void **state)
{
    static const struct {
        const char *fields, *names;
        fcache_status_t status;
        fcache_reason_t why;
    } rows[] = {
        /* RFC 9111 §4.1, RFC 9110 §12.5.5 */
        {"", "", FCACHE_OK, R(NONE)},
        {"Vary:", "", FCACHE_OK, R(NONE)},
        {"Vary: Foo", "foo ", FCACHE_OK, R(NONE)},
        {"Vary: Foo, bar , BAZ", "bar baz foo ", FCACHE_OK, R(NONE)},
        {"Vary: b\nX: y\nvary: a", "a b ", FCACHE_OK, R(NONE)},
        {"Vary: foo, FOO, Foo", "foo ", FCACHE_OK, R(NONE)},
        {"Vary: ,, a,", "a ", FCACHE_OK, R(NONE)},
        {"Vary: ab, a, abc", "a ab abc ", FCACHE_OK, R(NONE)},
        /* T17 */
        {"Content-Encoding: gzip", "accept-encoding ", FCACHE_OK, R(NONE)},
        {"Content-Encoding: br\nVary: Accept-Encoding, a", "a accept-encoding ",
         FCACHE_OK, R(NONE)},
        {"Content-Encoding:", "", FCACHE_OK, R(NONE)},
        /* T12 */
        {"Vary: *", "", FCACHE_BAD_INPUT, R(VARY_ANY)},
        {"Vary: a, *", "", FCACHE_BAD_INPUT, R(VARY_ANY)},
        {"Vary: *, a", "", FCACHE_BAD_INPUT, R(VARY_ANY)},
        {"Vary:\nVary: *", "", FCACHE_BAD_INPUT, R(VARY_ANY)},
        {"Vary: a b\nVary: *", "", FCACHE_BAD_INPUT, R(VARY_ANY)},
        {"Vary: a b", "", FCACHE_BAD_INPUT, R(VARY_BAD)},
        {"Vary: a;b", "", FCACHE_BAD_INPUT, R(VARY_BAD)},
        {"Vary: \"a\"", "", FCACHE_BAD_INPUT, R(VARY_BAD)},
        {"Vary: a\x01", "", FCACHE_BAD_INPUT, R(VARY_BAD)},
        {"Vary: p,o,n,m,l,k,j,i,h,g,f,e,d,c,b,a",
         "a b c d e f g h i j k l m n o p ", FCACHE_OK, R(NONE)},
        {"Vary: p,o,n,m,l,k,j,i,h,g,f,e,d,c,b,a,A,B",
         "a b c d e f g h i j k "
         "l m n o p ",
         FCACHE_OK, R(NONE)},
        {"Vary: q,p,o,n,m,l,k,j,i,h,g,f,e,d,c,b,a", "", FCACHE_TOO_LARGE,
         R(VARY_BAD)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_buf_t buf;
        fcache_reason_t why = R(NONE);
        fcache_bytes_t name;
        size_t offset = 0;
        char shown[128] = "";
        ROW(i, rows[i].fields);
        fcache_buf_init(&buf, 4096);
        CHECK_INT(fcache_vary_names(fields_of(&m, rows[i].fields), &buf, &why),
                  rows[i].status);
        CHECK_INT(why, rows[i].why);
        while (fcache_entry_list_next(fcache_buf_bytes(&buf), &offset, &name) ==
               1) {
            size_t len = strlen(shown);
            snprintf(shown + len, sizeof shown - len, "%.*s ", (int)name.len,
                     name.ptr);
        }
        CHECK_TEXT(fcache_str(shown), rows[i].names);
        fcache_buf_fini(&buf);
    }
}

/* What was in the buffer stays as it was when the list does not fit. */
static void ceiling(void **state)
{
    message_t m;
    fcache_buf_t buf;
    fcache_reason_t why;
    (void)state;
    fcache_buf_init(&buf, 12);
    assert_int_equal(fcache_buf_append(&buf, fcache_str("12345")), FCACHE_OK);
    assert_int_equal(
        fcache_vary_names(fields_of(&m, "Vary: ab, cdefghijk"), &buf, &why),
        FCACHE_TOO_LARGE);
    assert_int_equal(why, R(VARY_BAD));
    CHECK_TEXT(fcache_buf_bytes(&buf), "12345");
    assert_int_equal(fcache_vary_names(fields_of(&m, "Vary: a"), &buf, NULL),
                     FCACHE_OK);
    fcache_buf_fini(&buf);
}

static void long_names(void **state)
{
    char text[6 + 257 + 1] = "Vary: ";
    message_t m;
    fcache_buf_t buf;
    (void)state;
    fcache_buf_init(&buf, 1024);
    memset(text + 6, 'a', 256);
    text[6 + 256] = '\0';
    assert_int_equal(fcache_vary_names(fields_of(&m, text), &buf, NULL),
                     FCACHE_OK);
    memset(text + 6, 'a', 257);
    text[6 + 257] = '\0';
    assert_int_equal(fcache_vary_names(fields_of(&m, text), &buf, NULL),
                     FCACHE_BAD_INPUT);
    assert_int_equal(fci_vary_normalise(fcache_bytes(text + 6, 257),
                                        fields_of(&m, text), &buf),
                     FCACHE_TOO_LARGE);
    fcache_buf_fini(&buf);
}

/* ---- values -------------------------------------------------------------- */

#define ABSENT "(absent)"

static void check_value(const char *name, const char *fields,
                        const char *wanted)
{
    message_t m;
    fcache_buf_t buf;
    fcache_buf_init(&buf, 1024);
    fcache_status_t status =
        fci_vary_normalise(fcache_str(name), fields_of(&m, fields), &buf);
    if (status == FCACHE_MISS) {
        CHECK_INT(fcache_buf_append(&buf, fcache_str(ABSENT)), FCACHE_OK);
    } else {
        CHECK_INT(status, FCACHE_OK);
    }
    CHECK_TEXT(fcache_buf_bytes(&buf), wanted);
    fcache_buf_fini(&buf);
}

static const struct {
    const char *name, *fields, *value;
} values_rows[] = {
    /* RFC 9111 §4.1: lines joined, blanks folded, the rest kept */
    {"foo", "", ABSENT},
    {"foo", "Foo:", ""},
    {"foo", "Foo: ,", ""},
    {"foo", "Foo: a", "a"},
    {"foo", "foo:  a , b ", "a,b"},
    {"foo", "Foo: a\nFoo: b", "a,b"},
    {"foo", "Foo: b, a", "b,a"},
    {"foo", "Foo: A", "A"},
    {"foo", "Foo: \"a , b\" , c", "\"a , b\",c"},
    {"foo", "Foo: a  b", "a  b"},
    {"cookie", "Cookie: a=b; c=d", "a=b; c=d"},
    {"user-agent", "User-Agent: X (a, like B)", "X (a,like B)"},
    /* RFC 9110 §12.5.4: heaviest first, equals in any order */
    {"accept-language", "", ABSENT},
    {"accept-language", "Accept-Language:", ""},
    {"accept-language", "Accept-Language: en, de", "de,en"},
    {"accept-language", "Accept-Language: de,en", "de,en"},
    {"accept-language", "Accept-Language: eN ,  De", "de,en"},
    {"accept-language", "Accept-Language: en;q=0.5, de", "de,en;q=0.500"},
    {"accept-language", "Accept-Language: en ; Q=0.50 ,de;q=1.0",
     "de,en;q=0.500"},
    {"accept-language", "Accept-Language: a;q=0.1\nAccept-Language: b",
     "b,a;q=0.100"},
    {"accept-language", "Accept-Language: a;q=0, b;q=0.001",
     "b;q=0.001,a;q=0.000"},
    {"accept-language", "Accept-Language: b;q=0.2,a;q=0.20",
     "a;q=0.200,b;q=0.200"},
    /* a bad weight: nothing is known of the order */
    {"accept-language", "Accept-Language: En;q=2, de", "en;q=2,de"},
    {"accept-language", "Accept-Language: en;q=, de", "en;q=,de"},
    {"accept-language", "Accept-Language: en;q=0.1234, de", "en;q=0.1234,de"},
    {"accept-language", "Accept-Language: en;q=1.001, de", "en;q=1.001,de"},
    {"accept-language", "Accept-Language: en;q=0.-1, de", "en;q=0.-1,de"},
    {"accept-language", "Accept-Language: en;q=00, de", "en;q=00,de"},
    {"accept-charset", "Accept-Charset: UTF-8, *;q=0.5", "utf-8,*;q=0.500"},
    /* §12.5.1: parameters keep their case */
    {"accept", "Accept: Text/HTML ; Level=A, */*;q=0.1",
     "text/html;Level=A,*/*;q=0.100"},
    {"accept", "Accept: a/b, c/d;q=0.9;x=\"1;2, 3\"",
     "a/b,c/d;x=\"1;2, 3\";q=0.900"},
    {"accept", "Accept: b/b,a/a", "a/a,b/b"},
    {"accept", "Accept: A/A;x=\"; q=0.3\"", "a/a;x=\"; q=0.3\""},
    {"accept", "Accept: A/A;x=\"\\\"; q=0.3\" ;y", "a/a;x=\"\\\"; q=0.3\";y"},
    /* §12.5.3, T17: what the client takes of what we know */
    {"accept-encoding", "", ABSENT},
    {"accept-encoding", "Accept-Encoding:", "identity"},
    {"accept-encoding", "Accept-Encoding: gzip", "gzip,identity"},
    {"accept-encoding", "Accept-Encoding: x-gzip", "gzip,identity"},
    {"accept-encoding", "Accept-Encoding: GZIP, Br", "br,gzip,identity"},
    {"accept-encoding", "Accept-Encoding: gzip, deflate, br, zstd",
     "br,deflate,gzip,identity,zstd"},
    {"accept-encoding", "Accept-Encoding: zstd;q=0.1,br;q=1",
     "br,identity,zstd"},
    {"accept-encoding", "Accept-Encoding: gzip\naccept-encoding: br",
     "br,gzip,identity"},
    {"accept-encoding", "Accept-Encoding: identity", "identity"},
    /* the origin may know what we do not, so it selects */
    {"accept-encoding", "Accept-Encoding: foo", "foo"},
    {"accept-encoding", "Accept-Encoding: foo;q=0, gzip", "gzip,identity"},
    {"accept-encoding", "Accept-Encoding: Foo, gzip", "foo,gzip"},
    {"accept-encoding", "Accept-Encoding: gzip;q=0", "identity"},
    {"accept-encoding", "Accept-Encoding: gzip;q=0.000, br", "br,identity"},
    {"accept-encoding", "Accept-Encoding: gzip, gzip;q=0", "identity"},
    {"accept-encoding", "Accept-Encoding: *",
     "br,deflate,gzip,identity,zstd,*"},
    {"accept-encoding", "Accept-Encoding: *, gzip;q=0",
     "br,deflate,identity,zstd,*"},
    {"accept-encoding", "Accept-Encoding: gzip, *;q=0", "gzip"},
    {"accept-encoding", "Accept-Encoding: identity;q=0, gzip", "gzip"},
    {"accept-encoding", "Accept-Encoding: *;q=0", ""},
    /* ATS CVE-2024-35296: malformed is not special, but the origin sees it */
    {"accept-encoding", "Accept-Encoding: gzip;q=2", "gzip;q=2"},
    {"accept-encoding", "Accept-Encoding: gzip;q=x, br", "gzip;q=x,br"},
    {"accept-encoding", "Accept-Encoding: br, \"gzip\"", "br,\"gzip\""},
    {"accept-encoding", "Accept-Encoding: gzip br", "gzip br"},
    {"accept-encoding", "Accept-Encoding: ;q=1", ";q=1"},
};

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(values_rows); i++) {
        ROW(i, values_rows[i].fields);
        check_value(values_rows[i].name, values_rows[i].fields,
                    values_rows[i].value);
    }
}

/* T17: who takes different codings never shares, for all sets of them. */
static void codings_never_mix(void **state)
{
    static const char *const codings[] = {"br", "deflate", "gzip", "zstd"};
    char seen[16][64];
    (void)state;
    for (unsigned set = 0; set < 16; set++) {
        message_t m;
        fcache_buf_t buf;
        char text[128] = "Accept-Encoding: ";
        fcache_buf_init(&buf, 64);
        for (unsigned i = 0; i < 4; i++) {
            if (set & 1u << i) {
                strncat(text, codings[3 - i], 10);
                strncat(text, ", ", 3);
            }
        }
        assert_int_equal(fci_vary_normalise(fcache_str("accept-encoding"),
                                            fields_of(&m, text), &buf),
                         FCACHE_OK);
        snprintf(seen[set], sizeof seen[set], "%.*s", (int)buf.len, buf.ptr);
        for (unsigned other = 0; other < set; other++) {
            assert_string_not_equal(seen[set], seen[other]);
        }
        fcache_buf_fini(&buf);
    }
}

/* More elements than are put in order keep their own. */
static void long_lists(void **state)
{
    char text[512] = "Accept-Language: ";
    char wanted[512] = "";
    (void)state;
    for (int i = 0; i < 33; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "z%d, ", 99 - i);
        len = strlen(wanted);
        snprintf(wanted + len, sizeof wanted - len, "%sz%d", i ? "," : "",
                 99 - i);
    }
    check_value("accept-language", text, wanted);
}

static void value_ceiling(void **state)
{
    static const struct {
        const char *name, *fields;
    } rows[] = {
        {"foo", "Foo: 12345678901"},
        {"foo", "Foo: 123456789,1"},
        {"accept", "Accept: 12345678901"},
        {"accept", "Accept: 123;q=0.1"},
        {"accept", "Accept: 12345;6789a"},
        {"accept-encoding", "Accept-Encoding: br"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        fcache_buf_t buf;
        ROW(i, rows[i].fields);
        fcache_buf_init(&buf, 10);
        CHECK_INT(fci_vary_normalise(fcache_str(rows[i].name),
                                     fields_of(&m, rows[i].fields), &buf),
                  FCACHE_TOO_LARGE);
        fcache_buf_fini(&buf);
    }
}

/* RFC 9110 §12.5.4: only what is wanted before all others. */
static void the_language_wanted_most(void **state)
{
    static const struct {
        const char *fields, *language;
    } rows[] = {
        {"Accept-Language: de", "de"},
        {"Accept-Language: DE-ch", "de-ch"},
        {"Accept-Language: fr;q=0.5, de;q=1.0", "de"},
        {"Accept-Language: fr;q=0.5 , de ; q=0.6", "de"},
        {"Accept-Language: fr;q=0.5\nAccept-Language: de", "de"},
        {"Accept-Language: en, de", ""},
        {"Accept-Language: en;q=0.5, de;q=0.5, fr;q=0.1", ""},
        {"Accept-Language: de;q=0", ""},
        {"Accept-Language: *", ""},
        {"Accept-Language: *, de;q=0.5", ""},
        {"Accept-Language: de, *;q=0.5", "de"},
        {"Accept-Language: de;q=2", ""},
        {"Accept-Language: de;q=0.5, fr;q=x", ""},
        {"Accept-Language: d e", ""},
        {"Accept-Language: ;q=1", ""},
        {"Accept-Language:", ""},
        {"Accept: de", ""},
        {"", ""},
    };
    char out[FCI_MAX_LANGUAGE];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        message_t m;
        ROW(i, rows[i].fields);
        size_t len = fci_vary_language(fields_of(&m, rows[i].fields), out);
        CHECK_TEXT(fcache_bytes(out, len), rows[i].language);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(ceiling),
        cmocka_unit_test(long_names),
        cmocka_unit_test(values),
        cmocka_unit_test(codings_never_mix),
        cmocka_unit_test(long_lists),
        cmocka_unit_test(value_ceiling),
        cmocka_unit_test(the_language_wanted_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
