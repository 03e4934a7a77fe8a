/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include <apr_time.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_US    1000000 /* requests wait for the first ones */
#define EARLY_S     300     /* before they expire */
#define IDLE_S      300     /* between two looks at a file */
#define PAUSE_MIN_S 1       /* between two tries */
#define PAUSE_MAX_S 60
#define NS_PER_US   1000
#define US_PER_S    1000000

struct fcd_credentials_t {
    const fcd_source_t *source;
    fcache_bytes_t region;
    fcn_deadline_t patience; /* nobody waits after it */
    pthread_t thread;
    int has_thread;
    atomic_int is_over;

    pthread_mutex_t mutex; /* of all below; never held while asking */
    pthread_cond_t changed;
    fcd_secret_t secret;
    uint64_t version; /* 0: none yet */
    fcd_signing_key_t key;
    uint64_t key_version; /* of the secret that it was derived from */
    int is_unwanted;      /* refused by the service, or expired */
    unsigned failures;    /* in a row */
    fcache_error_t error; /* of the last */
};

/* ---- the thread ---------------------------------------------------------- */

/* Until that time of the monotonic clock, or a change. Holds the mutex. */
static void wait_until(fcd_credentials_t *self, int64_t at_us)
{
    struct timespec until = {
        .tv_sec = (time_t)(at_us / US_PER_S),
        .tv_nsec = (long)(at_us % US_PER_S) * NS_PER_US,
    };
    pthread_cond_timedwait(&self->changed, &self->mutex, &until);
}

/* Seconds until they should be asked for again. Holds the mutex. */
static int64_t pause_s(const fcd_credentials_t *self)
{
    int64_t left_s = IDLE_S;
    int64_t least_s = PAUSE_MIN_S;
    if (self->failures > 0) {
        unsigned doublings = self->failures < 7 ? self->failures - 1 : 6;
        least_s = INT64_C(1) << doublings;
        return least_s < PAUSE_MAX_S ? least_s : PAUSE_MAX_S;
    }
    if (self->secret.expires_s > 0) {
        left_s =
            self->secret.expires_s - apr_time_sec(apr_time_now()) - EARLY_S;
    }
    return left_s > least_s ? left_s : least_s;
}

/* Holds the mutex, but not while it asks. */
static void load(fcd_credentials_t *self)
{
    fcd_secret_t fresh;
    fcache_error_t error = {""};
    pthread_mutex_unlock(&self->mutex);
    fcache_status_t status =
        fcd_source_load(self->source, &self->is_over, &fresh, &error);
    pthread_mutex_lock(&self->mutex);
    if (status == FCACHE_OK) {
        self->secret = fresh;
        self->version++;
        self->failures = 0;
    } else {
        self->failures++;
        self->error = error;
    }
    self->is_unwanted = 0;
    fcd_secret_erase(&fresh);
    pthread_cond_broadcast(&self->changed);
}

static void *keep_fresh(void *baton)
{
    fcd_credentials_t *self = baton;
    pthread_mutex_lock(&self->mutex);
    int64_t next_us =
        self->version ? fcn_clock_us() + pause_s(self) * US_PER_S : 0;
    int64_t tried_us = INT64_MIN / 2;
    while (!atomic_load(&self->is_over)) {
        int64_t due_us = next_us;
        if (self->is_unwanted) {
            due_us = tried_us + PAUSE_MIN_S * US_PER_S;
        }
        if (fcn_clock_us() < due_us) {
            wait_until(self, due_us);
            continue;
        }
        load(self);
        tried_us = fcn_clock_us();
        next_us = tried_us + pause_s(self) * US_PER_S;
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

/* Signals are for the server's own threads. */
static int start(fcd_credentials_t *self)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    self->has_thread =
        pthread_create(&self->thread, NULL, keep_fresh, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return self->has_thread;
}

static apr_status_t stop(void *baton)
{
    fcd_credentials_t *self = baton;
    if (self->has_thread) {
        pthread_mutex_lock(&self->mutex);
        atomic_store(&self->is_over, 1);
        pthread_cond_broadcast(&self->changed);
        pthread_mutex_unlock(&self->mutex);
        pthread_join(self->thread, NULL);
    }
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    OPENSSL_cleanse(self, sizeof(*self));
    free(self);
    return APR_SUCCESS;
}

static int init_locks(fcd_credentials_t *self)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes)) {
        return 0;
    }
    int done = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
               pthread_cond_init(&self->changed, &attributes) == 0 &&
               pthread_mutex_init(&self->mutex, NULL) == 0;
    pthread_condattr_destroy(&attributes);
    return done;
}

