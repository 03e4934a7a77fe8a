/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <openssl/crypto.h>

#include <stdint.h>

#define VERSION 1

/* Offsets; docs/entry-format.md has the table. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_FLAGS = 5,
    AT_ZERO = 6,
    AT_KEY_ID = 8,
    AT_SALT = 16,
    AT_EPOCH = 32,
    AT_FRESH = 40,
    AT_DEAD = 48,
    AT_TAGS_LEN = 56,
    AT_HEAD_LEN = 60,
    AT_BODY_LEN = 64,
    AT_PAYLOAD_LEN = 72,
    HEADER = 80
};

_Static_assert(HEADER + FCR_TAG_MAX == FCR_SEAL_OVERHEAD, "said in protect.h");

enum {
    PACKED = 1,
    SOFT = 2,
    SIGNED = 4,
    ENCRYPTED = 8,
    FLAGS = PACKED | SOFT | SIGNED | ENCRYPTED
};

static const char magic[4] = {'F', 'C', 'R', '1'};

static void put_number(char *at, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (char)(value >> 8 * i);
    }
}

static uint64_t get_number(const char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i > 0; i--) {
        value = value << 8 | (unsigned char)at[i - 1];
    }
    return value;
}

static fcr_bound_t bound_of(fcache_bytes_t name, const char *record)
{
    return (fcr_bound_t){name, fcache_bytes(record, HEADER),
                         (const unsigned char *)record + AT_SALT};
}

/* ---- sealing ------------------------------------------------------------- */

static uint64_t body_len(const fcr_record_t *record)
{
    uint64_t len = 0;
    for (size_t i = 0; i < record->body_count; i++) {
        len += record->body[i].len;
    }
    return len;
}

static fcache_status_t append_plain(const fcr_pieces_t *pieces,
                                    fcache_buf_t *out)
{
    fcache_status_t status = FCACHE_OK;
    for (size_t i = 0; i < pieces->count && status == FCACHE_OK; i++) {
        status = fcache_buf_append(out, pieces->first[i]);
    }
    return status;
}

/* Tags, head and body, packed if that helps. */
static fcache_status_t append_payload(const fcr_protect_t *protect,
                                      const fcr_record_t *record,
                                      uint64_t raw_len, fcache_buf_t *out,
                                      unsigned *flags)
{
    const fcache_bytes_t first[] = {record->tags, record->head};
    const fcr_pieces_t rows[] = {{first, 2},
                                 {record->body, record->body_count}};
    if (raw_len >= protect->pack_from) {
        fcache_status_t status = fcr_pack(protect->packer, rows, raw_len, out);
        if (status != FCACHE_MISS) {
            *flags |= PACKED;
            return status;
        }
    }
    fcache_status_t status =
        fcache_buf_reserve(out, (size_t)raw_len + FCR_TAG_MAX);
    for (size_t i = 0; i < 2 && status == FCACHE_OK; i++) {
        status = append_plain(&rows[i], out);
    }
    return status;
}

/* All but the lengths of body and payload, and the flags. */
static int write_header(const fcr_protect_t *protect,
                        const fcr_record_t *record, char header[HEADER])
{
    memset(header, 0, HEADER);
    memcpy(header, magic, sizeof(magic));
    header[AT_VERSION] = VERSION;
    if (protect->key_count) {
        memcpy(header + AT_KEY_ID, protect->keys[0].id, FCR_KEY_ID);
    }
    put_number(header + AT_EPOCH, 8, record->epoch);
    put_number(header + AT_FRESH, 8, (uint64_t)record->fresh_until_us);
    put_number(header + AT_DEAD, 8, (uint64_t)record->dead_us);
    put_number(header + AT_TAGS_LEN, 4, record->tags.len);
    put_number(header + AT_HEAD_LEN, 4, record->head.len);
    return protect->random((unsigned char *)header + AT_SALT, FCR_SALT) == 1;
}

