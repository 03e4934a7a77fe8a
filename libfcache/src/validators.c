/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/policy.h>

#include "ascii.h"

#include <openssl/evp.h>

/* ---- comparing (RFC 9110 §8.8.3) ----------------------------------------- */

/* etagc: everything visible but the quote, and obs-text. */
static int is_etag_char(char c)
{
    unsigned char u = (unsigned char)c;
    return u > ' ' && u != '"' && u != 0x7f;
}

/*
 * Takes an entity tag off the front of *text: what is inside of its quotes, and
 * whether it is weak. 0, and *text unchanged, when there is none.
 */
static int take_etag(fcache_bytes_t *text, fcache_bytes_t *out_opaque,
                     int *out_weak)
{
    size_t i = 0;
    *out_weak = text->len >= 2 && text->ptr[0] == 'W' && text->ptr[1] == '/';
    i = *out_weak ? 2 : 0;
    if (i >= text->len || text->ptr[i] != '"') {
        return 0;
    }
    size_t start = ++i;
    while (i < text->len && is_etag_char(text->ptr[i])) {
        i++;
    }
    if (i >= text->len || text->ptr[i] != '"') {
        return 0;
    }
    *out_opaque = fcache_bytes(text->ptr + start, i - start);
    *text = fcache_bytes(text->ptr + i + 1, text->len - i - 1);
    return 1;
}

int fcache_etag_matches(fcache_bytes_t a, fcache_bytes_t b, int weak)
{
    fcache_bytes_t opaque_a;
    fcache_bytes_t opaque_b;
    int weak_a;
    int weak_b;
    return take_etag(&a, &opaque_a, &weak_a) && a.len == 0 &&
           take_etag(&b, &opaque_b, &weak_b) && b.len == 0 &&
           (weak || (!weak_a && !weak_b)) &&
           fcache_bytes_equal(opaque_a, opaque_b);
}

/* ---- If-None-Match, If-Modified-Since (RFC 9110 §13.1.2, §13.1.3) -------- */

static fcache_bytes_t without_suffix(fcache_bytes_t opaque, const char *suffix)
{
    fcache_bytes_t end = fcache_str(suffix);
    if (end.len > 0 && opaque.len >= end.len &&
        memcmp(opaque.ptr + opaque.len - end.len, end.ptr, end.len) == 0) {
        opaque.len -= end.len;
    }
    return opaque;
}

/* Behind the next comma, or the end. */
static fcache_bytes_t next_element(fcache_bytes_t text)
{
    const char *comma = text.len > 0 ? memchr(text.ptr, ',', text.len) : NULL;
    size_t used = comma ? (size_t)(comma - text.ptr) + 1 : text.len;
    return text.len > 0 ? fcache_bytes(text.ptr + used, text.len - used) : text;
}

/* Quotes do not nest and know no escapes here, unlike in other lists. What is
 * no entity tag is skipped. */
static int line_matches(fcache_bytes_t line, fcache_bytes_t opaque,
                        const char *suffix)
{
    line = fcache_bytes_trim(line);
    while (line.len > 0) {
        fcache_bytes_t asked;
        int is_weak;
        if (take_etag(&line, &asked, &is_weak)) {
            fcache_bytes_t rest = fcache_bytes_trim(line);
            int is_whole = rest.len == 0 || rest.ptr[0] == ',';
            if (is_whole &&
                (fcache_bytes_equal(asked, opaque) ||
                 fcache_bytes_equal(without_suffix(asked, suffix), opaque))) {
                return 1;
            }
        }
        line = fcache_bytes_trim(next_element(line));
    }
    return 0;
}