/* ---- callers ------------------------------------------------------------- */

fcache_status_t fcd_credentials_create(const fcd_source_t *source,
                                       const fcd_secret_t *first,
                                       const char *region,
                                       fcd_credentials_t **out_credentials,
                                       apr_pool_t *pool, fcache_error_t *error)
{
    fcd_credentials_t *self = calloc(1, sizeof(*self));
    if (!self || !init_locks(self)) {
        free(self);
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no memory for credentials");
    }
    apr_pool_cleanup_register(pool, self, stop, apr_pool_cleanup_null);
    self->source = source;
    self->region = fcache_str(region);
    self->patience = fcn_deadline_in(FIRST_US);
    if (first) {
        self->secret = *first;
        self->version = 1;
    }
    if (source->kind != FCD_SOURCE_ENV && !start(self)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no thread for credentials");
    }
    *out_credentials = self;
    return FCACHE_OK;
}

/* Others are to be gotten now. Holds the mutex. */
static void want_others(fcd_credentials_t *self)
{
    if (self->has_thread) {
        self->is_unwanted = 1;
        pthread_cond_broadcast(&self->changed);
    }
}

/* Holds the mutex. */
static fcache_status_t check(fcd_credentials_t *self, int64_t now_s,
                             fcache_error_t *error)
{
    if (self->version == 0) {
        return fcache_error_set(error, FCACHE_UNAVAILABLE,
                                "no AWS credentials: %s",
                                self->failures ? self->error.text : "none yet");
    }
    if (self->secret.expires_s > 0 && self->secret.expires_s <= now_s) {
        if (!self->failures) { /* sooner than the thread thought */
            want_others(self);
        }
        return fcache_error_set(
            error, FCACHE_UNAVAILABLE, "the AWS credentials have expired: %s",
            self->failures ? self->error.text : "no newer ones yet");
    }
    return FCACHE_OK;
}

/* Holds the mutex. */
static fcache_status_t derive(fcd_credentials_t *self, const char *stamp,
                              fcache_error_t *error)
{
    if (self->key_version == self->version &&
        memcmp(self->key.date, stamp, FCD_DATE_LEN) == 0) {
        return FCACHE_OK;
    }
    self->key_version = 0;
    if (!fcd_signing_key(fcache_str(self->secret.key), stamp, self->region,
                         fcache_str("dynamodb"), &self->key)) {
        return fcache_error_set(error, FCACHE_NO_MEMORY,
                                "no key to sign requests with");
    }
    self->key_version = self->version;
    return FCACHE_OK;
}

fcache_status_t fcd_credentials_get(fcd_credentials_t *self, const char *stamp,
                                    int64_t now_s, fcn_deadline_t deadline,
                                    fcd_pass_t *out_pass, fcache_error_t *error)
{
    deadline = fcn_deadline_sooner(deadline, self->patience);
    pthread_mutex_lock(&self->mutex);
    while (self->version == 0 && self->failures == 0 && self->has_thread &&
           fcn_deadline_left_ms(deadline) > 0) {
        wait_until(self, deadline.at_us);
    }
    fcache_status_t status = check(self, now_s, error);
    if (status == FCACHE_OK) {
        status = derive(self, stamp, error);
    }
    if (status == FCACHE_OK) {
        memcpy(out_pass->key_id, self->secret.key_id, sizeof(out_pass->key_id));
        memcpy(out_pass->token, self->secret.token, sizeof(out_pass->token));
        out_pass->key = self->key;
        out_pass->version = self->version;
    }
    pthread_mutex_unlock(&self->mutex);
    return status;
}

void fcd_pass_erase(fcd_pass_t *pass)
{
    OPENSSL_cleanse(pass, sizeof(*pass));
}

void fcd_credentials_renew(fcd_credentials_t *self, uint64_t version)
{
    pthread_mutex_lock(&self->mutex);
    if (version == self->version) {
        want_others(self);
    }
    pthread_mutex_unlock(&self->mutex);
}