/* Encrypts what there is and appends the tag. */
static fcache_status_t close_seal(const fcr_protect_t *protect,
                                  fcache_bytes_t name, size_t start,
                                  fcache_buf_t *out)
{
    unsigned char tag[FCR_TAG_MAX];
    const fcr_key_t *key = protect->key_count ? &protect->keys[0] : NULL;
    fcr_bound_t bound = bound_of(name, out->ptr + start);
    char *payload = out->ptr + start + HEADER;
    size_t len = out->len - start - HEADER;
    fcr_seal_t seal = !key               ? FCR_SEAL_CHECKSUM
                      : protect->encrypt ? FCR_SEAL_ENCRYPTED
                                         : FCR_SEAL_SIGNED;
    int done = seal == FCR_SEAL_ENCRYPTED
                   ? fcr_encrypt(protect, key, &bound, payload, len, tag)
                   : fcr_tag(key, &bound, fcache_bytes(payload, len), tag);
    return done ? fcache_buf_append(out, fcache_bytes(tag, fcr_tag_len(seal)))
                : FCACHE_NO_MEMORY;
}

static fcache_status_t seal(const fcr_protect_t *protect, fcache_bytes_t name,
                            const fcr_record_t *record, fcache_buf_t *out)
{
    char header[HEADER];
    size_t start = out->len;
    uint64_t len = body_len(record);
    uint64_t raw_len = record->tags.len + record->head.len + len;
    unsigned flags =
        (record->soft ? SOFT : 0u) | (!protect->key_count ? 0u
                                      : protect->encrypt  ? ENCRYPTED
                                                          : SIGNED);
    if (record->tags.len > UINT32_MAX || record->head.len > UINT32_MAX ||
        raw_len > out->max_bytes - start) {
        return FCACHE_TOO_LARGE;
    }
    if (!write_header(protect, record, header)) {
        return FCACHE_NO_MEMORY;
    }
    fcache_status_t status =
        fcache_buf_append(out, fcache_bytes(header, HEADER));
    if (status == FCACHE_OK) {
        status = append_payload(protect, record, raw_len, out, &flags);
    }
    if (status != FCACHE_OK) {
        return status;
    }
    out->ptr[start + AT_FLAGS] = (char)flags;
    put_number(out->ptr + start + AT_BODY_LEN, 8, len);
    put_number(out->ptr + start + AT_PAYLOAD_LEN, 8, out->len - start - HEADER);
    return close_seal(protect, name, start, out);
}

fcache_status_t fcr_seal(const fcr_protect_t *protect, fcache_bytes_t name,
                         const fcr_record_t *record, fcache_buf_t *out,
                         fcache_error_t *error)
{
    size_t start = out->len;
    fcache_status_t status = seal(protect, name, record, out);
    if (status == FCACHE_OK) {
        return FCACHE_OK;
    }
    out->len = start;
    return status == FCACHE_TOO_LARGE
               ? fcache_error_set(error, status,
                                  "%.*s: more than the store takes",
                                  (int)name.len, name.ptr)
               : fcache_error_set(error, status,
                                  "%.*s: no memory or no random bytes to seal "
                                  "it",
                                  (int)name.len, name.ptr);
}

/* ---- unsealing ----------------------------------------------------------- */

typedef struct opening_t {
    const fcr_protect_t *protect;
    fcache_bytes_t sealed;
    uint64_t max_bytes;
    apr_pool_t *pool;
    unsigned flags;
    fcache_bytes_t payload; /* decrypted, and then unpacked */
} opening_t;

static const fcr_key_t *key_of(const opening_t *opening)
{
    const fcr_protect_t *protect = opening->protect;
    for (size_t i = 0; i < protect->key_count; i++) {
        if (memcmp(protect->keys[i].id, opening->sealed.ptr + AT_KEY_ID,
                   FCR_KEY_ID) == 0) {
            return &protect->keys[i];
        }
    }
    return NULL;
}

static fcache_status_t verify(opening_t *opening, fcache_bytes_t name)
{
    const char *record = opening->sealed.ptr;
    int encrypted = (opening->flags & ENCRYPTED) != 0;
    fcr_seal_t kind = encrypted                   ? FCR_SEAL_ENCRYPTED
                      : (opening->flags & SIGNED) ? FCR_SEAL_SIGNED
                                                  : FCR_SEAL_CHECKSUM;
    size_t tag_len = fcr_tag_len(kind);
    const fcr_key_t *key = key_of(opening);
    fcr_bound_t bound = bound_of(name, record);
    /* With a secret only what it sealed counts; without one, nothing else can be
     * checked. */
    if ((kind == FCR_SEAL_CHECKSUM) != (opening->protect->key_count == 0) ||
        (kind != FCR_SEAL_CHECKSUM && !key) ||
        opening->sealed.len < HEADER + tag_len) {
        return FCACHE_CORRUPT;
    }
    size_t len = opening->sealed.len - HEADER - tag_len;
    const unsigned char *tag = (const unsigned char *)record + HEADER + len;
    opening->payload = fcache_bytes(record + HEADER, len);
    if (!encrypted) {
        unsigned char wanted[FCR_TAG_MAX];
        if (!fcr_tag(key, &bound, opening->payload, wanted)) {
            return FCACHE_NO_MEMORY;
        }
        return CRYPTO_memcmp(wanted, tag, tag_len) == 0 ? FCACHE_OK
                                                        : FCACHE_CORRUPT;
    }
    char *plain =
        len <= opening->max_bytes ? apr_palloc(opening->pool, len + 1) : NULL;
    if (!plain || !fcr_decrypt(opening->protect, key, &bound, opening->payload,
                               tag, plain)) {
        return FCACHE_CORRUPT;
    }
    opening->payload = fcache_bytes(plain, len);
    return FCACHE_OK;
}

