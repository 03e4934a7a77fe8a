/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include <fcache/entry.h>

#include <openssl/evp.h>

#define START_LEN    10 /* of "{fcache}h:" */
#define DIGEST_BYTES 18
#define TAG_BYTES    2
#define WIDE_MARKS   (FCN_MARKS - FCR_TAG_COUNTERS)

_Static_assert(FCR_FETCH_MAX >= 2 + 2 * FCR_SCOPES_MAX, "said in client.h");
_Static_assert(FCR_COUNTER_MAX ==
                   START_LEN + FCACHE_BASE64URL_LEN(DIGEST_BYTES),
               "said in counters.h");
_Static_assert(FCR_TAG_COUNTERS == 1 << 8 * TAG_BYTES, "what they can name");

/* ---- names --------------------------------------------------------------- */

/* Kind, length of the prefix, prefix, and the namespace or tag. */
static int digest_scope(const fcache_scope_t *scope, unsigned char *out)
{
    const int has_prefix = scope->kind != FCACHE_SCOPE_ALL;
    const unsigned char start[] = {
        (unsigned char)scope->kind,
        (unsigned char)(has_prefix ? scope->prefix.len : 0),
    };
    fcache_bytes_t rest = scope->kind == FCACHE_SCOPE_NAMESPACE ? scope->ns
                          : scope->kind == FCACHE_SCOPE_TAG
                              ? scope->tag
                              : (fcache_bytes_t){0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
               EVP_DigestUpdate(context, start, sizeof(start)) &&
               EVP_DigestUpdate(context, scope->prefix.ptr, start[1]) &&
               EVP_DigestUpdate(context, rest.ptr, rest.len) &&
               EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return done;
}

static fcache_bytes_t write_name(fcache_scope_kind_t kind, int soft,
                                 const unsigned char *digest, char *space)
{
    size_t used = kind == FCACHE_SCOPE_TAG ? TAG_BYTES : DIGEST_BYTES;
    memcpy(space, soft ? "{fcache}s:" : "{fcache}h:", START_LEN);
    fcache_base64url(fcache_bytes(digest, used), space + START_LEN);
    return fcache_bytes(space, START_LEN + FCACHE_BASE64URL_LEN(used));
}

fcache_bytes_t fcr_counter_name(const fcache_scope_t *scope,
                                char space[FCR_COUNTER_MAX])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    return digest_scope(scope, digest)
               ? write_name(scope->kind, scope->soft, digest, space)
               : fcache_bytes(NULL, 0);
}

/* Of the wide scopes two may have one mark: rarely, and then the second of them
 * costs a miss, as its counter is taken for one that was made. */
static uint32_t mark_of(fcache_scope_kind_t kind, const unsigned char *digest)
{
    uint32_t number = (uint32_t)digest[0] << 8 | digest[1];
    uint32_t wide = number << 16 | (uint32_t)digest[2] << 8 | digest[3];
    return kind == FCACHE_SCOPE_TAG ? number
                                    : FCR_TAG_COUNTERS + wide % WIDE_MARKS;
}

/* Stores that take several names take each once. */
static int has(const fcr_counters_t *counters, fcache_bytes_t name)
{
    size_t i = 0;
    while (i < counters->count &&
           !fcache_bytes_equal(counters->names[2 * i], name)) {
        i++;
    }
    return i < counters->count;
}

static fcache_status_t add_scope(fcr_counters_t *counters,
                                 const fcache_scope_t *scope,
                                 fcache_error_t *error)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t at = counters->count;
    if (!digest_scope(scope, digest)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for the names of counters");
    }
    for (size_t soft = 0; soft < 2; soft++) {
        counters->names[2 * at + soft] = write_name(
            scope->kind, soft == 1, digest, counters->text[2 * at + soft]);
    }
    counters->marks[at] = mark_of(scope->kind, digest);
    counters->count += !has(counters, counters->names[2 * at]);
    return FCACHE_OK;
}

static fcache_status_t add_tags(const fcr_scopes_t *scopes, fcr_counters_t *out,
                                fcache_error_t *error)
{
    size_t offset = 0;
    size_t count = 0;
    fcache_bytes_t tag;
    fcache_status_t status = FCACHE_OK;
    int more = fcache_entry_list_next(scopes->tags, &offset, &tag);
    for (; more > 0 && count < FCR_TAGS_MAX && status == FCACHE_OK; count++) {
        const fcache_scope_t scope = {
            .kind = FCACHE_SCOPE_TAG, .prefix = scopes->prefix, .tag = tag};
        status = add_scope(out, &scope, error);
        more = fcache_entry_list_next(scopes->tags, &offset, &tag);
    }
    return status == FCACHE_OK && more != 0
               ? fcache_error_set(error, FCACHE_CORRUPT, "no list of tags")
               : status;
}

fcache_status_t fcr_counters_of(const fcr_scopes_t *scopes, fcr_counters_t *out,
                                fcache_error_t *error)
{
    const fcache_scope_t wide[] = {
        {.kind = FCACHE_SCOPE_ALL},
        {.kind = FCACHE_SCOPE_PREFIX, .prefix = scopes->prefix},
        {.kind = FCACHE_SCOPE_NAMESPACE,
         .prefix = scopes->prefix,
         .ns = scopes->ns},
    };
    fcache_status_t status = FCACHE_OK;
    out->count = 0;
    for (size_t i = 0;
         i < sizeof(wide) / sizeof(wide[0]) && status == FCACHE_OK; i++) {
        status = add_scope(out, &wide[i], error);
    }
    return status == FCACHE_OK ? add_tags(scopes, out, error) : status;
}

/* ---- which are known to exist -------------------------------------------- */

int fcr_marked(const fcn_shared_t *shared, uint32_t clock_no, uint32_t mark)
{
    return atomic_load(&shared->marks[clock_no][mark / 64]) >> mark % 64 & 1;
}

void fcr_mark(fcn_shared_t *shared, uint32_t clock_no, uint32_t mark,
              int exists)
{
    _Atomic uint64_t *word = &shared->marks[clock_no][mark / 64];
    uint64_t bit = UINT64_C(1) << mark % 64;
    if (fcr_marked(shared, clock_no, mark) == exists) {
        return; /* nothing is written to what all processors share */
    }
    if (exists) {
        atomic_fetch_or(word, bit);
    } else {
        atomic_fetch_and(word, ~bit);
    }
}

void fcr_marks_forget(fcn_shared_t *shared, uint32_t clock_no)
{
    for (size_t i = 0; i < FCN_MARKS / 64; i++) {
        atomic_store(&shared->marks[clock_no][i], 0);
    }
}

void fcr_marks_age(fcn_shared_t *shared, uint32_t clock_no, int64_t now_us)
{
    int64_t since_us = atomic_load(&shared->marked_us[clock_no]);
    int64_t age_us = now_us > since_us ? now_us - since_us : since_us - now_us;
    if (age_us >= FCR_MARKS_US &&
        atomic_compare_exchange_strong(&shared->marked_us[clock_no], &since_us,
                                       now_us)) {
        fcr_marks_forget(shared, clock_no);
    }
}
