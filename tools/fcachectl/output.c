/* SPDX-License-Identifier: Apache-2.0 */
#include "fcachectl.h"

#include <apr_strings.h>

#include <stdio.h>

#define LARGE 1000 /* from here on people read whole numbers */

/*
 * What a store holds came from other machines: nothing of it reaches the
 * terminal but printable ASCII (bodies apart, which `get` prints as they are).
 */

static const char *escape(fcache_bytes_t bytes, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *text = apr_palloc(pool, bytes.len * 4 + 1);
    char *out = text;

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];

        if (c >= 0x20 && c < 0x7f) {
            *out++ = (char)c;
        } else {
            *out++ = '\\';
            *out++ = 'x';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    *out = '\0';
    return text;
}

json_t *ctl_json_bytes(const ctl_t *ctl, fcache_bytes_t bytes)
{
    json_t *text = json_stringn(bytes.len ? bytes.ptr : "", bytes.len);

    return text ? text : json_string(escape(bytes, ctl->pool));
}

/* ---- cells --------------------------------------------------------------- */

static const char *cell(json_t *value, apr_pool_t *pool);

/* Three digits say enough; apr_psprintf would leave the 0 of 0.5 out. */
static const char *number(double value, apr_pool_t *pool)
{
    char text[32];

    snprintf(text, sizeof(text), value < LARGE ? "%.3g" : "%.0f", value);
    return apr_pstrdup(pool, text);
}

/* All members with `separator` between them; of an object the values. */
static const char *join(json_t *value, const char *separator, apr_pool_t *pool)
{
    const char *text = "";
    const char *key;
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        text = apr_pstrcat(pool, text, *text ? separator : "", cell(item, pool),
                           NULL);
    }
    json_object_foreach(value, key, item)
    {
        text = apr_pstrcat(pool, text, *text ? separator : "", cell(item, pool),
                           NULL);
    }
    return text;
}

static const char *cell(json_t *value, apr_pool_t *pool)
{
    const char *text = "";

    switch (json_typeof(value)) {
    case JSON_STRING:
        text = escape(
            fcache_bytes(json_string_value(value), json_string_length(value)),
            pool);
        break;
    case JSON_INTEGER:
        text = apr_psprintf(pool, "%" APR_INT64_T_FMT,
                            (apr_int64_t)json_integer_value(value));
        break;
    case JSON_REAL:
        text = number(json_real_value(value), pool);
        break;
    case JSON_TRUE:
        text = "yes";
        break;
    case JSON_FALSE:
        text = "no";
        break;
    case JSON_ARRAY:
        text = join(value, ",", pool);
        break;
    case JSON_OBJECT:
        text = join(value, "=", pool);
        break;
    case JSON_NULL:
        break;
    }
    return *text ? text : "-";
}

/* ---- lines: one object --------------------------------------------------- */

static void print_line(const char *key, int width, json_t *value,
                       apr_pool_t *pool)
{
    printf("%-*s  %s\n", width, key, cell(value, pool));
}

/* "key  value"; an array takes a line for each of its elements. */
static void print_lines(json_t *object, apr_pool_t *pool)
{
    int width = 0;
    const char *key;
    json_t *value, *item;
    size_t i;

    json_object_foreach(object, key, value)
    {
        int len = (int)strlen(key);

        width = len > width ? len : width;
    }
    json_object_foreach(object, key, value)
    {
        if (json_array_size(value) == 0) {
            print_line(key, width, value, pool);
        }
        json_array_foreach(value, i, item)
        {
            print_line(i ? "" : key, width, item, pool);
        }
    }
}

/* ---- a table: an array of objects with the same keys --------------------- */

/* "hits_per_s" -> "HITS/S". */
static char *heading(const char *key, apr_pool_t *pool)
{
    size_t len = strlen(key);
    char *copy = len > 6 && strcmp(key + len - 6, "_per_s") == 0
                     ? apr_psprintf(pool, "%.*s/s", (int)len - 6, key)
                     : apr_pstrdup(pool, key);

    for (char *c = copy; *c; c++) {
        if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
    return copy;
}

static int column_width(json_t *rows, const char *key, apr_pool_t *pool)
{
    int width = (int)strlen(heading(key, pool));
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        int len = (int)strlen(cell(json_object_get(row, key), pool));

        width = len > width ? len : width;
    }
    return width;
}

/* Numbers to the right; nothing is padded at the end of a line. */
static void print_cell(const char *text, int right, int width, int last)
{
    if (right) {
        printf("%*s", width, text);
    } else {
        printf("%-*s", last ? 0 : width, text);
    }
    fputs(last ? "\n" : "  ", stdout);
}

static void print_row(json_t *row, json_t *first, const int *widths, int header,
                      apr_pool_t *pool)
{
    size_t column = 0;
    const char *key;
    json_t *sample;

    json_object_foreach(first, key, sample)
    {
        json_t *value = json_object_get(row, key);

        print_cell(header ? heading(key, pool) : cell(value, pool),
                   json_is_number(value), widths[column],
                   column + 1 == json_object_size(first));
        column++;
    }
}

static void print_table(json_t *rows, apr_pool_t *pool)
{
    json_t *first = json_array_get(rows, 0);
    int *widths =
        apr_pcalloc(pool, (json_object_size(first) + 1) * sizeof(*widths));
    size_t column = 0;
    const char *key;
    json_t *value, *row;
    size_t i;

    if (!first) {
        return;
    }
    json_object_foreach(first, key, value)
    {
        widths[column++] = column_width(rows, key, pool);
    }
    print_row(first, first, widths, 1, pool);
    json_array_foreach(rows, i, row)
    {
        print_row(row, first, widths, 0, pool);
    }
}

void ctl_print_rows(const ctl_t *ctl, json_t *rows)
{
    print_table(rows, ctl->pool);
}

void ctl_print_row(const ctl_t *ctl, json_t *row, const int *widths, int header)
{
    if (header) {
        print_row(row, row, widths, 1, ctl->pool);
    }
    print_row(row, row, widths, 0, ctl->pool);
}

void ctl_print_json(const json_t *value)
{
    json_dumpf(value, stdout,
               JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
    putchar('\n');
}

ctl_exit_t ctl_print(const ctl_t *ctl, json_t *value)
{
    if (!value) {
        fputs("fcachectl: out of memory\n", stderr);
        return CTL_FAULT;
    }
    if (ctl_option(ctl, "json")) {
        json_dumpf(value, stdout,
                   JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
        putchar('\n');
    } else if (json_is_array(value)) {
        print_table(value, ctl->pool);
    } else {
        print_lines(value, ctl->pool);
    }
    json_decref(value);
    return CTL_OK;
}
