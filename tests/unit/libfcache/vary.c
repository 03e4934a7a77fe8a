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
        {"Vary: a, X-Forwarded-For", "", FCACHE_BAD_INPUT, R(VARY_ANY)},
        {"Vary: x-forwarded-fo", "x-forwarded-fo ", FCACHE_OK, R(NONE)},
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
    /* RFC 9111 §4.1: lines joined; of a list of tokens the blanks folded */
    {"foo", "", ABSENT},
    {"foo", "Foo:", ""},
    {"foo", "Foo: a", "a"},
    {"foo", "foo:  a , b ", "a,b"},
    {"foo", "Foo: a\nFoo: b", "a,b"},
    {"foo", "Foo: a\nBar: x\nFoo:\t1.5 ,c", "a,1.5,c"},
    {"foo", "Foo: b, a", "b,a"},
    {"foo", "Foo: A", "A"},
    /* T1: what an origin may tell apart is told apart */
    {"foo", "Foo: ,", ","},
    {"foo", "Foo: true,", "true,"},
    {"foo", "Foo: , true", ", true"},
    {"foo", "Foo: a,,b", "a,,b"},
    {"foo", "Foo: a\nFoo:", "a, "},
    {"foo", "Foo:\nFoo: a", ", a"},
    {"foo", "Foo: \"a , b\" , c", "\"a , b\" , c"},
    {"foo", "Foo: a  b", "a  b"},
    {"foo", "Foo: a b , c", "a b , c"},
    {"foo", "Foo: https://a.example/?x=1, 2", "https://a.example/?x=1, 2"},
    {"origin", "Origin: https://a.example", "https://a.example"},
    {"origin", "Origin: https://a.example,", "https://a.example,"},
    {"origin", "Origin: null , b", "null , b"},
    {"origin", "Origin: null\nOrigin: b", "null, b"},
    {"cookie", "Cookie: a=b; c=d", "a=b; c=d"},
    {"cookie", "Cookie: a , b", "a , b"},
    {"user-agent", "User-Agent: X (a, like B)", "X (a, like B)"},
    {"user-agent", "User-Agent: X (a,like B)", "X (a,like B)"},
    {"user-agent", "User-Agent: a , b", "a , b"},
    {"sec-fetch-mode", "Sec-Fetch-Mode: cors , cors", "cors , cors"},
    /* RFC 9110 §12.5.4: heaviest first, equals in any order */
    {"accept-language", "", ABSENT},
    {"accept-language", "Accept-Language:", ""},
    {"accept-language", "Accept-Language: en, de", "de,en"},
    {"accept-language", "Accept-Language: de,en", "de,en"},
    {"accept-language", "Accept-Language: eN ,  De", "de,en"},
    {"accept-language", "Accept-Language: en;q=0.5, de", "de,en;q=0.500"},
    {"accept-language", "Accept-Language: en ; q=0.50 ,de;q=1.0",
     "de,en;q=0.500"},
    {"accept-language", "Accept-Language: a;q=0.1\nAccept-Language: b",
     "b,a;q=0.100"},
    {"accept-language", "Accept-Language: a;q=0, b;q=0.001",
     "b;q=0.001,a;q=0.000"},
    {"accept-language", "Accept-Language: b;q=0.2,a;q=0.20",
     "a;q=0.200,b;q=0.200"},
    {"accept-charset", "Accept-Charset: UTF-8, *;q=0.5", "UTF-8,*;q=0.500"},
    /* not wholly of the syntax: who knows what the origin makes of it */
    {"accept-language", "Accept-Language: De,", "De,"},
    {"accept-language", "Accept-Language: de, , en", "de, , en"},
    {"accept-language", "Accept-Language: de;", "de;"},
    {"accept-language", "Accept-Language: de;q=1;", "de;q=1;"},
    {"accept-language", "Accept-Language: de;;q=1", "de;;q=1"},
    {"accept-language", "Accept-Language: de;q=0;q=1", "de;q=0;q=1"},
    {"accept-language", "Accept-Language: de;q = 0.5", "de;q = 0.5"},
    {"accept-language", "Accept-Language: de;Q=0.5", "de;Q=0.5"},
    {"accept-language", "Accept-Language: de;x=y, en", "de;x=y, en"},
    {"accept-language", "Accept-Language: \"de\", en", "\"de\", en"},
    {"accept-language", "Accept-Language: En;q=2, de", "En;q=2, de"},
    {"accept-language", "Accept-Language: en;q=, de", "en;q=, de"},
    {"accept-language", "Accept-Language: en;q=0.1234, de", "en;q=0.1234, de"},
    {"accept-language", "Accept-Language: en;q=1.001, de", "en;q=1.001, de"},
    {"accept-language", "Accept-Language: en;q=0.-1, de", "en;q=0.-1, de"},
    {"accept-language", "Accept-Language: en;q=00, de", "en;q=00, de"},
    {"accept-language", "Accept-Language: b\nAccept-Language: a,", "b, a,"},
    /* §12.5.1: origins go by the order, and some by the case */
    {"accept", "Accept: Text/HTML ; Level=A, */*;q=0.1",
     "Text/HTML ; Level=A, */*;q=0.1"},
    {"accept", "Accept: b/b,a/a", "b/b,a/a"},
    {"accept", "Accept: a/b;q=1", "a/b;q=1"},
    /* §12.5.3, T17: no other order, and no other weights */
    {"accept-encoding", "", ABSENT},
    {"accept-encoding", "Accept-Encoding:", ""},
    {"accept-encoding", "Accept-Encoding: gzip", "gzip"},
    {"accept-encoding", "Accept-Encoding: gzip, deflate, br, zstd",
     "br,deflate,gzip,zstd"},
    {"accept-encoding", "Accept-Encoding: zstd;q=0.1,br;q=1",
     "br,zstd;q=0.100"},
    {"accept-encoding", "Accept-Encoding: gzip\naccept-encoding: br",
     "br,gzip"},
    {"accept-encoding", "Accept-Encoding: gzip;q=0", "gzip;q=0.000"},
    {"accept-encoding", "Accept-Encoding: *;q=0, gzip", "gzip,*;q=0.000"},
    {"accept-encoding", "Accept-Encoding: foo;q=0, gzip", "gzip,foo;q=0.000"},
    {"accept-encoding", "Accept-Encoding: GZIP", "GZIP"},
    /* ATS CVE-2024-35296: malformed is not special, but the origin sees it */
    {"accept-encoding", "Accept-Encoding: gzip,", "gzip,"},
    {"accept-encoding", "Accept-Encoding: gzip;q=2", "gzip;q=2"},
    {"accept-encoding", "Accept-Encoding: gzip;q=x, br", "gzip;q=x, br"},
    {"accept-encoding", "Accept-Encoding: br, \"gzip\"", "br, \"gzip\""},
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
                strncat(text, set & ((1u << i) - 1) ? ", " : "", 3);
                strncat(text, codings[3 - i], 10);
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
    char text[512] = "Accept-Language: z99";
    (void)state;
    for (int i = 98; i >= 67; i--) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, ", z%d", i);
    }
    check_value("accept-language", text, text + strlen("Accept-Language: "));
}

static void value_ceiling(void **state)
{
    static const struct {
        const char *name, *fields;
    } rows[] = {
        {"foo", "Foo: 12345678901"},
        {"foo", "Foo: 123456789,1"},
        {"foo", "Foo: (\nFoo: 1234567\nFoo: 1"},
        {"accept-charset", "Accept-Charset: 12345678901"},
        {"accept-charset", "Accept-Charset: 123;q=0.1"},
        {"accept-charset", "Accept-Charset: 123456789,1"},
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
        {"Accept-Language: de,", ""},
        {"Accept-Language: de;x=y", ""},
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
