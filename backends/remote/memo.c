/* SPDX-License-Identifier: Apache-2.0 */
#include "memo.h"

#include <openssl/rand.h>

#include <pthread.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define STRIPES 64
#define SLOTS   256 /* in each: about 400 KB in all */

typedef struct slot_t {
    fcr_memo_key_t key;
    uint64_t clock; /* 0: empty; the lowest bit: soft */
} slot_t;

typedef struct stripe_t {
    pthread_mutex_t lock;
    slot_t slots[SLOTS];
} stripe_t;

struct fcr_memo_t {
    unsigned char secret[XXH3_SECRET_SIZE_MIN];
    stripe_t stripes[STRIPES];
};

static apr_status_t destroy(void *data)
{
    fcr_memo_t *memo = data;
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_destroy(&memo->stripes[i].lock);
    }
    return APR_SUCCESS;
}

fcr_memo_t *fcr_memo_create(apr_pool_t *pool)
{
    fcr_memo_t *memo = apr_pcalloc(pool, sizeof(*memo));
    if (!memo || RAND_bytes(memo->secret, sizeof(memo->secret)) != 1) {
        return NULL;
    }
    for (size_t i = 0; i < STRIPES; i++) {
        pthread_mutex_init(&memo->stripes[i].lock, NULL);
    }
    apr_pool_cleanup_register(pool, memo, destroy, apr_pool_cleanup_null);
    return memo;
}

static XXH128_hash_t keyed(const fcr_memo_t *memo, const void *bytes,
                           size_t len)
{
    return XXH3_128bits_withSecret(bytes, len, memo->secret,
                                   sizeof(memo->secret));
}

fcr_memo_key_t fcr_memo_key(const fcr_memo_t *memo, uint32_t clock_no,
                            fcache_bytes_t name, fcache_bytes_t stamp)
{
    XXH128_hash_t parts[3] = {keyed(memo, name.ptr, name.len),
                              keyed(memo, stamp.ptr, stamp.len),
                              {clock_no, 0}};
    XXH128_hash_t hash = keyed(memo, parts, sizeof(parts));
    return (fcr_memo_key_t){hash.low64, hash.high64};
}

static stripe_t *stripe_of(fcr_memo_t *memo, fcr_memo_key_t key)
{
    return &memo->stripes[key.low % STRIPES];
}

static slot_t *slot_of(stripe_t *stripe, fcr_memo_key_t key)
{
    return &stripe->slots[key.low / STRIPES % SLOTS];
}

int fcr_memo_find(fcr_memo_t *memo, fcr_memo_key_t key, uint64_t clock,
                  int *out_soft)
{
    stripe_t *stripe = stripe_of(memo, key);
    pthread_mutex_lock(&stripe->lock);
    slot_t slot = *slot_of(stripe, key);
    pthread_mutex_unlock(&stripe->lock);
    *out_soft = (int)(slot.clock & 1);
    return slot.clock && slot.key.low == key.low && slot.key.high == key.high &&
           slot.clock >> 1 >= clock;
}

void fcr_memo_keep(fcr_memo_t *memo, fcr_memo_key_t key, uint64_t clock,
                   int soft)
{
    stripe_t *stripe = stripe_of(memo, key);
    pthread_mutex_lock(&stripe->lock);
    *slot_of(stripe, key) = (slot_t){key, clock << 1 | (soft ? 1u : 0u)};
    pthread_mutex_unlock(&stripe->lock);
}
