/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <apr_strings.h>

#include <glob.h>

void golden_each(const char *folder,
                 void (*check)(const json_t *one, apr_pool_t *pool),
                 apr_pool_t *pool)
{
    glob_t files;
    char *pattern = apr_psprintf(pool, "%s/tests/golden/%s/*.json",
                                 FCACHE_SOURCE_DIR, folder);
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_error_t error;
        json_t *one = json_load_file(files.gl_pathv[i], JSON_ALLOW_NUL, &error);
        if (!one) {
            fail_msg("%s:%d: %s", files.gl_pathv[i], error.line, error.text);
        }
        check(one, pool);
        json_decref(one);
    }
    globfree(&files);
}

const char *golden_why(const json_t *one)
{
    const char *why = json_string_value(json_object_get(one, "why"));
    return why ? why : "";
}

fcache_bytes_t golden_text(const json_t *object, const char *name)
{
    const json_t *text = json_object_get(object, name);
    return fcache_bytes(json_string_value(text), json_string_length(text));
}

int64_t golden_number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

fcache_fields_t golden_fields(const json_t *object, const char *name,
                              apr_pool_t *pool)
{
    const json_t *list = json_object_get(object, name);
    size_t count = json_array_size(list);
    fcache_field_t *items = apr_palloc(pool, (count + 1) * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        const json_t *key = json_array_get(pair, 0);
        const json_t *value = json_array_get(pair, 1);
        items[i].name =
            fcache_bytes(json_string_value(key), json_string_length(key));
        items[i].value =
            fcache_bytes(json_string_value(value), json_string_length(value));
    }
    return (fcache_fields_t){items, count};
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = strchr(digits, c);
    assert_true(c && at);
    return (int)(at - digits);
}

fcache_bytes_t golden_hex(const json_t *object, const char *name,
                          apr_pool_t *pool)
{
    fcache_bytes_t text = golden_text(object, name);
    char *bytes = apr_palloc(pool, text.len / 2 + 1);
    assert_int_equal(text.len % 2, 0);
    for (size_t i = 0; i < text.len / 2; i++) {
        bytes[i] =
            (char)(digit(text.ptr[2 * i]) << 4 | digit(text.ptr[2 * i + 1]));
    }
    return fcache_bytes(bytes, text.len / 2);
}

void golden_check_hex(const json_t *object, const char *name,
                      fcache_bytes_t got, apr_pool_t *pool)
{
    fcache_bytes_t wanted = golden_text(object, name);
    char *hex = apr_palloc(pool, 2 * got.len + 1);
    for (size_t i = 0; i < got.len; i++) {
        unsigned char c = (unsigned char)got.ptr[i];
        apr_snprintf(hex + 2 * i, 3, "%02x", c);
    }
    if (!fcache_bytes_equal(wanted, fcache_bytes(hex, 2 * got.len))) {
        fail_msg("%s: %s is\n%.*s, not\n%.*s", golden_why(object), name,
                 (int)(2 * got.len), hex, (int)wanted.len, wanted.ptr);
    }
}
