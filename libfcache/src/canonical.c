/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include "tuple.h"

/* The elements that make up a request line; the rest follows as label=value. */
typedef struct line_t {
    fcache_bytes_t method;
    fcache_bytes_t scheme;
    fcache_bytes_t authority;
    fcache_bytes_t path;
    fcache_bytes_t query;
} line_t;

/* The text is measured with out NULL, then written. */
typedef struct writer_t {
    char *out;
    size_t len;
} writer_t;

static int is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '\\';
}

static void put_plain(writer_t *writer, const char *text)
{
    size_t len = strlen(text);
    if (writer->out) {
        memcpy(writer->out + writer->len, text, len);
    }
    writer->len += len;
}

static void put_escaped(writer_t *writer, fcache_bytes_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        char text[5] = {(char)c};
        if (!is_plain(bytes.ptr[i])) {
            text[0] = '\\';
            text[1] = 'x';
            text[2] = digits[c >> 4];
            text[3] = digits[c & 15];
        }
        put_plain(writer, text);
    }
}

/* The place in the line of the first element with that label, or NULL. */
static fcache_bytes_t *line_part(line_t *line, fcache_bytes_t label)
{
    const struct {
        const char *label;
        fcache_bytes_t *part;
    } parts[] = {
        {FCI_LABEL_METHOD, &line->method},
        {FCI_LABEL_SCHEME, &line->scheme},
        {FCI_LABEL_AUTHORITY, &line->authority},
        {FCI_LABEL_PATH, &line->path},
        {FCI_LABEL_QUERY, &line->query},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (fcache_bytes_equal(label, fcache_str(parts[i].label)) &&
            !parts[i].part->ptr) {
            return parts[i].part;
        }
    }
    return NULL;
}

/* Fills the line and answers whether the bytes are well-formed. */
static int read_line(fcache_bytes_t canonical, line_t *out_line)
{
    size_t offset = 0;
    fcache_bytes_t label;
    fcache_bytes_t value;
    int more = fcache_canonical_next(canonical, &offset, &label, &value);
    while (more > 0) {
        fcache_bytes_t *part = line_part(out_line, label);
        if (part) {
            *part = value;
        }
        more = fcache_canonical_next(canonical, &offset, &label, &value);
    }
    return more == 0;
}

static void put_line(writer_t *writer, const line_t *line)
{
    put_escaped(writer, line->method);
    put_plain(writer, " ");
    if (line->scheme.ptr) {
        put_escaped(writer, line->scheme);
        put_plain(writer, "://");
    }
    put_escaped(writer, line->authority);
    put_escaped(writer, line->path);
    if (line->query.ptr) {
        put_plain(writer, "?");
        put_escaped(writer, line->query);
    }
}

/* Does the value let somebody in, whatever rule put it there? */
static int is_secret(fcache_bytes_t label)
{
    static const char *const secrets[] = {
        "header:authorization", "header:proxy-authorization", "header:cookie",
        "vary:authorization",   "vary:proxy-authorization",   "vary:cookie",
    };
    static const char cookie[] = "cookie:";
    size_t len = sizeof(cookie) - 1;
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (fcache_bytes_equal(label, fcache_str(secrets[i]))) {
            return 1;
        }
    }
    return label.len >= len && memcmp(label.ptr, cookie, len) == 0;
}

/* Every element that is not in the line. */
static void put_rest(writer_t *writer, fcache_bytes_t canonical,
                     const line_t *line)
{
    line_t seen = {0};
    size_t offset = 0;
    fcache_bytes_t label;
    fcache_bytes_t value;
    while (fcache_canonical_next(canonical, &offset, &label, &value) > 0) {
        fcache_bytes_t *part = line ? line_part(&seen, label) : NULL;
        if (part) {
            *part = value;
            continue;
        }
        if (writer->len > 0) {
            put_plain(writer, " ");
        }
        put_escaped(writer, label);
        put_plain(writer, "=");
        put_escaped(writer, is_secret(label) ? fcache_str("***") : value);
    }
}

static void put_canonical(writer_t *writer, fcache_bytes_t canonical)
{
    line_t line = {0};
    if (!read_line(canonical, &line)) {
        put_plain(writer, "malformed:");
        put_escaped(writer, canonical);
        return;
    }
    int is_request = line.method.ptr && line.path.ptr;
    if (is_request) {
        put_line(writer, &line);
    }
    put_rest(writer, canonical, is_request ? &line : NULL);
}

const char *fcache_canonical_format(fcache_bytes_t canonical, apr_pool_t *pool)
{
    writer_t measure = {0};
    put_canonical(&measure, canonical);
    writer_t writer = {apr_palloc(pool, measure.len + 1), 0};
    if (!writer.out) {
        return "";
    }
    put_canonical(&writer, canonical);
    writer.out[writer.len] = '\0';
    return writer.out;
}