static int any_line_matches(fcache_fields_t fields, size_t line,
                            fcache_bytes_t etag, const char *suffix)
{
    fcache_bytes_t opaque = {NULL, 0};
    int is_weak;
    int has_etag = take_etag(&etag, &opaque, &is_weak) && etag.len == 0;
    while (line < fields.count) {
        fcache_bytes_t value = fields.items[line].value;
        if (fcache_bytes_equal(fcache_bytes_trim(value), fcache_str("*")) ||
            (has_etag && line_matches(value, opaque, suffix))) {
            return 1;
        }
        line = fcache_fields_find(fields, "If-None-Match", line + 1);
    }
    return 0;
}

/* A date that is none, or more than one, does not count (RFC 9110 §13.1.3).
 * Without Last-Modified the Date stands in (RFC 9111 §4.3.2). */
static int is_unmodified_since(fcache_fields_t fields,
                               fcache_bytes_t last_modified, int64_t date_s)
{
    static const char name[] = "If-Modified-Since";
    int64_t since_s;
    int64_t modified_s = date_s;
    if (fcache_fields_count(fields, name) != 1 ||
        !fcache_date_parse(fcache_fields_get(fields, name), date_s, &since_s)) {
        return 0;
    }
    if (last_modified.len > 0 &&
        !fcache_date_parse(last_modified, date_s, &modified_s)) {
        return 0;
    }
    return modified_s <= since_s;
}

int fcache_condition(fcache_bytes_t etag, fcache_bytes_t last_modified,
                     int64_t date_s, fcache_fields_t request_fields,
                     const char *suffix)
{
    size_t line = fcache_fields_find(request_fields, "If-None-Match", 0);
    int is_unchanged =
        line < request_fields.count
            ? any_line_matches(request_fields, line, etag, suffix)
            : is_unmodified_since(request_fields, last_modified, date_s);
    return is_unchanged ? 304 : 200;
}

/* ---- making -------------------------------------------------------------- */

struct fcache_etag_t {
    EVP_MD_CTX *digest;
    int is_failed;
};

static apr_status_t free_digest(void *baton)
{
    EVP_MD_CTX_free(baton);
    return APR_SUCCESS;
}

static void add(fcache_etag_t *etag, const void *ptr, size_t len)
{
    if (len > 0 && !etag->is_failed &&
        EVP_DigestUpdate(etag->digest, ptr, len) != 1) {
        etag->is_failed = 1;
    }
}

/* With its length in front, so that no two inputs run into one. */
static void add_prefixed(fcache_etag_t *etag, fcache_bytes_t bytes)
{
    unsigned char length[8];
    for (unsigned i = 0; i < sizeof length; i++) {
        length[i] = (unsigned char)((uint64_t)bytes.len >> (8 * i));
    }
    add(etag, length, sizeof length);
    add(etag, bytes.ptr, bytes.len);
}

fcache_etag_t *fcache_etag_create(fcache_bytes_t content_type,
                                  fcache_bytes_t content_encoding,
                                  apr_pool_t *pool)
{
    fcache_etag_t *etag = apr_pcalloc(pool, sizeof *etag);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!etag || !digest) {
        EVP_MD_CTX_free(digest);
        return NULL;
    }
    etag->digest = digest;
    apr_pool_cleanup_register(pool, digest, free_digest, apr_pool_cleanup_null);
    etag->is_failed = EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1;
    add_prefixed(etag, content_type);
    add_prefixed(etag, content_encoding);
    return etag;
}

void fcache_etag_update(fcache_etag_t *etag, fcache_bytes_t body)
{
    add(etag, body.ptr, body.len);
}

void fcache_etag_final(fcache_etag_t *etag, char out[FCACHE_ETAG_LEN + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    out[0] = '\0';
    if (!etag->is_failed &&
        EVP_DigestFinal_ex(etag->digest, digest, NULL) == 1) {
        out[0] = '"';
        fcache_base64url(fcache_bytes(digest, 16), out + 1);
        out[FCACHE_ETAG_LEN - 1] = '"';
        out[FCACHE_ETAG_LEN] = '\0';
    }
    etag->is_failed = 1;
}