static fcache_status_t unpack(opening_t *opening, uint64_t raw_len)
{
    if (!(opening->flags & PACKED)) {
        return raw_len == opening->payload.len ? FCACHE_OK : FCACHE_CORRUPT;
    }
    if (raw_len / FCR_PACK_RATIO >= opening->payload.len) {
        return FCACHE_CORRUPT;
    }
    char *raw = apr_palloc(opening->pool, (size_t)raw_len + 1);
    fcache_status_t status = fcr_unpack(opening->protect->packer,
                                        opening->payload, raw, (size_t)raw_len);
    opening->payload = fcache_bytes(raw, (size_t)raw_len);
    return status;
}

/* What the header says of the payload, which was verified. */
static fcache_status_t parse(opening_t *opening, fcr_record_t *record)
{
    const char *header = opening->sealed.ptr;
    size_t tags_len = get_number(header + AT_TAGS_LEN, 4);
    size_t head_len = get_number(header + AT_HEAD_LEN, 4);
    uint64_t body_bytes = get_number(header + AT_BODY_LEN, 8);
    uint64_t raw_len;
    if (__builtin_add_overflow(body_bytes, tags_len + head_len, &raw_len) ||
        raw_len > opening->max_bytes || raw_len > SIZE_MAX - 1 ||
        get_number(header + AT_PAYLOAD_LEN, 8) != opening->payload.len) {
        return FCACHE_CORRUPT;
    }
    fcache_status_t status = unpack(opening, raw_len);
    if (status != FCACHE_OK) {
        return status;
    }
    const char *raw = opening->payload.ptr;
    fcache_bytes_t *body = apr_palloc(opening->pool, sizeof(*body));
    *body = fcache_bytes(raw + tags_len + head_len, (size_t)body_bytes);
    *record = (fcr_record_t){
        .epoch = get_number(header + AT_EPOCH, 8),
        .fresh_until_us = (int64_t)get_number(header + AT_FRESH, 8),
        .dead_us = (int64_t)get_number(header + AT_DEAD, 8),
        .soft = (opening->flags & SOFT) != 0,
        .tags = fcache_bytes(raw, tags_len),
        .head = fcache_bytes(raw + tags_len, head_len),
        .body = body,
        .body_count = body_bytes > 0,
    };
    return FCACHE_OK;
}

fcache_status_t fcr_unseal(const fcr_protect_t *protect, fcache_bytes_t name,
                           fcache_bytes_t sealed, uint64_t max_bytes,
                           fcr_record_t *out_record, apr_pool_t *pool,
                           fcache_error_t *error)
{
    opening_t opening = {protect, sealed, max_bytes, pool, 0, {NULL, 0}};
    fcache_status_t status = FCACHE_CORRUPT;
    if (sealed.len > HEADER && memcmp(sealed.ptr, magic, sizeof(magic)) == 0) {
        unsigned version = (unsigned char)sealed.ptr[AT_VERSION];
        opening.flags = (unsigned char)sealed.ptr[AT_FLAGS];
        if (version > VERSION) {
            return fcache_error_set(error, FCACHE_UNSUPPORTED,
                                    "%.*s: written by a newer version",
                                    (int)name.len, name.ptr);
        }
        if (version == VERSION && !(opening.flags & ~(unsigned)FLAGS)) {
            status = verify(&opening, name);
        }
    }
    if (status == FCACHE_OK) {
        status = parse(&opening, out_record);
    }
    return status == FCACHE_OK
               ? FCACHE_OK
               : fcache_error_set(error, status,
                                  "%.*s: not what was stored under this name",
                                  (int)name.len, name.ptr);
}
