/* SPDX-License-Identifier: Apache-2.0 */
#include <fcache/key.h>

#include <apr_strings.h>

#define DIGEST_TEXT FCACHE_BASE64URL_LEN(FCACHE_KEY_DIGEST_BYTES)

static unsigned value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = memchr(alphabet, c, 64);
    return at ? (unsigned)(at - alphabet) : 0;
}

/* Whatever the text is; the caller compares. */
static void decode(const char *text, unsigned char out[FCACHE_KEY_DIGEST_BYTES])
{
    unsigned held = 0;
    unsigned bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < DIGEST_TEXT && at < FCACHE_KEY_DIGEST_BYTES; i++) {
        held = (held << 6 | value_of(text[i])) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[at++] = (unsigned char)(held >> bits);
        }
    }
}

static fcache_bytes_t take_label(fcache_bytes_t *rest)
{
    const char *colon = rest->len ? memchr(rest->ptr, ':', rest->len) : NULL;
    size_t len = colon ? (size_t)(colon - rest->ptr) : rest->len;
    fcache_bytes_t label = {rest->ptr, len};
    len = colon ? len + 1 : len;
    *rest = fcache_bytes(rest->ptr + len, rest->len - len);
    return label;
}

fcache_status_t fcache_key_from_name(fcache_bytes_t name, fcache_key_t *out_key,
                                     apr_pool_t *pool, fcache_error_t *error)
{
    fcache_bytes_t rest = name;
    fcache_bytes_t prefix = take_label(&rest);
    fcache_bytes_t ns = take_label(&rest);
    char text[DIGEST_TEXT];
    if (!fcache_label_is_valid(prefix) || !fcache_label_is_valid(ns) ||
        rest.len != DIGEST_TEXT) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a key is a stored name, "
                                "prefix:namespace:digest");
    }
    decode(rest.ptr, out_key->digest);
    fcache_base64url(fcache_bytes(out_key->digest, sizeof(out_key->digest)),
                     text);
    if (memcmp(text, rest.ptr, DIGEST_TEXT) != 0) {
        return fcache_error_set(error, FCACHE_BAD_INPUT,
                                "a key ends in a digest");
    }
    out_key->name =
        fcache_bytes(apr_pstrmemdup(pool, name.ptr, name.len), name.len);
    out_key->prefix = fcache_bytes(out_key->name.ptr, prefix.len);
    out_key->ns = fcache_bytes(out_key->name.ptr + prefix.len + 1, ns.len);
    out_key->canonical = fcache_bytes(NULL, 0);
    return FCACHE_OK;
}
